# SPDX-License-Identifier: BSD-2-Clause
"""Plays the first mails through the real targreyd and scores them with the
real SpamAssassin, in each of its four score sets.

    tests/score/first_run.py          plays all and prints a line per message
"""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent import futures

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import first  # noqa: E402
import milter  # noqa: E402
from support.clock import Clock  # noqa: E402
from support.daemon import Daemon  # noqa: E402
from support.dnsd import Server  # noqa: E402

RULES = TOP / "rules" / "70_targrey.cf"
SETS = ("local", "net", "local+Bayes", "net+Bayes")
MODES = ("observe", "targrey")
HOLD = 125
STEP, CALM_S = 9, 0.4
AT_ONCE = 12
STOCK_HEADER = "X-Test-Stock"
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
    """One targreyd of one mode, with the shipped allow list."""

    def __init__(self, root, mode, names):
        self.root = root / mode
        (self.root / "run").mkdir(parents=True, mode=0o755)
        self.clock = Clock(self.root / "clock")
        self.dns = Server(names).start()
        self.daemon = Daemon(self.root, self.root / "run" / "targrey.sock", self.clock, {
            "mode": mode, "hostname": "mx.receiver.example", "spf": {"enabled": True},
            "allow": {"files": [str(TOP / "conf" / "allow.d" / "*")]},
            "tarpit": {"max_sessions": 1000, "max_per_net": 1000},
            "dns": {"servers": [self.dns.text], "timeout": "60s"}})
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

    def play(self, mails):
        """{mail: the delivered message}. All sessions are open at the same time."""
        waiting, calm_s = set(), CALM_S
        with futures.ThreadPoolExecutor(len(mails)) as pool:
            jobs = {mail: pool.submit(self._session, mail, waiting) for mail in mails}
            while not all(job.done() for job in jobs.values()):
                # Time passes when each is held, and DNS has said what it had to.
                waiting.clear()
                self.dns.wait_calm(calm_s)
                if all(job.done() or mail in waiting for mail, job in jobs.items()):
                    self.clock.step(STEP)
                    calm_s = CALM_S / 4
        self.daemon.settle()
        return {mail: mail.message(job.result()) for mail, job in jobs.items()}

    def play_for_days(self, mail):
        """The same for one that comes every day."""
        for _ in range(mail.visits):
            self.play([mail])
            self.clock.advance(86400)
        return self.play([mail])

    def _session(self, mail, waiting):
        with milter.Session(self.daemon.socket, held=lambda: waiting.add(mail)) as session:
            return session.play(mail.name, mail.ptr, mail.address, mail.helo, mail.sender,
                                first.RECIPIENT, mail.fields())


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

    def stock_hits(self, number):
        return {rule: points for rule, points in self.hits[MODES[0]][number].items()
                if not rule.startswith("TARGREY_")}

    def stock(self, number):
        """What it has in this set without us."""
        return sum(self.stock_hits(number).values())

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
    with futures.ThreadPoolExecutor(len(MODES)) as pool:
        for mode, played in zip(MODES, pool.map(lambda mode: play_mode(
                found, Player(work, mode, table)), MODES)):
            for mail, message in played.items():
                results[mail].facts[mode] = facts_of(message)
                (work / "mail" / mode / mail.id).write_bytes(message)
                if mode == MODES[0]:
                    (work / "mail" / "bare" / mail.id).write_bytes(bare(message))
    return results


def play_mode(found, player):
    """{mail: the delivered message} of them all."""
    played = {}
    once = [mail for mail in found if not mail.visits]
    with player:
        for mail in found:
            if mail.visits:
                played.update(player.play_for_days(mail))
        for number in range(0, len(once), AT_ONCE):
            played.update(player.play(once[number:number + AT_ONCE]))
    return played


def score_all(results, work, rules):
    """Fills in the hits; Bayes is that of the other half of the set."""
    folder = site(work / "site", rules)
    halves = [[mail for number, mail in enumerate(results) if number % 2 == side] for side in (0, 1)]
    states = [work / "bayes0", work / "bayes1"]
    with futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda side: learn(halves[1 - side], work, folder, states[side]), (0, 1)))
        jobs = []
        for number in range(4):
            net = ["--net"] if number & 1 else []
            parts = [(list(results), [])] if not number & 2 else [
                (halves[side], ["--bayes", "--state", states[side]]) for side in (0, 1)]
            jobs += [(number, part, pool.submit(scan, [
                work / "mail" / MODES[0] / mail.id for mail in part], folder, *net, *more))
                for part, more in parts]
        for number, part, job in jobs:
            for mail in part:
                results[mail].hits[MODES[0]][number] = job.result()[
                    str(work / "mail" / MODES[0] / mail.id)]
    asked = {(mail, number): work / "mail" / "targrey" / mail.id
             for mail in results for number in range(4)}
    for (mail, number), ours in ask_ours(asked, results, work, rules).items():
        results[mail].hits["targrey"][number] = dict(results[mail].stock_hits(number), **ours)


def learn(mails, work, folder, state):
    state.mkdir()
    for label in ("ham", "spam"):
        scan([work / "mail" / "bare" / mail.id for mail in mails if mail.label == label],
             folder, "--state", state, "--learn", label)


def ask_ours(asked, results, work, rules):
    """{(mail, set): {rule of ours: points}} of other sessions of the mails.

    asked    {(mail, set): file with the message as that session had it}

    What stock rules say of a mail is known, and does not hang on our headers. A
    header of the test tells it to a SpamAssassin with no rules but ours.
    """
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ours-", dir=work))
    (folder / "none").mkdir()
    (folder / "site").mkdir()
    text = pathlib.Path(rules).read_text()
    points = {name: [float(word) for word in words.split()] for name, words in re.findall(
        r"(?m)^score\s+(TARGREY_\w+)\s+(.*)$", text)}
    stock = set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", " ".join(
        re.findall(r"(?m)^meta\s+\w+\s+(.*)$", text)))) - set(points)
    (folder / "site" / "check.pre").write_text("loadplugin Mail::SpamAssassin::Plugin::Check\n")
    shutil.copy("/usr/share/spamassassin/20_aux_tlds.cf", folder / "site")
    (folder / "site" / "70_ours.cf").write_text(text + "".join(
        "header %s %s =~ /,%s,/\nscore %s 0.5\n" % (name, STOCK_HEADER, name, name)
        for name in sorted(stock)) + "".join("score %s 0.5\n" % name for name in points))
    paths = {}
    for number, (key, path) in enumerate(asked.items()):
        head, _, body = path.read_bytes().partition(b"\n\n")
        told = "\n%s: ,%s," % (STOCK_HEADER, ",".join(results[key[0]].stock_hits(key[1])))
        paths[str(folder / str(number))] = key
        (folder / str(number)).write_bytes(head + told.encode() + b"\n\n" + body)
    found = {}
    for path, hits in scan(paths, folder / "site", "--rules", folder / "none").items():
        number = paths[path][1]
        found[paths[path]] = {name: points[name][number % len(points[name])] for name in hits
                              if name in points and points[name][number % len(points[name])]}
    return found


def run(work, rules=RULES):
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
