# SPDX-License-Identifier: BSD-2-Clause
"""System calls of the running daemon fail, one by one and in rows: those of the
gate and libmilter, c-ares, SQLite and libpq, in every mode, through whole
sessions. TARGREY_POINTS sets how many are tried in each mode (default 4)."""
import os
import unittest

from support.dnsd import Server
from support.failing import ALLOCATION, FILES, SOCKETS, Sweep
from support.pgserver import PgServer
from support.wait import until

POINTS = int(os.environ.get("TARGREY_POINTS", "4"))
NAMES = {"example.com": {"TXT": ["v=spf1 ip4:192.0.0.0/8 -all"],
                         "MX": [[10, "mail.example.com"]]}}
ROWS = (1, 8)


class Calls(Sweep):
    server = None

    def begin(self, **settings):
        self.dns = Server(NAMES).start()
        self.addCleanup(self.dns.close)
        super().begin(spf={"enabled": True}, dns={
            "servers": [self.dns.text], "timeout": "20s"}, **settings)

    def pass_time(self):
        """Not while a look-up is out: the jump would be its time-out."""
        if not self.has_passed:
            self.dns.wait_calm(0.15)
            until(self.is_database_idle, "the database")
        super().pass_time()

    def is_database_idle(self):
        return self.server is None or self.server.ask(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'postgres'"
            " AND state <> 'idle' AND pid <> pg_backend_pid()") == ["0"]

    def try_all(self, what, **settings):
        self.begin(**settings)
        for kind, name in ((FILES, "files"), (SOCKETS, "sockets")):
            before = self.daemon.descriptors()
            self.tried = self.failed = self.ended = 0
            whole = self.sweep(kind, POINTS, ROWS)
            self.told("%s, %s" % (what, name), whole)
            self.assertGreater(self.tried, min(whole, POINTS) // 3)
            self.check_descriptors(before)

    def check_descriptors(self, before):
        """Connections that ended are closed; what stays may be a pool's."""
        self.both()
        self.assertLess(self.daemon.descriptors(), before + 8)

    def test_observe(self):
        self.try_all("observe", mode="observe")

    def test_rgrey(self):
        self.try_all("rgrey", mode="rgrey")

    def test_starpit(self):
        self.try_all("starpit", mode="starpit")

    def test_targrey(self):
        self.try_all("targrey", mode="targrey")

    def test_strict(self):
        self.try_all("strict", mode="strict")

    def test_postgresql(self):
        with PgServer("fsync=off") as self.server:
            self.try_all("targrey on PostgreSQL", mode="targrey",
                         store={"url": self.server.url(), "timeout": "5s"})

    def test_start(self):
        self.begin()
        for kind, name in ((SOCKETS, "sockets"), (FILES, "files"),
                           (ALLOCATION, "allocations")):
            whole = self.sweep_start(kind, POINTS)
            print("start, %s: %d points of %d calls tried, in %d of them it started"
                  % (name, self.tried, whole, self.survived))
            self.assertGreater(self.tried, min(whole, POINTS) // 3)


if __name__ == "__main__":
    unittest.main()
