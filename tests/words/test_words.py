# SPDX-License-Identifier: BSD-2-Clause
"""
docs/headers.md, the SpamAssassin rules, the plugin, the delivery samples and the
tests' own reader use the words of src/words/vocabulary.h, and no others.
"""
import os
import re
import runpy
import subprocess
import sys
import unittest

PRINT, SOURCE = sys.argv[1:3]
KEYS, FLAGS = {}, []
for line in subprocess.run([PRINT], capture_output=True, text=True,
                           check=True).stdout.splitlines():
    kind, name, *words = line.split()
    if kind == 'key':
        KEYS[name] = words
    else:
        FLAGS.append(name)


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding='utf-8') as file:
        return file.read()


class Headers(unittest.TestCase):
    def setUp(self):
        page = read('docs', 'headers.md')
        self.session = page.split('## X-TaRgrey-Session')[1].split('\n## ')[0]
        self.flags = page.split('## X-TaRgrey-Flags')[1].split('\n## ')[0]

    def rows(self):
        for row in re.findall(r'^\| ([a-z][a-z0-9_, ]*) \| (.*?) \|', self.session,
                              re.M):
            if row[0] != 'key':
                yield row[0].split(', '), row[1]

    def test_every_key_has_a_row_in_the_order_of_the_header(self):
        self.assertEqual([name for names, _ in self.rows() for name in names],
                         list(KEYS))

    def test_the_closed_lists_are_those_of_the_program(self):
        for names, values in self.rows():
            for name in names:
                if KEYS[name]:
                    self.assertEqual(sorted(values.split()), sorted(KEYS[name]), name)

    def test_the_flags_are_those_of_the_program(self):
        found = re.findall(r'\b[A-Z][A-Z0-9]+(?:-[A-Z]+)*\b',
                           re.sub(r'\(.*?\)', '', self.flags, flags=re.S))
        self.assertEqual(found, FLAGS)


class Readers(unittest.TestCase):
    def check(self, name, value, where):
        """value: a word, or a group of words; numbers and looks ahead are left."""
        self.assertIn(name, KEYS, where)
        for word in re.sub(r'^\((\?:)?|\)$', '', value).split('|'):
            if KEYS[name] and re.fullmatch('[a-z][a-z0-9-]*', word):
                self.assertIn(word, KEYS[name], '%s: %s' % (where, name))

    def test_the_rules_look_for_words_that_are_written(self):
        count = 0
        for number, line in enumerate(read('rules', '70_targrey.cf').splitlines(), 1):
            if not line.startswith('header') or 'X-TaRgrey-Session' not in line:
                continue
            for name, value in re.findall(
                    r';\[ \\t\]\{1,4\}([a-z0-9_]+)=(\(\?:[^)]*\)|[a-z][a-z0-9-]*)?', line):
                self.check(name, value, 'rules:%d' % number)
                count += 1
        self.assertGreater(count, 25)

    def test_the_plugin_knows_no_other_keys(self):
        plugin = read('sa-plugin', 'TaRgrey.pm')
        bayes = re.search(r'@BAYES_KEYS\s*=\s*qw\((.*?)\)', plugin)[1].split()
        default = re.search(r"default\s*=>\s*'([a-z0-9_ ]+)'", plugin)[1].split()
        self.assertGreater(len(bayes), 5)
        for name in bayes + default:
            self.assertIn(name, KEYS)

    def test_the_delivery_samples_look_for_flags_that_are_written(self):
        for path in (('conf', 'procmail', 'targrey.rc'),
                     ('conf', 'maildrop', 'targrey.filter'),
                     ('conf', 'sieve', 'targrey.sieve')):
            lines = [line for line in read(*path).splitlines()
                     if re.search('(?i)targrey[-_]flags', line)]
            found = re.findall(r'\)([A-Z][A-Z0-9-]+)\(', '\n'.join(lines))
            self.assertGreaterEqual(len(found), 2, path)
            self.assertLessEqual(set(found), set(FLAGS), path)

    def test_the_tests_read_the_same_words(self):
        text = read('tests', 'support', 'headers.py')
        found = re.search(r'FLAG_WORDS = """(.*?)"""', text, re.S)[1].split()
        self.assertEqual(found, FLAGS)
        reader = runpy.run_path(os.path.join(SOURCE, 'tests', 'support', 'headers.py'))
        for name, words in reader['WORDS'].items():
            if KEYS[name]:
                self.assertEqual(sorted(words.split()), sorted(KEYS[name]), name)


if __name__ == '__main__':
    sys.argv[1:3] = []
    unittest.main()
