# SPDX-License-Identifier: BSD-2-Clause
"""SPF and the other facts from DNS, through the real Postfix."""
import unittest

from support.dnsd import Server
from support.lab import LabTest

MINUTE, DAY, HOLD = 60, 86400, 125
POOL = "pool.example"
TABLE = {
    # A pool whose lines look like end users' and stand in two networks.
    POOL: {"TXT": ["v=spf1 ip4:192.0.2.0/25 ip4:198.51.100.0/25 -all"],
           "MX": [[10, "mx." + POOL]], "A": ["192.0.2.1"]},
    "all.example": {"TXT": ["v=spf1 +all"], "MX": [[10, "mx.all.example"]]},
    "none.example": {"MX": [[10, "mx.none.example"]]},
    "soft.example": {"TXT": ["v=spf1 ~all"], "A": ["192.0.2.9"]},
    "dead.example": {"*": "silent"},
    "slow.example": {"TXT": "slow:1500", "then": {"TXT": ["v=spf1 -all"]},
                     "A": ["192.0.2.9"]},
    "mail.none.example": {"A": ["203.0.113.5"]},
    "out.pool.example": {"A": ["192.0.2.10"],
                         "TXT": ["v=spf1 a -all"]},
}


class WithDns(LabTest):
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.dns = Server(TABLE)
        cls.dns.start()
        cls.addClassCleanup(cls.dns.close)
        cls.config = dict({"spf": {"enabled": True},
                           "dns": {"servers": [cls.dns.text], "timeout": "3s"}},
                          **cls.settings)
        super().setUpClass()

    def line(self, address, number=7):
        return self.lab.client("p%d-2x3.pool.example" % number, addr=address)


class Facts(WithDns):
    def stamp_of(self, sender, address="203.0.113.5", helo="mail.none.example"):
        self.count = getattr(self, "count", 0) + 1
        you = self.person("n%d" % self.count)
        self.lab.client("mail.none.example", addr=address).try_one(
            sender, you, helo=helo).expect(250)
        self.mail = self.lab.postfix.wait_mail(you)
        return self.lab.stamp(you)

    def test_results_become_words_and_flags(self):
        for sender, address, word, flag in (
                ("a@pool.example", "192.0.2.10", "pass", "SPF-PASS"),
                ("a@pool.example", "203.0.113.5", "fail", "SPF-FAIL"),
                ("a@soft.example", "203.0.113.5", "softfail", "SPF-SOFTFAIL"),
                ("a@none.example", "203.0.113.5", "none", None)):
            stamp = self.stamp_of(sender, address)
            self.assertEqual((stamp["spf"], stamp["fault"]), (word, "none"), sender)
            if flag:
                self.assertIn(flag, stamp.flags)
            # Nobody becomes a suspect by it, unless asked for.
            self.assertEqual(stamp["verdict"], "pass")

    def test_two_received_spf_headers_stand_above_received(self):
        self.stamp_of("b@pool.example", "192.0.2.10", "out.pool.example")
        found = self.mail.all("Received-SPF")
        self.assertEqual(len(found), 2)
        self.assertEqual({text.rsplit("identity=", 1)[1].rstrip(";")
                          for text in found}, {"mailfrom", "helo"})
        for text in found:
            self.assertTrue(text.lower().startswith("pass"), text)
        names = [name for name, _ in self.mail.header_lines()]
        self.assertLess(names.index("Received-SPF"), names.index("Received"))

    def test_helo_and_sender_are_looked_up(self):
        stamp = self.stamp_of("c@none.example")
        self.assertEqual((stamp["helo_dns"], stamp["from"]), ("match", "ok"))
        stamp = self.stamp_of("d@nosuch.example")
        self.assertEqual(stamp["from"], "nodns")
        self.assertIn("FROM-BAD", stamp.flags)

    def test_a_dead_name_server_delays_no_longer_than_its_time_out(self):
        stamp = self.stamp_of("e@dead.example")
        self.assertEqual((stamp["spf"], stamp["verdict"]), ("temperror", "pass"))

    def test_a_null_sender_is_checked_by_its_helo(self):
        stamp = self.stamp_of("", "192.0.2.10", "out.pool.example")
        self.assertEqual((stamp["spf_helo"], stamp["from"]), ("pass", "null"))


class Pools(WithDns):
    settings = {"mode": "rgrey"}

    def visit(self, sender, addresses, you):
        """One visit from each address, half an hour apart; the codes."""
        codes = []
        for number, address in enumerate(addresses):
            self.lab.clock.advance(31 * MINUTE)
            codes.append(self.line(address, number).try_one(sender, you).code)
        return codes

    def test_a_pool_with_spf_is_one_sender(self):
        you = self.person()
        codes = self.visit("a@" + POOL, ("192.0.2.10", "198.51.100.20", "192.0.2.77"),
                           you)
        self.assertEqual(codes, [450, 450, 250])
        self.assertEqual(self.lab.stamp(you)["why"], "tries")

    def test_without_spf_each_network_is_one(self):
        codes = self.visit("a@none.example",
                           ("192.0.2.10", "198.51.100.20", "203.0.113.30"),
                           self.person())
        self.assertEqual(codes, [450, 450, 450])

    def test_a_record_that_lets_anybody_pass_ties_nobody_together(self):
        codes = self.visit("a@all.example",
                           ("192.0.2.10", "198.51.100.20", "203.0.113.30"),
                           self.person())
        self.assertEqual(codes, [450, 450, 450])

    def test_a_dns_failure_in_between_does_not_restart_the_clock(self):
        you, sender = self.person(), "b@" + POOL
        codes = self.visit(sender, ("192.0.2.10",), you)
        self.dns.table = dict(TABLE, **{POOL: {"*": "servfail"}})
        try:
            codes += self.visit(sender, ("192.0.2.11",), you)
        finally:
            self.dns.table = TABLE
        codes += self.visit(sender, ("192.0.2.12",), you)
        self.assertEqual(codes, [450, 450, 250])


class Selector(WithDns):
    settings = {"suspect": ["s25r", "spf"]}

    def test_spf_fail_makes_a_suspect_when_asked_for(self):
        """The answer comes behind RCPT: so the hold is at DATA."""
        you = self.person()
        client = self.lab.client("mail.none.example", addr="203.0.113.5")
        with client.greet("mail.none.example") as session:
            session.mail("a@slow.example").expect(250)
            session.rcpt(you).expect(250)
            session.send("DATA")
            self.assertTrue(session.is_waiting(2.5))
            session.read_held(HOLD).expect(354)
            session.body().expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["why"], stamp["spf"]), ("spf", "fail"))

    def test_spf_pass_waives_no_test(self):
        you = self.person()
        self.line("192.0.2.10").try_one("a@" + POOL, you, hold=HOLD).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["spf"], stamp["verdict"]), ("pass", "hold"))


if __name__ == "__main__":
    unittest.main()
