# SPDX-License-Identifier: BSD-2-Clause
"""Plays the first mails through the real targreyd and scores them with the
real SpamAssassin, in each of its four score sets.

    tests/score/play.py          plays all and prints a line a message
"""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import first  # noqa: E402
import milter  # noqa: E402
from support.clock import Clock  # noqa: E402
from support.daemon import Daemon  # noqa: E402
from support.dnsd import Server  # noqa: E402

SETS = ("local", "net", "local+Bayes", "net+Bayes")
MODES = ("observe", "targrey")
HOLD = 125
# .example is no domain of the public list, its addresses are nobody's; here
# they are the world's, and one of them is a free mailer.
SITE = """\
util_rb_tld example
score RCVD_ILLEGAL_IP 0
freemail_domains freemail.example freepost.example
bayes_min_ham_num 1
bayes_min_spam_num 1
"""


class Player:
    """One targreyd of one mode."""

    def __init__(self, root, mode, names):
        self.root = root / mode
        (self.root / "run").mkdir(parents=True, mode=0o755)
        self.clock = Clock(self.root / "clock")
        self.dns = Server(names).start()
        self.daemon = Daemon(self.root, self.root / "run" / "targrey.sock", self.clock, {
            "mode": mode, "hostname": "mx.receiver.example", "spf": {"enabled": True},
            "dns": {"servers": [self.dns.text], "timeout": "20s"}})
        self.clock.settle = self.daemon.settle

    def __enter__(self):
        self.daemon.start()
        return self

    def __exit__(self, *_):
        try:
            self.daemon.close()
        finally:
            self.dns.close()
            self.clock.close()

    def _dns_at_rest(self):
        before, calm = -1, 0
        while calm < 6:
            time.sleep(0.03)
            now = len(self.dns.asked)
            calm = calm + 1 if now == before else 0
            before = now

    def _wait(self):
        """A part of a hold passes; what DNS has to say has been said."""
        self._dns_at_rest()
        for _ in range(HOLD // 9 + 1):
            self.clock.step(9)
            time.sleep(0.02)

    def play(self, mail):
        """The delivered message, octets."""
        for _ in range(mail.visits):
            self._once(mail)
            self.clock.advance(86400)
        return mail.message(self._once(mail))

    def _once(self, mail):
        with milter.Session(self.daemon.socket, held=self._wait) as session:
            fields = session.play(mail.name, mail.ptr, mail.address, mail.helo, mail.sender,
                                  first.RECIPIENT, mail.fields())
        self.daemon.settle()
        return fields


def facts_of(message):
    """X-TaRgrey-Session as a dict."""
    head = message.partition(b"\n\n")[0].decode("latin-1")
    line = re.search(r"(?m)^X-TaRgrey-Session: (.*)$", head)
    return dict(pair.split("=", 1) for pair in line[1].split("; ")) if line else {}


def bare(message):
    """The same without a word of ours; SPF as a stock SpamAssassin has it."""
    head, _, body = message.partition(b"\n\n")
    return re.sub(rb"(?m)^X-TaRgrey-.*\n", b"", head + b"\n") + b"\n" + body


def site(folder, rules):
    folder.mkdir()
    for path in pathlib.Path("/etc/spamassassin").glob("*.pre"):
        text = re.sub(r"(?m)^loadplugin .*::(?:Razor2|Pyzor)\b.*\n", "", path.read_text())
        (folder / path.name).write_text(text)
    nets = "".join("header %s %s =~ /\\b%s\\b/\ntflags %s net\nscore %s %s\n" % (
        name, first.NET_HEADER.decode(), name, name, name, score)
        for name, score in first.NET.items())
    (folder / "90_first.cf").write_text(SITE + nets)
    shutil.copy(rules, folder)
    return folder


def scan(paths, folder, *more):
    """{path: {rule: points}} of the messages."""
    done = subprocess.run(
        ["/usr/bin/perl", str(HERE / "scan.pl"), "--site", str(folder), *map(str, more)],
        input="".join("%s\n" % path for path in paths), capture_output=True, text=True,
        env=dict(os.environ, HOME=str(folder)), check=False)
    if done.returncode != 0 or done.stderr:
        raise AssertionError("scan.pl: " + done.stderr)
    found = {}
    for line in done.stdout.splitlines():
        path, _, hits = line.split("\t")
        found[path] = {hit.split("=")[0]: float(hit.split("=")[1]) for hit in hits.split()}
    return found


class Result:
    """facts[mode]: session words; hits[mode][set]: {rule: points}."""

    def __init__(self, mail):
        self.mail, self.facts = mail, {}
        self.hits = {mode: {} for mode in MODES}

    def stock(self, number):
        """What it has in this set without us."""
        return sum(points for rule, points in self.hits[MODES[0]][number].items()
                   if not rule.startswith("TARGREY_"))

    def lift(self, number):
        """The most that our rules added in this set, of both modes."""
        return max(sum(points for rule, points in self.hits[mode][number].items()
                       if rule.startswith("TARGREY_")) for mode in MODES)

    def is_lifted_over_5(self, number):
        return self.stock(number) < 5 <= self.stock(number) + self.lift(number)

    def is_marked(self, number):
        return any("TARGREY_DISCARD_OK" in self.hits[mode][number] for mode in MODES)


def play_all(found, work):
    """Each mail's Result with its facts; writes work/mail/MODE/ID, and
    work/mail/bare/ID without our headers."""
    table = first.names(found)
    results = {mail: Result(mail) for mail in found}
    for name in ("bare", *MODES):
        (work / "mail" / name).mkdir(parents=True)
    for mode in MODES:
        with Player(work, mode, table) as player:
            for mail in found:
                message = player.play(mail)
                results[mail].facts[mode] = facts_of(message)
                (work / "mail" / mode / mail.id).write_bytes(message)
                if mode == MODES[0]:
                    (work / "mail" / "bare" / mail.id).write_bytes(bare(message))
    return results


def score_all(results, work, rules):
    """Fills in the hits; Bayes is that of the other half of the set."""
    folder = site(work / "site", rules)
    halves = [[mail for number, mail in enumerate(results) if number % 2 == side] for side in (0, 1)]
    for side in (0, 1):
        for label in ("ham", "spam"):
            scan([work / "mail" / "bare" / mail.id for mail in halves[1 - side] if mail.label == label],
                 folder, "--state", state(work, side), "--learn", label)
    for number in range(4):
        net = ["--net"] if number & 1 else []
        if number & 2:
            for side in (0, 1):
                score_part(results, work, number, halves[side], folder,
                           *net, "--bayes", "--state", state(work, side))
        else:
            score_part(results, work, number, list(results), folder, *net)


def score_part(results, work, number, part, folder, *more):
    """These mails in this score set. What was not held has the same facts in
    both modes, and is scored once."""
    paths = {str(work / "mail" / mode / mail.id): (mail, mode) for mail in part for mode in MODES
             if mode == MODES[0] or results[mail].facts[mode]["verdict"] == "hold"}
    for path, hits in scan(paths, folder, *more).items():
        mail, mode = paths[path]
        results[mail].hits[mode][number] = hits
    for mail in part:
        results[mail].hits["targrey"].setdefault(number, results[mail].hits[MODES[0]][number])


def state(work, side):
    folder = work / ("bayes%d" % side)
    folder.mkdir(exist_ok=True)
    return folder


def run(work, rules=TOP / "rules" / "70_targrey.cf"):
    """Every first mail's Result, in order."""
    found = first.mails()
    results = play_all(found, work)
    score_all(results, work, rules)
    return list(results.values())


def table(results):
    """Lines of Markdown, one a label and kind: how many; per set how many are at
    5 without and with us, what we added in the mean and at most, and of spam
    how many we marked."""
    kinds = collections.OrderedDict()
    for result in results:
        kinds.setdefault((result.mail.label, result.mail.kind), []).append(result)
    for label in ("ham", "spam"):
        kinds[(label, "all")] = [result for result in results if result.mail.label == label]
    lines = []
    for (label, kind), part in kinds.items():
        cells = []
        for number in range(4):
            cells.append("%d -> %d; %+.1f (%+.1f)%s" % (
                sum(r.stock(number) >= 5 for r in part),
                sum(r.stock(number) + r.lift(number) >= 5 for r in part),
                sum(r.lift(number) for r in part) / len(part), max(r.lift(number) for r in part),
                "; %d" % sum(r.is_marked(number) for r in part) if label == "spam" else ""))
        lines.append("| %s | %s | %d | %s |" % (label, kind, len(part), " | ".join(cells)))
    return lines


def main():
    with tempfile.TemporaryDirectory(prefix="targrey-first-") as folder:
        work = pathlib.Path(folder)
        work.chmod(0o755)
        results = run(work)
    for r in results:
        print("%-4s %-26s %-12s %-8s %s" % (
            r.mail.label, r.mail.id, r.mail.kind, r.facts["targrey"]["tarpit"],
            "  ".join("%5.1f %+.1f%s" % (r.stock(n), r.lift(n), "D" if r.is_marked(n) else " ")
                      for n in range(4))))
    print("\n".join(table(results)))


if __name__ == "__main__":
    main()
