# SPDX-License-Identifier: BSD-2-Clause
"""SPF in the headers, at the lists and at the selectors, with the real Postfix."""
import re
import tempfile
import unittest

from support import headers, spamassassin
from support.names import DnsTest
from test_lists import WithFiles

LINE = "p7-dyn100.example.net"
HOLD, HOLD_AT_DATA = 125, 90
GOOD, BAD = "198.51.100.7", "203.0.113.9"
MX = "mail.good.test"

NAMES = {
    "good.test": {"TXT": ["v=spf1 ip4:198.51.100.0/24 -all"],
                  "MX": [[10, MX]]},
    MX: {"A": [GOOD], "TXT": ["v=spf1 a -all"]},
    "soft.test": {"TXT": ["v=spf1 ip4:192.0.2.1 ~all"], "A": [GOOD]},
    "neutral.test": {"TXT": ["v=spf1 ?all"], "A": [GOOD]},
    "none.test": {"MX": [[10, MX]]},
    "broken.test": {"TXT": ["v=spf1 ip4:nonsense -all"], "A": [GOOD]},
    "twice.test": {"TXT": ["v=spf1 -all", "v=spf1 +all"], "A": [GOOD]},
    "trouble.test": {"TXT": "servfail", "MX": [[10, MX]]},
    "wide.test": {"TXT": ["v=spf1 +all"], "A": [GOOD]},
    "slow.test": {"TXT": "slow:700", "MX": [[10, MX]], "then": {
        "TXT": ["v=spf1 ip4:198.51.100.0/24 -all"]}},
}
IDENTITY = re.compile(r"; identity=(mailfrom|helo)$")


class Words(DnsTest):
    names = NAMES

    def stamp_of(self, sender, you, addr=GOOD, helo="mail.example.com"):
        self.at(addr).try_one(sender, you, helo=helo).expect(250)
        return self.lab.stamp(you)

    def test_each_result_becomes_a_word_and_perhaps_a_flag(self):
        spf_flags = {"SPF-PASS", "SPF-FAIL", "SPF-SOFTFAIL"}
        for sender, addr, word, flag in (
                ("a@good.test", GOOD, "pass", {"SPF-PASS"}),
                ("a@good.test", BAD, "fail", {"SPF-FAIL"}),
                ("a@soft.test", BAD, "softfail", {"SPF-SOFTFAIL"}),
                ("a@neutral.test", BAD, "neutral", set()),
                ("a@none.test", BAD, "none", set()),
                ("a@nowhere.test", BAD, "none", set()),
                ("a@broken.test", BAD, "permerror", set()),
                ("a@twice.test", BAD, "permerror", set()),
                ("a@trouble.test", BAD, "temperror", set())):
            with self.subTest(sender, addr=addr):
                you = self.person("%s.%s" % (sender.split("@")[1], word))
                stamp = self.stamp_of(sender, you, addr)
                self.assertEqual((stamp["spf"], stamp["verdict"]), (word, "pass"))
                self.assertEqual(stamp.flags & spf_flags, flag)
                self.assertEqual(stamp["fault"], "none")

    def test_the_helo_identity_has_a_word_of_its_own(self):
        for helo, addr, word in ((MX, GOOD, "pass"), (MX, BAD, "fail"),
                                 ("none.test", BAD, "none"),
                                 ("[198.51.100.7]", GOOD, "none"),
                                 ("pc", GOOD, "none")):
            with self.subTest(helo, addr=addr):
                you = self.person("h" + re.sub(r"\W", "-", helo + addr))
                stamp = self.stamp_of("a@none.test", you, addr, helo)
                self.assertEqual((stamp["spf"], stamp["spf_helo"]), ("none", word))

    def test_two_received_spf_stand_above_received_with_identity_last(self):
        you = self.person()
        self.stamp_of("a@good.test", you, BAD, MX)
        mail = self.lab.postfix.wait_mail(you)
        found = mail.all("Received-SPF")
        self.assertEqual([IDENTITY.search(text).group(1) for text in found],
                         ["mailfrom", "helo"])
        for text, sender in zip(found, ("good.test", MX)):
            self.assertTrue(text.startswith(
                "fail (mx.example.jp: domain of %s does not designate %s as"
                " permitted sender) client-ip=%s;" % (sender, BAD, BAD)), text)
            self.assertIn("envelope-from=", text)
            self.assertIn("helo=%s;" % MX, text)
            self.assertIn("receiver=mx.example.jp;", text)
        names = [name for name, _ in mail.header_lines()]
        ours = names.index(headers.SESSION)
        self.assertEqual(names[ours:ours + 6], [
            headers.SESSION, headers.CLIENT, headers.FLAGS,
            "Received-SPF", "Received-SPF", "Received"])

    def test_a_null_sender_is_checked_as_postmaster_of_its_helo(self):
        for addr, word in ((GOOD, "pass"), (BAD, "fail")):
            you = self.person(word)
            stamp = self.stamp_of("", you, addr, MX)
            self.assertEqual((stamp["from"], stamp["spf"], stamp["spf_helo"]),
                             ("null", word, word))
            found = self.lab.postfix.wait_mail(you).all("Received-SPF")
            self.assertEqual([text.split()[0] for text in found], [word, word])
            self.assertIn("domain of " + MX, found[0])

    def test_a_client_can_end_no_value_and_name_no_identity(self):
        you = self.person()
        with self.at(BAD).connect() as session:
            session.command('EHLO a;identity=mailfrom').expect(250)
            session.command('MAIL FROM:<"x; identity=helo; (\\"y"@good.test>'
                            ).expect(250)
            session.rcpt(you).expect(250)
            session.message().expect(250)
        mail = self.lab.postfix.wait_mail(you)
        found = mail.all("Received-SPF")
        self.assertEqual([IDENTITY.search(text).group(1) for text in found],
                         ["mailfrom", "helo"])
        for text in found:
            self.assertEqual(text.count("; identity="), 1, text)
        self.lab.stamp(you)

    def test_loopback_is_skipped_and_asks_nothing(self):
        you, before = self.person(), self.asked("good.test", "TXT")
        self.lab.client("mail.example.com").try_one("a@good.test", you).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["spf"], stamp["spf_helo"]), ("skipped", "skipped"))
        self.assertEqual(self.lab.postfix.wait_mail(you).all("Received-SPF"), [])
        self.assertEqual(self.asked("good.test", "TXT"), before)

    def test_no_authentication_results_unless_asked_for(self):
        you = self.person()
        self.at(GOOD).try_one("a@good.test", you, headers="Authentication-Results:"
                              " mx.example.jp; spf=pass\n").expect(250)
        found = self.lab.postfix.wait_mail(you).all("Authentication-Results")
        self.assertEqual(found, ["mx.example.jp; spf=pass"])

    def test_spamassassin_takes_our_words_and_asks_dns_no_more(self):
        you = self.person()
        self.stamp_of("a@good.test", you, BAD, MX)
        with tempfile.TemporaryDirectory(prefix="targrey-") as folder:
            said, out = spamassassin.debug_spf(
                folder, self.lab.postfix.wait_mail(you).raw)
        for identity in ("mfrom", "helo"):
            self.assertIn("re-using %s result from Received-SPF header: fail"
                          % identity, said)
        self.assertNotIn("proceeding with DNS based checks", said)
        self.assertNotRegex(said, r"spf: .*(query for|lookup|checking (Env|HELO))")
        self.assertRegex(out, r"tests=\S*SPF_FAIL\S*SPF_HELO_FAIL")


class AuthenticationResults(DnsTest):
    names = NAMES
    config = {"headers": {"authentication_results": True, "received_spf": False}}
    INCOMING = (
        "mx.example.jp; spf=pass smtp.mailfrom=good.test",
        "MX.Example.JP 1; dkim=pass",
        "other.example.net; spf=pass",
        "(a (nested) comment) mx.example.jp\n\t; none",
        '"mx.example.jp"; none',
        "mx.example.jp.evil.test; none",
        "mx.example.jp",
    )

    def test_ours_are_added_and_incoming_ones_with_our_id_are_gone(self):
        you = self.person()
        lines = "".join("%s: %s\n" % (
            ("authentication-results", "Authentication-Results")[number % 2], text)
            for number, text in enumerate(self.INCOMING))
        self.at(BAD).try_one("a@good.test", you, helo=MX, headers=lines).expect(250)
        mail = self.lab.postfix.wait_mail(you)
        found = mail.all("Authentication-Results")
        self.assertEqual(found, [
            "mx.example.jp; spf=fail smtp.mailfrom=good.test",
            "mx.example.jp; spf=fail smtp.helo=" + MX,
            "other.example.net; spf=pass",
            "mx.example.jp.evil.test; none"])
        self.assertEqual(mail.all("Received-SPF"), [])
        self.assertLess(mail.position("Authentication-Results"),
                        mail.position("Received"))
        self.assertEqual(self.lab.stamp(you)["forged"], 0)


class Selector(DnsTest):
    names = NAMES
    config = {"suspect": ["spf"]}

    def held_at_data(self, sender, addr, helo="mail.example.com"):
        """The answer of DNS is late: the hold is at DATA."""
        you = self.person(sender.split("@")[1])
        with self.at(addr).greet(helo) as session:
            session.mail(sender).expect(250)
            session.rcpt(you).expect(250)
            session.send("DATA")
            session.is_waiting(2)
            session.read_held(HOLD_AT_DATA).expect(354)
            session.body().expect(250)
        return self.lab.stamp(you)

    def test_fail_makes_a_suspect_also_when_the_answer_is_late(self):
        stamp = self.held_at_data("a@slow.test", BAD)
        self.assertEqual((stamp["verdict"], stamp["why"], stamp["spf"]),
                         ("hold", "spf", "fail"))

    def test_pass_none_and_errors_make_none(self):
        for sender, addr in (("a@good.test", GOOD), ("a@none.test", BAD),
                             ("a@trouble.test", BAD), ("a@broken.test", BAD)):
            you = self.person(sender.split("@")[1])
            self.at(addr, LINE).try_one(sender, you).expect(250)
            self.assertEqual(self.lab.stamp(you)["verdict"], "pass", sender)


class AllowedSender(WithFiles, DnsTest):
    names = NAMES
    files = {"allow": "sender: good.test\nsender: slow.test\nsender: wide.test\n"}

    @classmethod
    def settings(cls, root):
        return {"allow": {"files": [str(root / "allow")]}}

    def test_with_a_pass_it_is_free(self):
        you = self.person()
        self.at(GOOD).try_one("a@good.test", you).expect(250)
        self.assertIn("sender", self.exempt(you))

    def test_a_late_pass_comes_before_the_hold(self):
        you = self.person()
        self.at(GOOD, LINE).try_one("a@slow.test", you).expect(250)
        self.assertIn("sender", self.exempt(you))
        self.assertEqual(self.lab.event(you)["hold_end"], "none")

    def test_without_a_pass_or_with_one_for_all_it_is_held(self):
        for sender, addr in (("a@good.test", BAD), ("a@wide.test", BAD)):
            you = self.person(sender.split("@")[1])
            with self.at(addr, LINE).greet() as session:
                session.mail(sender).expect(250)
                session.send("RCPT TO:<%s>" % you)
                self.dns_at_rest()
                session.read_held(HOLD).expect(250)
                session.recipients.append(you)
                session.message().expect(250)
            self.assertEqual(self.lab.stamp(you)["verdict"], "hold", sender)


if __name__ == "__main__":
    unittest.main()
