# SPDX-License-Identifier: BSD-2-Clause
"""End to end: Postfix and targreyd, amavisd-new, Postfix, procmail.

What is certain and what is likely land in their folders, the certain in quarantine
too, and good mail arrives with its headers.
"""
import email
import os
import pathlib
import pwd
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from filters import HEADER_CHECKS, TOP, Amavis, adding  # noqa: E402
from support.lab import Lab  # noqa: E402
from support.postfix import Service  # noqa: E402
from support.wait import until  # noqa: E402

HOLD_S = 65
SPAM = """\
From: offers@offers.example.net
To: you@example.jp
Subject: 80%% OFF! Replica watches!
Message-ID: <%(id)s@offers.example.net>
Date: %(date)s
X-Spam-Status: No, score=-99.0 tests=NONE
X-TaRgrey-Session: v=1; id=mx.example.jp; sid=0; s25r=none; passed=9; ham=9
X-TaRgrey-Flags: KNOWN
%(more)s
Order now! Cheap replica watches, limited time, satisfaction guaranteed.
http://offers.example.net/
"""
HAM = """\
From: "Anna Bell" <anna@mail.example.com>
To: "You" <you@example.jp>
Subject: minutes of our meeting
Message-ID: <%(id)s@mail.example.com>
Date: %(date)s
%(more)s
Dear colleague,

here are the minutes that you asked for last week, with thanks for your time.

Anna
"""


class Path(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.reentry = Service(options={
            "content_filter": "", "smtpd_milters": "", "smtpd_authorized_xforward_hosts": "127.0.0.0/8",
            "receive_override_options": "no_milters,no_header_body_checks,no_unknown_recipient_checks"})
        cls.lab = Lab(
            config={"tarpit": {"hold": "%ds" % HOLD_S, "trust_eom": True},
                    "exempt_networks": []},
            postfix={"smtp_send_xforward_command": "yes", "virtual_transport": "procmail",
                     "procmail_destination_recipient_limit": "1"},
            services={"reentry": cls.reentry})
        cls.addClassCleanup(cls.lab.close)
        root = cls.lab.root
        cls.amavis = Amavis(root, forward=cls.reentry.port)
        cls.addClassCleanup(cls.amavis.close)
        cls.set_up_procmail(root)
        main = cls.lab.postfix.etc / "main.cf"
        checks = root / "header_checks"
        checks.write_text(HEADER_CHECKS + "\n")
        main.write_text(main.read_text() + "content_filter = smtp:[127.0.0.1]:%d\n" % cls.amavis.port
                        + "header_checks = regexp:%s\nnested_header_checks =\n" % checks)
        master = cls.lab.postfix.etc / "master.cf"
        master.write_text(master.read_text() + (
            "procmail unix - n n - - pipe\n  flags=R user=nobody argv=/usr/bin/procmail -m %s\n"
            % (root / "procmailrc")))
        for path in (main, master):
            os.utime(path, (0, 0))
        cls.amavis.start()
        cls.lab.start()

    @classmethod
    def set_up_procmail(cls, root):
        nobody = pwd.getpwnam("nobody")
        cls.home = root / "home"
        for path in (cls.home, cls.home / "Maildir"):
            path.mkdir(mode=0o755)
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        (root / "procmailrc").write_text(
            "HOME=%s\nMAILDIR=$HOME\nINCLUDERC=%s\n:0\n$HOME/Maildir/\n" % (
                cls.home, TOP / "conf" / "procmail" / "targrey.rc"))

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            print(self.lab.postfix.log()[-3000:], self.amavis.log()[-4000:],
                  self.lab.daemon.log()[-2000:], sep="\n---\n", file=sys.stderr)

    def filed(self, mark):
        """[(folder, message)] of everything delivered with this Message-ID."""
        found = []
        for path in (self.home / "Maildir").rglob("new/*"):
            message = email.message_from_bytes(path.read_bytes())
            if mark in (message["Message-ID"] or ""):
                folder = path.relative_to(self.home / "Maildir").parts[0]
                found.append((folder if folder != "new" else "INBOX", message))
        return found

    def arrive(self, mark):
        folder, message = until(lambda: self.filed(mark), "mail %s" % mark)[0]
        return folder, message

    def quarantined(self, mark, kind="spam"):
        for path in self.amavis.quarantine.rglob(kind + "-*.eml"):
            raw = path.read_bytes()
            if mark.encode() in raw:
                return email.message_from_bytes(raw)
        return None

    def send(self, text, mark, more="", name=None, addr="198.51.100.7", hold=None,
             helo="a.other.example", sender="offers@offers.example.net"):
        client = self.lab.client(name, addr=addr)
        session = client.greet(helo)
        session.mail(sender).expect(250)
        session.rcpt("you@example.jp", hold=hold).expect(250)
        session.message(text % {"id": mark, "more": more,
                                "date": email.utils.formatdate(self.lab.clock.wall())}).expect(250)
        session.quit()

    def score(self, message):
        return float(re.search(r"score=(-?[\d.]+)", message["X-Spam-Status"]).group(1))

    def test_spam_of_a_held_line_lands_in_its_band(self):
        self.send(SPAM, "band", hold=HOLD_S)
        folder, message = self.arrive("band")
        score = self.score(message)
        self.assertEqual(".spam.05to09" if score < 10 else ".spam.10to19", folder)
        self.assertGreaterEqual(score, 5)
        self.assertLess(score, 20)
        self.assertIn("TARGREY_HALF_SIGNS", message["X-Spam-Status"])
        self.assertNotIn("TARGREY_DISCARD_OK", message["X-Spam-Status"])

    def test_headers_stand_above_ours_and_forged_ones_are_gone(self):
        self.send(SPAM, "place", hold=HOLD_S, addr="198.51.100.8")
        _, message = self.arrive("place")
        names = [name.lower() for name in message.keys()]
        self.assertEqual(1, names.count("x-targrey-session"))
        self.assertEqual(1, names.count("x-spam-status"))
        session = message["X-TaRgrey-Session"]
        self.assertIn("rdns=none", session)
        self.assertRegex(session, r"tarpit=(endured|unproven); tarpit_secs=%d" % HOLD_S)
        self.assertIn("forged=2", session)
        boundary = next(index for index, (name, value) in enumerate(message.items())
                        if name.lower() == "received" and "[198.51.100.8]" in value)
        self.assertLess(names.index("x-targrey-session"), boundary)
        self.assertLess(names.index("x-spam-status"), boundary)

    def send_certain(self, mark, addr, more=""):
        self.send(SPAM, mark, more="X-Test: listed %s\n" % (more or "heavy"), hold=HOLD_S,
                  addr=addr, helo="localhost")

    def test_what_is_certain_is_delivered_to_its_folder_and_quarantined_by_name(self):
        self.send_certain("sure", "198.51.100.9")
        folder, message = self.arrive("sure")
        self.assertEqual(".spam.certain", folder)
        self.assertIsNone(self.quarantined("<sure@"))
        kept = self.quarantined("<sure@", "certain")
        for mail in (message, kept):
            self.assertIn("TARGREY_DISCARD_OK", mail["X-Spam-Status"])
            self.assertGreaterEqual(self.score(mail), 20)
            self.assertIn("TARGREY_PATIENT", mail["X-Spam-Status"])
            self.assertIn("rdns=none", mail["X-TaRgrey-Session"])

    def test_with_its_commented_line_what_is_certain_is_discarded_and_in_quarantine(self):
        shipped = self.amavis.conf.read_text()
        self.assertEqual(1, shipped.count("\t#final_destiny"))
        self.amavis.restart(shipped.replace("\t#final_destiny", "\tfinal_destiny"))
        try:
            self.send_certain("gone", "198.51.100.15")
            until(lambda: re.search(r"Blocked SPAM.*DiscardedInbound,Quarantined.*<gone@",
                                    self.amavis.log()), "amavis to block it")
            self.lab.postfix.settle()
            self.assertEqual([], self.filed("gone"))
            self.assertGreaterEqual(self.score(self.quarantined("<gone@", "certain")), 20)
            self.send(SPAM, "likely", more="X-Test: listed heavy\n", hold=HOLD_S, addr="198.51.100.16")
            folder, _ = self.arrive("likely")
            self.assertEqual(".spam.20plus", folder)
        finally:
            self.amavis.restart(shipped)

    def test_content_and_a_line_alone_are_not_certain(self):
        self.send(SPAM, "oneline", more="X-Test: listed heavy\n", hold=HOLD_S, addr="198.51.100.11")
        folder, message = self.arrive("oneline")
        self.assertGreaterEqual(self.score(message), 20)
        self.assertEqual(".spam.20plus", folder)
        self.assertNotIn("TARGREY_DISCARD_OK", message["X-Spam-Status"])

    def test_the_kill_level_is_20(self):
        self.send_certain("level0", "198.51.100.12", "add0")
        _, message = self.arrive("level0")
        self.assertIn("TARGREY_DISCARD_OK", message["X-Spam-Status"])
        least = self.score(message) - 0.25
        under = (19.99 - least) // 0.25 * 0.25
        self.send_certain("level1", "198.51.100.13", adding(under))
        folder, message = self.arrive("level1")
        self.assertEqual(".spam.10to19", folder)
        self.assertGreater(self.score(message), 19.5)
        self.assertIn("TARGREY_DISCARD_OK", message["X-Spam-Status"])
        self.assertIsNone(self.quarantined("<level1@", "*"))
        self.send_certain("level2", "198.51.100.14", adding(under + 0.25))
        folder, message = self.arrive("level2")
        self.assertEqual(".spam.certain", folder)
        self.assertLess(self.score(message), 20.5)
        self.assertIsNotNone(self.quarantined("<level2@", "certain"))

    def test_a_high_score_without_the_marker_is_delivered_and_kept(self):
        self.send(SPAM, "twenty", more="X-Test: listed heavy\nReferences: <1@example.jp>\n",
                  hold=HOLD_S, addr="198.51.100.10")
        folder, message = self.arrive("twenty")
        self.assertGreaterEqual(self.score(message), 20)
        self.assertNotIn("TARGREY_DISCARD_OK", message["X-Spam-Status"])
        self.assertEqual(".spam.20plus", folder)
        self.assertIsNotNone(self.quarantined("<twenty@"))

    def test_ham_of_a_known_server_arrives_in_the_inbox(self):
        for number in range(2):
            mark = "ham%d" % number
            self.send(HAM, mark, name="mail.example.com", addr="198.51.100.20",
                      helo="mail.example.com", sender="anna@mail.example.com")
            folder, message = self.arrive(mark)
        self.assertEqual("INBOX", folder)
        self.assertIn("seen=1", message["X-TaRgrey-Session"])
        self.assertIn("verdict=pass", message["X-TaRgrey-Session"])
        self.assertTrue(message["X-TaRgrey-Client"].startswith("v=1; ip=198.51.100.20; "))
        self.assertTrue(message["X-TaRgrey-Flags"])
        self.assertIn("No, score=", message["X-Spam-Status"])
        self.assertNotIn("TARGREY", message["X-Spam-Status"])


if __name__ == "__main__":
    unittest.main()
