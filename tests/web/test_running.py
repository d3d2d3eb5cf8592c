# SPDX-License-Identifier: BSD-2-Clause
"""What targreyctl shows and sends beside a running daemon and a real Postfix: the
page of today, and the report of the week in a mailbox."""
import email
import email.policy
import html
import os
import re
import subprocess
import unittest

from served import BIN, TOP, Served
from support.lab import LabTest
from support.wait import until

LINE, HOLD = "p7-dyn100.example.net", 125
SERVICE = TOP / "conf" / "targrey-report.service"


class Running(LabTest):
    @property
    def root(self):
        return self.lab.root

    def today(self):
        """The page's words; the numbers of the day are kept for a moment by one server."""
        served = Served(self, [BIN / "targreyctl", "serve", "--config", self.lab.daemon.conf,
                               "--now", "@%d" % (self.lab.clock.wall() + 1),
                               "--listen", "127.0.0.1:0"])
        body = served.get("/").body
        served.stop()
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())

    def held(self):
        return [row["address"] for row in self.lab.daemon.ctl("list", "held")["held"]["rows"]]

    def number(self, words, page):
        """The headline has the words, then the number; a day without mail has none."""
        found = re.search(re.escape(words) + r" (\d+)", page)
        return int(found.group(1)) if found else 0

    def test_more_hosts_than_it_answers_for_are_refused(self):
        # no such place to listen at: it ends in any case
        done = subprocess.run([BIN / "targreyctl", "serve", "--config", self.lab.daemon.conf,
                               "--listen", "nowhere", *["--host", "a.example"] * 17],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--host: more than 16 of them", done.stderr)

    def test_the_page_shows_who_is_held_and_what_came_today(self):
        before = self.today()
        self.assertIn("Daemon running", before)
        self.assertRegex(before, r"Held right now \(nothing\)")
        client, you = self.lab.client(LINE), self.person()
        session = client.greet()
        session.mail("a@example.com").expect(250)
        session.send("RCPT TO:<%s>" % you)
        until(lambda: self.held() == [client.source], "the hold to begin")
        page = self.today()
        self.assertRegex(page, r"%s %s \d+s 2m 05s [0-9a-f]{10}" % (
            re.escape(client.source), re.escape(LINE)))
        session.pass_time(HOLD)
        session.read().expect(250)
        session.recipients.append(you)
        session.message().expect(250)
        self.lab.event(you)
        self.lab.client("mail.example.com").try_one("b@example.com", you).expect(250)
        self.lab.event(you, 2)
        after = self.today()
        self.assertEqual(self.held(), [])
        self.assertRegex(after, r"Held right now \(nothing\)")
        for words, more in (("messages accepted", 2), ("good messages came late", 1)):
            self.assertEqual(self.number(words, after), self.number(words, before) + more, words)
        self.assertRegex(after, "2m 05s %s a@example.com %s" % (re.escape(LINE), re.escape(you)))

    def command(self):
        """The line of the unit, with this Postfix and this database."""
        folder = self.root / "sbin"
        folder.mkdir(exist_ok=True)
        for name, line in (("targreyctl", '%s "$@" --config %s' % (
                BIN / "targreyctl", self.lab.daemon.conf)),
                ("sendmail", '/usr/sbin/sendmail -C %s "$@"' % self.lab.postfix.etc)):
            (folder / name).write_text("#!/bin/sh\nexec %s\n" % line)
            (folder / name).chmod(0o755)
        line = re.search(r"(?m)^ExecStart=/bin/sh -ec '(.*)'$", SERVICE.read_text()).group(1)
        line = line.replace("%%", "%").replace("\\\\", "\\")
        return re.sub(r"/usr/(local/)?sbin/(targreyctl|sendmail)",
                      lambda found: str(folder / found.group(2)), line)

    def test_the_weekly_report_comes_by_mail_as_text_and_as_html(self):
        you, to = self.person(), self.person("postmaster")
        self.lab.client("mail.example.com").try_one("news@example.com", you).expect(250)
        self.lab.event(you)
        subprocess.run(["/bin/sh", "-ec", self.command()], check=True, timeout=120,
                       env={**os.environ, "TO": to, "TZ": "UTC"})
        mail = email.message_from_bytes(self.lab.postfix.wait_mail(to).raw,
                                        policy=email.policy.default)
        self.assertEqual((mail["To"], mail.get_content_type()), (to, "multipart/alternative"))
        self.assertIn("targrey report: mx.example.jp", mail["Subject"])
        self.assertFalse(mail.defects)
        text, page = (part.get_content() for part in mail.iter_parts())
        self.assertRegex(text, r"messages accepted +[1-9]")
        self.assertNotIn("<", text.split("Where")[0])
        self.assertTrue(page.lstrip().startswith("<!DOCTYPE html>"), page[:80])
        self.assertIn("</html>", page)
        self.assertIn("messages accepted", page)
        self.assertEqual(re.findall(r"<script|<link|<img| src=", page), [])
        # not greylisted, not stamped: a program of this host handed it in
        self.assertIsNone(mail["X-TaRgrey-Session"])


if __name__ == "__main__":
    unittest.main()
