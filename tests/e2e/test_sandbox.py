# SPDX-License-Identifier: BSD-2-Clause
"""What the running daemon has given up, tried from inside it; and all that it
still needs: mail, a reload, the log, a database in a file and one on a server."""
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
from unittest import mock

from support import ports
from support.daemon import USER, Daemon
from support.lab import Lab
from support.pgserver import PgServer
from support.threads import of_threads
from support.wait import PATIENCE_S, until

HERE = pathlib.Path(__file__).resolve().parent
LINE = "p7-dyn100.example.net"
MINUTE = 60
# Linux: what a kernel without Landlock, and one with it, says of an open().
REFUSED, GRANTED = "Permission denied", "done"
NOT_THERE = "Function not implemented"
CLONE3 = "435"
LOGGED = "/proc/sys/kernel/seccomp/actions_logged"


def has_landlock():
    try:
        return "landlock" in pathlib.Path("/sys/kernel/security/lsm").read_text()
    except OSError:
        pass
    # Not everybody sees that file: the call itself tells its version.
    done = subprocess.run(
        ["/usr/bin/python3", "-c",
         "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))"],
        capture_output=True, text=True, check=True)
    return int(done.stdout) > 0


class AuditLog:
    """What the kernel writes to its audit log from here on (audit.h of Linux)."""

    PROTOCOL, READERS = 9, 1  # NETLINK_AUDIT, AUDIT_NLGRP_READLOG

    def __init__(self, test):
        if "errno" not in pathlib.Path(LOGGED).read_text().split():
            test.skipTest("SKIPPED: %s is without errno" % LOGGED)
        try:
            self.line = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, self.PROTOCOL)
            test.addCleanup(self.line.close)
            # SO_RCVBUFFORCE: other programs of the host are in it too
            self.line.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)
            self.line.bind((0, self.READERS))
        except OSError as error:
            test.skipTest("SKIPPED: the audit log cannot be read here: %s" % error)
        self.line.settimeout(PATIENCE_S)

    def calls_until(self, pid, is_last):
        """Numbers of pid's system calls in it, up to one of which is_last(number) holds."""
        found = []
        while not found or not is_last(found[-1]):
            text = self.line.recv(1 << 16).decode(errors="replace")
            found += re.findall(r" pid=%d .* syscall=(\d+) " % pid, text)
        return found


class Tried(Daemon):
    """One whose main thread tries what a stranger in it would, see try_forbidden.c."""

    def environment(self):
        return dict(super().environment(), LD_PRELOAD=str(self.root / "try.so"),
                    TRY_FORBIDDEN=str(self.root / "tried"),
                    TRY_SOCKET_FOLDER=str(self.socket.parent),
                    TRY_OUTSIDE=str(self.outside),
                    ASAN_OPTIONS="detect_leaks=0:verify_asan_link_order=0")

    def prepare(self):
        shim = self.root / "try.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(shim),
                        str(HERE / "try_forbidden.c")], check=True)
        shim.chmod(0o755)
        tried = self.root / "tried"
        tried.touch()
        tried.chmod(0o666)

    def tried(self):
        """{what: how it ended}"""
        path = self.root / "tried"
        until(lambda: "end: " in path.read_text(), "all of it to be tried")
        return dict(line.split(": ", 1) for line in path.read_text().splitlines())


class Forbidden(unittest.TestCase):
    def start(self, settings=None):
        lab = Lab()
        self.addCleanup(lab.close)
        lab.daemon = Tried(lab.root, lab.daemon.socket, lab.clock, settings=settings)
        lab.daemon.prepare()
        lab.daemon.outside = self.outside()
        lab.daemon.start()
        return lab.daemon

    def outside(self):
        """A folder that everybody may write to, and no setting names."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="targrey-outside-"))
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o777)
        (folder / "file").write_text("x")
        return folder

    def test_no_program_no_process_no_other_s_memory_no_file_elsewhere(self):
        daemon = self.start()
        tried = daemon.tried()
        for what in ("exec", "fork", "ptrace", "kill", "process_vm_readv", "mount",
                     "bpf", "raw socket", "setrlimit"):
            self.assertEqual(tried[what], NOT_THERE, what)
        self.assertEqual(tried["thread"], GRANTED)
        self.assertEqual(tried["read the rules"], GRANTED)
        self.assertEqual(tried["make beside the socket"], GRANTED)
        if not has_landlock():
            self.skipTest("SKIPPED: this kernel has no Landlock")
        for what in ("read elsewhere", "make elsewhere", "remove elsewhere",
                     "list /home", "write to /etc"):
            self.assertEqual(tried[what], REFUSED, what)
        # It goes on as if nothing had been.
        self.assertTrue(daemon.answers())
        self.assertEqual(daemon.complaints(), [])

    def test_with_the_key_switched_off_all_of_it_works(self):
        daemon = self.start({"sandbox": False})
        tried = daemon.tried()
        for what in ("exec", "fork", "ptrace", "kill", "read elsewhere",
                     "make elsewhere", "remove elsewhere"):
            self.assertEqual(tried[what], GRANTED, what)
        self.assertIn("sandbox: off", daemon.log())

    def test_a_refused_call_is_in_the_audit_log_and_a_started_thread_is_not(self):
        audit = AuditLog(self)
        daemon = self.start()
        daemon.tried()
        # All threads were started before main has tried anything.
        calls = audit.calls_until(daemon.pid, lambda number: number != CLONE3)
        self.assertNotIn(CLONE3, calls)

    def test_every_thread_has_it(self):
        daemon = self.start()
        for text in of_threads(daemon.pid, "status").values():
            status = dict(line.split(":\t", 1) for line in text.splitlines())
            self.assertEqual((status["Seccomp"], status["NoNewPrivs"]), ("2", "1"),
                             status["Name"])
        told = daemon.ctl("status")["daemon"]["sandbox"]
        self.assertTrue(told.startswith("seccomp"), told)


class Needed(unittest.TestCase):
    def lab(self, settings=None, **more):
        lab = Lab(settings, **more)
        self.addCleanup(lab.close)
        return lab.start()

    def greylist(self, lab):
        """A suspect's three tries; the last gets through, on record."""
        client, you = lab.client(LINE), "you@example.jp"
        for pause, code in ((31, 450), (2, 450), (0, 250)):
            client.try_one("a@example.com", you).expect(code)
            lab.clock.advance(pause * MINUTE)
        stamp = lab.stamp(you)
        self.assertEqual((stamp["grey"], stamp["fault"]), ("passed", "none"))
        return stamp

    def check_calm(self, lab):
        self.assertEqual(lab.daemon.complaints(), [])
        self.assertNotIn("not implemented", lab.daemon.log())
        self.assertNotIn("ermission denied", lab.daemon.log())

    def test_reload_reads_what_postfix_has_set_by_now(self):
        lab = self.lab({"mode": "rgrey", "exempt_networks": ["postfix:mynetworks"]},
                       daemon=True)
        conf = lab.root / "asked"
        conf.mkdir()
        self.write_main_cf(conf, "127.0.0.1/32")
        lab.daemon.mail_config = conf
        lab.daemon.restart()
        suspect = lab.client(LINE)
        suspect.try_one("a@example.com", "one@example.jp").expect(450)
        self.write_main_cf(conf, "127.0.0.1/32, %s/32" % suspect.source)
        lab.daemon.reload()
        suspect.try_one("a@example.com", "one@example.jp").expect(250)
        self.check_calm(lab)
        self.assertNotIn("cannot run postconf", lab.daemon.log())

    def write_main_cf(self, folder, networks):
        (folder / "main.cf").write_text(
            "compatibility_level = 3.6\nmynetworks = %s\n" % networks)
        folder.chmod(0o755)

    def test_a_reload_without_its_helper_says_so_and_keeps_what_is_exempt(self):
        lab = self.lab({"exempt_networks": ["postfix:mynetworks"], "mode": "rgrey"})
        conf = lab.root / "asked"
        conf.mkdir()
        scanner = lab.client(LINE)
        self.write_main_cf(conf, "127.0.0.1/32, %s/32" % scanner.source)
        lab.daemon.mail_config = conf
        lab.daemon.restart()
        helpers = subprocess.run(["ps", "-o", "pid=", "--ppid", str(lab.daemon.pid)],
                                 capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual(len(helpers), 1)
        os.kill(int(helpers[0]), signal.SIGKILL)
        lab.daemon.reload()
        self.assertIn("cannot run postconf", lab.daemon.log())
        self.assertIn("nothing changed: exempt_networks: postconf", lab.daemon.log())
        scanner.try_one("a@example.com", "one@example.jp").expect(250)

    def test_the_helper_ends_with_a_daemon_that_was_killed(self):
        lab = self.lab()
        helper = subprocess.run(["ps", "-o", "pid=", "--ppid", str(lab.daemon.pid)],
                                capture_output=True, text=True, check=True).stdout.strip()
        self.assertTrue(helper)
        lab.daemon.kill9()
        until(lambda: not pathlib.Path("/proc", helper, "stat").exists() or
              pathlib.Path("/proc", helper, "stat").read_text().split()[2] == "Z",
              "the helper to end")

    def test_a_reload_that_names_a_file_elsewhere_says_that_it_takes_a_restart(self):
        if not has_landlock():
            self.skipTest("SKIPPED: this kernel has no Landlock")
        lab = self.lab()
        elsewhere = pathlib.Path(tempfile.mkdtemp(prefix="targrey-else-"))
        self.addCleanup(subprocess.run, ["rm", "-r", str(elsewhere)], check=True)
        elsewhere.chmod(0o755)
        (elsewhere / "list").write_text("192.0.2.1\n")
        lab.daemon.reload({"allow": {"files": [str(elsewhere / "list")]}})
        self.assertIn("nothing changed", lab.daemon.log())
        self.assertIn("restart targreyd: targrey.conf(5), sandbox", lab.daemon.log())
        lab.daemon.restart()
        lab.daemon.reload()
        self.assertIn("reloaded", lab.daemon.log())

    def test_a_folder_of_the_database_that_was_replaced_ends_the_daemon(self):
        if not has_landlock():
            self.skipTest("SKIPPED: this kernel has no Landlock")
        lab = self.lab()
        folder = lab.daemon.database.parent
        status = folder.stat()
        folder.rename(lab.root / "before")
        folder.mkdir(mode=0o750)
        os.chown(folder, status.st_uid, status.st_gid)
        until(lambda: not lab.daemon.is_alive(), "the daemon to end")
        self.assertIn("has been replaced by another folder", lab.daemon.log())
        lab.daemon.start()
        self.assertTrue(lab.daemon.answers())

    def test_a_database_on_a_server_by_a_local_socket(self):
        with PgServer("fsync=off") as server:
            lab = self.lab({"mode": "rgrey",
                            "store": {"url": server.url(), "timeout": "5s"}})
            self.greylist(lab)
            self.check_calm(lab)
            lab.close()

    def test_a_database_on_a_server_by_tcp_and_tls(self):
        folder, certificate = self.certificate()
        port = ports.book()
        self.addCleanup(ports.give_back, port)
        with mock.patch.dict(os.environ, {"PGPORT": str(port)}), PgServer(
                "fsync=off", "port=%d" % port, "listen_addresses='127.0.0.1'", "ssl=on",
                "ssl_cert_file='%s'" % certificate,
                "ssl_key_file='%s/key'" % folder) as server:
            name = server.url().split("///")[1].split("?")[0]
            lab = self.lab({"mode": "rgrey", "store": {
                "url": "postgresql://postgres@localhost:%d/%s?sslmode=verify-full"
                       "&sslrootcert=%s" % (port, name, certificate),
                "timeout": "5s"}})
            self.greylist(lab)
            self.assertEqual(server.ask(
                "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity"
                " USING (pid) WHERE datname = '%s' AND client_addr IS NOT NULL"
                % name, name), ["t"])
            self.check_calm(lab)
            lab.close()
            self.check_password(server, port, certificate)

    def check_password(self, server, port, certificate):
        """The server asks for a password; a service file says where all of it is, or
        the URL does, as in docs/several-mx.md."""
        name = server.url().split("///")[1].split("?")[0]
        server.ask("CREATE ROLE targrey LOGIN PASSWORD 'verysecret'")
        server.ask("ALTER DATABASE %s OWNER TO targrey" % name)
        access = pathlib.Path(server.folder, "data/pg_hba.conf")
        access.write_text("hostssl all targrey 127.0.0.1/32 scram-sha-256\n" +
                          access.read_text())
        server.ask("SELECT pg_reload_conf()")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="targrey-pass-"))
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o755)
        user = pwd.getpwnam(USER)
        for file, text in (
                ("pgpass", "localhost:%d:%s:targrey:verysecret\n" % (port, name)),
                ("service", "[targrey]\nhost=localhost\nport=%d\ndbname=%s\n"
                            "user=targrey\nsslmode=verify-full\nsslrootcert=%s\n"
                            % (port, name, certificate))):
            (folder / file).write_text(text)
            (folder / file).chmod(0o600)
            os.chown(folder / file, user.pw_uid, user.pw_gid)
        self.check_secret(server, name, "postgresql:///?service=targrey", {
            "PGPASSFILE": str(folder / "pgpass"),
            "PGSERVICEFILE": str(folder / "service")})
        self.check_secret(
            server, name, "postgresql://targrey@localhost:%d/%s?sslmode=verify-full"
            "&sslrootcert=%s&passfile=%s/pgpass" % (port, name, certificate, folder), {})

    def check_secret(self, server, name, url, environment):
        with mock.patch.dict(os.environ, environment):
            lab = self.lab({"mode": "rgrey", "store": {"url": url, "timeout": "5s"}})
            self.greylist(lab)
            self.assertIn("127.10.1", str(lab.daemon.ctl("list", "triplets")))
        self.assertEqual(server.ask(
            "SELECT DISTINCT usename, ssl FROM pg_stat_ssl JOIN pg_stat_activity"
            " USING (pid) WHERE datname = '%s' AND client_addr IS NOT NULL"
            % name, name), ["targrey|t"])
        self.check_calm(lab)
        self.assertNotIn("verysecret", lab.daemon.log())
        self.assertNotIn("verysecret", subprocess.run(
            ["ps", "axww", "-o", "args"], check=True, capture_output=True,
            text=True).stdout)
        lab.close()
        server.ask("TRUNCATE triplet, address, event", name)

    def certificate(self):
        """(the server's folder, its certificate); the key is the server's alone."""
        folder = tempfile.mkdtemp(prefix="targrey-tls-")
        self.addCleanup(shutil.rmtree, folder)
        certificate = folder + "/certificate"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
             folder + "/key", "-out", certificate],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.chmod(folder, 0o755)
        os.chmod(folder + "/key", 0o600)
        if os.getuid() == 0:
            os.chown(folder + "/key", pwd.getpwnam("postgres").pw_uid, -1)
        return folder, certificate

    def test_files_of_the_database_grow_and_are_set_aside(self):
        lab = self.lab({"mode": "rgrey"})
        self.greylist(lab)
        lab.daemon.stop()
        with open(lab.daemon.database, "r+b") as file:
            file.seek(100)
            file.write(b"\xff" * 8000)
        lab.daemon.start()
        self.assertTrue(list(lab.daemon.database.parent.glob("*.corrupt-*")))
        self.greylist(lab)
        self.check_calm(lab)


if __name__ == "__main__":
    unittest.main()
