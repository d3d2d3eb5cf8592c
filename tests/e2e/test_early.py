# SPDX-License-Identifier: BSD-2-Clause
"""Talking before the greeting is seen, and only that."""
import socket
import unittest

from support.lab import LabTest


class Early(LabTest):
    def talk(self, client, you, waits_for_greeting):
        """A whole transaction up to RCPT; its event."""
        with socket.create_connection(
                ("127.0.0.1", client.port), 10, (client.source, 0)) as wire:
            if waits_for_greeting:
                self.assertTrue(wire.recv(100).startswith(b"220 "))
            wire.sendall(b"EHLO pc\r\nMAIL FROM:<a@example.com>\r\n"
                         b"RCPT TO:<%s>\r\n" % you.encode())
            # Held now, and the replies with it: nothing comes.
            wire.settimeout(1)
            with self.assertRaises(TimeoutError):
                while wire.recv(1000):
                    pass
        return self.lab.daemon.wait_event(
            lambda row: row["ip"] == client.source, 1,
            "the event")

    def test_a_client_that_talks_before_the_greeting_is_marked(self):
        event = self.talk(self.lab.client("ignored.example.com"), self.person(), False)
        self.assertEqual(event["pipe"], "yes")

    def test_a_client_that_waits_for_the_greeting_is_not(self):
        event = self.talk(self.lab.client("ignored.example.com"), self.person(), True)
        self.assertIn(event["pipe"], ("no", "unknown"))


if __name__ == "__main__":
    unittest.main()
