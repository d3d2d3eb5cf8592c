# SPDX-License-Identifier: BSD-2-Clause
"""A wall clock that is wrong loses no mail and nothing that is on record."""
import calendar
import datetime
import os
import unittest

from support.lab import LabTest
from support.wait import until

LINE, MINUTE, HOUR, DAY = "p7-dyn100.example.net", 60, 3600, 86400


class WrongClock(LabTest):
    config = {"mode": "rgrey"}

    def tearDown(self):
        self.lab.clock.set_wall(0)
        super().tearDown()

    def retries_until_it_passes(self, client, sender, you):
        """Retries every half an hour that are answered with 450."""
        for count in range(20):
            self.lab.clock.advance(30 * MINUTE + 1)
            if client.try_one(sender, you).code == 250:
                return count
        return None

    def test_set_back_while_a_sender_waits(self):
        for tag, back in (("minutes", 40 * MINUTE), ("hours", 10 * HOUR),
                          ("half-day", 12 * HOUR), ("day", DAY)):
            you, client = self.person(tag), self.lab.client(LINE)
            client.try_one("a@example.com", you).expect(450)
            self.lab.event(you)
            self.lab.clock.set_wall(-back)
            self.assertLessEqual(
                self.retries_until_it_passes(client, "a@example.com", you), 1, tag)
            self.lab.clock.set_wall(0)

    def test_a_year_ahead_and_back(self):
        you, waits = self.lab.client(LINE), self.lab.client(LINE)
        person, other = self.person("passed"), self.person("waits")
        you.try_one("a@example.com", person).expect(450)
        self.retries_until_it_passes(you, "a@example.com", person)
        self.lab.event(person, 3)
        waits.try_one("b@example.com", other).expect(450)
        self.lab.event(other)
        before = self.lab.daemon.query("SELECT count(*) AS n FROM event")[0]["n"]
        self.lab.clock.set_wall(365 * DAY)
        third = self.lab.client(LINE)
        third.try_one("c@example.com", self.person("meanwhile")).expect(450)
        self.lab.daemon.wait_log("the clock has jumped by +31536000 s")
        self.lab.clock.step(10)
        until(lambda: self.lab.daemon.ctl_code("status")[0] == 1, "the status")
        told = self.lab.daemon.ctl_code("status")[1]
        self.assertIn("clock has jumped", str(told["trouble"]))
        self.lab.clock.set_wall(0)
        self.lab.daemon.wait_log("the clock is believed again")
        after = self.lab.daemon.query("SELECT count(*) AS n FROM event")[0]["n"]
        self.assertGreater(after, before)
        you.try_one("a@example.com", person).expect(250)
        self.assertLessEqual(
            self.retries_until_it_passes(waits, "b@example.com", other), 1)
        newest = self.lab.daemon.query("SELECT max(logged) AS t FROM event")[0]["t"]
        self.assertLess(newest, self.lab.clock.wall() + MINUTE)


def last_sunday(year, month):
    """01:00 UTC of it, when summer time begins and ends in Europe."""
    day = max(week[calendar.SUNDAY]
              for week in calendar.Calendar().monthdayscalendar(year, month))
    return datetime.datetime(
        year, month, day, 1, tzinfo=datetime.timezone.utc).timestamp()


class SummerTime(LabTest):
    """The hour that is missing, and the one that comes twice."""
    config = {"mode": "rgrey"}
    # With the rule in the value: no time zone data is needed.
    zone = "CET-1CEST,M3.5.0,M10.5.0/3"

    @classmethod
    def setUpClass(cls):
        cls.before = os.environ.get("TZ")
        os.environ["TZ"] = cls.zone
        try:
            super().setUpClass()
        finally:
            if cls.before is None:
                del os.environ["TZ"]
            else:
                os.environ["TZ"] = cls.before

    def test_a_delay_is_as_long_as_on_any_other_day(self):
        now = self.lab.clock.wall()
        year = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).year
        changes = [last_sunday(y, m) for y in (year, year + 1) for m in (3, 10)]
        for number, change in enumerate(
                [c for c in changes if c > now + HOUR][:2]):
            self.lab.clock.advance(change - 20 * MINUTE - self.lab.clock.wall())
            client, you = self.lab.client(LINE), self.person("n%d" % number)
            first = self.lab.clock.wall()
            client.try_one("a@example.com", you).expect(450)
            self.lab.event(you)
            self.lab.clock.advance(10 * MINUTE)
            client.try_one("a@example.com", you).expect(450)
            self.lab.clock.advance(21 * MINUTE)
            client.try_one("a@example.com", you).expect(450)
            self.lab.clock.advance(2 * MINUTE)
            client.try_one("a@example.com", you).expect(250)
            self.assertGreater(self.lab.clock.wall(), change)
            told = self.lab.stamp(you)
            self.assertEqual(told["grey_tries"], 2)
            self.assertAlmostEqual(
                told["grey_secs"], self.lab.clock.wall() - first, delta=60)


if __name__ == "__main__":
    unittest.main()
