# SPDX-License-Identifier: BSD-2-Clause
"""Null senders: bounces are held at DATA, call-outs that stop at RCPT never."""
import unittest

from support.lab import LabTest

LINE = "p7-dyn100.example.net"
NULL_HOLD = 90


class NullSender(LabTest):
    def test_a_sender_call_out_is_not_delayed(self):
        with self.lab.client(LINE).greet("checker.example.net") as session:
            session.mail("").expect(250)
            session.rcpt(self.person()).expect(250)
            session.rcpt(self.person("two")).expect(250)
            session.command("QUIT").expect(221)

    def test_a_bounce_is_held_at_data_for_at_most_90_seconds(self):
        you = self.person()
        with self.lab.client(LINE).greet() as session:
            session.mail("").expect(250)
            session.rcpt(you).expect(250)
            session.message(hold=NULL_HOLD).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["from"], stamp["tarpit"], stamp["tarpit_secs"]),
                         ("null", "endured", NULL_HOLD))

    def test_one_that_leaves_in_that_hold_is_noticed(self):
        you, client = self.person(), self.lab.client(LINE)
        session = client.greet()
        session.mail("").expect(250)
        session.rcpt(you).expect(250)
        self.lab.send_held(session, "DATA")
        session.pass_time(30)
        self.assertTrue(session.is_waiting())
        session.hang_up()
        self.lab.clock.advance(1.1)
        self.lab.daemon.wait_event(
            lambda row: row["ip"] == client.source and row["hold_end"] == "gone",
            1, "the hang-up at DATA")
        self.lab.postfix.settle()
        self.assertEqual(self.lab.postfix.delivered(you), [])

    def test_a_bounce_of_one_that_hung_up_is_greylisted_at_data(self):
        you, client = self.person(), self.lab.client(LINE)
        self.lab.leave_hold(client, "a@example.com", you, 10)
        with client.greet() as session:
            session.mail("").expect(250)
            session.rcpt(you).expect(250)
            session.data().expect(450)

    def test_a_bounce_from_a_mail_server_is_not_held(self):
        you = self.person()
        self.lab.client("mail.example.com").try_one("", you).expect(250)
        self.assertEqual(self.lab.stamp(you)["from"], "null")


if __name__ == "__main__":
    unittest.main()
