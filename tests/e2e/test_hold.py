# SPDX-License-Identifier: BSD-2-Clause
"""A suspect is held at its first recipient, then accepted; others are not."""
import unittest

from support.lab import LabTest
from support.postfix import Service
from support.smtp import TEMPORARY

LINE = "p7-dyn100.example.net"
HOLD = 125


class Hold(LabTest):
    postfix = {"message_size_limit": "100000"}

    @classmethod
    def make_services(cls):
        return {"nodata": Service({"smtpd_data_restrictions": "reject"})}

    def test_a_suspect_that_waits_is_accepted_and_said_to_have_endured(self):
        you, client = self.person(), self.lab.client(LINE)
        client.try_one("a@example.com", you, hold=HOLD).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual(
            (stamp["verdict"], stamp["why"], stamp["s25r"], stamp["tarpit"],
             stamp["tarpit_secs"], stamp["mode"], stamp["fault"]),
            ("hold", "s25r", "match", "endured", HOLD, "targrey", "none"))
        self.assertLessEqual({"S25R", "TARPIT", "NO-SUCCESS"}, stamp.flags)
        self.assertEqual(stamp.client["ip"], client.source)
        self.assertEqual(stamp.client["name"], LINE)
        event = self.lab.event(you)
        self.assertEqual((event["hold_end"], event["delivered"], event["reply"]),
                         ("endured", 1, "250"))
        self.assertEqual(event["hold_asked_ms"], HOLD * 1000)
        self.assertGreaterEqual(event["hold_ms"], HOLD * 1000)

    def test_a_verified_mail_server_is_not_held_but_gets_its_headers(self):
        you = self.person()
        self.lab.client("mail.example.com").try_one("a@example.com", you).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual(
            (stamp["verdict"], stamp["why"], stamp["rdns"], stamp["s25r"],
             stamp["tarpit"], stamp["tarpit_secs"]),
            ("pass", "none", "pass", "none", "none", 0))

    def test_no_reverse_name_is_rule_0_and_held(self):
        you = self.person()
        self.lab.client().try_one("a@example.com", you, hold=HOLD).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["rdns"], stamp["s25r"], stamp["s25r_rule"]),
                         ("none", "match", "0"))
        self.assertIn("NORDNS", stamp.flags)

    def test_a_name_that_does_not_map_back_is_rule_0_and_held(self):
        you = self.person()
        client = self.lab.client(ptr="mail.example.org")
        client.try_one("a@example.com", you, hold=HOLD).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["rdns"], stamp["s25r"], stamp["s25r_rule"]),
                         ("mismatch", "match", "0"))
        self.assertEqual((stamp.client["name"], stamp.client["ptr"]),
                         ("unknown", "mail.example.org"))
        self.assertIn("MISMATCH", stamp.flags)

    def test_a_temporary_dns_failure_makes_no_suspect(self):
        you = self.person()
        client = self.lab.client(TEMPORARY, TEMPORARY)
        client.try_one("a@example.com", you).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["rdns"], stamp["s25r"], stamp["verdict"]),
                         ("temperror", "unknown", "pass"))

    def test_ipv6_is_held_and_unproven_as_its_socket_is_not_seen(self):
        you = self.person()
        client = self.lab.client(LINE, addr="2001:db8::25")
        client.try_one("a@example.com", you, hold=HOLD).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["verdict"], stamp["tarpit"]), ("hold", "unproven"))
        self.assertEqual(stamp.client["ip"], "2001:db8::25")

    def test_the_second_recipient_is_not_held_again(self):
        you, two = self.person(), self.person("two")
        with self.lab.client(LINE).greet() as session:
            session.mail("a@example.com").expect(250)
            session.rcpt(you, hold=HOLD).expect(250)
            session.rcpt(two).expect(250)
            session.message().expect(250)
        for recipient in (you, two):
            self.assertEqual(self.lab.stamp(recipient)["tarpit_secs"], HOLD)

    def test_the_second_message_of_a_session_is_not_held_again(self):
        you = self.person()
        with self.lab.client(LINE).greet() as session:
            for number, hold in enumerate((HOLD, None, None)):
                session.mail("a%d@example.com" % number).expect(250)
                session.rcpt(you, hold=hold).expect(250)
                session.message(subject="%d" % number).expect(250)
        self.lab.postfix.wait_mail(you, 3)

    def test_rset_after_a_hold_does_not_bring_another(self):
        you = self.person()
        with self.lab.client(LINE).greet() as session:
            session.mail("a@example.com").expect(250)
            session.rcpt(you, hold=HOLD).expect(250)
            session.rset().expect(250)
            session.mail("b@example.com").expect(250)
            session.rcpt(you).expect(250)
            session.message().expect(250)
        self.lab.postfix.wait_mail(you)

    def test_a_second_ehlo_keeps_the_hold_that_was_served(self):
        you = self.person()
        with self.lab.client(LINE).greet() as session:
            session.mail("a@example.com").expect(250)
            session.rcpt(you, hold=HOLD).expect(250)
            session.command("EHLO other.example.com").expect(250)
            session.mail("a@example.com").expect(250)
            session.rcpt(you).expect(250)
            session.message().expect(250)
        self.assertEqual(self.lab.stamp(you).client["heloname"], "other.example.com")

    def test_a_pipelined_group_is_answered_in_order_after_the_hold(self):
        you, two = self.person(), self.person("two")
        with self.lab.client(LINE).greet() as session:
            session.send("MAIL FROM:<a@example.com>", "RCPT TO:<%s>" % you,
                         "RCPT TO:<%s>" % two, "DATA")
            codes = [session.read_held(HOLD).code]
            codes += [session.read().code for _ in range(3)]
            self.assertEqual(codes, [250, 250, 250, 354])
            session.body().expect(250)
        self.assertEqual(self.lab.stamp(two)["tarpit"], "endured")

    def test_bdat_is_accepted_after_a_hold(self):
        you = self.person()
        with self.lab.client(LINE).greet() as session:
            session.mail("a@example.com").expect(250)
            session.rcpt(you, hold=HOLD).expect(250)
            text = session.sample().replace("\n", "\r\n").encode()
            session.send_raw(b"BDAT %d LAST\r\n" % len(text) + text)
            session.read().expect(250)
        self.assertEqual(self.lab.stamp(you)["tarpit"], "endured")

    def test_a_refused_recipient_is_not_held_for_and_is_counted(self):
        you = self.person()
        with self.lab.client(LINE).greet() as session:
            session.mail("a@example.com").expect(250)
            session.rcpt("unknown1@example.jp").expect(550)
            session.rcpt("unknown2@example.jp").expect(550)
            session.rcpt(you, hold=HOLD).expect(250)
            session.message().expect(250)
        self.assertEqual(self.lab.stamp(you)["rcpt_refused"], 2)

    def test_data_that_postfix_refuses_counts_nothing(self):
        you, client = self.person(), self.lab.client(LINE)
        with client.greet(port=self.lab.postfix.port("nodata")) as session:
            session.mail("a@example.com").expect(250)
            session.rcpt(you, hold=HOLD).expect(250)
            session.data().expect(554)
            session.quit()
        event = self.lab.event(you)
        self.assertEqual((event["hold_end"], event["delivered"]), ("held", 0))

    def test_a_message_that_postfix_refuses_later_counts_nothing(self):
        you, client = self.person(), self.lab.client(LINE)
        with client.greet() as session:
            session.mail("a@example.com").expect(250)
            session.rcpt(you, hold=HOLD).expect(250)
            session.message("Subject: big\n\n" + ("x" * 70 + "\n") * 2000).expect(552)
            session.quit()
        event = self.lab.event(you)
        self.assertEqual((event["hold_end"], event["delivered"]), ("held", 0))

    def test_helo_instead_of_ehlo_and_none_at_all(self):
        for tag, helo in (("helo", "HELO pc"), ("nohelo", None)):
            you = self.person(tag)
            with self.lab.client(LINE).connect() as session:
                if helo:
                    session.command(helo).expect(250)
                session.mail("a@example.com").expect(250)
                session.rcpt(you, hold=HOLD).expect(250)
                session.message().expect(250)
            self.assertEqual(self.lab.stamp(you)["helo"],
                             "bare" if helo else "missing")

    def test_a_session_without_a_message_is_on_record(self):
        client = self.lab.client("mail.example.com")
        client.greet("empty.example.com").quit()
        event = self.lab.daemon.wait_event(
            lambda row: row["ip"] == client.source, 1, "the empty session")
        self.assertEqual((event["sender"], event["delivered"]), (None, 0))


if __name__ == "__main__":
    unittest.main()
