# SPDX-License-Identifier: BSD-2-Clause
"""Mixed clients and random faults for some minutes; then every message is
accounted for. usage: python3 -m support.soak MINUTES [SEED]

What must hold, whatever happened:

    delivered    a message whose sender was told 250 arrives exactly once
    no loss      a sender that keeps trying gets 250 in the end
    forged       no X-TaRgrey header of a sender's own survives where the
                 filter was there for the whole session
    true words   headers obey their grammar; "endured" stands only on mail
                 whose client did wait, "passed" only after earlier visits
    450          a DATA that was greylisted is on record: an event, or a 450
                 without memory names itself (fault)
    flat         descriptors and memory of the daemon do not grow
    budget       never more holds than tarpit.max_sessions
"""
import os
import pathlib
import random
import re
import sqlite3
import sys
import threading
import time

from .frames import NEGOTIATE, frame
from .dnsd import Server
from .headers import CLIENT, FLAGS, SESSION, Malformed, Stamp
from .lab import Lab
from .postfix import DOMAIN
from .smtp import Gone
from .wait import Timeout, until

HOLD_S, DELAY_S, GAP_S, WINDOW_S = 3, 4, 1, 86400  # the window: longer than a run
BUDGET = 12
FORGED = ("X-TaRgrey-Session: v=1; id=mx.example.jp; verdict=pass; s25r=none\n"
          "x-targrey-FLAGS : KNOWN\n")
CONFIG = {
    "exempt_networks": [],
    "tarpit": {"hold": "%ds" % HOLD_S, "vary": 0,
               "max_sessions": BUDGET, "max_per_net": 3},
    "greylist": {"delay": "%ds" % DELAY_S, "retry_gap": "%ds" % GAP_S,
                 "retry_window": "%ds" % WINDOW_S},
    "spf": {"enabled": True},
    "dns": {"timeout": "1s"},
}
DNS_TABLE = {
    "good.example": {"TXT": ["v=spf1 ip4:127.0.0.0/8 -all"], "A": ["127.0.0.1"],
                     "MX": [[10, "mail.good.example"]]},
    "bad.example": {"TXT": ["v=spf1 -all"]},
    "slow.example": {"*": "silent"},
}
LINE = "p%d-dyn100.tokyo.example.net"
KEEPS_TRYING_S = 90  # after the end, for what is still on its way


class Trouble(Exception):
    """The session broke off: nobody knows what became of the message."""


class Message:
    """One message on its way, and what its sender was told."""

    def __init__(self, token, kind):
        self.token, self.kind = token, kind
        self.accepted = 0       # 250 after the end of the message
        self.uncertain = 0      # content sent, no reply heard
        self.waited = 0.0       # longest hold that was waited out
        self.visits = 0
        self.greylisted = []    # wall clock of each 450 to DATA
        self.forged = False
        self.sure = True        # the filter was there for every session

    @property
    def to(self):
        return "%s@%s" % (self.token, DOMAIN)


class Outage:
    """When the filter was away, so that mail went by unchecked."""

    def __init__(self):
        self._lock = threading.Lock()
        self._spans, self._begun = [], None

    def begin(self):
        with self._lock:
            self._begun = time.monotonic()

    def end(self):
        with self._lock:
            self._spans.append((self._begun, time.monotonic()))
            self._begun = None

    def touches(self, begin, end):
        with self._lock:
            spans = self._spans + (
                [(self._begun, float("inf"))] if self._begun else [])
        return any(a <= end and begin <= b for a, b in spans)


class Soak:
    def __init__(self, lab, seed, minutes):
        self.lab, self.seed = lab, seed
        self.end = time.monotonic() + minutes * 60
        self.lock = threading.Lock()
        self.messages, self.failures = [], []
        self.counts = {}
        self.outage = Outage()
        self.number = 0
        self.threads = []
        self.samples, self.peak = [], 0
        self.busy = threading.Lock()  # one fault of the daemon at a time

    # ---------------------------------------------------------- bookkeeping

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def fail(self, text):
        with self.lock:
            self.failures.append(text)
        print("**** " + text, file=sys.stderr, flush=True)

    def message(self, kind):
        with self.lock:
            self.number += 1
            found = Message("%s.%d" % (kind, self.number), kind)
            self.messages.append(found)
        return found

    def client(self, **more):
        with self.lock:
            return self.lab.client(**more)

    def is_over(self):
        return time.monotonic() >= self.end

    # -------------------------------------------------------------- sessions

    def visit(self, client, message, sender, helo, headers="", leave=None):
        """One session with one message; True when it was accepted.

        leave  "fin" or "rst": hangs up a second after RCPT
        """
        begun, session, content = time.monotonic(), None, False
        message.visits += 1
        try:
            session = client.greet(helo)
            if session.mail(sender).code != 250:
                return False
            session.recipients.append(message.to)
            session.send("RCPT TO:<%s>" % message.to)
            asked = time.monotonic()
            if leave and session.is_waiting(1.0):
                getattr(session, "hang_up" if leave == "fin" else "reset")()
                return False
            if session.read().code != 250:
                return False
            message.waited = max(message.waited, time.monotonic() - asked)
            asked = time.monotonic()
            reply = session.data()
            message.waited = max(message.waited, time.monotonic() - asked)
            if reply.code == 450 and "reylist" in reply.text:
                message.greylisted.append(self.lab.clock.wall())
                self.count("450 to DATA")
            if reply.code != 354:
                return False
            content = True
            if session.body(headers=headers).code != 250:
                content = False
                return False
            message.accepted += 1
            content = False
            return True
        except (Gone, Timeout, OSError, AssertionError):
            # expect() of the greeting: a 421 while the daemon stops, say.
            if content:
                message.uncertain += 1
                message.sure = False  # how long the session went on nobody knows
            return False
        finally:
            if self.outage.touches(begun, time.monotonic()):
                message.sure = False
            if session:
                session.quit()

    def keep_trying(self, rng, client, message, sender, helo, headers=""):
        """As a mail server: tries until it is told 250."""
        deadline = self.end + KEEPS_TRYING_S
        while not self.visit(client, message, sender, helo, headers):
            if message.uncertain or time.monotonic() > deadline:
                break
            time.sleep(rng.uniform(1.0, 3.0))
        if not message.accepted and not message.uncertain:
            self.fail("%s: refused for good, after %d visits" % (
                message.token, message.visits))

    # --------------------------------------------------------------- clients

    def good(self, rng):
        message = self.message("good")
        message.forged = rng.random() < 0.3
        self.keep_trying(
            rng, self.client(name="mail.good.example"), message,
            rng.choice(("a@good.example", "b@slow.example", "c@bad.example")),
            "mail.good.example", FORGED if message.forged else "")

    def patient(self, rng):
        message = self.message("patient")
        self.keep_trying(rng, self.client(name=LINE % rng.randrange(999)), message,
                         "p@good.example", "mail.good.example")

    def comes_back(self, rng):
        """Hangs up in its first hold, then behaves."""
        message = self.message("back")
        client = self.client(name=LINE % rng.randrange(999))
        self.visit(client, message, "r@good.example", "relay.good.example",
                   leave=rng.choice(("fin", "rst")))
        time.sleep(rng.uniform(0.5, 4))
        self.keep_trying(rng, client, message, "r@good.example",
                         "relay.good.example")

    def call_out(self, rng):
        message = self.message("bounce")
        self.keep_trying(rng, self.client(name=LINE % rng.randrange(999)), message,
                         "", "mail.good.example")

    def bot(self, rng):
        """Sends everything at once and leaves."""
        message = self.message("bot")
        client = self.client(name=LINE % rng.randrange(999))
        with_end = rng.random() < 0.5
        begun, heard_all = time.monotonic(), False
        try:
            session = client.connect()
            session.send("HELO pc", "MAIL FROM:<x@bad.example>",
                         "RCPT TO:<%s>" % message.to, "DATA", "Subject: x", "",
                         "x", ".", *(["QUIT"] if with_end else []))
            message.uncertain += 1
            if rng.random() < 0.5:
                session.at_end()
                heard_all = True
            session.socket.close()
        except (Gone, Timeout, OSError, AssertionError):
            pass
        # Who has left does not know when Postfix came to his message.
        if not heard_all or self.outage.touches(begun, time.monotonic()):
            message.sure = False

    def malformed(self, rng):
        """Octets of no meaning, at each stage."""
        try:
            session = self.client(name=LINE % rng.randrange(999)).connect()
            lines = [b"EHLO " + bytes(rng.randrange(1, 256) for _ in range(40)),
                     b"MAIL FROM:<%s@x>" % bytes([rng.randrange(1, 256)]) * 3,
                     b"MAIL FROM:<a@good.example> SIZE=99999999999999",
                     b"MAIL FROM:<a@good.example>", b"RCPT TO:<\0@%s>" % DOMAIN.encode(),
                     b"RCPT TO:<unknown@%s>" % DOMAIN.encode(), b"DATA",
                     b"BDAT 21 LAST\r\n" + b"x" * 21, b"BDAT -1", b"RSET",
                     b"A" * 3000, b"\xff\xfe\0", b"VRFY", b"XCLIENT X=1"]
            for _ in range(12):
                session.send(rng.choice(lines))
            if rng.random() < 0.3:
                session.reset()
            else:
                session.is_waiting(0.5)
                session.hang_up()
        except (Gone, Timeout, OSError, AssertionError):
            pass

    def wild_frames(self, rng):
        """A local program that may open the filter's socket, and means harm."""
        import socket
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wild:
            wild.settimeout(1)
            try:
                wild.connect(str(self.lab.daemon.socket))
                if rng.random() < 0.8:
                    wild.sendall(NEGOTIATE)
                for _ in range(30):
                    body = rng.randbytes(rng.randrange(60))
                    wild.sendall(frame(rng.choice(
                        (b"D", b"C", b"H", b"M", b"R", b"T", b"L", b"N", b"B",
                         b"E", b"A", b"K", b"U", b"Z")), body))
            except OSError:
                pass

    # ---------------------------------------------------------------- faults

    def kill_smtpd(self, rng):
        pids = self.lab.postfix.smtpd_pids()
        if pids:
            os.kill(rng.choice(pids), 9)

    def kill_daemon(self, _):
        with self.busy:
            self.outage.begin()
            self.lab.daemon.kill9()
            time.sleep(0.2)
            self.lab.daemon.start()
            self.outage.end()

    def restart_daemon(self, _):
        with self.busy:
            self.note_peak()
            self.outage.begin()
            self.lab.daemon.stop()
            self.lab.daemon.start()
            self.outage.end()

    def reload_daemon(self, rng):
        with self.busy:
            self.lab.daemon.reload({
                "mode": rng.choice(("targrey", "targrey", "rgrey", "strict")),
                "tarpit": {"max_sessions": rng.choice((BUDGET, BUDGET - 4))}})

    def silence_dns(self, rng):
        self.dns.table = {name: {"*": "silent"} for name in DNS_TABLE}
        time.sleep(rng.uniform(1, 4))
        self.dns.table = DNS_TABLE

    def lock_store(self, rng):
        """Another program holds the write lock of the database."""
        base = sqlite3.connect(self.lab.daemon.database, timeout=5,
                               isolation_level=None)
        try:
            base.execute("BEGIN IMMEDIATE")
            time.sleep(rng.uniform(1, 4))
            base.execute("ROLLBACK")
        except sqlite3.Error:
            pass
        finally:
            base.close()

    def fill_disk(self, rng):
        """Only where the database has a small file system of its own."""
        if not self.small_disk:
            return
        filler = self.lab.daemon.database.parent / "filler"
        try:
            with open(filler, "wb") as file:
                while True:
                    file.write(b"\0" * 65536)
                    file.flush()
        except OSError:
            pass
        time.sleep(rng.uniform(1, 4))
        filler.unlink()

    def note_peak(self):
        try:
            peak = int(self.lab.daemon.ctl("status")["holds_peak"])
        except (AssertionError, KeyError):
            return  # the store was away: nothing published
        self.peak = max(self.peak, peak)

    def step_clock(self, rng):
        self.lab.clock.step(rng.uniform(0.5, 30))

    # ------------------------------------------------------------------- run

    def loop(self, rng, plays, pause):
        while not self.is_over():
            play = rng.choice(plays)
            self.count(play.__name__.replace("_", " "))
            try:
                play(rng)
            except Exception as error:  # pylint: disable=broad-except
                self.fail("%s: %r" % (play.__name__, error))
            time.sleep(rng.uniform(0, pause))

    def watch(self):
        """Descriptors, memory and holds of the daemon, each second."""
        while not self.is_over():
            try:
                folder = pathlib.Path("/proc/%d" % self.lab.daemon.pid)
                fds = len(os.listdir(folder / "fd"))
                memory = int(re.search(r"VmRSS:\s*(\d+)",
                                       (folder / "status").read_text())[1])
                self.samples.append((self.lab.daemon.pid, fds, memory))
            except (OSError, AttributeError, TypeError):
                pass
            time.sleep(1)

    def run(self):
        clients = [self.good] * 4 + [self.patient] * 3 + [self.comes_back] * 3 + [
            self.call_out, self.bot, self.bot, self.malformed, self.wild_frames]
        faults = [self.kill_smtpd, self.kill_smtpd, self.kill_daemon,
                  self.restart_daemon, self.reload_daemon, self.silence_dns,
                  self.lock_store, self.fill_disk, self.step_clock]
        jobs = [(clients, 0.5)] * 10 + [(faults, 4)]
        threads = [threading.Thread(target=self.loop, args=(
            random.Random("%s.%d" % (self.seed, n)), plays, pause))
            for n, (plays, pause) in enumerate(jobs)]
        threads.append(threading.Thread(target=self.watch))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.lab.postfix.settle()

    # ---------------------------------------------------------------- verdict

    def judge(self):
        arrived = {}
        for mail in self.lab.postfix.delivered():
            arrived.setdefault(mail.to, []).append(mail)
        for message in self.messages:
            self.judge_message(message, arrived.get(message.to.lower(), []))
        self.judge_record()
        self.judge_process()

    def judge_message(self, message, mails):
        least, most = message.accepted, message.accepted + message.uncertain
        if not least <= len(mails) <= most:
            self.fail("%s: accepted %d times (%d uncertain), arrived %d times" % (
                message.token, least, message.uncertain, len(mails)))
        for mail in mails:
            try:
                stamp = Stamp(mail)
            except Malformed as error:
                if message.sure:
                    self.fail("%s: %s" % (message.token, error))
                    self.tell(mail)
                else:
                    self.count("unchecked")
                continue
            self.judge_words(message, stamp)
            if message.forged and (
                    stamp["forged"] != 2 or
                    any(len(mail.all(n)) != 1 for n in (SESSION, CLIENT, FLAGS))):
                self.fail("%s: forged headers survived" % message.token)

    def tell(self, mail):
        """What Postfix and the daemon logged of a message that failed."""
        queue_id = re.search(r"\bid ([0-9A-Za-z]+)", mail.message["Received"] or "")
        queue_id = queue_id[1] if queue_id else "no queue id"
        lines = self.lab.postfix.log().splitlines()
        first = next((n for n, line in enumerate(lines) if queue_id in line), 0)
        smtpd = re.search(r"smtpd\[\d+\]", lines[first] if lines else "")
        near = lines[max(0, first - 400):first + 200]
        told = [line for line in near if queue_id in line or "warning: milter" in line or
                (smtpd and smtpd[0] in line)]
        own = self.lab.daemon.log().splitlines()
        told += [line for line in own if queue_id in line]
        print(mail.raw.decode("latin-1") + "\n".join(told), file=sys.stderr, flush=True)

    def judge_words(self, message, stamp):
        self.count("tarpit=" + stamp["tarpit"])
        self.count("why=" + stamp["why"])
        if stamp["fault"] != "none":
            self.count("fault=" + stamp["fault"])
        # The clock is set forward by faults: a hold may end early for us.
        if stamp["tarpit"] == "endured" and stamp["tarpit_secs"] < 1:
            self.fail("%s: endured %d s" % (message.token, stamp["tarpit_secs"]))
        if stamp["tarpit"] == "endured" and message.kind == "bot":
            self.count("bots that stayed")
        if stamp["grey"] == "passed" and message.visits < 2:
            self.fail("%s: passed at its first visit" % message.token)
        if stamp["verdict"] == "greylist":
            self.fail("%s: arrived with verdict=greylist; why=%s; fault=%s" % (
                message.token, stamp["why"], stamp["fault"]))

    def judge_record(self):
        """Each 450 is on record: an event names its recipient and reply."""
        events = {}
        for row in self.lab.daemon.events():
            for to in (row["recipients"] or "").split():
                events.setdefault(to, []).append(row)
        for message in self.messages:
            if not message.greylisted:
                continue
            rows = [row for row in events.get(message.to, [])
                    if row["verdict"] == "greylist" or row["why"] in (
                        "overflow", "fault")]
            waiting = self.lab.daemon.query(
                "SELECT count(*) AS n FROM waiting_text WHERE recipient = ?",
                message.to)[0]["n"] + self.lab.daemon.query(
                "SELECT count(*) AS n FROM passed_text WHERE recipient = ?",
                message.to)[0]["n"]
            if not rows and not waiting:
                self.fail("%s: heard 450 %d times, nothing on record" % (
                    message.token, len(message.greylisted)))

    def judge_process(self):
        by_pid = {}
        for pid, fds, memory in self.samples:
            by_pid.setdefault(pid, []).append((fds, memory))
        longest = max(by_pid.values(), key=len, default=[])
        print("longest life of a daemon: %d s" % len(longest))
        if len(longest) > 60:
            third = len(longest) // 3
            for index, name, slack in ((0, "descriptors", 40), (1, "KB", 60000)):
                first = max(s[index] for s in longest[:third])
                last = max(s[index] for s in longest[-third:])
                print("%s: %d in the first third of it, %d in the last" % (
                    name, first, last))
                if last > first * 1.5 + slack:
                    self.fail("%s grow: %d -> %d" % (name, first, last))
        if self.peak > BUDGET:
            self.fail("%d holds at once, the budget is %d" % (self.peak, BUDGET))
        complaints = self.lab.daemon.complaints()
        if complaints:
            self.fail("sanitizer: " + "; ".join(complaints[:3]))
        crashed = [line for line in self.lab.postfix.log().splitlines()
                   if re.search(r"killed by signal (?!9\b)|panic:", line)]
        if crashed:
            self.fail("Postfix: " + crashed[0])


def mount_small(folder):
    """A file system of 32 MB for the database; False where none can be had."""
    import subprocess
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m,mode=0755",
                           "targrey-soak", str(folder)], capture_output=True,
                          check=False)
    return done.returncode == 0


def unmount(folder):
    import subprocess
    subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def own_mounts():
    """Mounts of ours are in a namespace that ends with this process."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x20000) != 0:  # CLONE_NEWNS
        return False
    return libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None) == 0


def main(arguments):
    minutes = float(arguments[0])
    seed = int(arguments[1]) if len(arguments) > 1 else random.randrange(10 ** 6)
    print("soak: %g minutes, seed %d" % (minutes, seed), flush=True)
    has_mounts = own_mounts()
    with Server(DNS_TABLE) as dns:
        lab = Lab({**CONFIG, "dns": {**CONFIG["dns"], "servers": dns.text}})
        folder = lab.daemon.database.parent
        small = has_mounts and mount_small(folder)
        if small:
            import pwd
            user = pwd.getpwnam("nobody")
            os.chown(folder, user.pw_uid, user.pw_gid)
        else:
            print("**** SKIPPED: a full disk (no file system may be mounted here)")
        try:
            with lab:
                soak = Soak(lab, seed, minutes)
                soak.dns, soak.small_disk = dns, small
                soak.run()
                until(lambda: lab.daemon.answers(), "the daemon at the end")
                lab.daemon.settle()
                soak.note_peak()
                soak.judge()
                return report(soak)
        finally:
            if small:
                unmount(folder)


def report(soak):
    for what in sorted(soak.counts):
        print("%7d  %s" % (soak.counts[what], what))
    sure = sum(1 for m in soak.messages if m.accepted)
    print("%d messages, %d accepted, %d heard a 450 to DATA" % (
        len(soak.messages), sure, sum(1 for m in soak.messages if m.greylisted)))
    print("%d failures (seed %d)" % (len(soak.failures), soak.seed))
    return 1 if soak.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
