# SPDX-License-Identifier: BSD-2-Clause
"""What the original taRgrey did wrong, one claim each."""
import unittest

from support.lab import LabTest
from support.postfix import Service

LINE = "p7-dyn100.example.net"
HOLD, MINUTE, DAY = 125, 60, 86400
SENDER = "a@example.com"


class OriginalFaults(LabTest):
    config = {"greylist": {"retry_count": 2}}

    def hang_up(self, client, you):
        self.lab.leave_hold(client, SENDER, you, helo="pc")

    def come_twice(self, client, you):
        """Late enough to pass; the last reply."""
        for pause in (31 * MINUTE, 2 * MINUTE):
            self.lab.clock.advance(pause)
            reply = client.try_one(SENDER, you)
        return reply

    def test_the_second_recipient_is_not_deferred(self):
        you, two, client = self.person(), self.person("two"), self.lab.client(LINE)
        client.try_one(SENDER, you, two, hold=HOLD).expect(250)
        self.lab.stamp(two)

    def test_a_parallel_connection_is_not_deferred(self):
        you, two, client = self.person(), self.person("two"), self.lab.client(LINE)
        first, second = client.greet(), client.greet()
        for session, recipient in ((first, you), (second, two)):
            session.mail(SENDER).expect(250)
            session.recipients.append(recipient)
            session.send("RCPT TO:<%s>" % recipient)
        first.read_held(HOLD).expect(250)
        second.read().expect(250)
        first.message().expect(250)
        second.message().expect(250)
        for recipient in (you, two):
            self.assertEqual(self.lab.stamp(recipient)["tarpit"], "endured")

    def test_of_two_parallel_connections_the_one_that_endures_wins(self):
        you, client = self.person(), self.lab.client(LINE)
        stays, leaves = client.greet(), client.greet()
        for session in (stays, leaves):
            session.mail(SENDER).expect(250)
            session.send("RCPT TO:<%s>" % you)
        self.assertTrue(leaves.is_waiting())
        leaves.hang_up()
        stays.recipients.append(you)
        stays.read_held(HOLD).expect(250)
        stays.message().expect(250)
        self.assertEqual(self.lab.stamp(you)["tarpit"], "endured")
        self.lab.event(you, 2)
        # The success outweighs the hang-up: next time it is held, not greylisted.
        client.try_one("b@example.com", self.person("next"), hold=HOLD).expect(250)

    def test_enduring_is_recorded(self):
        you, client = self.person(), self.lab.client(LINE)
        client.try_one(SENDER, you, hold=HOLD).expect(250)
        self.lab.event(you)
        client.try_one(SENDER, self.person("two"), hold=HOLD).expect(250)
        self.assertEqual(self.lab.stamp(self.person("two"))["passed"], 1)

    def test_the_delay_of_an_earlier_mail_is_not_shown_again(self):
        you, client = self.person(), self.lab.client(LINE)
        self.hang_up(client, you)
        self.come_twice(client, you).expect(250)
        first = self.lab.stamp(you)
        self.assertGreaterEqual(first["grey_secs"], 33 * MINUTE)
        self.lab.clock.advance(5 * DAY)
        client.try_one(SENDER, you).expect(250)
        self.assertEqual(self.lab.stamp(you, 2)["grey_secs"], 0)

    def test_with_two_tries_wanted_the_header_is_there(self):
        you, client = self.person(), self.lab.client(LINE)
        self.hang_up(client, you)
        self.come_twice(client, you).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["grey"], stamp["grey_tries"]), ("passed", 2))

    def test_tries_one_second_apart_count_once(self):
        you, client = self.person(), self.lab.client(LINE)
        self.hang_up(client, you)
        self.lab.clock.advance(31 * MINUTE)
        for _ in range(4):
            client.try_one(SENDER, you).expect(450)
            self.lab.clock.advance(1)


class ManyRecipients(LabTest):
    """Never more than one 450 a message, and none lost by error limits."""

    config = {"mode": "rgrey"}

    @classmethod
    def make_services(cls):
        return {"stress": Service({"stress": "yes"})}

    def one_visit(self, client, people, service):
        """Codes of all replies to one message to all of them."""
        session = client.greet(port=self.lab.postfix.port(service))
        session.mail(SENDER).expect(250)
        codes = [session.rcpt(person).code for person in people]
        reply = session.message()
        session.quit()
        return codes, reply.code

    def deliver(self, service):
        client = self.lab.client(LINE)
        people = [self.person("%s%d" % (service, number)) for number in range(50)]
        # Ten of them are known from an earlier mail; all fifty are delivered to.
        self.lab.clock.advance(3 * DAY)
        for pause, wanted in ((0, 450), (31 * MINUTE, 450), (2 * MINUTE, 250)):
            self.lab.clock.advance(pause)
            codes, last = self.one_visit(client, people[40:], service)
            self.assertEqual((set(codes), last), ({250}, wanted))
        codes, last = self.one_visit(client, people, service)
        self.assertEqual((codes, last), ([250] * 50, 250))
        self.lab.postfix.wait_mail(people[0])
        self.lab.postfix.settle()
        for person in people:
            self.assertTrue(self.lab.postfix.delivered(person), person)

    def none_known(self, service):
        client = self.lab.client(LINE)
        people = [self.person("%s%d" % (service, number)) for number in range(50)]
        for pause, wanted in ((0, 450), (31 * MINUTE, 450), (2 * MINUTE, 250)):
            self.lab.clock.advance(pause)
            codes, last = self.one_visit(client, people, service)
            self.assertEqual((codes, last), ([250] * 50, wanted))
        self.lab.postfix.wait_mail(people[49])

    def test_fifty_of_which_ten_are_known(self):
        self.deliver("smtp")

    def test_fifty_of_which_ten_are_known_under_stress(self):
        self.deliver("stress")

    def test_fifty_strangers_get_one_450(self):
        self.none_known("smtp")

    def test_fifty_strangers_get_one_450_under_stress(self):
        self.none_known("stress")

    def test_unknown_recipients_among_them_do_no_harm(self):
        client, sender = self.lab.client("mail.example.com"), "c@example.com"
        people = [self.person("mixed%d" % number) for number in range(40)]
        with client.greet() as session:
            session.mail(sender).expect(250)
            for number, person in enumerate(people):
                session.rcpt(person).expect(250)
                if number % 8 == 0:
                    session.rcpt("unknown%d@example.jp" % number).expect(550)
            session.message().expect(250)
        self.assertEqual(self.lab.stamp(people[-1])["rcpt_refused"], 5)


if __name__ == "__main__":
    unittest.main()
