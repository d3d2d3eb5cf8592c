# SPDX-License-Identifier: BSD-2-Clause
"""The typical course of each mode, on the real Postfix."""
import unittest

from support.lab import LabTest

LINE = "p7-dyn100.example.net"
HOLD, MINUTE, HOUR, DAY = 125, 60, 3600, 86400
SENDER = "a@example.com"


class ModeTest(LabTest):
    def hang_up(self, client, you, after=20):
        self.lab.leave_hold(client, SENDER, you, after, helo="pc")

    def address(self, client):
        """The record of a client's address, or None."""
        number = 0
        for part in client.source.split("."):
            number = number * 256 + int(part)
        rows = self.lab.daemon.query("SELECT * FROM address WHERE key = ?", number)
        return rows[0] if rows else None


class Observe(ModeTest):
    config = {"mode": "observe"}

    def test_nobody_is_delayed_and_the_headers_say_what_would_have_been(self):
        you, client = self.person(), self.lab.client(LINE)
        client.try_one(SENDER, you).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual(
            (stamp["mode"], stamp["verdict"], stamp["would"], stamp["tarpit"],
             stamp["s25r"]), ("observe", "pass", "hold", "none", "match"))
        self.assertIn("WOULD", stamp.flags)
        self.assertEqual(self.lab.event(you)["would"], "hold")

    def test_nothing_counts_for_or_against(self):
        you, client = self.person(), self.lab.client(LINE)
        for _ in range(7):
            client.try_one(SENDER, you).expect(250)
            self.lab.clock.advance(2 * HOUR)
        stamp = self.lab.stamp(you, 7)
        self.assertEqual((stamp["passed"], stamp["gaveup"], stamp["would"]),
                         (0, 0, "hold"))

    def test_a_mail_server_has_nothing_to_fear(self):
        you = self.person()
        self.lab.client("mail.example.com").try_one(SENDER, you).expect(250)
        self.assertEqual(self.lab.stamp(you)["would"], "none")


class Rgrey(ModeTest):
    config = {"mode": "rgrey"}

    def test_a_suspect_is_greylisted_and_passes_at_its_second_try(self):
        you, client = self.person(), self.lab.client(LINE)
        client.try_one(SENDER, you).expect(450, "4.7.1")
        self.lab.clock.advance(31 * MINUTE)
        client.try_one(SENDER, you).expect(450)
        self.lab.clock.advance(61)
        client.try_one(SENDER, you).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual(
            (stamp["verdict"], stamp["why"], stamp["grey"], stamp["grey_tries"],
             stamp["tarpit"]), ("pass", "tries", "passed", 2, "none"))

    def test_a_mail_server_passes_at_once(self):
        you = self.person()
        self.lab.client("mail.example.com").try_one(SENDER, you).expect(250)
        self.assertEqual(self.lab.stamp(you)["verdict"], "pass")

    def test_a_bounce_of_a_suspect_is_greylisted_at_data(self):
        with self.lab.client(LINE).greet() as session:
            session.mail("").expect(250)
            session.rcpt(self.person()).expect(250)
            session.data().expect(450)

    def test_a_refused_data_cannot_be_asked_again(self):
        you = self.person()
        with self.lab.client(LINE).greet("pc") as session:
            session.mail(SENDER).expect(250)
            session.rcpt(you).expect(250)
            session.data().expect(450)
            session.data().expect(450, "please try again")
            session.rcpt(you).expect(450, "please try again")
            session.data().expect(450, "please try again")
            session.rset().expect(250)
            session.mail(SENDER).expect(250)
            session.rcpt(you).expect(250)
            session.data().expect(450, "Greylisted")
        self.assertNotIn("no answer to command", self.lab.daemon.log())

    def test_the_greylisting_sender_may_go_on_with_another_message(self):
        you, two, client = self.person(), self.person("two"), self.lab.client(LINE)
        client.try_one(SENDER, you).expect(450)
        self.lab.clock.advance(31 * MINUTE)
        client.try_one(SENDER, you).expect(450)
        self.lab.clock.advance(2 * MINUTE)
        with client.greet() as session:
            session.mail(SENDER).expect(250)
            session.rcpt(two).expect(250)
            session.data().expect(450)
            session.rset().expect(250)
            session.mail(SENDER).expect(250)
            session.rcpt(you).expect(250)
            session.message().expect(250)
        self.assertEqual(self.lab.stamp(you)["why"], "tries")


class Starpit(ModeTest):
    config = {"mode": "starpit"}

    def test_a_suspect_that_waits_is_accepted(self):
        you, client = self.person(), self.lab.client(LINE)
        client.try_one(SENDER, you, hold=HOLD).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["verdict"], stamp["tarpit"]), ("hold", "endured"))

    def test_one_that_hung_up_is_held_again_and_passes_by_its_tries(self):
        you, client = self.person(), self.lab.client(LINE)
        self.hang_up(client, you)
        self.lab.clock.advance(31 * MINUTE)
        self.hang_up(client, you)
        self.lab.clock.advance(2 * MINUTE)
        client.try_one(SENDER, you).expect(250)
        self.assertEqual(self.lab.stamp(you)["why"], "tries")


class Targrey(ModeTest):
    config = {"mode": "targrey", "known": {"successes": 2}}

    def test_one_that_endured_is_held_again_next_time(self):
        you, client = self.person(), self.lab.client(LINE)
        client.try_one(SENDER, you, hold=HOLD).expect(250)
        self.lab.postfix.wait_mail(you)
        client.try_one(SENDER, self.person("two"), hold=HOLD).expect(250)
        stamp = self.lab.stamp(self.person("two"))
        self.assertEqual((stamp["passed"], stamp["seen"]), (1, 1))
        self.assertNotIn("NO-SUCCESS", stamp.flags)

    def test_successes_an_hour_apart_make_the_address_known(self):
        client = self.lab.client(LINE)
        for number in range(2):
            you = self.person("n%d" % number)
            client.try_one(SENDER, you, hold=HOLD).expect(250)
            self.lab.postfix.wait_mail(you)
            self.lab.clock.advance(HOUR + 1)
        you = self.person("known")
        client.try_one(SENDER, you).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["verdict"], stamp["why"]), ("pass", "known-address"))
        self.assertIn("KNOWN", stamp.flags)

    def test_successes_within_an_hour_count_once(self):
        client = self.lab.client(LINE)
        for number in range(3):
            you = self.person("n%d" % number)
            client.try_one(SENDER, you, hold=HOLD).expect(250)
            self.lab.postfix.wait_mail(you)

    def test_enduring_clears_an_earlier_hang_up(self):
        first, you, client = self.person("first"), self.person(), self.lab.client(LINE)
        self.hang_up(client, first)
        self.lab.clock.advance(3 * DAY)
        client.try_one(SENDER, you, hold=HOLD).expect(250)
        self.lab.event(you)
        self.assertEqual(self.address(client)["gaveup"], 0)

    def test_a_hang_up_within_an_hour_of_a_success_does_not_count(self):
        you, two, client = self.person(), self.person("two"), self.lab.client(LINE)
        client.try_one(SENDER, you, hold=HOLD).expect(250)
        self.lab.event(you)
        self.hang_up(client, two)
        self.assertEqual(self.address(client)["gaveup"], 0)
        client.try_one(SENDER, you, hold=HOLD).expect(250)

    def test_hang_up_and_return_at_once_is_greylisted_by_address_alone(self):
        net, you = self.lab.network(), self.person()
        first = self.lab.client(LINE, source=net + ".1")
        self.hang_up(first, you)
        first.try_one(SENDER, you).expect(450)
        # A neighbour did not hang up: it is held.
        neighbour = self.lab.client(LINE, source=net + ".2")
        two = self.person("two")
        neighbour.try_one("b@example.com", two, hold=HOLD).expect(250)


class Strict(ModeTest):
    config = {"mode": "strict"}

    def test_a_suspect_is_held_then_greylisted_and_each_visit_counts_once(self):
        you, client = self.person(), self.lab.client(LINE)
        client.try_one(SENDER, you, hold=HOLD).expect(450)
        self.lab.clock.advance(31 * MINUTE)
        client.try_one(SENDER, you, hold=HOLD).expect(450)
        self.lab.clock.advance(5 * MINUTE)
        client.try_one(SENDER, you).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["why"], stamp["grey_tries"], stamp["tarpit"]),
                         ("tries", 2, "none"))


class Overflow(ModeTest):
    # The only place is taken by a hold of the least length.
    config = {"tarpit": {"max_sessions": 1}}

    def taken(self):
        session = self.lab.client(LINE).greet()
        session.mail(SENDER).expect(250)
        session.send("RCPT TO:<%s>" % self.person("first"))
        self.addCleanup(self.leave, session)
        self.assertTrue(session.is_waiting())
        return session

    def leave(self, session):
        """Gives the place back, and waits until that is so."""
        source = session.client.source
        session.hang_up()
        self.lab.clock.advance(1.1)
        self.lab.daemon.wait_event(
            lambda row: row["ip"] == source, 1, "the place to be free")

    def test_a_suspect_without_a_place_is_greylisted(self):
        self.taken()
        late = self.person("late")
        self.lab.client(LINE).try_one(SENDER, late).expect(450)
        event = self.lab.event(late)
        self.assertEqual((event["verdict"], event["why"]), ("greylist", "overflow"))

    def test_one_with_a_success_on_record_passes(self):
        you, client = self.person(), self.lab.client(LINE)
        for pause in (0, 31 * MINUTE, 2 * MINUTE):
            self.lab.clock.advance(pause)
            session = self.taken()
            reply = client.try_one(SENDER, you)
            self.leave(session)
        reply.expect(250)
        self.lab.postfix.wait_mail(you)
        self.taken()
        two = self.person("two")
        client.try_one("b@example.com", two).expect(250)
        stamp = self.lab.stamp(two)
        self.assertEqual((stamp["verdict"], stamp["why"]), ("pass", "overflow"))


class OverflowOfANetwork(ModeTest):
    config = {"tarpit": {"max_per_net": 2}}

    def test_a_network_has_its_own_share(self):
        net = self.lab.network()
        for number in (1, 2):
            session = self.lab.client(LINE, source="%s.%d" % (net, number)).greet()
            session.mail(SENDER).expect(250)
            session.send("RCPT TO:<%s>" % self.person())
            self.assertTrue(session.is_waiting())
        third = self.lab.client(LINE, source=net + ".3")
        third.try_one(SENDER, self.person("third")).expect(450)
        elsewhere = self.lab.client(LINE).greet()
        elsewhere.mail(SENDER).expect(250)
        elsewhere.send("RCPT TO:<%s>" % self.person())
        self.assertTrue(elsewhere.is_waiting())


class StarpitOverflow(ModeTest):
    config = {"mode": "starpit", "tarpit": {"max_sessions": 1}}

    def test_in_starpit_it_passes(self):
        session = self.lab.client(LINE).greet()
        session.mail(SENDER).expect(250)
        session.send("RCPT TO:<%s>" % self.person("first"))
        self.assertTrue(session.is_waiting())
        you = self.person()
        self.lab.client(LINE).try_one(SENDER, you).expect(250)
        self.assertEqual(self.lab.stamp(you)["why"], "overflow")


if __name__ == "__main__":
    unittest.main()
