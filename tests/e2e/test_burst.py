# SPDX-License-Identifier: BSD-2-Clause
"""A burst of raw milter sessions, half of them held: no innocent waits."""
import selectors
import socket
import struct
import time
import unittest

from support.frames import NEGOTIATE, SILENT, frame, steps_of, take
from support.lab import Lab
from support.wait import until

SESSIONS, ROUNDS, HOLD_S = 40, 3, 20


def opening(number, name):
    """CONNECT, HELO and MAIL of one client."""
    address = b"127.%d.%d.5" % (30 + number // 200, number % 200)
    macros = b"\0".join([b"C{client_ptr}", name, b"{client_name}", name,
                         b"{client_resolve}", b"OK", b""])
    return b"".join([
        frame(b"D", macros),
        frame(b"C", name + b"\0" + b"4" + struct.pack("!H", 4000) + address + b"\0"),
        frame(b"H", b"mail.example.com\0"),
        frame(b"D", b"M{mail_addr}\0a@example.com\0"),
        frame(b"M", b"<a%d@example.com>\0" % number),
    ])


def recipient(number):
    address = b"you%d@example.jp" % number
    return frame(b"D", b"R{rcpt_addr}\0" + address + b"\0{rcpt_mailer}\0local\0") \
        + frame(b"R", b"<" + address + b">\0")


class Raw:
    """One connection to the daemon's socket; replies other than progress."""

    def __init__(self, path, number, name):
        self.number, self.is_suspect = number, name.startswith(b"p")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self.socket.sendall(NEGOTIATE)
        self.buffer = b""
        self.answered = None
        command, data = self.next(blocking=True)
        assert command == b"O", command
        self.socket.sendall(opening(number, name))
        for command in (b"C", b"H", b"M"):
            if not steps_of(data) & SILENT[command]:
                self.next(blocking=True)

    def next(self, blocking=False):
        """The next frame's command and data, or None."""
        while True:
            while whole := take(self.buffer):
                command, data, self.buffer = whole
                if command != b"p":
                    return command, data
            self.socket.setblocking(blocking)
            try:
                piece = self.socket.recv(65536)
            except BlockingIOError:
                return None
            if not piece:
                raise AssertionError("the daemon closed session %d" % self.number)
            self.buffer += piece


class Burst(unittest.TestCase):
    def test_no_innocent_waits_for_half_the_hold(self):
        with Lab({"tarpit": {"hold": "%ds" % HOLD_S, "max_sessions": 200}}) as lab:
            for number in range(ROUNDS):
                innocents, suspects = self.one_round(lab, number)
                print("burst of %d, half held %d s: slowest innocent %.3f s,"
                      " held %.2f to %.2f s" % (
                          SESSIONS, HOLD_S, max(innocents), min(suspects),
                          max(suspects)))
                self.assertLess(max(innocents), HOLD_S / 2)
            lab.daemon.stop()
            self.assertEqual(lab.daemon.complaints(), [])

    def one_round(self, lab, round_number):
        sessions = [
            Raw(lab.daemon.socket, round_number * SESSIONS + number,
                b"p%d-dyn100.example.net" % number if number % 2 else
                b"mail%s.example.com" % bytes([97 + number % 26]))
            for number in range(SESSIONS)]
        for session in sessions:
            session.socket.setblocking(True)
        begun = lab.clock.mono()
        for session in sessions:
            session.socket.sendall(recipient(session.number))
        self.collect([s for s in sessions if not s.is_suspect], lab.clock)
        until(lambda: int(lab.daemon.status()["holds"]) == SESSIONS // 2, "all suspects to be held")
        lab.clock.advance(HOLD_S)
        self.collect([s for s in sessions if s.is_suspect], lab.clock)
        for session in sessions:
            session.socket.close()
        return ([s.answered - begun for s in sessions if not s.is_suspect],
                [s.answered - begun for s in sessions if s.is_suspect])

    def collect(self, sessions, clock):
        """Reads until each of them has its answer to RCPT, a continue."""
        waiting = selectors.DefaultSelector()
        for session in sessions:
            waiting.register(session.socket, selectors.EVENT_READ, session)
        left, patience = len(sessions), time.monotonic() + 60
        while left:
            self.assertLess(time.monotonic(), patience, "%d unanswered" % left)
            for key, _ in waiting.select(1):
                reply = key.data.next()
                if reply is None:
                    continue
                self.assertEqual(reply[0], b"c")
                key.data.answered = clock.mono()
                waiting.unregister(key.data.socket)
                left -= 1


if __name__ == "__main__":
    unittest.main()
