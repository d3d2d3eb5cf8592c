# SPDX-License-Identifier: BSD-2-Clause
"""A daemon whose calls fail on order, and sessions that look what comes of it:
no crash, no refusal that was not due, nothing false in a header, and the next
session is as before."""
import mmap
import os
import pathlib
import struct
import subprocess
import unittest

from score.milter import Refused, Session

from .daemon import Daemon
from .lab import Lab
from .wait import Timeout, until

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "e2e" / "fail_calls.c"
ALLOCATION, FILES, SOCKETS = 1, 2, 4
SIZE = 64
# As a clean session says; all others are counts and times.
FACTS = ("id", "mode", "rdns", "s25r", "s25r_rule", "tarpit", "grey", "helo",
         "spf", "tls", "forged")
UNKNOWN = ("unknown", "none", "-", "skipped", "temperror")


class Order:
    """Which of the daemon's calls shall fail."""

    def __init__(self, path):
        path.write_bytes(bytes(SIZE))
        path.chmod(0o666)
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), SIZE)

    def arm(self, kinds, first, row):
        self.map[8:SIZE] = struct.pack("=qqqqq16s", kinds, first, row, 0, 0, b"")
        self.map[0:8] = struct.pack("=q", 1)

    def disarm(self):
        """(calls seen, failed, name of the last that failed)"""
        self.map[0:8] = struct.pack("=q", 0)
        seen, failed, last = struct.unpack("=qq16s", self.map[32:SIZE])
        return seen, failed, last.rstrip(b"\0").decode()


class FailingDaemon(Daemon):
    def environment(self):
        return dict(super().environment(), LD_PRELOAD=str(self.root / "shim.so"),
                    FAIL_CALLS=str(self.root / "order"),
                    ASAN_OPTIONS="detect_leaks=0:verify_asan_link_order=0:"
                                 "allocator_may_return_null=1")

    def prepare(self):
        shim = self.root / "shim.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-U_FORTIFY_SOURCE",
                        "-fno-builtin", "-o", str(shim), str(SOURCE)], check=True)
        shim.chmod(0o755)
        return Order(self.root / "order")

    def complaints(self):
        """Not those of a sanitizer that could not start a thread of its own."""
        return [line for line in super().complaints()
                if "CHECK failed: sanitizer" not in line]

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))


class Sweep(unittest.TestCase):
    """begin(), then sweep() with the kinds that shall fail."""

    def begin(self, **settings):
        self.lab = Lab()
        self.addCleanup(self.lab.close)
        self.daemon = FailingDaemon(
            self.lab.root, self.lab.daemon.socket, self.lab.clock,
            settings=dict({"mode": "targrey", "answer_timeout": "3s"}, **settings))
        self.lab.daemon = self.daemon
        self.may_greylist = self.daemon.settings["mode"] not in ("observe", "starpit")
        self.order = self.daemon.prepare()
        self.daemon.start()
        self.number = self.tried = self.failed = self.ended = 0
        self.both()
        self.clean = self.both()

    def pass_time(self):
        """Once a session: a clock that jumps on and on tells no time-out."""
        if not self.has_passed:
            self.lab.clock.advance(130)
        self.has_passed = True

    def session(self, name, address):
        """The words of its header; None: it had none; or what it ended with."""
        self.has_passed = False
        try:
            with Session(self.daemon.socket, self.pass_time) as session:
                fields = session.play(
                    name, None, address, "mail.example.com", "a@example.com",
                    "you@example.jp", [b"Subject: x", b"X-TaRgrey-Flags: KNOWN"])
        except TimeoutError as error:
            raise AssertionError("no answer: a session hangs") from error
        except (Refused, OSError, AssertionError) as error:
            return error
        for field in fields:
            if field and field.startswith(b"X-TaRgrey-Session:"):
                return dict(pair.split("=", 1) for pair in
                            field.decode().partition(":")[2].strip().split("; "))
        return None

    def both(self):
        """A server, and a suspect that waits; from networks not seen before."""
        self.number += 1
        net = "%d.%d" % (self.number // 250 % 250, self.number % 250)
        return (self.session("mail.example.com", "192.%s.1" % net),
                self.session("p7-dyn100.example.net", "198.%s.1" % net))

    def check_faulty(self, found, clean, is_suspect, point):
        # Its forged header could not be noted for removal.
        if isinstance(found, Refused) and "'450 4.3.0 Out of memory" in str(found):
            return
        # Who cannot be held is greylisted, where the mode does that at all.
        if isinstance(found, Refused):
            self.assertIn("'450 4.7.1 Greylisted", str(found), point)
            self.assertTrue(self.may_greylist and is_suspect, "%s: %s" % (point, found))
        if not isinstance(found, dict):
            return
        for key in FACTS:
            self.assertTrue(
                not isinstance(clean, dict) or found[key] == clean[key] or
                found[key] in UNKNOWN or found["fault"] != "none",
                "%s: %s=%s, not as in %s: %s" % (point, key, found[key], clean, found))

    def check_service(self, point):
        """As before; a store that failed may take a moment to be opened again."""
        differences = []

        def is_as_before():
            differences[:] = ["%r, not %r" % (found, other)
                              for found, other in zip(self.both(), self.clean)
                              if not is_like(found, other)]
            return not differences
        try:
            until(is_as_before, "the service after " + point)
        except Timeout as error:
            raise AssertionError("%s: %s" % (error, differences)) from error

    def point(self, kinds, first, row, whole):
        """One point: what the order let fail."""
        point = "call %d of %d, a row of %d" % (first, whole, row)
        self.order.arm(kinds, first, row)
        faulty = self.both()
        self.daemon.settle()  # what is written behind the answers fails as well
        _, count, last = self.order.disarm()
        point = "%s (%s)" % (point, last)
        self.assertTrue(self.daemon.is_alive(), point + "\n" + self.daemon.log()[-1500:])
        self.tried, self.failed = self.tried + (count > 0), self.failed + count
        for found, other, is_suspect in zip(faulty, self.clean, (False, True)):
            self.check_faulty(found, other, is_suspect, point)
            self.ended += not isinstance(found, dict)
        self.check_service(point)

    def sweep(self, kinds, points, rows):
        """About so many points, for each length of a row of failures equally many."""
        self.order.arm(kinds, 1 << 40, 1)
        self.both()
        self.daemon.settle()
        whole = self.order.disarm()[0]
        step = max(1, whole * len(rows) // points)
        for row in rows:
            for first in range(1 + rows.index(row), whole + 1, step):
                self.point(kinds, first, row, whole)
        self.assertEqual([], self.daemon.complaints())
        for word in ("is gone", "has been removed", "replaced"):
            self.assertNotIn(word, self.daemon.log(), "nobody removed a file")
        return whole

    def start_once(self, kinds, first):
        """A start in which one call fails: (calls seen, how many failed, which)."""
        size = len(self.daemon.log())
        self.order.arm(kinds, first, 1)
        process = self.daemon.spawn()
        try:
            until(lambda: process.poll() is not None or self.daemon.answers(),
                  "targreyd to start, or to end")
        except Timeout as error:
            process.kill()
            process.wait()
            raise AssertionError("%s: call %d (%s)\n%s" % (
                error, first, self.order.disarm()[2], self.daemon.log()[size:])) from error
        seen, count, last = self.order.disarm()
        said = self.daemon.log()[size:]
        point = "call %d (%s) of a start\n%s" % (first, last, said)
        if "AddressSanitizer: CHECK failed" in said:
            process.kill()  # its own thread, without memory
            process.wait()
            return seen, 0
        if process.poll() is None:
            self.daemon.adopt(process)
            self.check_service(point)
            self.daemon.stop()
            self.survived += count
        else:
            # By itself, not by a signal, and it says why.
            self.assertGreater(process.returncode, 0, point)
            self.assertIn("targreyd: ", said, point)
        self.assertEqual([], self.daemon.complaints(), point)
        return seen, count

    def sweep_start(self, kinds, points):
        """Each call of a start, or about so many of them, fails in turn."""
        self.daemon.stop()
        self.tried = self.survived = 0
        whole = self.start_once(kinds, 1 << 40)[0]
        for first in range(1, whole + 1, max(1, whole // points)):
            self.tried += self.start_once(kinds, first)[1]
        self.daemon.start()
        return whole

    def told(self, what, whole):
        print("%s: %d points of %d calls tried, %d failed; %d sessions ended, or went"
              " on without us" % (what, self.tried, whole, self.failed, self.ended))


def is_like(found, other):
    if isinstance(other, Refused):
        return str(found) == str(other)
    return isinstance(found, dict) and isinstance(other, dict) and all(
        found[key] == other[key] for key in FACTS + ("fault",))
