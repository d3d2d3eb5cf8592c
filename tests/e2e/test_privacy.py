# SPDX-License-Identifier: BSD-2-Clause
"""privacy = hash: nobody's address is written, whichever way it came."""
import unittest

from support.lab import LabTest

LINE, SERVER, HOLD = "p7-dyn100.example.net", "mail.example.com", 125
PEOPLE = ("taro.secret", "hanako.secret", "postgrey.secret", "sqlgrey.secret",
          "filter.secret", "allowed.secret", "refused.secret")
POSTGREY = """\
VERSION=3
format=print
type=btree
HEADER=END
 192.0.2.0/postgrey.secret@example.com/taro.secret@example.jp
 %(now)d,%(now)d
DATA=END
"""
SQLGREY = """\
CREATE TABLE connect (sender_name text);
INSERT INTO connect VALUES('sqlgrey.secret','example.com','192.0.2',\
'hanako.secret@example.jp',%(now)d);
"""
FILTERED = ("Jan  1 18:30:00 mx amavis[7]: (7-1) Passed CLEAN {RelayedInbound}, "
            "[192.0.2.77]:25 <filter.secret@example.org> -> <taro.secret@example.jp>, "
            "Queue-ID: %s, mail_id: x, Hits: -0.5, size: 1, queued_as: 5, 10 ms\n")


class Privacy(LabTest):
    config = {"privacy": "hash"}

    def written(self):
        """All that the daemon's files hold, its log too."""
        daemon = self.lab.daemon
        files = sorted(daemon.database.parent.glob(daemon.database.name + "*"))
        return b"".join(path.read_bytes() for path in [*files, daemon.log_file])

    def test_no_address_of_anyone_is_written(self):
        lab, you = self.lab, "taro.secret@example.jp"
        allow = lab.root / "allow"
        allow.write_text("recipient: allowed.secret@example.jp\n")
        lab.daemon.reload({"allow": {"files": [str(allow)]}})
        client = lab.client(LINE)
        session = client.greet("pc")
        session.mail("hanako.secret@example.org").expect(250)
        lab.send_held(session, "RCPT TO:<%s>" % you)
        session.pass_time(20)
        session.hang_up()
        lab.clock.advance(1.1)
        lab.daemon.wait_event(lambda row: row["hold_end"] == "gone", 1, "the hang-up")
        client.try_one("hanako.secret@example.org", you).expect(450)
        lab.client(SERVER).try_one("hanako.secret@example.org", you).expect(250)
        lab.client(SERVER).try_one("x@example.org",
                                   "allowed.secret@example.jp").expect(250)
        event = lab.daemon.wait_event(lambda row: row["delivered"], 2, "both mails")
        for kind, text in (("postgrey", POSTGREY), ("sqlgrey", SQLGREY)):
            path = lab.root / kind
            path.write_text(text % {"now": lab.clock.wall() - 600})
            told = lab.daemon.ctl("import", kind, str(path))["import"]
            self.assertEqual((told["triplets"], told["skipped"]), (1, 0), told)
        log = lab.root / "filter.log"
        log.write_text(FILTERED % event["queue_id"])
        lab.daemon.ctl("learn-log", str(log))
        lab.daemon.settle()
        written = self.written()
        self.assertIn(b"example.net", written)  # it is the right place to look
        for name in PEOPLE:
            self.assertNotIn(name.encode(), written)

    def test_what_is_imported_is_found_by_its_address(self):
        path = self.lab.root / "postgrey"
        path.write_text(POSTGREY % {"now": self.lab.clock.wall() - 600})
        self.lab.daemon.ctl("import", "postgrey", str(path))
        rows = self.lab.daemon.ctl("list", "triplets", "--from",
                                   "postgrey.secret@example.com")["triplets"]["rows"]
        self.assertEqual(len(rows), 1)
        self.assertTrue(rows[0]["sender"].startswith("#"))


if __name__ == "__main__":
    unittest.main()
