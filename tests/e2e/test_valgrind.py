# SPDX-License-Identifier: BSD-2-Clause
"""A day of the daemon's, short enough for it to be run under valgrind.

With TARGREY_VALGRIND=memcheck any fault or leak fails the class when the daemon
is stopped (support/daemon.py); any other file of e2e can be run so, too.
"""
import unittest

from support.names import DnsTest

LINE = "p7-dyn100.example.net"
HOLD = 125
GOOD, BAD = "198.51.100.7", "203.0.113.9"


class Day(DnsTest):
    names = {"good.test": {"TXT": ["v=spf1 ip4:198.51.100.0/24 include:more.test -all"],
                           "MX": [[10, "mail.good.test"]]},
             "more.test": {"TXT": ["v=spf1 a:mail.good.test ~all"]},
             "mail.good.test": {"A": [GOOD]}}

    def test_a_held_client_that_waits(self):
        you = self.person()
        self.lab.client(LINE).try_one("a@good.test", you, hold=HOLD).expect(250)
        self.assertEqual(self.lab.stamp(you)["tarpit"], "endured")

    def test_a_held_client_that_leaves_is_greylisted_until_it_comes_back(self):
        you, client = self.person(), self.lab.client(LINE)
        self.lab.leave_hold(client, "a@good.test", you)
        for wait, code in ((60, 450), (1900, 450), (1900, 250)):
            self.lab.clock.advance(wait)
            client.try_one("a@good.test", you).expect(code)
        self.assertEqual(self.lab.stamp(you)["why"], "tries")

    def test_spf_passes_and_fails_and_forged_headers_go(self):
        for addr, word in ((GOOD, "pass"), (BAD, "fail")):
            you = self.person(word)
            self.at(addr).try_one("a@good.test", you,
                                  headers="X-TaRgrey-Flags: NONE\n").expect(250)
            self.assertEqual(self.lab.stamp(you)["spf"], word)

    def test_a_reload_with_a_fault_keeps_the_old_settings_and_one_without_does_not(self):
        you = self.person()
        self.lab.daemon.reload({"tarpit": {"hold": "nonsense"}})
        self.lab.client(LINE).try_one("a@good.test", you, hold=HOLD).expect(250)
        self.lab.daemon.reload({"tarpit": {"hold": "90s"}})
        self.lab.client(LINE).try_one("b@good.test", you, hold=90).expect(250)
        self.lab.daemon.reload({"tarpit": {"hold": "%ds" % HOLD}})

    def test_a_session_that_is_open_when_the_daemon_is_stopped(self):
        session = self.lab.client(LINE).greet()
        session.mail("a@good.test").expect(250)
        session.send("RCPT TO:<%s>" % self.person())
        session.pass_time(10)
        self.lab.daemon.restart()
        session.hang_up()


if __name__ == "__main__":
    unittest.main()
