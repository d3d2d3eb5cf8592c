# SPDX-License-Identifier: BSD-2-Clause
"""setup/targrey-setup against a private Postfix: what it finds, sets and takes back."""
import os
import pathlib
import pty
import re
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
        self.amavis = self.lab.root / "amavis"
        self.procmailrc = self.lab.root / "procmailrc"
        self.state = self.lab.root / "state"
        self.bins = self.lab.root / "bin"
        self.bins.mkdir()
        for name in ("targreyd", "targreyctl"):
            (self.bins / name).symlink_to(BUILD / "bin" / name)
        # The script fixes its PATH and where resolv.conf is; the build's programs
        # stand in for installed ones.
        self.program = self.lab.root / "targrey-setup"
        text = PROGRAM.read_text()
        for old, new in (("\nPATH=/usr/sbin:", "\nPATH=%s:/usr/sbin:" % self.bins),
                         ("samples=$here/../conf", "samples=%s" % (SOURCE / "conf")),
                         ("resolv=/etc/", "resolv=%s/" % self.lab.root),
                         ("resolved=/run/systemd/resolve/", "resolved=%s/up-" % self.lab.root)):
            self.assertEqual(1, text.count(old), old)
            text = text.replace(old, new)
        self.program.write_text(text)
        self.program.chmod(0o755)
        (self.lab.root / "resolv.conf").write_text("nameserver 127.0.0.1\n")

    def install_rules(self):
        """Not in each test: SpamAssassin takes a second to start."""
        shutil.copy(SOURCE / "rules" / "70_targrey.cf", self.sa)
        for path in pathlib.Path("/etc/spamassassin").glob("*.pre"):
            shutil.copy(path, self.sa)

    def change(self, pattern, text):
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

    def command(self, *arguments):
        return ["/bin/sh", str(self.program), "--config", str(self.lab.daemon.conf), "--spamassassin", str(self.sa),
                "--amavis", str(self.amavis), "--procmailrc", str(self.procmailrc), "--state", str(self.state),
                "--to", "you@example.jp", "--port", str(self.lab.postfix.port()), *arguments]

    def env(self):
        return {"MAIL_CONFIG": str(self.lab.postfix.etc), "ASAN_OPTIONS": "detect_leaks=0"}

    def run_setup(self, *arguments, code=0):
        done = subprocess.run(
            self.command(*arguments), env=self.env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        self.assertEqual(code, done.returncode, done.stdout)
        self.assertNotIn("not found", done.stdout.replace("was not found", ""))
        return done.stdout

    def test_without_an_option_it_proposes_and_changes_nothing(self):
        self.install_rules()
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
        self.install_rules()
        # As Debian's installer leaves it, Postfix has the whole name and the system the short one.
        settings = self.lab.daemon.conf.read_text()
        self.assertIn('hostname = "mx.example.jp"\n', settings)
        self.lab.daemon.conf.write_text(settings.replace('hostname = "mx.example.jp"\n', ""))
        # A policy service is none of the services that take mail.
        self.set("smtpd_end_of_data_restrictions = check_policy_service { unix:private/nobody, default_action=DUNNO }")
        self.lab.daemon.start()
        self.lab.postfix.start()
        said = self.run_setup("--apply")
        name = os.uname().nodename
        self.assertIn("\ntargrey_hosts %s\n" % name, (self.sa / "71_targrey_site.cf").read_text())
        self.assertEqual(LINE, self.postconf("smtpd_milters"))
        self.assertEqual("yes", self.postconf("smtpd_forbid_unauth_pipelining"))
        self.assertEqual("chunking, silent-discard", self.postconf("smtpd_discard_ehlo_keywords"))
        self.assertIn('\nmode = "observe"\n', self.lab.daemon.conf.read_text())
        self.assertIn("ok    the headers are there: it works", said)
        self.assertIn("X-TaRgrey-Session: v=1; id=%s;" % name, said)
        self.assertIn("ip=198.51.100.77", said)
        self.assertIn("no spam filter wrote a score", said)
        self.assertIn("Nothing to set", self.run_setup("--check", code=0))

    def test_undo_brings_every_file_back(self):
        self.install_rules()
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

    def files(self):
        """What targrey-setup may write: every file and its bytes."""
        found = [self.main, self.lab.postfix.etc / "master.cf", self.lab.daemon.conf, self.procmailrc,
                 self.lab.postfix.etc / "spam_header_checks", *self.sa.iterdir()]
        return {path: path.read_bytes() for path in found if path.is_file()}

    def answer(self, text):
        """Runs it on a terminal, where text is typed when it asks; what it said, and its exit status."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve("/bin/sh", self.command("--no-mail"), self.env())
        said = b""
        while b"[y/N]" not in said:
            said += os.read(terminal, 65536)
        os.write(terminal, text + b"\n")
        try:
            while more := os.read(terminal, 65536):
                said += more
        except OSError:  # it ended
            pass
        os.close(terminal)
        return said.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_on_a_terminal_it_asks_and_sets_nothing_without_a_yes(self):
        before = self.files()
        for text in (b"", b"n"):
            said, code = self.answer(text)
            self.assertEqual(1, code)
            self.assertIn("Set these 4 now?", said)
            self.assertEqual(before, self.files())
        said, code = self.answer(b"y")
        self.assertEqual(0, code, said)
        self.assertEqual(LINE, self.postconf("smtpd_milters"))

    def test_a_setting_on_several_lines_comes_back_octet_by_octet_also_behind_a_link(self):
        (self.lab.root / "kept").mkdir()
        self.main.rename(self.lab.root / "kept" / "main.cf")
        self.main.symlink_to(self.lab.root / "kept" / "main.cf")
        with open(self.main, "ab") as file:
            file.write(b"smtpd_milters =\r\n\tinet:localhost:8891,\r\n# a remark\r\n\tunix:spamass/spamass.sock\r\n"
                       b"smtpd_discard_ehlo_keywords =\n  dsn,\n  etrn\n")
        os.utime(self.main, (0, 0))
        before = self.files()
        self.run_setup("--apply", "--no-mail")
        self.assertEqual(LINE + " inet:localhost:8891, unix:spamass/spamass.sock",
                         " ".join(self.postconf("smtpd_milters").split()))
        self.assertEqual("dsn, etrn, chunking, silent-discard",
                         " ".join(self.postconf("smtpd_discard_ehlo_keywords").split()))
        self.assertTrue(self.main.is_symlink())
        self.run_setup("--undo")
        self.assertTrue(self.main.is_symlink())
        self.assertEqual(before, self.files())
        real = self.main.resolve()
        self.main.unlink()
        self.main.symlink_to(real.rename(real.with_name("another.cf")))
        self.assertIn("is a link", self.run_setup("--apply", "--no-mail", code=2))

    def test_undo_takes_all_applies_back_and_keeps_what_the_admin_wrote_meanwhile(self):
        before = self.main.read_text().split()
        self.run_setup("--apply", "--no-mail")
        self.set("relayhost = [between.example.jp]")
        self.run_setup("--apply", "--sort", "--no-mail")
        self.run_setup("--undo")
        self.assertEqual(before + ["relayhost", "=", "[between.example.jp]"], self.main.read_text().split())
        self.assertFalse(self.state.exists() or self.procmailrc.exists())

    def test_an_apply_that_fails_half_way_leaves_nothing(self):
        before = self.files()
        # A folder where one of its files should be.
        checks = self.lab.postfix.etc / "spam_header_checks"
        checks.mkdir()
        said = self.run_setup("--apply", "--sort", "--no-mail", code=2)
        self.assertIn("no copy of %s can be kept" % checks, said)
        self.assertIn("all is as it was before", said)
        self.assertEqual(before, self.files())
        self.assertFalse(self.state.exists())
        # One that is interrupted (who runs in the background ignores SIGINT).
        stand_in = self.bins / "postconf"
        stand_in.write_text("#!/bin/sh\ncase $* in *\"-e smtpd_discard\"*) kill -TERM $PPID ;; esac\n"
                            "exec /usr/sbin/postconf \"$@\"\n")
        stand_in.chmod(0o755)
        self.assertIn("all is as it was before", self.run_setup("--apply", "--no-mail", code=130))
        self.assertEqual(before, self.files())
        stand_in.unlink()
        # And after one that did not fail.
        self.run_setup("--apply", "--no-mail")
        once = self.files()
        self.assertIn("all is as it was before", self.run_setup("--apply", "--sort", "--no-mail", code=2))
        self.assertEqual(once, self.files())
        self.run_setup("--undo")
        self.assertEqual(before, self.files())

    def test_its_own_file_of_an_earlier_apply_is_not_what_was_there_before(self):
        self.install_rules()
        site = self.sa / "71_targrey_site.cf"
        before = self.files()
        self.run_setup("--apply", "--no-mail")
        once = self.files()
        settings = self.lab.daemon.conf.read_text()
        self.lab.daemon.conf.write_text(settings.replace("mx.example.jp", "mx2.example.jp"))
        checks = self.lab.postfix.etc / "spam_header_checks"
        checks.mkdir()
        self.run_setup("--apply", "--sort", "--no-mail", code=2)
        self.assertEqual(once[site], site.read_bytes())
        self.run_setup("--apply", "--no-mail")
        self.assertIn("targrey_hosts mx2.example.jp", site.read_text())
        self.run_setup("--undo")
        self.assertEqual(before[self.main], self.main.read_bytes())
        self.assertFalse(site.exists() or self.state.exists())

    def test_what_was_set_by_one_that_was_killed_half_way_is_taken_back(self):
        before = self.files()
        stand_in = self.bins / "postconf"
        stand_in.write_text("#!/bin/sh\ncase $* in *\"-e smtpd_discard\"*) kill -9 $PPID; exit ;; esac\n"
                            "exec /usr/sbin/postconf \"$@\"\n")
        stand_in.chmod(0o755)
        self.run_setup("--apply", "--no-mail", code=-9)
        self.assertEqual(LINE, self.postconf("smtpd_milters"))
        self.run_setup("--undo")
        self.assertEqual(before, self.files())
        self.run_setup("--apply", "--no-mail", code=-9)
        stand_in.unlink()
        self.set("relayhost = [meanwhile.example.jp]")
        self.run_setup("--apply", "--no-mail")
        self.run_setup("--undo")
        self.assertEqual("", self.postconf("smtpd_milters"))
        self.assertEqual(before[self.main].split() + b"relayhost = [meanwhile.example.jp]".split(),
                         self.main.read_bytes().split())

    def test_without_copies_of_what_is_there_nothing_is_set(self):
        before = self.files()
        self.state.write_text("a file, not a folder\n")
        self.assertIn("nothing was set", self.run_setup("--apply", "--no-mail", code=2))
        self.state.unlink()
        self.state.mkdir()
        (self.state / "undo").write_text("")
        (self.state / ("kept" + str(self.main).replace("/", "_"))).symlink_to("/nowhere/at/all")
        self.assertIn("no copy of %s can be kept" % self.main, self.run_setup("--apply", "--no-mail", code=2))
        self.assertEqual(before, self.files())

    def test_a_purge_removes_its_files_but_those_that_the_admin_has_changed(self):
        self.sa, self.amavis = self.lab.root / "etc/spamassassin", self.lab.root / "etc/amavis"
        self.state = self.lab.root / "var/lib/targrey-setup"
        for folder in self.sa, self.amavis, self.state.parent:
            folder.mkdir(parents=True)
        self.install_rules()
        self.set("content_filter = smtp-amavis:[127.0.0.1]:10024")
        self.run_setup("--apply", "--no-mail")
        site = self.sa / "71_targrey_site.cf"
        with open(site, "a", encoding="utf-8") as file:
            file.write("trusted_networks 192.0.2.0/24\n")
        changed = site.read_bytes()
        # The whole script, on a tree of its own.
        text, count = re.subn(r"(?<![\w*])/(?=(etc|var|run|usr)/)", str(self.lab.root) + "/",
                              (SOURCE / "packaging/debian/targrey/postrm").read_text())
        self.assertGreater(count, 10)
        script = self.lab.root / "postrm"
        script.write_text(text)
        done = subprocess.run(["/bin/sh", str(script), "purge"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=60, check=False)
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn("%s was changed and stays" % site, done.stdout)
        self.assertEqual(changed, site.read_bytes())
        self.assertFalse((self.amavis / "60-targrey").exists() or self.state.exists())

    def test_mistakes_of_before_are_told_from_ours(self):
        self.install_rules()
        (self.sa / "local.cf").write_text("nonsense_setting 1\n")
        said = self.run_setup("--apply", "--no-mail")
        self.assertIn("SpamAssassin's own settings have a mistake: ", said)
        self.assertIn("nonsense_setting 1", said)
        (self.sa / "70_targrey.cf").unlink()
        self.set("[half a line")
        before = self.files()
        self.assertIn("nothing was set", self.run_setup("--apply", "--no-mail", code=2))
        self.assertEqual(before, self.files())

    def test_milters_in_master_cf_are_seen_and_the_line_that_it_names_does_it(self):
        service = "127.0.0.1:%d/inet" % self.lab.postfix.port()
        subprocess.run(["postconf", "-c", str(self.lab.postfix.etc), "-P",
                        service + "/smtpd_milters={inet:localhost:8891,connect_timeout=5s},unix:a.sock"], check=True)
        said = self.run_setup(code=1)
        self.assertIn("main.cf's are not asked there", said)
        self.assertNotIn("main.cf: smtpd_milters", said)
        line = re.search(r"(?m)^ +(postconf -P .*) && postfix reload$", said).group(1)
        subprocess.run(line, shell=True, check=True, env=dict(os.environ, **self.env()))
        self.assertIn("%s/smtpd_milters = {unix:targrey/targrey.sock,default_action=accept},"
                      "{inet:localhost:8891,connect_timeout=5s},unix:a.sock" % service,
                      subprocess.run(["postconf", "-c", str(self.lab.postfix.etc), "-P"], check=True,
                                     stdout=subprocess.PIPE, text=True).stdout)
        self.assertIn("ok    master.cf: smtpd_milters of %s names it, first; then {inet" % service,
                      self.run_setup(code=1))

    def test_its_socket_under_another_name_is_not_asked_twice(self):
        service = "127.0.0.1:%d/inet" % self.lab.postfix.port()
        for chroot, names in (("n", ("unix:%s/targrey/targrey.sock" % self.lab.postfix.queue, "$ours")),
                              ("y", ("unix:/targrey/targrey.sock", "$ours"))):
            subprocess.run(["postconf", "-c", str(self.lab.postfix.etc), "-F",
                            "%s/chroot=%s" % (service, chroot)], check=True)
            for name in names:
                self.set("ours = unix:targrey/targrey.sock\nsmtpd_milters = " + name)
                said = self.run_setup(code=1)
                self.assertIn("ok    smtpd_milters names it, first", said)
                self.assertNotIn("main.cf: smtpd_milters", said)
        # Of a running host the mode is not turned down.
        self.assertNotIn('targrey.conf: mode = "observe"', said)

    def test_what_keeps_milters_or_their_headers_away_is_told(self):
        service = "127.0.0.1:%d/inet" % self.lab.postfix.port()
        for change in ("-P", service + "/smtpd_proxy_filter=127.0.0.1:10024"), \
                ("-P", service + "/receive_override_options=no_milters"), \
                ("-F", service + "/process_limit=0"), ("-F", service + "/chroot=y"), \
                ("-e", "queue_directory=/var/spool/postfix"):
            subprocess.run(["postconf", "-c", str(self.lab.postfix.etc), *change], check=True)
        self.set("mynetworks = 127.0.0.0/8, 0.0.0.0/0\ninet_interfaces = loopback-only\n"
                 "multi_instance_directories = /etc/postfix-in\n"
                 "smtpd_recipient_restrictions = check_policy_service { inet:127.0.0.1:10023, timeout=10s }")
        (self.lab.root / "resolv.conf").write_text("nameserver 127.0.0.53\n")
        (self.lab.root / "up-resolv.conf").write_text("nameserver 8.8.8.8\n")
        said = self.run_setup(code=1)
        for wanted in ("smtpd_proxy_filter = 127.0.0.1:10024: Postfix lets no milter write headers",
                       "receive_override_options has no_milters", "at most any number of smtpd processes",
                       "is not below /var/spool/postfix: smtpd in its chroot cannot reach it",
                       "mynetworks has everybody", "inet_interfaces = loopback-only: no mail comes",
                       "for another: MAIL_CONFIG=DIR targrey-setup, with /etc/postfix-in",
                       "inet:127.0.0.1:10023 looks like a greylister",
                       "public name servers (8.8.8.8 )"):
            self.assertIn(wanted, said)
        self.assertRegex(said, r"ok    mail log: (/var/log/mail.log|the journal) \(")

    def test_the_socket_that_a_killed_daemon_left_is_not_taken_for_one(self):
        self.lab.daemon.start()
        self.assertIn("ok    it listens on unix:", self.run_setup(code=1))
        # Who may not ask does not say that neither runs.
        said = subprocess.run(["setpriv", "--reuid", "daemon", "--clear-groups", *self.command("--check")],
                              env=self.env(), stdout=subprocess.PIPE, text=True, timeout=60, check=False).stdout
        self.assertEqual(2, said.count("whether it is running: ask as root"))
        self.assertNotIn("not running", said)
        self.lab.daemon.kill9()
        self.assertTrue(self.lab.daemon.socket.is_socket())
        self.assertIn("look  it is not running", self.run_setup(code=1))

    def test_undo_leaves_what_was_changed_since(self):
        self.run_setup("--apply", "--no-mail")
        subprocess.run(["postconf", "-c", str(self.lab.postfix.etc), "-e",
                        "smtpd_milters = %s inet:localhost:8891" % LINE], check=True)
        said = self.run_setup("--undo", code=1)
        self.assertIn("smtpd_milters was changed since and is left", said)
        self.assertIn("8891", self.postconf("smtpd_milters"))
        self.assertEqual("", self.postconf("smtpd_discard_ehlo_keywords"))
        self.assertTrue((self.state / ("kept" + str(self.main).replace("/", "_"))).exists())

    def test_what_undo_cannot_restore_is_named_kept_and_tried_again(self):
        self.run_setup("--apply", "--no-mail")
        self.set("relayhost = [mine.example.jp]")
        postconf = self.bins / "postconf"
        postconf.write_text('#!/bin/sh\ncase $* in *"-X smtpd_milters") exit 1 ;; esac\n'
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
        self.install_rules()
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
        self.install_rules()
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
        self.install_rules()
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
        said = self.run_setup("--check", code=1)
        self.assertIn("ok    the headers are there: it works", said)

    def test_a_second_undo_says_that_there_is_nothing(self):
        self.assertIn("nothing was set", self.run_setup("--undo", code=2))

    def test_a_test_mail_that_postfix_refuses_says_so(self):
        self.set("smtpd_client_restrictions = reject_unknown_reverse_client_hostname\nmydestination = localhost, mx.example.jp")
        self.lab.daemon.start()
        self.lab.postfix.start()
        said = self.run_setup("--apply", "--to", "you")
        self.assertIn("it was not accepted: RCPT TO:<you@mx.example.jp>: 450", said)
        self.assertIn("a stranger without a name is told that here", said)
        self.lab.postfix.stop()
        said = self.run_setup("--check", "--to", "you", code=1)
        self.assertIn("it could not be sent: no connection to port", said)
        self.assertNotIn("a stranger", said)


if __name__ == "__main__":
    # The test mail comes from an address that the loopback interface gets for it:
    # in a network of our own.
    own_network()
    unittest.main()
