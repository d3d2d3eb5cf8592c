# SPDX-License-Identifier: BSD-2-Clause
"""What the Postfix beside the daemon is set to: its mynetworks are exempt by
default, and what makes the filter useless is said with the remedy."""
import unittest

from support.lab import LabTest

LINE = "p7-dyn100.example.net"
HOLD = 125
SCANNER, STRANGER = "203.0.113.50", "198.51.100.50"


class Mynetworks(LabTest):
    postfix = {"mynetworks": "203.0.113.0/24", "milter_protocol": "6"}
    config = {"exempt_networks": ["postfix:mynetworks"]}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        daemon = cls.lab.daemon
        daemon.mail_config = cls.lab.postfix.etc
        daemon.restart()

    def test_a_client_that_postfix_trusts_is_not_held(self):
        you = self.person()
        self.lab.client(LINE, addr=SCANNER).try_one("scan@example.com", you).expect(250)
        self.lab.postfix.wait_mail(you)
        self.lab.daemon.wait_log("exempt=network 203.0.113.0/24")

    def test_another_is_held_as_ever(self):
        you = self.person()
        self.lab.client(LINE, addr=STRANGER).try_one(
            "a@example.com", you, hold=HOLD).expect(250)
        self.assertEqual(self.lab.stamp(you)["verdict"], "hold")


class Traps(LabTest):
    postfix = {"mynetworks": "203.0.113.0/24", "milter_protocol": "2",
               "milter_command_timeout": "5s"}

    def test_check_log_and_status_name_them(self):
        daemon = self.lab.daemon
        daemon.mail_config = self.lab.postfix.etc
        wanted = ["mynetworks includes 203.0.113.0/24", "milter_protocol = 2",
                  "milter_command_timeout = 5s", "chunking, silent-discard"]
        code, said = daemon.check()
        self.assertEqual(code, 0, said)
        daemon.restart()
        told = daemon.ctl("status")
        advice = [row["text"] for row in told["advice"]["rows"]]
        self.assertEqual(len(advice), len(wanted))
        for number, part in enumerate(wanted):
            self.assertIn(part, said)
            self.assertIn(part, daemon.log())
            self.assertIn(part, advice[number])


if __name__ == "__main__":
    unittest.main()
