# SPDX-License-Identifier: BSD-2-Clause
"""One that hung up is asked to come again, and gets through by coming."""
import unittest

from support.lab import LabTest

LINE = "p7-dyn100.example.net"
HOLD = 125
MINUTE, DAY = 60, 86400


class Tries(LabTest):
    def test_the_typical_course(self):
        you, client, sender = self.person(), self.lab.client(LINE), "a@example.com"
        self.lab.leave_hold(client, sender, you, helo="pc")
        self.lab.clock.advance(5 * MINUTE)
        reply = client.try_one(sender, you).expect(450, "4.7.1")
        self.assertIn("Greylisted", reply.text)
        self.lab.clock.advance(26 * MINUTE)
        client.try_one(sender, you).expect(450)
        self.lab.clock.advance(61)
        client.try_one(sender, you).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual(
            (stamp["verdict"], stamp["why"], stamp["grey"], stamp["grey_tries"],
             stamp["tarpit"], stamp["early"]),
            ("pass", "tries", "passed", 2, "none", "no"))
        self.assertAlmostEqual(stamp["grey_secs"], 32 * MINUTE + 20, delta=60)
        self.assertIn("GREY", stamp.flags)

    def test_the_450_comes_at_data_once_for_all_recipients(self):
        client, sender = self.lab.client(LINE), "b@example.com"
        people = [self.person("p%d" % number) for number in range(5)]
        self.lab.leave_hold(client, sender, people[0], helo="pc")
        with client.greet() as session:
            session.mail(sender).expect(250)
            for recipient in people:
                session.rcpt(recipient).expect(250)
            session.data().expect(450)

    def test_tries_a_second_apart_do_not_count_but_are_noted_as_early(self):
        client, sender, you = self.lab.client(LINE), "c@example.com", self.person()
        self.lab.leave_hold(client, sender, you, helo="pc")
        self.lab.clock.advance(31 * MINUTE)
        for _ in range(6):
            client.try_one(sender, you).expect(450)
            self.lab.clock.advance(1)
        self.lab.clock.advance(61)
        client.try_one(sender, you).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["grey_tries"], stamp["early"]), (2, "yes"))
        self.assertIn("EARLY", stamp.flags)

    def test_what_passed_once_passes_at_once_later(self):
        client, sender, you = self.lab.client(LINE), "d@example.com", self.person()
        self.lab.leave_hold(client, sender, you, helo="pc")
        for pause in (31 * MINUTE, 2 * MINUTE):
            self.lab.clock.advance(pause)
            reply = client.try_one(sender, you)
        reply.expect(250)
        self.lab.postfix.wait_mail(you)
        self.lab.clock.advance(10 * DAY)
        client.try_one(sender, you).expect(250)
        stamp = self.lab.stamp(you, 2)
        self.assertEqual((stamp["why"], stamp["grey_tries"], stamp["grey_secs"]),
                         ("tries", 0, 0))

    def test_a_return_after_the_window_is_held_anew(self):
        client, sender, you = self.lab.client(LINE), "e@example.com", self.person()
        self.lab.leave_hold(client, sender, you, helo="pc")
        self.lab.clock.advance(3 * DAY)
        client.try_one(sender, you, hold=HOLD).expect(250)
        self.assertEqual(self.lab.stamp(you)["tarpit"], "endured")

    def test_another_address_of_the_network_shares_the_triplet(self):
        net, sender, you = self.lab.network(), "f@example.com", self.person()
        self.lab.leave_hold(self.lab.client(LINE, source=net + ".1"), sender, you, helo="pc")
        self.lab.clock.advance(31 * MINUTE)
        second = self.lab.client(LINE, source=net + ".2")
        self.lab.leave_hold(second, sender, you, helo="pc")
        self.lab.clock.advance(2 * MINUTE)
        self.lab.client(LINE, source=net + ".3").try_one(sender, you).expect(250)
        self.assertEqual(self.lab.stamp(you)["why"], "tries")

    def test_a_restart_of_the_daemon_forgets_nothing(self):
        client, sender, you = self.lab.client(LINE), "g@example.com", self.person()
        self.lab.leave_hold(client, sender, you, helo="pc")
        self.lab.clock.advance(31 * MINUTE)
        client.try_one(sender, you).expect(450)
        self.lab.daemon.restart()
        self.lab.clock.advance(61)
        client.try_one(sender, you).expect(250)
        self.assertEqual(self.lab.stamp(you)["gaveup"], 1)

    def test_what_a_client_heard_is_on_disk_when_the_daemon_is_killed(self):
        client, sender, you = self.lab.client(LINE), "h@example.com", self.person()
        self.lab.leave_hold(client, sender, you, helo="pc")
        self.lab.clock.advance(31 * MINUTE)
        client.try_one(sender, you).expect(450)
        self.lab.daemon.kill9()
        self.lab.daemon.start()
        self.lab.clock.advance(61)
        client.try_one(sender, you).expect(250)


if __name__ == "__main__":
    unittest.main()
