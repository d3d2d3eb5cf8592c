# SPDX-License-Identifier: BSD-2-Clause
"""The terminal screen, driven in tmux: keys to move, open, release, spam, undo,
search, next band; at 80x24."""
import os
import shutil
import subprocess
import unittest

from fixture import REVIEW, Scratch, mail
from support.wait import until


@unittest.skipUnless(shutil.which("tmux"), "SKIPPED: tmux is not installed")
class Screen(Scratch):
    def setUp(self):
        super().setUp()
        for number, score in enumerate(["5.1", "4.8", "6.2", "2.1", "9.0", "25"]):
            self.put(mail(number, score, subject="mail %d" % number,
                          body="line of mail %d\n\x1b]0;owned\x07<b>x</b>\n" % number + "z\n" * 60))
        self.socket = "targrey-%d-%s" % (os.getpid(), self.id().rpartition(".")[2])
        self.addCleanup(self.tmux, "kill-server", check=False)

    def tmux(self, *line, check=True):
        return subprocess.run(["tmux", "-f", "/dev/null", "-L", self.socket, *map(str, line)],
                              capture_output=True, check=check, timeout=60,
                              env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8",
                                   "HOME": str(self.root), "TZ": "UTC"}).stdout.decode()

    def start(self, *words, size=(80, 24)):
        line = [REVIEW, *words, "--state", self.state] if words else [REVIEW]
        self.tmux("new-session", "-d", "-x", size[0], "-y", size[1], "; ".join([
            "export XDG_STATE_HOME=%s" % self.root,
            " ".join("'%s'" % word for word in line), "echo status $?", "cat"]))
        self.wait("targrey-review:")

    def shown(self):
        return self.tmux("capture-pane", "-p")

    def wait(self, words, gone=False):
        return until(lambda: (words in self.shown()) != gone and (self.shown() or True),
                     "%r %sto be shown" % (words, "not " if gone else ""))

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def subjects(self):
        return [line.split()[-1] for line in self.shown().splitlines() if " mail " in line and "<" not in line]

    def test_the_nearest_comes_first_within_80_columns(self):
        self.start("screen", self.spam)
        screen = self.wait("mail 5")
        self.assertEqual(["0", "1", "2", "3", "4", "5"], self.subjects())
        lines = screen.splitlines()
        self.assertEqual("targrey-review: all, 1 of 6, mark 5", lines[0].strip())
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertIn("q quit", lines[23])

    def test_release_moves_the_file_and_undo_brings_it_back(self):
        before = self.files(self.inbox)
        self.start("screen", self.spam)
        self.wait("mail 5")
        self.keys("j", "r")
        self.wait("release: moved to the inbox")
        self.wait("2 of 5")
        self.assertEqual(["0", "2", "3", "4", "5"], self.subjects())
        self.assertEqual(1, len(list((self.inbox / "new").iterdir())))
        self.keys("u")
        self.wait("moved back")
        self.wait("of 6")
        self.assertEqual(before, self.files(self.inbox))
        self.keys("q")
        self.wait("status 0")

    def test_a_mail_is_opened_scrolled_and_decided_on(self):
        self.start("screen", self.spam)
        self.wait("mail 5")
        self.keys("Enter")
        screen = self.wait("line of mail 0")
        self.assertIn("Subject: mail 0", screen)
        self.assertIn("\\x1b]0;owned\\x07<b>x</b>", screen)
        self.keys("Space", "Space", "Space", "Space")
        self.wait("line of mail 0", gone=True)
        self.keys("s")
        self.wait("spam: stays where it is")
        self.wait("of 5")
        self.keys("Enter")
        self.wait("line of mail 1")
        self.keys("q")
        self.wait("1 of 5")

    def test_search_and_bands_narrow_the_list(self):
        self.start("screen", self.spam)
        self.wait("mail 5")
        self.keys("/")
        self.wait("Search:")
        self.keys("mail 4", "Enter")
        self.wait("with mail 4, 1 of 1")
        self.assertEqual(["4"], [line.split()[-1] for line in self.shown().splitlines()[1:3] if "mail" in line])
        self.keys("/", "Enter")
        self.wait("1 of 6")
        for title in ("no score, 0 of 0", "likely good, 0 of 0", "just below the mark, 1 of 2", "just above the mark, 1 of 3",
                      "likely spam, 0 of 0", "certain spam, 1 of 1", "all, 1 of 6"):
            self.keys("b")
            self.wait(title)

    def test_it_follows_the_size_of_the_terminal(self):
        self.start("screen", self.spam)
        self.wait("mail 5")
        self.tmux("resize-window", "-x", 50, "-y", 10)
        until(lambda: len(self.shown().splitlines()) <= 10 and "mail 5" in self.shown(), "a small list")
        self.tmux("resize-window", "-x", 30, "-y", 5)
        self.wait("too small")
        self.tmux("resize-window", "-x", 120, "-y", 30)
        self.wait("q quit")
        self.keys("G", "d")
        self.wait("discard: moved to")

    def test_alone_on_a_terminal_it_shows_the_screen(self):
        self.start()
        self.wait("no folder can be read")
        self.keys("q")
        self.wait("no folder was named")
        self.wait("status 0")

    def test_without_a_terminal_it_says_what_needs_none(self):
        self.assertIn("list and show need none", self.refused("screen", self.spam, code=2))


if __name__ == "__main__":
    unittest.main()
