# SPDX-License-Identifier: BSD-2-Clause
"""Where X-TaRgrey headers stand for SpamAssassin in each way of calling it, and
what must be set so that they are believed. The real programs, private instances.
"""
import email
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from filters import HEADER_CHECKS, TOP, Amavis, Server, Spamd, is_socket, listens, site  # noqa: E402
from support import ports  # noqa: E402
from support.lab import Lab  # noqa: E402
from support.postfix import Service  # noqa: E402
from support.wait import until  # noqa: E402

MESSAGE = """\
From: "Anna Bell" <anna@offers.example.net>
To: "You" <you@example.jp>
Subject: minutes
Message-ID: <%s@offers.example.net>
Date: Mon, 05 Jan 2026 10:00:00 +0000

Dear colleague, here are the minutes that you asked for.
"""
# A fact that only our header tells, so that a hit means the header was read.
SHOW = """\
meta SAW_TRUSTED __TARGREY_V1 && __TARGREY_H_OURS
score SAW_TRUSTED 0.01
meta SAW_NONE !__TARGREY_V1
score SAW_NONE 0.01
add_header all Status "_YESNO_, score=_SCORE_ tests=_TESTS(,)_"
"""
BELOW = "targrey_hosts mx.example.jp\ntargrey_below 1\n"
FORGED = "X-TaRgrey-Session: v=1; id=mx.example.jp; ham=9; helo=fqdn\n"
OBSERVE = {"mode": "observe"}


class Layout(unittest.TestCase):
    def lab(self, **options):
        lab = Lab(config=OBSERVE, **options)
        self.addCleanup(lab.close)
        return lab

    def started(self, server):
        self.addCleanup(server.close)
        server.start()
        return server

    def deliver(self, lab, forged=False):
        """Sends a mail whose HELO is our own name; the message as delivered."""
        session = lab.client(addr="198.51.100.7").greet("mx.example.jp")
        session.mail("anna@offers.example.net").expect(250)
        session.rcpt("you@example.jp").expect(250)
        head = FORGED if forged else ""
        session.message(head + MESSAGE % "m").expect(250)
        session.quit()
        mail = lab.postfix.wait_mail("you@example.jp")
        return email.message_from_bytes(mail.raw)

    def hits(self, message):
        text = re.sub(r"\s+", "", message["X-Spam-Status"])
        return sorted(set(re.findall(r"(SAW_\w+|TARGREY_FORGED|TARGREY_HELO_OURS)\b", text)))

    # ------------------------------------------------------- spamass-milter

    def with_spamass_milter(self, plugin, more=""):
        lab = self.lab()
        spamd = self.started(Spamd(lab.root, plugin, SHOW + more))
        self.chain(lab, spamd)
        lab.start()
        return self.deliver(lab)

    def chain(self, lab, spamd):
        """spamass-milter as the second milter, after targreyd."""
        folder = lab.postfix.queue / "spamass"
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)
        server = Server(lab.root, "spamass-milter")
        self.addCleanup(server.close)
        path = folder / "milter.sock"
        server.spawn(["/usr/sbin/spamass-milter", "-p", path, "-m", "--",
                      "-d", "127.0.0.1", "-p", spamd.port], lambda: is_socket(path))
        path.chmod(0o777)
        self.milters(lab, "{ unix:spamass/milter.sock, default_action=tempfail }")

    def milters(self, lab, second):
        main = lab.postfix.etc / "main.cf"
        main.write_text(re.sub(r"(?m)^(smtpd_milters = .*)$", r"\1 " + second, main.read_text())
                        + "milter_connect_macros = j {daemon_name} v _ {client_name} {client_ptr}"
                          " {client_addr} {client_resolve}\n"
                          "milter_mail_macros = i {mail_addr} {client_addr} {client_name} {auth_authen}\n"
                          "milter_rcpt_macros = i {rcpt_addr}\n")

    def test_spamass_milter_without_the_plugin_calls_our_header_forged(self):
        message = self.with_spamass_milter(plugin=False)
        self.assertEqual(["SAW_NONE", "TARGREY_FORGED"], self.hits(message))

    def test_spamass_milter_with_targrey_below_reads_our_header(self):
        message = self.with_spamass_milter(plugin=True, more=BELOW)
        self.assertEqual(["SAW_TRUSTED", "TARGREY_HELO_OURS"], self.hits(message))

    # ------------------------------------------------------- amavisd-milter

    def with_amavisd_milter(self, plugin, more=""):
        lab = self.lab()
        amavis = Amavis(lab.root, None, plugin)
        local = amavis.root / "site" / "local.cf"
        local.write_text(local.read_text() + SHOW + more)
        self.started(amavis)
        folder = lab.postfix.queue / "amavis"
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)
        server = Server(lab.root, "amavisd-milter", "amavis")
        self.addCleanup(server.close)
        path = folder / "milter.sock"
        work = amavis.home / "tmp"  # amavisd reads below its TEMPBASE alone
        work.chmod(0o700)
        server.spawn(["/usr/sbin/amavisd-milter", "-f", "-s", "local:%s" % path,
                      "-S", amavis.socket, "-w", work, "-p", server.folder("pid") / "pid"],
                     lambda: is_socket(path), as_user=True)
        path.chmod(0o777)
        self.milters(lab, "{ unix:amavis/milter.sock, default_action=tempfail }")
        lab.start()
        return self.deliver(lab)

    def test_amavisd_milter_without_the_plugin_calls_our_header_forged(self):
        message = self.with_amavisd_milter(plugin=False)
        self.assertEqual(["SAW_NONE", "TARGREY_FORGED"], self.hits(message))

    def test_amavisd_milter_with_targrey_below_reads_our_header(self):
        message = self.with_amavisd_milter(plugin=True, more=BELOW)
        self.assertEqual(["SAW_TRUSTED", "TARGREY_HELO_OURS"], self.hits(message))

    # --------------------------------------------------------------- SpamPD

    def with_spampd(self, plugin=False):
        reentry = Service(options={
            "content_filter": "", "smtpd_milters": "",
            "receive_override_options": "no_milters,no_header_body_checks,no_unknown_recipient_checks"})
        lab = self.lab(services={"reentry": reentry})
        server = Server(lab.root, "spampd", "nobody")
        self.addCleanup(server.close)
        folder = site(server.root / "site", plugin, SHOW)
        port = ports.book()
        self.addCleanup(ports.give_back, port)
        config = server.root / "all.cf"
        config.write_text("".join(path.read_text() for path in sorted(folder.glob("*.cf"))))
        config.chmod(0o644)
        home = server.folder("home")
        # Perl's taint mode forbids every --homedir but the one built in.
        program = server.root / "spampd"
        # And it logs to syslog alone, which a test host may lack.
        text = pathlib.Path("/usr/sbin/spampd").read_text()
        program.write_text(text.replace("#!/usr/bin/perl -T", "#!/usr/bin/perl", 1)
                           .replace("'Sys::Syslog'", "undef", 1))
        program.chmod(0o755)
        server.spawn([program, "--nodetach", "--host=127.0.0.1:%d" % port,
                      "--relayhost=127.0.0.1:%d" % reentry.port, "--children=1", "--tagall",
                      "--local-only", "--user=nobody", "--group=nogroup", "--homedir=%s" % home,
                      "--pid=%s/pid" % home, "--saconfig=%s" % config], lambda: listens(port))
        main = lab.postfix.etc / "main.cf"
        main.write_text(main.read_text() + "content_filter = smtp:[127.0.0.1]:%d\n" % port)
        lab.start()
        return self.deliver(lab, forged=True)

    def test_spampd_as_a_content_filter_needs_nothing(self):
        message = self.with_spampd()
        self.assertIn("SAW_TRUSTED", self.hits(message))
        self.assertNotIn("SAW_NONE", self.hits(message))

    # ----------------------------------------------------------------- spamc

    def with_spamc(self, more_main="", limit=500000, body="", head=""):
        """spamc from procmail, then the recipe; (the file's folder, message)"""
        lab = self.lab()
        spamd = self.started(Spamd(lab.root, False, SHOW))
        master = lab.postfix.etc / "master.cf"
        box = lab.postfix.mail / "all"
        for path in (box, box / "cur", box / "new", box / "tmp"):
            path.mkdir(exist_ok=True)
            path.chmod(0o777)
        (lab.root / "rc").write_text(
            "HOME=%s\nMAILDIR=$HOME\nTARGREY_BOX=$HOME/all\n"
            ":0fw\n| /usr/bin/spamc -s %d -d 127.0.0.1 -p %d\nINCLUDERC=%s\n:0\n$HOME/all/\n" % (
                lab.postfix.mail, limit, spamd.port, TOP / "conf/procmail/targrey.rc"))
        master.write_text(master.read_text() + (
            "procmail unix - n n - - pipe\n  flags=DR user=nobody argv=/usr/bin/procmail -m %s\n"
            % (lab.root / "rc")))
        (lab.root / "checks").write_text(HEADER_CHECKS + "\n")
        main = lab.postfix.etc / "main.cf"
        main.write_text(main.read_text() + "virtual_transport = procmail\n"
                        "procmail_destination_recipient_limit = 1\n" +
                        more_main.replace("CHECKS", str(lab.root / "checks")))
        lab.start()
        session = lab.client(addr="198.51.100.7").greet("mx.example.jp")
        session.mail("anna@offers.example.net").expect(250)
        session.rcpt("you@example.jp").expect(250)
        session.message(head + MESSAGE % "m" + body).expect(250)
        session.quit()
        path = until(lambda: list(box.rglob("new/*")), "the mail")[0]
        return path.parts[-3], email.message_from_bytes(path.read_bytes())

    def test_spamc_at_delivery_needs_nothing(self):
        _, message = self.with_spamc(head=FORGED)
        self.assertIn("SAW_TRUSTED", self.hits(message))
        self.assertNotIn("SAW_NONE", self.hits(message))

    SENDERS_OWN = "X-Spam-Status: Yes, score=99.0 tests=TARGREY_DISCARD_OK\nx-spam-flag : YES\n"

    def test_a_senders_own_score_would_count_where_the_mail_is_too_large_for_spamc(self):
        folder, _ = self.with_spamc(limit=2000, body="A line of a report.\n" * 200,
                                    head=self.SENDERS_OWN)
        self.assertEqual(".spam.certain", folder)

    def test_header_checks_take_a_senders_own_score_away(self):
        folder, message = self.with_spamc(
            "header_checks = regexp:CHECKS\nnested_header_checks =\n",
            limit=2000, body="A line of a report.\n" * 200, head=self.SENDERS_OWN)
        self.assertEqual("all", folder)
        self.assertIsNone(message["X-Spam-Status"])
        self.assertIsNone(message["X-Spam-Flag"])
        self.assertIn("X-TaRgrey-Session", message)

    def test_header_checks_leave_attached_messages_and_our_own_score(self):
        folder, message = self.with_spamc(
            "header_checks = regexp:CHECKS\nnested_header_checks =\n",
            head=self.SENDERS_OWN + "MIME-Version: 1.0\n"
            'Content-Type: multipart/mixed; boundary="parts"\n',
            body="--parts\nContent-Type: message/rfc822\n\n" + self.SENDERS_OWN +
            "Subject: attached\n\nThe spam.\n--parts--\n")
        self.assertNotEqual(".spam.certain", folder)
        self.assertIn("SAW_TRUSTED", self.hits(message))
        attached = message.get_payload(0).get_payload(0)
        self.assertIn("score=99.0", attached["X-Spam-Status"])


if __name__ == "__main__":
    unittest.main()
