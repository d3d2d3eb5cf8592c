# SPDX-License-Identifier: BSD-2-Clause
"""What a site teaches its record while mail comes in, and what it gains."""
import collections
import hashlib
import ipaddress
import re
import time

MARK = "TARGREY_DISCARD_OK"
LINE = ("%s mx amavis[1]: (00001-01) Passed %s {RelayedInbound}, [%s]:40000 [%s] <sender@other.example>"
        " -> <you@receiver.example>, Queue-ID: %s, mail_id: AAAAAAAAAAAA, Hits: %.1f, size: 1000, 10 ms\n")


class Teacher:
    """Tells a daemon's database by targreyctl learn-log, in amavis' words.

    learned    what learn-log says that it added, by kind
    """

    def __init__(self, daemon):
        self.daemon, self.learned = daemon, collections.Counter()
        self.path = daemon.root / "mail.log"

    def tell(self, row, queue_id, score):
        now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(self.daemon.clock.wall()))
        self.path.write_text(LINE % (now, "SPAMMY" if score >= 5 else "CLEAN", row.address,
                                     row.address, queue_id, score))
        told = self.daemon.ctl("learn-log", str(self.path))["learned"]
        for kind in ("ham", "spam", "skipped", "unknown", "ambiguous", "known", "doubtful"):
            self.learned[kind] += told[kind]


def is_drawn(row_id, share):
    """By the name alone: the same ones in every run."""
    number = int.from_bytes(hashlib.sha256(row_id.encode()).digest()[:4], "big")
    return number < share / 100 * 2 ** 32


def differ(one, other):
    """Other words than the number of the session."""
    texts = [re.sub(rb"(?m)^(X-TaRgrey-Session: .*; sid=)[0-9a-f]+", rb"\1", path.read_bytes())
             for path in (one, other)]
    return texts[0] != texts[1]


def network(address):
    return ipaddress.ip_network("%s/%d" % (address, 48 if ":" in address else 24), strict=False)


def groups(rows, work):
    """{(label, what): rows}, by source and by what had been seen before."""
    found = collections.OrderedDict()
    for row in sorted(rows, key=lambda row: (row.label, row.source)):
        found.setdefault((row.label, row.source), []).append(row)
    addresses, networks = set(), set()
    for label in ("ham", "spam"):
        for what in ("all", "never seen before", "its network seen", "good name, network seen"):
            found[(label, what)] = []
    for row in rows:
        head = (work / "with" / row.id).read_bytes().partition(b"\n\n")[0]
        has_good_name = b"; rdns=pass; s25r=none; " in head
        is_known = network(row.address) in networks
        for what, claim in (("all", True), ("never seen before", row.address not in addresses),
                            ("its network seen", is_known),
                            ("good name, network seen", is_known and has_good_name)):
            if claim:
                found[(row.label, what)].append(row)
        addresses.add(row.address)
        networks.add(network(row.address))
    return {key: part for key, part in found.items() if part}


def table(rows, work, before, after, fed):
    """Lines of Markdown: per cent at 5 by stock rules, with ours, with ours and
    feedback; how many feedback lifts over 5; its mean shift; marked ones."""
    lines = ["| | | messages | at 5 | lifted by feedback | mean shift | %s |" % MARK,
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for (label, what), part in groups(rows, work).items():
        lines.append("| %s | %s | %d | %s | %d (%.1f %%) | %+.2f | %s |" % (
            label, what, len(part), " -> ".join("%.1f" % (100 * share(part, found)) for found in (
                before, after, fed)),
            len(lifted(part, after, fed)), 100 * len(lifted(part, after, fed)) / len(part),
            sum(fed[row.id][0] - after[row.id][0] for row in part) / len(part),
            " -> ".join("%.1f" % (100 * sum(MARK in found[row.id][1] for row in part) / len(part))
                        for found in (after, fed))))
    for label in ("ham", "spam"):
        clients = collections.defaultdict(list)
        for row in rows:
            if row.label == label:
                clients[row.address].append(row)
        if clients:
            lines.append("| %s | clients, each counting as one | %d | %s | | | |" % (
                label, len(clients), " -> ".join("%.1f" % (100 * sum(
                    share(part, found) for part in clients.values()) / len(clients))
                    for found in (before, after, fed))))
    return lines


def share(rows, found):
    """Of the rows, at 5 points or more."""
    return sum(found[row.id][0] >= 5 for row in rows) / len(rows)


def lifted(rows, after, fed):
    return [row for row in rows if after[row.id][0] < 5 <= fed[row.id][0]]


def is_harmless(rows, after, fed):
    """No ham marked, and of ham no more than 0.3 % lifted over 5 by feedback."""
    ham = [row for row in rows if row.label == "ham"]
    over = lifted(ham, after, fed)
    marked = [row for row in ham if MARK in fed[row.id][1]]
    print("\nham lifted over 5 by feedback: %d (goal: at most 0.3 %%); with %s: %d (goal: 0)" % (
        len(over), MARK, len(marked)))
    for row in (over + marked)[:20]:
        print("  %-16s %5.1f -> %5.1f  %s  %s" % (
            row.id, after[row.id][0], fed[row.id][0], row.name or row.ptr or "-",
            " ".join(sorted(rule for rule in fed[row.id][1] if rule.startswith("TARGREY_")))))
    return len(over) <= 0.003 * len(ham) and not marked
