# SPDX-License-Identifier: BSD-2-Clause
"""A private Postfix with targreyd behind it, and clients that talk to them."""
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

from .clock import Clock
from .daemon import Daemon
from .headers import Stamp
from .postfix import DOMAIN, MILTER, Postfix
from .smtp import Client
from .wait import until


class Lab:
    """with Lab(...) as lab: ...

    config     differences from the daemon's defaults, nested as targrey.conf
    postfix    more lines of main.cf
    services   more smtpds, {name: postfix.Service}
    daemon     False: Postfix alone, without a milter
    """

    def __init__(self, config=None, postfix=None, services=None, daemon=True,
                 **daemon_options):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="targrey-"))
        self.root.chmod(0o755)
        self.clock = Clock(self.root / "clock")
        (self.root / "postfix").mkdir()
        self.postfix = Postfix(self.root / "postfix", settings=postfix,
                               services=services,
                               milters=MILTER if daemon else "")
        self.daemon = Daemon(
            self.root, self.postfix.queue / "targrey" / "targrey.sock",
            self.clock, settings=config, **daemon_options) if daemon else None
        if daemon:
            self.clock.settle = self.daemon.settle
        self._networks = 0
        self.clients = []

    def start(self):
        try:
            self.postfix.start()
            if self.daemon:
                self.daemon.start()
        except BaseException:
            self.close()
            raise
        return self

    def close(self, keep=False):
        self.hang_up_all()
        try:
            if self.daemon:
                self.daemon.close()
        finally:
            self.postfix.close()
            self.clock.close()
            if not keep:
                shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def network(self):
        """The first three numbers of a loopback /24 that nobody used before."""
        self._networks += 1
        return "127.%d.%d" % (10 + self._networks // 250, self._networks % 250)

    def client(self, name=None, ptr=None, source=None, **more):
        """A client from a network of its own, unless source says otherwise."""
        client = Client(self.postfix.port(), self.clock,
                        source or self.network() + ".5", name, ptr, **more)
        self.clients.append(client)
        return client

    def send_held(self, session, *lines):
        """Sends these lines; returns when a hold has begun."""
        def begun():
            return int(self.daemon.status().get("holds_begun", 0))
        before = begun()
        session.send(*lines)
        until(lambda: begun() > before, "a hold to begin")

    def leave_hold(self, client, sender, to, after=20, helo="mail.example.com"):
        """One recipient, held; the client hangs up after so many seconds, and
        that is on record when this returns."""
        session = client.greet(helo)
        session.mail(sender).expect(250)
        self.send_held(session, "RCPT TO:<%s>" % to)
        session.pass_time(after)
        if not session.is_waiting():
            raise AssertionError("%s is not held" % client.source)
        session.hang_up()
        self.clock.advance(1.1)
        self.daemon.wait_event(
            lambda row: row["ip"] == client.source and row["hold_end"] == "gone"
            and row["recipients"] == to, 1, "the hang-up")

    def hold_many(self, name, recipients):
        """A session of a client of this name for each, in its hold at RCPT."""
        sessions = []
        for number, to in enumerate(recipients):
            session = self.client(name).greet("pc%d" % number)
            session.mail("a@example.com").expect(250)
            self.send_held(session, "RCPT TO:<%s>" % to)
            sessions.append(session)
        for session in sessions:
            if not session.is_waiting(0):
                raise AssertionError("a session was not held: %s" % session.read())
        return sessions

    def hang_up_all(self):
        """Closes every session that a client of this lab still has open."""
        while self.clients:
            self.clients.pop().close()

    def stamp(self, to, count=1):
        """The headers of the count-th message that reached this recipient."""
        return Stamp(self.postfix.wait_mail(to, count))

    def event(self, to, count=1):
        """The count-th event with this recipient."""
        return self.daemon.wait_event(
            lambda row: to in (row["recipients"] or ""), count,
            "event %d for %s" % (count, to))


class LabTest(unittest.TestCase):
    """One lab for all tests of a class; every test uses clients of its own.

    A failing class leaves its scratch folder when TARGREY_KEEP is set, and
    always prints the end of both logs.
    """

    config = {}
    postfix = {}
    daemon = True

    @classmethod
    def setUpClass(cls):
        cls.failed = False
        cls.lab = Lab(cls.config, cls.postfix, cls.make_services(), cls.daemon)
        cls.lab.start()

    @classmethod
    def make_services(cls):
        return {}

    @classmethod
    def tearDownClass(cls):
        lab, daemon = cls.lab, cls.lab.daemon
        try:
            if daemon and daemon.is_alive():
                daemon.stop()
            complaints = daemon.complaints() if daemon else []
            cls.failed = cls.failed or bool(complaints)
            if complaints:
                raise AssertionError("sanitizer: " + "\n".join(complaints))
        except AssertionError:
            cls.failed = True
            raise
        finally:
            if cls.failed:
                cls.tell(lab)
            lab.close(keep=cls.failed and "TARGREY_KEEP" in os.environ)

    def tearDown(self):
        self.lab.hang_up_all()

    @staticmethod
    def tell(lab):
        logs = [("mail log", lab.postfix.log())]
        if lab.daemon:
            logs.append(("targreyd", lab.daemon.log()))
        for name, text in logs:
            print("--- end of %s (%s)\n%s" % (
                name, lab.root, "\n".join(text.splitlines()[-60:])),
                file=sys.stderr)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            type(self).failed = True

    def person(self, tag="you"):
        """A recipient address that belongs to this test alone."""
        name = self.id().rsplit(".", 1)[-1].removeprefix("test_").replace("_", "-")
        return "%s.%s@%s" % (tag, name[:50], DOMAIN)
