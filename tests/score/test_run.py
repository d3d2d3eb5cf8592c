# SPDX-License-Identifier: BSD-2-Clause
"""tests/score/run on a made-up index: the real targreyd, the real SpamAssassin."""
import importlib.machinery
import importlib.util
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import feedback

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = ("id label client_ip client_rdns helo sender date recipient rdns_state"
           " drop_received source").split()
SPAM = """\
Received: from inside.example.jp by store.example.jp; Mon, 05 Jan 2026 10:00:09 +0000
X-Spam-Status: Yes, score=99
X-TaRgrey-Session: v=1; id=mx.receiver.example; s25r=none; ham=50; passed=50
From: offers@offers.example.net
To: you@example.jp
Subject: 80% OFF! Replica watches!
Date: Mon, 05 Jan 2026 10:00:00 +0000
Message-ID: <1.%d@offers.example.net>
Content-Type: text/html

<html><body>Order now: cheap replica watches, limited time!
<a href="http://offers.example.net/">here</a></body></html>
"""
HAM = """\
From: "Anna Bell" <anna@example.net>
To: "You" <you@example.jp>
Subject: Re: our meeting
Date: Mon, 05 Jan 2026 10:00:00 +0000
In-Reply-To: <9@example.jp>
Message-ID: <2.%d@example.net>

Thank you, see you there.

Anna
"""


def record_of(folder, *statements):
    """The script's Record of a small database."""
    loader = importlib.machinery.SourceFileLoader("score_run", str(HERE / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("score_run", loader))
    loader.exec_module(module)
    base = sqlite3.connect(folder / "db")
    base.execute("CREATE TABLE event (event_id INTEGER PRIMARY KEY, sid TEXT)")
    base.execute("CREATE TABLE address (key INTEGER PRIMARY KEY, sessions INTEGER, first_seen INTEGER,"
                 " last_seen INTEGER)")
    for statement in statements:
        base.execute(statement)
    base.commit()
    return base, module.Record(folder / "db")


class Waiting(unittest.TestCase):
    """The clock goes forward only when nothing of the session before is left to write."""

    def test_an_event_is_not_enough_while_the_session_is_not_counted(self):
        with tempfile.TemporaryDirectory() as folder:
            base, record = record_of(pathlib.Path(folder), "INSERT INTO event VALUES (7, 'a')")
            before = record.now("192.0.2.1")
            base.execute("INSERT INTO event VALUES (8, 'b')")
            base.execute("INSERT INTO address VALUES (3221225985, 0, 100, 100)")  # an attempt
            base.commit()
            now = record.now("192.0.2.1")
            self.assertFalse(record.is_written(before, now, True))
            self.assertTrue(record.is_written(before, now, False))  # exempt or listed: never counted
            base.execute("UPDATE address SET sessions = 1")
            base.commit()
            self.assertTrue(record.is_written(before, record.now("192.0.2.1"), True))
            base.close()

    def test_an_event_that_is_deleted_is_no_new_one(self):
        with tempfile.TemporaryDirectory() as folder:
            base, record = record_of(pathlib.Path(folder), "INSERT INTO event VALUES (1, 'a')")
            before = record.now("192.0.2.1")
            base.execute("DELETE FROM event")
            base.commit()
            self.assertFalse(record.is_written(before, record.now("192.0.2.1"), False))
            base.execute("INSERT INTO event VALUES (1, 'b')")
            base.commit()
            self.assertTrue(record.is_written(before, record.now("192.0.2.1"), False))
            base.close()

    def test_one_that_was_forgotten_and_came_again_is_counted(self):
        with tempfile.TemporaryDirectory() as folder:
            base, record = record_of(pathlib.Path(folder), "INSERT INTO event VALUES (7, 'a')",
                                     "INSERT INTO address VALUES (3221225985, 1, 100, 100)")
            before = record.now("192.0.2.1")
            base.execute("INSERT INTO event VALUES (8, 'b')")
            base.execute("UPDATE address SET last_seen = 900")
            base.commit()
            self.assertFalse(record.is_written(before, record.now("192.0.2.1"), True))
            base.execute("UPDATE address SET first_seen = 900")
            base.commit()
            self.assertTrue(record.is_written(before, record.now("192.0.2.1"), True))
            base.close()


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="targrey-score-test-")
        cls.root = pathlib.Path(cls.temporary.name)
        cls.root.chmod(0o755)
        lines = ["\t".join(COLUMNS)]
        for label in ("ham", "spam"):
            (cls.root / label).mkdir()
        for number in range(6):
            for label, text, client in (
                    ("spam", SPAM, ("203.0.113.%d" % number, "unknown", "none", "1")),
                    ("ham", HAM, ("198.51.100.7", "mail.example.net", "ok", "0")),):
                name = "%s%d" % (label, number)
                (cls.root / label / (name + ".eml")).write_text(text.replace("%d", str(number)))
                address, rdns, state, drop = client
                sender = "anna@example.net" if label == "ham" else "x%d@offers.example.net" % number
                lines.append("\t".join((
                    name, label, address, rdns, "mail.example.net" if label == "ham" else "a.other.example",
                    sender, "Mon, %02d Jan 2026 10:00:02 +0000" % (5 + number), "you@example.jp",
                    state, drop, "made-up")))
        cls.index = cls.root / "index.tsv"
        cls.index.write_text("\n".join(lines) + "\n")

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def run_it(self, *options):
        done = subprocess.run(
            [str(HERE / "run"), "--check", *options, str(self.index), str(self.root)],
            capture_output=True, text=True, timeout=500, check=False,
            env=dict(os.environ))
        self.assertEqual("", re.sub(r"(?m)^.*config: created.*\n", "", done.stderr))
        self.assertEqual(0, done.returncode, done.stdout)
        return done.stdout

    def test_a_replay_scores_through_targreyd(self):
        keep = self.root / "kept"
        text = self.run_it("--keep", str(keep))
        self.assertRegex(text, r"12 messages, 0 exempt")
        self.assertNotIn("NOT PLAYED", text)
        self.assertRegex(text, r"TARGREY_SURE_SIGNS2 +\S+ +100\.0 +0\.0")
        self.assertRegex(text, r"ham lifted over 5: 0")
        last = (keep / "with" / "ham5").read_text()
        self.assertRegex(last[:900], r"\nX-TaRgrey-Session: v=1; id=mx.receiver.example; .*; mode=observe; .*"
                               r"rdns=pass; .*; age=5; seen=5; .*\n(?:X-TaRgrey.*\n)+Received: from mail")
        first = (keep / "with" / "spam0").read_text()
        self.assertNotIn("ham=50", first)
        self.assertNotIn("X-Spam-Status", first)
        self.assertNotIn("store.example.jp", first)
        self.assertNotIn("X-TaRgrey", (keep / "without" / "spam0").read_text().split("Message-ID")[0])

    def test_bayes_is_trained_on_the_other_half(self):
        """And its verdicts are learned before the next message is played."""
        text = self.run_it("--bayes", "--plugin", "--feedback")
        self.assertRegex(text, r"ham at >= 20: 0")
        self.assertRegex(text, r"Feedback by score of 100 % of the messages: 12 told, ham=\d+ spam=\d+ "
                               r"skipped=0 unknown=0 ambiguous=0 known=0 doubtful=0;")

    def test_labels_teach_the_record_before_the_next_message(self):
        keep = self.root / "fed"
        text = self.run_it("--feedback=label", "--share", "100", "--keep", str(keep))
        self.assertRegex(text, r"Feedback by label of 100 % of the messages: 12 told, ham=6 spam=6 skipped=0")
        self.assertRegex(text, r"\| ham \| all \| 6 \| 0\.0 -> 0\.0 -> 0\.0 \| 0 ")
        for number in range(6):
            head = (keep / "fed" / ("ham%d" % number)).read_text().split("\n\n")[0]
            self.assertIn("; ham=%d; spam=0; " % number, head)
            self.assertIn("; net_ham=%d; net_spam=0; " % number, head)
            head = (keep / "fed" / ("spam%d" % number)).read_text().split("\n\n")[0]
            self.assertIn("; ham=0; spam=0; ", head)
            self.assertIn("; net_ham=0; net_spam=%d; " % number, head)
            self.assertIn("; net_spam=0; ", (keep / "with" / ("spam%d" % number)).read_text())

    def test_the_share_that_is_told_is_the_same_every_time(self):
        drawn = [name for name in map(str, range(2000)) if feedback.is_drawn(name, 5)]
        self.assertAlmostEqual(100, len(drawn), delta=40)
        self.assertEqual([], [name for name in drawn if not feedback.is_drawn(name, 10)])
        self.assertFalse(feedback.is_drawn("x", 0))
        self.assertTrue(feedback.is_drawn("x", 100))


if __name__ == "__main__":
    unittest.main()
