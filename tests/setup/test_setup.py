# SPDX-License-Identifier: BSD-2-Clause
"""setup/targrey-setup against a private Postfix: what it finds, sets and takes back."""
import os
import pathlib
import shutil
import subprocess
import unittest

from support.daemon import BUILD, SOURCE
from support.lab import Lab
from support.network import own_network

PROGRAM = SOURCE / "setup" / "targrey-setup"
LINE = "{ unix:targrey/targrey.sock, default_action=accept }"


class Setup(unittest.TestCase):
    """A Postfix that does not know targrey yet, and a daemon with an empty config."""

    def setUp(self):
        self.lab = Lab({"mode": None, "exempt_networks": None, "tarpit": {"max_sessions": 50, "vary": None}})
        self.addCleanup(self.lab.close)
        self.main = self.lab.postfix.etc / "main.cf"
        self.change(r"smtpd_milters = .*\n", "")
        self.sa = self.lab.root / "spamassassin"
        self.sa.mkdir()
        shutil.copy(SOURCE / "rules" / "70_targrey.cf", self.sa)
        for path in pathlib.Path("/etc/spamassassin").glob("*.pre"):
            shutil.copy(path, self.sa)
        self.amavis = self.lab.root / "amavis"
        self.procmailrc = self.lab.root / "procmailrc"
        self.state = self.lab.root / "state"
        bins = self.lab.root / "bin"
        bins.mkdir()
        for name in ("targreyd", "targreyctl"):
            (bins / name).symlink_to(BUILD / "bin" / name)
        # The script fixes its PATH; the build's programs stand in for installed ones.
        self.program = self.lab.root / "targrey-setup"
        text = PROGRAM.read_text()
        self.assertEqual(1, text.count("\nPATH=/usr/sbin:"))
        self.program.write_text(text.replace("\nPATH=", "\nPATH=%s:" % bins).replace(
            "samples=$here/../conf", "samples=%s" % (SOURCE / "conf")))
        self.program.chmod(0o755)

    def change(self, pattern, text):
        import re
        found, count = re.subn(pattern, text, self.main.read_text())
        self.assertEqual(1, count)
        self.main.write_text(found)
        os.utime(self.main, (0, 0))

    def set(self, line):
        with open(self.main, "a", encoding="utf-8") as file:
            file.write(line + "\n")
        os.utime(self.main, (0, 0))

    def postconf(self, name):
        return subprocess.run(["postconf", "-c", str(self.lab.postfix.etc), "-h", name], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()

    def run_setup(self, *arguments, code=0):
        env = {"MAIL_CONFIG": str(self.lab.postfix.etc), "ASAN_OPTIONS": "detect_leaks=0"}
        done = subprocess.run(
            ["/bin/sh", str(self.program), "--config", str(self.lab.daemon.conf), "--spamassassin", str(self.sa),
             "--amavis", str(self.amavis), "--procmailrc", str(self.procmailrc), "--state", str(self.state), "--to", "you@example.jp",
             "--port", str(self.lab.postfix.port()), *arguments],
            env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=300, check=False)
        self.assertEqual(code, done.returncode, done.stdout)
        self.assertNotIn("not found", done.stdout.replace("was not found", ""))
        return done.stdout

    def test_without_an_option_it_proposes_and_changes_nothing(self):
        before = {path: path.read_bytes() for path in
                  (self.main, self.lab.daemon.conf, *self.sa.iterdir())}
        said = self.run_setup(code=1)
        for wanted in ("main.cf: smtpd_milters = " + LINE,
                       "main.cf: smtpd_forbid_unauth_pipelining = yes",
                       "main.cf: smtpd_discard_ehlo_keywords = chunking, silent-discard",
                       'targrey.conf: mode = "observe"', "71_targrey_site.cf",
                       "targrey_hosts mx.example.jp", "to set: targrey-setup --apply"):
            self.assertIn(wanted, said)
        self.assertNotIn("mailbox_command", said)
        self.assertEqual(before, {path: path.read_bytes() for path in before})
        self.assertFalse(self.state.exists())

    def test_apply_sets_it_and_a_test_mail_proves_it(self):
        self.lab.daemon.start()
        self.lab.postfix.start()
        said = self.run_setup("--apply")
        self.assertEqual(LINE, self.postconf("smtpd_milters"))
        self.assertEqual("yes", self.postconf("smtpd_forbid_unauth_pipelining"))
        self.assertEqual("chunking, silent-discard", self.postconf("smtpd_discard_ehlo_keywords"))
        self.assertIn('\nmode = "observe"\n', self.lab.daemon.conf.read_text())
        self.assertIn("ok    the headers are there: it works", said)
        self.assertIn("X-TaRgrey-Session: v=1; id=mx.example.jp", said)
        self.assertIn("ip=198.51.100.77", said)
        self.assertIn("no spam filter wrote a score", said)
        self.assertIn("Nothing to set", self.run_setup("--check", code=0))

    def test_undo_brings_every_file_back(self):
        self.set("smtpd_discard_ehlo_keywords = dsn")
        self.set("mynetworks = 127.0.0.0/8 203.0.113.0/24")
        before = {path: path.read_text() for path in (self.main, self.lab.daemon.conf)}
        self.run_setup("--apply", "--no-mail")
        self.assertEqual("dsn, chunking, silent-discard", self.postconf("smtpd_discard_ehlo_keywords"))
        self.assertTrue((self.sa / "71_targrey_site.cf").exists())
        self.run_setup("--undo")
        self.assertEqual("", self.postconf("smtpd_milters"))
        self.assertEqual("dsn", self.postconf("smtpd_discard_ehlo_keywords"))
        self.assertEqual(before[self.lab.daemon.conf], self.lab.daemon.conf.read_text())
        self.assertEqual(before[self.main].split(), self.main.read_text().split())
        self.assertFalse((self.sa / "71_targrey_site.cf").exists())
        self.assertFalse(self.state.exists())

    def test_undo_leaves_what_was_changed_since(self):
        self.run_setup("--apply", "--no-mail")
        subprocess.run(["postconf", "-c", str(self.lab.postfix.etc), "-e",
                        "smtpd_milters = %s inet:localhost:8891" % LINE], check=True)
        said = self.run_setup("--undo")
        self.assertIn("smtpd_milters was changed since and is left", said)
        self.assertIn("8891", self.postconf("smtpd_milters"))
        self.assertEqual("", self.postconf("smtpd_discard_ehlo_keywords"))
        self.assertTrue((self.state / ("kept" + str(self.main).replace("/", "_"))).exists())

    def test_what_undo_cannot_restore_is_named_kept_and_tried_again(self):
        self.run_setup("--apply", "--no-mail")
        postconf = self.lab.root / "bin" / "postconf"
        postconf.write_text('#!/bin/sh\n[ "$1" = -X ] && [ "$2" = smtpd_milters ] && exit 1\n'
                            'exec /usr/sbin/postconf "$@"\n')
        postconf.chmod(0o755)
        said = self.run_setup("--undo", code=2)
        self.assertIn("not restored: smtpd_milters", said)
        self.assertNotIn("not restored: smtpd_discard", said)
        self.assertEqual("", self.postconf("smtpd_discard_ehlo_keywords"))
        postconf.unlink()
        self.assertIn("Undone.", self.run_setup("--undo"))
        self.assertEqual("", self.postconf("smtpd_milters"))
        self.assertFalse(self.state.exists())

    def test_other_milters_stay_behind_ours(self):
        self.set("smtpd_milters = { inet:localhost:8891, connect_timeout=5s }, unix:spamass/spamass.sock")
        self.run_setup("--apply", "--no-mail")
        self.assertEqual(LINE + " { inet:localhost:8891, connect_timeout=5s }, unix:spamass/spamass.sock",
                         self.postconf("smtpd_milters"))
        self.assertIn("targrey_below 1\n", (self.sa / "71_targrey_site.cf").read_text())
        self.assertIn("Nothing to set", self.run_setup("--check", code=1))

    def test_ours_behind_another_is_told(self):
        self.set("smtpd_milters = inet:localhost:8891 " + LINE)
        said = self.run_setup("--check", code=1)
        self.assertIn("put targrey first", said)
        self.assertNotIn("main.cf: smtpd_milters", said)

    def test_what_it_wrote_for_spamassassin_passes_lint_with_and_without_the_plugin(self):
        self.run_setup("--apply", "--no-mail")
        for plugin in (False, True):
            if plugin:
                (self.sa / "targrey.pre").write_text(
                    "loadplugin Mail::SpamAssassin::Plugin::TaRgrey %s/sa-plugin/TaRgrey.pm\n" % SOURCE)
            done = subprocess.run(["spamassassin", "--siteconfigpath=%s" % self.sa, "--lint", "-L"], check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
            self.assertEqual((0, ""), (done.returncode, done.stdout), plugin)

    def test_greylisters_too_many_holds_and_reentries_are_told(self):
        self.set("default_process_limit = 40")
        self.set("smtpd_recipient_restrictions = reject_unauth_destination, check_policy_service inet:127.0.0.1:10023")
        master = self.lab.postfix.etc / "master.cf"
        master.write_text(master.read_text() + "127.0.0.1:10025 inet n - y - - smtpd\n"
                          "127.0.0.1:10026 inet n - y - - smtpd -o smtpd_milters=\n"
                          "smtp inet n - y - - smtpd\n")
        said = self.run_setup(code=1)
        self.assertIn("looks like a greylister", said)
        self.assertIn("more than 70% of the 40 smtpd", said)
        self.assertIn("127.0.0.1:10025 takes mail back from a filter: add", said)
        self.assertIn("127.0.0.1:10026 takes mail back without milters", said)

    def test_amavis_gets_the_sample_and_loses_it_again(self):
        self.amavis.mkdir()
        self.set("content_filter = smtp-amavis:[127.0.0.1]:10024")
        self.run_setup("--apply", "--no-mail")
        self.assertEqual((SOURCE / "conf/amavis/60-targrey").read_text(), (self.amavis / "60-targrey").read_text())
        self.run_setup("--undo")
        self.assertEqual([], list(self.amavis.iterdir()))

    def test_sort_lets_procmail_score_and_sort_local_mail_and_undo_takes_it_back(self):
        before = self.main.read_text().split()
        self.run_setup("--apply", "--sort", "--no-mail")
        self.assertEqual('procmail -a "$EXTENSION"', self.postconf("mailbox_command"))
        self.assertEqual(["DROPPRIVS=yes", ":0fw", "| spamc",
                          "INCLUDERC=%s/conf/procmail/targrey.rc" % SOURCE],
                         self.procmailrc.read_text().splitlines()[1:])
        checks = self.lab.postfix.etc / "spam_header_checks"
        self.assertIn("    %s\n" % checks.read_text().strip(),
                      (SOURCE / "docs/spamassassin.md").read_text())
        self.assertEqual("regexp:%s" % checks, self.postconf("header_checks"))
        self.assertEqual("", self.postconf("nested_header_checks"))
        self.assertIn("ok    procmail sorts local mail by its score",
                      self.run_setup("--check", "--no-mail", code=1))
        self.run_setup("--undo")
        self.assertEqual(before, self.main.read_text().split())
        self.assertFalse(self.procmailrc.exists() or checks.exists())

    def test_sort_leaves_the_inbox_where_postfix_has_it(self):
        self.set("home_mailbox = mail/in/")
        said = self.run_setup("--sort", code=1)
        self.assertRegex(said, r"\n +DEFAULT=\$HOME/mail/in/\n +TARGREY_BOX=\$HOME/mail/in\n")

    def test_sort_touches_no_delivery_of_another_kind(self):
        self.procmailrc.write_text("LOGFILE=/var/log/procmail\n")
        for line, word in (("mailbox_transport = lmtp:unix:private/lmtp", "use conf/sieve"),
                           ("mailbox_transport =\nmailbox_command = /usr/bin/maildrop", "let that call spamc"),
                           ("mailbox_command =", "put these lines into it")):
            self.set(line)
            said = self.run_setup("--sort", code=1)
            self.assertIn(word, said)
            self.assertNotIn("set   %s" % self.procmailrc, said)
            self.assertNotIn("main.cf: mailbox_command", said)

    def test_a_mistake_in_the_settings_is_named(self):
        self.lab.daemon.conf.write_text('mode = "nonsense"\n')
        self.assertIn("the settings have a mistake: ", self.run_setup("--check", code=1))

    def test_doctor_runs_the_same_checks_and_sends_the_mail_when_asked(self):
        self.run_setup("--apply", "--no-mail")
        self.lab.daemon.start()
        self.lab.postfix.start()
        ctl = self.lab.root / "bin2" / "targreyctl"
        ctl.parent.mkdir()
        shutil.copy(BUILD / "bin" / "targreyctl", ctl)
        seen = ctl.with_name("seen")
        ctl.with_name("targrey-setup").write_text("#!/bin/sh\necho \"$@\" >%s\nexit 1\n" % seen)
        ctl.with_name("targrey-setup").chmod(0o755)
        done = subprocess.run([str(ctl), "doctor", "--config", "/etc/x", "--mail", "you@example.jp"],
                              check=False, timeout=60, env={"ASAN_OPTIONS": "detect_leaks=0"})
        self.assertEqual(1, done.returncode)
        self.assertEqual("--check --config /etc/x --to you@example.jp\n", seen.read_text())
        said = self.run_setup("--check")
        self.assertIn("ok    the headers are there: it works", said)

    def test_a_second_undo_says_that_there_is_nothing(self):
        self.assertIn("nothing was set", self.run_setup("--undo", code=2))

    def test_a_test_mail_that_postfix_refuses_says_so(self):
        self.set("smtpd_client_restrictions = reject_unknown_reverse_client_hostname")
        self.lab.daemon.start()
        self.lab.postfix.start()
        said = self.run_setup("--apply")
        self.assertIn("it was not accepted: RCPT TO:<you@example.jp>: 450", said)


if __name__ == "__main__":
    # The test mail comes from an address that the loopback interface gets for it:
    # in a network of our own.
    own_network()
    unittest.main()
