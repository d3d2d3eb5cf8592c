# SPDX-License-Identifier: BSD-2-Clause
"""A log that takes nothing more: every reply comes all the same, and the
lines that were lost are counted. TARGREY_STUCK_MESSAGES sets how
many come in from all sides meanwhile (default 200)."""
import os
import socket
import subprocess
import threading
import time
import unittest

from support.daemon import Daemon
from support.lab import Lab
from support.postfix import DOMAIN
from support.wait import until

LINE = "p7-dyn100.example.net"
HOLD = 125
MESSAGES = int(os.environ.get("TARGREY_STUCK_MESSAGES", "200"))
SENDERS = 8

# A /dev of its own, in which log leads to the test's socket.
OWN_DEV = """
set -e
old=$(mktemp -d)
mount --rbind /dev "$old"
mount -t tmpfs none /dev
for name in null zero random urandom; do
    touch /dev/$name
    mount --bind "$old/$name" /dev/$name
done
ln -s "$0" /dev/log
umount -l "$old"
rmdir "$old"
exec "$@"
"""


class Stuck(Daemon):
    """Its log is full before it starts; empty() reads it, once."""

    def empty(self):
        raise NotImplementedError

    def forget(self):
        raise NotImplementedError

    def command(self):
        return [str(self.binary), "-d", "-f", str(self.conf)]


class StuckPipe(Stuck):
    def spawn(self, *more):
        self.reader, writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(writer, False)
        try:
            while os.write(writer, b"x" * 4095 + b"\n"):
                pass
        except BlockingIOError:
            pass
        os.set_blocking(writer, True)
        process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=writer, env=self.environment(), cwd="/", start_new_session=True)
        os.close(writer)
        return process

    def empty(self):
        found = b""
        try:
            while chunk := os.read(self.reader, 65536):
                found += chunk
        except BlockingIOError:
            pass
        return found.decode(errors="replace")

    def forget(self):
        os.close(self.reader)


class StuckJournal(Stuck):
    """A stream, as systemd gives it to a service for standard error."""

    def spawn(self, *more):
        self.reader, writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.reader.setblocking(False)
        writer.setblocking(False)
        try:
            while writer.send(b"x" * 4095 + b"\n"):
                pass
        except BlockingIOError:
            pass
        writer.setblocking(True)
        process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=writer, env=self.environment(), cwd="/", start_new_session=True)
        writer.close()
        return process

    def empty(self):
        found = b""
        try:
            while chunk := self.reader.recv(65536):
                found += chunk
        except BlockingIOError:
            pass
        return found.decode(errors="replace")

    def forget(self):
        self.reader.close()


class StuckSyslog(Stuck):
    def command(self):
        # debug lines go to standard error alone; syslog gets what it gets
        return [str(self.binary), "-f", str(self.conf)]

    def spawn(self, *more):
        path = self.root / "syslog"
        self.socket_log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket_log.bind(str(path))
        path.chmod(0o666)
        self.socket_log.setblocking(False)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
            filler.setblocking(False)
            try:
                while filler.sendto(b"full", str(path)):
                    pass
            except BlockingIOError:
                pass
        with open(self.log_file, "ab") as log:
            return subprocess.Popen(
                ["unshare", "-m", "sh", "-c", OWN_DEV, str(path), *self.command()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment(), cwd="/", start_new_session=True)

    def empty(self):
        found = []
        try:
            while True:
                found.append(self.socket_log.recv(65536).decode(errors="replace"))
        except BlockingIOError:
            pass
        return "\n".join(found)

    def forget(self):
        self.socket_log.close()


class StuckLab(Lab):
    def __init__(self, kind, log):
        super().__init__()
        self.daemon = kind(self.root, self.daemon.socket, self.clock,
                           settings={"log": log})


class StuckLog(unittest.TestCase):
    def serve(self, lab):
        """Mail of known and unknown, hang-ups, a reload; each gets its reply."""
        for number in range(5):
            to = "you%d@%s" % (number, DOMAIN)
            lab.client("mail%c.example.com" % (97 + number)).try_one(
                "a@example.com", to).expect(250)
            line = lab.client(LINE)
            line.try_one("b@example.com", to, hold=HOLD).expect(250)
            lab.leave_hold(lab.client(LINE), "c@example.com", to)
        lab.daemon.write({"mode": "sideways"})
        lab.daemon.send_signal(1)  # a reload that fails has something to say

    def send_on(self, lab, number, took, wrong):
        client = lab.client("mx%d.example.com" % number)
        for _ in range(MESSAGES // SENDERS):
            if wrong:
                return
            begun = time.monotonic()
            try:
                reply = client.try_one("s@example.com", "load%d@%s" % (number, DOMAIN))
                if reply.code != 250:
                    wrong.append(str(reply))
            except Exception as error:  # pylint: disable=broad-except
                wrong.append(repr(error))
            took.append(time.monotonic() - begun)

    def load(self, lab):
        """Senders side by side; a message each, again and again."""
        took, wrong = [], []
        threads = [threading.Thread(target=self.send_on, args=(lab, number, took, wrong))
                   for number in range(SENDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], wrong)
        print("%d messages with a log that hangs, the slowest took %.1f s" % (len(took), max(took)))
        self.assertLess(max(took), HOLD / 2)

    def check(self, kind, log):
        with StuckLab(kind, log) as lab:
            self.serve(lab)
            self.load(lab)
            lab.daemon.empty()
            # It goes on with the next line, and says what is missing.
            found = []

            def said():
                lab.daemon.send_signal(1)
                found.append(lab.daemon.empty())
                return "log lines lost" in found[-1]
            until(said, "the count of lost lines")
            self.assertRegex(found[-1], r"warning: [1-9][0-9]* log lines lost")
            self.assertTrue(lab.daemon.is_alive())
            lab.daemon.stop()
            lab.daemon.forget()

    def test_a_pipe_that_nobody_reads_delays_no_reply(self):
        self.check(StuckPipe, "stderr")

    def test_a_stream_that_nobody_reads_delays_no_reply(self):
        self.check(StuckJournal, "stderr")

    def test_a_syslog_that_stands_still_delays_no_reply(self):
        self.check(StuckSyslog, "syslog")


if __name__ == "__main__":
    unittest.main()
