# SPDX-License-Identifier: BSD-2-Clause
"""What the other end-to-end tests rely on, shown with Postfix alone."""
import unittest

from support import headers
from support.lab import Lab, LabTest
from support.postfix import Service
from support.smtp import Gone

LINE = "p7-dyn100.example.net"


class PrivatePostfix(LabTest):
    daemon = False

    @classmethod
    def make_services(cls):
        return {"stress": Service({"stress": "yes"})}

    def test_a_message_reaches_its_recipients_folder(self):
        you, two = self.person(), self.person("two")
        self.lab.client(LINE).try_one("a@example.com", you, two).expect(250)
        self.assertIn("Hello,", self.lab.postfix.wait_mail(you).message.get_payload())
        self.assertEqual(self.lab.postfix.wait_mail(two).to, two)

    def test_xclient_gives_the_names_and_the_address(self):
        you = self.person()
        self.lab.client(LINE).try_one("a@example.com", you)
        self.lab.client(ptr="x.example", addr="2001:db8::7").try_one("b@example.com", you)
        self.lab.postfix.wait_mail(you, 2)
        text = "\n".join(mail.raw.decode() for mail in self.lab.postfix.delivered(you))
        self.assertIn("(p7-dyn100.example.net [127.", text)
        self.assertIn("(unknown [IPv6:2001:db8::7])", text)

    def test_an_unknown_recipient_is_refused_by_postfix(self):
        session = self.lab.client(LINE).greet()
        session.mail("a@example.com").expect(250)
        session.rcpt("unknown@example.jp").expect(550)
        session.quit()

    def test_a_pipelined_group_gets_a_reply_each(self):
        session = self.lab.client(LINE).greet()
        replies = session.group("MAIL FROM:<a@example.com>",
                                "RCPT TO:<%s>" % self.person(), "DATA")
        self.assertEqual([reply.code for reply in replies], [250, 250, 354])
        session.body().expect(250)

    def test_half_close_still_reads(self):
        session = self.lab.client(LINE).greet()
        session.send("NOOP")
        session.half_close()
        self.assertEqual([reply.code for reply in session.at_end()], [250])

    def test_reset_and_hang_up_end_the_session(self):
        for leave in ("reset", "hang_up"):
            client = self.lab.client(LINE)
            getattr(client.greet(leave + ".example.com"), leave)()
            self.lab.postfix.wait_log(
                r"lost connection after EHLO from .*%s" % client.source)

    def test_stress_drops_a_client_at_its_first_error(self):
        session = self.lab.client(LINE).greet(port=self.lab.postfix.port("stress"))
        session.mail("a@example.com").expect(250)
        session.rcpt("unknown@example.jp").expect(550)
        with self.assertRaises(Gone):
            session.read().expect(421)
            session.read()

    def test_two_instances_run_side_by_side(self):
        with Lab(daemon=False) as other:
            self.assertNotEqual(other.postfix.port(), self.lab.postfix.port())
            other.client(LINE).try_one("a@example.com", "b@example.jp").expect(250)
            other.postfix.wait_mail("b@example.jp")


class Grammar(unittest.TestCase):
    GOOD = ("v=1; id=mx.example.jp; sid=4f2a9c01b7; mode=targrey; verdict=hold; "
            "why=s25r; would=none; rdns=mismatch; s25r=match; s25r_rule=0; "
            "tarpit=endured; tarpit_secs=125; grey=none; grey_tries=0; "
            "grey_secs=0; early=no; age=0; seen=0; passed=0; gaveup=1; "
            "gaveup_secs=41; ham=0; spam=0; rcpt_refused=0; helo=fqdn; "
            "helo_dns=mismatch; from=ok; spf=fail; spf_helo=none; pipe=no; "
            "tls=yes; local=none; forged=0; fault=none"
            "; mx=1; mx_order=none")

    def test_the_example_of_the_definition_is_read(self):
        words = headers.session(self.GOOD)
        self.assertEqual(words["gaveup_secs"], 41)
        self.assertEqual(words["rdns"], "mismatch")

    def test_what_breaks_the_grammar_is_refused(self):
        for wrong in (self.GOOD + ";", self.GOOD.replace("; id", ";id"),
                      self.GOOD.replace("s25r=match", "s25r=MATCH"),
                      self.GOOD.replace("age=0; ", ""),
                      self.GOOD.replace("=4f2a9c01b7", "=a b"),
                      self.GOOD.replace("=4f2a9c01b7", "=%zz")):
            with self.assertRaises(headers.Malformed, msg=wrong):
                headers.session(wrong)

    def test_client_text_is_decoded_after_it_was_split(self):
        words = headers.client("v=1; ip=198.51.100.7; name=unknown; ptr=a%3B%20b=c;"
                               " heloname=h; key=198.51.100.7".replace("=c", "%3Dc"))
        self.assertEqual(words["ptr"], "a; b=c")


if __name__ == "__main__":
    unittest.main()
