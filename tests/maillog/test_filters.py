# SPDX-License-Identifier: BSD-2-Clause
"""learn-log on what the real programs write: Postfix with targreyd, then
spamass-milter and spamd, or amavisd-new behind the queue. Strangers try to give a
verdict on the mail of another.
"""
import os
import pathlib
import re
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "delivery"))

from filters import Amavis, Server, Spamd, is_socket  # noqa: E402
from support.lab import Lab  # noqa: E402
from support.postfix import Service  # noqa: E402
from support.wait import until  # noqa: E402

MESSAGE = """\
From: "Anna Bell" <anna@mail.example.com>
To: "You" <you@example.jp>
Subject: %(subject)s
Message-ID: %(id)s
Date: Mon, 05 Jan 2026 10:00:00 +0000
%(more)s
Dear colleague, here are the minutes that you asked for.
"""
GOOD_ID = "<news-1@list.example>"


class Learning(unittest.TestCase):
    def start(self, postfix=None, services=None):
        self.lab = Lab(config={"exempt_networks": [], "spf": {"enabled": False}},
                       postfix=dict({"header_checks": "regexp:CHECKS"}, **(postfix or {})),
                       services=services)
        self.addCleanup(self.lab.close)
        # the wrong way: it shows what the sender wrote
        checks = self.lab.root / "checks"
        checks.write_text("/^(X-Spam-Status|Subject):/ INFO\n")
        self.main(lambda text: text.replace("regexp:CHECKS", "regexp:%s" % checks))

    def main(self, change):
        path = self.lab.postfix.etc / "main.cf"
        path.write_text(change(path.read_text()))
        os.utime(path, (0, 0))

    def send(self, sender, message_id, name="mail.example.com", subject="minutes", more="",
             code=250):
        """The event's queue id."""
        before = len(self.lab.daemon.events())
        session = self.lab.client(name).greet(name)
        session.mail(sender).expect(250)
        session.rcpt("you@example.jp").expect(250)
        session.message(MESSAGE % {"id": message_id, "subject": subject,
                                   "more": more}).expect(code)
        session.quit()
        return until(lambda: self.lab.daemon.events()[before:], "the event")[0]["queue_id"]

    def learn(self, *texts):
        path = self.lab.root / "log"
        path.write_text("\n".join(texts))
        return self.lab.daemon.ctl("learn-log", str(path))["learned"]

    def results(self):
        return {row["queue_id"]: (row["feedback"], row["delivered"], row["reply"])
                for row in self.lab.daemon.events()}

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            print(self.lab.postfix.log()[-6000:], self.lab.daemon.log()[-1000:],
                  sep="\n---\n", file=sys.stderr)

    # ------------------------------------------------------- spamass-milter

    def chain(self, spamd):
        """spamass-milter as the second milter; it rejects from 10 points on."""
        folder = self.lab.postfix.queue / "spamass"
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)
        server = Server(self.lab.root, "spamass-milter")
        self.addCleanup(server.close)
        path = folder / "milter.sock"
        server.spawn(["/usr/sbin/spamass-milter", "-p", path, "-m", "-r", "10", "--",
                      "-d", "127.0.0.1", "-p", spamd.port], lambda: is_socket(path))
        path.chmod(0o777)
        checks = self.lab.root / "milter_checks"
        checks.write_text("/^X-Spam-Status:/ INFO\n")
        self.main(lambda text: re.sub(
            r"(?m)^(smtpd_milters = .*)$",
            r"\1 { unix:spamass/milter.sock, default_action=tempfail }", text)
            + "milter_header_checks = regexp:%s\n" % checks)

    def test_spamd_and_spamass_milter(self):
        self.start()
        spamd = Spamd(self.lab.root)
        self.addCleanup(spamd.close)
        spamd.start()
        self.chain(spamd)
        self.lab.start()
        good = self.send("anna@mail.example.com", GOOD_ID)
        # a spam that has the good one's Message-ID, and says so in its headers
        bad = self.send("offers@mail.example.net", GOOD_ID, "mail.example.net",
                        "%s: milter-header-info: header X-Spam-Status: No, score=-9" % good,
                        "X-Test: heavy\nX-Spam-Status: No, score=-99.0 tests=NONE\n", code=550)
        other = self.send("anna@mail.example.com", "<2@mail.example.com>")
        self.lab.postfix.wait_log("milter-reject: END-OF-MESSAGE")
        until(lambda: spamd.log().count("spamd: result:") == 3, "the results")
        self.assertIn("info: header X-Spam-Status: No, score=-99.0", self.lab.postfix.log())
        self.assertEqual({row[1:] for row in self.results().values()}, {(1, "250")})
        # spamd knows the Message-ID alone, which two clients used
        learned = self.learn(spamd.log())
        self.assertEqual((learned["ham"], learned["spam"], learned["ambiguous"]), (1, 0, 2),
                         learned)
        learned = self.learn(self.lab.postfix.log())
        self.assertEqual((learned["ham"], learned["spam"], learned["known"],
                          learned["refused_for_good"]), (1, 1, 1, 1), learned)
        self.assertEqual(self.results(), {good: ("ham", 1, "250"), other: ("ham", 1, "250"),
                                          bad: ("spam", 0, "others 5.7.1")})
        study = self.lab.daemon.ctl(
            "report", "--maillog", str(self.lab.postfix.log_file), "--rules",
            str(TESTS.parent / "conf" / "s25r.rules"))
        self.assertEqual((study["log"]["broken"], study["effect"]["refused_at_end"]), (0, 1))

    # --------------------------------------------------------------- amavis

    def test_amavis(self):
        reentry = Service(options={
            "content_filter": "", "smtpd_milters": "", "header_checks": "",
            "smtpd_authorized_xforward_hosts": "127.0.0.0/8"})
        self.start({"smtp_send_xforward_command": "yes"}, {"reentry": reentry})
        amavis = Amavis(self.lab.root, forward=reentry.port)
        self.addCleanup(amavis.close)
        self.main(lambda text: text + "content_filter = smtp:[127.0.0.1]:%d\n" % amavis.port)
        amavis.start()
        self.lab.start()
        good = self.send("anna@mail.example.com", GOOD_ID)
        forged = '"x, Queue-ID: %s, Message-ID: %s, Hits: 31, size: 7, 5 ms"' % (good, GOOD_ID)
        by_sender = self.send(forged + "@evil.example", "<1@evil.example>", "mail.example.net",
                              more="X-Test: heavy\n")
        by_id = self.send("a@evil.example", '<"x, Queue-ID: %s, Message-ID: %s, Hits: 31"@y>'
                          % (good, GOOD_ID), "mail.example.net", more="X-Test: heavy\n")
        log = until(lambda: len(re.findall(r"\) (?:Passed|Blocked) .*mail_id", amavis.log())) == 3
                    and amavis.log(), "three results")
        learned = self.learn(log)
        self.assertEqual((learned["ham"], learned["spam"], learned["doubtful"]), (1, 2, 0),
                         "%s\n%s" % (learned, log))
        self.assertEqual({key: value[0] for key, value in self.results().items()},
                         {good: "ham", by_sender: "spam", by_id: "spam"})


if __name__ == "__main__":
    unittest.main()
