# SPDX-License-Identifier: BSD-2-Clause
"""The manual page, the reference and the completion are those of the table."""
import os
import re
import shutil
import subprocess
import unittest

import ctl

MADE = {
    '--print-manual': 'docs/man/targreyctl.8',
    '--print-markdown': 'docs/targreyctl.md',
    '--print-completion': 'conf/bash-completion/targreyctl',
}


def commands():
    out = ctl.run('--help', now=False)[1]
    part = out.split('\n\n')[1]
    return [line.split()[0] for line in part.splitlines()]


class Table(unittest.TestCase):
    def test_what_is_made_from_the_table_is_up_to_date(self):
        for option, name in MADE.items():
            made = ctl.run(option, now=False)[1]
            path = os.path.join(ctl.SOURCE, name)
            if os.environ.get('TARGREY_GOLDEN') == 'write':
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, 'w') as file:
                    file.write(made)
            with open(path) as file:
                self.assertEqual(file.read(), made,
                                 f'{name}: targreyctl {option} >{name}')

    def test_the_manual_page_is_good_mdoc(self):
        if not shutil.which('mandoc'):
            self.skipTest('SKIPPED: mandoc is not installed')
        page = os.path.join(ctl.SOURCE, MADE['--print-manual'])
        done = subprocess.run(['mandoc', '-Tlint', '-Werror', page],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ''))
        shown = subprocess.run(['mandoc', '-Tutf8', page], capture_output=True,
                               text=True).stdout
        shown = re.sub('.\x08', '', shown)
        for name in commands():
            self.assertIn(f'targreyctl {name}', shown)

    def complete(self, *words):
        script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); '
                  '_targreyctl; printf "%s\\n" "${COMPREPLY[@]}"')
        path = os.path.join(ctl.SOURCE, MADE['--print-completion'])
        done = subprocess.run(['bash', '-c', script, 'bash', path, 'targreyctl', *words],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split()

    def test_completion_knows_commands_options_and_words(self):
        self.assertEqual(sorted(self.complete('')), sorted(commands()))
        self.assertEqual(self.complete('exp'), ['explain', 'expire'])
        self.assertEqual(self.complete('list', 'cl'), ['clients'])
        self.assertIn('--since', self.complete('report', '--'))
        self.assertIn('--wide', self.complete('report', '--'))
        self.assertEqual(self.complete('report', '--format', 'h'), ['html'])
        self.assertEqual(self.complete('explain', '--spf', 'soft'), ['softfail'])

    def test_every_command_helps(self):
        for name in commands():
            code, out, err = ctl.run(name, '--help', now=False)
            self.assertEqual((code, err), (0, ''), name)
            self.assertIn(f'usage: targreyctl {name}', out)


if __name__ == '__main__':
    ctl.main()
