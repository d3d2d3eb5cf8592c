# SPDX-License-Identifier: BSD-2-Clause
"""
Records the story of the goldens: plays it through a real Postfix and a real
targreyd over three days of the settable clock, and writes their database to
tests/admin/story.sql.

    TARGREY_BUILD=build/dev python3 -B tests/admin/record_story.py
    TARGREY_GOLDEN=write ctest --test-dir build/dev -R admin_golden

With --check (the test admin_story) nothing is written: what was played must say the
same as what is recorded there, but for ids and moments.

Needs root: it has a network namespace of its own, in which the clients'
addresses are real. Nothing is altered but the name of the scratch folder, which
becomes /etc/targrey.
"""
import pathlib
import sqlite3
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support.network import own_network  # noqa: E402
from support.wait import until  # noqa: E402

END = 1767484800  # 2026-01-04 00:00:00 UTC
HOLD = 125
ADDRESSES = ["203.0.113.9", "198.51.100.7", "192.0.2.77", "192.0.2.99", "192.0.2.100",
             "192.0.2.101", "10.1.2.3", "203.0.113.60"]
NAMES = {
    "example.net": {"TXT": ["v=spf1 ip4:203.0.113.9 -all"]},
    "example.org": {"TXT": ["v=spf1 ip4:192.0.2.77 -all"]},
}


class Story:
    def __init__(self, lab):
        self.lab = lab

    def at(self, before_s, events):
        """Once so many events are on record, lets time pass until so many seconds
        before the end."""
        until(lambda: self.lab.daemon.query("SELECT count(*) AS n FROM event")[0]["n"] == events,
              "%d events" % events)
        self.lab.clock.advance(END - before_s - self.lab.clock.wall())

    def client(self, address, name=None, ptr=None, **more):
        return self.lab.client(name, ptr, source=address, **more)

    def play(self):
        taro, hanako = "taro@example.jp", "hanako@example.jp"
        self.at(259000, 0)
        self.client("203.0.113.9", "mail.example.net").try_one(
            "news@example.net", hanako, helo="mail.example.net").expect(250)
        self.lab.event(hanako)
        self.lab.daemon.ctl("allow", "203.0.113.9")

        friend = self.client("198.51.100.7", ptr="p7-dyn100.example.net")
        self.at(200000, 1)
        self.lab.leave_hold(friend, "friend@example.com", taro, 41, "friend.example.com")
        for events, before_s, code in (2, 199000, 450), (3, 196000, 450), (4, 192000, 250):
            self.at(before_s, events)
            friend.try_one("friend@example.com", taro,
                           helo="friend.example.com").expect(code)

        self.at(150000, 5)
        self.client("192.0.2.77", "p1-2.line.example.org").try_one(
            "shop@example.org", taro, hanako, hold=HOLD,
            helo="p1-2.line.example.org").expect(250)

        self.at(100000, 6)
        self.lab.leave_hold(self.client("192.0.2.99"), "=cmd|'/C_calc'!A0@example.com", taro,
                            3, "\033]0;pwned\a<script>alert(1)</script>")

        self.at(90000, 7)
        self.client("10.1.2.3", "printer.example.jp").try_one(
            "printer@example.jp", hanako, helo="printer").expect(250)

        self.at(80000, 8)
        self.client("203.0.113.60", "bounce7.list.example.com",
                    addr="2001:db8:1:2::3").try_one(
            "", taro, helo="bounce7.list.example.com").expect(250)

        self.at(71000, 9)
        nameless = self.client("192.0.2.100")
        self.lab.leave_hold(nameless, "a@b.example", taro, 10, "x")
        self.at(70000, 10)
        self.without_a_record(nameless, "a@b.example", taro)

        self.at(60000, 11)
        self.client("192.0.2.101").greet().quit()
        self.at(0, 12)
        self.lab.daemon.settle()

    def without_a_record(self, client, sender, to):
        """The 450 cannot be put on record in time, so the mail is let through."""
        base = sqlite3.connect(self.lab.daemon.database, isolation_level=None)
        base.execute("BEGIN IMMEDIATE")
        with client.greet("x") as session:
            session.mail(sender).expect(250)
            session.rcpt(to).expect(250)
            session.send("DATA")
            session.pass_time(6)
            session.read().expect(354)
            base.execute("ROLLBACK")
            while self.lab.daemon.ctl_code("status")[0] != 0:
                self.lab.clock.step(1)
                time.sleep(0.1)
            session.body().expect(250)
        base.close()

    def write(self, path):
        root = str(self.lab.root)
        base = sqlite3.connect("file:%s?mode=ro" % self.lab.daemon.database, uri=True)
        head = ["PRAGMA %s=%d;" % (name, base.execute("PRAGMA " + name).fetchone()[0])
                for name in ("application_id", "user_version")]
        lines = head + [line.replace(root, "/etc/targrey") for line in base.iterdump()]
        base.close()
        path.write_text("-- Recorded by tests/admin/record_story.py; not written by hand.\n"
                        + "\n".join(lines) + "\n")


IDS = {"queue_id", "message_id", "sid"}
SPANS = {"hold_ms", "dns_ms"}  # of real time, in part
TABLES = ["address", "domain", "event", "origin"]


def telling(base, table):
    """The rows of a table without what is another in each run."""
    base.row_factory = sqlite3.Row
    found = []
    for row in base.execute("SELECT * FROM " + table):
        said = {}
        for name, value in dict(row).items():
            if name in IDS:
                value = value is not None
            elif name in SPANS:
                value = value // 5000 if name == "hold_ms" else value < 0
            elif isinstance(value, int) and value > 1e9 and name != "key":
                value //= 600  # a time; a busy machine takes some seconds
            said[name] = value
        found.append(said)
    return sorted(found, key=str) if table != "event" else found


def check(lab, make_db):
    recorded = str(lab.root / "recorded.db")
    base = sqlite3.connect(recorded)
    base.executescript((HERE / "story.sql").read_text())
    base.close()
    subprocess.run([make_db, recorded, "0"], check=True)  # today's tables
    old, new = (sqlite3.connect("file:%s?mode=ro" % path, uri=True)
                for path in (recorded, lab.daemon.database))
    for table in TABLES:
        was, now = telling(old, table), telling(new, table)
        for number, (before, after) in enumerate(zip(was, now), 1):
            for name in before:
                told = str(before[name]), str(after[name]).replace(str(lab.root), "/etc/targrey")
                if told[0] != told[1]:
                    sys.exit("%s row %d, %s: recorded %s, now %s" % ((table, number, name) + told))
        if len(was) != len(now):
            sys.exit("%s: recorded %d rows, now %d" % (table, len(was), len(now)))
        if not now:
            sys.exit("%s: nothing was recorded" % table)
    old.close()
    new.close()


def main():
    own_network(ADDRESSES)
    from support.daemon import BUILD
    from support.dnsd import Server
    from support.lab import Lab
    dns = Server(NAMES).start()
    lab = Lab({"exempt_networks": ["10.0.0.0/8"], "suspect": ["s25r", "local"],
               "spf": {"enabled": True},
               "dns": {"servers": [dns.text], "timeout": "20s"}},
              {"smtpd_authorized_xclient_hosts": "0.0.0.0/0"})
    own = lab.root / "own"
    own.write_text("# on trial\nhelo /^bounce/ list-server warn\n")
    own.chmod(0o644)
    lab.daemon.write({"suspects": {"files": [str(own)]}})
    lab.clock.set_wall(END - 260000 - time.time())
    try:
        with lab:
            story = Story(lab)
            story.play()
            if "--check" in sys.argv:
                check(lab, BUILD / "bin" / "make_db")
            else:
                story.write(HERE / "story.sql")
    finally:
        dns.close()


if __name__ == "__main__":
    main()
