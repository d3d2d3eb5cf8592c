# SPDX-License-Identifier: BSD-2-Clause
"""targreyctl status, metrics and list held tell of this moment, whatever fails."""
import os
import pathlib
import signal
import socket
import sqlite3
import time
import unittest

from support.lab import LabTest
from support.wait import until

LINE = "p7-dyn100.example.net"
HOLD, MINUTE = 125, 60
RECORDED = pathlib.Path(__file__).parent.parent / "admin" / "status.txt"


class Status(LabTest):
    def status(self):
        """(exit code, the facts of the daemon)"""
        code, told, _ = self.lab.daemon.ctl_code("status")
        return code, told["daemon"]

    def metric(self, name):
        _, told, _ = self.lab.daemon.ctl_code("metrics")
        rows = {row["name"]: row["value"] for row in told["metrics"]["rows"]}
        return rows.get(name)

    def tearDown(self):
        if not self.lab.daemon.is_alive():
            self.lab.daemon.start()
        super().tearDown()

    def test_what_the_writer_counts_is_told(self):
        client, you = self.lab.client(LINE), self.person()
        before = self.status()[1]
        self.lab.leave_hold(client, "a@example.com", you)
        self.lab.event(you)
        code, after = self.status()
        self.assertEqual((code, after["running"]), (0, "running"))
        self.assertGreater(after["notes"], before["notes"])
        self.assertGreater(after["commits"], before["commits"])
        self.assertEqual(after["gone"], before["gone"] + 1)
        for key in ("queued", "notes_refused", "notes_limited", "notes_failed"):
            self.assertEqual(after[key], 0, key)
        self.assertEqual(self.metric("targrey_store_notes_total"), after["notes"])

    def test_a_limited_note_is_counted(self):
        self.lab.daemon.reload({"greylist": {"max_new_per_net": 1}})
        self.addCleanup(self.lab.daemon.reload,
                        {"greylist": {"max_new_per_net": None}})
        client = self.lab.client(LINE)
        self.lab.leave_hold(client, "one@example.com", self.person("one"))
        for tag in ("two", "three", "four"):
            client.try_one("%s@example.com" % tag, self.person(tag)).expect(450)
            self.lab.event(self.person(tag))
        self.assertGreater(self.status()[1]["notes_limited"], 0)

    def test_after_a_stop_it_says_stopped(self):
        self.lab.daemon.stop()
        self.assertEqual(self.status(), (3, {"running": "stopped"}))
        self.assertEqual(self.metric("targrey_up"), 0)
        self.assertIsNone(self.metric("targrey_holds_now"))
        code, told, said = self.lab.daemon.ctl_code("list", "held")
        self.assertEqual((code, told["held"]["rows"]), (0, []))
        self.assertIn("the daemon is not running", said)
        self.lab.daemon.start()
        self.assertEqual(self.status()[0], 0)
        self.assertEqual(self.metric("targrey_up"), 1)

    def test_after_a_kill_it_says_that_nobody_stopped_it(self):
        self.lab.daemon.kill9()
        self.assertEqual(self.status(), (3, {"running": "ended without a stop"}))
        self.lab.daemon.start()
        self.assertEqual(self.status()[0], 0)

    def test_a_locked_database_is_told_while_it_is_locked(self):
        base = sqlite3.connect(self.lab.daemon.database, isolation_level=None)
        self.addCleanup(base.close)
        base.execute("BEGIN IMMEDIATE")
        self.lab.client(LINE).greet("pc").quit()
        until(lambda: self.status()[0] == 1, "the status to be degraded")
        code, told, _ = self.lab.daemon.ctl_code("status")
        self.assertEqual(
            (code, told["daemon"]["running"], told["daemon"]["store"]),
            (1, "running, degraded", "failing"))
        self.assertIn("locked", told["trouble"]["rows"][0]["text"])
        self.assertEqual(self.metric("targrey_degraded"), 1)
        base.execute("ROLLBACK")
        until(lambda: self.status()[0] == 0, "the status to be well again")

    def test_a_database_that_cannot_be_read_leaves_the_daemon_s_part(self):
        # One that is not there, in settings of targreyctl's own: of its own the
        # daemon would make a new one.
        daemon, conf = self.lab.daemon, self.lab.daemon.conf
        self.addCleanup(setattr, daemon, "conf", conf)
        daemon.conf = conf.with_name("other.conf")
        daemon.conf.write_text(conf.read_text().replace(
            str(daemon.database), str(daemon.database) + ".away"))
        code, told, said = daemon.ctl_code("status")
        self.assertEqual(code, 1)
        self.assertIn("running", told["daemon"]["running"])
        self.assertIn("No such file", said)
        code, told, _ = daemon.ctl_code("metrics")
        self.assertEqual(code, 1)
        self.assertIn("targrey_up", str(told))

    def test_a_removed_socket_is_made_again(self):
        path = str(self.lab.daemon.socket) + ".status"
        os.unlink(path)
        self.assertEqual(self.status()[0], 3)
        until(lambda: os.path.exists(path), "the socket to be made again")
        self.assertEqual(self.status()[0], 0)

    def test_a_socket_that_cannot_be_made_is_made_once_it_can(self):
        daemon = self.lab.daemon
        path = str(daemon.socket) + ".status"
        daemon.send_signal(signal.SIGSTOP)
        os.unlink(path)
        os.mkdir(path)
        known = len(daemon.log())
        daemon.send_signal(signal.SIGCONT)
        until(lambda: "no socket for targreyctl status" in daemon.log()[known:],
              "the failure in the log")
        self.assertNotIn("made again", daemon.log()[known:])
        os.rmdir(path)
        until(lambda: "made again" in daemon.log()[known:], "the socket to be made again")
        self.assertEqual(self.status()[0], 0)
        self.assertEqual(daemon.log()[known:].count("no socket for"), 1)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o660)

    def test_only_its_user_and_group_may_ask(self):
        mode = os.stat(str(self.lab.daemon.socket) + ".status").st_mode
        self.assertEqual(mode & 0o777, 0o660)

    def test_one_who_does_not_read_stops_nobody(self):
        with socket.socket(socket.AF_UNIX) as mute:
            mute.connect(str(self.lab.daemon.socket) + ".status")
            self.assertEqual(self.status()[0], 0)

    def test_the_text_recorded_for_the_goldens_is_still_the_daemon_s(self):
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(self.lab.daemon.socket) + ".status")
            with asked.makefile() as text:
                now = text.read().splitlines()
        recorded = RECORDED.read_text().splitlines()
        self.assertEqual(self.keys(now), self.keys(recorded))
        for line in ("mode\ttargrey", "store\tok", "end\tyes"):
            self.assertIn(line, now)
            self.assertIn(line, recorded)

    def keys(self, lines):
        """All but those that are not always there."""
        found = [line.split("\t")[0] for line in lines]
        return [key for key in found if key != "hold" and not key.startswith("away_last")]

    def away(self):
        daemon = self.status()[1]
        return {key: daemon.get("away_" + key) for key in ("week", "week_s", "last", "last_s")}

    def test_a_stop_is_told_with_how_long_mail_went_unchecked(self):
        before, counted = self.away(), self.metric("targrey_away_seconds_total")
        begun = time.monotonic()
        self.lab.daemon.stop()
        self.lab.clock.advance(40)
        self.lab.daemon.start()
        after = self.away()
        took = 41 + time.monotonic() - begun
        self.assertEqual((after["week"], after["last"]), (before["week"] + 1, "stopped"))
        self.assertTrue(40 <= after["last_s"] <= took, after)
        self.assertEqual(after["week_s"], before["week_s"] + after["last_s"])
        self.assertEqual(self.metric("targrey_away_seconds_total"), counted + after["last_s"])
        self.lab.daemon.wait_log("was away for %d s (stopped)" % after["last_s"])

    def test_a_kill_is_told_even_when_the_clock_was_set_back(self):
        counted = self.metric("targrey_away_total")
        begun = time.monotonic()
        self.lab.daemon.kill9()
        self.lab.clock.advance(60)
        self.lab.clock.set_wall(-86400)
        self.addCleanup(self.lab.daemon.restart)
        self.addCleanup(self.lab.clock.set_wall, 0)
        self.lab.daemon.start()
        after = self.away()
        # The last sign of life may be some seconds old, on a busy machine more.
        took = 120 + time.monotonic() - begun
        self.assertEqual(after["last"], "ended without a stop")
        self.assertTrue(60 <= after["last_s"] <= took, after)
        self.assertEqual(self.metric("targrey_away_total"), counted + 1)

    def test_signs_of_life_are_given_all_the_time(self):
        path = pathlib.Path(str(self.lab.daemon.socket) + ".away")
        first = path.read_text().splitlines()[0]
        self.assertTrue(first.startswith("alive "), first)
        self.lab.clock.advance(5)
        until(lambda: path.read_text().splitlines()[0] != first, "a sign of life")
        self.lab.daemon.stop()
        self.assertTrue(path.read_text().startswith("ended "))


if __name__ == "__main__":
    unittest.main()
