# SPDX-License-Identifier: BSD-2-Clause
"""SMTP sessions as scripts, polite and otherwise.

    client = lab.client("p7-dyn100.example.net")
    session = client.greet()
    session.mail("a@example.com").expect(250)
    session.rcpt("you@example.jp", hold=125).expect(250)
    session.message().expect(250)
"""
import email.utils
import select
import socket
import struct
import time

from .daemon import VALGRIND
from .wait import PATIENCE_S, Timeout

TEMPORARY = "[TEMPUNAVAIL]"
NONE = "[UNAVAILABLE]"

MESSAGE = """\
From: %(sender)s
To: %(to)s
Subject: %(subject)s
Message-ID: <%(id)s@mail.example.com>
Date: %(date)s

Hello,

this is a short and honest message about nothing in particular, written so
that there is something to deliver. Kind regards from the other side.
"""


class Gone(AssertionError):
    """The server closed the connection."""


class Reply:
    """code, text and lines of a reply; held: seconds of the daemon's clock."""

    def __init__(self, lines, held):
        self.lines = lines
        self.code = int(lines[-1][:3])
        self.text = "\n".join(lines)
        self.held = held

    def expect(self, code, text=""):
        if self.code != code or text not in self.text:
            raise AssertionError("wanted %d %s, got: %s" % (code, text, self.text))
        return self

    def __repr__(self):
        return "<%s after %.1f s>" % (self.text, self.held)


class Client:
    """A host that sends mail: where it comes from and what DNS says of it.

    source  loopback address to come from; the daemon sees this socket
    name    verified name; None: no reverse DNS
    ptr     name that does not lead back (name is then None)
    addr    address to claim by XCLIENT; the socket is then not visible
    login   user name to claim as authenticated
    """

    def __init__(self, port, clock, source, name=None, ptr=None, addr=None,
                 login=None):
        self.port, self.clock, self.source = port, clock, source
        self.sessions = []
        self.name, self.ptr, self.addr, self.login = name, ptr, addr, login

    def xclient(self):
        words = ["NAME=" + (self.name or NONE),
                 "REVERSE_NAME=" + (self.ptr or self.name or NONE)]
        if self.addr:
            words.append("ADDR=" + (
                "IPV6:" + self.addr if ":" in self.addr else self.addr))
        if self.login:
            words.append("LOGIN=" + self.login)
        return "XCLIENT " + " ".join(words)

    def connect(self, port=None):
        """A session whose banner has been read and XCLIENT been said."""
        session = Session(self, port or self.port)
        self.sessions.append(session)
        session.read().expect(220)
        session.command(self.xclient()).expect(220)
        return session

    def close(self):
        for session in self.sessions:
            session.socket.close()

    def greet(self, helo="mail.example.com", port=None):
        session = self.connect(port)
        session.command("EHLO " + helo).expect(250)
        return session

    def try_one(self, sender, *recipients, helo="mail.example.com", hold=None,
                subject="Greetings", **more):
        """A whole session with one message; returns the last reply.

        hold: the first recipient's reply is held so many seconds. The session
        stops at the first refusal, as most servers do.
        """
        session = self.greet(helo)
        reply = session.mail(sender)
        for number, recipient in enumerate(recipients):
            if reply.code == 250:
                reply = session.rcpt(
                    recipient, hold=hold if number == 0 else None)
        if reply.code == 250:
            reply = session.message(subject=subject, **more)
        session.quit()
        return reply


class Session:
    def __init__(self, client, port):
        self.client, self.clock = client, client.clock
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.bind((client.source, 0))
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(PATIENCE_S)
        self.local = self.socket.getsockname()
        self.sender, self.recipients = "", []
        self._buffer = b""
        self._sent_at = self.clock.mono()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # ---------------------------------------------------------------- octets

    def send(self, *lines):
        """Sends the lines in one packet, without waiting for replies."""
        self.send_raw(b"".join(
            (line if isinstance(line, bytes) else line.encode()) + b"\r\n"
            for line in lines))

    def send_raw(self, octets):
        self._sent_at = self.clock.mono()
        self.socket.sendall(octets)

    def _line(self):
        while b"\n" not in self._buffer:
            try:
                piece = self.socket.recv(65536)
            except socket.timeout:
                raise Timeout("no reply within %d s" % PATIENCE_S) from None
            except ConnectionError as error:
                raise Gone(str(error)) from None
            if not piece:
                raise Gone("the server closed the connection")
            self._buffer += piece
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("latin-1")

    def read(self):
        """The next reply, all its lines."""
        lines = [self._line()]
        while lines[-1][3:4] == "-":
            lines.append(self._line())
        return Reply(lines, self.clock.mono() - self._sent_at)

    def is_waiting(self, seconds=0.2):
        """Nothing has come from the server within so many real seconds."""
        if self._buffer:
            return False
        return not select.select([self.socket], [], [], seconds)[0]

    def at_end(self):
        """Reads until the server closes; returns the replies on the way."""
        replies = []
        try:
            while True:
                replies.append(self.read())
        except Gone:
            return replies

    # --------------------------------------------------------------- waiting

    def read_held(self, seconds):
        """A reply that must come after a hold of so many seconds, not before.

        The daemon's clock is set forward meanwhile; Postfix's own time-outs
        run in real time and are never reached.
        """
        self.pass_time(seconds - 2)
        if not self.is_waiting():
            raise AssertionError("not held for %s s: %r after %.1f s" % (
                seconds, self.read(), self.clock.mono() - self._sent_at))
        self.pass_time(seconds)
        if VALGRIND:  # slow: the hold may have begun after the clock was set
            late = 0
            while late < seconds and self.is_waiting(1):
                self.clock.step(9)
                late += 9
        return self.read()

    def pass_time(self, seconds):
        """Sets the daemon's clock to so many seconds after the last send.

        In steps, with a moment between them, as the daemon does its work of
        every second and ten seconds.
        """
        if self.clock.mono() - self._sent_at < seconds:
            self.is_waiting(0.05)
        while self.clock.mono() - self._sent_at < seconds:
            left = seconds - (self.clock.mono() - self._sent_at)
            self.clock.step(min(left, 9) + 0.001)
            time.sleep(0.03)

    # -------------------------------------------------------------- commands

    def command(self, line, hold=None):
        self.send(line)
        return self.read() if hold is None else self.read_held(hold)

    def group(self, *lines):
        """Sends the lines in one packet and reads a reply to each."""
        self.send(*lines)
        return [self.read() for _ in lines]

    def mail(self, sender):
        self.sender, self.recipients = sender, []
        return self.command("MAIL FROM:<%s>" % sender)

    def rcpt(self, recipient, hold=None):
        self.recipients.append(recipient)
        return self.command("RCPT TO:<%s>" % recipient, hold)

    def data(self, hold=None):
        return self.command("DATA", hold)

    def message(self, text=None, subject="Greetings", headers="", hold=None):
        """DATA and a message; the reply that ended it.

        headers: lines to put on top of a made-up message.
        """
        reply = self.data(hold)
        if reply.code != 354:
            return reply
        return self.body(text, subject, headers)

    def body(self, text=None, subject="Greetings", headers="", hold=None):
        self.send_body(text, subject, headers)
        return self.read() if hold is None else self.read_held(hold)

    def send_body(self, text=None, subject="Greetings", headers=""):
        """The message and its final dot; the reply is still to be read."""
        if text is None:
            text = headers + self.sample(subject)
        octets = text if isinstance(text, bytes) else text.encode()
        octets = octets.replace(b"\r\n", b"\n").replace(b"\n.", b"\n..")
        self.send_raw(octets.replace(b"\n", b"\r\n") + b".\r\n")

    def sample(self, subject="Greetings"):
        return MESSAGE % {
            "sender": self.sender or "MAILER-DAEMON@mail.example.com",
            "to": ", ".join(self.recipients[:5]) or "you@example.jp", "subject": subject,
            "id": "%x" % time.time_ns(), "date": email.utils.formatdate()}

    def rset(self):
        return self.command("RSET")

    def quit(self):
        try:
            reply = self.command("QUIT")
        except (Gone, OSError):
            reply = None
        self.socket.close()
        return reply

    # ---------------------------------------------------------------- leaving

    def hang_up(self):
        """FIN: a plain close."""
        self.socket.close()

    def reset(self):
        """RST."""
        self.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def half_close(self):
        """FIN, but goes on reading."""
        self.socket.shutdown(socket.SHUT_WR)
