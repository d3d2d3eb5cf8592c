# SPDX-License-Identifier: BSD-2-Clause
"""Mail without an SMTP client, health checks: nothing of the outside."""
import unittest

from support import headers
from support.lab import LabTest

LINE = "p7-dyn100.example.net"


class HandedIn(LabTest):
    postfix = {"non_smtpd_milters": "$smtpd_milters"}
    config = {"exempt_networks": [], "suspect": ["all"]}

    def test_what_a_local_program_hands_in_is_exempt_without_any_setting(self):
        you = self.person()
        self.lab.postfix.sendmail("root@example.jp", you, "Subject: x\n\ntext\n")
        mail = self.lab.postfix.wait_mail(you)
        self.assertEqual(mail.all(headers.SESSION), [])
        self.assertEqual(self.lab.event(you)["exempt"], "no SMTP client")

    def test_a_client_at_loopback_is_not_taken_for_one(self):
        you = self.person()
        self.lab.client(LINE, source="127.0.0.1").try_one(
            "a@example.com", you, hold=125).expect(250)
        self.assertEqual(self.lab.stamp(you)["verdict"], "hold")


class HealthChecks(LabTest):
    config = {"exempt_networks": ["127.201.0.0/16"]}

    def test_a_greeting_and_a_quit_from_within_write_nothing(self):
        for source in ("127.201.0.1", "127.203.0.1"):
            for number in range(3):
                session = self.lab.client(source=source).greet("check%d" % number)
                session.quit()
        rows = self.lab.daemon.wait_event(
            lambda row: row["heloname"] == "check2" and row["sender"] is None)
        self.assertEqual(rows["ip"], "127.203.0.1")
        self.lab.daemon.settle()
        self.assertEqual({row["ip"] for row in self.lab.daemon.events()},
                         {"127.203.0.1"})


if __name__ == "__main__":
    unittest.main()
