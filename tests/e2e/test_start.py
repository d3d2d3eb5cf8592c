# SPDX-License-Identifier: BSD-2-Clause
"""What keeps the daemon from starting, and what it says then."""
import grp
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import unittest

from support.daemon import USER, Daemon, Raw
from support.wait import until

HERE = pathlib.Path(__file__).resolve().parent


class Start(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="targrey-"))
        self.root.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)

    def daemon(self, settings=None):
        return Daemon(self.root, self.root / "s" / "targrey.sock", None, settings)

    def refused(self, daemon):
        """Starts it; it must end by itself. Returns what it said."""
        process = daemon.spawn()
        self.addCleanup(process.kill)
        self.assertNotEqual(process.wait(60), 0)
        self.assertEqual(daemon.complaints(), [])
        self.assertFalse(daemon.socket.is_socket(), "it left a socket")
        return daemon.log()

    def test_a_mistake_names_file_line_key_and_what_is_allowed(self):
        cases = [
            ({"mode": "nonsense"}, "mode", "starpit"),
            ({"tarpit": {"hold": "500s"}}, "hold", "4m"),
            ({"tarpit": {"max_sessions": 0}}, "max_sessions", "10000"),
            ({"greylist": {"retry_count": Raw("many")}}, "retry_count", ""),
            ({"exempt_networks": ["10.0.0.0/40"]}, "exempt_networks", ""),
            ({"no_such_key": 1}, "no_such_key", ""),
            ({"store": {"url": "mysql://x"}}, "url", "sqlite"),
        ]
        for settings, key, allowed in cases:
            daemon = self.daemon(settings)
            line = 1 + next(
                number for number, text in enumerate(
                    daemon.conf.read_text().splitlines()) if key in text)
            said = self.refused(daemon)
            self.assertIn("%s:%d" % (daemon.conf, line), said)
            self.assertIn(key, said)
            self.assertIn(allowed, said)
            self.assertEqual(daemon.check()[0] != 0, True)
            daemon.log_file.unlink()

    def test_the_longest_path_that_the_check_takes_starts(self):
        folder = str(self.root / "s") + "/"
        longest = folder + "x" * (96 - len(folder))
        daemon = Daemon(self.root, pathlib.Path(longest), None)
        self.assertEqual(daemon.check()[0], 0)
        daemon.start()
        self.assertTrue(daemon.answers())
        daemon.stop()
        daemon = Daemon(self.root, pathlib.Path(longest + "x"), None)
        code, said = daemon.check()
        self.assertNotEqual(code, 0)
        self.assertIn("the path is longer than 96 octets", said)
        self.assertIn("the path is longer than 96 octets", self.refused(daemon))

    def test_the_check_finds_what_the_start_refuses(self):
        """Each mistake alone: -T and a start both fail, and say the same."""
        def rules_of_root(daemon):
            rules = self.root / "rules"
            shutil.copy(HERE.parent.parent / "conf" / "s25r.rules", rules)
            rules.chmod(0o600)
            daemon.write({"suspects": {"s25r": str(rules)}})

        def folder_of_root(daemon):
            os.chown(daemon.socket.parent, 0, 0)
        cases = [
            (lambda d: d.write({"user": "no-such-user"}), "no-such-user"),
            (lambda d: d.write({"socket_group": "no-such-group"}), "no-such-group"),
            (lambda d: d.socket.parent.rmdir(), "No such file"),
            (folder_of_root, "Permission denied"),
            (rules_of_root, "Permission denied"),
            (lambda d: os.chown(d.database.parent, 0, 0), "Permission denied"),
        ]
        for break_it, wanted in cases:
            shutil.rmtree(self.root)
            self.root.mkdir(mode=0o755)
            daemon = self.daemon()
            self.assertEqual(daemon.check()[0], 0, daemon.check()[1])
            break_it(daemon)
            code, said = daemon.check()
            self.assertEqual(code, 1, said)
            self.assertIn(wanted, said)
            self.assertIn(wanted, self.refused(daemon))

    def test_the_check_names_key_and_line_of_what_is_missing(self):
        daemon = self.daemon({"suspects": {"s25r": "/nonexistent/rules"}})
        line = 1 + next(number for number, text in enumerate(
            daemon.conf.read_text().splitlines()) if "s25r =" in text)
        wanted = "%s:%d: suspects.s25r: /nonexistent/rules: No such file" % (
            daemon.conf, line)
        self.assertIn(wanted, daemon.check()[1])
        self.assertIn(wanted, self.refused(daemon))

    def test_a_failed_start_is_said_on_a_terminal_too(self):
        daemon = self.daemon({"log": "syslog", "user": "no-such-user"})
        outer, inner = os.openpty()
        done = subprocess.run([str(daemon.binary), "-f", str(daemon.conf)],
                              stdin=subprocess.DEVNULL, stdout=inner, stderr=inner,
                              timeout=60, check=False)
        os.close(inner)
        said = os.read(outer, 4096).decode()
        os.close(outer)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot start: ", said)
        self.assertIn("no-such-user", said)

    def test_help_and_version_have_long_names(self):
        for option, wanted in (("--help", "usage: targreyd"), ("-h", "usage:"),
                               ("--version", "targreyd ")):
            done = subprocess.run([str(self.daemon().binary), option], text=True,
                                  capture_output=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), option)
            self.assertIn(wanted, done.stdout)

    def test_a_key_given_twice_is_a_mistake(self):
        daemon = self.daemon()
        with open(daemon.conf, "a", encoding="utf-8") as file:
            file.write('mode = "observe"\n')
        self.assertIn("mode", self.refused(daemon))

    def test_a_wrong_pattern_names_its_line_and_place(self):
        rules = self.root / "bad.rules"
        rules.write_text("# none yet\n1 ^a[b reason\n")
        said = self.refused(self.daemon({"suspects": {"s25r": str(rules)}}))
        self.assertIn("%s:2" % rules, said)

    def test_a_store_that_cannot_be_opened_is_named(self):
        daemon = self.daemon({"store": {"url": "sqlite:/nowhere/at/all.db"}})
        self.assertIn("/nowhere/at/all.db", self.refused(daemon))

    def test_a_store_that_is_no_database_is_refused(self):
        daemon = self.daemon()
        daemon.database.write_text("this is not a database\n" * 100)
        os.chmod(daemon.database, 0o666)
        self.assertIn(str(daemon.database), self.refused(daemon))

    def test_an_unknown_user_is_named(self):
        self.assertIn("nosuchuser", self.refused(self.daemon({"user": "nosuchuser"})))

    def test_a_refused_start_does_not_touch_standard_input(self):
        daemon = self.daemon({"user": "nosuchuser"})
        done = subprocess.run(
            [str(daemon.binary), "-f", str(daemon.conf)], input=b"A" * 64,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", timeout=60,
            env=daemon.environment(), check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"nosuchuser", done.stderr)

    def test_a_good_file_is_printed_by_the_check_and_accepted_again(self):
        daemon = self.daemon()
        code, text = daemon.check()
        self.assertEqual(code, 0, text)
        daemon.conf.write_text(text)
        again, said = daemon.check()
        self.assertEqual((again, said), (0, text))

    def test_the_socket_has_the_group_and_mode_that_postfix_needs(self):
        daemon = self.daemon({"socket_mode": "0660"})
        daemon.start()
        self.addCleanup(daemon.close)
        status = os.stat(daemon.socket)
        self.assertEqual(status.st_mode & 0o777, 0o660)
        self.assertEqual(grp.getgrnam("postfix").gr_gid, status.st_gid)

    def test_it_does_not_stay_root(self):
        daemon = self.daemon()
        daemon.start()
        self.addCleanup(daemon.close)
        status = pathlib.Path("/proc/%d/status" % daemon.pid).read_text()
        uids = next(line for line in status.splitlines() if line.startswith("Uid:"))
        self.assertNotIn("0", uids.split()[1:])

    def owners(self, daemon):
        """{name: user id} of everything beside the socket and the database."""
        found = {}
        for folder in (daemon.socket.parent, daemon.database.parent):
            for path in folder.rglob("*"):
                found[path.name] = path.lstat().st_uid
        return found

    def test_a_start_as_root_leaves_nothing_of_root_and_the_user_can_start_next(self):
        nobody = pwd.getpwnam(USER)
        daemon = self.daemon()
        daemon.start()
        self.addCleanup(daemon.close)
        names = self.owners(daemon)
        self.assertIn("targrey.sock.lock", names)
        self.assertIn("targrey.sock.private", names)
        self.assertEqual({nobody.pw_uid}, set(names.values()), names)
        daemon.stop()
        with open(daemon.log_file, "ab") as log:
            process = subprocess.Popen(
                [str(daemon.binary), "-f", str(daemon.conf)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=daemon.environment(), cwd="/",
                user=nobody.pw_uid, group=nobody.pw_gid,
                extra_groups=[grp.getgrnam("postfix").gr_gid])
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        until(lambda: process.poll() is not None or daemon.answers(), "it to answer")
        self.assertIsNone(process.poll(), daemon.log())

    def test_a_folder_with_its_group_gives_it_to_the_socket_of_a_user_outside_the_group(self):
        nobody, postfix = pwd.getpwnam(USER), grp.getgrnam("postfix").gr_gid
        daemon = self.daemon()
        daemon.socket.parent.chmod(0o2750)
        with open(daemon.log_file, "ab") as log:
            process = subprocess.Popen(
                [str(daemon.binary), "-f", str(daemon.conf)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=daemon.environment(), cwd="/",
                user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[])
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        until(lambda: process.poll() is not None or daemon.answers(), "it to answer")
        self.assertIsNone(process.poll(), daemon.log())
        status = daemon.socket.stat()
        self.assertEqual((nobody.pw_uid, postfix, 0o660),
                         (status.st_uid, status.st_gid, status.st_mode & 0o777))

    def test_a_lock_that_an_earlier_version_left_as_root_is_named_with_the_remedy(self):
        daemon = self.daemon()
        lock = daemon.socket.with_name("targrey.sock.lock")
        lock.touch(0o600)
        said = self.refused(daemon)
        self.assertIn(str(lock), said)
        self.assertIn("remove it", said)

    def test_an_old_socket_that_cannot_be_removed_is_named(self):
        daemon = self.daemon()
        lock = daemon.socket.with_name("targrey.sock.lock")
        lock.touch(0o600)
        private = daemon.socket.with_name("targrey.sock.private")
        private.mkdir(0o700)
        for path in lock, private:
            os.chown(path, pwd.getpwnam(USER).pw_uid, -1)
        with socket.socket(socket.AF_UNIX) as old:
            old.bind(str(daemon.socket))
        os.chown(daemon.socket.parent, 0, 0)
        daemon.socket.parent.chmod(0o755)
        process = daemon.spawn()
        self.addCleanup(process.kill)
        self.assertEqual(1, process.wait(60))
        self.assertIn("%s: left by an earlier start, cannot be removed: Permission denied"
                      % daemon.socket, daemon.log())

    def test_a_socket_that_is_swapped_for_a_link_changes_nothing_elsewhere(self):
        target = self.root / "shadow"
        target.write_text("root's alone\n")
        target.chmod(0o600)
        shim = self.root / "swap.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(shim), str(HERE / "swap_after_bind.c")],
                       check=True, timeout=60)
        daemon = self.daemon({"sandbox": False})
        environment = daemon.environment()
        environment.update({
            "LD_PRELOAD": str(shim), "SWAP_FOR": str(target),
            "ASAN_OPTIONS": environment["ASAN_OPTIONS"] + ":verify_asan_link_order=0"})
        daemon.environment = lambda: environment
        process = daemon.spawn()
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        until(lambda: process.poll() is not None or daemon.socket.is_symlink(), "the swap")
        until(lambda: process.poll() is not None or "listening on" in daemon.log(), "the start")
        self.assertTrue(daemon.socket.is_symlink(), daemon.log())
        status = target.stat()
        self.assertEqual((0o600, 0, 0), (status.st_mode & 0o777, status.st_uid, status.st_gid))

    def test_a_service_manager_is_told_of_start_life_reload_and_stop(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            path = self.root / "notify"
            manager.bind(str(path))
            path.chmod(0o666)
            manager.settimeout(60)
            daemon = self.daemon()
            environment = dict(daemon.environment(), NOTIFY_SOCKET=str(path))
            daemon.environment = lambda: environment
            daemon.start()
            self.addCleanup(daemon.close)

            def told(wanted):
                while True:
                    line = manager.recv(4096).decode()
                    if line.startswith(wanted):
                        return line
            self.assertIn("STATUS=mode targrey", told("READY=1\n"))
            told("WATCHDOG=1")
            told("WATCHDOG=1")
            daemon.reload({"mode": "observe"})
            told("STATUS=mode observe")
            daemon.reload({"mode": "nonsense"})
            self.assertIn("nonsense", told("STATUS=the last reload changed nothing"))
            daemon.stop()
            told("STOPPING=1")

    def test_a_service_manager_that_does_not_listen_is_named_once(self):
        daemon = self.daemon()
        environment = dict(daemon.environment(), NOTIFY_SOCKET=str(self.root / "nobody"))
        daemon.environment = lambda: environment
        daemon.start()
        self.addCleanup(daemon.close)
        daemon.reload({"mode": "observe"})
        daemon.stop()
        self.assertEqual(1, daemon.log().count("NOTIFY_SOCKET=%s" % (self.root / "nobody")), daemon.log())

    def test_a_second_one_on_the_same_database_is_refused(self):
        first = self.daemon()
        first.start()
        self.addCleanup(first.close)
        second_root = self.root / "second"
        second_root.mkdir()
        second = Daemon(second_root, second_root / "s" / "targrey.sock", None, {
            "store": {"url": "sqlite:%s" % first.database}})
        self.refused(second)
        self.assertTrue(first.answers())


if __name__ == "__main__":
    unittest.main()
