# SPDX-License-Identifier: BSD-2-Clause
"""Dead name servers delay a mail and lose none; what DNS says of a client."""
import time
import unittest

from support import headers
from support.names import DnsTest

TIMEOUT, BURST, HOLD, HOLD_AT_DATA = 30, 20, 125, 90
GOOD, BAD, LISTED = "198.51.100.7", "203.0.113.9", "203.0.113.66"
MX = "mail.good.test"
LINE = "p7-dyn100.example.net"

NAMES = {
    "good.test": {"TXT": ["v=spf1 ip4:198.51.100.0/24 -all"], "MX": [[10, MX]]},
    MX: {"A": [GOOD], "AAAA": ["2001:db8::25"]},
    "addressonly.test": {"A": [GOOD]},
    "nullmx.test": {"MX": [[0, "."]]},
    "empty.test": {"TXT": ["nothing of use"]},
    "trouble.test": {"*": "servfail"},
    "refused.test": {"*": "refused"},
    "mute.test": {"*": "mute"},
    "garbage.test": {"*": "garbage"},
    "dead.test": {"*": "silent"},
    "*.dead.test": {"*": "silent"},
    "*.alive.test": {"TXT": ["v=spf1 ip4:198.51.100.0/24 -all"], "MX": [[10, MX]],
                     "A": [GOOD]},
}


def listing(address, zone, *answers):
    return {".".join(reversed(address.split("."))) + "." + zone: {"A": answers}}


# What every DNS list has (RFC 5782 5); without it a list does not count.
ENTRIES = {}
for zone in ("bl.test", "second.test", "masked.test", "wl.test"):
    ENTRIES.update(listing("127.0.0.2", zone, "127.0.0.2"))


class Slow(DnsTest):
    def wait_out(self, session):
        """Lets the clock run to the time-out, at last in steps of 0.1 s.

        A leap over the time-out and the moment of grace behind it would be
        no fair play.
        """
        session.pass_time(TIMEOUT - 1)
        while session.is_waiting(0.03):
            self.lab.clock.step(0.1)


class Dead(Slow):
    names = NAMES
    dns_timeout = "%ds" % TIMEOUT

    def to_data(self, sender, you, addr=GOOD):
        """A session that has just said DATA."""
        session = self.at(addr).greet()
        session.mail(sender).expect(250)
        session.rcpt(you).expect(250)
        session.send("DATA")
        return session

    def test_a_mail_waits_for_the_timeout_at_most_and_arrives(self):
        for domain in ("dead.test", "mute.test", "garbage.test"):
            with self.subTest(domain):
                you = self.person(domain)
                with self.to_data("a@" + domain, you) as session:
                    self.assertTrue(session.is_waiting(), "did not wait for DNS")
                    self.wait_out(session)
                    reply = session.read().expect(354)
                    session.body().expect(250)
                stamp = self.lab.stamp(you)
                self.assertEqual((stamp["spf"], stamp["from"], stamp["fault"]),
                                 ("temperror", "unknown", "dns"))
                self.assertIn("FAULT", stamp.flags)
                event = self.lab.event(you)
                self.assertEqual((event["delivered"], event["spf_domain"]), (1, None))
                print("%s: DATA answered after %.1f s, DNS given up after %.1f s,"
                      " of %d s" % (domain, reply.held, event["dns_ms"] / 1000,
                                    TIMEOUT))

    def test_a_server_that_refuses_costs_no_time(self):
        for domain in ("trouble.test", "refused.test"):
            you = self.person(domain)
            self.at(GOOD).try_one("a@" + domain, you).expect(250)
            stamp = self.lab.stamp(you)
            self.assertEqual((stamp["spf"], stamp["from"], stamp["fault"]),
                             ("temperror", "unknown", "none"))

    def test_a_suspect_whose_dns_is_dead_is_held_no_longer_for_it(self):
        you = self.person()
        self.at(BAD, LINE).try_one("a@dead.test", you, hold=HOLD).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["verdict"], stamp["tarpit_secs"], stamp["fault"]),
                         ("hold", HOLD, "dns"))

    def test_twenty_dead_do_not_slow_twenty_whose_dns_is_alive(self):
        begun = time.monotonic()
        dead = [self.to_data("a@d%d.dead.test" % number, self.person("d%d" % number))
                for number in range(BURST)]
        opened, times = time.monotonic(), []
        for number in range(BURST):
            you = self.person("a%d" % number)
            with self.to_data("a@l%d.alive.test" % number, you) as session:
                session.read().expect(354)
                times.append(time.monotonic())
                session.body().expect(250)
                session.quit()
        still = [session for session in dead if session.is_waiting(0)]
        print("burst: %d dead opened in %.2f s; %d alive served one after the other"
              " in %.2f s, meanwhile %d dead were answered" % (
                  BURST, opened - begun, BURST, times[-1] - opened,
                  BURST - len(still)))
        self.assertEqual(len(still), BURST)
        for session in dead:
            self.wait_out(session)
            session.read().expect(354)
            session.body().expect(250)
        for number in range(BURST):
            stamp = self.lab.stamp(self.person("a%d" % number))
            self.assertEqual((stamp["spf"], stamp["fault"]), ("pass", "none"))
            stamp = self.lab.stamp(self.person("d%d" % number))
            self.assertEqual((stamp["spf"], stamp["fault"]), ("temperror", "dns"))


class Names(DnsTest):
    names = NAMES

    def stamp_of(self, tag, sender="a@good.test", helo=MX, addr=GOOD):
        you = self.person(tag)
        self.at(addr).try_one(sender, you, helo=helo).expect(250)
        return self.lab.stamp(you)

    def test_the_helo_name_leads_to_the_client_or_not(self):
        for tag, helo, addr, word in (
                ("match", MX, GOOD, "match"),
                ("elsewhere", MX, BAD, "mismatch"),
                ("v6", MX, "2001:db8::25", "match"),
                ("v6-elsewhere", MX, "2001:db8::26", "mismatch"),
                ("only-v4", "addressonly.test", "2001:db8::25", "mismatch"),
                ("nowhere", "nosuch.test", GOOD, "none"),
                ("noaddress", "empty.test", GOOD, "none"),
                ("failed", "trouble.test", GOOD, "unknown"),
                ("bare", "pc", GOOD, "unknown"),
                ("literal", "[198.51.100.7]", GOOD, "unknown"),
                ("ip", "198.51.100.7", GOOD, "unknown")):
            with self.subTest(tag):
                self.assertEqual(self.stamp_of(tag, helo=helo, addr=addr)["helo_dns"],
                                 word)

    def test_the_sender_domain_can_take_mail_or_not(self):
        for tag, sender, word, is_bad in (
                ("mx", "a@good.test", "ok", False),
                ("address", "a@addressonly.test", "ok", False),
                ("nowhere", "a@nosuch.test", "nodns", True),
                ("nothing", "a@empty.test", "nodns", True),
                ("nullmx", "a@nullmx.test", "nodns", True),
                ("failed", "a@trouble.test", "unknown", False),
                ("null", "", "null", False)):
            with self.subTest(tag):
                stamp = self.stamp_of(tag, sender)
                self.assertEqual(stamp["from"], word)
                self.assertEqual("FROM-BAD" in stamp.flags, is_bad)


class Lists(DnsTest):
    names = dict(
        NAMES,
        **listing(LISTED, "bl.test", "127.0.0.4"),
        **listing(LISTED, "second.test", "127.0.0.2"),
        **ENTRIES,
        **listing("203.0.113.67", "bl.test", "127.255.255.254"),
        **listing("203.0.113.72", "bl.test", "127.0.0.255"),
        **listing("203.0.113.68", "bl.test", "192.0.2.1"),
        **listing("203.0.113.69", "masked.test", "127.0.0.4"),
        **listing("203.0.113.70", "masked.test", "127.0.0.6"),
        **listing("203.0.113.71", "bl.test", "127.0.0.2"),
        **listing("203.0.113.71", "wl.test", "127.0.5.1"))
    config = {"suspect": ["dnsbl"], "dns": {"dnsbl": [
        "bl.test bl", "second.test second", "masked.test masked 2",
        "wl.test wl 255 -3"]}}

    def says(self, addr, words):
        """The lists in the message of a client that is not held."""
        you = self.person(addr)
        self.at(addr, LINE).try_one("a@good.test", you).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual(stamp["verdict"], "pass")
        self.assertEqual(stamp["dnsbl"], words)

    def test_who_is_on_no_list_says_so(self):
        self.says(GOOD, "none")

    def test_refusals_and_answers_outside_127_never_count(self):
        self.says("203.0.113.67", "none")
        self.says("203.0.113.68", "none")
        self.says("203.0.113.72", "none")

    def test_a_mask_chooses_among_the_answers(self):
        self.says("203.0.113.69", "none")

    def test_weights_are_summed_and_a_good_list_takes_off(self):
        self.says("203.0.113.71", "bl,wl")

    def is_held(self, addr, words):
        you = self.person(addr)
        with self.at(addr).greet() as session:
            session.mail("a@good.test").expect(250)
            session.rcpt(you).expect(250)
            self.dns_at_rest()
            session.message(hold=HOLD_AT_DATA).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["verdict"], stamp["why"], stamp["dnsbl"]),
                         ("hold", "dnsbl", words))

    def test_a_listed_client_is_a_suspect(self):
        self.is_held(LISTED, "bl,second")
        self.is_held("203.0.113.70", "masked")

    def test_without_spf_the_lists_are_asked_all_the_same(self):
        self.lab.daemon.settle()
        self.lab.daemon.restart({"spf": {"enabled": False}})
        try:
            self.says("203.0.113.67", "none")
            self.assertEqual(self.lab.stamp(self.person("203.0.113.67"))["spf"],
                             "skipped")
        finally:
            self.lab.daemon.restart({"spf": {"enabled": True}})


class SilentList(Slow):
    names = dict(NAMES, **listing(LISTED, "bl.test", "127.0.0.2"), **ENTRIES,
                 **{"silent.test": {"*": "silent"}, "*.silent.test": {"*": "silent"}})
    dns_timeout = "%ds" % TIMEOUT
    config = {"dns": {"dnsbl": ["silent.test silent", "bl.test bl"]}}

    def one(self, number):
        """(seconds until DATA was answered, stamp)"""
        you = self.person("n%d" % number)
        with self.at(LISTED).greet() as session:
            session.mail("a@good.test").expect(250)
            session.rcpt(you).expect(250)
            session.send("DATA")
            if session.is_waiting(1):
                self.wait_out(session)
            reply = session.read().expect(354)
            session.body().expect(250)
        return reply.held, self.lab.stamp(you)

    def test_a_list_that_is_down_soon_costs_nothing(self):
        times = []
        for number in range(6):
            seconds, stamp = self.one(number)
            times.append(seconds)
            self.assertEqual((stamp["dnsbl"], stamp["spf"]), ("bl", "fail"))
        print("a silent list cost, mail by mail: %s s" % ", ".join(
            "%.1f" % seconds for seconds in times))
        asked = self.asked(".".join(reversed(LISTED.split("."))) + ".silent.test")
        self.assertEqual((stamp["fault"], self.one(9)[1]["fault"]), ("none", "none"))
        self.assertEqual(asked, self.asked(
            ".".join(reversed(LISTED.split("."))) + ".silent.test"))
        self.assertIn("silent.test does not answer", self.lab.daemon.log())
        self.lab.clock.advance(61)
        seconds, again = self.one(10)[0], self.one(11)[0]
        print("a minute later: %.1f s for one mail, %.1f s for the next" % (
            seconds, again))
        self.dns.table = dict(
            {name: found for name, found in self.names.items()
             if not name.endswith("silent.test")},
            **listing(LISTED, "silent.test", "127.0.0.2"),
            **listing("127.0.0.2", "silent.test", "127.0.0.2"))
        self.lab.clock.advance(61)
        self.assertEqual(self.one(12)[1]["dnsbl"], "silent,bl")


class ListOfEverybody(DnsTest):
    """Over its quota a list may answer for everybody: it rests, and is named."""
    names = dict(NAMES, **ENTRIES, **listing(LISTED, "bl.test", "127.0.0.2"),
                 **{"*.dnswl.test": {"A": ["127.0.10.3"]}})
    config = {"suspect": ["dnsbl"], "dns": {"dnsbl": [
        "bl.test bl", "dnswl.test dnswl 255 -3"]}}

    def test_it_is_not_counted_and_named_in_log_and_status(self):
        you = self.person()
        with self.at(LISTED).greet() as session:
            session.mail("a@good.test").expect(250)
            session.rcpt(you).expect(250)
            self.dns_at_rest()
            session.message(hold=HOLD_AT_DATA).expect(250)
        self.assertEqual(self.lab.stamp(you)["dnsbl"], "bl")
        said = "dnswl.test lists 127.0.0.1"
        self.assertIn(said, self.lab.daemon.log())
        code, told, _ = self.lab.daemon.ctl_code("status")
        self.assertEqual(code, 1)
        self.assertIn(said, str(told))


class NoLists(DnsTest):
    names = NAMES

    def test_the_key_is_there_only_when_lists_are_configured(self):
        you = self.person()
        self.at(GOOD).try_one("a@good.test", you).expect(250)
        session = self.lab.stamp(you).session
        self.assertNotIn("dnsbl", session)
        self.assertEqual(list(session)[-5:], headers.OPTIONAL_NUMBERS + ["new"])


if __name__ == "__main__":
    unittest.main()
