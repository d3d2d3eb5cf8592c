# SPDX-License-Identifier: BSD-2-Clause
"""A pool of senders keeps one identity through SPF; a spammer gains nothing."""
import socket
import subprocess
import unittest

from support.daemon import BUILD
from support.names import DnsTest
from support.smtp import Session

MINUTE, DAY, HOLD = 60, 86400, 125
LINE = "p%d-dyn100.example.net"
POOL = ["198.18.%d.7" % number for number in range(1, 21)]
A_DOZEN = " ".join("ip4:%d.0.0.0/9" % (190 + number) for number in range(12))

NAMES = {
    "pool.test": {"TXT": ["v=spf1 ip4:198.18.0.0/15 -all"], "A": [POOL[0]]},
    "good.test": {"TXT": ["v=spf1 ip4:198.18.0.0/15 -all"], "A": [POOL[0]]},
    "wanderer.test": {"TXT": ["v=spf1 ip4:198.18.0.0/15 -all"], "A": [POOL[0]]},
    "helo.pool.test": {"TXT": ["v=spf1 ip4:198.18.0.0/15 -all"], "A": [POOL[0]]},
    "none.test": {"A": [POOL[0]]},
    "all.test": {"TXT": ["v=spf1 +all"], "A": [POOL[0]]},
    "exists.test": {"TXT": ["v=spf1 exists:%{i}.any.test -all"], "A": [POOL[0]]},
    "*.any.test": {"A": ["127.0.0.2"]},
    "ptr.test": {"TXT": ["v=spf1 ptr:ptr.test -all"], "A": POOL},
    "wide.test": {"TXT": ["v=spf1 %s -all" % A_DOZEN], "A": [POOL[0]]},
    "*.in-addr.arpa": {"PTR": ["ptr.test"]},
}


class PoolTest(DnsTest):
    names = NAMES

    def visit(self, number, sender, you, wait=31 * MINUTE, **more):
        """A message from the pool's address of that number; the last reply."""
        self.lab.clock.advance(wait)
        client = self.at(POOL[number], LINE % number)
        return client.try_one(sender, you, **more)

    def courses(self, sender, you, count, **more):
        return [self.visit(number, sender, you, **more).code
                for number in range(count)]


class Rgrey(PoolTest):
    # So that the 19th and the 20th visit are the tries that count.
    config = {"mode": "rgrey", "known": {"successes": 0},
              "greylist": {"delay": "9h"}}

    def test_twenty_addresses_in_twenty_networks_pass_as_one_client(self):
        you = self.person()
        self.assertEqual(self.courses("a@pool.test", you, 20), [450] * 19 + [250])
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["why"], stamp["grey_tries"], stamp["spf"]),
                         ("tries", 2, "pass"))
        self.assertGreater(stamp["grey_secs"], 19 * 31 * MINUTE - 1)
        self.assertEqual(self.lab.event(you)["spf_domain"], "pool.test")

    def test_without_spf_every_one_of_them_begins_anew(self):
        you = self.person()
        self.assertEqual(self.courses("a@none.test", you, 20), [450] * 20)


class Patience(PoolTest):
    config = {"mode": "rgrey", "known": {"successes": 0}}

    def test_three_of_them_are_enough(self):
        you = self.person()
        self.assertEqual(self.courses("a@pool.test", you, 3), [450, 450, 250])

    def test_the_helo_identity_ties_them_when_the_sender_does_not(self):
        you = self.person()
        codes = self.courses("a@none.test", you, 3, helo="helo.pool.test")
        self.assertEqual(codes, [450, 450, 250])

    def test_a_dns_error_between_two_tries_changes_nothing(self):
        you, sender = self.person(), "b@pool.test"
        self.visit(0, sender, you).expect(450)
        with self.without("pool.test"):
            self.visit(0, sender, you).expect(450)
        self.visit(1, sender, you).expect(450)
        self.visit(2, sender, you).expect(250)

    def test_one_address_needs_no_spf_to_be_known_again(self):
        you, sender = self.person(), "c@pool.test"
        self.visit(0, sender, you).expect(450)
        with self.without("pool.test"):
            self.visit(0, sender, you).expect(450)
            self.visit(0, sender, you).expect(250)
        self.assertEqual(self.lab.stamp(you)["spf"], "temperror")

    def test_a_spammer_gets_no_such_grace(self):
        for domain in ("all.test", "exists.test", "ptr.test", "wide.test"):
            with self.subTest(domain):
                you = self.person(domain)
                codes = self.courses("a@" + domain, you, 4)
                self.assertEqual(codes, [450] * 4)
                event = self.lab.event(you, 4)
                self.assertEqual((event["spf"], event["spf_domain"]), ("pass", None))

    def test_another_sender_or_recipient_is_another_matter(self):
        you, two = self.person(), self.person("two")
        self.visit(0, "d@pool.test", you).expect(450)
        self.visit(1, "d@pool.test", you).expect(450)
        self.visit(2, "e@pool.test", you).expect(450)
        self.visit(2, "d@pool.test", two).expect(450)


class Targrey(PoolTest):
    config = {"known": {"successes": 0}}

    def leave_a_hold(self, number, sender, you):
        """Its client has gone by the time the reply comes."""
        self.lab.clock.advance(31 * MINUTE)
        with self.at(POOL[number], LINE % number).greet() as session:
            session.mail(sender).expect(250)
            session.send("RCPT TO:<%s>" % you)
            self.dns_at_rest()
            self.assertTrue(session.is_waiting())
            session.hang_up()
        self.lab.clock.advance(HOLD + 1)
        self.lab.event(you, number + 1)

    def test_those_who_leave_their_holds_get_through_by_coming(self):
        """Though the answer of DNS comes when the attempt is on record."""
        you = self.person()
        self.leave_a_hold(0, "a@pool.test", you)
        self.leave_a_hold(1, "a@pool.test", you)
        self.lab.clock.advance(31 * MINUTE)
        with self.at(POOL[2], LINE % 2).greet() as session:
            session.mail("a@pool.test").expect(250)
            session.send("RCPT TO:<%s>" % you)
            session.recipients.append(you)
            self.dns_at_rest()
            self.assertFalse(session.is_waiting(), "held though it has its tries")
            session.read().expect(250)
            session.message().expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["why"], stamp["grey_tries"], stamp["early"]),
                         ("tries", 2, "no"))

    def test_without_spf_they_are_held_each(self):
        you = self.person()
        self.leave_a_hold(0, "a@none.test", you)
        self.leave_a_hold(1, "a@none.test", you)
        self.leave_a_hold(2, "a@none.test", you)


class Strict(PoolTest):
    config = {"mode": "strict", "known": {"successes": 0}}

    def test_they_are_one_client_here_too(self):
        you = self.person()
        codes = []
        for number in range(3):
            self.lab.clock.advance(31 * MINUTE)
            with self.at(POOL[number], LINE % number).greet() as session:
                session.mail("a@pool.test").expect(250)
                session.send("RCPT TO:<%s>" % you)
                session.recipients.append(you)
                self.dns_at_rest()
                if session.is_waiting():
                    session.pass_time(HOLD)
                session.read().expect(250)
                codes.append(session.message().code)
        self.assertEqual(codes, [450, 450, 250])
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["why"], stamp["grey_tries"], stamp["early"]),
                         ("tries", 2, "no"))


class Known(PoolTest):
    """Domains that the operator let in: the same as five good visits."""

    DOMAINS = ("good.test", "wanderer.test", "all.test")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.daemon.settle()
        done = subprocess.run(
            [str(BUILD / "bin" / "targreyctl"), "allow",
             "--config", str(cls.lab.daemon.conf), *cls.DOMAINS], capture_output=True, text=True, check=False,
            env=cls.lab.daemon.environment())
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)

    def slowly(self, domain, milliseconds=500):
        """The server with this record's answer late."""
        names = dict(NAMES)
        names[domain] = dict(names[domain], TXT="slow:%d" % milliseconds,
                             then={"TXT": NAMES[domain]["TXT"]})
        return names

    def test_no_hold_begins_before_the_result_is_in(self):
        you, self.dns.table = self.person(), self.slowly("good.test")
        try:
            self.visit(3, "a@good.test", you).expect(250)
        finally:
            self.dns.table = NAMES
        stamp, event = self.lab.stamp(you), self.lab.event(you)
        self.assertEqual((stamp["verdict"], stamp["why"], stamp["tarpit"]),
                         ("pass", "known-domain", "none"))
        self.assertIn("KNOWN", stamp.flags)
        self.assertEqual((event["hold_end"], event["hold_asked_ms"]), ("none", -1))

    def is_held(self, number, sender, addr=None):
        you = self.person(sender.replace("@", "-") + str(number))
        with self.at(addr or POOL[number], LINE % number).greet() as session:
            session.mail(sender).expect(250)
            session.send("RCPT TO:<%s>" % you)
            self.dns_at_rest()
            waits = session.is_waiting()
            session.hang_up()
        return waits

    def test_a_known_domain_that_does_not_pass_gets_nothing(self):
        self.assertTrue(self.is_held(4, "a@good.test", "203.0.113.4"))

    def test_nor_does_one_that_lets_everybody_pass(self):
        self.assertTrue(self.is_held(5, "a@all.test"))

    def test_nor_one_whose_record_cannot_be_read(self):
        with self.without("good.test"):
            self.assertTrue(self.is_held(6, "a@good.test"))

    def test_nor_one_seen_from_more_than_64_networks_in_a_day(self):
        self.assertFalse(self.is_held(1, "a@wanderer.test"))
        for number in range(65):
            self.at("198.19.%d.1" % number, LINE % number).try_one(
                "a@wanderer.test", self.person("n%d" % number)).expect(250)
        self.lab.daemon.settle()
        self.assertTrue(self.is_held(1, "a@wanderer.test"))
        self.lab.clock.advance(2 * DAY)
        self.assertFalse(self.is_held(2, "a@wanderer.test"))


def own_address():
    """An IPv4 address of this machine outside loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 53))
        except OSError:
            return None
        found = probe.getsockname()[0]
    return None if found.startswith("127.") else found


ADDRESS = own_address()


class Washing(DnsTest):
    """With a socket that the daemon sees, and no loopback address."""

    names = {"*.fresh.test": {"TXT": ["v=spf1 ip4:%s -all" % ADDRESS]}}
    postfix = {"smtpd_authorized_xclient_hosts": "127.0.0.0/8"}

    @classmethod
    def setUpClass(cls):
        if ADDRESS is None:
            raise unittest.SkipTest(
                "THIS MACHINE HAS NO IPV4 ADDRESS BUT LOOPBACK")
        super().setUpClass()

    def session(self, domain):
        client = self.lab.client(source=ADDRESS)
        session = Session(client, self.lab.postfix.port())
        client.sessions.append(session)
        session.read().expect(220)
        session.command("EHLO mail.example.com").expect(250)
        session.mail("a@" + domain).expect(250)
        return session

    def test_a_new_spf_domain_each_visit_does_not_wash_an_address(self):
        you = self.person()
        session = self.session("one.fresh.test")
        self.lab.send_held(session, "RCPT TO:<%s>" % you)
        self.dns_at_rest()
        session.pass_time(20)
        session.hang_up()
        self.lab.clock.advance(1.1)
        event = self.lab.daemon.wait_event(
            lambda row: row["hold_end"] == "gone", 1, "the hang-up")
        self.assertEqual(event["spf_domain"], "one.fresh.test")
        for domain in ("two.fresh.test", "three.fresh.test"):
            self.lab.clock.advance(10 * MINUTE)
            session = self.session(domain)
            session.rcpt(you).expect(250)
            session.data().expect(450, "4.7.1")
            session.quit()
        event = self.lab.event(you, 3)
        self.assertEqual((event["verdict"], event["spf"], event["spf_domain"]),
                         ("greylist", "pass", "three.fresh.test"))


if __name__ == "__main__":
    unittest.main()
