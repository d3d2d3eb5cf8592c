# SPDX-License-Identifier: BSD-2-Clause
"""Talking before the greeting is seen, and only that.

What had arrived when Postfix took the connection is out of sight: smtpd reads
it before it speaks to any milter. Seen is what comes after that, and before
the answer to CONNECT. So the daemon is stopped here while the client talks.
"""
import signal
import socket
import time
import unittest

from support.lab import LabTest


class Early(LabTest):
    def talk(self, client, you, waits_for_greeting):
        """A whole transaction up to RCPT; its event."""
        daemon = self.lab.daemon
        daemon.send_signal(signal.SIGSTOP)
        self.addCleanup(daemon.send_signal, signal.SIGCONT)
        with socket.create_connection(
                ("127.0.0.1", client.port), 10, (client.source, 0)) as wire:
            self.lab.postfix.wait_log(r" connect from \S*\[%s\]" % client.source)
            time.sleep(0.3)
            if waits_for_greeting:
                daemon.send_signal(signal.SIGCONT)
                self.assertTrue(wire.recv(100).startswith(b"220 "))
            wire.sendall(b"EHLO pc\r\nMAIL FROM:<a@example.com>\r\n"
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

    def test_a_client_that_waits_for_the_greeting_is_not(self):
        event = self.talk(self.lab.client(), self.person(), True)
        self.assertIn(event["pipe"], ("no", "unknown"))


if __name__ == "__main__":
    unittest.main()
