# SPDX-License-Identifier: BSD-2-Clause
"""targreyctl beside a running daemon: what it says is what happens."""
import unittest

from support.lab import LabTest
from support.wait import until

LINE, SERVER = "p7-dyn100.example.net", "mail.example.com"
HOLD, MINUTE = 125, 60


class Ctl(LabTest):
    def ctl(self, *arguments):
        return self.lab.daemon.ctl(*arguments)

    def foretold(self, client, sender, you):
        """(verdict, why) of the next visit, by explain."""
        who = ("--name", client.name) if client.name else ()
        outcome = self.ctl("explain", "--ip", client.source, *who, "--helo", "pc",
                           "--from", sender or "<>", "--to", you)["outcome"]
        return outcome["verdict"], outcome["why"]

    def let_notice(self):
        """The daemon sees what another process has changed when it next writes."""
        self.lab.client(SERVER).try_one("notice@example.com", self.person("notice")).expect(250)
        self.noticed = getattr(self, "noticed", 0) + 1
        self.lab.event(self.person("notice"), self.noticed)

    def happened(self, you, count):
        event = self.lab.event(you, count)
        return event["verdict"], event["why"]

    def test_what_is_foretold_happens(self):
        you, client, sender = self.person(), self.lab.client(LINE), "a@example.com"
        told = self.foretold(client, sender, you)
        self.lab.leave_hold(client, sender, you, helo="pc")
        self.assertEqual(self.happened(you, 1), told)
        self.assertEqual(told, ("hold", "s25r"))
        for count, pause, wanted in ((2, 5 * MINUTE, ("greylist", "s25r")),
                                     (3, 26 * MINUTE, ("greylist", "s25r")),
                                     (4, 2 * MINUTE, ("pass", "tries")),
                                     (5, 2 * MINUTE, ("pass", "tries"))):
            self.lab.clock.advance(pause)
            told = self.foretold(client, sender, you)
            client.try_one(sender, you, helo="pc")
            self.assertEqual((told, self.happened(you, count)), (wanted, wanted))

    def test_what_is_foretold_of_others_happens(self):
        for tag, client, hold in (("server", self.lab.client(SERVER), None),
                                  ("nameless", self.lab.client(), HOLD)):
            you = self.person(tag)
            told = self.foretold(client, "a@example.com", you)
            client.try_one("a@example.com", you, hold=hold).expect(250)
            self.assertEqual(self.happened(you, 1), told)

    def test_status_shows_who_is_held(self):
        client = self.lab.client(LINE)
        session = client.greet("pc")
        session.mail("a@example.com").expect(250)
        session.send("RCPT TO:<%s>" % self.person())

        def shown():
            rows = self.ctl("list", "held")["held"]["rows"]
            return [row for row in rows if row["address"] == client.source]
        until(shown, "the hold to be shown")
        status = self.ctl("status")["daemon"]
        self.assertEqual((status["running"], status["mode"]), ("running", "targrey"))
        self.assertGreaterEqual(status["holds"], 1)

    def test_a_message_is_told_by_its_queue_id_and_its_header(self):
        you, client = self.person(), self.lab.client(LINE)
        client.try_one("a@example.com", you, hold=HOLD).expect(250)
        mail = self.lab.postfix.wait_mail(you)
        event = self.lab.event(you)
        for option in (("--queue-id", event["queue_id"]), ("--sid", event["sid"]),
                       ("--message", str(mail.path))):
            self.assertIn(client.source, str(self.ctl("explain", *option)))

    def test_a_known_address_passes_and_one_that_is_not_any_more_is_held(self):
        client = self.lab.client(LINE)
        self.ctl("allow", client.source)
        self.let_notice()
        client.try_one("a@example.com", self.person("one")).expect(250)
        self.assertEqual(self.lab.stamp(self.person("one"))["why"], "known-address")
        self.lab.event(self.person("one"))
        self.ctl("unallow", client.source)
        self.let_notice()
        client.try_one("b@example.com", self.person("two"), hold=HOLD).expect(250)

    def test_what_is_forgotten_begins_anew(self):
        you, client, sender = self.person(), self.lab.client(LINE), "c@example.com"
        self.lab.leave_hold(client, sender, you, helo="pc")
        client.try_one(sender, you).expect(450)
        self.ctl("forget", "--ip", client.source)
        self.let_notice()
        self.lab.clock.advance(31 * MINUTE)
        self.assertEqual(self.foretold(client, sender, you), ("hold", "s25r"))
        client.try_one(sender, you, hold=HOLD).expect(250)

    def test_the_database_is_sound_and_can_be_copied_meanwhile(self):
        you = self.person()
        self.lab.client(SERVER).try_one("a@example.com", you).expect(250)
        self.lab.event(you)
        self.ctl("backup", str(self.lab.root / "copy.db"))
        self.ctl("check-db")
        self.ctl("report")


if __name__ == "__main__":
    unittest.main()
