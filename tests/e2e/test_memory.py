# SPDX-License-Identifier: BSD-2-Clause
"""Allocations of the running daemon fail, one by one and in rows, through whole
sessions: no crash, no refusal for good, nothing false in a header, and the next
session is as before. TARGREY_POINTS sets how many are tried (default 240)."""
import mmap
import os
import pathlib
import struct
import subprocess
import unittest

from score.milter import Refused, Session
from support.daemon import Daemon
from support.lab import Lab
from support.wait import until

HERE = pathlib.Path(__file__).resolve().parent
POINTS = int(os.environ.get("TARGREY_POINTS", "240"))
ROWS = (1, 12, 40)
# As a clean session says; all others are counts and times.
FACTS = ("id", "mode", "rdns", "s25r", "s25r_rule", "tarpit", "grey", "helo",
         "tls", "forged")
UNKNOWN = ("unknown", "none", "-", "skipped")


class Order:
    """What the daemon's allocations shall come to."""

    def __init__(self, path):
        path.write_bytes(bytes(40))
        path.chmod(0o666)
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 40)

    def arm(self, first, row):
        self.map[8:40] = struct.pack("=qqqq", first, row, 0, 0)
        self.map[0:8] = struct.pack("=q", 1)

    def disarm(self):
        """(allocations seen, refused)"""
        self.map[0:8] = struct.pack("=q", 0)
        return struct.unpack("=qq", self.map[24:40])


class Starved(Daemon):
    def environment(self):
        return dict(super().environment(), LD_PRELOAD=str(self.root / "shim.so"),
                    FAIL_ALLOCATIONS=str(self.root / "order"),
                    ASAN_OPTIONS="detect_leaks=0:verify_asan_link_order=0:"
                                 "allocator_may_return_null=1")

    def prepare(self):
        shim = self.root / "shim.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(shim),
                        str(HERE / "fail_allocations.c")], check=True)
        shim.chmod(0o755)
        return Order(self.root / "order")


class Memory(unittest.TestCase):
    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.close)
        self.daemon = Starved(self.lab.root, self.lab.daemon.socket, self.lab.clock,
                              settings={"mode": "targrey", "answer_timeout": "3s"})
        self.lab.daemon = self.daemon
        self.order = self.daemon.prepare()
        self.daemon.start()
        self.number = 0

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

    def check_faulty(self, found, clean, point):
        if isinstance(found, Refused):
            self.assertNotRegex(str(found), r"b'5|: r b''", point)
        if not isinstance(found, dict):
            return
        for key in FACTS:
            self.assertTrue(
                found[key] == clean[key] or found[key] in UNKNOWN or
                found["fault"] != "none",
                "%s: %s=%s, not %s in %s" % (point, key, found[key], clean[key], found))

    def check_service(self, clean, point):
        """As before; a store that failed may take a moment to be opened again."""
        def differences():
            return ["%r: %s" % (found, key)
                    for found, other in zip(self.both(), clean)
                    for key in FACTS + ("fault",)
                    if not isinstance(found, dict) or found[key] != other[key]]
        until(lambda: not differences(), "the service after " + point)

    def test_any_allocation_that_fails_costs_one_session_at_most(self):
        self.both()
        clean = self.both()
        # no socket of a client here that could be seen
        self.assertEqual("unproven", clean[1]["tarpit"])
        self.order.arm(1 << 40, 1)
        self.both()
        whole = self.order.disarm()[0]
        self.assertGreater(whole, 100)
        step = max(1, whole * len(ROWS) // POINTS)
        tried = refused = ended = 0
        for row in ROWS:
            for first in range(1 + ROWS.index(row), whole + 1, step):
                point = "allocation %d of %d, a row of %d" % (first, whole, row)
                self.order.arm(first, row)
                faulty = self.both()
                count = self.order.disarm()[1]
                self.assertTrue(self.daemon.is_alive(), point + "\n" + self.daemon.log()[-6000:])
                tried, refused = tried + (count > 0), refused + count
                for found, other in zip(faulty, clean):
                    self.check_faulty(found, other, point)
                    ended += not isinstance(found, dict)
                self.check_service(clean, point)
        self.assertEqual([], self.daemon.complaints())
        print("%d points of %d allocations tried, %d refused; %d sessions ended, or "
              "went on without us"
              % (tried, whole, refused, ended))
        self.assertGreater(tried, POINTS // 3)


if __name__ == "__main__":
    unittest.main()
