# SPDX-License-Identifier: BSD-2-Clause
"""What tests/demo plays and prints. usage: python3 -m support.demo [--keep]"""
import sys
import threading
import time

from . import spamassassin
from .headers import Stamp
from .lab import Lab
from .smtp import TEMPORARY

HOLD_S, DELAY_S, GAP_S = 6, 8, 2
CONFIG = {
    "log": "stderr",
    "tarpit": {"hold": "%ds" % HOLD_S, "vary": 0,
               "max_sessions": 40},
    "greylist": {"delay": "%ds" % DELAY_S, "retry_gap": "%ds" % GAP_S},
}
FORGED = ("X-TaRgrey-Session: v=1; id=mx.example.jp; verdict=pass; s25r=none\n"
          "x-targrey-FLAGS : KNOWN\n")
LINE = "p%d-dyn100.tokyo.example.net"


class Visit:
    """One row of the table."""

    def __init__(self, who, to=None):
        self.who, self.to = who, to
        self.seconds, self.answer = 0.0, "-"
        self.stamp = self.score = self.mail = self.event = None

    def take(self, reply, seconds=None):
        self.seconds = reply.held if seconds is None else seconds
        self.answer = "%d" % reply.code
        return reply


class Demo:
    def __init__(self, lab):
        self.lab, self.visits, self._threads = lab, [], []
        self._lock = threading.Lock()

    def visit(self, who, to=None):
        visit = Visit(who, to)
        with self._lock:
            self.visits.append(visit)
        return visit

    def send(self, visit, session, sender, *recipients, **message):
        """MAIL to end of message; what was waited for goes into the row."""
        session.mail(sender).expect(250)
        reply = visit.take(session.rcpt(recipients[0]))
        for more in recipients[1:]:
            reply = session.rcpt(more)
        if reply.code == 250:
            reply = session.data()
            visit.seconds += reply.held
        if reply.code == 354:
            reply = session.body(**message)
        visit.answer = "%d" % reply.code
        session.quit()

    def play(self, play, *arguments):
        thread = threading.Thread(target=self._guarded, args=(play, arguments))
        thread.start()
        self._threads.append(thread)

    @staticmethod
    def _guarded(play, arguments):
        try:
            play(*arguments)
        except (AssertionError, OSError) as error:
            print("**** %s: %s" % (play.__name__, error), file=sys.stderr)

    def simple(self, who, to, client, sender="friend@example.com",
               helo="mail.example.com", more=(), **message):
        visit = self.visit(who, to)
        self.play(lambda: self.send(
            visit, client.greet(helo), sender, to, *more, **message))

    def all(self):
        lab = self.lab
        self.simple("a mail server with a verified name", "one@example.jp",
                    lab.client("mail.example.com"))
        self.simple("an end-user line that waits", "two@example.jp",
                    lab.client("n2x34.tokyo.example.net"))
        visits = [self.visit("an end-user line that hangs up after 2 s"),
                  self.visit("  the same, back at once: too early"),
                  self.visit("  the same, back in time: first try"),
                  self.visit("  the same, once more: second try", "three@example.jp")]
        self.play(self.impatient, lab.client(LINE % 3), visits)
        self.simple("no reverse DNS, waits", "four@example.jp", lab.client(),
                    helo="friend.example.com")
        self.simple("a name that does not map back, waits", "five@example.jp",
                    lab.client(ptr="mail.example.org"))
        self.simple("a mail server, with forged X-TaRgrey headers", "six@example.jp",
                    lab.client("mx7.example.com"), headers=FORGED)
        self.simple("an end-user line, two recipients: one hold", "seven@example.jp",
                    lab.client(LINE % 7), more=("eight@example.jp",))
        self.simple("an end-user line on IPv6 (XCLIENT: its socket unseen)",
                    "nine@example.jp", lab.client(
                        LINE % 9, addr="2001:db8:9::25"))
        self.simple("a bounce (null sender) from such a line: held at DATA",
                    "ten@example.jp", lab.client(LINE % 10), sender="")
        visit = self.visit("a sender call-out: null sender, RCPT, QUIT")
        self.play(self.call_out, lab.client(LINE % 11), visit)
        visit = self.visit("sends everything in one packet and is gone",
                           "twelve@example.jp")
        self.play(self.talk_through, lab.client(LINE % 12), visit)
        self.simple("DNS failed for a while: no suspect", "thirteen@example.jp",
                    lab.client(TEMPORARY, TEMPORARY))
        for thread in self._threads:
            thread.join()

    def impatient(self, client, visits):
        sender, to = "list@example.net", "three@example.jp"
        begun = time.monotonic()
        session = client.greet("pc3")
        session.mail(sender).expect(250)
        session.send("RCPT TO:<%s>" % to)
        session.is_waiting(2)
        session.hang_up()
        visits[0].seconds, visits[0].answer = 2.0, "hung up"
        # The times by which the daemon counts: early, then two that count.
        for visit, after in zip(visits[1:], (
                3.5, DELAY_S + 1, DELAY_S + 1 + GAP_S + 0.5)):
            time.sleep(max(0, begun + after - time.monotonic()))
            self.send(visit, client.greet("pc3"), sender, to)

    def call_out(self, client, visit):
        session = client.greet("checker.example.net")
        session.mail("")
        visit.take(session.rcpt("eleven@example.jp"))
        session.quit()

    def talk_through(self, client, visit):
        session = client.greet("pc12")
        session.send("MAIL FROM:<spam@example.net>", "RCPT TO:<%s>" % visit.to,
                     "DATA", "Subject: Buy", "", "now", ".", "QUIT")
        time.sleep(1)
        session.hang_up()
        visit.seconds, visit.answer = 1.0, "hung up"

    def gather(self):
        """Joins rows, delivered mail, events and scores."""
        postfix = self.lab.postfix
        postfix.settle()
        delivered = [visit for visit in self.visits
                     if visit.to and visit.answer == "250"]
        for visit in delivered:
            visit.mail = postfix.wait_mail(visit.to)
            visit.stamp = Stamp(visit.mail)
        scores = spamassassin.check(
            self.lab.root / "spamassassin",
            [spamassassin.public(visit.mail.raw) for visit in delivered])
        for visit, score in zip(delivered, scores):
            visit.score = score


DECIDED = {
    "hung up": "held; it left, nothing delivered",
    "450": "asked to come again",
    "421": "closed",
}


def decided(visit):
    """What was decided and why, in words."""
    if visit.stamp is None:
        if visit.answer == "250":
            return "answered at once"
        return DECIDED.get(visit.answer, "not delivered")
    stamp = visit.stamp
    why = {
        "none": "not a suspect",
        "s25r": "S25R rule " + stamp["s25r_rule"],
        "tries": "came back %d times in %d s" % (
            stamp["grey_tries"], stamp["grey_secs"]),
    }.get(stamp["why"], stamp["why"])
    word = stamp["verdict"]
    if stamp["tarpit"] != "none":
        word += " (%s)" % stamp["tarpit"]
    return "%s: %s" % (word, why)


def table(visits):
    form = "%2s  %-52s %-36s %6s  %-8s %6s"
    print(form % ("", "who", "what was decided, and why", "waited", "answer", "score"))
    print("-" * 116)
    for number, visit in enumerate(visits, 1):
        print(form % (
            number, visit.who, decided(visit), "%.1f s" % visit.seconds,
            visit.answer, "" if visit.score is None else "%.1f" % visit.score.points))
        if visit.stamp is not None:
            print("    flags: %s    SpamAssassin: %s" % (
                " ".join(sorted(visit.stamp.flags)) or "-",
                " ".join(visit.score.hits) or "no hit"))


def example(visits):
    for visit in visits:
        if visit.stamp and visit.stamp["tarpit"] == "endured":
            print("\nThe headers of the end-user line that waited:\n")
            for name, value in visit.mail.header_lines():
                if name.startswith("X-TaRgrey"):
                    print("%s: %s" % (name, value))
            return


def say_how(lab):
    stop = lab.root / "stop"
    stop.write_text("#!/bin/sh\nkill %d %d\nsleep 2\nrm -rf %s\n" % (
        lab.postfix.master_pid(), lab.daemon.pid, lab.root))
    stop.chmod(0o755)
    print("""
Left running.
  talk to it   nc 127.0.0.1 %d
               XCLIENT NAME=p1-dyn.example.net REVERSE_NAME=p1-dyn.example.net
               EHLO pc ... (recipients: anybody@example.jp)
  mail log     %s
  targreyd     %s, its log %s
  delivered    %s/all/new
  ask it       %s --config %s list events
  stop it      %s""" % (
        lab.postfix.port(), lab.postfix.log_file, lab.daemon.conf,
        lab.daemon.log_file, lab.postfix.mail,
        lab.daemon.binary.with_name("targreyctl"), lab.daemon.conf, stop))


def main(arguments):
    keep = "--keep" in arguments
    lab = Lab(CONFIG)
    lab.start()
    complete = False
    try:
        print("targreyd and a private Postfix run in %s; main.cf has one more line:"
              % lab.root)
        print("  smtpd_milters = %s" % lab.postfix.milters)
        print("Times are short here: holds last %d s, retries count after %d s.\n"
              % (HOLD_S, DELAY_S))
        demo = Demo(lab)
        demo.all()
        demo.gather()
        table(demo.visits)
        example(demo.visits)
        print("\nSpamAssassin counts 127.0.0.0/8 as its own network, so it was shown"
              " the clients\nas 203.0.113.x; nothing else of the messages was changed.")
        complete = all(visit.answer != "-" for visit in demo.visits)
    except Exception:
        print(lab.daemon.log(), file=sys.stderr)
        raise
    finally:
        if keep:
            say_how(lab)
        else:
            lab.close()
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
