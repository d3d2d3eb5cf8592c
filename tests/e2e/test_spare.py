# SPDX-License-Identifier: BSD-2-Clause
"""A connection to libmilter serves one SMTP session after the other."""
import os
import pathlib
import unittest

from support.lab import LabTest

LINE, SERVER = "p7-dyn100.example.net", "mail.example.com"
ACCEPTED = "03"


class Spare(LabTest):
    delivered = 0

    def connections(self):
        """Inodes of the sockets that libmilter has accepted."""
        self.lab.daemon.settle()
        folder = pathlib.Path("/proc/%d/fd" % self.lab.daemon.pid)
        ours = {os.readlink(entry) for entry in folder.iterdir()}
        rows = [row.split() for row in
                pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]]
        return sorted(row[6] for row in rows if len(row) == 8 and row[5] == ACCEPTED
                      and row[7].endswith("/m") and "socket:[%s]" % row[6] in ours)

    def deliver(self):
        self.delivered += 1
        you = self.person("n%d" % self.delivered)
        self.lab.client(SERVER).try_one("a@example.com", you).expect(250)
        return self.lab.stamp(you)

    def test_sessions_that_follow_each_other_share_them(self):
        # XCLIENT makes two sessions of one, so there may be some at a time.
        seen = {self.deliver()["sid"]}
        kept = self.connections()
        self.assertNotEqual(kept, [])
        for _ in range(6):
            again = self.deliver()
            self.assertLessEqual(set(kept), set(self.connections()))
            self.assertNotIn(again["sid"], seen)
            seen.add(again["sid"])
        self.assertLessEqual(len(self.connections()), 3)

    def test_one_that_greeted_within_a_transaction_leaves_it_to_the_next(self):
        for _ in range(4):
            with self.lab.client(SERVER).greet() as session:
                session.mail("a@example.com").expect(250)
                session.rcpt(self.person()).expect(250)
                session.send("EHLO again.example.com")
                session.read()
                session.send("QUIT")
                session.read()
        self.assertLessEqual(len(self.connections()), 2)

    def test_one_that_was_refused_leaves_it_to_the_next(self):
        self.deliver()
        kept, you = self.connections(), self.person()
        client = self.lab.client(LINE)
        self.lab.leave_hold(client, "a@example.com", you, 10)
        with client.greet() as session:
            session.mail("a@example.com").expect(250)
            session.rcpt(you).expect(250)
            session.data().expect(450)
        row = self.lab.event(you, 2)
        self.assertEqual(row["reply"], "450")
        self.deliver()
        self.assertLessEqual(len(self.connections()), len(kept) + 2)


if __name__ == "__main__":
    unittest.main()
