# SPDX-License-Identifier: BSD-2-Clause
"""What tests/bench/peers.py sets side by side: how each is started, filled, killed."""
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time

from support import ports
from support.daemon import BUILD, Daemon
from support.frames import NEGOTIATE
from support.postfix import MILTER, Service
from support.wait import until

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
# What the sender's domain has in DNS; nothing else has anything.
NAMES = {"example.com": {"A": ["198.18.0.5"], "MX": [[10, "mail.example.com"]]},
         "mail.example.com": {"A": ["198.18.0.5"]}}
QUESTION = ("request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
            "client_address=198.18.255.5\nclient_name=mail.example.net\nhelo_name=mail.example.net\n"
            "sender=start@example.net\nrecipient=start@example.jp\ninstance=start\n\n")


def tree(pid):
    """pid and all its descendants."""
    found, rest = [], [pid]
    while rest:
        pid = rest.pop()
        found.append(pid)
        for path in pathlib.Path("/proc/%d/task" % pid).glob("*/children"):
            try:
                rest += map(int, path.read_text().split())
            except OSError:
                pass
    return found


def asks(family, address, question):
    """The first octets of the answer, or none."""
    with socket.socket(family, socket.SOCK_STREAM) as line:
        line.settimeout(5)
        try:
            line.connect(address)
            line.sendall(question)
            return line.recv(64)
        except OSError:
            return b""


def answers_milter(path):
    return asks(socket.AF_UNIX, str(path), NEGOTIATE)[4:5] == b"O"


def answers_policy(port):
    return asks(socket.AF_INET, ("127.0.0.1", port), QUESTION.encode()).startswith(b"action=")


def owned(path, user):
    path.mkdir()
    person = pwd.getpwnam(user)
    os.chown(path, person.pw_uid, person.pw_gid)
    return path


def give(folder, user):
    for path in folder.iterdir():
        shutil.chown(path, user, pwd.getpwnam(user).pw_gid)


class Filter:
    """A peer: the settings of the smtpd that asks it; "none" is nothing more."""

    is_empty = True  # keeps nothing

    def __init__(self, name, options):
        self.name, self.service = name, Service(options)
        self.processes = []

    def pids(self):
        return [process.pid for process in self.processes]

    def begin(self):
        """Starts it; the milliseconds until it answered."""
        return 0

    def run(self, root, command, answers, umask=0):
        begun = time.monotonic()
        log = root / (self.name + ".log")
        with open(log, "ab") as out:
            process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, cwd="/", umask=umask, start_new_session=True)
        self.processes.append(process)
        until(lambda: process.poll() is not None or answers(), self.name,
              patience_s=600, pause_s=0.002)
        if process.poll() is not None:
            raise SystemExit("%s ended:\n%s" % (self.name, log.read_text()))
        return (time.monotonic() - begun) * 1000

    def kill(self, store=True):
        """As a crash of it, and of the store that it keeps elsewhere; begin() starts it again."""
        while len(self.processes) > (0 if store else 1):
            process = self.processes.pop()
            for pid in tree(process.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            process.wait()

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []


class Empty(Filter):
    """bench_lean, bench_noop"""

    def __init__(self, lab, name):
        super().__init__(name, {"smtpd_milters": "unix:peers/%s.sock" % name})
        self.root, self.path = lab.root, lab.postfix_root / "queue/peers" / (name + ".sock")

    def begin(self):
        return self.run(self.root, [BUILD / "bin" / ("bench_" + self.name), self.path],
                        lambda: answers_milter(self.path))


class Policy(Filter):
    """Asked by Postfix's policy protocol, over TCP as their packages have it."""

    is_empty = False

    def __init__(self, lab, name):
        self.root, self.port = lab.root, ports.book()
        super().__init__(name, {
            "smtpd_milters": "", "smtpd_recipient_restrictions":
            "check_policy_service inet:127.0.0.1:%d" % self.port})
        self.folder = owned(lab.root / name, name)

    def start_it(self, *command):
        return self.run(self.root, command, lambda: answers_policy(self.port), 0o022)


class Postgrey(Policy):
    """delay in seconds; None: its own"""

    def __init__(self, lab, delay):
        super().__init__(lab, "postgrey")
        self.more = [] if delay is None else ["--delay=%d" % delay]

    def begin(self):
        return self.start_it(
            "/usr/sbin/postgrey", "--inet=127.0.0.1:%d" % self.port, *self.more,
            "--dbdir=%s" % self.folder, "--user=postgrey", "--group=postgrey")

    def fill(self, count):
        """Its key is network/sender/recipient, its value first,last."""
        now = int(time.time())
        text = "".join("%s/%s/you@example.jp\n%d,%d\n" % (net, sender, now, now)
                       for net, sender in strangers(count))
        subprocess.run(["db5.3_load", "-T", "-t", "btree", str(self.folder / "postgrey.db")],
                       input=text, text=True, check=True)
        give(self.folder, "postgrey")


class Sqlgrey(Policy):
    """delay in minutes; None: its own"""

    def __init__(self, lab, delay):
        super().__init__(lab, "sqlgrey")
        self.conf, more = lab.root / "sqlgrey.conf", ""
        if delay is not None:
            more = "reconnect_delay = %d\n" % delay
        self.conf.write_text(
            "%sinet = %d\ndb_type = SQLite\ndb_name = %s/sqlgrey.db\npidfile = %s/pid\n"
            "loglevel = 1\n" % (more, self.port, self.folder, self.folder))

    def begin(self):
        return self.start_it("/usr/sbin/sqlgrey", "-f", self.conf)

    def fill(self, count):
        self.begin()  # makes the tables
        self.stop()
        with sqlite3.connect(self.folder / "sqlgrey.db") as base:
            base.executemany(
                "INSERT INTO connect VALUES (?, ?, ?, 'you@example.jp', datetime('now', 'localtime'))",
                ((*sender.split("@"), net.removesuffix(".0")) for net, sender in strangers(count)))
        give(self.folder, "sqlgrey")


class Rspamd(Filter):
    """As its package has it, with Redis as that one has it, in folders of their own.

    Its first start compiles its patterns, which takes half a minute of CPU.
    everything  greylist all mail, whatever its score, for a second
    """

    is_empty = False

    def __init__(self, lab, everything):
        super().__init__("rspamd", {"smtpd_milters": "unix:peers/rspamd.sock",
                                    "milter_default_action": "accept"})  # as its manual says
        self.root, self.everything = lab.root, everything
        self.path = lab.postfix_root / "queue/peers/rspamd.sock"
        self.folder = owned(lab.root / "rspamd", "_rspamd")
        self.redis = owned(lab.root / "redis", "redis")
        self.names, self.ports = None, [ports.book() for _ in range(2)]

    def write(self, dns):
        settings = {
            "redis.conf": 'servers = "%s/redis.sock";' % self.redis,
            "options.inc": 'dns { nameserver = ["%s"]; }' % dns,
            "worker-normal.inc": 'bind_socket = "127.0.0.1:%d";' % self.ports[0],
            "worker-controller.inc": 'bind_socket = "127.0.0.1:%d";' % self.ports[1],
            "worker-proxy.inc": 'bind_socket = "%s mode=0666";\n'
                                'upstream "local" { default = yes; hosts = "127.0.0.1:%d"; }'
                                % (self.path, self.ports[0]),
        }
        if self.everything:
            # Our load comes from loopback, which it does not greylist of itself.
            settings["greylist.conf"] = "timeout = 1s; check_local = true; greylist_min_score = -100;"
            settings["actions.conf"] = "greylist = -50;"
        local = self.folder / "etc/override.d"
        local.mkdir(parents=True)
        for name, text in settings.items():
            (local / name).write_text(text + "\n")

    def begin(self):
        if self.names is None:
            table = self.root / "rspamd.names"
            table.write_text(json.dumps(NAMES))
            self.names = subprocess.Popen(
                ["/usr/bin/python3", "-B", str(TOP / "tests/support/dnsd.py"), str(table)],
                stdout=subprocess.PIPE, text=True, start_new_session=True)
            self.write(self.names.stdout.readline().strip())
        took = 0 if self.processes else self.run(
            self.root, ["/usr/bin/setpriv", "--reuid=redis", "--regid=redis", "--clear-groups",
                        "/usr/bin/redis-server", "--port", 0, "--unixsocket", self.redis / "redis.sock",
                        "--unixsocketperm", 777, "--dir", self.redis],
            lambda: asks(socket.AF_UNIX, str(self.redis / "redis.sock"), b"PING\r\n") == b"+PONG\r\n")
        folders = ["--var=%s=%s" % (name, self.folder) for name in ("DBDIR", "RUNDIR", "LOGDIR")]
        return took + self.run(
            self.root, ["/usr/bin/rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", *folders,
                        "--var=LOCAL_CONFDIR=%s/etc" % self.folder],
            lambda: answers_milter(self.path))

    def fill(self, count):
        """Two keys a message, of its body and of its envelope; a value of seconds."""
        self.begin()
        now = b"%d" % time.time()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line, \
                line.makefile("rb") as replies:
            line.connect(str(self.redis / "redis.sock"))
            for start in range(0, count, 1000):
                rows = [b"rg%c%020d" % (kind, number) for number in range(start, start + 1000)
                        for kind in b"bm"]
                line.sendall(b"".join(
                    b"*4\r\n$5\r\nSETEX\r\n$23\r\n%s\r\n$5\r\n86400\r\n$%d\r\n%s\r\n"
                    % (key, len(now), now) for key in rows))
                for _ in rows:
                    replies.readline()
            line.sendall(b"SAVE\r\n")
            replies.readline()
        self.stop()

    def stop(self):
        super().stop()
        if self.names is not None and self.names.poll() is None:
            os.killpg(self.names.pid, signal.SIGTERM)
            self.names.wait()


class Targrey(Filter):
    """settings: nested as targrey.conf is"""

    is_empty = False

    def __init__(self, lab, settings):
        super().__init__("targrey", {"smtpd_milters": MILTER})
        self.lab, self.settings, self.daemon = lab, settings, None

    def make(self):
        if self.daemon is None:
            socket_path = self.lab.postfix_root / "queue/targrey/targrey.sock"
            self.daemon = Daemon(self.lab.root, socket_path, None, self.settings)
            self.daemon.mail_config = self.lab.postfix.etc
        return self.daemon

    def pids(self):
        return [self.daemon.pid]

    def begin(self):
        begun = time.monotonic()
        self.make().start(pause_s=0.002)
        return (time.monotonic() - begun) * 1000

    def kill(self, store=True):
        self.daemon.kill9()

    def stop(self):
        if self.daemon is not None:
            self.daemon.close()

    def fill(self, count):
        daemon = self.make()
        folder = daemon.database.parent
        subprocess.run([str(BUILD / "bin/bench_fill"), "sqlite:%s" % daemon.database, str(count)],
                       check=True)
        give(folder, "nobody")


def strangers(count):
    """(network, sender) of so many first tries."""
    for number in range(count):
        yield ("%d.%d.%d.0" % (11 + (number >> 16), number >> 8 & 255, number & 255),
               "user%d@mail.example.org" % number)


def there(lab, is_quick, settings, heavy):
    """All peers that are installed.

    is_quick  they come to know a client in seconds
    heavy     rspamd too
    """
    found = [Filter("none", {"smtpd_milters": ""})]
    if is_quick:
        found += [Empty(lab, "lean"), Empty(lab, "noop")]
    makers = (("postgrey", ["/usr/sbin/postgrey"], lambda: Postgrey(lab, 1 if is_quick else None)),
              ("sqlgrey", ["/usr/sbin/sqlgrey"], lambda: Sqlgrey(lab, 0 if is_quick else None)),
              ("rspamd", ["/usr/bin/rspamd", "/usr/bin/redis-server"], lambda: Rspamd(lab, is_quick)))
    for name, programs, make in makers if heavy else makers[:2]:
        if all(pathlib.Path(program).exists() for program in programs):
            found.append(make())
        else:
            print("**** %s is not installed: left out" % name, file=sys.stderr)
    return found + [Targrey(lab, settings)]
