# SPDX-License-Identifier: BSD-2-Clause
"""Mails as the real programs leave them: maildrop, Dovecot's LDA, procmail,
SpamAssassin, amavis; released by amavis and Postfix, learned by sa-learn and spamc."""
import asyncio
import os
import pathlib
import pwd
import re
import shutil
import smtplib
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "delivery"))

from filters import Amavis, Spamd, site  # noqa: E402
from fixture import Scratch, mail  # noqa: E402
from support import ports  # noqa: E402
from support.lab import Lab  # noqa: E402
from support.wait import until  # noqa: E402

NOBODY = pwd.getpwnam("nobody")


class Delivered(Scratch):
    """Delivery as nobody into a home of its own, review as ourselves."""

    def setUp(self):
        super().setUp()
        self.own(self.root)

    def own(self, *paths):
        for top in paths:
            for path in [top, *pathlib.Path(top).rglob("*")]:
                os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)

    def deliver(self, command, text):
        done = subprocess.run(
            [str(word) for word in command], input=text, capture_output=True, cwd=self.root, timeout=60,
            user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[],
            env={"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(self.root), "USER": "nobody",
                 "LOGNAME": "nobody", "SENDER": "a@b.example"})
        self.assertEqual(0, done.returncode, done)

    def maildrop(self, target, text):
        rules = self.root / "rules"
        rules.write_text('HOME="%s"\nto "%s"\n' % (self.root, target))
        rules.chmod(0o600)
        self.own(rules)
        self.deliver(["maildrop", rules], text)

    def test_what_maildrop_files_is_listed_and_released(self):
        text = mail(1, "6.2", body="maildrop\n")
        self.maildrop("%s/" % self.spam, text)
        self.maildrop("%s/" % self.spam, mail(2, "9"))
        key = self.ids()[0]
        self.done("release", key)
        path, = (self.inbox / "new").iterdir()
        self.assertEqual(text, path.read_bytes())
        self.assertEqual(NOBODY.pw_uid, path.stat().st_uid)
        self.assertEqual(["mail 2"], [row["subject"] for row in self.rows()])

    def test_the_folder_for_what_is_discarded_is_its_owners(self):
        self.maildrop("%s/" % self.spam, mail(1, "6.2"))
        self.done("discard", *self.ids())
        for path in [self.inbox / ".discarded", *(self.inbox / ".discarded").rglob("*")]:
            self.assertEqual(NOBODY.pw_uid, path.stat().st_uid, path)

    def test_an_mbox_of_maildrop_and_procmail_is_read(self):
        box = self.root / "box"
        self.maildrop(box, mail(1, "6.2", body="From the start\n\nFrom here\n"))
        recipe = self.root / "recipe"
        recipe.write_text(":0\n%s\n" % box)
        self.own(recipe)
        self.deliver(["procmail", "-f", "a@b.example", "-m", recipe], mail(2, "7.2"))
        rows = self.rows(folder=box)
        self.assertEqual(["mail 1", "mail 2"], [row["subject"] for row in rows])
        self.assertIn("From here", self.done("show", rows[0]["id"]))

    def test_what_dovecots_lda_files_is_listed_and_dovecot_sees_it_released(self):
        conf = self.root / "dovecot.conf"
        conf.write_text(
            "base_dir = %(root)s/run\nlog_path = %(root)s/log\nprotocols =\nssl = no\n"
            "mail_location = maildir:%(root)s/Maildir\nlda_mailbox_autocreate = yes\n"
            "default_internal_user = nobody\ndefault_login_user = nobody\n"
            "stats_writer_socket_path =\nmail_home = %(root)s\nauth_socket_path = %(root)s/none\n"
            % {"root": self.root})
        self.own(conf)
        for number, score in ((1, "6.2"), (2, "5.1")):
            self.deliver(["/usr/lib/dovecot/dovecot-lda", "-c", conf, "-e", "-m", "spam"],
                         mail(number, score))
        key = self.ids()[0]
        self.done("release", key)
        self.assertEqual(["mail 1"], [row["subject"] for row in self.rows()])
        out = subprocess.run(
            ["doveadm", "-c", str(conf), "fetch", "mailbox hdr.subject", "ALL"],
            capture_output=True, timeout=60, user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[],
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.root), "USER": "nobody"})
        said = out.stdout.decode()
        self.assertRegex(said, r"mailbox: INBOX\s+hdr.subject: mail 2", out)
        self.assertRegex(said, r"mailbox: spam\s+hdr.subject: mail 1")

    def test_spamassassins_own_header_is_read_and_sa_learn_learns(self):
        rules = site(self.root / "site")
        base = self.root / "bayes" / "bayes"
        base.parent.mkdir()
        self.root.chmod(0o755)
        (rules / "local.cf").write_text(
            "report_safe 0\nuse_bayes 1\nbayes_path %s\nbayes_auto_learn 0\n"
            "header T X-Test =~ /heavy/\nscore T 6.5\n" % base)
        out = subprocess.run(
            ["spamassassin", "-L", "--siteconfigpath=%s" % rules, "-p", "/dev/null"],
            input=mail(1, body="pills\n", top="X-Test: heavy\n"), capture_output=True, timeout=120,
            env={**os.environ, "HOME": str(self.root)})
        self.assertIn(b"X-Spam-Status: Yes", out.stdout, out.stderr)
        score = float(re.search(rb"score=([\d.]+)", out.stdout).group(1))
        self.put(out.stdout)
        row, = self.rows()
        self.assertEqual(score, row["score"])
        # the real sa-learn, told where this site is
        wrapper = self.root / "bin"
        wrapper.mkdir()
        (wrapper / "sa-learn").write_text(
            "#!/bin/sh\nexec /usr/bin/sa-learn -L --siteconfigpath=%s -p /dev/null \"$@\"\n" % rules)
        (wrapper / "sa-learn").chmod(0o755)
        self.options += ["--learn", "sa-learn"]
        env = {"PATH": "%s:/usr/bin:/bin" % wrapper}
        self.assertIn("learned as spam", self.done("spam", row["id"], env=env))
        self.assertEqual((1, 0), self.learned(wrapper))
        self.assertIn("forgotten by the filter", self.done("undo", env=env))
        self.assertEqual((0, 0), self.learned(wrapper))
        self.assertIn("learned as ham", self.done("ham", row["id"], env=env))
        self.assertEqual((0, 1), self.learned(wrapper))

    def learned(self, wrapper):
        out = subprocess.run([str(wrapper / "sa-learn"), "--dump", "magic"], capture_output=True,
                             timeout=120, env={**os.environ, "HOME": str(self.root)}).stdout.decode()
        return tuple(int(re.search(r"(\d+)\s+\d+\s+non-token data: n%s" % word, out).group(1))
                     for word in ("spam", "ham"))

    def test_a_learner_that_fails_is_said_and_the_rest_is_done(self):
        self.put(mail(1, "6.2"))
        key, = self.ids()
        err = self.refused("spam", key, "--learn", "sa-learn", env={"PATH": "/nowhere"})
        self.assertIn("stays where it is, as spam", err)
        self.assertIn("but not learned: sa-learn: exit status 127", err)
        self.assertEqual([], self.rows())


class Sink:
    """What stands behind amavis: takes every mail, as the MTA would."""

    def __init__(self):
        self.port = ports.book()
        self.mails = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.ready = threading.Event()
        self.thread.start()
        self.ready.wait(30)

    def run(self):
        self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", self.port))
        self.ready.set()
        self.loop.run_forever()

    async def serve(self, reader, writer):
        envelope = []
        writer.write(b"220 sink ESMTP\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word in (b"MAIL", b"RCPT"):
                envelope.append(line.decode().strip())
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                text = b""
                while (line := await reader.readline()) != b".\r\n":
                    text += line
                self.mails.append((envelope, text.decode("utf-8", "replace")))
                envelope = []
            writer.write(b"221 bye\r\n" if word == b"QUIT" else b"250 2.0.0 Ok\r\n")
            if word == b"QUIT":
                break
        writer.close()

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)
        ports.give_back(self.port)


class Quarantine(Scratch):
    @classmethod
    def setUpClass(cls):
        import tempfile
        cls.place = pathlib.Path(tempfile.mkdtemp(prefix="targrey-review-amavis-"))
        cls.addClassCleanup(shutil.rmtree, cls.place, True)
        cls.place.chmod(0o755)
        cls.sink = Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.socket = cls.place / "amavis" / "home" / "amavisd.sock"
        cls.amavis = Amavis(
            cls.place, forward=cls.sink.port,
            more="$unix_socketname = '%s';\n$interface_policy{'SOCK'} = 'AM.PDP-SOCK';\n"
                 "$policy_bank{'AM.PDP-SOCK'} = { protocol => 'AM.PDP', auth_required_release => 0 };\n"
                 "$quarantine_subdir_levels = 1;\n"
                 "$spam_quarantine_method = 'local:spam-%%m.gz';\n"
                 "$release_method = 'smtp:[127.0.0.1]:%d';\n$final_spam_destiny = D_DISCARD;\n"
                 % (cls.socket, cls.sink.port))
        for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-":
            path = cls.amavis.quarantine / letter
            path.mkdir()
            os.chown(path, cls.amavis.user.pw_uid, cls.amavis.user.pw_gid)
        cls.addClassCleanup(cls.amavis.close)
        cls.amavis.start()

    def quarantined(self, number):
        before = set(self.files(self.amavis.quarantine))
        with smtplib.SMTP("127.0.0.1", self.amavis.port, timeout=120) as client:
            client.sendmail("a@b.example", ["you@example.jp", "me@example.jp"], mail(
                number, top="X-Test: listed heavy\n", subject="=?iso-2022-jp?B?GyRCOzNFRBsoQg==?="))
        return until(lambda: set(self.files(self.amavis.quarantine)) - before, "amavis to quarantine").pop()

    def test_what_amavis_packs_away_is_listed_and_released_through_its_socket(self):
        name = self.quarantined(1)
        self.assertRegex(name, r"^./spam-.*\.gz$")
        row, = self.rows("--text", "<1@shop", folder=self.amavis.quarantine)
        self.assertEqual("山田", row["subject"])
        self.assertGreaterEqual(row["score"], 10)
        self.assertIn("TEST_HEAVY 10", row["why"])
        self.assertIn("hello", self.done("show", row["id"]))
        before = len(self.sink.mails)
        out = self.done("release", row["id"], "--amavis-socket", self.socket)
        self.assertRegex(out, r"amavis: 250 2\.")
        envelope, text = until(lambda: self.sink.mails[before:], "the released mail")[0]
        self.assertIn("<1@shop.example.org>", text)
        self.assertEqual(["a@b.example", "me@example.jp", "you@example.jp"],
                         sorted(re.search(r"<(.*)>", line).group(1) for line in envelope))
        self.assertEqual([], self.rows("--text", "<1@shop", folder=self.amavis.quarantine))
        self.assertIn("cannot be recalled", self.refused("undo", row["id"]))

    def test_a_refusal_of_amavis_is_said_and_the_mail_stays_on_the_list(self):
        name = self.quarantined(2)
        row, = self.rows("--text", "<2@shop", folder=self.amavis.quarantine)
        path = self.amavis.quarantine / name
        hidden = path.with_name("hidden-" + path.name)
        path.rename(hidden)
        self.ids(folder=self.amavis.quarantine)
        row, = self.rows("--text", "<2@shop", folder=self.amavis.quarantine)
        os.chown(hidden, 0, 0)
        hidden.chmod(0o600)
        err = self.refused("release", row["id"], "--amavis-socket", self.socket)
        self.assertRegex(err, r"amavis: [45]\d\d ")
        self.assertEqual(1, len(self.rows("--text", "<2@shop", folder=self.amavis.quarantine)))

    def test_without_its_socket_the_setting_is_named(self):
        self.quarantined(3)
        row, = self.rows("--text", "<3@shop", folder=self.amavis.quarantine)
        err = self.refused("release", row["id"], "--amavis-socket", self.root / "none")
        self.assertIn("review.amavis_socket", err)


class Sent(Scratch):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(daemon=False).start()
        cls.addClassCleanup(cls.lab.close)

    def setUp(self):
        super().setUp()
        wrapper = self.root / "sendmail"
        wrapper.write_text("#!/bin/sh\nexec /usr/sbin/sendmail -C %s \"$@\"\n" % self.lab.postfix.etc)
        wrapper.chmod(0o755)
        self.options += ["--sendmail", wrapper]

    def box(self, number, top):
        box = self.root / "box"
        box.write_bytes(b"From a@b.example Sat Jan  3 10:00:00 2026\n" + mail(number, "6.2", top=top) + b"\n")
        return self.ids(folder=box)[0], box

    def test_an_mbox_is_released_by_postfix_with_the_envelope_kept(self):
        key, box = self.box(1, "Return-Path: <a@b.example>\nDelivered-To: mbox@example.jp\n")
        self.assertIn("sent again from <a@b.example> to mbox@example.jp", self.done("release", key))
        got = self.lab.postfix.wait_mail("mbox@example.jp")
        self.assertEqual(1, len(got.all("Return-Path")))
        self.assertIn("a@b.example", got.all("Return-Path")[0])
        self.assertIn("<1@shop.example.org>", got.all("Message-ID")[0])
        self.assertEqual([], self.rows(folder=box))

    def test_another_recipient_can_be_named_and_the_null_sender_stays(self):
        key, _ = self.box(2, "Return-Path: <>\nDelivered-To: old@example.jp\n")
        self.done("ham", key, "--to", "new@example.jp")
        got = self.lab.postfix.wait_mail("new@example.jp")
        self.assertEqual(["<>"], [value.strip() for value in got.all("Return-Path")])

    def test_without_an_envelope_a_recipient_is_asked_for(self):
        key, _ = self.box(3, "")
        self.assertIn("give --to ADDRESS", self.refused("release", key))


class Told(Scratch):
    def test_spamc_tells_spamd(self):
        spamd = Spamd(self.root, more="use_bayes 1\nbayes_path %s/spamd/home/bayes\n" % self.root)
        self.addCleanup(spamd.close)
        self.root.chmod(0o755)
        import filters
        plain = filters.Server.spawn

        def spawn(server, command, up, as_user=False):
            plain(server, [*command, "--allow-tell"], up, as_user)
        filters.Server.spawn = spawn
        self.addCleanup(setattr, filters.Server, "spawn", plain)
        spamd.start()
        wrapper = self.root / "bin"
        wrapper.mkdir()
        (wrapper / "spamc").write_text("#!/bin/sh\nexec /usr/bin/spamc -p %d \"$@\"\n" % spamd.port)
        (wrapper / "spamc").chmod(0o755)
        self.put(mail(1, "6.2"))
        out = self.done("spam", *self.ids(), "--learn", "spamc", env={"PATH": "%s:/usr/bin:/bin" % wrapper})
        self.assertIn("learned as spam", out)
        until(lambda: "spamd: Tell: Setting local" in spamd.log(), "spamd to be told")


if __name__ == "__main__":
    unittest.main()
