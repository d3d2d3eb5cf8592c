# SPDX-License-Identifier: BSD-2-Clause
"""What the documents name is there: links, files, commands, options, keys, pages."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from support import picture
from support.daemon import BUILD, SOURCE

PAGES = sorted([*SOURCE.glob("*.md"), *SOURCE.glob("docs/**/*.md"), *SOURCE.glob("rules/*.md")])
MANUALS = sorted([*SOURCE.glob("docs/man/*.[1-8]"), BUILD / "conf/targrey-headers.7"])
FOLDERS = "conf|docs|packaging|rules|sa-plugin|setup|src|tests"


def run(*command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
                          env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    return done.stdout


def code(text):
    """What stands in `...` and in indented blocks."""
    spans = re.findall(r"`([^`\n]+)`", text)
    return spans + [line.strip() for line in text.split("\n") if line.startswith("    ")]


class Documents(unittest.TestCase):
    maxDiff = None
    headers = BUILD / "conf/targrey-headers.7"

    def everywhere(self, find):
        """find(page, text) yields what is wrong."""
        wrong = ["%s: %s" % (page.relative_to(SOURCE), fault)
                 for page in PAGES for fault in find(page, page.read_text())]
        self.assertEqual([], wrong)

    def test_every_link_leads_to_a_file_or_a_heading(self):
        def find(page, text):
            for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = target.partition("#")
                path = (page.parent / name) if name else page
                if not path.exists():
                    yield target
                elif anchor and path.suffix == ".md":
                    headings = [re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
                                for line in path.read_text().split("\n") if line.startswith("#")]
                    if anchor not in headings:
                        yield target
        self.everywhere(find)

    def test_every_file_that_is_named_is_there(self):
        def find(_, text):
            for span in code(text):
                for name in re.findall(r"(?<![\w/.~-])((?:%s)/[\w./-]*[\w/])" % FOLDERS, span):
                    if "ROOM" not in name and not (SOURCE / name).exists() and not list(SOURCE.glob(name + "*")):
                        yield name
        self.everywhere(find)

    def test_the_table_of_tests_names_every_folder_and_program(self):
        """A room's folder is its row tests/ROOM."""
        page = (SOURCE / "docs/develop/testing.md").read_text()
        named = set(re.findall(r"(?m)^\| `tests/([a-z0-9_-]+)", page))
        rooms = {path.name for path in (SOURCE / "src").iterdir() if path.is_dir()}
        there = {path.name for path in (SOURCE / "tests").iterdir()
                 if path.is_dir() or os.access(path, os.X_OK)} - {"__pycache__"}
        self.assertEqual(set(), there - rooms - named)
        self.assertEqual(set(), named - there)
        self.assertIn("| `tests/ROOM` |", page)

    def test_every_command_and_option_of_targreyctl_exists(self):
        known = {}
        for line in run(BUILD / "bin/targreyctl", "--help").split("\n\n")[1].splitlines():
            name = line.split()[0]
            known[name] = run(BUILD / "bin/targreyctl", name, "--help")

        def find(_, text):
            for span in code(text):
                for name, rest in re.findall(r"targreyctl ([a-z][a-z0-9-]*)((?: [^|;]*)?)", span):
                    if name not in known:
                        yield "targreyctl " + name
                        continue
                    for option in re.findall(r"(?<!\S)(--[a-z-]+)", rest):
                        if option not in known[name]:
                            yield "targreyctl %s %s" % (name, option)
        self.everywhere(find)

    # A word in capitals stands for one of these.
    STAND_FOR = {"ADDRESS": "192.0.2.7", "COUNT": "3", "DOMAIN": "example.org", "ID": "0123456789",
                 "NAME": "mail.example.org", "NET": "192.0.2.0/24", "SID": "0123456789"}

    def test_every_line_with_targreyctl_is_understood(self):
        """Run as it stands in the documents, on a host where nothing is on record yet;
        exit status 2 is 'not understood'. All files lie in a scratch folder."""
        scratch = tempfile.TemporaryDirectory(prefix="targrey-docs-")
        self.addCleanup(scratch.cleanup)
        here = pathlib.Path(scratch.name)
        (here / "targrey.conf").write_text('store { url = "memory:" }\n')

        def word(text):
            if re.match(r"[~/]|[A-Z]{4,}$", text) and text not in self.STAND_FOR:
                return str(here / (text.strip("/~").replace("/", "_") + "_"))
            return self.STAND_FOR.get(text, text)

        lines = set()
        for page in [*PAGES, SOURCE / "packaging/debian/README.Debian"]:
            for span in code(page.read_text()):
                for line in re.findall(r"targreyctl ([a-z][a-z0-9-]* [^|;]+)", span):
                    line = re.sub(r"(  | \().*", "", line).rstrip('". ')
                    if " " in line and not re.search(r"[\[<]|\.\.\.$|--(sid|mail)$|^import postgrey$|^(doctor|migrate|serve) ", line):
                        lines.add(line)
        self.assertIn("show 192.0.2.7", lines)
        wrong = []
        for line in sorted(lines):
            said = subprocess.run(
                [str(BUILD / "bin/targreyctl"), *map(word, line.split()),
                 "--config", str(here / "targrey.conf")], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
                env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
            if said.returncode not in (0, 1):
                wrong.append("%s: %s" % (line, said.stderr))
        self.assertEqual([], wrong)

    def test_every_option_of_targreyd_is_in_its_manual_and_in_its_usage(self):
        said = run(BUILD / "bin/targreyd", "--help")
        manual = (SOURCE / "docs/man/targreyd.8").read_text().split(".Sh DESCRIPTION")[1].split(".Sh SIGNALS")[0]
        inside = set(re.findall(r"(?m)^\.It Fl (\w)", manual))
        self.assertEqual(inside, set(re.findall(r"(?m)^  -(\w)", said)))
        self.assertEqual(inside - {"f", "h"}, set(re.search(r"\[-(\w+)\] \[-f", said).group(1)))
        for option in re.findall(r"--\w+", said):
            self.assertIn("Fl -" + option[2:], manual.replace("\\-", "-"))

    def test_every_option_of_targrey_setup_exists(self):
        said = run("sh", SOURCE / "setup/targrey-setup", "--help")
        manual = (SOURCE / "docs/man/targrey-setup.8").read_text()
        for option in re.findall(r"(?m)^  (--[a-z-]+)", said):
            self.assertIn("Fl -%s" % option[2:], manual.replace("\\", ""))

        def find(_, text):
            for span in code(text):
                for options in re.findall(r"targrey-setup((?: --[a-z-]+)+)", span):
                    for option in options.split():
                        if option not in said:
                            yield option
        self.everywhere(find)

    def test_every_key_with_its_section_exists(self):
        keys, section = set(), ""
        for line in (SOURCE / "conf/targrey.conf").read_text().split("\n"):
            found = re.match(r"(\w+) \{$", line)
            if found:
                section = found.group(1)
            elif line == "}":
                section = ""
            else:
                found = re.match(r" *#(\w+) = ", line)
                if found:
                    keys.add((section + "." if section else "") + found.group(1))
        sections = {key.split(".")[0] for key in keys if "." in key}
        self.assertIn("tarpit.hold", keys)

        def find(_, text):
            for span in code(text):
                for key in re.findall(r"(?<![\w./-])((?:%s)\.[a-z_]+)(?![\w./-])" % "|".join(sections), span):
                    if key not in keys and not key.endswith((".d", ".db", ".log")):
                        yield key
                for name, inside in re.findall(r"(?<![\w.])(%s) \{ ([^}]*)\}" % "|".join(sections), span):
                    for key in re.findall(r"(?<![\w\"/.])([a-z_]+) \+?= ", inside):
                        if "%s.%s" % (name, key) not in keys:
                            yield "%s { %s }" % (name, key)
        self.everywhere(find)

    def test_the_mistakes_that_are_shown_are_said_so(self):
        page = (SOURCE / "docs/configuration.md").read_text()
        shown = page.split("Mistakes look like this")[1].split("\n\n")[1].splitlines()
        made = {"tarpit.hold": 'tarpit { hold = "300s" }', "moed": 'moed = "x"',
                "allow.files": "allow { files = {/etc/x} }", '"*.example.com"': 'allow { files = {"%s/mine"} }',
                "rule cable": 'suspects { s25r = "%s/s25r.rules" }'}
        with tempfile.TemporaryDirectory(prefix="targrey-docs-") as here:
            files = pathlib.Path(here)
            (files / "mine").write_text("*.example.com\n")
            (files / "s25r.rules").write_text("cable  ^(cable|p  a word for a line\n")
            rules = 'suspects { s25r = "%s/conf/s25r.rules" files = {} }\n' % SOURCE
            for line in shown:
                text = re.match(r" +/etc/targrey/[\w./]+:\d+: (.*)", line).group(1)
                wrong = made.pop(next(begin for begin in made if text.startswith(begin)))
                more = "" if "suspects" in wrong else rules
                more += "" if "allow" in wrong else "allow { files = {} }\n"
                (files / "targrey.conf").write_text(wrong.replace("%s", here) + "\n" + more)
                said = run(BUILD / "bin/targreyctl", "config", "check", "--config", files / "targrey.conf")
                self.assertRegex(said, re.sub(r"offset\\ \d+", r"offset \\d+",
                                              re.escape(text).replace(r"\.\.\.", ".*")))
        self.assertEqual({}, made)

    def test_the_settings_rules_and_lists_that_are_shown_are_read(self):
        page = (SOURCE / "docs/configuration.md").read_text()

        def block(heading):
            """The first lines of code below it."""
            below = page.split("\n%s\n" % heading)[1]
            return re.search(r"(?m)(?:^(?:    .+)?\n)*^    .+\n", below).group(0).replace("\n    ", "\n").lstrip()

        rule = re.search(r"(?m)^cable .*", (SOURCE / "docs/man/s25r.rules.5").read_text())
        shown = {"allow": block("### allow.d"), "local": block("### suspect.d"),
                 "rules": rule.group(0).replace("\\e", "\\")}
        for name, count in ("allow", 13), ("local", 5):
            self.assertEqual(count, len(shown[name].split("\n")) - 1 - shown[name].count("\n\n"), shown[name])
        with tempfile.TemporaryDirectory(prefix="targrey-docs-") as here:
            for name, text in shown.items():
                (pathlib.Path(here) / name).write_text(text + "\n")
            settings = pathlib.Path(here) / "targrey.conf"
            settings.write_text(block("## The form") + 'allow { files = {"%s/allow"} }\n' % here
                                + 'suspects { s25r = "%s/rules" files = {"%s/local"} }\n' % (here, here))
            done = subprocess.run([str(BUILD / "bin/targreyctl"), "config", "check", "--config", str(settings)],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
                                  env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
            self.assertEqual(0, done.returncode, done.stdout)

    def printed_keys(self):
        """{key: what the sample file says of it, default and all}"""
        found, section, said = {}, "", ""
        for line in run(BUILD / "bin/config_print", "sample").splitlines():
            opened = re.match(r"(\w+) \{$", line)
            key = re.match(r"^ *#(\w+) = (.*)", line)
            section = opened.group(1) + "." if opened else "" if line == "}" else section
            if key:
                found[section + key.group(1)] = said + " Default: " + key.group(2)
            said = said + " " + line.strip(" #") if line.strip().startswith("# ") else ""
        return found

    def test_the_page_on_installing_names_every_key_that_needs_a_restart(self):
        page = (SOURCE / "docs/install.md").read_text()
        said = re.search(r"Changes of (.*?) need a restart", page).group(1)
        named = set(re.findall(r"`(\w+)`", said.split("the keys of `store`")[0]))
        store = set(re.findall(r"`(\w+)`", said.split(" but ")[1]))
        keys = self.printed_keys()
        named |= {key for key in keys if key.startswith("store.") and key[6:] not in store}
        self.assertEqual(named, {key for key, text in keys.items() if "needs a restart" in text})

    def test_every_default_in_brackets_is_the_default(self):
        """As in `store.timeout` (1 s)."""
        keys = self.printed_keys()

        def find(_, text):
            for key, value, unit in re.findall(r"`([a-z_]+\.[a-z_]+)` \((\d+) ?([smhdw]?)", text):
                if key in keys and not re.search(r'Default: "?%s%s\b' % (value, unit), keys[key]):
                    yield "%s (%s%s): %s" % (key, value, unit, keys[key])
        self.everywhere(find)

    def test_every_key_has_a_sentence_when_to_touch_it(self):
        keys = list(self.printed_keys())
        page = (SOURCE / "docs/configuration.md").read_text()
        self.assertIn("known.successes", keys)
        self.assertEqual(keys, re.findall(r"(?m)^\| `([a-z0-9_.]+)` \| \w.{10,} \|$",
                                          page.split("## When to touch what")[1].split("\n## ")[0]))

    def test_the_picture_of_the_report_shows_words_that_it_has_today(self):
        """Else draw it anew: tests/picture."""
        literals = "\n".join(re.sub(r'"\s*"', "", path.read_text()) for path in SOURCE.glob("src/*/*.c"))
        words = picture.read_words(SOURCE / "docs/report.png")
        self.assertIn("In short", words)
        self.assertGreater(len(words), 30)
        self.assertEqual([], [word for word in words if '"%s"' % word not in literals])

    def test_the_figures_in_short_are_those_of_the_comparison(self):
        page = (SOURCE / "docs/comparison.md").read_text()

        def cells(label):
            row = re.search(r"(?m)^\| %s \|(.*)\|$" % re.escape(label), page).group(1)
            return [float(cell.strip(" *").replace(",", "")) for cell in row.split("|") if cell.strip()]
        rate, both, host, ours = (cells(label) for label in (
            "messages/s", "CPU a message, Postfix and filter, ms", "CPU a message, the whole host, ms",
            "of it the filter, ms"))
        for said in ("%d messages a second with targrey, %d without any filter" % (rate[-1], rate[0]),
                     "%.1f ms with Postfix, %.1f of it targreyd's; a thousand messages a minute take %.0f %% of a core"
                     % (both[-1], ours[-1], host[-1] * 1000 / 60 / 10)):
            self.assertIn(said, (SOURCE / "docs/performance.md").read_text())
        self.assertIn("take %.0f %% of a core" % (host[-1] * 1000 / 60 / 10), page)
        self.assertIn("targrey makes %.2f of the messages/s at %.2f of the host's CPU" % (
            cells("of lean")[-1], cells("of lean, the whole host")[-1]), page)

    def test_every_setting_of_postfix_exists(self):
        def find(_, text):
            for span in code(text):
                for name in re.findall(r"(?<![\w.])((?:smtpd?|milter|header|nested)_[a-z_]+|default_process_limit)"
                                       r"(?= ?=)", span):
                    if "postfix" not in run("postconf", "-d", name) and \
                            not run("postconf", "-d", name).startswith(name):
                        yield name
        self.everywhere(find)

    def test_the_manuals_are_good_mdoc(self):
        self.assertEqual("", run("mandoc", "-Tlint", "-Wwarning", *MANUALS))
        names = {path.name for path in MANUALS}
        self.assertLessEqual({"targreyd.8", "targrey.conf.5", "targreyctl.8", "targrey-review.1",
                              "targrey-headers.7", "s25r.rules.5", "targrey-setup.8"}, names)
        for path in MANUALS:
            for name, section in re.findall(r"(?m)^\.Xr (targrey\S*|s25r\S*) (\d)", path.read_text()):
                self.assertIn("%s.%s" % (name, section), names, path.name)

    def test_the_manual_of_the_headers_has_every_key(self):
        page = self.headers.read_text()
        for key in re.findall(r"(?m)^\| ([a-z0-9_, ]+) \|", (SOURCE / "docs/headers.md").read_text()):
            if key != "key":
                self.assertIn(".It Li %s\n" % key.replace(" ", "\\ "), page)

    def test_the_japanese_readme_has_the_commands_of_the_english_one(self):
        def blocks(name):
            return [line for line in (SOURCE / name).read_text().split("\n") if line.startswith("    ")
                    and re.match(r" +(apt|tests|targrey|cmake|smtpd|postfix|mode)", line)]
        english = [line.split("  #")[0].rstrip() for line in blocks("README.md")]
        japanese = [line.split("  #")[0].rstrip() for line in blocks("README.ja.md")]
        self.assertEqual(english, japanese)
        self.assertGreater(len(english), 3)

    def test_the_japanese_readme_has_the_parts_of_the_english_one(self):
        """Links, pictures, tables, headings and points, in the same order."""
        def parts(name):
            lines = (SOURCE / name).read_text().split("\n")
            return [target or line[:2] for line in lines[3:]  # without the link to the other one
                    for target in [line.split(" | ")[0] if line.startswith("| `") else "",
                                   *re.findall(r'(?:\]\(|src="|href=")([^)"]+)', line)]
                    if target or line.startswith(("#", "- "))]
        self.assertEqual(parts("README.md"), parts("README.ja.md"))


if __name__ == "__main__":
    unittest.main()
