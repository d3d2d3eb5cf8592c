# SPDX-License-Identifier: BSD-2-Clause
"""A lab whose daemon asks a DNS server of ours: support/dnsd.py.

Clients claim addresses outside loopback by XCLIENT, since SPF is skipped for
127.0.0.0/8; their sockets are then not visible to the daemon.
"""

from .daemon import merge
from .dnsd import Server
from .lab import LabTest

# Real time in which an answer comes even on a machine that is busy.
PATIENT = "20s"


class DnsTest(LabTest):
    """names: the table of the server; dns_timeout: the daemon's dns.timeout."""

    names = {}
    dns_timeout = PATIENT

    @classmethod
    def setUpClass(cls):
        cls.dns = Server(cls.names).start()
        cls.addClassCleanup(cls.dns.close)
        asked = {"spf": {"enabled": True},
                 "dns": {"servers": [cls.dns.text], "timeout": cls.dns_timeout}}
        cls.config = merge(asked, cls.config)
        super().setUpClass()

    def at(self, addr, name="mail.example.com", **more):
        """A client at that address, with a verified name; None: with none."""
        return self.lab.client(name, addr=addr, **more)

    def asked(self, name, kind=None):
        """How often the daemon has asked for this name."""
        return sum(1 for found, type_, _ in list(self.dns.asked)
                   if found == name and kind in (None, type_))

    def dns_at_rest(self):
        """Waits until no question has come for a moment.

        Before the daemon's clock is set forward: it would end what is open.
        """
        self.dns.wait_calm(0.25)

    def without(self, *names, word="servfail"):
        """with self.without("x.example"): ...that name cannot be looked up."""
        return _Broken(self.dns, self.names, names, word)


class _Broken:
    def __init__(self, server, names, broken, word):
        self.server, self.names = server, names
        self.changed = dict(names, **{name: {"*": word} for name in broken})

    def __enter__(self):
        self.server.table = self.changed

    def __exit__(self, *_):
        self.server.table = self.names
