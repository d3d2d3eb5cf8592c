# SPDX-License-Identifier: BSD-2-Clause
"""The first mails of first/: the real targreyd, the real SpamAssassin, four
score sets. Fails when a good one comes to harm."""
import collections
import pathlib
import re
import tempfile
import unittest

import first
import first_run


class FirstMail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="targrey-first-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.work = pathlib.Path(cls.folder.name)
        cls.work.chmod(0o755)
        cls.results = first_run.run(cls.work)
        cls.ham = [result for result in cls.results if result.mail.label == "ham"]
        cls.spam = [result for result in cls.results if result.mail.label == "spam"]
        print("\n".join(first_run.table(cls.results)))

    def offenders(self, part, claim):
        return ["%s, %s: %.1f by stock rules, %+.1f by ours" % (
            result.mail.id, first_run.SETS[number], result.stock(number), result.lift(number))
            for result in part for number in range(4) if claim(result, number)]

    def test_there_are_sixty_of_each(self):
        self.assertGreaterEqual(len(self.ham), 60)
        self.assertGreaterEqual(len(self.spam), 60)
        self.assertGreaterEqual(sum(r.mail.kind == "news" for r in self.ham), 6)

    def test_no_good_one_is_lifted_over_5(self):
        self.assertEqual([], self.offenders(self.ham, first_run.Result.is_lifted_over_5))

    def test_no_good_one_gets_more_than_a_point_and_a_half(self):
        self.assertEqual([], self.offenders(self.ham, lambda r, n: r.lift(n) > 1.5))

    def test_no_good_one_is_marked(self):
        self.assertEqual([], self.offenders(self.ham, first_run.Result.is_marked))

    def test_forwarded_and_list_mail_is_never_marked(self):
        self.assertEqual([], self.offenders(
            [r for r in self.results if r.mail.kind in ("forwarded", "list")], first_run.Result.is_marked))

    def test_spam_is_lifted(self):
        for number in range(4):
            over = [sum(r.is_lifted_over_5(number) for r in self.spam), len(self.spam)]
            self.assertGreaterEqual(over[0] * 20, over[1], "%s: %s" % (first_run.SETS[number], over))
        self.assertGreater(sum(r.is_marked(3) for r in self.spam), 0)

    def test_a_listed_farm_is_not_judged_by_its_name(self):
        """Its mail carries headers with why=listed: HELO, SPF and content count."""
        farm = [r for r in self.results if r.mail.kind == "farm"]
        self.assertGreaterEqual(len(farm), 16)
        odd = set()
        for result in farm:
            for mode in first_run.MODES:
                facts = result.facts[mode]
                self.assertEqual("listed none pass match", " ".join(
                    facts[key] for key in ("why", "would", "verdict", "s25r")), result.mail.id)
                ours = {rule for number in range(4) for rule in result.hits[mode][number]
                        if rule.startswith("TARGREY_")}
                self.assertEqual(set(), {rule for rule in ours if re.match(
                    "TARGREY_(S25R|MISMATCH|LINE|SURE|HALF|KNOWN|HAM|SPAMMER)", rule)}, result.mail.id)
                odd |= ours if result.mail.label == "spam" else set()
        self.assertLessEqual({"TARGREY_NEW_SIGNS", "TARGREY_ODD_SIGNS"}, odd)

    def test_the_record_of_its_neighbours_ruins_no_good_one(self):
        """Each again, as if all that was known of its network were spam."""
        results = {result.mail: result for result in self.ham}
        asked = {}
        for mail in results:
            text = (self.work / "mail" / "observe" / mail.id).read_bytes()
            blamed, count = re.subn(
                rb"(?m)^(X-TaRgrey-Session: .*?; fault=none).*$",
                rb"\1; net_ham=0; net_spam=40; new=address,sender", text)
            self.assertEqual(1, count, mail.id)
            path = self.work / ("blamed-" + mail.id)
            path.write_bytes(blamed)
            asked.update({(mail, number): path for number in range(4)})
        found = first_run.ask_ours(asked, results, self.work, first_run.RULES)
        self.assertGreater(sum("TARGREY_NET_BAD" in ours for ours in found.values()), 4 * 50)
        ruined = ["%s, %s: %s" % (mail.id, first_run.SETS[number], ours)
                  for (mail, number), ours in found.items()
                  if sum(ours.values()) > 1.5 or "TARGREY_DISCARD_OK" in ours]
        self.assertEqual([], ruined)
        print("ham lifted over 5 by a bad record of its neighbours: %s" % [
            sum(n == number and results[mail].stock(n) < 5 <= results[mail].stock(n) + sum(ours.values())
                for (mail, n), ours in found.items()) for number in range(4)])

    def test_our_rules_asked_alone_say_the_same(self):
        """What hits in mode targrey is asked of our rules alone, in no time."""
        results = {result.mail: result for result in self.results}
        asked = {(mail, 3): self.work / "mail" / "observe" / mail.id for mail in results}
        alone = first_run.ask_ours(asked, results, self.work, first_run.RULES)
        for mail, result in results.items():
            whole = {rule: points for rule, points in result.hits["observe"][3].items()
                     if rule.startswith("TARGREY_")}
            self.assertEqual(whole, alone[(mail, 3)], mail.id)

    def test_the_sessions_were_as_the_files_say(self):
        """Name, SPF and holds: what targreyd found is what the file told DNS."""
        counted = collections.Counter()
        for result in self.results:
            mail, found = result.mail, result.facts
            for mode in first_run.MODES:
                self.assertEqual(found[mode]["mode"], mode)
                self.assertEqual(found[mode]["fault"], "none", mail.id)
                self.assertEqual(found[mode]["spf"], mail.spf, mail.id)
                self.assertEqual(found[mode]["rdns"], "pass" if mail.name else "mismatch"
                                 if mail.ptr else "none", mail.id)
            if found["observe"]["would"] == "hold" and not mail.visits:
                self.assertEqual(found["targrey"]["verdict"], "hold", mail.id)
                self.assertGreaterEqual(int(found["targrey"]["tarpit_secs"]), first_run.HOLD, mail.id)
                counted[mail.label] += 1
        self.assertGreater(counted["ham"], 40)
        self.assertGreater(counted["spam"], 40)

    def test_who_is_known_for_days_is_no_stranger(self):
        known = [r for r in self.results if r.mail.visits]
        self.assertGreaterEqual(len(known), 2)
        for result in known:
            self.assertGreaterEqual(int(result.facts["observe"]["age"]), 3, result.mail.id)
            self.assertGreaterEqual(int(result.facts["observe"]["seen"]), 3, result.mail.id)
            self.assertGreaterEqual(int(result.facts["targrey"]["passed"]), 1, result.mail.id)


class Format(unittest.TestCase):
    def test_every_file_is_read(self):
        for mail in first.mails():
            self.assertIn(b"\nContent-Type: ", b"\n" + b"\n".join(
                mail.fields()) + (b"\nContent-Type: " if mail.facts.get("mime") else b""), mail.id)

    def test_an_odd_fact_names_its_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "odd.mail"
            path.write_text("kind: x\nabuot: y\n\nSubject: z\n\n")
            with self.assertRaisesRegex(ValueError, "odd.mail.*abuot"):
                first.Mail(path, 1)


if __name__ == "__main__":
    unittest.main()
