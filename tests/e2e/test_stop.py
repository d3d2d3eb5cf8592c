# SPDX-License-Identifier: BSD-2-Clause
"""Stop, reload, signals and a second instance, with sessions in progress."""
import os
import signal
import unittest

from support.lab import Lab, LabTest

LINE = "p7-dyn100.example.net"
HOLD = 125


def hold_many(lab, count, **more):
    """count sessions from different networks whose RCPT is being held."""
    sessions = []
    for number in range(count):
        session = lab.client(LINE, **more).greet("pc%d" % number)
        session.mail("a@example.com").expect(250)
        session.send("RCPT TO:<held%d@example.jp>" % number)
        sessions.append(session)
    assert sessions[-1].is_waiting()
    return sessions


class Stop(unittest.TestCase):
    def test_every_held_session_hears_451_and_nothing_slips_through(self):
        with Lab({"tarpit": {"max_sessions": 100}}) as lab:
            sessions = hold_many(lab, 20)
            # Behind the hold stands another recipient: a stop is no way past it.
            for session in sessions:
                session.send("RCPT TO:<second@example.jp>", "DATA", "QUIT")
            took = lab.daemon.stop()
            print("stop with 20 held sessions: %.2f s" % took)
            for session in sessions:
                codes = [reply.code for reply in session.at_end()]
                self.assertEqual(codes[0], 451, codes)
                self.assertNotIn(250, codes)
                self.assertNotIn(354, codes)
            self.assertEqual(lab.daemon.complaints(), [])
            ends = {row["hold_end"] for row in lab.daemon.events()}
            self.assertEqual(ends, {"stopped"})

    def test_a_session_that_is_not_held_goes_on_without_the_filter(self):
        with Lab() as lab:
            session = lab.client("mail.example.com").greet()
            session.mail("a@example.com").expect(250)
            lab.daemon.stop()
            # milter_default_action = accept: Postfix goes on without the filter.
            self.assertEqual(session.rcpt("you@example.jp").code, 250)

    def test_the_socket_is_gone_and_a_new_start_works(self):
        with Lab() as lab:
            lab.daemon.stop()
            self.assertFalse(lab.daemon.socket.exists())
            lab.daemon.start()
            lab.client("mail.example.com").try_one(
                "a@example.com", "you@example.jp").expect(250)
            lab.stamp("you@example.jp")

    def test_after_kill_9_it_starts_again_on_the_same_socket(self):
        with Lab() as lab:
            hold_many(lab, 3)
            lab.daemon.kill9()
            lab.daemon.start()
            lab.client(LINE).try_one(
                "a@example.com", "you@example.jp", hold=HOLD).expect(250)
            self.assertEqual(lab.stamp("you@example.jp")["tarpit"], "endured")


    def test_postfix_stopped_in_a_hold_counts_nothing(self):
        with Lab() as lab:
            client = lab.client(LINE)
            session = client.greet("pc")
            session.mail("a@example.com").expect(250)
            session.send("RCPT TO:<you@example.jp>")
            self.assertTrue(session.is_waiting())
            lab.postfix.stop()
            event = lab.event("you@example.jp")
            self.assertEqual(event["hold_end"], "mta-gone")
            lab.postfix.start()
            client.try_one("a@example.com", "you@example.jp", hold=HOLD).expect(250)
            self.assertEqual(lab.stamp("you@example.jp")["gaveup"], 0)


class Reload(LabTest):
    def setUp(self):
        self.lab.daemon.reload({"mode": "targrey", "tarpit": {"max_sessions": 50}})

    def test_a_reload_leaves_sessions_in_progress_alone(self):
        you = self.person()
        session = self.lab.client(LINE).greet("pc")
        session.mail("a@example.com").expect(250)
        self.lab.send_held(session, "RCPT TO:<%s>" % you)
        session.pass_time(30)
        self.lab.daemon.reload({"mode": "observe"})
        self.assertTrue(session.is_waiting())
        session.recipients.append(you)
        session.read_held(HOLD).expect(250)
        session.message().expect(250)
        self.assertEqual(self.lab.stamp(you)["mode"], "targrey")
        other = self.person("other")
        self.lab.client(LINE).try_one("a@example.com", other).expect(250)
        stamp = self.lab.stamp(other)
        self.assertEqual((stamp["mode"], stamp["verdict"], stamp["would"]),
                         ("observe", "pass", "hold"))

    def test_a_smaller_budget_counts_the_holds_that_there_are(self):
        held = hold_many(self.lab, 2)
        self.lab.daemon.reload({"tarpit": {"max_sessions": 2}})
        late = self.person()
        self.lab.client(LINE).try_one("a@example.com", late).expect(450)
        self.assertEqual(self.lab.event(late)["why"], "overflow")
        self.assertTrue(all(session.is_waiting(0.05) for session in held))

    def test_sigusr1_reloads_as_well(self):
        self.lab.daemon.reload({"mode": "observe"}, signal.SIGUSR1)
        you = self.person()
        self.lab.client(LINE).try_one("a@example.com", you).expect(250)
        self.assertEqual(self.lab.stamp(you)["mode"], "observe")

    def test_a_bad_file_changes_nothing_and_is_named_in_the_log(self):
        conf = self.lab.daemon.conf
        good = conf.read_text()
        conf.write_text(good.replace('"targrey"', '"nonsense"', 1))
        before = self.lab.daemon.log().count("nonsense")
        self.lab.daemon.send_signal(signal.SIGHUP)
        self.lab.daemon.wait_log("nonsense", before + 1)
        conf.write_text(good)
        you = self.person()
        self.lab.client(LINE).try_one("a@example.com", you, hold=HOLD).expect(250)
        self.assertEqual(self.lab.stamp(you)["mode"], "targrey")

    def test_what_needs_a_restart_is_refused_and_said(self):
        self.lab.daemon.write({"listen": "unix:/tmp/elsewhere.sock"})
        self.lab.daemon.send_signal(signal.SIGHUP)
        self.lab.daemon.wait_log("restart")
        self.lab.daemon.write({"listen": "unix:%s" % self.lab.daemon.socket})
        self.assertTrue(self.lab.daemon.answers())

    def test_a_second_instance_is_refused_and_the_first_goes_on(self):
        second = self.lab.daemon.spawn()
        self.assertNotEqual(second.wait(60), 0)
        you = self.person()
        self.lab.client("mail.example.com").try_one("a@example.com", you).expect(250)
        self.lab.stamp(you)


class Storm(LabTest):
    def test_two_thousand_signals_of_two_kinds_stop_nothing(self):
        you = self.person()
        session = self.lab.client(LINE).greet("pc")
        session.mail("a@example.com").expect(250)
        session.send("RCPT TO:<%s>" % you)
        session.recipients.append(you)
        self.assertTrue(session.is_waiting())
        pid = self.lab.daemon.pid
        for number in range(2000):
            os.kill(pid, signal.SIGHUP if number % 2 else signal.SIGUSR1)
        # libmilter's listener would notice a stop when it wakes.
        for _ in range(5):
            self.lab.client("mail.example.com").try_one(
                "a@example.com", self.person("storm")).expect(250)
        self.assertTrue(self.lab.daemon.is_alive())
        session.read_held(HOLD).expect(250)
        session.message().expect(250)
        self.assertEqual(self.lab.stamp(you)["tarpit"], "endured")


if __name__ == "__main__":
    unittest.main()
