# SPDX-License-Identifier: BSD-2-Clause
"""Two Postfix with a targreyd each on one PostgreSQL: what one has told a client
the other knows, and without the database mail goes on."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from unittest import mock

from support import ports
from support.daemon import USER, Daemon
from support.lab import Lab
from support.pgserver import PgServer
from support.wait import until

LINE = "p7-dyn100.example.net"
MINUTE = 60
HUNG_S = 120
HERE = pathlib.Path(__file__).resolve().parent


class SeveralMx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgServer("fsync=off")
        cls.labs = []
        try:
            cls.server.start()
            url = cls.server.url()
            # A busy machine's database may need its time; see the last tests.
            store = {"url": url, "timeout": "5s"}
            for number in (1, 2):
                lab = Lab({"mode": "rgrey", "store": store,
                           "mx": ["10 mx1.example.jp", "20 mx2.example.jp"],
                           "hostname": "mx%d.example.jp" % number})
                cls.labs.append(lab.start())
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        for lab in cls.labs:
            lab.close()
        cls.server.close()

    def advance(self, seconds):
        for lab in self.labs:
            lab.clock.advance(seconds)

    def visit(self, number, source, sender, you):
        client = self.labs[number].client(LINE, source=source)
        try:
            return client.try_one(sender, you)
        finally:
            client.close()

    def wait_for(self, claim, what):
        begin = time.monotonic()
        while not claim():
            if time.monotonic() - begin > HUNG_S:
                self.fail("hung: %s" % what)
            time.sleep(0.1)

    def test_1_retry_at_the_other_mx_passes(self):
        source, sender, you = "127.77.1.5", "a@example.com", "one@example.jp"
        self.visit(0, source, sender, you).expect(450)
        self.advance(31 * MINUTE)
        self.visit(1, source, sender, you).expect(450)
        self.advance(2 * MINUTE)
        self.visit(0, source, sender, you).expect(250)
        stamp = self.labs[0].stamp(you)
        self.assertEqual((stamp["grey"], stamp["grey_tries"], stamp["fault"]),
                         ("passed", 2, "none"))
        self.assertEqual((stamp["mx"], stamp["mx_order"]), (2, "primary-first"))
        self.wait_for(lambda: len(self.server.ask(
            "SELECT 1 FROM event WHERE recipients = '%s'" % you)) == 3, "events")
        self.assertEqual(
            self.server.ask("SELECT id FROM event WHERE recipients = '%s'"
                            " ORDER BY event_id" % you),
            ["mx1.example.jp", "mx2.example.jp", "mx1.example.jp"])

    def test_1_client_that_walks_the_mx_list_is_not_early(self):
        source, sender, you = "127.77.7.5", "w@example.com", "walk@example.jp"
        for order in ((1, 0), (1, 0), (0,)):
            for number in order:
                self.visit(number, source, sender, you)
            self.advance(31 * MINUTE)
        stamp = self.labs[0].stamp(you)
        self.assertEqual((stamp["grey_tries"], stamp["early"]), (2, "no"))
        self.assertEqual((stamp["mx"], stamp["mx_order"]), (2, "secondary-first"))
        sid = stamp["sid"]
        ctl = self.labs[1].daemon.ctl
        self.wait_for(lambda: "mx1.example.jp" in str(ctl("find", sid)), "the event")
        explained = str(ctl("explain", "--sid", sid))
        self.assertIn("tried at 2 MXs so far, at a secondary first", explained)
        self.assertIn("mx1.example.jp", explained)
        # Twice at one of them is.
        for number in (0, 0, 1):
            self.visit(number, source, "x@example.com", you).expect(450)
        early = "SELECT early FROM event WHERE sender = 'x@example.com' ORDER BY early"
        self.wait_for(lambda: len(self.server.ask(early)) == 3, "events")
        self.assertEqual(self.server.ask(early), ["no", "yes", "yes"])

    def test_2_targreyctl_at_one_sees_what_the_other_did(self):
        self.visit(1, "127.77.2.5", "b@example.com", "two@example.jp").expect(450)
        ctl = self.labs[0].daemon.ctl
        self.wait_for(lambda: "two@example.jp" in str(ctl("find", "127.77.2.5")),
                      "the event in find")
        self.assertIn("b@example.com", str(ctl("list", "triplets")))
        self.assertIn("127.77.2.5", str(ctl("explain", "--ip", "127.77.2.5")))

        def events():
            rows = ctl("metrics")["metrics"]["rows"]
            return [row["value"] for row in rows
                    if row["name"] == "targrey_events_total"][0]
        # An event with a lower number may still come from the other MX.
        written = int(self.server.ask("SELECT count(*) FROM event")[0])
        self.assertLess(events(), written)
        self.advance(2 * MINUTE)
        self.assertEqual(events(), written)

    def test_2_report_says_what_came_to_each(self):
        def told():
            return sorted("|".join(str(row[name]) for name in (
                "mx", "visits", "greylisted", "delivered", "several",
                "secondary_first"))
                for row in self.labs[1].daemon.ctl("report")["mxs"]["rows"])

        def counted():
            return self.server.ask(
                "SELECT id, count(*), count(*) FILTER (WHERE verdict = 'greylist'),"
                " sum(delivered), count(*) FILTER (WHERE mx::int > 1),"
                " count(*) FILTER (WHERE mx_order = 'secondary-first')"
                " FROM event GROUP BY id ORDER BY id")
        self.wait_for(lambda: told() == counted(), "the last event")
        lines = counted()
        self.assertEqual(len(lines), 2)
        # The walks above are among them.
        self.assertFalse([line for line in lines if "0" in line.split("|")[-2:]])

    def test_3_database_that_stands_still_holds_no_mail_longer_than_its_time(self):
        self.visit(0, "127.77.3.5", "c@example.com", "three@example.jp").expect(450)
        self.server.signal(signal.SIGSTOP)
        try:
            for number in range(6):
                you = "still%d@example.jp" % number
                self.visit(0, "127.77.4.%d" % (5 + number), "c@example.com",
                           you).expect(250)
                self.assertEqual(self.labs[0].stamp(you)["fault"], "store")
            # Three waits, at RCPT or DATA each, and nobody waits any more.
            code, told, said = self.labs[0].daemon.ctl_code("status")
            self.assertIn("the database cannot be used, mail goes on without the record: ",
                          str(told["trouble"]["rows"]), (code, said))
        finally:
            self.server.signal(signal.SIGCONT)
        self.comes_back()

    def test_4_stopped_database_is_used_again_by_itself(self):
        self.server.run("kill")
        self.visit(1, "127.77.5.5", "d@example.com", "down@example.jp").expect(250)
        self.assertEqual(self.labs[1].stamp("down@example.jp")["fault"], "store")
        self.server.run("again")
        self.comes_back()
        self.advance(40 * MINUTE)
        # What the client was told before is still on record.
        reply = self.visit(1, "127.77.3.5", "c@example.com", "three@example.jp")
        reply.expect(450)
        self.advance(2 * MINUTE)
        self.visit(0, "127.77.3.5", "c@example.com", "three@example.jp").expect(250)

    def comes_back(self):
        """Housekeeping asks again every second, and mail is greylisted again."""
        for number in (0, 1):
            visits = iter(range(10000))

            def is_back():
                self.advance(1.5)
                you = "back%d.%d@example.jp" % (number, next(visits))
                return self.visit(number, "127.77.6.%d" % (5 + number),
                                  "e@example.com", you).code == 450
            self.wait_for(is_back, "the store of mx%d" % (number + 1))


class SlowNames(Daemon):
    """One whose names are not found while the file self.slow is there."""

    @property
    def slow(self):
        return self.root / "slow"

    def prepare(self):
        shim = self.root / "slow_names.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(shim),
                        str(HERE / "slow_names.c")], check=True)
        shim.chmod(0o755)

    def environment(self):
        return dict(super().environment(), SLOW_NAMES=str(self.slow),
                    LD_PRELOAD=str(self.root / "slow_names.so"),
                    ASAN_OPTIONS="detect_leaks=0:verify_asan_link_order=0")


class NameServerAway(unittest.TestCase):
    def test_450_waits_no_longer_for_its_record_than_the_database_s_time(self):
        port = ports.book()
        self.addCleanup(ports.give_back, port)
        with mock.patch.dict(os.environ, {"PGPORT": str(port)}), PgServer(
                "fsync=off", "port=%d" % port,
                "listen_addresses='127.0.0.1'") as server:
            name = server.url().split("///")[1].split("?")[0]
            lab = Lab()
            self.addCleanup(lab.close)
            lab.daemon = SlowNames(
                lab.root, lab.daemon.socket, lab.clock,
                {"mode": "rgrey", "store": {
                    "url": "postgresql://postgres@localhost:%d/%s" % (port, name),
                    "timeout": "1s"}})
            lab.daemon.prepare()
            lab.start()
            # Five seconds without that; a busy machine may be slow once or twice.
            took = [self.data(lab, server, "one@example.jp")]
            while min(took) >= 4 and len(took) < 3:
                took.append(self.data(lab, server, "more%d@example.jp" % len(took)))
            self.assertLess(min(took), 4, took)
            lab.close()

    def data(self, lab, server, you):
        """How long the reply to DATA takes on the daemon's clock while the writer,
        whose connection is lost, looks for the server's name."""
        client = lab.client(LINE)

        def is_there():
            lab.clock.advance(1.5)
            return client.try_one("a@example.com", you).code == 450
        until(is_there, "the store")
        lab.daemon.slow.touch()
        self.addCleanup(lab.daemon.slow.unlink, missing_ok=True)
        # The writer's is the one that keeps migrations away.
        self.assertEqual(server.ask("SELECT pg_terminate_backend(pid, 60000)"
                                    " FROM pg_locks WHERE locktype = 'advisory'"), ["t"])
        with client.greet() as session:
            session.mail("b@example.com").expect(250)
            session.rcpt(you).expect(250)
            begin = lab.clock.mono()
            session.send("DATA")
            session.read().expect(354)
            took = lab.clock.mono() - begin
            session.body().expect(250)
        self.assertEqual(lab.stamp(you)["fault"], "store")
        lab.daemon.slow.unlink()
        return took


class Check(unittest.TestCase):
    def test_files_of_the_url_that_the_daemon_may_not_read_are_named(self):
        root = pathlib.Path(tempfile.mkdtemp(prefix="targrey-check-"))
        self.addCleanup(shutil.rmtree, root)
        root.chmod(0o755)
        password = root / "pgpass"
        password.write_text("*:*:*:*:verysecret\n")
        password.chmod(0o600)
        daemon = Daemon(root, root / "s" / "targrey.sock", None, {"store": {
            "url": "postgresql://db.invalid/t?passfile=%s&sslrootcert=%s/none.pem"
                   % (password, root)}})
        # A server may let it in without, and mail must not go without a filter.
        code, said = daemon.check()
        self.assertEqual(code, 0, said)
        for path, why in ((password, "Permission denied"),
                          (root / "none.pem", "No such file or directory")):
            self.assertIn("store.url: %s: %s: the daemon's user \"nobody\" must be able"
                          " to read it" % (path, why), said)
        self.assertNotIn("verysecret", said)
        user = pwd.getpwnam(USER)
        os.chown(password, user.pw_uid, user.pw_gid)
        self.assertNotIn(str(password) + ": ", daemon.check()[1])


if __name__ == "__main__":
    unittest.main()
