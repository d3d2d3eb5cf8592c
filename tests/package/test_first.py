# SPDX-License-Identifier: BSD-2-Clause
"""A new host, a bare Debian 12 under systemd with one account: two commands, as
docs/install.md has them, from nothing to the first mail that is enriched, scored
and sorted. What they install is downloaded before and not counted.
"""
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import machine  # noqa: E402

NEW = pathlib.Path(os.environ["TARGREY_NEW"])
CACHE = pathlib.Path(os.environ["TARGREY_ROOT_CACHE"])
INSTALL = pathlib.Path(__file__).resolve().parent.parent.parent / "docs/install.md"
LIMIT_S = 120


def commands():
    text = INSTALL.read_text().split("\n### From nothing to sorted mail\n")[1].split("\n\n###")[0]
    return re.findall(r"(?m)^    (\S.*)$", text.split("`--sort` lets")[0])


def cpu_s():
    """Of the commands that were run in the machine, without its daemons."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class First(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        base = machine.base(CACHE / "base")
        cls.root = CACHE / ("first-%d" % os.getpid())
        subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(cls.root)], check=True)
        cls.addClassCleanup(shutil.rmtree, cls.root, ignore_errors=True)
        for path in NEW.glob("*.deb"):
            shutil.copy(path, cls.root / "root")
        machine.fetch(cls.root, ["/root/" + path.name for path in NEW.glob("*.deb")])
        cls.machine = machine.Machine(cls.root, "first-%d" % os.getpid())
        cls.addClassCleanup(cls.machine.stop)
        cls.machine.boot()
        cls.machine.run("useradd -m anna")
        cls.said, begun, used = [], time.monotonic(), cpu_s()
        for command in commands():
            # The downloads have no recommended packages; nobody is there to answer.
            command = command.replace("apt install", "apt-get install -q -y --no-install-recommends")
            if command.startswith("targrey-setup"):
                cls.main_cf = (cls.root / "etc/postfix/main.cf").read_bytes()
            cls.said.append(cls.machine.out("cd /root && " + command))
        cls.took, cls.cpu = time.monotonic() - begun, cpu_s() - used

    def test_it_takes_at_most_four_commands(self):
        self.assertEqual(2, len(commands()))
        print("%d commands, %.0f s without the download, %.0f s of CPU, load %.1f" % (
            len(commands()), self.took, self.cpu, os.getloadavg()[0]))
        if self.took > LIMIT_S:
            print("**** more than the %d s of the goal: is the machine busy?" % LIMIT_S)

    def test_the_first_mail_is_enriched_and_scored(self):
        mail = (self.root / "var/mail/anna").read_text()
        self.assertRegex(mail, r"\nX-TaRgrey-Session: v=1; id=\S+; .*mode=observe; ")
        self.assertRegex(mail, r"\nX-Spam-Status: No, score=-?\d")
        self.assertIn("ok    the headers are there: it works (/var/mail/anna)", self.said[-1])
        self.assertRegex(self.said[-1], r"\n +X-Spam-Status: No, score=-?\d(.*\n)+ +X-TaRgrey-Session: v=1; ")

    def test_its_headers_are_trusted_by_the_rules(self):
        # The system's name is short, Postfix's is whole, as Debian's installer leaves them.
        self.assertEqual("mx mx.example.jp", self.machine.out("echo $(uname -n) $(postconf -h myhostname)"))
        said = self.machine.out("spamassassin -L -D rules </var/mail/anna 2>&1 | grep -o '__TARGREY_.* ======> got hit'")
        self.assertIn("__TARGREY_OBSERVE ======> got hit", said)
        self.assertNotIn("__TARGREY_NOHDR ", said)

    def test_spam_is_sorted_by_its_score(self):
        found = list((self.root / "home/anna/Maildir").rglob("new/*"))
        self.assertEqual([".spam.20plus"], [path.parts[-3] for path in found])
        self.assertIn("GTUBE", found[0].read_text())
        self.assertIn("ok    sorted by its score: /home/anna/Maildir/.spam.20plus/new/", self.said[-1])

    def test_nothing_is_left_to_do(self):
        said = self.machine.run("targreyctl doctor", check=False).stdout
        self.assertIn("Nothing to set", said)

    def test_zz_undo_takes_all_of_it_back(self):
        self.machine.run("targrey-setup --undo")
        self.assertEqual(self.main_cf, (self.root / "etc/postfix/main.cf").read_bytes())
        for name in ("etc/procmailrc", "etc/postfix/spam_header_checks",
                     "etc/spamassassin/71_targrey_site.cf"):
            self.assertFalse((self.root / name).exists(), name)


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("tests/package/test_first.py: needs root")
    unittest.main(warnings="ignore")
