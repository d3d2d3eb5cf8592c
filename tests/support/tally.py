# SPDX-License-Identifier: BSD-2-Clause
"""Counts single tests in ctest's JUnit files.

usage: tally.py [GROUP=]JUNIT.xml ...

A ctest entry counts as the tests that it reports itself (cmocka, unittest,
TAP), or as one. Prints what was skipped and why, what failed, the slowest
entries, and last "N passed, N failed, N skipped". Exit code 1 if any failed.
"""
import re
import sys
import xml.etree.ElementTree as tree

SLOWEST = 12


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def total(self):
        return self.passed + self.failed + self.skipped


def cmocka(text):
    def number(word):
        return sum(int(n) for n in re.findall(
            r"\[  %s *\] (\d+) test\(s\)" % word, text))
    return Count(number("PASSED"), number("FAILED"), number("SKIPPED"))


def unittest(text):
    count = Count()
    for ran, verdict in re.findall(
            r"^Ran (\d+) tests? in .*\n\n(.*)$", text, re.MULTILINE):
        found = {word: int(n) for word, n in re.findall(r"(\w+)=(\d+)", verdict)}
        failed = found.get("failures", 0) + found.get("errors", 0)
        skipped = found.get("skipped", 0)
        passed = max(0, int(ran) - failed - skipped)
        count.add(Count(passed, failed, skipped))
    return count


def tap(text):
    if not re.search(r"^1\.\.\d+", text, re.MULTILINE):
        return Count()
    skipped = len(re.findall(r"^ok \d+ .*# skip", text, re.MULTILINE | re.I))
    skipped += len(re.findall(r"^1\.\.0 .*skip", text, re.MULTILINE | re.I))
    passed = len(re.findall(r"^ok \d+", text, re.MULTILINE))
    failed = len(re.findall(r"^not ok \d+", text, re.MULTILINE))
    return Count(max(0, passed - skipped), failed, skipped)


def skip_lines(text):
    wanted = re.compile(r"skipped '|\[  SKIPPED \] (?!\d)|# skip|^1\.\.0|SKIP")
    lines = (line.strip().lstrip("* ") for line in text.splitlines()
             if wanted.search(line) and "test(s)" not in line and "TEST(S)" not in line)
    return list(dict.fromkeys(lines))


def count_entry(case, text):
    """One <testcase> of ctest."""
    if case.get("status") == "notrun" or case.find("skipped") is not None:
        element = case.find("skipped")
        message = "" if element is None else element.get("message", "")
        return Count(skipped=1) if "SKIP" in message else Count(failed=1)
    count = Count()
    for reader in (cmocka, unittest, tap):
        count.add(reader(text))
    if case.get("status") == "fail":
        count.failed = max(count.failed, 1)
    if count.total() == 0:
        count.passed = 1
    return count


def main(arguments):
    total, times, skips, failures = Count(), [], [], []
    for argument in arguments:
        group, sign, path = argument.partition("=")
        if not sign:
            group, path = "", argument
        for case in tree.parse(path).getroot().iter("testcase"):
            name = " ".join(filter(None, (group, case.get("name"))))
            text = case.findtext("system-out") or ""
            count = count_entry(case, text)
            total.add(count)
            times.append((float(case.get("time") or 0), name, count))
            if count.skipped:
                skips.append((name, skip_lines(text) or ["all of it"]))
            if count.failed:
                failures.append((name, text))
    for name, text in failures:
        print("==== FAILED: %s\n%s" % (name, "\n".join(text.splitlines()[-150:])))
    print("Slowest:")
    for seconds, name, count in sorted(
            times, key=lambda entry: entry[0], reverse=True)[:SLOWEST]:
        print("  %7.1f s  %s (%d tests)" % (seconds, name, count.total()))
    for name, lines in skips:
        for line in lines:
            print("**** SKIPPED in %s: %s" % (name, line))
    for name, _ in failures:
        print("**** FAILED: %s" % name)
    print("%d passed, %d failed, %d skipped" % (
        total.passed, total.failed, total.skipped))
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
