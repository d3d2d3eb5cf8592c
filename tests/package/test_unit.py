# SPDX-License-Identifier: BSD-2-Clause
"""conf/targrey.service as systemd itself reads and judges it; nothing is started."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

CONF = pathlib.Path(__file__).resolve().parent.parent.parent / "conf"
SCORE = 13  # tenths; what systemd calls OK is below 45
# Of systemd 254, which the unit's comment says.
YOUNG = ("RestartSteps", "RestartMaxDelaySec")


class Unit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="targrey-unit-"))
        cls.addClassCleanup(shutil.rmtree, cls.root, ignore_errors=True)
        cls.text = (CONF / "targrey.service").read_text()
        cls.unit = cls.root / "targrey.service"
        # Only that the program is there is asked of it.
        cls.unit.write_text(cls.text.replace("/usr/local/sbin/targreyd", "/bin/true"))

    def analyze(self, *arguments):
        return subprocess.run(["systemd-analyze", *arguments, str(self.unit)], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)

    def test_its_exposure_is_at_most_1_3(self):
        done = self.analyze("security", "--offline=yes", "--no-pager", "--threshold=%d" % SCORE)
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertRegex(done.stdout, r"exposure level for targrey.service: [01]\.\d OK")

    def test_systemd_knows_every_line_of_it(self):
        done = self.analyze("verify", "--man=no", "--recursive-errors=no")
        wrong = [line for line in done.stdout.splitlines()
                 if "targrey.service" in line and not any(key in line for key in YOUNG)]
        self.assertEqual([], wrong)

    def test_it_is_ordered_before_the_instance_that_debian_runs(self):
        before = re.search(r"(?m)^Before=(.*)$", self.text).group(1).split()
        self.assertEqual(["postfix.service", "postfix@-.service"], before)

    def test_the_folder_of_the_socket_is_the_one_that_it_may_write(self):
        folder = next(line.split() for line in (CONF / "targrey.tmpfiles").read_text().splitlines()
                      if line.startswith("d "))
        self.assertEqual(["d", "/var/spool/postfix/targrey", "2750", "targrey", "postfix", "-"], folder)
        self.assertIn("\nReadWritePaths=%s\n" % folder[1], self.text)
        self.assertIn("unix:%s/" % folder[1], (CONF / "targrey.conf").read_text())

    def test_sysusers_and_tmpfiles_take_the_samples(self):
        for tool, name in (("systemd-sysusers", "sysusers"), ("systemd-tmpfiles", "tmpfiles")):
            root = self.root / name
            (root / "etc").mkdir(parents=True)
            (root / "etc/group").write_text("postfix:x:105:\ntargrey:x:990:\n" if name == "tmpfiles" else "")
            (root / "etc/passwd").write_text(
                "targrey:x:990:990::/:/bin/false\n" if name == "tmpfiles" else "")
            command = [tool, "--root=%s" % root, str(CONF / ("targrey." + name))]
            if name == "tmpfiles":
                command.insert(1, "--create")
            done = subprocess.run(command, check=False, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=60)
            self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn("targrey:", (self.root / "sysusers/etc/passwd").read_text())
        self.assertEqual(0o2750, (self.root / "tmpfiles/var/spool/postfix/targrey").stat().st_mode & 0o7777)


if __name__ == "__main__":
    unittest.main()
