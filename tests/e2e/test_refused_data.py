# SPDX-License-Identifier: BSD-2-Clause
"""What a client may do after our 450 to DATA or BDAT, without harm to Postfix.

Several releases of Postfix (Debian 12's among them) crash when a client goes on
after a refused BDAT and the milter says "continue" to what is shown then; a
crashed smtpd that was fresh keeps every client waiting for a minute.
"""
import itertools
import os
import socket
import unittest

from support.lab import LabTest

CHUNK = b"Subject: x\r\n\r\nhello\r\n"
BDAT = b"BDAT %d LAST\r\n%s" % (len(CHUNK), CHUNK)
PART = b"BDAT %d\r\n%s" % (len(CHUNK), CHUNK)
MAIL, RCPT = b"MAIL FROM:<a@example.com>\r\n", b"RCPT TO:<you@example.jp>\r\n"
UNKNOWN = b"RCPT TO:<unknown@example.jp>\r\n"
DATA, RSET, EHLO = b"DATA\r\n", b"RSET\r\n", b"EHLO mail.example.com\r\n"
COMMANDS = (MAIL, RCPT, BDAT, DATA, RSET, EHLO)
AT_ONCE = 40
# Five, as TARGREY_LONG asks for, take four minutes.
MOST_COMMANDS = 5 if "TARGREY_LONG" in os.environ else 4
MOST_ERRORS = {"smtpd_soft_error_limit": "100", "smtpd_hard_error_limit": "200"}


class RefusedData(LabTest):
    config = {"mode": "rgrey", "suspect": ["all"]}
    postfix = MOST_ERRORS

    def open(self):
        peer = socket.create_connection(("127.0.0.1", self.lab.postfix.port()), 60)
        peer.sendall(EHLO)
        return peer

    def finish(self, peer):
        """All that the server says, to the end of the connection."""
        peer.sendall(b"QUIT\r\n")
        pieces = []
        try:
            while True:
                piece = peer.recv(65536)
                if not piece:
                    break
                pieces.append(piece)
        except ConnectionError:
            pass
        peer.close()
        return b"".join(pieces).decode("latin-1")

    def play(self, *commands):
        """One command after the other; the codes of the replies."""
        client = self.lab.client()
        with client.greet() as session:
            codes = []
            for command in commands:
                session.send_raw(command)
                codes.append(session.read().code)
            session.quit()
        return codes

    def expect_unharmed(self):
        self.assertNotIn("signal", self.lab.postfix.log())
        self.assertNotIn("throttling", self.lab.postfix.log())
        self.assertIn("221", self.finish(self.open()))

    def test_a_client_that_goes_on_after_a_refused_bdat_harms_nobody(self):
        for then in (DATA, BDAT, RCPT, MAIL, PART):
            self.assertEqual(self.play(MAIL, RCPT, BDAT, then)[:3], [250, 250, 450])
            self.expect_unharmed()
        self.assertEqual(self.play(MAIL, RCPT, BDAT, MAIL, DATA)[2], 450)
        self.expect_unharmed()

    def test_the_next_transaction_of_such_a_client_is_served(self):
        codes = self.play(MAIL, RCPT, BDAT, DATA, RSET, MAIL, RCPT, DATA)
        self.assertEqual(codes[-4:], [250, 250, 250, 450])
        self.expect_unharmed()

    def test_no_order_of_commands_harms_postfix(self):
        todo = itertools.product(COMMANDS, repeat=MOST_COMMANDS)
        while batch := list(itertools.islice(todo, AT_ONCE)):
            peers = [self.open() for _ in batch]
            for peer, commands in zip(peers, batch):
                peer.sendall(b"".join(commands))
            for peer, commands in zip(peers, batch):
                said = self.finish(peer)
                self.assertIn("\n221 ", said, commands)
                self.assertNotIn("\n354 ", said, commands)
        self.expect_unharmed()


if __name__ == "__main__":
    unittest.main()
