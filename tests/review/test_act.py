# SPDX-License-Identifier: BSD-2-Clause
"""release, spam, ham, discard, undo, audit, purge, log; the record of targrey."""
import json
import os
import pty
import re
import socket
import sqlite3
import subprocess
import threading
import unittest

from fixture import BIN, REVIEW, Scratch, mail, maildir


class Act(Scratch):
    def test_release_moves_to_the_inbox_as_new_mail_and_undo_brings_it_back(self):
        text = mail(1, "6.2")
        path = self.put(text, flags="S")
        key, = self.ids()
        self.assertEqual("%s: moved to the inbox %s\n" % (key, self.inbox), self.done("release", key))
        moved = self.inbox / "new" / path.name.split(":")[0]
        self.assertEqual(text, moved.read_bytes())
        self.assertFalse(path.exists())
        self.assertEqual([], self.rows())
        self.assertIn("moved back to %s" % path, self.done("undo"))
        self.assertEqual(text, path.read_bytes())
        self.assertEqual([key], self.ids())
        self.assertIn("can be undone", self.refused("undo"))
        self.assertIn("nothing to undo", self.refused("undo", key))

    @unittest.skipUnless(os.geteuid() == 0, "SKIPPED: needs root")
    def test_what_another_reviewer_did_is_not_undone_unknowingly(self):
        """Two admins share the state folder."""
        anna, ben = {"SUDO_USER": "anna"}, {"SUDO_USER": "ben"}
        self.put(mail(1, "6.2"))
        self.put(mail(2, "5.2"))
        first, second = sorted(self.ids(), key=lambda key: key != self.id_of("mail 1"))
        self.done("release", first, env=anna)
        self.done("release", second, env=ben)
        self.done("undo", env=anna)  # hers, though his is the last
        self.assertEqual([first], self.ids())
        self.assertIn("nothing that anna has done", self.refused("undo", env=anna))
        self.assertIn("; it was done by ben", self.done("undo", second, env=anna))
        lines = self.log().splitlines()
        self.assertEqual(["anna release", "ben release", "anna undo", "anna undo"],
                         ["%s %s" % re.search(r" user=(\w+) action=(\w+) ", line).groups()
                          for line in lines])
        self.assertTrue(lines[3].endswith("; it was done by ben"))

    def test_undo_finds_a_mail_that_was_read_meanwhile(self):
        path = self.put(mail(1, "6.2"))
        key, = self.ids()
        self.done("release", key)
        (self.inbox / "new" / path.name).rename(self.inbox / "cur" / (path.name + ":2,RS"))
        self.done("undo", key)
        self.assertTrue(path.exists())

    def test_undo_says_when_the_mail_has_gone(self):
        path = self.put(mail(1, "6.2"))
        key, = self.ids()
        self.done("release", key)
        (self.inbox / "new" / path.name).unlink()
        self.assertIn("is gone", self.refused("undo", key))

    def test_without_a_maildir_around_it_the_inbox_must_be_named(self):
        lone = maildir(self.root / "lone")
        self.put(mail(1, "6.2"), folder=lone)
        key, = self.ids(folder=lone)
        self.assertIn("give --inbox FOLDER", self.refused("release", key))
        self.assertEqual(1, len(self.files(lone)))
        self.done("release", key, "--inbox", self.inbox)
        self.assertEqual(1, len(self.files(self.inbox)))

    def test_nothing_is_overwritten_by_a_release(self):
        path = self.put(mail(1, "6.2"))
        other = self.inbox / "new" / path.name
        other.write_bytes(b"another")
        key, = self.ids()
        self.assertIn("File exists", self.refused("release", key))
        self.assertEqual(b"another", other.read_bytes())
        self.assertTrue(path.exists())

    def test_to_another_file_system_the_copy_is_whole_before_the_original_goes(self):
        shm = "/dev/shm"
        if not os.path.isdir(shm) or os.stat(shm).st_dev == os.stat(self.root).st_dev:
            self.skipTest("SKIPPED: /dev/shm is no other file system")
        import pathlib
        import shutil
        import tempfile
        far = pathlib.Path(tempfile.mkdtemp(prefix="targrey-review-", dir=shm))
        self.addCleanup(shutil.rmtree, far, True)
        maildir(far / "Maildir")
        text = mail(1, "6.2", body="x" * 300000)
        path = self.put(text)
        stamp = path.stat().st_mtime_ns
        key, = self.ids()
        self.done("release", key, "--inbox", far / "Maildir")
        moved = far / "Maildir" / "new" / path.name
        self.assertEqual(text, moved.read_bytes())
        self.assertEqual(stamp, moved.stat().st_mtime_ns)
        self.assertFalse(path.exists())
        self.assertEqual([moved.name], os.listdir(moved.parent))
        self.done("undo")
        self.assertEqual(text, path.read_bytes())

    def test_spam_moves_to_its_folder_or_stays_and_leaves_the_list(self):
        self.put(mail(1, "6.2"), flags="S")
        self.put(mail(2, "7.2"))
        sure = maildir(self.inbox / ".sure")
        first, second = self.ids()
        self.assertIn("moved to %s" % sure, self.done("spam", first, "--spam-folder", sure))
        self.assertIn("stays where it is, as spam", self.done("spam", second))
        self.assertEqual(1, len(self.files(sure)))
        self.assertEqual([], self.rows())
        self.assertEqual(["spam"], [row["decided"] for row in self.rows("--all")])
        self.done("undo", second)
        self.assertEqual([second], self.ids())

    # --------------------------------------------------------------- discard

    def test_discard_by_score_and_age_takes_only_what_is_marked(self):
        marked = "A=1, TARGREY_DISCARD_OK=0.001"
        self.put(mail(1, "25", tests=marked))
        self.put(mail(2, "25"))
        self.put(mail(3, "19.9", tests=marked))
        young = self.put(mail(4, "25", tests=marked), name="1767520000.M9P1.mx")
        line = ["discard", "--above", "20", "--older", "1h", "--now", "@1767521000", self.spam]
        self.assertIn("Discard 1 message: nothing was done; give --yes to do it", self.refused(*line))
        self.assertEqual(4, len(self.files(self.spam)))
        self.done(*line, "--yes")
        self.assertEqual({"mail 2", "mail 3", "mail 4"}, {row["subject"] for row in self.rows()})
        self.done(*line, "--yes", "--any")
        self.assertEqual({"mail 3", "mail 4"}, {row["subject"] for row in self.rows()})
        self.assertTrue(young.exists())
        self.assertEqual(2, len(self.files(self.inbox / ".discarded")))
        self.assertIn("go together", self.refused("discard", "--above", "20", code=2))
        self.assertIn("give IDs", self.refused("discard", code=2))

    def ask(self, answer, *line):
        """With a terminal on standard input."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen([str(word) for word in (REVIEW, *line, "--state", self.state)],
                                   stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env={**os.environ, "HOME": str(self.root)})
        os.close(theirs)
        os.write(ours, answer.encode())
        out = process.communicate(timeout=60)[0].decode()
        return process.returncode, out

    def test_on_a_terminal_a_person_is_asked(self):
        self.put(mail(1, "25"))
        line = ["discard", "--any", "--above", "20", "--older", "1h", self.spam]
        code, out = self.ask("n\n", *line)
        self.assertEqual((1, "Discard 1 message? [y/N] "), (code, out))
        self.assertEqual(1, len(self.rows()))
        code, out = self.ask("y\n", *line)
        self.assertEqual(0, code, out)
        self.assertEqual([], self.rows())

    def test_what_is_discarded_comes_back_by_undo_and_is_drawn_by_audit(self):
        path = self.put(mail(1, "25"), flags="S")
        self.put(mail(2, "30", tests="TARGREY_DISCARD_OK=0.001"))
        self.put(mail(3, "35"))
        key = self.id_of("mail 1")
        self.done("discard", key)
        self.assertEqual({"mail 1", "mail 2"}, {row["subject"] for row in self.audit("9")})
        self.assertEqual(1, len(self.audit("1")))
        drawn = {self.audit("1")[0]["subject"] for _ in range(60)}
        self.assertEqual({"mail 1", "mail 2"}, drawn)
        self.done("undo")
        self.assertTrue(path.exists())
        self.assertIn("is not allowed", self.refused("audit", "x", code=2))

    def audit(self, count):
        out = self.done("audit", count, self.spam, "--json")
        return json.loads(out)["mails"]["rows"]

    def test_a_discarded_mail_can_be_released(self):
        self.put(mail(1, "25"))
        self.done("discard", *self.ids())
        row, = self.audit("5")
        self.done("release", row["id"])
        self.assertEqual(1, len(list((self.inbox / "new").iterdir())))

    def test_purge_removes_only_what_was_discarded_long_enough_ago(self):
        self.put(mail(1, "25"))
        kept = self.put(mail(2, "26"))
        self.done("discard", self.id_of("mail 1"))
        self.assertEqual("nothing to remove\n", self.done("purge", "--older", "1h", "--yes", self.spam))
        late = ["--now", "2099-01-01", "--older", "30d"]
        self.assertIn("Remove 1 discarded message (0.0 MB) for good", self.refused("purge", *late, self.spam))
        self.assertEqual("1 message removed\n", self.done("purge", *late, "--yes", self.spam))
        self.assertEqual([], self.files(self.inbox / ".discarded"))
        self.assertTrue(kept.exists())

    def test_purge_follows_no_link_and_says_what_it_cannot_open(self):
        other = maildir(self.root / "another's")
        kept = self.put(mail(1, "6"), folder=other)
        (self.inbox / ".discarded").symlink_to(other)
        code, out, err = self.run_review(
            "purge", "--older", "1h", "--yes", "--now", "2099-01-01", self.spam)
        self.assertTrue(kept.exists())
        self.assertEqual((1, ""), (code, out))
        self.assertEqual(2, len(re.findall(r"^targrey-review: .*/\.discarded/(cur|new): ", err, re.M)), err)

    def test_a_quarantine_keeps_what_is_discarded_below_itself(self):
        box = self.root / "quarantine"
        (box / "s").mkdir(parents=True)
        path = box / "s" / "spam-Ab1"
        path.write_bytes(mail(1, "25"))
        key, = self.ids(folder=box)
        self.done("discard", key)
        self.assertEqual([".discarded/spam-Ab1"], self.files(box))
        self.assertEqual([], self.rows(folder=box))
        self.done("undo")
        self.assertTrue(path.exists())

    def test_an_mbox_is_only_read(self):
        box = self.root / "box"
        text = b"From a@b Sat Jan  3 10:00:00 2026\n" + mail(1, "6.2") + b"\n"
        box.write_bytes(text)
        key, = self.ids(folder=box)
        self.assertIn("never changed", self.done("discard", key))
        self.assertEqual([], self.rows(folder=box))
        self.assertEqual(text, box.read_bytes())
        self.done("undo", key)
        self.assertEqual([key], self.ids(folder=box))

    def test_a_message_is_found_where_it_has_moved_to_in_an_mbox(self):
        """Another program removes the first; the second then begins where that did."""
        box = self.root / "box"
        parts = [b"From a%d@b Sat Jan  3 10:00:00 2026\n" % number + mail(number, "6.2", body="text %d\n" % number)
                 + b"\n" for number in (1, 2)]
        box.write_bytes(b"".join(parts))
        first, second = self.id_of("mail 1", folder=box), self.id_of("mail 2", folder=box)
        box.write_bytes(parts[1])
        self.assertIn("text 2", self.done("show", second))
        self.assertIn("no such message", self.refused("show", first))

    def test_a_message_that_was_listed_while_it_was_delivered_is_sent_whole(self):
        self.sendmail()
        box = self.root / "box"
        text = b"From a@b Sat Jan  3 10:00:00 2026\n" + mail(
            1, "6.2", top="X-Envelope-To: you@example.jp\n", body="first line\nlast line\n") + b"\n"
        half = text.index(b"last line")
        box.write_bytes(text[:half])
        key, = self.ids(folder=box)
        with open(box, "ab") as file:
            file.write(text[half:])
        self.assertIn("last line", self.done("show", key))
        self.done("release", key)
        self.assertIn("first line\nlast line\n", (self.root / "mail").read_text())

    def sendmail(self):
        """In place of sendmail(1): notes its arguments and its input."""
        path = self.root / "sendmail"
        path.write_text('#!/bin/sh\nprintf "%%s\\n" "$@" > %s\ncat > %s\n' % (
            self.root / "sent", self.root / "mail"))
        path.chmod(0o755)
        self.options += ["--sendmail", path]

    def boxed(self, recipients):
        self.count += 1
        box = self.root / ("box%d" % self.count)
        box.write_bytes(b"From a@b Sat Jan  3 10:00:00 2026\n" + mail(
            1, "6.2", top="Return-Path: <a@b.example>\nX-Envelope-To: %s\n" % ", ".join(recipients)))
        key, = self.ids(folder=box)
        return key

    def test_a_release_is_sent_to_every_recipient_of_the_envelope(self):
        self.sendmail()
        recipients = ["u%d@example.jp" % number for number in range(120)]
        self.done("release", self.boxed(["<%s>" % recipient for recipient in recipients]))
        self.assertEqual(["-i", "-f", "a@b.example", "--", *recipients],
                         (self.root / "sent").read_text().splitlines())

    def released_by(self, answer, *options):
        """release's exit code, output and errors when amavis answers so."""
        box = self.root / "quarantine"
        box.mkdir(exist_ok=True)
        (box / "spam-Ab1").write_bytes(b"X-Envelope-From: <a@b.example>\nX-Envelope-To: <a@c.jp>, <b@c.jp>\n"
                                       b"X-Quarantine-ID: <Ab1>\n" + mail(1, "6.2"))
        key, = self.ids(folder=box)

        def serve():
            with listener.accept()[0] as link:
                asked = b""
                while not asked.endswith(b"\r\n\r\n"):
                    asked += link.recv(4096)
                self.asked = asked.decode().split("\r\n")
                link.sendall(answer)

        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.root / "amavis"))
            listener.listen()
            listener.settimeout(60)
            thread = threading.Thread(target=serve)
            thread.start()
            got = self.run_review("release", key, "--amavis-socket", self.root / "amavis", *options)
            thread.join()
        self.assertEqual(int(got[0] != 0), len(self.rows(folder=box)))
        return got

    def test_a_release_to_some_recipients_is_told(self):
        code, _, err = self.released_by(b"setreply=250 2.0.0 Ok\r\nsetreply=550 5.1.1 No%20such%20user\r\n\r\n")
        self.assertEqual(1, code)
        self.assertIn("amavis: 550 5.1.1 No such user (but released it to 1 other recipient", err)

    def test_amavis_hears_of_every_recipient(self):
        recipients = ["user-with-a-long-name-%d@example.jp" % number for number in range(200)]
        self.released_by(b"setreply=250 2.0.0 Ok\r\n" * 200 + b"\r\n", "--to", ", ".join(recipients))
        self.assertEqual(["recipient=" + recipient for recipient in recipients],
                         [line for line in self.asked if line.startswith("recipient=")])

    def test_half_an_answer_is_no_release(self):
        code, out, err = self.released_by(b"setreply=250 2.0.0 Ok\r\n")
        self.assertEqual(1, code, out)
        self.assertIn("look in its log", err)

    def test_a_socket_path_that_is_too_long_is_called_so(self):
        box = self.root / "quarantine"
        box.mkdir()
        (box / "spam-Ab1").write_bytes(b"X-Quarantine-ID: <Ab1>\n" + mail(1, "6.2"))
        key, = self.ids(folder=box)
        self.assertIn("too long", self.refused("release", key, "--amavis-socket", "/" + "x" * 200))

    def test_a_release_that_would_leave_out_a_recipient_is_refused(self):
        self.sendmail()
        for recipients in (["<user-with-a-long-name-%d@example.jp>" % number for number in range(200)],
                           ["<a@example.jp>", "<a b@example.jp>"]):
            key = self.boxed(recipients)
            self.assertIn("give --to ADDRESS", self.refused("release", key))
            self.assertFalse((self.root / "sent").exists())
            self.done("release", key, "--to", "taro@example.jp")
            self.assertEqual("taro@example.jp", (self.root / "sent").read_text().splitlines()[-1])
            (self.root / "sent").unlink()

    # ------------------------------------------------------------ log and record

    def test_every_act_is_a_line_in_the_log_also_when_it_fails(self):
        path = self.put(mail(1, "6.2", message_id="<a b\x1b]0;x\x07\"@c>"))
        key, = self.ids()
        self.done("release", key)
        self.done("undo")
        self.assertEqual([key], self.ids())
        path.unlink()
        self.refused("spam", key)
        lines = self.log().splitlines()
        self.assertRegex(lines[0], r"^20\d\d-\d\d-\d\dT[\d:]{8}\+0000 user=\w+ action=release id=%s "
                         r"message-id=%%3Ca%%20b%%20\]0%%3Bx%%20%%22%%40c%%3E mail=" % key)
        self.assertTrue(lines[0].endswith(" result: moved to the inbox %s" % self.inbox))
        self.assertIn(" action=undo id=%s " % key, lines[1])
        self.assertRegex(lines[2], r" action=spam id=%s .* result: .* is gone: another program has moved it$" % key)
        rows = json.loads(self.done("log", "--json"))["acts"]["rows"]
        self.assertEqual([("release", "yes")], [(row["what"], row["undone"]) for row in rows])

    def record(self):
        base = self.root / "targrey.db"
        subprocess.run([BIN / "make_db", base], check=True, timeout=120)
        self.url = self.place(base)
        self.options += ["--database", self.url]

    def place(self, base):
        return "sqlite:%s" % base

    def spam_of_origins(self):
        with sqlite3.connect(self.root / "targrey.db") as opened:
            return dict(opened.execute("SELECT name, spam FROM origin WHERE spam > 0"))

    def counted(self):
        out = subprocess.run([BIN / "targreyctl", "show", "192.0.2.77", "--json", "--database",
                              self.url], capture_output=True, check=True, timeout=60).stdout
        row = json.loads(out)["clients"]["rows"][0]
        return row["ham"], row["spam"]

    def test_decisions_are_counted_for_the_address_of_the_session(self):
        self.record()
        ham, spam = self.counted()
        self.put(mail(1, "6.2", sid="a000000006", message_id="<m1@example.com>"))
        key, = self.ids()
        self.assertIn("counted as spam of 192.0.2.77", self.done("spam", key))
        self.assertEqual((ham, spam + 4), self.counted())
        # and for its network and organisation
        widths = self.spam_of_origins()
        self.assertEqual({"*", "192.0.2.0/24", "example.org"}, {name.lstrip("@") for name in widths}, widths)
        self.assertIn("the record counted as spam stays counted", self.done("undo"))
        self.assertIn("already counted as spam", self.done("ham", key))
        self.assertEqual((ham, spam + 4), self.counted())

    def test_a_sid_that_belongs_to_another_mail_counts_nothing(self):
        self.record()
        before = self.counted()
        self.put(mail(1, "6.2", sid="a000000006", message_id="<other@example.com>"))
        self.put(mail(2, "7.2", sid="a000000006", message_id="<m1@example.com>", ip="192.0.2.78"))
        self.put(mail(3, "8.2", sid="ffffffffff"))
        self.put(mail(4, "9.2"))
        for key, wanted in zip(self.ids(), ("its sid is that of another message",
                                            "its sid is that of another message",
                                            "no longer on record", "it has no X-TaRgrey-Session")):
            self.assertIn("not counted: ", self.done("spam", key))
            self.assertIn(wanted, self.log().splitlines()[-1])
        self.assertEqual(before, self.counted())

    def test_without_a_record_everything_else_works(self):
        self.options += ["--database", "sqlite:%s/none.db" % self.root]
        self.put(mail(1, "6.2", sid="a000000006"))
        out = self.done("spam", *self.ids())
        self.assertRegex(out, r"stays where it is, as spam; not counted: .*none\.db")


if __name__ == "__main__":
    unittest.main()
