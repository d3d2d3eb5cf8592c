# SPDX-License-Identifier: BSD-2-Clause
"""What keeps the daemon from starting, and what it says then."""
import grp
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from support.daemon import Daemon, Raw


class Start(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="targrey-"))
        self.root.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)

    def daemon(self, settings=None):
        return Daemon(self.root, self.root / "s" / "targrey.sock", None, settings)

    def refused(self, daemon):
        """Starts it; it must end by itself. Returns what it said."""
        process = daemon.spawn()
        self.addCleanup(process.kill)
        self.assertNotEqual(process.wait(60), 0)
        self.assertEqual(daemon.complaints(), [])
        self.assertFalse(daemon.socket.is_socket(), "it left a socket")
        return daemon.log()

    def test_a_mistake_names_file_line_key_and_what_is_allowed(self):
        cases = [
            ({"mode": "nonsense"}, "mode", "starpit"),
            ({"tarpit": {"hold": "500s"}}, "hold", "4m"),
            ({"tarpit": {"max_sessions": 0}}, "max_sessions", "10000"),
            ({"greylist": {"retry_count": Raw("many")}}, "retry_count", ""),
            ({"exempt_networks": ["10.0.0.0/40"]}, "exempt_networks", ""),
            ({"no_such_key": 1}, "no_such_key", ""),
            ({"store": {"url": "mysql://x"}}, "url", "sqlite"),
        ]
        for settings, key, allowed in cases:
            daemon = self.daemon(settings)
            line = 1 + next(
                number for number, text in enumerate(
                    daemon.conf.read_text().splitlines()) if key in text)
            said = self.refused(daemon)
            self.assertIn("%s:%d" % (daemon.conf, line), said)
            self.assertIn(key, said)
            self.assertIn(allowed, said)
            self.assertEqual(daemon.check()[0] != 0, True)
            daemon.log_file.unlink()

    def test_a_key_given_twice_is_a_mistake(self):
        daemon = self.daemon()
        with open(daemon.conf, "a", encoding="utf-8") as file:
            file.write('mode = "observe"\n')
        self.assertIn("mode", self.refused(daemon))

    def test_a_wrong_pattern_names_its_line_and_place(self):
        rules = self.root / "bad.rules"
        rules.write_text("# none yet\n1 ^a[b reason\n")
        said = self.refused(self.daemon({"suspects": {"s25r": str(rules)}}))
        self.assertIn("%s:2" % rules, said)

    def test_a_store_that_cannot_be_opened_is_named(self):
        daemon = self.daemon({"store": {"url": "sqlite:/nowhere/at/all.db"}})
        self.assertIn("/nowhere/at/all.db", self.refused(daemon))

    def test_a_store_that_is_no_database_is_refused(self):
        daemon = self.daemon()
        daemon.database.write_text("this is not a database\n" * 100)
        os.chmod(daemon.database, 0o666)
        self.assertIn(str(daemon.database), self.refused(daemon))

    def test_an_unknown_user_is_named(self):
        self.assertIn("nosuchuser", self.refused(self.daemon({"user": "nosuchuser"})))

    def test_a_refused_start_does_not_touch_standard_input(self):
        daemon = self.daemon({"user": "nosuchuser"})
        done = subprocess.run(
            [str(daemon.binary), "-f", str(daemon.conf)], input=b"A" * 64,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", timeout=60,
            env=daemon.environment(), check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"nosuchuser", done.stderr)

    def test_a_good_file_is_printed_by_the_check_and_accepted_again(self):
        daemon = self.daemon()
        code, text = daemon.check()
        self.assertEqual(code, 0, text)
        daemon.conf.write_text(text)
        again, said = daemon.check()
        self.assertEqual((again, said), (0, text))

    def test_the_socket_has_the_group_and_mode_that_postfix_needs(self):
        daemon = self.daemon({"socket_mode": "0660"})
        daemon.start()
        self.addCleanup(daemon.close)
        status = os.stat(daemon.socket)
        self.assertEqual(status.st_mode & 0o777, 0o660)
        self.assertEqual(grp.getgrnam("postfix").gr_gid, status.st_gid)

    def test_it_does_not_stay_root(self):
        daemon = self.daemon()
        daemon.start()
        self.addCleanup(daemon.close)
        status = pathlib.Path("/proc/%d/status" % daemon.pid).read_text()
        uids = next(line for line in status.splitlines() if line.startswith("Uid:"))
        self.assertNotIn("0", uids.split()[1:])

    def test_a_second_one_on_the_same_database_is_refused(self):
        first = self.daemon()
        first.start()
        self.addCleanup(first.close)
        second_root = self.root / "second"
        second_root.mkdir()
        second = Daemon(second_root, second_root / "s" / "targrey.sock", None, {
            "store": {"url": "sqlite:%s" % first.database}})
        self.refused(second)
        self.assertTrue(first.answers())


if __name__ == "__main__":
    unittest.main()
