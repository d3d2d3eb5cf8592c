# SPDX-License-Identifier: BSD-2-Clause
"""Feedback, metrics and what is printed while work goes on."""
import json
import os
import pty
import re
import subprocess

import ctl

LOG = ('Jan  2 06:30:00 mx amavis[7]: (7-1) Passed CLEAN {{RelayedInbound}}, <a> -> <b>, '
       'Queue-ID: {good}, Message-ID: <x@y>, Hits: -0.5, size: 1\n'
       'Jan  1 00:10:00 mx amavis[7]: (7-2) Blocked SPAM {{DiscardedInbound}}, <a> -> <b>, '
       'Queue-ID: {bad}, Message-ID: <x@z>, Hits: 21.25, size: 1\n')


class Learn(ctl.Scratch):
    def ask(self, *line, **more):
        code, out, err = self.ctl(*line, '--json', **more)
        self.assertEqual(code, 0, out + err)
        return json.loads(out)

    def record(self, address):
        return self.ask('show', address)['clients']['rows'][0]

    def test_results_count_once_and_spam_ends_what_was_earned(self):
        self.assertIsNotNone(self.record('203.0.113.9')['allowed_until'])
        log = LOG.format(good='4aB3', bad='4aB1').encode()
        learned = self.ask('learn-log', '-', stdin=log)['learned']
        self.assertEqual((learned['ham'], learned['spam'], learned['unknown']), (1, 1, 0))
        again = self.ask('learn-log', '-', stdin=log)['learned']
        self.assertEqual((again['ham'], again['spam'], again['known']), (0, 0, 2))
        good, bad = self.record('192.0.2.77'), self.record('203.0.113.9')
        self.assertEqual((good['ham'], good['spam']), (1, 0))
        self.assertEqual((bad['ham'], bad['spam'], bad['allowed_until']), (0, 1, None))
        told = self.ask('explain', '--queue-id', '4aB1')['steps']['rows']
        self.assertIn({'step': 'filter', 'said': 'spam, score 21.25'}, told)

    def test_an_event_is_found_by_message_id_too(self):
        log = (b'Jan  1 18:40:05 mx spamd[9]: spamd: result: Y 15 - X scantime=1.0,'
               b'mid=<m1@example.com>,bayes=1.0\n')
        self.assertEqual(self.ask('learn-log', '-', stdin=log)['learned']['spam'], 1)

    def test_the_report_shows_what_was_learned_and_proposes(self):
        report = self.ask('report')
        self.assertNotIn('proposals', report)
        events = self.ask('list', 'events')['events']['rows']
        self.assertEqual([e['feedback'] for e in events if e['feedback']], [])
        log = LOG.format(good='4aB3', bad='4aB2').encode()
        self.ask('learn-log', '-', stdin=log)
        report = self.ask('report')
        rules = {r['which']: r for r in report['feedback_rules']['rows']}
        self.assertEqual((rules['rule 1']['ham'], rules['rule 0']['spam']), (1, 1))
        holds = {r['which']: r for r in report['feedback_holds']['rows']}
        self.assertEqual(holds['endured']['ham'], 1)
        self.assertEqual(report['feedback_spf']['rows'][0]['which'], 'none')
        self.assertEqual(report['proposals']['rows'], [])  # one good mail is too few

    def metrics(self, *line):
        code, out, err = self.ctl('metrics', *line)
        self.assertEqual((code, err), (0, ''))
        return out

    def test_metrics_are_openmetrics(self):
        """The grammar, as far as it is used: families together, _total, # EOF."""
        self.answer_for_the_daemon()
        lines = self.metrics().split('\n')
        self.assertEqual(lines[-2:], ['# EOF', ''])
        kinds, done, family = {}, set(), None
        for line in lines[:-2]:
            meta = re.fullmatch(r'# (TYPE|HELP|UNIT) (targrey_[a-z_]+) (.+)', line)
            if meta:
                if meta[1] == 'TYPE':
                    self.assertNotIn(meta[2], kinds)
                    done.add(family)
                    family = meta[2]
                    kinds[family] = meta[3]
                self.assertEqual(meta[2], family)
                if meta[1] == 'UNIT':
                    self.assertTrue(family.endswith('_' + meta[3]))
                continue
            row = re.fullmatch(r'(targrey_[a-z_]+)(\{[a-z]+="[^"\\]*"\})? ([0-9.e+]+)', line)
            self.assertTrue(row, line)
            counter = kinds[family] == 'counter'
            self.assertEqual(row[1], family + ('_total' if counter else ''))
        self.assertGreater(len(kinds), 20)

    def test_counters_go_on_when_events_are_gone(self):
        state = os.path.join(self.dir, 'state')
        self.assertIn('targrey_events_total 11\n', self.metrics('--state', state))
        self.assertIn('targrey_events_total 11\n', self.metrics('--state', state))
        import sqlite3
        base = sqlite3.connect(self.db)
        base.execute('DELETE FROM event WHERE event_id < 8')
        base.commit()
        base.close()
        self.assertIn('targrey_events_total 4\n', self.metrics())
        self.assertIn('targrey_events_total 11\n', self.metrics('--state', state))
        with open(state, 'w') as file:
            file.write('nonsense\n')
        code, out, err = self.ctl('metrics', '--state', state)
        self.assertEqual((code, out), (1, ''))

    def test_long_work_shows_progress_on_a_terminal_only(self):
        log = os.path.join(self.dir, 'log')
        with open(log, 'w') as file:
            for i in range(60000):
                file.write(f'Jan  1 00:00:00 h postfix/smtpd[1]: connect from a{i}.b'
                           f'[10.{i % 250}.2.3]\n')
        line = ['report', '--maillog', log, '--output', os.path.join(self.dir, 'out')]
        code, out, err = self.ctl(*line)
        self.assertEqual((code, err), (0, ''))
        try:
            outer, inner = pty.openpty()
        except OSError as error:
            self.skipTest(f'SKIPPED: no terminal to be had: {error}')
        done = subprocess.run([ctl.CTL, *line, '--config', self.conf], stderr=inner,
                              stdout=subprocess.DEVNULL, env=ctl.ENV, timeout=120)
        os.close(inner)
        seen = os.read(outer, 65536).decode()
        os.close(outer)
        self.assertEqual(done.returncode, 0, seen)
        self.assertRegex(seen, r'log: \d+ %')

    def test_a_long_log_takes_little_memory(self):
        """Twenty times the lines, the same memory."""
        def used(lines):
            text = b''.join(b'Jan  1 00:00:00 h postfix/smtpd[1]: connect from a.b'
                            b'[192.0.2.1]\n' for _ in range(1000))
            run = subprocess.Popen(
                [ctl.CTL, 'report', '--maillog', '-', '--config', self.conf],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ctl.ENV)
            for _ in range(lines // 1000):
                run.stdin.write(text)
            run.stdin.close()
            run.stdout.read()
            run.stdout.close()
            _, status, usage = os.wait4(run.pid, 0)
            run.returncode = status
            self.assertEqual(status, 0)
            return usage.ru_maxrss
        self.assertLess(used(200000), used(10000) * 1.2 + 4096)

    def test_explain_names_the_line_of_a_list(self):
        allow, suspect = (os.path.join(self.dir, name) for name in ('allow', 'suspect'))
        with open(allow, 'w') as file:
            file.write('# ours\nmail.example.com\nrecipient: vip@example.jp\n'
                       'sender: friend@example.net\n')
        with open(suspect, 'w') as file:
            file.write('helo /^evil/ evil-helo\n')
        with open(self.conf, 'w') as file:
            file.write(f'suspect = {{"s25r", "local"}}\n'
                       f'suspects {{ s25r = "{ctl.SOURCE}/conf/s25r.rules" '
                       f'files = {{"{suspect}"}} }}\n'
                       f'allow {{ files = {{"{allow}"}} }}\n'
                       f'store {{ url = "sqlite:{self.db}" }}\n')
        from_list = [
            (['--name', 'a.mail.example.com'], f'client {allow}:2'),
            (['--to', 'VIP@example.jp'], f'recipient {allow}:3'),
            (['--from', 'friend@example.net', '--spf', 'pass'], f'sender {allow}:4'),
        ]
        for line, wanted in from_list:
            said = self.ask('explain', '--ip', '192.0.2.3', *line)
            self.assertEqual(said['outcome']['why'], wanted)
            self.assertEqual(said['outcome']['verdict'], 'pass (exempt)')
        said = self.ask('explain', '--ip', '192.0.2.3', '--name', 'mail.example.org',
                        '--helo', 'evil.example.org')
        self.assertEqual((said['outcome']['why'], said['outcome']['detail']),
                         ('local', f'{suspect}:1 helo /^evil/ evil-helo'))
        said = self.ask('explain', '--ip', '192.0.2.3', '--from', 'friend@example.net',
                        '--spf', 'fail')
        self.assertEqual(said['outcome']['why'], 's25r')

    def test_the_sample_configuration_is_accepted(self):
        code, out, err = self.ctl('config', '--default')
        self.assertEqual(code, 0)
        sample = os.path.join(self.dir, 'sample.conf')
        with open(sample, 'w') as file:
            file.write(out)
        code, dumped, err = ctl.run('config', 'dump', '--config', sample)
        self.assertEqual((code, err), (0, ''))
        with open(sample, 'w') as file:
            file.write(dumped)
        self.assertEqual(ctl.run('config', 'dump', '--config', sample), (0, dumped, ''))


if __name__ == '__main__':
    ctl.main()
