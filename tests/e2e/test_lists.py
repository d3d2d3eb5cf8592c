# SPDX-License-Identifier: BSD-2-Clause
"""The operator's lists, local rules, trial rules, relays and privacy."""
import pathlib
import tempfile
import unittest

from support import headers
from support.lab import Lab, LabTest

LINE = "p7-dyn100.example.net"
HOLD = 125
SENDER = "a@example.com"


class WithFiles(LabTest):
    """A class with files of its own, readable by the daemon."""

    files = {}

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="targrey-")
        root = pathlib.Path(cls.folder.name)
        root.chmod(0o755)
        for name, text in cls.files.items():
            (root / name).write_text(text)
        cls.config = cls.settings(root)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.folder.cleanup()

    def exempt(self, you):
        """It was delivered at once, and says that it is listed; returns what
        set it free."""
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["verdict"], stamp["why"], stamp["tarpit"]),
                         ("pass", "listed", "none"))
        return self.lab.event(you)["exempt"]


class Allow(WithFiles):
    files = {
        "allow": "# good ones\ndyn-but-good.example.net\n/^ok[0-9]+-dyn/\n"
                 "127.200.1.0/24\n",
        "allow.recipients": "postmaster@\nopen.example.jp@example.jp\n",
        "allow.senders": "friend.example.com\n",
    }

    @classmethod
    def settings(cls, root):
        return {"allow": {"files": [str(root / "allow*")]}}

    def test_a_verified_name_and_those_below_it(self):
        for name in ("dyn-but-good.example.net", "p1-2-3.dyn-but-good.example.net"):
            you = self.person(name.split(".")[0])
            self.lab.client(name).try_one(SENDER, you).expect(250)
            self.assertIn(":2", self.exempt(you))

    def test_a_name_that_does_not_map_back_is_no_use(self):
        you = self.person()
        self.lab.client(ptr="dyn-but-good.example.net").try_one(
            SENDER, you, hold=HOLD).expect(250)
        self.assertEqual(self.lab.stamp(you)["rdns"], "mismatch")

    def test_a_regular_expression_on_the_name(self):
        you = self.person()
        self.lab.client("ok17-dyn.example.net").try_one(SENDER, you).expect(250)
        self.assertIn(":3", self.exempt(you))

    def test_a_network(self):
        you = self.person()
        self.lab.client(LINE, source="127.200.1.77").try_one(SENDER, you).expect(250)
        self.assertIn(":4", self.exempt(you))

    def test_a_recipient(self):
        you = "postmaster@example.jp"
        self.lab.client(LINE).try_one(SENDER, you).expect(250)
        self.exempt(you)

    def test_a_recipient_in_every_spelling_that_postfix_takes(self):
        for path in ('<"postmaster"@example.jp>', "<@relay.example:postmaster@example.jp>",
                     "<POSTMASTER@Example.JP>", "<postmaster+x@example.jp>",
                     '<"post\\master"@example.jp>', "<postmaster@example.jp.>",
                     "<postmaster>"):
            with self.lab.client(LINE).greet() as session:
                session.mail(SENDER).expect(250)
                session.send("RCPT TO:" + path)
                reply = session.read()
                if reply.code != 250:
                    print("Postfix itself refuses %s: %s" % (path, reply))
                    continue
                session.recipients.append("postmaster@example.jp")
                session.message().expect(250)
            self.lab.daemon.wait_log("exempt=recipient")
        self.assertEqual(
            {event["verdict"] for event in self.lab.daemon.events()
             if "postmaster" in (event["recipients"] or "")}, {"pass"})

    def test_a_sender_is_not_believed_without_spf(self):
        you = self.person()
        self.lab.client(LINE).try_one(
            "joe@friend.example.com", you, hold=HOLD).expect(250)
        self.assertEqual(self.lab.stamp(you)["tarpit"], "endured")


class Local(WithFiles):
    files = {
        "suspect": "name /^vps[0-9]/ CHEAP\nhelo /^ylmf-pc$/ YLMF\n"
                   "from /@bulk\\.example$/ BULK warn\nnet 127.201.0.0/16 BADNET\n",
    }

    @classmethod
    def settings(cls, root):
        return {"suspect": ["s25r", "local"],
                "suspects": {"files": [str(root / "suspect")]}}

    def test_a_local_rule_makes_a_suspect_and_is_named(self):
        you = self.person()
        self.lab.client("vps9.example.org").try_one(SENDER, you, hold=HOLD).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["why"], stamp["local"]), ("local", "CHEAP"))
        self.assertIn("LOCAL", stamp.flags)

    def test_helo_and_network_rules(self):
        you = self.person()
        client = self.lab.client("mail.example.org", source="127.201.4.4")
        client.try_one(SENDER, you, helo="ylmf-pc", hold=HOLD).expect(250)
        self.assertEqual(self.lab.stamp(you)["local"], "YLMF,BADNET")

    def test_a_rule_on_trial_delays_nobody_but_shows(self):
        you = self.person()
        self.lab.client("mail.example.org").try_one("x@bulk.example", you).expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["verdict"], stamp["why"], stamp["would"], stamp["local"]),
                         ("pass", "warn", "hold", "BULK"))
        self.assertIn("WOULD", stamp.flags)


class Trial(LabTest):
    config = {"suspect": ["s25r", "helo warn"]}

    def test_a_selector_on_trial_delays_nobody_but_shows(self):
        you = self.person()
        self.lab.client("mail.example.org").try_one(SENDER, you, helo="pc").expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["verdict"], stamp["would"]), ("pass", "hold"))


class Everybody(LabTest):
    config = {"suspect": ["all"]}

    def test_the_selector_all_holds_a_mail_server_as_well(self):
        you = self.person()
        self.lab.client("mail.example.org").try_one(SENDER, you, hold=HOLD).expect(250)
        self.assertEqual(self.lab.stamp(you)["why"], "all")


class Relays(LabTest):
    config = {"exempt_networks": ["127.202.0.0/16"],
              "trusted_relays": ["mx2.example.jp"]}
    SESSION = ("X-TaRgrey-Session: v=1; id=%s; sid=1; mode=targrey; verdict=hold\n"
               "X-TaRgrey-Flags: S25R\n")

    def bring(self, you, relay_id, source="127.202.0.1"):
        self.lab.client("mx2.example.jp", source=source).try_one(
            SENDER, you, headers=self.SESSION % relay_id).expect(250)
        return self.lab.postfix.wait_mail(you)

    def test_the_headers_of_our_other_mx_are_kept(self):
        mail = self.bring(self.person(), "mx2.example.jp")
        self.assertIn("id=mx2.example.jp", mail.all(headers.SESSION)[0])
        self.assertEqual(mail.all(headers.FLAGS), ["S25R"])

    def test_a_user_there_who_logs_in_is_no_relay(self):
        you = self.person()
        self.lab.client("pc.example.jp", source="127.202.0.2", login="u").try_one(
            SENDER, you, headers=self.SESSION % "mx2.example.jp").expect(250)
        mail = self.lab.postfix.wait_mail(you)
        self.assertEqual(mail.all(headers.SESSION) + mail.all(headers.FLAGS), [])

    def test_those_of_another_name_are_not(self):
        mail = self.bring(self.person(), "mx3.example.jp")
        self.assertEqual(mail.all(headers.SESSION) + mail.all(headers.FLAGS), [])

    def test_nor_are_they_from_a_client_that_is_not_exempt(self):
        mail = self.bring(self.person(), "mx2.example.jp", "127.203.0.1")
        self.assertEqual(len(mail.all(headers.SESSION)), 1)
        self.assertIn("id=mx.example.jp", mail.all(headers.SESSION)[0])


class Privacy(unittest.TestCase):
    def test_with_hashes_no_address_of_a_person_is_kept_or_logged(self):
        with Lab({"privacy": "hash", "mode": "rgrey"}) as lab:
            client = lab.client(LINE)
            for pause in (0, 31 * 60, 120):
                lab.clock.advance(pause)
                reply = client.try_one("secret-sender@example.com",
                                       "secret-reader@example.jp")
            reply.expect(250)
            lab.stamp("secret-reader@example.jp")
            lab.daemon.wait_event(lambda row: row["delivered"], 1, "the delivery")
            lab.daemon.stop()
            kept = b"".join(path.read_bytes()
                            for path in lab.daemon.database.parent.iterdir())
            self.assertNotIn(b"secret-sender", kept)
            self.assertNotIn(b"secret-reader", kept)
            self.assertNotIn("secret-", lab.daemon.log())


if __name__ == "__main__":
    unittest.main()
