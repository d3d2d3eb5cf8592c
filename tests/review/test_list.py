# SPDX-License-Identifier: BSD-2-Clause
"""list: the order, the filters, the bands, the index; Maildir, mbox, quarantine."""
import fcntl
import gzip
import json
import os
import pty
import struct
import subprocess
import termios
import time
import unittest

from fixture import REVIEW, Scratch, mail

SCORES = ["-12.4", "2.6", "4.99", "5.0", "6.2", "9.99", "19.8", "25", "105.2"]


class List(Scratch):
    def fill(self):
        for number, score in enumerate(SCORES):
            self.put(mail(number, score, sid="a000000006" if number % 2 else None),
                     flags="S" if number % 2 else None)

    def test_the_mail_nearest_to_the_mark_comes_first(self):
        self.fill()
        got = [row["score"] for row in self.rows()]
        wanted = sorted((float(score) for score in SCORES), key=lambda score: abs(score - 5))
        self.assertEqual(wanted, got)
        got = [row["score"] for row in self.rows("--mark", "20")]
        wanted = sorted((float(score) for score in SCORES), key=lambda score: abs(score - 20))
        self.assertEqual(wanted, got)

    def test_mail_without_a_score_comes_last(self):
        self.put(mail(1))
        self.put(mail(2, "900"))
        self.assertEqual([900, None], [row["score"] for row in self.rows()])
        self.assertEqual(["no score"], [row["certainty"] for row in self.rows("--band", "none")])

    def bands(self, *line):
        found = json.loads(self.done("list", *line, self.spam, "--json"))
        return [row["mails"] for row in found["bands"]["rows"]]

    def test_bands_that_were_counted_before_follow_every_change(self):
        self.fill()
        first = self.bands()
        self.assertEqual(sum(first), len(SCORES))
        self.assertEqual(self.bands(), first)
        other = self.bands("--mark", "20")
        self.assertNotEqual(other, first)
        self.assertEqual(self.bands("--mark", "20"), other)
        self.put(mail(50, "900"))
        self.assertEqual(sum(self.bands()), len(SCORES) + 1)
        key = self.id_of("mail 50")
        self.done("release", key)
        self.assertEqual(self.bands(), first)
        self.done("undo")
        self.assertEqual(sum(self.bands()), len(SCORES) + 1)
        path = self.put(mail(51, "900"))
        self.assertEqual(sum(self.bands()), len(SCORES) + 2)
        path.unlink()
        self.assertEqual(sum(self.bands()), len(SCORES) + 1)

    def test_bands_count_every_mail_whatever_the_limit(self):
        self.fill()
        self.put(mail(50))
        found = json.loads(self.done("list", self.spam, "--json", "--limit", "2"))
        self.assertEqual(2, len(found["mails"]["rows"]))
        self.assertEqual({"good": 1, "below": 2, "above": 3, "likely": 1, "certain": 2, "none": 1},
                         {row["band"]: row["mails"] for row in found["bands"]["rows"]})
        self.assertEqual([5.0, 6.2, 9.99], [row["score"] for row in self.rows("--band", "above")])

    def test_a_row_says_who_and_why(self):
        self.put(mail(1, "6.2", sid="a000000006", tests="BAYES_99=3.8, X=0.001",
                      sender="=?iso-2022-jp?B?GyRCOzNFRBsoQg==?= <a@b.example>", subject="山田"))
        row, = self.rows()
        self.assertEqual("山田 <a@b.example>", row["from"])
        self.assertEqual("山田", row["subject"])
        self.assertEqual("192.0.2.77", row["client"])
        self.assertEqual("S25R NORDNS TARPIT FIRST", row["flags"])
        self.assertEqual("just above the mark (+1.2)", row["certainty"])
        self.assertEqual(
            "BAYES_99 3.8; end-user line by its name (S25R rule 1); stayed through a hold of 125 s; "
            "client has no name; no good mail from there before", row["why"])
        self.assertEqual("2026-01-03T10:00:01Z", row["date"])

    def test_filters_narrow_the_list(self):
        self.fill()
        self.put(mail(60, "5.5", subject="100%_off", sender="Boss <boss@evil.example>"))
        for line, count in ((["--from", "BOSS"], 1), (["--subject", "%_o"], 1), (["--subject", "%x"], 0),
                            (["--client", "192.0.2."], 4), (["--flag", "S25R"], 4), (["--flag", "S25"], 0),
                            (["--text", "<60@shop"], 1), (["--above", "20"], 2), (["--below", "-3"], 1),
                            (["--above", "5", "--below", "6"], 2), (["--since", "2026-01-03 10:00:10"], 1),
                            (["--until", "2026-01-03 10:00:01"], 1),
                            (["--band", "above", "--from", "boss"], 1)):
            self.assertEqual(count, len(self.rows(*line)), line)

    def test_wrong_values_say_what_is_allowed(self):
        for line, wanted in ((["--mark", "0"], "a score above 0"), (["--mark", "x"], "a score above 0"),
                             (["--above", "nan"], "a score"), (["--band", "x"], "none good below"),
                             (["--limit", "-1"], "0 to 1000000000")):
            self.assertIn(wanted, self.refused("list", self.spam, *line, code=2))

    def on_terminal(self, width, *line):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        process = subprocess.Popen([str(word) for word in (REVIEW, *line, "--state", self.state)],
                                   stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE)
        os.close(theirs)
        out = b""
        try:
            while got := os.read(ours, 65536):
                out += got
        except OSError:
            pass  # Linux says so when the other end is closed
        os.close(ours)
        process.communicate(timeout=60)
        return out.decode()

    def test_the_table_keeps_within_the_terminal(self):
        self.put(mail(1, "6.2", subject="会議" * 60, sender="山田 <%s@b.example>" % ("x" * 90)))
        for width in (80, 100):
            out = self.on_terminal(width, "list", self.spam)
            line = next(line for line in out.splitlines() if "山田" in line)
            wide = sum(2 if ord(letter) > 0x2e7f else 1 for letter in line)
            self.assertLessEqual(wide, width)

    # ---------------------------------------------------------------- kinds

    def test_an_mbox_is_parted_at_its_from_lines(self):
        box = self.root / "box"
        box.write_bytes(
            b"From a@b Sat Jan  3 10:00:00 2026\n" + mail(1, "6.2", body="one\n>From me\nFrom x\n\n") +
            b"From a@b Sat Jan  3 10:00:05 2026\n" + mail(2, "3") + b"\n" +
            b"From a@b Sat Jan  3 10:00:09 2026\n" + mail(3, "9"))
        rows = self.rows(folder=box)
        self.assertEqual(["mail 1", "mail 2", "mail 3"], [row["subject"] for row in rows])
        self.assertEqual("2026-01-03T10:00:05Z", rows[1]["date"])
        shown = self.done("show", rows[0]["id"])
        self.assertIn("\none\n>From me\nFrom x\n", shown)
        self.assertNotIn("mail 2", shown)

    def test_a_mail_keeps_its_id_when_an_mbox_grows_and_shrinks(self):
        box = self.root / "box"
        part = [b"From a@b Sat Jan  3 10:00:0%d 2026\n" % number + mail(number, str(number + 4)) + b"\n"
                for number in range(1, 4)]
        box.write_bytes(part[0] + part[1])
        before = self.ids(folder=box)
        box.write_bytes(part[1] + part[2])
        after = {row["subject"]: row["id"] for row in self.rows(folder=box)}
        self.assertEqual(before[1], after["mail 2"])
        self.assertEqual({"mail 2", "mail 3"}, set(after))
        self.assertIn("mail 3", self.done("show", after["mail 3"]))

    def test_equal_mails_of_an_mbox_are_two(self):
        box = self.root / "box"
        box.write_bytes((b"From a@b Sat Jan  3 10:00:00 2026\n" + mail(1, "6") + b"\n") * 2)
        self.assertEqual(2, len(set(self.ids(folder=box))))

    def test_packed_files_of_a_quarantine_are_read(self):
        box = self.root / "quarantine"
        (box / "s").mkdir(parents=True)
        (box / "s" / "spam-Ab1.gz").write_bytes(gzip.compress(
            b"X-Envelope-From: <a@b.example>\nX-Envelope-To: <you@example.jp>\n"
            b"X-Quarantine-ID: <Ab1>\n" + mail(1, "6.2", body="packed\n" * 9000)))
        (box / "spam-Cd2").write_bytes(mail(2, "8"))
        rows = self.rows(folder=box)
        self.assertEqual(["mail 1", "mail 2"], [row["subject"] for row in rows])
        self.assertEqual(9000, self.done("show", rows[0]["id"]).count("\npacked"))

    def test_without_a_folder_those_of_the_configuration_are_listed(self):
        self.put(mail(1, "6"))
        conf = self.root / "conf"
        conf.write_text('review { folders = {"%s/.sp*", "%s/none"} mark = 7 }\n' % (self.inbox, self.root))
        found = json.loads(self.done("list", "--json", "--config", conf))
        self.assertEqual(["just below the mark (-1.0)"],
                         [row["certainty"] for row in found["mails"]["rows"]])

    # ---------------------------------------------------------------- index


    def test_the_second_look_reads_no_mail(self):
        path = self.put(mail(1, "6"))
        self.rows()
        # the content of a Maildir's file never changes: what is read again shows here
        path.write_bytes(mail(2, "9"))
        self.assertEqual(["mail 1"], [row["subject"] for row in self.rows()])

    def test_mails_that_come_go_or_are_read_are_seen_at_once(self):
        first = self.put(mail(1, "6"))
        kept = self.put(mail(2, "7"))
        before = dict((row["subject"], row["id"]) for row in self.rows())
        first.unlink()
        kept.rename(self.spam / "cur" / (kept.name + ":2,S"))
        self.put(mail(3, "8"))
        rows = self.rows()
        self.assertEqual(["mail 2", "mail 3"], [row["subject"] for row in rows])
        self.assertEqual(before["mail 2"], rows[0]["id"])
        self.assertIn("cur/", self.done("show", rows[0]["id"]))

    def test_a_folder_at_rest_is_not_even_looked_into(self):
        path = self.put(mail(1, "6"))
        old = time.time() - 60
        for part in ("new", "cur"):
            os.utime(self.spam / part, (old, old))
        self.rows()
        # behind the back of the folder's time: not noticed, so nobody looked; another
        # mail in its place, as the folder's size tells of their number on a tmpfs
        path.unlink()
        self.put(mail(2, "6"))
        for part in ("new", "cur"):
            os.utime(self.spam / part, (old, old))
        self.assertEqual(["mail 1"], [row["subject"] for row in self.rows()])

    def test_an_index_that_is_no_index_says_so(self):
        self.state.mkdir()
        (self.state / "review.db").write_text("no database, but long enough to be read as one\n" * 20)
        self.assertIn("review.db: file is not a database", self.refused("list", self.spam))


if __name__ == "__main__":
    unittest.main()
