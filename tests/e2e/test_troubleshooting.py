# SPDX-License-Identifier: BSD-2-Clause
"""docs/troubleshooting.md quotes what an admin finds in the log: here it is written,
by a real Postfix and targreyd; what takes a broken host is looked for in the programs."""
import glob
import os
import pwd
import re
import signal
import socket
import subprocess
import unittest

from support.daemon import SOURCE, USER
from support.lab import LabTest
from support.postfix import DOMAIN, Service
from support.smtp import Client
from support.wait import until

PAGE = (SOURCE / "docs/troubleshooting.md").read_text()
TEMPFAIL = "{ unix:targrey/targrey.sock, default_action=tempfail }"


def quoted(heading):
    """What the first column of the table under `| heading |` quotes."""
    table = re.search(r"(?m)^\| %s \|.*\n\|[-| ]+\n((?:\|.*\n)+)" % re.escape(heading), PAGE)
    return [span for row in table.group(1).splitlines()
            for span in re.findall(r"`([^`]+)`", row.split(" | ")[0])]


def pattern(text):
    return ".*".join(re.escape(part) for part in text.split("..."))


def literals():
    """The strings of our programs, a conversion as one \\0, and those of Postfix's."""
    texts = []
    for path in SOURCE.glob("src/**/*.[ch]"):
        code = re.sub(r'"\s*\\?\s*(?:PRI\w+\s*)?"', "", path.read_text())
        texts += [re.sub(r"%[-+.*0-9l]*[a-z]", "\0", text).replace('\\"', '"')
                  for text in re.findall(r'"((?:[^"\\\n]|\\.)*)"', code)]
    for path in glob.glob("/usr/lib/postfix/sbin/*"):
        with open(path, "rb") as program:
            texts += [re.sub(r"%[-+.*0-9l]*[a-z]", "\0", text.decode())
                      for text in re.findall(rb"[ -~]{6,}", program.read())]
    return texts


class Said(LabTest):
    config = {"mode": "rgrey", "exempt_networks": ["127.200.0.0/16"], "answer_timeout": "20s"}

    @classmethod
    def make_services(cls):
        return {"tempfail": Service({"smtpd_milters": TEMPFAIL}),
                "few": Service({"smtpd_client_connection_count_limit": "1",
                                "smtpd_authorized_xclient_hosts": ""})}

    def visit(self, name, service="smtp", addr=None):
        """A whole visit that goes on after refusals; returns the last reply's code."""
        client = Client(self.lab.postfix.port(service), self.lab.clock,
                        self.lab.network() + ".5", name, addr=addr)
        self.lab.clients.append(client)
        session = client.greet()
        session.mail("a@example.com")
        session.rcpt("you@" + DOMAIN)
        code = session.message().code
        session.quit()
        return code

    def play(self):
        lab = self.lab
        # greylisted; then on as if it had not been
        session = lab.client("p1-dyn100.example.net").greet()
        for _ in range(2):
            session.mail("a@example.com")
            session.rcpt("you@" + DOMAIN)
            session.data()
        session.quit()
        said = subprocess.run(
            [str(lab.daemon.binary.with_name("targreyctl")), "explain", "--ip", session.client.source, "--from",
             "a@example.com", "--to", "you@" + DOMAIN, "--config", str(lab.daemon.conf)],
            env=lab.daemon.environment(), stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
        for label in "Passes by its tries from", "exempt":
            self.assertIn(label, said)
            self.assertIn(label, PAGE)
        lab.daemon.reload({"mode": "targrey", "tarpit": {"hold": "125s", "max_per_net": 1, "vary": 0}})
        lab.leave_hold(lab.client("p2-dyn100.example.net"), "a@example.com", "b@" + DOMAIN)
        # one place a network: the second finds none; then a stop
        session = lab.client("p3-dyn100.example.net", addr="198.51.100.7").greet()
        session.mail("a@example.com")
        lab.send_held(session, "RCPT TO:<c@%s>" % DOMAIN)
        self.visit("p4-dyn100.example.net", addr="198.51.100.8")
        lab.daemon.stop()
        session.read().expect(451)
        for service, code in (("smtp", 250), ("tempfail", 503)):
            self.assertEqual(code, self.visit("mail.example.com", service))
        lab.daemon.start()
        for _ in range(51):
            lab.client(source="127.200.0.5").try_one("a@example.com", "d@" + DOMAIN).expect(250)
        # a mistake in the settings
        lab.daemon.write({"mode": "targrey"})
        with open(lab.daemon.conf, "a", encoding="ascii") as conf:
            conf.write("nonsense = 1\n")
        lab.daemon.send_signal(signal.SIGHUP)
        lab.daemon.wait_log("reload: nothing changed")
        # the folder is not Postfix's
        folder = lab.daemon.socket.parent
        before = folder.stat()
        folder.chmod(0o700)
        os.chown(folder, pwd.getpwnam(USER).pw_uid, 0)
        self.assertEqual(250, self.visit("mail.example.com"))
        folder.chmod(before.st_mode & 0o7777)
        os.chown(folder, before.st_uid, before.st_gid)
        # killed in the middle of a session
        session = lab.client("mail.example.com").greet()
        lab.daemon.kill9()
        session.mail("a@example.com")
        session.rcpt("e@" + DOMAIN).expect(250)
        session.quit()
        self.visit("mail.example.com")
        # more connections than Postfix wants of one client
        with self.connect("few"), self.connect("few"):
            lab.postfix.wait_log("Connection concurrency limit exceeded")

    def connect(self, service):
        """Without XCLIENT: who may say that has no limit."""
        return socket.create_connection(("127.0.0.1", self.lab.postfix.port(service)))

    # What only a broken host makes: found in the programs.
    BROKEN = {
        "Postfix": ["451 4.3.0 Temporary failure", "450 4.7.1 Too many forged", "service \"smtp\" (25)"],
        "targrey": ["store: cannot write", "store: cannot read", "store: works again", "store: ... is corrupt",
                    "postconf failed", "dnsbl: ", "pattern ", "the clock has jumped", "... log lines lost"],
    }

    def test_each_line_that_the_page_quotes_is_logged(self):
        self.play()
        logs = {"Postfix": self.lab.postfix.log, "targrey": self.lab.daemon.log}
        texts = literals()
        for heading, log in logs.items():
            rows = quoted(heading)
            self.assertGreater(len(rows), 8)
            for row in rows:
                if any(row.startswith(begin) for begin in self.BROKEN[heading]):
                    words = re.sub(r'^(warning: |45[01] [0-9.]+ )', "", row)
                    parts = [part for part in re.split(r"\.\.\.|\"[^\"]*\"|\(25\)", words) if len(part) > 3]
                    self.assertTrue(any(all(part.strip() in text for part in parts) for text in texts), row)
                else:
                    until(lambda: re.search(pattern(row), log()), "the line " + row)

        def keys(line):
            return re.findall(r"(\w+)=", line)
        shown = re.search(r"(?m)^    \w+: sid=.*", PAGE).group(0)
        self.assertIn(keys(shown), [keys(line) for line in self.lab.daemon.log().splitlines()])

    def test_each_refusal_that_the_page_quotes_is_one_of_ours(self):
        texts = literals()
        rows = [*quoted("after `cannot start:`"), "no event has that ..."]
        self.assertIn("no event has that queue id", PAGE)
        self.assertGreater(len(rows), 6)
        for row in rows:
            parts = [part.strip() for part in row.split("...") if part.strip()]
            self.assertTrue(any(all(part in text for part in parts) for text in texts), row)


if __name__ == "__main__":
    unittest.main()
