# SPDX-License-Identifier: BSD-2-Clause
"""The measuring part of tests/bench/peers, which says what it does."""
import concurrent.futures
import os
import pathlib
import pwd
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from support import ports
from support.daemon import BUILD, Daemon
from support.postfix import MILTER, Postfix, Service
from support.wait import until

PARALLEL = 16
INNOCENTS, SUSPECTS = 200, 50
RETRY_S = 301  # postgrey and sqlgrey ask for 300 s, Postfix retries after 300 s
SENDER = "sender@example.com"
BODY = ("Subject: hello\r\n\r\n" + ("x" * 62 + "\r\n") * 32 + ".\r\n").encode()
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def tell(name, value, unit):
    print("%s\t%s\t%s" % (name, value, unit), flush=True)


# ---------------------------------------------------------------- processes

def tree(pid):
    """pid and all its descendants."""
    found, rest = [], [pid]
    while rest:
        pid = rest.pop()
        found.append(pid)
        for path in pathlib.Path("/proc/%d/task" % pid).glob("*/children"):
            try:
                rest += map(int, path.read_text().split())
            except OSError:
                pass
    return found


def cpu_s(pid):
    """CPU seconds of the tree below pid, with those that ended in it."""
    ticks = 0
    for member in tree(pid):
        try:
            stat = pathlib.Path("/proc/%d/stat" % member).read_text()
        except OSError:
            continue
        ticks += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
    return ticks * TICK_S


def resident_mb(pid):
    kib = 0
    for member in tree(pid):
        for line in pathlib.Path("/proc/%d/smaps_rollup" % member).read_text().splitlines():
            if line.startswith("Rss:"):
                kib += int(line.split()[1])
    return kib * 1024 / 1e6


class Filter:
    """A peer: settings of the smtpd that asks it, and how it is started."""

    def __init__(self, name, options, pid=None):
        self.name, self.service = name, Service(options)
        self.process, self.pid = None, pid

    def run(self, root, command, answers, umask=0):
        """Starts it and returns the milliseconds until it answered."""
        begun = time.monotonic()
        with open(root / (self.name + ".log"), "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                umask=umask, start_new_session=True)
        self.pid = self.process.pid
        until(lambda: self.process.poll() is not None or answers(), self.name)
        if self.process.poll() is not None:
            raise SystemExit("%s ended:\n%s" % (
                self.name, (root / (self.name + ".log")).read_text()))
        return (time.monotonic() - begun) * 1000

    def kill(self):
        """As a crash of it; begin() starts it again."""
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def connects(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(address)
            return True
        except OSError:
            return False


def milter(path):
    return {"smtpd_milters": "unix:%s" % path}


def policy(port):
    return {"smtpd_milters": "", "smtpd_recipient_restrictions":
            "check_policy_service inet:127.0.0.1:%d" % port}


def empty(lab, name):
    peer = Filter(name, milter("peers/%s.sock" % name))
    path = lab.postfix_root / "queue/peers" / (name + ".sock")
    peer.begin = lambda: peer.run(
        lab.root, [BUILD / "bin" / ("bench_" + name), path],
        lambda: connects(socket.AF_UNIX, str(path)))
    return peer


def owned(path, user):
    path.mkdir()
    person = pwd.getpwnam(user)
    os.chown(path, person.pw_uid, person.pw_gid)
    return path


def postgrey(lab, delay):
    port = ports.book()
    peer = Filter("postgrey", policy(port))
    more = ["--delay=%d" % delay] if delay else []
    folder = owned(lab.root / "postgrey", "postgrey")
    peer.begin = lambda: peer.run(
        lab.root, ["/usr/sbin/postgrey", "--inet=127.0.0.1:%d" % port, *more,
                   "--dbdir=%s" % folder, "--user=postgrey", "--group=postgrey"],
        lambda: connects(socket.AF_INET, ("127.0.0.1", port)), 0o022)
    return peer


def sqlgrey(lab, minutes):
    port = ports.book()
    peer = Filter("sqlgrey", policy(port))
    folder = owned(lab.root / "sqlgrey", "sqlgrey")
    conf = lab.root / "sqlgrey.conf"
    more = "" if minutes is None else "reconnect_delay = %d\n" % minutes
    conf.write_text("%sinet = %d\ndb_type = SQLite\ndb_name = %s/sqlgrey.db\n"
                    "pidfile = %s/pid\nloglevel = 1\n" % (more, port, folder, folder))
    peer.begin = lambda: peer.run(
        lab.root, ["/usr/sbin/sqlgrey", "-f", str(conf)],
        lambda: connects(socket.AF_INET, ("127.0.0.1", port)), 0o022)
    return peer


def targrey(lab, settings):
    peer = Filter("targrey", {"smtpd_milters": MILTER})

    def begin():
        begun = time.monotonic()
        lab.daemon = Daemon(lab.root, lab.postfix_root / "queue/targrey/targrey.sock",
                            None, settings)
        lab.daemon.mail_config = lab.postfix.etc
        lab.daemon.start()
        peer.pid = lab.daemon.pid
        return (time.monotonic() - begun) * 1000
    peer.begin, peer.kill = begin, lambda: lab.daemon.kill9()
    return peer


class Lab:
    """One Postfix, an smtpd for each peer, and the peers.

    known     True: every peer comes to know our client within seconds
    settings  more of targrey's, nested as targrey.conf is
    delivery  Postfix's transport for what was accepted
    """

    def __init__(self, known, settings=None, delivery="discard:"):
        self.root = pathlib.Path(tempfile.mkdtemp(
            prefix="targrey-peers-", dir=os.environ.get("TMPDIR", "/var/tmp")))
        self.root.chmod(0o755)
        self.postfix_root = self.root / "postfix"
        self.postfix_root.mkdir()
        self.daemon = None
        self.peers = [Filter("none", {"smtpd_milters": ""})]
        if known:
            self.peers += [empty(self, "lean"), empty(self, "noop")]
        for name, make, quick in (("postgrey", postgrey, 1), ("sqlgrey", sqlgrey, 0)):
            if pathlib.Path("/usr/sbin", name).exists():
                self.peers.append(make(self, quick if known else None))
            else:
                print("%s is not installed: left out" % name, file=sys.stderr)
        self.peers.append(targrey(self, settings or {}))
        self.postfix = Postfix(
            self.postfix_root, services={peer.name: peer.service for peer in self.peers},
            settings={"virtual_transport": delivery}, milters="")

    def __enter__(self):
        try:
            self.postfix.start()
            folder = self.postfix_root / "queue/peers"
            folder.mkdir()
            folder.chmod(0o755)
            for peer in self.peers[1:]:
                tell("start.%s" % peer.name, "%.0f" % peer.begin(), "ms")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for peer in self.peers:
            peer.stop()
        if self.daemon is not None:
            self.daemon.close()
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
                code = ask(stream, BODY)
        ask(stream, b"QUIT\r\n")
        if code not in (250, 450, 451):
            raise SystemExit("the message was answered with %d" % code)
        return code == 250


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def one_round(lab, peer, count):
    """(messages/s, ms of CPU a message of Postfix, of the filter, p99 ms)"""
    lab.postfix.settle()
    master = lab.postfix.master_pid()
    before = cpu_s(master), cpu_s(peer.pid) if peer.pid else 0
    port = peer.service.port

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
    after = cpu_s(master), cpu_s(peer.pid) if peer.pid else 0
    mail, own = ((b - a) / count * 1000 for a, b in zip(before, after))
    return rate, mail, own, percentile(took, 0.99) * 1000


def load(rounds, count):
    with Lab(known=True, settings={
            "tarpit": {"hold": "1s", "min_hold": "1s"},
            "known": {"successes": 1}}) as lab:
        for peer in lab.peers:
            first = send(peer.service.port)
            if first == (peer.name in ("postgrey", "sqlgrey")):
                raise SystemExit("%s: unexpected answer to a stranger" % peer.name)
            if not first:
                until(lambda: send(peer.service.port) or time.sleep(1),
                      "%s to pass the retry" % peer.name)
            one_round(lab, peer, 3 * PARALLEL)
        found = {peer.name: [] for peer in lab.peers}
        for _ in range(rounds):
            for peer in lab.peers:
                found[peer.name].append(one_round(lab, peer, count))
        none = found["none"]
        for peer in lab.peers:
            mine = found[peer.name]
            rate, mail, own, p99 = map(statistics.median, zip(*mine))
            share = statistics.median(a[0] / b[0] for a, b in zip(mine, none))
            tell("rate." + peer.name, "%.0f" % rate, "messages/s")
            tell("rate_of_none." + peer.name, "%.2f" % share, "")
            tell("cpu." + peer.name, "%.2f" % statistics.median(
                row[1] + row[2] for row in mine), "ms a message, Postfix and filter")
            tell("cpu_own." + peer.name, "%.2f" % own, "ms a message, filter alone")
            tell("p99." + peer.name, "%.0f" % p99, "ms")
            if peer.pid:
                tell("memory." + peer.name, "%.1f" % resident_mb(peer.pid), "MB")
        tell("load", "%.1f" % os.getloadavg()[0], "at the end")


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

def remembers(peer):
    """Refused once, the peer killed and started again, tried once more."""
    people = [suspect(number) for number in range(SUSPECTS)]
    refused = [person for person in people if not send(peer.service.port, person)]
    peer.kill()
    peer.begin()
    time.sleep(2)
    passed = sum(send(peer.service.port, person) for person in refused)
    tell("after_kill." + peer.name, "%d of %d" % (passed, len(refused)),
         "second tries accepted")


def features():
    quick = {"mode": "rgrey", "greylist": {
        "delay": "1s", "retry_count": 1, "retry_gap": "0s"}}
    with Lab(known=True, settings=quick, delivery="virtual") as lab:
        for peer in lab.peers:
            if peer.name in ("none", "lean", "noop"):
                continue
            remembers(peer)
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
    full = words[0] == "full"
    parts = words[1:] or ["load", "wait", "features"]
    tell("load", "%.1f" % os.getloadavg()[0], "at the start")
    if "load" in parts:
        load(*((5, 1500) if full else (3, 300)))
    if "wait" in parts:
        wait(full)
    if "features" in parts:
        features()


if __name__ == "__main__":
    main()
