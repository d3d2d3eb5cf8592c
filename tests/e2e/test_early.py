# SPDX-License-Identifier: BSD-2-Clause
"""Talking before the greeting, or before the reply to EHLO, is seen; only that.

The daemon is stopped while a client talks whose octets have to be there in time.
"""
import signal
import socket
import time
import unittest

from support.lab import LabTest
from support.threads import of_threads
from support.wait import PATIENCE_S, until


def stands_still(pid):
    """Each thread is stopped: a signal reaches them one after the other."""
    return all(text.rsplit(") ", 1)[1].startswith("T")
               for text in of_threads(pid, "stat").values())


class Early(LabTest):
    def talk(self, client, you, waits_for_greeting):
        """A whole transaction up to RCPT; its event."""
        daemon = self.lab.daemon
        daemon.send_signal(signal.SIGSTOP)
        self.addCleanup(daemon.send_signal, signal.SIGCONT)
        until(lambda: stands_still(daemon.pid), "the stopped daemon")
        with socket.create_connection(
                ("127.0.0.1", client.port), PATIENCE_S, (client.source, 0)) as wire:
            self.lab.postfix.wait_log(r" connect from \S*\[%s\]" % client.source)
            time.sleep(0.3)
            if waits_for_greeting:
                daemon.send_signal(signal.SIGCONT)
                self.assertTrue(wire.recv(100).startswith(b"220 "))
            wire.sendall(b"EHLO pc\r\n")
            if waits_for_greeting:
                heard = b""
                while b"\n250 " not in heard:
                    heard += wire.recv(1000)
            wire.sendall(b"MAIL FROM:<a@example.com>\r\n"
                         b"RCPT TO:<%s>\r\n" % you.encode())
            time.sleep(0.1)
            daemon.send_signal(signal.SIGCONT)
            # Held now, and the replies with it: nothing comes.
            wire.settimeout(1)
            with self.assertRaises(TimeoutError):
                while wire.recv(1000):
                    pass
        return daemon.wait_event(
            lambda row: row["ip"] == client.source, 1, "the event")

    def test_a_client_that_talks_before_the_greeting_is_marked(self):
        event = self.talk(self.lab.client(), self.person(), False)
        self.assertEqual(event["pipe"], "yes")

    def test_a_client_that_waits_for_its_turn_is_not(self):
        event = self.talk(self.lab.client(), self.person(), True)
        self.assertEqual(event["pipe"], "unknown")  # it leaves before DATA


class AllAtOnce(LabTest):
    """Nothing may follow EHLO or HELO before its reply (RFC 2920 3.1)."""

    config = {"mode": "observe"}
    TRIES = 5
    BODY = (b"DATA", b"Subject: hello", b"", b"text", b".", b"QUIT")

    def play(self, greeting, stops, waits_for_220, pieces):
        """Sends everything before the reply to the greeting; its event.

        stops: the daemon while the client talks; pieces: one packet per line
        """
        you, client = self.person(), self.lab.client()
        lines = [line + b"\r\n" for line in (
            greeting, b"MAIL FROM:<a@example.com>",
            b"RCPT TO:<%s>" % you.encode()) + self.BODY]
        daemon = self.lab.daemon
        if stops:
            self.addCleanup(daemon.send_signal, signal.SIGCONT)
        with socket.create_connection(
                ("127.0.0.1", client.port), PATIENCE_S, (client.source, 0)) as wire:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if waits_for_220:
                self.assertTrue(wire.recv(100).startswith(b"220 "))
            if stops:
                daemon.send_signal(signal.SIGSTOP)
                until(lambda: stands_still(daemon.pid), "the stopped daemon")
            for piece in lines if pieces else [b"".join(lines)]:
                wire.sendall(piece)
                if stops:
                    time.sleep(0.02)
            if stops:
                daemon.send_signal(signal.SIGCONT)
            heard = b""
            while piece := wire.recv(4096):
                heard += piece
        self.assertIn(b"\r\n354 ", heard)
        return self.lab.stamp(you)

    def every_try(self, **how):
        for greeting in (b"EHLO pc", b"HELO pc"):
            for number in range(self.TRIES):
                with self.subTest(greeting=greeting, number=number):
                    stamp = self.play(greeting, **how)
                    self.assertEqual((stamp["pipe"], "PIPE" in stamp.flags),
                                     ("yes", True))

    def test_all_in_one_packet_at_connect_is_seen(self):
        self.every_try(stops=False, waits_for_220=False, pieces=False)

    def test_all_in_one_packet_after_the_greeting_is_seen(self):
        self.every_try(stops=False, waits_for_220=True, pieces=False)

    def test_a_packet_a_line_without_waiting_is_seen(self):
        self.every_try(stops=True, waits_for_220=True, pieces=True)


if __name__ == "__main__":
    unittest.main()
