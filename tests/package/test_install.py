# SPDX-License-Identifier: BSD-2-Clause
"""The packages in a bare Debian 12 under systemd: tests/package/run.

Installed, started, sent to, broken and mended, upgraded, rebooted, restored from a
backup, removed and purged; each test goes on where the one before ended.
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import machine  # noqa: E402

OLD, NEW = (pathlib.Path(os.environ[name]) for name in ("TARGREY_OLD", "TARGREY_NEW"))
CACHE = pathlib.Path(os.environ["TARGREY_ROOT_CACHE"])
INSTALL = "apt-get install -o Dpkg::Use-Pty=0 -q -y --no-install-recommends "
OUTSIDE = "198.51.100.7"
MAIL = """\
From: Anna <anna@example.net>
To: you@mx.example.jp
Subject: %s
Message-ID: <%s@example.net>
Date: Sun, 29 Nov 2026 12:00:00 +0000

Dear colleague, here are the minutes that you asked for.
"""


def changed(deb, folder):
    """The package as a later version: other shipped settings, a new entry in a
    shipped list, and a list that was not there before."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", str(deb), str(tree)], check=True)
    for name, old, new in (
            ("DEBIAN/control", "-2\n", "-3\n"),
            ("DEBIAN/postinst", "\t1.0.0-1 s25r.rules\n", "\t1.0.0-1 s25r.rules\n\t1.0.0-3 allow.d/later\n"),
            ("etc/targrey/targrey.conf", "\nmode = ", "\n# A remark of the later version.\nmode = ")):
        text = (tree / name).read_text()
        assert text.count(old) == 1, name
        (tree / name).write_text(text.replace(old, new))
    lists = tree / "usr/share/targrey/conf/allow.d"
    with open(lists / "big-senders", "a", encoding="utf-8") as file:
        file.write("later.example\n")
    (lists / "later").write_text("192.0.2.77\n")
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", str(tree), str(folder)], check=True,
                   stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        base = machine.base(CACHE / "base")
        cls.root = CACHE / ("root-%d" % os.getpid())
        subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(cls.root)], check=True)
        cls.addClassCleanup(shutil.rmtree, cls.root, ignore_errors=True)
        for name, folder in (("old", OLD), ("new", NEW)):
            (cls.root / "packages" / name).mkdir(parents=True)
            for path in folder.glob("*.deb"):
                shutil.copy(path, cls.root / "packages" / name)
        (cls.root / "packages/later").mkdir()
        changed(next((cls.root / "packages/new").glob("targrey_*")), cls.root / "packages/later")
        machine.fetch(cls.root, ["/packages/new/" + path.name for path in NEW.glob("*.deb")])
        cls.machine = machine.Machine(cls.root, "targrey-%d" % os.getpid())
        cls.addClassCleanup(cls.machine.stop)
        cls.machine.boot()

    @classmethod
    def run_in(cls, script, check=True):
        return cls.machine.run(script, check)

    def path(self, name):
        return self.root / name.lstrip("/")

    def out(self, script):
        return self.machine.out(script)

    def main_pid(self):
        return self.out("systemctl show -p MainPID --value targrey")

    def observe(self):
        """Returns when it is in force: a reload that comes while the address of send()
        is the host's own would exempt it."""
        self.run_in("sed -i 's/^mode = .*/mode = \"observe\"/' /etc/targrey/targrey.conf; systemctl reload targrey; "
                    "for i in $(seq 300); do targreyctl status --json | grep -q '\"mode\": *\"observe\"' && exit; "
                    "sleep 0.2; done; exit 1")

    def send(self, subject):
        """From an address outside, over the machine's own network; the mail as filed."""
        program = (
            "import socket, sys\n"
            "s = socket.create_connection(('127.0.0.1', 25), 60, ('%s', 0))\n"
            "f = s.makefile('rw', newline='')\n"
            "def say(line, wanted):\n"
            "    if line: f.write(line + '\\r\\n'); f.flush()\n"
            "    while True:\n"
            "        got = f.readline()\n"
            "        if got[3:4] != '-': break\n"
            "    assert got.startswith(wanted), (line, got)\n"
            "say('', '220'); say('EHLO pc', '250'); say('MAIL FROM:<anna@example.net>', '250')\n"
            "say('RCPT TO:<you@mx.example.jp>', '250'); say('DATA', '354')\n"
            "say(sys.argv[1].replace('\\n', '\\r\\n') + '.', '250'); say('QUIT', '221')\n" % OUTSIDE)
        # Only for this session: the host's own addresses are exempt.
        self.run_in("ip addr add %s/32 dev lo" % OUTSIDE)
        subprocess.run([*self.machine.inside(network_only=True), sys.executable, "-c", program,
                        MAIL % (subject, subject)], check=True, timeout=120)
        self.run_in("ip addr del %s/32 dev lo" % OUTSIDE)
        self.run_in("for i in $(seq 100); do grep -q '^Subject: %s$' /var/mail/you 2>/dev/null "
                    "&& exit; sleep 0.2; done; exit 1" % subject)
        text = self.path("/var/mail/you").read_text()
        return [mail for mail in text.split("\nFrom ") if "Subject: " + subject in mail][0]

    # ------------------------------------------------------------------ tests

    def test_01_one_command_installs_and_starts_it_and_prints_the_line_for_postfix(self):
        said = self.out(INSTALL + "/packages/old/*.deb")
        self.assertIn("smtpd_milters = { unix:targrey/targrey.sock, default_action=accept }", said)
        self.assertEqual("active", self.out("systemctl is-active targrey || journalctl -q -u targrey"))
        self.assertEqual("enabled", self.out("systemctl is-enabled targrey"))
        self.assertIn("observe", self.out("systemctl show -p StatusText targrey"))
        self.assertNotIn("targrey", self.path("/etc/postfix/main.cf").read_text())
        warnings = self.out("journalctl -q -p warning -u targrey").splitlines()
        self.assertEqual([], [line for line in warnings if "set smtpd_discard_ehlo_keywords" not in line])

    def test_02_everything_has_its_owner_and_mode(self):
        for name, wanted in (
                ("/var/lib/targrey", "targrey targrey 750"),
                ("/var/lib/targrey/targrey.db", "targrey targrey 600"),
                ("/var/spool/postfix/targrey", "targrey postfix 2750"),
                ("/var/spool/postfix/targrey/targrey.sock", "targrey postfix 660"),
                ("/var/spool/postfix/targrey/targrey.sock.lock", "targrey postfix 600"),
                ("/etc/targrey/targrey.conf", "root root 644")):
            self.assertEqual(wanted, self.out("stat -c '%%U %%G %%a' %s" % name), name)

    def test_03_mail_from_outside_gets_the_headers(self):
        self.run_in("useradd -m you; postconf -e mydestination=mx.example.jp,localhost; "
                    "systemctl restart postfix")
        said = self.out("targrey-setup --apply --to you")
        self.assertIn("ok    the headers are there: it works", said)
        self.assertIn('headers say id=mx; with hostname = "mx.example.jp" in targrey.conf', said)
        self.assertIn("Nothing to set", self.run_in("targreyctl doctor", check=False).stdout)
        mail = self.send("first")
        self.assertIn("X-TaRgrey-Session: v=1; id=%s;" % machine.NAME, mail)
        self.assertIn("\ntargrey_hosts %s\n" % machine.NAME,
                      self.path("/etc/spamassassin/71_targrey_site.cf").read_text())
        type(self).main_cf = self.path("/etc/postfix/main.cf").read_bytes()
        self.assertIn("mode=observe; verdict=pass; why=none; would=none; rdns=temperror", mail)

    def test_04_the_rules_read_it_and_lint_passes(self):
        self.run_in("spamassassin --lint")
        self.path("/tmp/mail").write_text(MAIL % ("scored", "scored"))
        self.assertIn("Mail::SpamAssassin::Plugin::TaRgrey",
                      self.out("spamassassin -D plugin --lint 2>&1"))
        self.assertEqual("/usr/share/perl5/Mail/SpamAssassin/Plugin/TaRgrey.pm",
                         self.out("perl -MMail::SpamAssassin::Plugin::TaRgrey "
                                  "-e 'print $INC{q(Mail/SpamAssassin/Plugin/TaRgrey.pm)}'"))

    def test_05_the_unit_is_as_closed_under_the_real_systemd(self):
        self.run_in("systemd-analyze security --no-pager --threshold=13 targrey.service")
        pid = self.main_pid()
        status = self.out("cat /proc/%s/status" % pid)
        for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1",
                     "Seccomp:\t2"):
            self.assertIn(line, status)
        writable = self.out(
            "nsenter -t %s -m setpriv --reuid targrey --regid targrey --clear-groups sh -c "
            "'for d in / /etc /etc/targrey /usr /var /var/lib /var/spool/postfix /home /root /run "
            "/var/lib/targrey /var/spool/postfix/targrey; do [ ! -w $d ] || echo $d; done'" % pid)
        self.assertEqual(["/var/lib/targrey", "/var/spool/postfix/targrey"], writable.split())

    def test_06_a_broken_setting_fails_the_reload_and_the_restart(self):
        before = self.main_pid()
        self.run_in("echo 'mode = \"nonsense\"' > /etc/targrey/conf.bad; "
                    "cp -p /etc/targrey/targrey.conf /root/; cat /etc/targrey/conf.bad >> /etc/targrey/targrey.conf")
        self.assertNotEqual(0, self.run_in("systemctl reload targrey", check=False).returncode)
        self.assertEqual(before, self.main_pid())
        self.assertNotEqual(0, self.run_in("systemctl restart targrey", check=False).returncode)
        self.assertIn("targrey.conf:", self.out("journalctl -q -u targrey | tail -n 20"))
        self.run_in("cp -p /root/targrey.conf /etc/targrey/; rm /etc/targrey/conf.bad; "
                    "systemctl restart targrey")

    def test_07_one_start_as_root_does_not_keep_the_unit_from_starting(self):
        self.run_in("systemctl stop targrey; targreyd & pid=$!; "
                    "for i in $(seq 100); do [ -S /var/spool/postfix/targrey/targrey.sock ] && break; "
                    "sleep 0.1; done; sleep 1; kill $pid; wait $pid; systemctl start targrey")
        self.assertEqual("active", self.out("systemctl is-active targrey"))

    def test_08_a_daemon_that_stands_still_is_started_anew(self):
        self.run_in("mkdir -p /run/systemd/system/targrey.service.d; "
                    "printf '[Service]\\nWatchdogSec=6\\n' > /run/systemd/system/targrey.service.d/w.conf; "
                    "systemctl daemon-reload; systemctl restart targrey")
        before = self.main_pid()
        self.run_in("sleep 10")
        self.assertEqual(before, self.main_pid(), "ended though it lived")
        self.run_in("kill -STOP " + before)
        self.run_in("for i in $(seq 60); do new=$(systemctl show -p MainPID --value targrey); "
                    "[ $new != %s ] && [ $new != 0 ] && [ $(systemctl is-active targrey) = active ] && exit; "
                    "sleep 1; done; exit 1" % before)
        self.assertIn("atchdog", self.out("journalctl -q -u targrey"))
        self.run_in("rm -r /run/systemd/system/targrey.service.d; systemctl daemon-reload; "
                    "systemctl restart targrey")

    def test_09_a_backup_is_restored_with_the_right_owner(self):
        self.run_in("targreyctl backup /root/targrey.bak")
        before = self.out("targreyctl list clients")
        self.run_in("systemctl stop targrey; rm /var/lib/targrey/targrey.db*; "
                    "install -o targrey -g targrey -m 0600 /root/targrey.bak /var/lib/targrey/targrey.db; "
                    "systemctl start targrey")
        self.assertIn(OUTSIDE, before)
        self.assertEqual(before, self.out("targreyctl list clients"))
        owners = self.out("stat -c '%U %G %a' /var/lib/targrey/*").splitlines()
        self.assertEqual({"targrey targrey 600"}, set(owners))

    def test_10_an_upgrade_keeps_settings_and_data_and_brings_new_lists(self):
        self.run_in("sed -i 's/^mode = .*/mode = \"rgrey\"/' /etc/targrey/targrey.conf; "
                    "echo 'mine.example' > /etc/targrey/allow.d/mine; "
                    "rm /etc/targrey/s25r.rules; cp /usr/share/targrey/conf/s25r.rules /etc/targrey/; "
                    "echo '# mine' >> /etc/targrey/s25r.rules; "
                    "systemctl reload targrey || { ls -lR /etc/targrey; journalctl -q -u targrey | tail -n 5; exit 1; }")
        clients = self.out("targreyctl list clients")
        before = self.main_pid()
        self.out(INSTALL + "/packages/new/*.deb")
        self.assertIn("-2", self.out("dpkg-query -W -f '${Version}' targrey"))
        self.assertEqual("active", self.out("systemctl is-active targrey"))
        self.assertNotEqual(before, self.main_pid())
        self.assertIn('mode = "rgrey"', self.path("/etc/targrey/targrey.conf").read_text())
        self.assertEqual(clients, self.out("targreyctl list clients"))
        self.assertEqual("mine.example\n", self.path("/etc/targrey/allow.d/mine").read_text())
        self.assertIn("# mine", self.path("/etc/targrey/s25r.rules").read_text())
        self.assertEqual("/usr/share/targrey/conf/allow.d/big-senders",
                         os.readlink(self.path("/etc/targrey/allow.d/big-senders")))

    def test_10b_a_settings_file_that_both_changed_stops_the_upgrade_and_nothing_else(self):
        before = self.main_pid()
        self.run_in("echo '# mine' >> /etc/targrey/targrey.conf")
        # Nobody is there to answer dpkg's question.
        self.assertNotEqual(0, self.run_in(INSTALL + "/packages/later/*.deb", check=False).returncode)
        self.assertEqual(before, self.main_pid())
        self.observe()
        self.assertIn("mode=observe", self.send("half"))
        self.run_in("dpkg --configure -a --force-confold")
        self.assertNotEqual(before, self.main_pid())
        self.assertTrue(self.path("/etc/targrey/targrey.conf").read_text().endswith("\n# mine\n"))
        self.assertIn("later version", self.path("/etc/targrey/targrey.conf.dpkg-dist").read_text())
        # Both lists are in force: one came new, one has a new entry.
        for client, name in (("--ip 192.0.2.77", "later"), ("--ip 192.0.2.78 --name mx.later.example", "big-senders")):
            self.assertIn("/etc/targrey/allow.d/%s" % name, self.out("targreyctl explain " + client))

    def test_10c_settings_that_a_version_does_not_take_leave_the_old_daemon_running(self):
        before = self.main_pid()
        self.run_in("rm /etc/targrey/allow.d/big-senders; cp -p /etc/targrey/targrey.conf /root/; "
                    "echo 'nonsense = 1' >> /etc/targrey/targrey.conf")
        said = self.out("dpkg -i --force-confold /packages/later/*.deb")
        self.assertIn("the settings do not suit this version:\n    targreyd: /etc/targrey/targrey.conf:", said)
        self.assertEqual(before, self.main_pid())
        self.assertIn("mode=observe", self.send("kept"))
        self.run_in("cp -p /root/targrey.conf /etc/targrey/; systemctl restart targrey")
        # What an administrator took away does not come again.
        self.assertFalse(os.path.lexists(self.path("/etc/targrey/allow.d/big-senders")))

    def test_10d_a_step_back_takes_the_links_to_lists_that_are_gone(self):
        later = self.path("/etc/targrey/allow.d/later")
        self.assertTrue(os.path.lexists(later))
        self.out("dpkg -i --force-confold /packages/new/targrey_*.deb")
        self.assertFalse(os.path.lexists(later))
        self.assertEqual("active", self.out("systemctl is-active targrey"))
        self.assertIn("mode=observe", self.send("back"))

    def test_11_at_a_boot_it_is_ready_before_postfix_starts(self):
        self.machine.stop()
        self.machine.boot()
        ready = int(self.out("systemctl show -p ActiveEnterTimestampMonotonic --value targrey"))
        begun = int(self.out("systemctl show -p InactiveExitTimestampMonotonic --value postfix@-"))
        self.assertGreater(ready, 0)
        self.assertGreater(begun, ready)
        self.observe()
        self.assertIn("mode=observe", self.send("second"))

    def test_12_removal_says_what_is_left_in_main_cf_and_mail_goes_on(self):
        said = self.out("apt-get remove -q -y targrey")
        self.assertIn("smtpd_milters in /etc/postfix still names", said)
        self.assertIn('"targrey-setup --undo" restores', said)
        self.assertNotIn("451", said)
        self.assertEqual(self.main_cf, self.path("/etc/postfix/main.cf").read_bytes())
        self.assertTrue(self.path("/var/lib/targrey/targrey.db").exists())
        self.assertNotIn("X-TaRgrey", self.send("third"))

    def test_13_a_purge_keeps_the_database_unless_asked(self):
        said = self.out("apt-get purge -q -y targrey")
        self.assertIn("database stays", said)
        self.assertTrue(self.path("/var/lib/targrey/targrey.db").exists())

    def test_14_a_new_installation_goes_on_with_it(self):
        self.out(INSTALL + "/packages/new/targrey_*.deb")
        self.assertIn(OUTSIDE, self.out("targreyctl list clients"))
        # For the next: what targrey-setup sets for amavis.
        self.run_in("mkdir -p /etc/amavis/conf.d; postconf -e 'content_filter = smtp-amavis:[127.0.0.1]:10024'; "
                    "targrey-setup --apply --no-mail")
        self.assertTrue(self.path("/etc/amavis/conf.d/60-targrey").exists())
        self.run_in("systemctl enable --now targrey-report.timer")
        type(self).main_cf = self.path("/etc/postfix/main.cf").read_bytes()

    def test_15_uninstalled_nothing_is_left_and_lint_passes(self):
        with open(self.path("/etc/spamassassin/local.cf"), "a", encoding="utf-8") as file:
            file.write("ifplugin Mail::SpamAssassin::Plugin::TaRgrey\n"
                       "targrey_hosts mx.example.jp\nendif\n")
        self.run_in("spamassassin --lint")
        self.out("apt-get remove -q -y targrey-spamassassin")
        self.run_in("spamassassin --lint")
        self.run_in("echo 'targrey targrey/purge-database boolean true' | debconf-set-selections; "
                    "rm /etc/targrey/allow.d/mine")
        self.out("apt-get purge -q -y targrey targrey-spamassassin targrey-review")
        self.run_in("spamassassin --lint")
        self.assertEqual("inactive", self.run_in("systemctl is-active targrey-report.timer", check=False).stdout.strip())
        left = self.out("find / -xdev \\( -path /proc -o -path /sys -o -path /packages -o -path /tmp "
                        "-o -path /var/log -o -path /root -o -path /run \\) -prune -o -name '*argrey*' -print")
        self.assertEqual("", re.sub(r"(?m)^/var/lib/systemd/deb-systemd-.*$", "", left).strip())
        self.assertNotEqual(0, self.run_in("getent passwd targrey", check=False).returncode)
        self.assertEqual(self.main_cf, self.path("/etc/postfix/main.cf").read_bytes())


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("tests/package/test_install.py: needs root")
    unittest.main(failfast=True, warnings="ignore")
