# SPDX-License-Identifier: BSD-2-Clause
"""The Postfix that people have: old milter protocols, short time limits, a
connection with many greylisted messages, NAT."""
import unittest

from support.lab import LabTest
from support.smtp import Gone

LINE = "p7-dyn100.example.net"
HOLD, HOLD_DATA = 125, 90
SENDER = "a@example.com"


class OldProtocol:
    """No DATA event: the message is judged when it is there."""
    protocol = None

    @classmethod
    def setUpClass(cls):
        cls.postfix = {"milter_protocol": cls.protocol}
        super().setUpClass()

    def test_a_suspect_is_greylisted_at_the_end_of_the_message(self):
        you, client = self.person(), self.lab.client(LINE)
        with client.greet() as session:
            session.mail(SENDER).expect(250)
            session.rcpt(you).expect(250)
            session.data().expect(354)
            session.body().expect(450, "4.7.1")
        event = self.lab.event(you)
        self.assertEqual((event["verdict"], event["reply"], event["delivered"]),
                         ("greylist", "450", 0))
        # It is on record: the tries count as ever.
        for _ in range(2):
            self.lab.clock.advance(1900)
            reply = client.try_one(SENDER, you)
            if reply.code == 250:
                break
        reply.expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["verdict"], stamp["why"], stamp["grey"]),
                         ("pass", "tries", "passed"))

    def test_the_session_goes_on_after_it(self):
        you, client = self.person(), self.lab.client(LINE)
        with client.greet() as session:
            for number in range(2):
                session.mail(SENDER).expect(250)
                session.rcpt("n%d.%s" % (number, you)).expect(250)
                session.data().expect(354)
                session.body().expect(450, "4.7.1")
            session.mail(SENDER).expect(250)
            session.rset().expect(250)

    def test_an_innocent_is_not_touched_and_the_trap_is_named(self):
        you = self.person()
        self.lab.client("mail.example.com").try_one(SENDER, you).expect(250)
        self.assertEqual(self.lab.stamp(you)["verdict"], "pass")
        self.lab.daemon.wait_log("Postfix sends no DATA event")
        code, told, _ = self.lab.daemon.ctl_code("status")
        self.assertEqual(code, 1)
        self.assertIn("no DATA event", str(told["trouble"]))


class Protocol2(OldProtocol, LabTest):
    protocol = "2"
    config = {"mode": "rgrey"}


class Protocol3(OldProtocol, LabTest):
    protocol = "3"
    config = {"mode": "rgrey"}


class OldProtocolHold(LabTest):
    postfix = {"milter_protocol": "2"}

    def test_holds_are_as_ever(self):
        you = self.person()
        self.lab.client(LINE).try_one(SENDER, you, hold=HOLD).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["verdict"], stamp["tarpit"]), ("hold", "endured"))

    def bounce(self, session, you):
        session.mail("").expect(250)
        session.rcpt(you).expect(250)
        session.data().expect(354)

    def test_a_bounce_is_held_when_its_message_is_there(self):
        you = self.person()
        with self.lab.client(LINE).greet() as session:
            self.bounce(session, you)
            session.body(hold=HOLD_DATA).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["verdict"], stamp["tarpit"]), ("hold", "endured"))

    def test_a_bounce_whose_client_hangs_up_meanwhile_is_not_taken(self):
        you, client = self.person(), self.lab.client(LINE)
        session = client.greet()
        self.bounce(session, you)
        session.send_body()
        session.pass_time(20)
        self.assertTrue(session.is_waiting())
        session.hang_up()
        self.lab.clock.advance(1.1)
        event = self.lab.event(you)
        self.assertEqual((event["hold_end"], event["reply"], event["delivered"]),
                         ("gone", "450", 0))
        self.lab.postfix.settle()
        self.assertEqual(self.lab.postfix.delivered(you), [])


class ShortLimit(LabTest):
    postfix = {"milter_command_timeout": "5s"}

    def test_a_hold_outlasts_it(self):
        """In real time for seven seconds: the MTA's clock cannot be set."""
        you = self.person()
        with self.lab.client(LINE).greet() as session:
            session.mail(SENDER).expect(250)
            session.send("RCPT TO:<%s>" % you)
            self.assertTrue(session.is_waiting(7))
            session.pass_time(HOLD)
            session.read().expect(250)
            session.recipients.append(you)
            session.message().expect(250)
        self.assertEqual(self.lab.stamp(you)["tarpit"], "endured")


class TooShort(LabTest):
    postfix = {"milter_command_timeout": "1s"}

    def test_an_mta_that_does_not_wait_is_named(self):
        you = self.person()
        with self.lab.client(LINE).greet() as session:
            session.mail(SENDER).expect(250)
            session.rcpt(you).expect(250)
        self.lab.daemon.wait_log("is milter_command_timeout")


class ManyOnOneConnection(LabTest):
    config = {"mode": "rgrey"}

    def test_after_ten_refusals_the_client_is_asked_to_come_again(self):
        you, client = self.person(), self.lab.client(LINE)
        session = client.greet()
        codes = []
        try:
            for number in range(30):
                session.mail(SENDER).expect(250)
                session.rcpt("n%d.%s" % (number, you)).expect(250)
                codes.append(session.data().code)
                session.rset().expect(250)
        except (Gone, OSError):
            pass
        self.assertEqual(codes, 9 * [450] + [421])
        self.lab.postfix.wait_log(r"disconnect from .*%s\]" % client.source)
        self.assertNotIn("too many errors", self.lab.postfix.log())
        event = self.lab.event("n9.%s" % you)
        self.assertEqual((event["verdict"], event["reply"]), ("greylist", "421"))
        # on record like the others
        self.lab.clock.advance(1900)
        client.try_one(SENDER, "n9.%s" % you)
        self.lab.clock.advance(1900)
        client.try_one(SENDER, "n9.%s" % you).expect(250)


class OneSender(LabTest):
    config = {"mode": "rgrey"}

    def passes(self, *paths):
        """Each visit names the sender otherwise; the tries count for one."""
        you, client = self.person(), self.lab.client(LINE)
        for number, path in enumerate(paths):
            self.lab.clock.advance(1900)
            with client.greet() as session:
                session.command("MAIL FROM:" + path).expect(250)
                session.rcpt(you).expect(250)
                session.message().expect(450 if number < 2 else 250)
        self.assertEqual(self.lab.stamp(you)["why"], "tries")

    def test_whose_mail_server_tags_each_message(self):
        self.passes("<prvs=newsletter=0123abcdef@example.com>",
                    "<prvs=newsletter=4567fedcba@example.com>",
                    "<prvs=89010a0b0c=newsletter@example.com>")

    def test_in_several_spellings(self):
        self.passes('<"bulk"@example.com>', "<@relay.example:bulk@example.com>",
                    "<Bulk@EXAMPLE.com>")

    def test_in_u_labels_and_a_labels(self):
        self.passes("<a@caf\u00e9.example> SMTPUTF8", "<a@xn--caf-dma.example>",
                    "<a@CAF\u00c9.example> SMTPUTF8")


class BehindNat(LabTest):
    config = {"exempt_networks": ["127.204.0.0/16"]}

    def test_one_private_address_for_all_is_said(self):
        for number in range(50):
            with self.lab.client(source="127.204.0.1").greet() as session:
                session.mail(SENDER).expect(250)
        self.lab.daemon.wait_log("all recent clients came from one exempt address")
        code, told, _ = self.lab.daemon.ctl_code("status")
        self.assertEqual(code, 1)
        self.assertIn("NAT or a proxy", str(told["trouble"]))
        # One from outside, and there is nothing to say any more.
        self.lab.client("mail.example.com").try_one(
            SENDER, self.person()).expect(250)
        self.lab.event(self.person())
        code, told, _ = self.lab.daemon.ctl_code("status")
        self.assertEqual(code, 0, told)


if __name__ == "__main__":
    unittest.main()
