# SPDX-License-Identifier: BSD-2-Clause
"""Holds that end without their client: nothing stays behind."""
import time
import unittest

from support.lab import LabTest
from support.postfix import Service

LINE = "p7-dyn100.example.net"
HOLD = 125


class FreeAgain(LabTest):
    @classmethod
    def make_services(cls):
        # Postfix gives up on a silent client after 3 s here.
        return {"quick": Service({"smtpd_timeout": "3s"})}

    def test_the_smtpd_of_a_vanished_client_is_free_soon(self):
        """In real time: printed, and judged only against half the hold."""
        for leave in ("hang_up", "reset"):
            client = self.lab.client(LINE)
            session = client.greet("pc")
            session.mail("a@example.com").expect(250)
            session.send("RCPT TO:<%s>" % self.person())
            self.assertTrue(session.is_waiting(2.3))
            begun = time.monotonic()
            getattr(session, leave)()
            self.lab.postfix.wait_log(r"disconnect from .*%s\]" % client.source)
            took = time.monotonic() - begun
            print("smtpd free %.2f s after %s" % (took, leave))
            self.assertLess(took, HOLD / 2)

    def test_a_pulled_cable_waits_to_the_end_and_counts_nothing(self):
        """To the kernel a silent client and a dead line are the same."""
        client, you = self.lab.client(LINE), self.person()
        session = client.greet("pc", port=self.lab.postfix.port("quick"))
        session.mail("a@example.com").expect(250)
        self.lab.send_held(session, "RCPT TO:<%s>" % you)
        session.pass_time(HOLD + 1)
        event = self.lab.event(you)
        self.assertEqual((event["hold_end"], event["delivered"]), ("held", 0))
        self.lab.postfix.wait_log(r"timeout after RCPT .*%s\]" % client.source)
        # It did not hang up: the next visit is a hold again.
        client.try_one("a@example.com", you, hold=HOLD).expect(250)
        self.assertEqual(self.lab.stamp(you)["passed"], 0)

    def test_many_holds_at_once_use_no_thread_each(self):
        sessions = self.lab.hold_many(LINE, [self.person("n%d" % number) for number in range(30)])
        with open("/proc/%d/status" % self.lab.daemon.pid, encoding="ascii") as file:
            status = dict(line.split(":", 1) for line in file)
        self.assertLess(int(status["Threads"]), 30 + 16)
        self.lab.clock.advance(HOLD)
        self.assertEqual({session.read().code for session in sessions}, {250})


if __name__ == "__main__":
    unittest.main()
