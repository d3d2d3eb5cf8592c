# SPDX-License-Identifier: BSD-2-Clause
"""Wild input: nothing crashes, stalls or spins, nobody else notices."""
import os
import random
import resource
import socket
import struct
import time
import unittest

from support.frames import NEGOTIATE, frame
from support.lab import LabTest

LINE, SERVER = "p7-dyn100.example.net", "mail.example.com"


CONNECT = frame(b"C", b"mail.example.com\0004\x0f\xa0127.99.0.1\0")
MAIL = frame(b"M", b"<a@example.com>\0")
RCPT = frame(b"R", b"<you@example.jp>\0")


class Frames(LabTest):
    """Raw octets on the daemon's own socket."""

    def tearDown(self):
        super().tearDown()
        self.assertTrue(self.lab.daemon.is_alive(), self.lab.daemon.log()[-2000:])
        self.assertTrue(self.lab.daemon.answers())

    def throw(self, *pieces, read=False):
        """Sends the pieces and leaves, whether they were liked or not.

        read: listens a moment for what comes back, if anything does.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as raw:
            raw.settimeout(10)
            raw.connect(str(self.lab.daemon.socket))
            try:
                for piece in pieces:
                    raw.sendall(piece)
                if read:
                    raw.shutdown(socket.SHUT_WR)
                    raw.settimeout(0.2)
                    while raw.recv(65536):
                        pass
            except OSError:
                pass

    def test_lengths_of_zero_and_four_gigabytes(self):
        for length in (0, 0xFFFFFFFF, 0x7FFFFFFF, 1 << 21):
            self.throw(struct.pack("!I", length) + b"O" * 100, read=True)
            self.throw(NEGOTIATE, struct.pack("!I", length) + b"C" * 100, read=True)

    def test_frames_cut_at_every_octet(self):
        whole = NEGOTIATE + CONNECT + frame(b"H", b"pc\0") + MAIL + RCPT
        for end in range(0, len(whole), 3):
            self.throw(whole[:end])

    def test_one_octet_at_a_time(self):
        whole = NEGOTIATE + CONNECT + frame(b"H", b"pc\0") + MAIL + frame(b"Q")
        self.throw(*[whole[at:at + 1] for at in range(len(whole))], read=True)

    def test_wild_negotiation(self):
        for version, actions, steps in ((0, 0, 0), (6, 0, 0), (2, 0x3F, 0x7F),
                                        (99, 0xFFFFFFFF, 0xFFFFFFFF)):
            hello = frame(b"O", struct.pack("!III", version, actions, steps))
            self.throw(hello, CONNECT, MAIL, RCPT, frame(b"T"), frame(b"E"), read=True)
        self.throw(frame(b"O", b"\0\0"), read=True)

    def test_commands_before_any_negotiation(self):
        helo, rest = frame(b"H", b"pc\0"), (MAIL, RCPT, frame(b"T"), frame(b"E"))
        for first in (CONNECT, helo, MAIL, RCPT, frame(b"U", b"FOO\0"), frame(b"A")):
            self.throw(first, CONNECT, helo, *rest, frame(b"Q"), read=True)
        self.throw(frame(b"K"), CONNECT, helo, *rest, frame(b"A"), frame(b"K"),
                   read=True)

    def test_commands_in_any_order(self):
        commands = [CONNECT, MAIL, RCPT, frame(b"H", b"pc\0"), frame(b"T"), frame(b"E"),
                    frame(b"A"), frame(b"N"), frame(b"L", b"X-TaRgrey-Flags\0KNOWN\0"),
                    frame(b"D", b"C"), frame(b"D", b"R{rcpt_addr}\0x\0"), frame(b"K"),
                    frame(b"B", b"body"), frame(b"Z", b"what"), frame(b"U", b"FOO\0")]
        chance = random.Random(7)
        for _ in range(60):
            self.throw(NEGOTIATE, *chance.choices(commands, k=12))

    def test_random_octets(self):
        chance = random.Random(11)
        for _ in range(60):
            self.throw(chance.randbytes(chance.randint(1, 3000)))
            self.throw(NEGOTIATE, chance.randbytes(chance.randint(1, 3000)))

    def test_long_arguments_and_missing_ends(self):
        for data in (b"x" * 60000 + b"\0", b"x" * 60000, b"", b"\0\0\0", b"\xff" * 500):
            for command in (b"C", b"H", b"M", b"R", b"L", b"D"):
                self.throw(NEGOTIATE, frame(command, data), read=True)


class Smtp(LabTest):
    def served(self, tag="after"):
        """An ordinary client is served as if nothing had been."""
        you = self.person(tag)
        self.lab.client(SERVER).try_one("a@example.com", you).expect(250)
        self.lab.stamp(you)

    def test_octets_of_every_kind_in_helo_and_addresses(self):
        for text in (bytes(range(1, 10)) + bytes(range(14, 128)), b"\xff\xfe\x80" * 40,
                     b"a\0b", b"%s%n%d%%", b"x" * 3000):
            with self.lab.client(SERVER).connect() as session:
                for line in (b"EHLO " + text, b"MAIL FROM:<" + text + b"@example.com>",
                             b"MAIL FROM:<a@example.com>",
                             b"RCPT TO:<" + text + b"@example.jp>",
                             b"RCPT TO:<you@example.jp>"):
                    session.send(line)
                    session.read()
        self.served()

    def test_lines_of_64_kilobytes_in_headers(self):
        you = self.person()
        with self.lab.client(SERVER).greet() as session:
            session.mail("a@example.com").expect(250)
            session.rcpt(you).expect(250)
            long = "x" * 65000
            session.message(headers="X-TaRgrey-Long: %s\nMessage-ID: <%s@y>\nX-%s: z\n"
                            % (long, long, long[:1000])).expect(250)
        self.assertEqual(self.lab.stamp(you)["forged"], 1)

    def test_a_client_that_talks_on_during_its_hold(self):
        client = self.lab.client(LINE)
        session = client.greet("pc")
        session.send("MAIL FROM:<a@example.com>", "RCPT TO:<%s>" % self.person())
        session.socket.settimeout(0.5)
        try:
            for _ in range(200):
                session.send_raw(b"NOOP " + b"x" * 500 + b"\r\n")
        except OSError:
            pass
        self.served()
        session.hang_up()
        self.lab.clock.advance(1.1)
        self.lab.daemon.wait_event(
            lambda row: row["ip"] == client.source and row["hold_end"] == "gone",
            1, "the end of the talker")

    def test_held_sessions_burn_no_time(self):
        """A daemon that spins gets as much of the CPU as the test that spins beside it,
        however busy the machine is."""
        self.lab.hold_many(LINE, [self.person("n%d" % number) for number in range(20)])
        ticks = os.sysconf("SC_CLK_TCK")

        def used():
            with open("/proc/%d/stat" % self.lab.daemon.pid, encoding="ascii") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / ticks

        before, spun = used(), time.process_time() + 1
        while time.process_time() < spun:
            pass
        took = used() - before
        print("cpu with 20 held sessions, while another program used 1 s: %.2f s" % took)
        self.assertLess(took, 0.5)

    def test_two_hundred_connections_that_say_nothing(self):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.assertGreater(limit, 300)
        silent = []
        for _ in range(200):
            raw = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            raw.connect(str(self.lab.daemon.socket))
            silent.append(raw)
        self.served()
        for raw in silent:
            raw.close()
        self.served("then")


if __name__ == "__main__":
    unittest.main()
