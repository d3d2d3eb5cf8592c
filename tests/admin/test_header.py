# SPDX-License-Identifier: BSD-2-Clause
"""The header that explain foretells is the one that the mail then carries."""
import unittest

from support import headers
from support.lab import LabTest

LINE, SERVER, HOLD = "p7-dyn100.example.net", "mail.example.com", 125
# What only a real session can know: explain asks no DNS and has no socket.
UNKNOWN = ("sid", "pipe", "from", "spf", "spf_helo", "helo_dns")


class Header(LabTest):
    def foretold(self, client, sender, you):
        who = ("--name", client.name) if client.name else ()
        told = self.lab.daemon.ctl("explain", "--ip", client.source, *who, "--helo", "pc",
                                   "--from", sender, "--to", you)["header"]
        return headers.pairs(told["session"]), told["flags"]

    def test_what_is_foretold_is_carried(self):
        for tag, client, hold in (("line", self.lab.client(LINE), HOLD),
                                  ("server", self.lab.client(SERVER), None),
                                  ("nameless", self.lab.client(), HOLD)):
            you = self.person(tag)
            told, flags = self.foretold(client, "a@example.com", you)
            client.try_one("a@example.com", you, hold=hold, helo="pc").expect(250)
            mail = self.lab.postfix.wait_mail(you)
            carried = headers.pairs(mail.message["X-TaRgrey-Session"])
            told, carried = dict(told), dict(carried)
            self.assertEqual(list(told), list(carried))
            for key in UNKNOWN:
                told.pop(key), carried.pop(key)
            # the hold's last second is rounded
            self.assertLessEqual(abs(int(told.pop("tarpit_secs")) -
                                     int(carried.pop("tarpit_secs"))), 2)
            self.assertEqual(told, carried)
            self.assertEqual(flags.split(), mail.message["X-TaRgrey-Flags"].split())


if __name__ == "__main__":
    unittest.main()
