# SPDX-License-Identifier: BSD-2-Clause
"""The recipes of conf/, run by the real procmail, maildrop and sieve-test.

One table of samples; all three must file every sample where the table says.
"""
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import tempfile
import unittest

CONF = pathlib.Path(__file__).resolve().parent.parent.parent / "conf"
INBOX, GONE, CERTAIN = "INBOX", "discarded", "spam.certain"

# How the three filters of mail write X-Spam-Status.
AMAVIS = ("X-Spam-Status: %(yes)s, score=%(score)s tagged_above=-999 required=5\n"
          "\ttests=[HTML_MESSAGE=0.001, RDNS_NONE=0.8,%(marker)s\n"
          "\tTARGREY_S25R=0.7] autolearn=no autolearn_force=no\n")
SPAMD = ("X-Spam-Status: %(yes)s, score=%(score)s required=5.0 tests=HTML_MESSAGE,\n"
         "\tRDNS_NONE%(marker)s,TARGREY_S25R autolearn=no\n"
         "\tautolearn_force=no version=4.0.1\n")
MARKER = {AMAVIS: " TARGREY_DISCARD_OK=0.001,", SPAMD: ",TARGREY_DISCARD_OK"}
LAST = {AMAVIS: SPAMD, SPAMD: AMAVIS}


def status(form, score, ok=False):
    yes = "Yes" if float(score or 0) >= 5 else "No"
    return form % {"yes": yes, "score": score, "marker": MARKER[form] if ok else ""}


def flags(text):
    return "X-TaRgrey-Flags: %s\n" % text


def samples():
    """(name, headers, folder)"""
    rows = []
    for form, name in ((AMAVIS, "amavis"), (SPAMD, "spamd")):
        def add(title, head, folder, name=name):
            rows.append(("%s: %s" % (name, title), head, folder))
        for score, folder in (
                ("-12.4", INBOX), ("-20.0", INBOX), ("-1.9", INBOX), ("0", INBOX),
                ("0.001", INBOX), ("1.999", INBOX), ("2.6", INBOX), ("4.99", INBOX),
                ("5", "spam.05to09"), ("5.0", "spam.05to09"), ("9.99", "spam.05to09"),
                ("10.0", "spam.10to19"), ("19.99", "spam.10to19"), ("20", "spam.20plus"),
                ("20.0", "spam.20plus"), ("105.2", "spam.20plus"), ("1000", "spam.20plus")):
            add("score " + score, status(form, score), folder)
        for score, folder in (
                ("-20.0", INBOX), ("2.6", INBOX), ("5.0", "spam.05to09"),
                ("19.99", "spam.10to19"), ("20.0", CERTAIN), ("105.2", CERTAIN)):
            add("score %s and the marker" % score, status(form, score, True), folder)
        for score, flag, folder in (
                ("2.6", "S25R NORDNS TARPIT NO-SUCCESS", "spam.borderline"),
                ("4.99", "NO-SUCCESS S25R", "spam.borderline"),
                ("2.6", "S25R KNOWN", INBOX), ("2.6", "NO-SUCCESS", INBOX),
                ("2.6", "S25RX NO-SUCCESS", INBOX), ("2.6", "XS25R NO-SUCCESS", INBOX),
                ("2.6", "S25R NO-SUCCESSX", INBOX), ("2.6", "-", INBOX),
                ("1.9", "S25R NO-SUCCESS", INBOX), ("-2.6", "S25R NO-SUCCESS", INBOX),
                ("7.0", "S25R NO-SUCCESS", "spam.05to09")):
            add("score %s, flags %s" % (score, flag),
                flags(flag) + status(form, score), folder)
        add("a forged high score below", status(form, "1.0") + status(form, "99.9", True), INBOX)
        add("a forged low score below", status(form, "12.0") + status(form, "-99"), "spam.10to19")
        add("a forged marker below", status(form, "25.0") + status(form, "25.0", True), "spam.20plus")
        add("a certain one in tabs", status(form, "25.0", True).replace(": ", ":\t").replace(
            ", score", ",\tscore"), CERTAIN)
        add("a score in tabs", status(form, "12.0").replace(": ", ":\t").replace(
            ", score", ",\tscore"), "spam.10to19")
        add("folded before the score", status(form, "12.0").replace(
            ", score", ",\n\tscore"), "spam.10to19")
        add("folded after the name", status(form, "6.0").replace(": ", ":\n ", 1),
            "spam.05to09")
        add("a name in other case", status(form, "6.0").replace("X-Spam", "x-sPAM"),
            "spam.05to09")
        add("flags in tabs and folded", "X-TaRgrey-Flags:\tNORDNS\tS25R\n\tNO-SUCCESS\n" +
            status(form, "2.6"), "spam.borderline")
        add("forged flags below", flags("KNOWN") + flags("S25R NO-SUCCESS") +
            status(form, "2.6"), INBOX)
        add("a forged score of the other form below",
            status(form, "1.0") + status(LAST[form], "99.9", True), INBOX)
    rows += [
        ("no header at all", "", INBOX),
        ("flags alone", flags("S25R NO-SUCCESS"), INBOX),
        ("only X-Spam-Score of a sender", "X-Spam-Score: 99\nX-Spam-Flag: YES\n", INBOX),
        ("a status without a score", "X-Spam-Status: Yes\n", INBOX),
        ("a score that is none", "X-Spam-Status: Yes, score=? required=5\n", INBOX),
        ("an empty status", "X-Spam-Status:\n", INBOX),
        ("an empty status above a forged one",
         "X-Spam-Status:\n" + status(SPAMD, "99.0", True), INBOX),
        ("another's status above a forged one",
         "X-Spam-Status: skipped, too big\n" + status(SPAMD, "99.0", True), INBOX),
        ("the marker's name within another", "X-Spam-Status: Yes, score=25.0 tests=XTARGREY_DISCARD_OKAY\n",
         "spam.20plus"),
        ("a subject that looks like a status",
         "Subject: X-Spam-Status: Yes, score=99.0 TARGREY_DISCARD_OK\n", INBOX),
    ]
    rows = [(name, MESSAGE % head, folder) for name, head, folder in rows]
    for name, head, folder in (
            ("no score of its own", "", INBOX),
            ("a low score", status(AMAVIS, "1.0"), INBOX),
            ("a low score, good flags", flags("KNOWN") + status(SPAMD, "2.6"), INBOX),
            ("a score of its own", status(SPAMD, "6.0"), "spam.05to09")):
        rows.append(("spam attached to a mail with " + name,
                     ATTACHED % (head, status(AMAVIS, "23.1", True)), folder))
    rows.append(("a mail of 3 MB", MESSAGE % status(SPAMD, "25.0", True) +
                 "A line of a mail that is far larger than a pipe.\n" * 60000, CERTAIN))
    return rows


MESSAGE = """\
Return-Path: <anna@example.net>
%sFrom: anna@example.net
To: you@example.jp
Message-ID: <1@example.net>

X-Spam-Status: Yes, score=99.0 tests=TARGREY_DISCARD_OK
is what the body says.
"""


ATTACHED = """\
Return-Path: <colleague@example.com>
%sFrom: colleague@example.com
To: you@example.jp
Subject: is this spam?
Message-ID: <2@example.com>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="parts"

--parts
Content-Type: text/plain

Please look at this.

--parts
Content-Type: message/rfc822
Content-Disposition: attachment

X-TaRgrey-Flags: S25R NORDNS NO-SUCCESS
%sFrom: offers@offers.example.net
To: colleague@example.com
Subject: offers
Message-ID: <3@offers.example.net>

Order now!
--parts--
"""
# One per recipe: the lines that file what is certain, and their replacement.
DISCARD = {
    "procmail/targrey.rc": ("#/dev/null\n$TARGREY_BOX/.spam.certain/\n", "/dev/null\n"),
    "maildrop/targrey.filter": ('#to "/dev/null"\n\t\tTARGREY_FOLDER="spam.certain"\n',
                                'to "/dev/null"\n'),
    "sieve/targrey.sieve": ('#discard;\n\t\tfileinto :create "spam.certain";\n', "discard;\n"),
}


class Recipes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="targrey-recipes-"))
        cls.user = pwd.getpwnam("nobody") if os.getuid() == 0 else None
        cls.own(cls.root)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root, ignore_errors=True)

    @classmethod
    def own(cls, path):
        """nobody's when we are root: sieve-test refuses root."""
        if cls.user:
            os.chown(path, cls.user.pw_uid, cls.user.pw_gid)

    # procmail and maildrop take HOME from the password file, so it is set again.
    def as_user(self, command, text, **env):
        more = {}
        if self.user:
            more = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        env = dict({"PATH": "/usr/bin:/bin:/usr/sbin", "HOME": str(self.home),
                    "LOGNAME": "nobody", "USER": "nobody"}, **env)
        return subprocess.run(
            [str(word) for word in command], input=text.encode(), env=env, cwd=self.home,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False, **more)

    def fresh_home(self):
        self.home = pathlib.Path(tempfile.mkdtemp(dir=self.root))
        self.own(self.home)
        for name in ("Maildir", "Maildir/new", "Maildir/cur", "Maildir/tmp"):
            (self.home / name).mkdir()
            self.own(self.home / name)

    def place(self):
        """The one folder in which the message is."""
        found = [path.relative_to(self.home / "Maildir").parts
                 for path in (self.home / "Maildir").rglob("*")
                 if path.is_file() and path.parent.name in ("new", "cur")]
        if not found:
            return GONE
        self.assertEqual(1, len(found), found)
        return found[0][0].lstrip(".") if len(found[0]) == 3 else INBOX

    def run_all(self, deliver, discards):
        wrong = []
        for name, text, wanted in samples():
            if discards and wanted == CERTAIN:
                wanted = GONE
            self.fresh_home()
            done = deliver(text)
            got = self.place()
            if got != wanted or done.returncode != 0:
                wrong.append("%s: wanted %s, got %s (%d): %s" % (
                    name, wanted, got, done.returncode, done.stdout.decode()[-300:]))
        self.assertEqual([], wrong)

    def recipe(self, name, discards):
        """A copy of the sample; discards: with its commented line in force."""
        text = (CONF / name).read_text()
        if discards:
            shipped, instead = DISCARD[name]
            self.assertEqual(1, text.count(shipped), name)
            text = text.replace(shipped, instead)
        path = self.root / pathlib.Path(name).name
        path.write_text(text)
        self.own(path)
        return path

    def by_procmail(self, recipe):
        def deliver(text):
            rc = self.home / "rc"
            rc.write_text("HOME=%s\nINCLUDERC=%s\n:0\n$HOME/Maildir/\n" % (
                self.home, recipe))
            self.own(rc)
            return self.as_user(["procmail", "-m", rc], text)
        return deliver

    def by_maildrop(self, recipe):
        def deliver(text):
            rc = self.home / "filter"
            rc.write_text('HOME="%s"\nDEFAULT="%s/Maildir/"\ninclude "%s"\n' % (
                self.home, self.home, recipe))
            rc.chmod(0o600)
            self.own(rc)
            return self.as_user(["maildrop", rc], text)
        return deliver

    def procmail(self, discards):
        self.run_all(self.by_procmail(self.recipe("procmail/targrey.rc", discards)), discards)

    def maildrop(self, discards):
        self.run_all(self.by_maildrop(self.recipe("maildrop/targrey.filter", discards)), discards)

    def sieve(self, discards):
        script = self.recipe("sieve/targrey.sieve", discards)
        self.fresh_home()
        done = self.as_user(["sievec", script, self.root / "targrey.svbin"], "")
        self.assertEqual(0, done.returncode, done.stdout.decode())

        def deliver(text):
            mail = self.home / "mail"
            mail.write_text(text)
            self.own(mail)
            done = self.as_user(
                ["sieve-test", "-e", "-l", "maildir:%s/Maildir" % self.home,
                 script, mail], "")
            mail.unlink()
            return done
        self.run_all(deliver, discards)

    def test_procmail_files_every_sample(self):
        self.procmail(discards=False)

    def test_procmail_discards_what_is_certain_when_told_to(self):
        self.procmail(discards=True)

    def test_maildrop_files_every_sample(self):
        self.maildrop(discards=False)

    def test_maildrop_discards_what_is_certain_when_told_to(self):
        self.maildrop(discards=True)

    def test_sieve_files_every_sample(self):
        self.sieve(discards=False)

    def test_sieve_discards_what_is_certain_when_told_to(self):
        self.sieve(discards=True)

    def test_an_account_without_a_maildir_gets_one_for_the_folders(self):
        certain = next(text for _, text, wanted in samples() if wanted == CERTAIN)
        for name, by in (("procmail/targrey.rc", self.by_procmail),
                         ("maildrop/targrey.filter", self.by_maildrop)):
            self.fresh_home()
            shutil.rmtree(self.home / "Maildir")
            done = by(self.recipe(name, discards=False))(certain)
            self.assertEqual((0, CERTAIN), (done.returncode, self.place()), done.stdout.decode())
            self.assertEqual(0o700, (self.home / "Maildir").stat().st_mode & 0o777, name)

    def test_the_three_say_the_same(self):
        bands = {}
        for tool, path in (("procmail", "procmail/targrey.rc"),
                           ("maildrop", "maildrop/targrey.filter"),
                           ("sieve", "sieve/targrey.sieve")):
            text = (CONF / path).read_text()
            bands[tool] = (sorted(set(re.findall(r"spam\.\w+", text))),
                           re.findall(r"score=(\S+?)\(\\", text)[-4:])
        self.assertEqual(bands["procmail"], bands["sieve"])
        self.assertEqual(bands["procmail"], bands["maildrop"])


if __name__ == "__main__":
    unittest.main()
