# SPDX-License-Identifier: BSD-2-Clause
"""The report of an invented week, as a picture."""
import contextlib
import pathlib
import random
import struct
import subprocess
import sys
import zlib

from .browser import Browser
from .lab import Lab

DAYS = 7
HEIGHT = 1560
KEYWORD = b"Description\0"  # PNG 11.3.4.2
SERVERS = ["mail.example.%s" % end for end in ("org", "net", "com")] + [
    "mx%d.list.example.org" % number for number in range(3)]
OFFICE = "p12-34.osaka.example.net"
PEOPLE = ["taro", "hanako", "info", "sales"]


def chunks(octets):
    """(type, data, where it ends) of each chunk of a PNG."""
    at = 8
    while at < len(octets):
        length, kind = struct.unpack_from(">I4s", octets, at)
        yield kind, octets[at + 8:at + 8 + length], at + 12 + length
        at += 12 + length


def write_words(path, words):
    """Puts the words that the picture shows into it, as text."""
    octets = pathlib.Path(path).read_bytes()
    end_of_head = next(chunks(octets))[2]
    data = b"tEXt" + KEYWORD + "\n".join(dict.fromkeys(words)).encode()
    text = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    pathlib.Path(path).write_bytes(octets[:end_of_head] + text + octets[end_of_head:])


def read_words(path):
    octets = pathlib.Path(path).read_bytes()
    return next(data.removeprefix(KEYWORD).decode() for kind, data, _ in chunks(octets)
                if kind == b"tEXt").split("\n")


class Week:
    def __init__(self, lab, dice):
        self.lab, self.dice = lab, dice
        self.place = lab.client(OFFICE)

    def to(self):
        return "%s@example.jp" % self.dice.choice(PEOPLE)

    def send(self, client, sender, to, helo):
        """One mail, with patience where it is held; a refusal ends the visit."""
        session = client.greet(helo)
        session.mail(sender).expect(250)
        session.send("RCPT TO:<%s>" % to)
        session.recipients = [to]
        if session.is_waiting(0.3):
            session.pass_time(125)
        if session.read().code == 250:
            session.message()
        session.quit()

    def server(self):
        name = self.dice.choice(SERVERS)
        self.lab.client(name).try_one("news@" + name.split(".", 1)[1], self.to()).expect(250)

    def office(self):
        """A small office on a line: it waits, until it is known."""
        self.send(self.place, "boss@osaka.example.net", self.to(), OFFICE)

    def bot(self):
        """Hangs up after some seconds; one in twenty has a name, one in four comes back at once."""
        number, to = self.dice.randrange(100000), self.to()
        client = self.lab.client(
            "p%d-dyn%d.tokyo.example.net" % (number, number % 250) if number % 20 == 0 else None)
        sender = "win@prize%d.example" % number
        self.lab.leave_hold(client, sender, to, helo="pc%d" % number,
                            after=min(2 + self.dice.expovariate(1 / 15), 110))
        if number % 4 == 0:
            self.lab.clock.advance(self.dice.uniform(20, 900))
            self.send(client, sender, to, "pc%d" % number)

    def branch(self):
        """A machine on a line that sends for a domain known here, and only once."""
        self.lab.leave_hold(self.lab.client("p7-31.kyoto.example.net"), "orders@example.org",
                            "sales@example.jp", helo="printer", after=30)

    def play(self):
        for day in range(DAYS):
            busy = 1 if day in (2, 3) else 2
            visits = ([self.server] * (7 * busy) + [self.office] * busy + [self.bot] * 12)
            if day == 1:
                visits.append(self.branch)
            self.dice.shuffle(visits)
            left = 86400 - 3600
            for number, visit in enumerate(visits):
                pause = self.dice.uniform(0.2, 1.8) * left / (len(visits) - number)
                left -= min(pause, left)
                self.lab.clock.advance(pause)
                visit()


def main(path):
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(Lab())
        Week(lab, random.Random(7)).play()
        lab.daemon.settle()
        page = lab.root / "report.html"
        subprocess.run(
            [str(lab.daemon.binary.with_name("targreyctl")), "report", "--format", "html",
             "--config", str(lab.daemon.conf), "--now", "@%d" % lab.clock.wall(),
             "--output", str(page)], env=lab.daemon.environment(), check=True)
        browser = Browser(stack)
        browser.look(1280, dark=False)
        browser.open("file://%s" % page)
        browser.picture(path, height=HEIGHT)
        write_words(path, browser.run(
            "[...document.querySelectorAll('h2, th, dt')].filter(e => e.getBoundingClientRect().bottom < %d)"
            ".map(e => e.textContent.trim()).filter(e => e)" % HEIGHT))


if __name__ == "__main__":
    main(sys.argv[1])
