# SPDX-License-Identifier: BSD-2-Clause
"""What the headers say of a session, beyond the delay."""
import subprocess
import ssl
import unittest

from support.lab import LabTest

SERVER, SENDER, DAY = "mail.example.com", "a@example.com", 86400


class Facts(LabTest):
    def stamp_of(self, tag, client=None, sender=SENDER, you=None, **more):
        you = you or self.person(tag)
        client = client or self.lab.client(SERVER)
        client.try_one(sender, you, **more).expect(250)
        return self.lab.stamp(you)

    def test_helo_classes(self):
        for number, (helo, word) in enumerate((
                ("mail.example.com", "fqdn"), ("pc", "bare"), ("10.1.2.3", "ip"),
                ("[10.1.2.3]", "literal"), ("mx.example.jp", "ours"),
                ("localhost", "localhost"), ("localhost.localdomain", "localhost"))):
            stamp = self.stamp_of("h%d" % number, helo=helo)
            self.assertEqual(stamp["helo"], word, helo)
            self.assertEqual("HELO-BAD" in stamp.flags, word not in ("fqdn", "literal"))

    def test_from(self):
        you = self.person("self")
        for tag, sender, word in (
                ("null", "", "null"), ("ours", "boss@example.jp", "ours"),
                ("self", you, "self")):
            stamp = self.stamp_of(tag, sender=sender, you=self.person(tag))
            self.assertEqual(stamp["from"], word)
            self.assertEqual("FROM-BAD" in stamp.flags, word != "null")

    def test_age_seen_and_passed_grow(self):
        client = self.lab.client(SERVER)
        first = self.stamp_of("one", client)
        self.assertEqual((first["age"], first["seen"]), (0, 0))
        self.lab.daemon.wait_event(
            lambda row: row["ip"] == client.source, 1, "the first session")
        self.lab.clock.advance(3 * DAY)
        second = self.stamp_of("two", client)
        self.assertEqual((second["age"], second["seen"]), (3, 1))

    def test_a_polite_client_does_not_pipe(self):
        stamp = self.stamp_of("polite")
        self.assertEqual(stamp["pipe"], "no")

    talks_on = ("unknown", False)

    def talk_on(self, you, lines):
        with self.lab.client(SERVER).greet() as session:
            session.send("MAIL FROM:<a@example.com>", "RCPT TO:<%s>" % you, "DATA",
                         "Subject: in a hurry", "", *["text " * 10] * lines, ".")
            self.assertEqual([session.read().code for _ in range(4)],
                             [250, 250, 354, 250])
        return self.lab.stamp(you)

    def test_one_that_talks_on_behind_data_is_sure_where_it_cannot_be_bdat(self):
        # All of it is read by Postfix at once; or some of it shows in the socket.
        for lines in (1, 10, 50, 1000):
            for number in range(3):
                with self.subTest(lines=lines, number=number):
                    stamp = self.talk_on(
                        self.person("n%d-%d" % (lines, number)), lines)
                    self.assertEqual(
                        (stamp["pipe"], "PIPE" in stamp.flags), self.talks_on)

    def test_proper_pipelining_is_none(self):
        you = self.person()
        with self.lab.client(SERVER).greet() as session:
            session.group("MAIL FROM:<a@example.com>", "RCPT TO:<%s>" % you, "DATA")
            session.body().expect(250)
        self.assertEqual(self.lab.stamp(you)["pipe"], "no")

    def test_sids_differ_and_the_id_is_our_name(self):
        stamps = [self.stamp_of("n%d" % number) for number in range(3)]
        self.assertEqual(len({stamp["sid"] for stamp in stamps}), 3)
        self.assertEqual({stamp["id"] for stamp in stamps}, {"mx.example.jp"})


class NoChunking(Facts):
    """As where Postfix offers no CHUNKING: nothing may follow DATA."""

    config = {"tarpit": {"trust_eom": True}}
    postfix = {"smtpd_discard_ehlo_keywords": "chunking"}

    talks_on = ("yes", True)


class Tls(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        etc = cls.lab.postfix.etc
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
             "-subj", "/CN=mx.example.jp", "-keyout", etc / "key.pem",
             "-out", etc / "cert.pem"], check=True, capture_output=True)
        with open(etc / "main.cf", "a", encoding="utf-8") as file:
            file.write("smtpd_tls_cert_file = %s/cert.pem\n"
                       "smtpd_tls_key_file = %s/key.pem\n"
                       "smtpd_tls_security_level = may\n" % (etc, etc))
        cls.lab.postfix.reload()

    def test_starttls_is_seen(self):
        you = self.person()
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with self.lab.client(SERVER).greet() as session:
            session.command("STARTTLS").expect(220)
            session.socket = context.wrap_socket(session.socket)
            session.command("EHLO mail.example.com").expect(250)
            session.mail(SENDER).expect(250)
            session.rcpt(you).expect(250)
            session.message().expect(250)
        stamp = self.lab.stamp(you)
        self.assertEqual((stamp["tls"], stamp["pipe"]), ("yes", "no"))

    def test_without_it_tls_is_no(self):
        you = self.person()
        self.lab.client(SERVER).try_one(SENDER, you).expect(250)
        self.assertEqual(self.lab.stamp(you)["tls"], "no")


if __name__ == "__main__":
    unittest.main()
