# SPDX-License-Identifier: BSD-2-Clause
"""Where our headers stand, and what becomes of other people's."""
import unittest

from support import headers, spamassassin
from support.lab import LabTest

SERVER = "mail.example.com"
NAMES = (headers.SESSION, headers.CLIENT, headers.FLAGS)

# Spellings that were seen to pass Postfix, and a few more.
FORGED = [
    "X-TaRgrey-Session: v=1; id=mx.example.jp; verdict=pass",
    "X-TaRgrey-Session: v=1; id=mx.example.jp; verdict=hold",
    "x-targrey-session: v=1; id=mx.example.jp; s25r=none",
    "X-TARGREY-FLAGS: KNOWN",
    "X-TaRgrey-Session:\n\tv=1;\n\tid=folded",
    "X-TaRgrey-S25R : spaced colon",
    "X-TaRgrey-Client\t: tab before the colon",
    "X-TaRgrey-Flags:no-blank",
    "X-TaRgrey-Empty:",
    "X-TaRgrey: the bare name",
    "X-TaRgrey-Long: " + "a" * 3000,
    "X-tArGrEy-fLaGs: KNOWN",
]


class Placement(LabTest):
    def accepted(self, client, you, **message):
        client.try_one("a@example.com", you, **message).expect(250)
        return self.lab.postfix.wait_mail(you)

    def ours(self, mail):
        return [name for name, _ in mail.header_lines()
                if name.lower().startswith("x-targrey")]

    def test_ours_stand_above_postfixs_received_line(self):
        mail = self.accepted(self.lab.client(SERVER), self.person())
        names = [name for name, _ in mail.header_lines()]
        first = names.index("Received")
        self.assertEqual(set(names[first - 3:first]), set(NAMES))

    def test_none_is_folded_and_each_is_within_its_length(self):
        mail = self.accepted(self.lab.client(SERVER), self.person())
        for name, limit in headers.LIMITS.items():
            lines = [line for line in mail.raw.decode("latin-1").splitlines()
                     if line.startswith(name)]
            self.assertEqual(len(lines), 1)
            self.assertLessEqual(len(lines[0]), limit + len(name) + 2)
        headers.Stamp(mail)

    def test_forged_copies_are_gone_whatever_their_spelling(self):
        you = self.person()
        mail = self.accepted(self.lab.client(SERVER), you,
                             headers="\n".join(FORGED) + "\n")
        self.assertEqual(sorted(self.ours(mail)), sorted(NAMES))
        stamp = self.lab.stamp(you)
        self.assertEqual(stamp["forged"], len(FORGED))
        self.assertIn("FORGED", stamp.flags)
        self.assertNotIn("KNOWN", stamp.flags)

    def test_forged_copies_with_8_bit_text_are_gone(self):
        you = self.person()
        client = self.lab.client(SERVER)
        with client.greet() as session:
            session.mail("a@example.com").expect(250)
            session.rcpt(you).expect(250)
            session.data().expect(354)
            session.body(b"X-TaRgrey-Flags: caf\xc3\xa9 \xff\nSubject: x\n\ntext\n")
        mail = self.lab.postfix.wait_mail(you)
        self.assertEqual(sorted(self.ours(mail)), sorted(NAMES))

    def test_many_forged_copies_are_gone(self):
        mail = self.accepted(
            self.lab.client(SERVER), self.person(),
            headers="X-TaRgrey-Flags: KNOWN\n" * 300)
        self.assertEqual(sorted(self.ours(mail)), sorted(NAMES))

    def test_other_headers_and_the_body_are_left_alone(self):
        you = self.person()
        text = ("X-Other: kept too\nSubject: test\n\n"
                "X-TaRgrey-Flags: in the body\n.dot\nlast line\n")
        with self.lab.client(SERVER).greet() as session:
            session.mail("a@example.com").expect(250)
            session.rcpt(you).expect(250)
            session.message(text).expect(250)
        mail = self.lab.postfix.wait_mail(you)
        self.assertEqual(mail.all("X-Other"), ["kept too"])
        self.assertTrue(mail.raw.endswith(text.split("\n\n", 1)[1].encode()))

    def test_client_text_cannot_inject_anything(self):
        odd = ["a; s25r=none", "x s25r=match", "[127.0.0.1]", "\"quoted; v=2\"",
               "%3B%0d", "a\tb", "caf\xc3\xa9",
               "=" * 60, "x" * 700]
        for number, helo in enumerate(odd):
            you = self.person("odd%d" % number)
            with self.lab.client(SERVER).connect() as session:
                session.send_raw(b"EHLO " + helo.encode("latin-1") + b"\r\n")
                if session.read().code != 250:
                    continue
                session.mail("a@example.com").expect(250)
                session.rcpt(you).expect(250)
                session.message().expect(250)
            stamp = self.lab.stamp(you)
            self.assertEqual((stamp["s25r"], stamp["verdict"]), ("none", "pass"))

    def test_a_message_without_any_header_gets_ours(self):
        you = self.person()
        with self.lab.client(SERVER).greet() as session:
            session.mail("a@example.com").expect(250)
            session.rcpt(you).expect(250)
            session.message("\nonly a body\n").expect(250)
        self.assertEqual(self.lab.stamp(you)["verdict"], "pass")

    def test_the_queue_id_and_message_id_are_on_record(self):
        you = self.person()
        mail = self.accepted(self.lab.client(SERVER), you)
        event = self.lab.event(you)
        self.assertIn(event["queue_id"], mail.raw.decode())
        self.assertEqual(event["message_id"].strip("<>"),
                         mail.message["Message-ID"].strip("<>"))
        self.assertEqual(event["sid"], self.lab.stamp(you)["sid"])

    def test_spamassassin_scores_ours_and_not_the_forged(self):
        you, forger = self.person(), self.person("forger")
        # A line by S25R rule 1 that SpamAssassin's own RDNS_DYNAMIC lets pass.
        self.lab.client("n1x2.example.net").try_one(
            "a@example.com", you, hold=125).expect(250)
        forged = ("X-TaRgrey-Session: " + self.lab.postfix.wait_mail(you).all(
            headers.SESSION)[0] + "\n")
        removed = self.accepted(self.lab.client(SERVER), forger, headers=forged).raw
        # As it would look on a host that does not run the filter.
        left = b"\n".join(
            line for line in removed.split(b"\n")
            if not line.startswith(b"X-TaRgrey")).replace(
                b"\nFrom:", b"\n" + forged.encode() + b"From:", 1)
        raw = [self.lab.postfix.wait_mail(you).raw, removed, left]
        scores = [score.ours() for score in spamassassin.check(
            self.lab.root / "spamassassin", [spamassassin.public(m) for m in raw])]
        self.assertIn("TARGREY_S25R", scores[0])
        self.assertNotIn("TARGREY_FORGED", scores[0])
        for score in scores[1:]:
            self.assertNotIn("TARGREY_S25R", score)
            self.assertIn("TARGREY_FORGED", score)


class Exempt(LabTest):
    config = {"exempt_networks": ["127.0.0.0/8"]}

    def test_exempt_mail_gets_no_headers_but_loses_forged_ones(self):
        you = self.person()
        self.lab.client("p7-dyn100.example.net").try_one(
            "a@example.com", you, headers="\n".join(FORGED) + "\n").expect(250)
        mail = self.lab.postfix.wait_mail(you)
        self.assertEqual([name for name, _ in mail.header_lines()
                          if name.lower().startswith("x-targrey")], [])
        event = self.lab.event(you)
        self.assertTrue(event["exempt"])
        self.assertEqual(event["hold_end"] or "none", "none")

    def test_a_claimed_address_outside_is_not_exempt(self):
        you = self.person()
        client = self.lab.client("mail.example.com", addr="198.51.100.9")
        client.try_one("a@example.com", you).expect(250)
        self.assertEqual(self.lab.stamp(you).client["ip"], "198.51.100.9")


class Authenticated(LabTest):
    def test_a_user_who_logged_in_is_exempt(self):
        you = self.person()
        client = self.lab.client("p7-dyn100.example.net", login="joe")
        client.try_one("a@example.com", you).expect(250)
        mail = self.lab.postfix.wait_mail(you)
        self.assertEqual(mail.all(headers.SESSION), [])
        self.assertNotIn(client.source, mail.raw.decode().split("Received:")[0])


if __name__ == "__main__":
    unittest.main()
