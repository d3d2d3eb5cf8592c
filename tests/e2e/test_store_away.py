# SPDX-License-Identifier: BSD-2-Clause
"""A store that cannot write: what clients are told, and what headers say of it."""
import sqlite3
import unittest

from support.lab import LabTest
from support.wait import until

LINE = "p7-dyn100.example.net"


class StoreAway(LabTest):
    def setUp(self):
        self.base = sqlite3.connect(self.lab.daemon.database, isolation_level=None)
        self.addCleanup(self.base.close)
        self.base.execute("BEGIN IMMEDIATE")

    def data(self, session, you):
        """The reply to DATA, after the five seconds in which a record may come."""
        session.mail("a@example.com").expect(250)
        session.rcpt(you).expect(250)
        session.send("DATA")
        session.pass_time(6)
        return session.read()


class Accept(StoreAway):
    config = {"mode": "rgrey"}

    def test_mail_is_let_through_and_its_header_says_why(self):
        for number in range(3):
            you = self.person("n%d" % number)
            with self.lab.client(LINE).greet() as session:
                self.data(session, you).expect(354)
                session.body().expect(250)
        self.base.execute("ROLLBACK")
        for number in range(3):
            stamp = self.lab.stamp(self.person("n%d" % number))
            self.assertEqual((stamp["verdict"], stamp["why"], stamp["fault"]),
                             ("pass", "fault", "store"))
            self.assertIn("FAULT", stamp.flags)


class AcceptWithoutData(StoreAway):
    """No DATA event, so it is judged when the message is there."""
    config = {"mode": "rgrey"}
    postfix = {"milter_protocol": "2"}

    def test_mail_is_let_through_and_its_header_says_why(self):
        you = self.person()
        with self.lab.client(LINE).greet() as session:
            session.mail("a@example.com").expect(250)
            session.rcpt(you).expect(250)
            session.data().expect(354)
            session.send_body()
            session.pass_time(6)
            session.read().expect(250)
        self.base.execute("ROLLBACK")
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["verdict"], stamp["why"], stamp["fault"]),
                         ("pass", "fault", "store"))


class Tempfail(StoreAway):
    config = {"mode": "rgrey", "on_failure": "tempfail"}

    def test_no_450_is_told_that_is_not_on_record(self):
        with self.lab.client(LINE).greet() as session:
            self.data(session, self.person()).expect(451, "4.3.0")
        self.base.execute("ROLLBACK")
        until(lambda: self.once("later") == 450, "the store to write again")

    def once(self, name):
        with self.lab.client(LINE).greet() as session:
            return self.data(session, self.person(name)).code


if __name__ == "__main__":
    unittest.main()
