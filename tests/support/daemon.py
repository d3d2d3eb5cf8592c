# SPDX-License-Identifier: BSD-2-Clause
"""targreyd as the tests run it: own folder, own store, settable clock."""
import grp
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

from .frames import NEGOTIATE
from .wait import PATIENCE_S, Timeout, until

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("TARGREY_BUILD", SOURCE / "build" / "dev"))
BINARY = pathlib.Path(os.environ.get("TARGREY_DAEMON", BUILD / "bin" / "targreyd"))
USER = "nobody"
CALM_SAMPLES = 8
# memcheck, helgrind or drd: the daemon runs under that tool of valgrind's; its
# build has no sanitizer. What the tool finds is in our log, and ends it with 99.
VALGRIND = os.environ.get("TARGREY_VALGRIND")


class Raw(str):
    """A value that stands in targrey.conf unquoted."""


def render(settings, indent=""):
    """A nested dict as the text of a targrey.conf."""
    lines = []
    for key, value in settings.items():
        if isinstance(value, dict):
            lines += ["%s%s {" % (indent, key),
                      render(value, indent + "\t"), indent + "}"]
        else:
            lines.append("%s%s = %s" % (indent, key, literal(value)))
    return "\n".join(lines)


def literal(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, Raw)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "{%s}" % ", ".join(literal(item) for item in value)
    return '"%s"' % str(value).replace("\\", "\\\\").replace('"', '\\"')


def merge(base, changes):
    """base with the changes, section by section; None takes a key away."""
    result = dict(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merge(result[key], value)
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return result


class Daemon:
    """start(), then stop().

    root      scratch folder
    socket    path of the socket for Postfix; its folder is made for USER
    clock     Clock, or None for a build without a settable one
    settings  differences from defaults(), nested as targrey.conf is
    """

    def __init__(self, root, socket_path, clock, settings=None, binary=BINARY):
        self.root = pathlib.Path(root)
        self.socket = pathlib.Path(socket_path)
        self.clock = clock
        self.binary = pathlib.Path(binary)
        self.conf = self.root / "targrey.conf"
        self.log_file = self.root / "targreyd.log"
        self.database = self.root / "db" / "targrey.db"
        self.settings = merge(self.defaults(), settings or {})
        self._process = None
        self.mail_config = None  # folder of the main.cf that it reads
        user = pwd.getpwnam(USER)
        for folder, group in ((self.database.parent, user.pw_gid),
                              (self.socket.parent,
                               grp.getgrnam("postfix").gr_gid)):
            folder.mkdir(mode=0o750, exist_ok=True)
            os.chown(folder, user.pw_uid, group)
        self.write()

    def defaults(self):
        # The daemon's user may not be able to read the checkout.
        shutil.copy(SOURCE / "conf" / "s25r.rules", self.root)
        # gcov writes into the build folder, which no setting names.
        free = {"sandbox": False} if "TARGREY_NO_SANDBOX" in os.environ else {}
        return {
            **free,
            "mode": "targrey",
            "listen": "unix:%s" % self.socket,
            "user": USER,
            "socket_group": "postfix",
            "hostname": "mx.example.jp",
            "exempt_networks": [],
            "log": "stderr",
            "tarpit": {"vary": 0},
            "allow": {"files": []},
            "suspects": {"s25r": str(self.root / "s25r.rules"), "files": []},
            "spf": {"enabled": False},
            "store": {"url": "sqlite:%s" % self.database},
        }

    # ------------------------------------------------------------ life

    def write(self, settings=None):
        """Writes targrey.conf anew, with further differences."""
        if settings:
            self.settings = merge(self.settings, settings)
        self.conf.write_text(render(self.settings) + "\n")

    def environment(self):
        found = dict(os.environ)
        found.pop("NOTIFY_SOCKET", None)  # of whoever runs the tests
        if self.clock is not None:
            found["TARGREY_TEST_CLOCK"] = str(self.clock.path)
        # What the host's own Postfix is set to is no matter here.
        found.setdefault("MAIL_CONFIG", str(self.mail_config or "/nonexistent"))
        # A process that gave up root may not trace itself for leaks.
        found.setdefault("ASAN_OPTIONS", "detect_leaks=0")
        found.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        return found

    def command(self):
        if not VALGRIND:
            return [str(self.binary)]
        leaks = ["--leak-check=full"] if VALGRIND == "memcheck" else []
        return ["valgrind", "-q", "--tool=" + VALGRIND, *leaks, "--error-exitcode=99",
                "--suppressions=%s" % (SOURCE / "tests" / "support" / "valgrind.supp"),
                "--vgdb=no", "--child-silent-after-fork=yes", str(self.binary)]

    def spawn(self, *more):
        """A process of targreyd with our file, its output in our log."""
        with open(self.log_file, "ab") as log:
            return subprocess.Popen(
                [*self.command(), "-f", str(self.conf), *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment(), cwd="/", start_new_session=True)

    def start(self, pause_s=0.02):
        self._process = self.spawn()
        until(self._is_up, "targreyd to answer (see %s)" % self.log_file, pause_s=pause_s)

    def _is_up(self):
        if self._process.poll() is not None:
            raise AssertionError("targreyd ended with %s:\n%s" % (
                self._process.returncode, self.log()))
        return self.answers()

    def adopt(self, process):
        """That which spawn() gave is the daemon from now on."""
        self._process = process

    def answers(self):
        """The whole way behind the socket is there: a negotiation works."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(PATIENCE_S)
            try:
                probe.connect(str(self.socket))
                probe.sendall(NEGOTIATE)
                return probe.recv(5)[4:5] == b"O"
            except OSError:
                return False

    @property
    def pid(self):
        return self._process.pid

    def is_alive(self):
        return self._process is not None and self._process.poll() is None

    def send_signal(self, number):
        self._process.send_signal(number)

    def reload(self, settings=None, signal_number=signal.SIGHUP):
        """Writes the file, signals and waits for the daemon's word on it."""
        before = self.log().count("reload")
        self.write(settings)
        self.send_signal(signal_number)
        until(lambda: self.log().count("reload") > before, "the reload")

    def stop(self):
        """SIGTERM; the seconds it took. Fails when it did not end cleanly."""
        begun = time.monotonic()
        self.send_signal(signal.SIGTERM)
        return self.ended(begun)

    def ended(self, begun=None):
        process, self._process = self._process, None
        try:
            code = process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("targreyd did not end:\n" + self.log()) from None
        if code != 0:
            raise AssertionError(
                "targreyd ended with %d:\n%s" % (code, self.log()))
        return time.monotonic() - (begun or time.monotonic())

    def kill9(self):
        self._process.kill()
        self._process.wait()
        self._process = None

    def restart(self, settings=None):
        if self._process is not None:
            self.stop()
        self.write(settings)
        self.start()

    def close(self):
        """Whatever the state: no process is left."""
        if self.is_alive():
            self.stop()
        self._process = None

    def check(self):
        """-T: (exit code, what it printed)."""
        done = subprocess.run(
            [str(self.binary), "-T", "-f", str(self.conf)], capture_output=True,
            text=True, env=self.environment(), timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def ctl(self, *arguments):
        """What targreyctl prints, as JSON read; the present is the daemon's."""
        code, told, said = self.ctl_code(*arguments)
        if code != 0:
            raise AssertionError("%s: %s" % (" ".join(arguments), said))
        return told

    def ctl_code(self, *arguments):
        """(exit code, the JSON, standard error) of targreyctl."""
        command = [str(self.binary.with_name("targreyctl")), *arguments,
                   "--config", str(self.conf), "--json"]
        if self.clock is not None:
            command += ["--now", "@%d" % self.clock.wall()]
        done = subprocess.run(command, capture_output=True, text=True,
                              env=self.environment(), timeout=60, check=False)
        return (done.returncode, json.loads(done.stdout) if done.stdout else None,
                done.stderr)

    # ------------------------------------------------------------ insight

    def log(self):
        if not self.log_file.exists():
            return ""
        return self.log_file.read_text(errors="replace")

    def settle(self):
        """Waits until it has nothing left to write and is not being told more.

        The first it says itself. What Postfix is about to tell it nobody knows:
        for that, it must have written nothing for a moment.
        """
        before, calm = None, 0
        end = time.monotonic() + PATIENCE_S
        while calm < CALM_SAMPLES or self._queued() > 0:
            if time.monotonic() > end:
                raise Timeout("waited %d s in vain for targreyd to be at rest; queued: %d"
                              % (PATIENCE_S, self._queued()))
            time.sleep(0.01)
            now = self._traces()
            calm = calm + 1 if now == before else 0
            before = now

    def status(self):
        """What the daemon says of itself, as texts; {} when it cannot be asked (stopped)."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE_S)
            try:
                line.connect(str(self.socket) + ".status")
                with line.makefile() as text:
                    return dict(row.rstrip("\n").split("\t", 1) for row in text)
            except OSError:
                return {}

    def _queued(self):
        """Notes on their way to the disk."""
        return int(self.status().get("queued", 0))

    def _traces(self):
        found = []
        for path in (self.log_file, self.database,
                     self.database.with_name(self.database.name + "-wal")):
            try:
                status = path.stat()
                found.append((status.st_size, status.st_mtime_ns))
            except OSError:
                found.append(None)
        return found

    def complaints(self):
        """Lines of the log in which a sanitizer or valgrind speaks."""
        return [line for line in self.log().splitlines()
                if "Sanitizer" in line or "runtime error:" in line
                or re.match(r"==\d+== ", line)]

    def wait_log(self, text, count=1):
        until(lambda: self.log().count(text) >= count,
              "%d of %r in targreyd's log" % (count, text))

    def query(self, sql, *values):
        """Rows of the daemon's database, as dicts."""
        base = sqlite3.connect("file:%s?mode=ro" % self.database, uri=True,
                               timeout=30)
        base.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in base.execute(sql, values)]
        finally:
            base.close()

    def events(self):
        """Events on record, oldest first, save of connections without a word.

        XCLIENT ends one connection of the filter and begins another: the
        first is such a one.
        """
        return self.query("SELECT * FROM event WHERE heloname IS NOT NULL"
                          " OR sender IS NOT NULL ORDER BY event_id")

    def wait_event(self, claim, count=1, what="an event"):
        """Waits for count events that satisfy claim(row); returns the last."""
        def there():
            found = [row for row in self.events() if claim(row)]
            return found if len(found) >= count else None
        return until(there, what)[-1]
