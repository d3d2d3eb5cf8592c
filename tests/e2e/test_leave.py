# SPDX-License-Identifier: BSD-2-Clause
"""Clients that leave during the hold: found out at once, nothing delivered."""
import unittest

from support.lab import LabTest

LINE = "p7-dyn100.example.net"
LEFT_AFTER = 41


class Leave(LabTest):
    def left(self, client, you):
        """What must be true after a client went away in its hold."""
        self.lab.clock.advance(1.1)
        event = self.lab.daemon.wait_event(
            lambda row: row["ip"] == client.source and row["hold_end"] == "gone",
            1, "the event of a client that went")
        self.assertEqual((event["delivered"], event["verdict"]), (0, "hold"))
        self.assertAlmostEqual(event["hold_ms"] / 1000, LEFT_AFTER, delta=20)
        self.lab.postfix.settle()
        self.assertEqual(self.lab.postfix.delivered(you), [])
        record = self.lab.daemon.query(
            "SELECT gaveup, gaveup_secs FROM address WHERE gaveup > 0"
            " AND key = ?", address_key(client.source))
        self.assertEqual([row["gaveup"] for row in record], [1])
        return event

    def held_session(self, client, *lines):
        session = client.greet("pc")
        self.lab.send_held(session, *lines)
        session.pass_time(LEFT_AFTER)
        self.assertTrue(session.is_waiting())
        return session

    def lines(self, you, *more):
        return ("MAIL FROM:<a@example.com>", "RCPT TO:<%s>" % you) + more

    def test_fin(self):
        you, client = self.person(), self.lab.client(LINE)
        self.held_session(client, *self.lines(you)).hang_up()
        self.left(client, you)
        self.lab.postfix.wait_log(r"lost connection after RCPT .*%s\]" % client.source)

    def test_rst(self):
        you, client = self.person(), self.lab.client(LINE)
        self.held_session(client, *self.lines(you)).reset()
        self.left(client, you)
        self.lab.postfix.wait_log(r"disconnect from .*%s\]" % client.source)

    def test_half_close_gets_the_450(self):
        you, client = self.person(), self.lab.client(LINE)
        session = self.held_session(client, *self.lines(you))
        session.half_close()
        self.lab.clock.advance(1.1)
        codes = [reply.code for reply in session.at_end()]
        self.assertEqual(codes[:2], [250, 450])
        self.left(client, you)

    def test_talk_through_by_data_is_not_delivered(self):
        for leave in ("hang_up", "reset", "half_close"):
            you, client = self.person(leave), self.lab.client(LINE)
            session = self.held_session(client, *self.lines(
                you, "DATA", "Subject: Buy", "", "now", ".", "QUIT"))
            getattr(session, leave)()
            self.left(client, you)

    def test_talk_through_by_bdat_is_not_delivered(self):
        for leave in ("hang_up", "reset", "half_close"):
            you, client = self.person(leave), self.lab.client(LINE)
            session = self.held_session(client, *self.lines(
                you, "BDAT 19 LAST", "Subject: Buy", "", "now", "QUIT"))
            getattr(session, leave)()
            self.left(client, you)

    def test_a_second_recipient_behind_the_hold_is_refused_too(self):
        you, two, client = self.person(), self.person("two"), self.lab.client(LINE)
        session = self.held_session(
            client, *self.lines(you, "RCPT TO:<%s>" % two, "DATA"))
        session.half_close()
        self.lab.clock.advance(1.1)
        codes = [reply.code for reply in session.at_end()]
        self.assertEqual(codes[:3], [250, 450, 450])
        self.assertNotIn(354, codes)
        self.left(client, you)
        self.assertEqual(self.lab.postfix.delivered(two), [])

    def test_everything_the_client_still_says_is_refused(self):
        you, client = self.person(), self.lab.client(LINE)
        session = self.held_session(client, *self.lines(
            you, "RSET", "MAIL FROM:<b@example.com>", "RCPT TO:<%s>" % you,
            "DATA", "Subject: again", "", "text", ".", "QUIT"))
        session.half_close()
        self.lab.clock.advance(1.1)
        replies = session.at_end()
        self.assertNotIn(354, [reply.code for reply in replies])
        self.left(client, you)

    def test_a_client_that_leaves_before_the_hold_begins_is_no_hang_up(self):
        client = self.lab.client(LINE)
        session = client.greet("early-leaver.example.com")
        session.mail("a@example.com").expect(250)
        session.hang_up()
        event = self.lab.daemon.wait_event(
            lambda row: row["ip"] == client.source, 1, "the event")
        self.assertEqual(event["gaveup"], 0)
        self.assertEqual(event["hold_end"], "none")

    def test_a_client_that_goes_after_the_hold_did_wait(self):
        client, you = self.lab.client(LINE), self.person()
        session = client.greet("pc")
        session.mail("a@example.com").expect(250)
        session.rcpt(you, hold=125).expect(250)
        session.hang_up()
        event = self.lab.daemon.wait_event(
            lambda row: row["ip"] == client.source, 1, "the event")
        self.assertEqual(event["hold_end"], "held")
        self.assertEqual(self.lab.daemon.query(
            "SELECT gaveup FROM address WHERE key = ? AND gaveup > 0",
            address_key(client.source)), [])

    def test_a_client_that_says_nothing_more_after_its_hold_counts_nothing(self):
        client, you = self.lab.client(LINE), self.person()
        session = client.greet("pc")
        session.mail("a@example.com").expect(250)
        session.rcpt(you, hold=125).expect(250)
        session.quit()
        event = self.lab.event(you)
        self.assertEqual((event["hold_end"], event["delivered"]), ("held", 0))


def address_key(text):
    number = 0
    for part in text.split("."):
        number = number * 256 + int(part)
    return number


if __name__ == "__main__":
    unittest.main()
