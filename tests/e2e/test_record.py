# SPDX-License-Identifier: BSD-2-Clause
"""What the content filter found makes the next server wait; nobody else's."""
import time
import unittest

from support.names import DnsTest

HOLD, DAY = 125, 86400
NET = "198.18.5.%d"
VICTIM = "198.18.200.1"
NAMES = {"victim.test": {"TXT": ["v=spf1 ip4:%s -all" % VICTIM], "A": [VICTIM]}}


class RecordTest(DnsTest):
    names = NAMES

    def send(self, addr, name, sender, count, helo="mail.example.com", **more):
        """So many messages, each to somebody else; the events that they left."""
        people = []
        with self.at(addr, name, **more).greet(helo) as session:
            for _ in range(count):
                people.append(self.person("m%d" % len(self.people)))
                self.people.append(people[-1])
                session.mail(sender).expect(250)
                session.rcpt(people[-1]).expect(250)
                session.message().expect(250)
        return [self.lab.event(you) for you in people]

    def setUp(self):
        super().setUp()
        self.people = []

    def learn(self, events, hits):
        """As amavisd-new's log says what SpamAssassin found."""
        said = "Passed CLEAN {RelayedInbound}" if hits < 5 else "Passed SPAM {RelayedTagged}"
        when = time.strftime("%b %e %H:%M:%S", time.localtime(self.lab.daemon.clock.wall()))
        log = self.lab.root / "amavis.log"
        log.write_text("".join(
            "%s mx amavis[7]: (7-%d) %s, [%s] <a> -> <b>, Queue-ID: %s, "
            "Hits: %.1f, size: 1, 10 ms\n" % (
                when, number, said, event["ip"], event["queue_id"], hits)
            for number, event in enumerate(events)))
        told = self.lab.daemon.ctl("learn-log", str(log))
        self.assertEqual(told["learned"]["ham" if hits < 5 else "spam"], len(events), told)

    def passes(self, addr, name, sender, tag, **more):
        """Its mail goes through at once; its headers."""
        you = self.person(tag)
        self.at(addr, name).try_one(sender, you, **more).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["verdict"], stamp["why"]), ("pass", "none"))
        return stamp


class Acting(RecordTest):
    config = {"suspect": ["record"],
              "record": {"half_life": "1d", "least": 4, "people": 5}}

    def test_spam_from_one_network_makes_its_next_server_wait_and_no_good_one(self):
        spam = []
        for n in range(15):
            name = "vps%d.hoster.test" % n if n % 3 == 0 else "mail.shop%d.test" % n
            spam += self.send(NET % n, name, "offer@shop%d.test" % n, 3)
        good = self.send("198.18.77.7", "mail.hoster.test", "a@hoster.test", 6)
        neighbour = self.send(NET % 200, "mail.neighbour.test", "a@neighbour.test", 4)
        self.learn(spam, 12.5)
        self.learn(good + neighbour, -1.5)

        late = self.person("late")
        self.at(NET % 99, "mail.newshop.test").try_one(
            "offer@newshop.test", late, hold=HOLD).expect(250)
        stamp = self.lab.stamp(late)
        self.assertEqual((stamp["verdict"], stamp["why"]), ("hold", "record"))
        self.assertEqual((stamp["net_spam"], stamp["net_ham"]), (45, 4))
        self.assertEqual(stamp["new"], "address,organisation,sender")
        told = self.lab.daemon.ctl("explain", "--sid", stamp["sid"])
        self.assertIn("network 198.18.5.0/24: 4 ham, 45 spam", str(told))

        stamp = self.passes("198.18.77.8", "mx2.hoster.test", "b@hoster.test", "host")
        self.assertEqual((stamp["org_spam"], stamp["org_ham"]), (15, 6))
        stamp = self.passes(NET % 200, "mail.neighbour.test", "b@neighbour.test", "still")
        self.assertEqual((stamp["org_spam"], stamp["org_ham"]), (0, 4))

    def test_spam_through_a_big_host_makes_none_of_its_servers_a_suspect(self):
        client = ("198.18.60.1", "out1.bighost.test", "someone@customer.test")
        self.learn(self.send(*client, 4), -1)
        self.lab.clock.advance(DAY + 60)
        self.learn(self.send(*client, 8), -1)
        for n in range(2, 6):
            self.learn(self.send("198.18.60.%d" % n, "out%d.bighost.test" % n,
                                 "spammer@evil.test", 40), 15)
        stamp = self.passes("198.18.60.9", "out9.bighost.test", "a@customer.test", "fine")
        self.assertGreater(stamp["org_spam"], 10 * stamp["org_ham"])
        told = self.lab.daemon.ctl("explain", "--ip", "198.18.60.9", "--name",
                                   "out9.bighost.test")
        self.assertIn("bad, but many people here", str(told))

    def test_a_forged_name_helo_or_sender_blackens_nobody(self):
        forged = []
        for n in range(1, 8):
            forged += self.send("198.18.90.%d" % n, None, "boss@victim.test", 3,
                                helo="mail.victim.test", ptr="mail.victim.test")
        self.learn(forged, 20)
        stamp = self.passes(VICTIM, "mail.victim.test", "boss@victim.test", "real")
        self.assertEqual((stamp["spf"], stamp["org_spam"], stamp["net_spam"]), ("pass", 0, 0))
        self.assertEqual({event["spf_domain"] for event in forged}, {None})


class OnTrial(RecordTest):
    """The settings of the sample file: nobody is delayed by the record."""

    def test_it_begins_by_saying_what_it_would_do(self):
        self.learn(self.send(NET % 1, "mail.shop.test", "a@shop.test", 20), 9)
        late = self.person("late")
        self.at(NET % 2, "mail.other.test").try_one("a@other.test", late).expect(250)
        stamp = self.lab.stamp(late)
        self.assertEqual((stamp["verdict"], stamp["why"], stamp["would"]),
                         ("pass", "warn", "hold"))


if __name__ == "__main__":
    unittest.main()
