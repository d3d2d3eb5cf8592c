# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of targrey-review share: mails, folders, the program."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ["TARGREY_BUILD"]) / "bin"
REVIEW = BIN / "targrey-review"

SESSION = (
    "X-TaRgrey-Session: v=1; id=mx.example.jp; sid=%(sid)s; mode=targrey; verdict=hold; why=s25r; "
    "would=none; rdns=none; s25r=match; s25r_rule=1; tarpit=endured; tarpit_secs=125; grey=none; "
    "grey_tries=0; grey_secs=0; early=no; age=0; seen=0; passed=0; gaveup=0; gaveup_secs=0; ham=0; "
    "spam=0; rcpt_refused=0; helo=fqdn; helo_dns=match; from=ok; spf=none; spf_helo=none; pipe=no; "
    "tls=yes; local=none; forged=0; fault=none\n"
    "X-TaRgrey-Client: v=1; ip=%(ip)s; name=unknown; ptr=unknown; heloname=x; key=%(ip)s\n"
    "X-TaRgrey-Flags: S25R NORDNS TARPIT FIRST\n")


def mail(number, score=None, sid=None, ip="192.0.2.77", subject=None, message_id=None, tests="A=1.0",
         top="", sender="a%d@shop.example.org", body="hello\n"):
    """One mail as a filter leaves it, as bytes."""
    status = "" if score is None else (
        "X-Spam-Status: %s, score=%s required=5 tests=[%s] autolearn=no\n" % (
            "Yes" if float(score) >= 5 else "No", score, tests))
    return (top + status + (SESSION % {"sid": sid, "ip": ip} if sid else "") +
            "Received: from x by mx.example.jp; Sat, 3 Jan 2026 10:00:00 +0000\n"
            "From: %s\nTo: taro@example.jp\nSubject: %s\nMessage-ID: %s\n\n%s" % (
                sender % number if "%" in sender else sender, subject or "mail %d" % number,
                message_id or "<%d@shop.example.org>" % number, body)).encode()


def maildir(path):
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True)
    return path


class Scratch(unittest.TestCase):
    """A home with a Maildir, its folder .spam, and a state folder."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="targrey-review-"))
        self.addCleanup(shutil.rmtree, self.root, True)
        self.state = self.root / "state"
        self.inbox = maildir(self.root / "Maildir")
        self.spam = maildir(self.inbox / ".spam")
        self.count = 0
        self.options = []

    def put(self, text, folder=None, flags=None, name=None):
        """Delivered into new, or with flags into cur. The path."""
        self.count += 1
        folder = folder or self.spam
        name = name or "17674344%02d.M%dP1.mx" % (self.count, self.count)
        path = folder / ("new/" + name if flags is None else "cur/%s:2,%s" % (name, flags))
        path.write_bytes(text)
        return path

    def run_review(self, *line, stdin=b"", env=None, program=REVIEW):
        """(exit code, output, errors)"""
        done = subprocess.run(
            [str(word) for word in [program, *line, "--state", self.state, *self.options]],
            input=stdin, capture_output=True, timeout=120,
            env={**os.environ, "TZ": "UTC", "COLUMNS": "120", "HOME": str(self.root), **(env or {})})
        return (done.returncode, done.stdout.decode("utf-8", "surrogateescape"),
                done.stderr.decode("utf-8", "surrogateescape"))

    def done(self, *line, **more):
        """The output of a line that must succeed without complaint."""
        code, out, err = self.run_review(*line, **more)
        self.assertEqual((0, ""), (code, err), out)
        return out

    def refused(self, *line, code=1, **more):
        """The errors of a line that must fail."""
        got, out, err = self.run_review(*line, **more)
        self.assertEqual(code, got, out + err)
        return err

    def rows(self, *line, folder=None, command="list"):
        out = self.done(command, *line, folder or self.spam, "--json")
        return json.loads(out)["mails"]["rows"]

    def ids(self, *line, **more):
        return [row["id"] for row in self.rows(*line, **more)]

    def id_of(self, subject, folder=None):
        return next(row["id"] for row in self.rows("--limit", "0", "--all", folder=folder)
                    if row["subject"] == subject)

    def files(self, folder):
        """All mails below, path by path."""
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*")
                      if path.is_file() and path.name != "maildirfolder")

    def log(self):
        return (self.state / "review.log").read_text()
