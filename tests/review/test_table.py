# SPDX-License-Identifier: BSD-2-Clause
"""The manual page, the reference and the completion are those of the table."""
import os
import re
import shutil
import subprocess
import unittest

from fixture import REVIEW, TOP, Scratch

MADE = {
    "--print-manual": "docs/man/targrey-review.1",
    "--print-markdown": "docs/targrey-review.md",
    "--print-completion": "conf/bash-completion/targrey-review",
}


class Table(Scratch):
    def out(self, *line):
        return subprocess.run([REVIEW, *line], capture_output=True, check=True, timeout=60).stdout.decode()

    def test_what_is_made_from_the_table_is_up_to_date(self):
        for option, name in MADE.items():
            made = self.out(option)
            if os.environ.get("TARGREY_GOLDEN") == "write":
                (TOP / name).write_text(made)
            self.assertEqual((TOP / name).read_text(), made, "%s: targrey-review %s >%s" % (name, option, name))

    def test_the_manual_page_is_good_mdoc(self):
        if not shutil.which("mandoc"):
            self.skipTest("SKIPPED: mandoc is not installed")
        done = subprocess.run(["mandoc", "-Tlint", "-Werror", TOP / MADE["--print-manual"]],
                              capture_output=True, text=True)
        self.assertEqual((0, ""), (done.returncode, done.stdout))

    def test_every_command_helps(self):
        names = re.findall(r"^  (\w+) ", self.out("--help").split("\n\n")[1], re.M)
        self.assertIn("release", names)
        for name in names:
            self.assertIn("usage: targrey-review %s" % name, self.out(name, "--help"))

    def test_completion_knows_commands(self):
        script = ('. "$1"; COMP_WORDS=(targrey-review rel); COMP_CWORD=1; _targrey-review; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, "bash", TOP / MADE["--print-completion"]],
                              capture_output=True, text=True)
        self.assertEqual(("release\n", ""), (done.stdout, done.stderr))


if __name__ == "__main__":
    unittest.main()
