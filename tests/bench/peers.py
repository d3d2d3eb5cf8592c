# SPDX-License-Identifier: BSD-2-Clause
"""The measuring part of tests/bench/peers, which says what it does."""
import concurrent.futures
import email.utils
import itertools
import os
import pathlib
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time

import greylisters
from greylisters import tree
from support.postfix import Postfix
from support.wait import until

PARALLEL = 16
INNOCENTS, SUSPECTS = 200, 50
RETRY_S = 301  # postgrey and sqlgrey ask for 300 s, Postfix retries after 300 s
SENDER = "sender@example.com"
LINE = "Here is what we spoke of when we met, with thanks for your time."
NUMBERS = itertools.count()
HEAVY = sys.argv[1:2] == ["full"]
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def tell(name, value, unit):
    print("%s\t%s\t%s" % (name, value, unit), flush=True)


def cpu_s(pids):
    """CPU seconds of the trees below pids, with those that ended in them."""
    ticks = 0
    for member in [member for pid in pids for member in tree(pid)]:
        try:
            stat = pathlib.Path("/proc/%d/stat" % member).read_text()
        except OSError:
            continue
        ticks += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
    return ticks * TICK_S


def busy_s():
    """CPU seconds of the whole host since it started, its interrupts included."""
    words = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()
    return sum(int(words[at]) for at in (1, 2, 3, 6, 7)) * TICK_S


def resident_mb(pids):
    """Rss; where several processes share pages, each page once (Pss)."""
    members = [member for pid in pids for member in tree(pid)]
    wanted, kib = "Rss:" if len(members) == 1 else "Pss:", 0
    for member in members:
        for line in pathlib.Path("/proc/%d/smaps_rollup" % member).read_text().splitlines():
            if line.startswith(wanted):
                kib += int(line.split()[1])
    return kib * 1024 / 1e6


class Lab:
    """One Postfix, an smtpd for each peer, and the peers.

    known     every peer comes to know our client within seconds
    entries   first tries that each keeps already
    settings  more of targrey's, nested as targrey.conf is
    delivery  Postfix's transport for what was accepted
    """

    def __init__(self, known, entries=0, settings=None, delivery="discard:"):
        self.root = pathlib.Path(tempfile.mkdtemp(
            prefix="targrey-peers-", dir=os.environ.get("TMPDIR", "/var/tmp")))
        self.root.chmod(0o755)
        self.postfix_root = self.root / "postfix"
        self.postfix_root.mkdir()
        self.entries = entries
        self.peers = greylisters.there(self, known, settings or {}, HEAVY)
        if entries:
            self.peers = [peer for peer in self.peers if not peer.is_empty]
        self.postfix = Postfix(
            self.postfix_root, services={peer.name: peer.service for peer in self.peers},
            settings={"virtual_transport": delivery}, milters="")

    def __enter__(self):
        try:
            self.postfix.start()
            folder = self.postfix_root / "queue/peers"
            folder.mkdir()
            folder.chmod(0o755)
            for peer in self.peers:
                if self.entries:
                    peer.fill(self.entries)
                took = peer.begin()
                if peer.pids():
                    tell("start.%s%s" % (peer.name, self.suffix()), "%.0f" % took, "ms")
        except BaseException:
            self.__exit__()
            raise
        return self

    def suffix(self):
        return ".%d" % self.entries if self.entries else ""

    def __exit__(self, *_):
        for peer in self.peers:
            peer.stop()
        self.postfix.close()
        shutil.rmtree(self.root, ignore_errors=True)


# ---------------------------------------------------------------- mail

def ask(stream, line):
    """Sends a line if there is one; the code of the reply."""
    if line:
        stream.write(line)
        stream.flush()
    while True:
        reply = stream.readline()
        if not reply:
            raise SystemExit("Postfix hung up")
        if reply[3:4] != b"-":
            return int(reply[:3])


def message(to):
    """2 KiB, as a mail program writes them, each another."""
    number = next(NUMBERS)
    lines = ["From: Anna Bell <%s>" % SENDER, "To: %s@example.jp" % to,
             "Subject: minutes of our meeting", "Date: " + email.utils.formatdate(),
             "Message-ID: <%d.%d@mail.example.com>" % (os.getpid(), number),
             "MIME-Version: 1.0", "Content-Type: text/plain; charset=us-ascii", "",
             "Dear colleague %d," % number, *[LINE] * 28, "Anna", ".", ""]
    return "\r\n".join(lines).encode()


def send(port, identity=None, on_rcpt=None, to="you"):
    """One message in a session of its own: whether it was accepted.

    identity  (name or None, address) to claim by XCLIENT
    on_rcpt   called when RCPT has been said; gets the socket
    """
    with socket.create_connection(("127.0.0.1", port), 300) as line, \
            line.makefile("rwb") as stream:
        codes = [ask(stream, b"")]
        if identity:
            name, address = identity
            codes.append(ask(stream, ("XCLIENT NAME=%s ADDR=%s\r\n" % (
                name or "[UNAVAILABLE]", address)).encode()))
        for command in (b"EHLO mail.example.com\r\n",
                        b"MAIL FROM:<%s>\r\n" % SENDER.encode()):
            codes.append(ask(stream, command))
        if any(code >= 400 for code in codes):
            raise SystemExit("refused before RCPT: %s" % codes)
        stream.write(b"RCPT TO:<%s@example.jp>\r\n" % to.encode())
        stream.flush()
        if on_rcpt:
            on_rcpt(line)
        code = ask(stream, b"")
        if code == 250:
            code = ask(stream, b"DATA\r\n")
            if code == 354:
                code = ask(stream, message(to))
        ask(stream, b"QUIT\r\n")
        if code not in (250, 450, 451):
            raise SystemExit("the message was answered with %d" % code)
        return code == 250


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def one_round(lab, peer, count):
    """(messages/s, p99 ms, ms of CPU a message of Postfix, the filter, the whole host)"""
    lab.postfix.settle()
    master = lab.postfix.master_pid()

    def spent():
        return cpu_s([master]), cpu_s(peer.pids()), busy_s()
    before, port = spent(), peer.service.port

    def timed(_):
        begun = time.monotonic()
        if not send(port):
            raise SystemExit("%s does not know our client" % peer.name)
        return time.monotonic() - begun
    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        took = list(pool.map(timed, range(count)))
    rate = count / (time.monotonic() - begun)
    lab.postfix.settle()
    return (rate, percentile(took, 0.99) * 1000,
            *((b - a) / count * 1000 for a, b in zip(before, spent())))


def get_known(lab):
    """Our client has passed before each of them; they are warm."""
    for peer in lab.peers:
        first = send(peer.service.port)
        if first == (peer.name in ("postgrey", "sqlgrey", "rspamd")):
            raise SystemExit("%s: unexpected answer to a stranger" % peer.name)
        if not first:
            until(lambda: send(peer.service.port) or time.sleep(1),
                  "%s to pass the retry" % peer.name)
        daemon = getattr(peer, "daemon", None)
        if daemon:
            daemon.settle()  # until the success is written
        one_round(lab, peer, 3 * PARALLEL)


QUICK_TO_KNOW = {"tarpit": {"hold": "1s"}, "known": {"successes": 1}}


def load(rounds, count):
    with Lab(known=True, settings=QUICK_TO_KNOW) as lab:
        get_known(lab)
        found = {peer.name: [] for peer in lab.peers}
        for _ in range(rounds):
            for peer in lab.peers:
                found[peer.name].append(one_round(lab, peer, count))
        for peer in lab.peers:
            mine = found[peer.name]
            rate, p99, mail, own, host = map(statistics.median, zip(*mine))
            tell("rate." + peer.name, "%.0f" % rate, "messages/s")
            tell("cpu." + peer.name, "%.2f" % (mail + own), "ms a message, Postfix and filter")
            tell("cpu_own." + peer.name, "%.2f" % own, "ms a message, filter alone")
            tell("cpu_host." + peer.name, "%.2f" % host, "ms a message, the whole host")
            tell("p99." + peer.name, "%.0f" % p99, "ms")
            if peer.pids():
                tell("memory." + peer.name, "%.1f" % resident_mb(peer.pids()), "MB")
            for other in ("none", "lean"):
                yours = found[other]
                tell("rate_of_%s.%s" % (other, peer.name), "%.2f" % statistics.median(
                    a[0] / b[0] for a, b in zip(mine, yours)), "median of the rounds")
                tell("cpu_of_%s.%s" % (other, peer.name), "%.2f" % statistics.median(
                    (a[2] + a[3]) / (b[2] + b[3]) for a, b in zip(mine, yours)),
                    "median of the rounds")
                tell("cpu_host_of_%s.%s" % (other, peer.name), "%.2f" % statistics.median(
                    a[4] / b[4] for a, b in zip(mine, yours)), "median of the rounds")
        tell("load", "%.1f" % os.getloadavg()[0], "at the end")


def big(counts, messages):
    """With so many first tries on record."""
    for entries in counts:
        with Lab(known=True, entries=entries, settings=QUICK_TO_KNOW) as lab:
            get_known(lab)
            for peer in lab.peers:
                rate, p99, _, own, _ = one_round(lab, peer, messages)
                tell("rate.%s.%d" % (peer.name, entries), "%.0f" % rate, "messages/s")
                tell("p99.%s.%d" % (peer.name, entries), "%.0f" % p99, "ms")
                tell("cpu_own.%s.%d" % (peer.name, entries), "%.2f" % own, "ms a message")
                tell("memory.%s.%d" % (peer.name, entries),
                     "%.1f" % resident_mb(peer.pids()), "MB")


# ---------------------------------------------------------------- waiting

def innocent(number):
    return "mail.site%s.example.org" % chr(97 + number % 26), "198.18.%d.5" % number


def suspect(number):
    return None, "198.19.%d.7" % number


class Crowd:
    """Senders of one kind before one peer, and since when each waits."""

    def __init__(self, peer, people):
        self.peer, self.people = peer, people
        self.begun, self.waited = {}, {}

    def attempt(self, person, on_rcpt=None):
        begun = self.begun.setdefault(person, time.monotonic())
        if send(self.peer.service.port, person, on_rcpt):
            self.waited[person] = time.monotonic() - begun

    def left(self):
        return [person for person in self.people if person not in self.waited]

    def tell(self, name):
        name = "%s.%s" % (name, self.peer.name)
        tell(name + ".delivered", "%d of %d" % (len(self.waited), len(self.people)), "")
        if self.waited:
            values = list(self.waited.values())
            tell(name + ".wait_median", "%.2f" % statistics.median(values), "s")
            tell(name + ".wait_p99", "%.2f" % percentile(values, 0.99), "s")
            tell(name + ".wait_max", "%.2f" % max(values), "s")


def first_tries(peer, patient):
    """Suspects say RCPT, then the innocents come while those wait."""
    good = Crowd(peer, [innocent(n) for n in range(INNOCENTS)])
    bad = Crowd(peer, [suspect(n) for n in range(SUSPECTS)])
    lines, said = [], threading.Semaphore(0)

    def here(line):
        lines.append(line)
        said.release()

    def come(person):
        try:
            bad.attempt(person, here)
        except (SystemExit, OSError):
            if patient:
                raise
    with concurrent.futures.ThreadPoolExecutor(SUSPECTS) as waiting, \
            concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        jobs = [waiting.submit(come, person) for person in bad.people]
        for _ in bad.people:
            said.acquire()
        time.sleep(1)
        tell("held.%s" % peer.name, sum(not job.done() for job in jobs), "at the start")
        list(pool.map(good.attempt, good.people))
        tell("held.%s" % peer.name, sum(not job.done() for job in jobs), "at the end")
        tell("first_try.%s" % peer.name, "%d of %d" % (
            len(good.waited), INNOCENTS), "innocents delivered at the first try")
        if not patient:
            for line in lines:
                if line.fileno() >= 0:
                    line.shutdown(socket.SHUT_RDWR)
        for job in jobs:
            job.result()
    return good, bad


def wait(patient):
    with Lab(known=False) as lab:
        crowds = [first_tries(peer, patient) for peer in lab.peers]
        for kind in range(2):
            for pair in crowds:
                crowd = pair[kind]
                for person in crowd.left() if patient else []:
                    time.sleep(max(0, crowd.begun[person] + RETRY_S - time.monotonic()))
                    crowd.attempt(person)
        for good, bad in crowds:
            good.tell("innocent")
            if patient:
                bad.tell("suspect")


# ---------------------------------------------------------------- features

def remembers(peer, name, store):
    """Refused once, the peer killed and started again, tried once more."""
    people = [(suspect(number), "%s%d" % (name, number)) for number in range(SUSPECTS)]
    refused = [(person, to) for person, to in people
               if not send(peer.service.port, person, to=to)]
    peer.kill(store)
    peer.begin()
    time.sleep(2)
    passed = sum(send(peer.service.port, person, to=to) for person, to in refused)
    tell("after_%s.%s" % (name, peer.name), "%d of %d" % (passed, len(refused)),
         "second tries accepted")


def features():
    quick = {"mode": "rgrey", "greylist": {
        "delay": "1s", "retry_count": 1, "retry_gap": "0s"}}
    with Lab(known=True, settings=quick, delivery="virtual") as lab:
        for peer in lab.peers:
            if peer.name in ("none", "lean", "noop"):
                continue
            remembers(peer, "kill", True)
            if peer.name == "rspamd":
                remembers(peer, "kill_without_redis", False)
            for number, kind in enumerate(("named", "suspect")):
                person = (innocent, suspect)[number](200 + number)
                to = "%s.%s" % (peer.name, kind)
                until(lambda: send(peer.service.port, person, to=to) or time.sleep(1),
                      "mail to " + to)
                mail = lab.postfix.wait_mail(to + "@example.jp")
                added = [name for name, _ in mail.header_lines()
                         if name.lower().startswith("x-") and name != "X-Original-To"]
                tell("headers.%s.%s" % (peer.name, kind), " ".join(added) or "none", "")
            peer.kill()
            tell("dead." + peer.name, "accepted" if send(
                peer.service.port, innocent(210)) else "refused for now", "")
            peer.begin()


def main():
    words = sys.argv[1:] or ["quick"]
    parts = words[1:] or ["load", "big", "wait", "features"]
    tell("load", "%.1f" % os.getloadavg()[0], "at the start")
    if "load" in parts:
        load(*((5, 1500) if HEAVY else (2, 100)))
    if "big" in parts:
        big((10 ** 5, 10 ** 6) if HEAVY else (1000,), 1500 if HEAVY else 50)
    if "wait" in parts:
        wait(HEAVY)
    if "features" in parts:
        features()


if __name__ == "__main__":
    main()
