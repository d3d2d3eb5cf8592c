# SPDX-License-Identifier: BSD-2-Clause
"""What is printed on a terminal, into a pipe, and as JSON."""
import contextlib
import fcntl
import json
import os
import pty
import sqlite3
import struct
import subprocess
import termios

import ctl


class Forms(ctl.Scratch):
    def on_a_terminal(self, columns, *line):
        """Standard output of a terminal so wide."""
        try:
            outer, inner = pty.openpty()
        except OSError as error:
            self.skipTest(f'SKIPPED: no terminal to be had: {error}')
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
        done = subprocess.run(
            [ctl.CTL, *line, '--config', self.conf, '--now', ctl.NOW], stdout=inner,
            stderr=subprocess.DEVNULL, env=ctl.ENV, timeout=120)
        os.close(inner)
        seen = b''
        try:
            while part := os.read(outer, 65536):
                seen += part
        except OSError:  # the end of a terminal
            pass
        os.close(outer)
        self.assertEqual(done.returncode, 0)
        return seen.decode()

    def test_a_pipe_gets_all_columns_and_a_terminal_the_main_ones_uncut(self):
        piped = self.ctl('list', 'events')[1]
        shown = self.on_a_terminal(60, 'list', 'events')
        for text in '2001:db8:1:2::3', 'bounce7.list.example.com', '198.51.100.7':
            self.assertIn(text, piped)
            self.assertIn(text, shown)
        self.assertIn('/etc/targrey/s25r.rules:18 rule 0 ^unknown$', piped)
        self.assertNotIn('s25r.rules', shown)
        self.assertIn('s25r.rules', self.on_a_terminal(60, 'list', 'events', '--wide'))


    def test_the_configuration_can_be_had_as_json(self):
        code, out, err = self.ctl('config', '--json')
        self.assertEqual((code, err), (0, ''))
        told = json.loads(out)
        self.assertEqual(told['hostname'], 'mx.example.jp')
        self.assertEqual(told['tarpit']['vary'], 0)
        self.assertIs(told['spf']['enabled'], True)
        self.assertEqual(told['allow']['files'], [])
        code, out, err = self.ctl('config', 'check', '--json')
        self.assertEqual(json.loads(out)['check']['result'], 'good')
        self.assertEqual(self.ctl('config', '--csv')[0], 2)

    def test_what_is_taken_back_is_not_called_allowed(self):
        for command, title in (('allow', '>Allowed<'), ('unallow', '>No longer allowed<')):
            self.assertIn(title, self.ctl(command, '203.0.113.9', '--format', 'html')[1])

    def add_triplets(self, client, count):
        with contextlib.closing(sqlite3.connect(self.db)) as base:
            base.executescript("""
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
                INSERT INTO waiting_text (bucket, hash, client, sender, recipient)
                SELECT 90000, -i, '%s', 's' || i || '@example.com', 'taro@example.jp' FROM n;
                INSERT INTO waiting SELECT bucket, hash, 1, 1, 1, 2, 0, NULL FROM waiting_text
                    WHERE bucket = 90000;""" % (count, client))

    def test_what_is_cut_is_said(self):
        for client, count, hint in (('10.9.9.0/24', 100, None),
                                    ('10.9.9.0/24', 101, 'list triplets --ip 10.9.9.0/24'),
                                    ('d.example', 101, 'list triplets --name d.example')):
            self.make()
            self.add_triplets(client, count)
            said = json.loads(self.ctl('show', client, '--json')[1])['triplets']
            self.assertEqual((client, len(said['rows'])), (client, 100))
            self.assertEqual(hint in str(said.get('say')) if hint else said.get('say'), True if hint else None)
        self.make()
        self.add_triplets('10.9.9.0/24', 1001)
        said = self.ctl('forget', '--ip', '10.9.9.0/24')[1]
        self.assertIn('Only the first 1000', said)
        self.make()
        self.add_triplets('10.9.9.0/24', 1000)
        self.assertNotIn('Only the first', self.ctl('forget', '--ip', '10.9.9.0/24')[1])

    def test_every_allow_list_that_is_named_is_read(self):
        line = []
        for i in range(30):
            line += ['--allow', os.path.join(self.dir, 'list%d' % i)]
            with open(line[-1], 'w') as file:
                file.write('mail%d.example.net\n' % i)
        out = self.ctl('s25r', 'mail29.example.net', *line, '--json')[1]
        self.assertEqual(json.loads(out)['names']['rows'][0]['let_off_by'], 'mail29.example.net')

    def test_options_may_stand_before_the_command(self):
        behind = ctl.run('list', 'clients', '--json', '--config', self.conf)
        for line in (['--json', '--config', self.conf, 'list', 'clients'],
                     ['--config=' + self.conf, 'list', 'clients', '--json'],
                     ['-f', self.conf, '--format', 'json', 'list', 'clients']):
            self.assertEqual(ctl.run(*line), behind, line)
        code, out, err = ctl.run('--config', self.conf, now=False)
        self.assertEqual((code, out), (2, ''))
        self.assertIn('usage:', err)
        for line in (['--json', '--version'], ['--version']):
            code, out, err = ctl.run(*line, now=False)
            self.assertRegex(out, r'^targreyctl \d')


    def used(self, *line):
        """(KiB of memory, standard output)"""
        # AddressSanitizer keeps what is freed
        env = dict(ctl.ENV, ASAN_OPTIONS='quarantine_size_mb=1:detect_leaks=0')
        run = subprocess.Popen([ctl.CTL, *line, '--config', self.conf],
                               stdout=subprocess.PIPE, env=env)
        out = run.stdout.read()
        run.stdout.close()
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = status
        self.assertEqual(status, 0)
        return usage.ru_maxrss, out

    def test_all_rows_are_listed_in_the_same_memory(self):
        self.make('20000')  # beside the story's 11
        for form in '--json', '--csv', '--wide':
            little, _ = self.used('list', 'events', '--limit', '2000', form)
            much, out = self.used('list', 'events', '--limit', '0', form)
            self.assertLess(much, little + 10240, form)  # and 4 MiB of page cache
            if form == '--json':
                rows = json.loads(out)['events']['rows']
                self.assertEqual(len(rows), 20011)
                self.assertEqual(len({row['sid'] for row in rows}), 20011)
            else:
                self.assertEqual(out.count(b'\n'), 20012, form)
        # more addresses had such a name than are kept
        said = self.ctl('list', 'clients', '--name', 'example.net', '--limit', '1')[2]
        self.assertIn('only the first 10000 addresses', said)
        said = self.ctl('list', 'clients', '--name', 'line7.example.net', '--limit', '1')[2]
        self.assertNotIn('addresses', said)

    def read_by(self, *line):
        """Octets that one targreyctl has read from files."""
        def so_far():
            with open('/proc/self/io') as file:  # with those of ended children
                return int(file.readline().split()[1])
        before = so_far()
        code, out, err = self.ctl(*line, '--json')
        read = so_far() - before - len(out) - len(err)
        self.assertEqual(code, 0, err)
        return read, out

    def test_one_client_or_network_is_found_without_reading_all(self):
        self.make('30000')
        base = sqlite3.connect(self.db)
        base.executescript('''
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
            INSERT INTO waiting_text (bucket, hash, client, sender, recipient)
            SELECT 40000 + i / 6000, i, printf('10.%d.%d.0/24', i / 256, i % 256),
                's' || i || '@example.com', 'taro@example.jp' FROM n;
            INSERT INTO passed_text SELECT hash, client, sender, recipient
                FROM waiting_text WHERE hash BETWEEN 0 AND 29999;
            INSERT INTO waiting SELECT bucket, hash, 1, 1, 1, 2, 0, NULL FROM waiting_text
                WHERE hash BETWEEN 0 AND 30000;
            INSERT INTO passed SELECT hash, 1, 1, 1, 1, 2 FROM passed_text
                WHERE hash BETWEEN 0 AND 29999;
            INSERT INTO domain SELECT 'd' || hash || '.example', 1, 1, 1, 1, 1, 1, 1, 1, 1
                FROM passed;''')
        base.close()
        size = os.path.getsize(self.db)
        self.assertGreater(size, 10e6)
        nothing, _ = self.read_by('list', 'clients', '--ip', '240.0.0.0/24')
        for wanted, line in (('10.3.7.0/24', ['show', '10.3.7.1']),
                             ('198.51.100.7', ['show', '198.51.100.7']),
                             ('10.3.7.0/24', ['show', '10.3.7.0/24']),
                             ('d77.example', ['show', 'd77.example']),
                             ('10.3.7.0/24', ['list', 'triplets', '--ip', '10.3.7.1', '--limit', '0']),
                             ('10.3.7.0/24', ['list', 'triplets', '--ip', '10.3.0.0/18']),
                             ('198.51.100.7', ['list', 'clients', '--ip', '198.51.0.0/16']),
                             ('198.51.100.7', ['list', 'events', '--ip', '198.51.100.0/24']),
                             ('198.51.100.7', ['list', 'events', '--ip', '198.51.100.7', '--limit', '0']),
                             ('198.51.100.7', ['find', '198.51.100.7']),
                             ('198.51.100.7', ['find', '198.51.100.0/24']),
                             ('10.3.7.0/24', ['forget', '--ip', '10.3.7.0/24', '--dry-run']),
                             ('"domains": 1', ['forget', '--domain', 'd77.example', '--dry-run'])):
            read, out = self.read_by(*line)
            self.assertLess(read - nothing, size / 15, line)
            self.assertIn(wanted, out, line)
        # what the measure is worth
        self.assertGreater(self.read_by('list', 'triplets', '--from', 'x')[0], size / 5)

    def test_all_rows_are_the_same_as_with_a_limit(self):
        for what in 'clients', 'domains', 'triplets', 'events', 'known':
            for form in '--json', '--csv', '--wide':
                self.assertEqual(self.ctl('list', what, '--limit', '0', form),
                                 self.ctl('list', what, '--limit', '999', form))
        self.assertEqual(
            self.ctl('list', 'events', '--limit', '0', '--since', '1s')[1],
            '(nothing)\n')


class Explain(ctl.Scratch):
    def ask(self, *line):
        code, out, err = self.ctl('explain', *line, '--json')
        self.assertEqual(code, 0, err)
        return json.loads(out)

    def test_without_a_name_that_of_the_last_visit_is_judged_and_said(self):
        told = self.ask('--ip', '192.0.2.77')
        self.assertEqual(told['visit']['name'], 'p1-2.line.example.org')
        self.assertEqual(told['outcome']['why'], 's25r')
        self.assertIn('rule 1', told['outcome']['detail'])
        self.assertIn('last visit on record', str(told['visit']))

    def test_without_a_visit_it_is_said_that_no_name_is_assumed(self):
        told = self.ask('--ip', '192.0.2.250')
        self.assertEqual(told['visit']['name'], 'unknown')
        self.assertIn('Assumed: it has no verified name', str(told['visit']))

    def test_a_name_that_is_given_is_taken(self):
        told = self.ask('--ip', '192.0.2.77', '--name', 'mail.example.org')
        self.assertEqual((told['visit']['name'], told['outcome']['why']),
                         ('mail.example.org', 'none'))
        told = self.ask('--ip', '192.0.2.77', '--name', 'unknown')
        self.assertIn('rule 0', told['outcome']['detail'])

    def tell(self, exempt, why):
        """The header of the event of a mail that was exempt."""
        with sqlite3.connect(self.db) as db:
            db.execute("UPDATE event SET exempt = ?, why = ? WHERE queue_id = '4aB3'",
                       (exempt, why))
        return self.ask('--queue-id', '4aB3')['header']

    def test_what_an_allow_list_lets_off_is_told_with_its_header(self):
        """docs/configuration.md: it comes from outside and carries its headers."""
        self.assertIn('; why=listed;', self.tell('client allow:3', 'listed')['session'])

    def test_mail_of_an_exempt_network_is_told_without_a_header(self):
        told = self.tell('network 192.0.2.0/24', 'none')
        self.assertEqual(list(told), ['say'])
        self.assertIn('no X-TaRgrey headers', told['say'][0])


if __name__ == '__main__':
    ctl.main()
