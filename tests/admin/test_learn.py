# SPDX-License-Identifier: BSD-2-Clause
"""Feedback, metrics and what is printed while work goes on."""
import json
import os
import pty
import re
import sqlite3
import subprocess

import ctl

LOG = ('Jan  2 06:22:06 mx amavis[7]: (7-1) Passed CLEAN {{RelayedInbound}}, <a> -> <b>, '
       'Queue-ID: {good}, Message-ID: <x@y>, Hits: -0.5, size: 1\n'
       'Jan  {when} mx amavis[7]: (7-2) Blocked SPAM {{DiscardedInbound}}, <a> -> <b>, '
       'Queue-ID: {bad}, Message-ID: <x@z>, Hits: 21.25, size: 1\n')

# The events of the story have the same Message-ID, <m1@example.com>:
#   4aB1  203.0.113.9      1 Jan 00:03:20, known
#   4aB2  198.51.100.7     1 Jan 18:40:00, after two tries
#   4aB3  192.0.2.77       2 Jan 06:20:00, held 125 s and endured
#   4aB4  2001:db8:1:2::3  3 Jan 01:46:40


def spamd(when, message_id, result='Y 15'):
    return (f'Jan  {when} mx spamd[9]: spamd: result: {result} - X scantime=1.0,size=9,'
            f'user=u,uid=1,required_score=5.0,rhost=::1,raddr=::1,rport=1,'
            f'mid={message_id},autolearn=no\n').encode()


def amavis(when, middle, queue_id, hits='21.25', kind='SPAM'):
    return (f'Jan  {when} mx amavis[7]: (7-2) Passed {kind} {{RelayedTagged}}, {middle}, '
            f'Queue-ID: {queue_id}, mail_id: i, Hits: {hits}, size: 1, 10 ms\n').encode()


def rspamd(when, message_id, queue_id, address, action='reject', score='21.0'):
    return (f'Jan  {when} mx rspamd[3]: <94f35d>; proxy; rspamd_task_write_log: '
            f'id: <{message_id}>, qid: <{queue_id}>, ip: {address}, from: <a@b>, '
            f'(default: T ({action}): [{score}/15.00] [X(1){{}}]), len: 9\n').encode()


def refused(when, queue_id, client, reply):
    return (f'Jan  {when} mx postfix/cleanup[5]: {queue_id}: milter-reject: END-OF-MESSAGE '
            f'from {client}: {reply} no; from=<a@b> to=<c@d> proto=ESMTP helo=<x>\n').encode()


class Learn(ctl.Scratch):
    def learn(self, *lines):
        return self.ask('learn-log', '-', stdin=b''.join(lines))['learned']

    def verdicts(self):
        """{queue id: feedback} of the events that have one."""
        rows = self.ask('list', 'events', '--since', '@0')['events']['rows']
        return {row['queue_id']: row['feedback'] for row in rows if row['feedback']}

    def said(self, queue_id):
        rows = self.ask('explain', '--queue-id', queue_id)['steps']['rows']
        return {row['step']: row['said'] for row in rows}['reply']

    def sql(self, text):
        base = sqlite3.connect(self.db)
        base.execute(text)
        base.commit()
        base.close()

    def ask(self, *line, **more):
        code, out, err = self.ctl(*line, '--json', **more)
        self.assertEqual(code, 0, out + err)
        return json.loads(out)

    def record(self, address):
        return self.ask('show', address)['clients']['rows'][0]

    def test_results_count_once_and_spam_ends_what_was_earned(self):
        self.assertIsNotNone(self.record('203.0.113.9')['known_until'])
        log = LOG.format(good='4aB3', bad='4aB1', when='1 00:03:21').encode()
        learned = self.ask('learn-log', '-', stdin=log)['learned']
        self.assertEqual((learned['ham'], learned['spam'], learned['unknown']), (1, 1, 0))
        again = self.ask('learn-log', '-', stdin=log)['learned']
        self.assertEqual((again['ham'], again['spam'], again['known']), (0, 0, 2))
        good, bad = self.record('192.0.2.77'), self.record('203.0.113.9')
        self.assertEqual((good['ham'], good['spam']), (1, 0))
        self.assertEqual((bad['ham'], bad['spam'], bad['known_until']), (0, 1, None))
        told = self.ask('explain', '--queue-id', '4aB1')['steps']['rows']
        self.assertIn({'step': 'filter', 'said': 'spam, score 21.25'}, told)

    def test_an_event_is_found_by_message_id_too(self):
        log = spamd('1 18:40:05', '<m1@example.com>')
        self.assertEqual(self.ask('learn-log', '-', stdin=log)['learned']['spam'], 1)

    def test_of_several_events_the_nearest_in_time_is_meant(self):
        self.learn(spamd('2 06:22:10', '<m1@example.com>', '. -1'),
                   spamd('1 18:41:00', '<m1@example.com>'))
        self.assertEqual(self.verdicts(), {'4aB3': 'ham', '4aB2': 'spam'})

    def test_a_message_id_alone_counts_only_near_in_time(self):
        for when in '1 19:00:00', '1 18:20:00', '2 12:00:00':
            learned = self.learn(spamd(when, '<m1@example.com>'))
            self.assertEqual((learned['unknown'], learned['spam']), (1, 0), when)
        self.assertEqual(self.verdicts(), {})

    def test_a_message_id_that_two_clients_used_is_nobodys(self):
        """4aB3 comes a minute after 4aB2, with the same Message-ID."""
        self.sql("UPDATE event SET time = 1767292860, logged = 1767292860 "
                 "WHERE queue_id = '4aB3'")
        learned = self.learn(spamd('1 18:41:00', '<m1@example.com>'),
                             spamd('1 18:40:00', '<m1@example.com>'))
        self.assertEqual((learned['ambiguous'], learned['spam']), (2, 0))
        self.assertEqual(self.verdicts(), {})
        # one client's mails are told apart by time
        self.sql("UPDATE event SET ip = '198.51.100.7' WHERE queue_id = '4aB3'")
        self.learn(spamd('1 18:41:00', '<m1@example.com>'))
        self.assertEqual(self.verdicts(), {'4aB3': 'spam'})

    def test_a_queue_id_counts_for_as_long_as_a_queue_keeps_mail(self):
        line = amavis('7 07:00:00', '<a@b> -> <c@d>', '4aB3')
        for when, counted in ('2026-01-07T07:00:00Z', 0), ('2026-01-02T06:00:00Z', 0), \
                ('2026-01-06T06:00:00Z', 1):
            learned = self.learn(line.replace(b'Jan  7 07:00:00', when.encode()))
            self.assertEqual((learned['unknown'], learned['spam']), (1 - counted, counted), when)

    def test_another_queue_id_is_another_mail_whatever_its_message_id(self):
        learned = self.learn(rspamd('1 18:40:01', 'm1@example.com', '9zZ9', '198.51.100.7'))
        self.assertEqual((learned['unknown'], learned['spam']), (1, 0))

    def test_the_address_in_the_line_must_be_the_client(self):
        learned = self.learn(rspamd('1 18:40:01', 'm1@example.com', '4aB2', '192.0.2.77'),
                             amavis('1 18:40:01', '[192.0.2.77]:25 <a@b> -> <c@d>', '4aB2'))
        self.assertEqual((learned['unknown'], learned['spam']), (2, 0))
        learned = self.learn(amavis('1 18:40:01', '[127.0.0.1] <a@b> -> <c@d>', '4aB2'),
                             # a relay in an exempt network
                             amavis('1 00:03:21', '[10.1.2.3]:25 <a@b> -> <c@d>', '4aB1'),
                             rspamd('3 01:46:41', 'm1@example.com', '4aB4', '2001:db8:1:2::3'))
        self.assertEqual((learned['unknown'], learned['spam']), (0, 3))

    def test_a_stranger_gives_no_verdict_on_the_mail_of_another(self):
        """4aB3 is good mail of another; what names it is written by strangers."""
        learned = self.learn(
            amavis('1 18:40:01', '<"x, Queue-ID: 4aB3, Message-ID: <m1@example.com>, '
                   'Hits: 31"@evil.example> -> <c@d>', '4aB2'),
            rspamd('2 06:22:06', 'a>, qid: <4aB3>, x', '9zZ9', '192.0.2.77'),
            b'Jan  2 06:22:06 mx postfix/cleanup[5]: 4aB3: info: header X-Spam-Status: '
            b'Yes, score=31 required=5 from p1-2.line.example.org[192.0.2.77]; from=<a>\n',
            b'Jan  2 06:22:06 mx postfix/cleanup[5]: 9zZ9: info: header Subject: '
            b'4aB3: milter-header-info: header X-Spam-Status: Yes, score=31 from x[192.0.2.77];\n',
            b'Jan  2 06:22:06 mx postfix/smtpd[5]: 9zZ9: reject: RCPT from x[192.0.2.77]: 550 '
            b'<"4aB3: milter-reject: END-OF-MESSAGE from x[192.0.2.77]: 5.7.1 "@d>: no; '
            b'from=<a@b> to=<c@d> proto=SMTP helo=<x>\n')
        self.assertEqual(self.verdicts(), {'4aB2': 'spam'})
        self.assertEqual((learned['doubtful'], learned['refused_for_good']), (1, 0))

    def test_what_a_filter_did_not_judge_is_no_verdict(self):
        learned = self.learn(
            amavis('2 06:22:06', '<a@b> -> <c@d>', '4aB3', hits='-', kind='CLEAN'),
            rspamd('1 18:40:01', 'm1@example.com', '4aB2', '198.51.100.7', 'soft reject', '0.0'),
            rspamd('1 18:40:01', 'm1@example.com', '4aB2', '198.51.100.7', 'greylist', '4.5'))
        self.assertEqual((learned['no_result'], learned['verdicts']), (3, 0))
        self.assertEqual(self.verdicts(), {})

    def test_a_header_of_a_milter_in_the_log_is_a_verdict(self):
        self.learn(b'Jan  2 06:22:06 mx postfix/cleanup[5]: 4aB3: milter-header-info: header '
                   b'X-Spam-Status: Yes, score=7.5 required=5.0 from '
                   b'p1-2.line.example.org[192.0.2.77]; from=<a@b> proto=ESMTP helo=<x>\n')
        self.assertEqual(self.verdicts(), {'4aB3': 'spam'})

    def test_what_others_refuse_for_good_takes_back_the_success(self):
        self.assertEqual(self.said('4aB3'), '250, let through by targrey')
        before = self.record('192.0.2.77')
        was = self.ask('show', 'example.org')['domains']['rows'][0]
        line = refused('2 06:22:06', '4aB3', 'p1-2.line.example.org[192.0.2.77]', '5.7.1')
        learned = self.learn(line, line)
        self.assertEqual((learned['refused_for_good'], learned['refused_for_now']), (1, 0))
        after = self.record('192.0.2.77')
        self.assertEqual((before['successes'], after['successes']), (1, 0))
        self.assertEqual(self.said('4aB3'), 'let through by targrey, then refused by Postfix '
                         'or another filter: 5.7.1')
        domain = self.ask('show', 'example.org')['domains']['rows'][0]
        self.assertEqual(domain['successes'], was['successes'] - 1)
        self.assertEqual(self.learn(line)['refused_for_good'], 0)
        self.assertEqual(self.record('192.0.2.77')['successes'], 0)

    def test_what_others_refuse_for_now_corrects_the_event_alone(self):
        line = refused('2 06:22:06', '4aB3', 'p1-2.line.example.org[192.0.2.77]', '4.7.1')
        learned = self.learn(line)
        self.assertEqual((learned['refused_for_good'], learned['refused_for_now']), (0, 1))
        self.assertEqual(self.record('192.0.2.77')['successes'], 1)
        self.assertIn('4.7.1', self.said('4aB3'))

    def test_refused_spam_ends_what_it_had_earned(self):
        """203.0.113.9 is known by five successes; let one of them be 4aB1's."""
        self.sql("UPDATE event SET why = 'tries' WHERE queue_id = '4aB1'")
        before = self.record('203.0.113.9')
        self.assertIsNotNone(before['known_until'])
        self.learn(refused('1 00:03:21', '4aB1', 'mail.example.net[203.0.113.9]', '550 5.7.1'))
        after = self.record('203.0.113.9')
        self.assertEqual(after['successes'], before['successes'] - 1)
        self.assertIsNone(after['known_until'])

    REFUSED = refused('2 06:22:06', '4aB3', 'p1-2.line.example.org[192.0.2.77]', '5.7.1')

    def test_what_was_no_success_is_not_taken_back(self):
        self.sql("UPDATE event SET exempt = 'recipient allow:3' WHERE queue_id = '4aB3'")
        self.assertEqual(self.learn(self.REFUSED)['refused_for_good'], 1)
        self.assertIn('5.7.1', self.said('4aB3'))
        self.assertEqual(self.record('192.0.2.77')['successes'], 1)

    def test_of_a_days_unproven_holds_the_one_that_counted_is_taken_back(self):
        self.sql("UPDATE event SET hold_end = 'unproven' WHERE queue_id = '4aB3'")
        self.learn(self.REFUSED)
        self.assertEqual(self.record('192.0.2.77')['successes'], 1)
        self.make()
        self.sql("UPDATE event SET hold_end = 'unproven' WHERE queue_id = '4aB3'")
        self.sql('UPDATE address SET last_unproven = 1767334925 WHERE key = 3221226061')
        self.learn(self.REFUSED)
        self.assertEqual(self.record('192.0.2.77')['successes'], 0)

    def test_what_the_admin_allows_outlasts_a_refusal(self):
        self.ctl('allow', '192.0.2.77')
        self.learn(self.REFUSED)
        self.assertIsNotNone(self.record('192.0.2.77')['known_until'])

    def test_two_results_for_one_mail_count_once(self):
        line = rspamd('1 18:40:01', 'm1@example.com', '4aB2', '198.51.100.7')
        learned = self.learn(line, line)
        self.assertEqual((learned['spam'], learned['known']), (1, 1))
        self.assertEqual(self.record('198.51.100.7')['spam'], 1)

    def test_one_refusal_does_not_end_what_many_successes_earned(self):
        self.sql("UPDATE event SET why = 'tries' WHERE queue_id = '4aB1'")
        self.sql('UPDATE address SET successes = 20, counted = 20 WHERE key = 3405803785')
        self.learn(refused('1 00:03:21', '4aB1', 'mail.example.net[203.0.113.9]', '550 5.7.1'))
        after = self.record('203.0.113.9')
        self.assertEqual(after['successes'], 19)
        self.assertIsNotNone(after['known_until'])

    def test_a_refused_mail_still_teaches_what_its_filter_said(self):
        self.learn(rspamd('1 18:40:01', 'm1@example.com', '4aB2', '198.51.100.7'),
                   refused('1 18:40:01', '4aB2', 'unknown[198.51.100.7]', '5.7.1'))
        report = self.ask('report')
        rules = {r['which']: r for r in report['feedback_rules']['rows']}
        self.assertEqual(rules['rule 0']['spam'], 1)

    def test_local_times_are_those_of_this_host(self):
        learned = self.ask('learn-log', '-', stdin=spamd('2 03:40:05', '<m1@example.com>'),
                           env={'TZ': 'Asia/Tokyo'})['learned']
        self.assertEqual(learned['spam'], 1)
        self.assertEqual(self.verdicts(), {'4aB2': 'spam'})

    def test_a_log_in_no_known_form_is_shown_with_the_right_command(self):
        learned = self.learn(b'02.01.2026 06:22 something\n', spamd('2 06:22:10', '<m@x>'))
        self.assertIn('02.01.2026 06:22 something', learned['say'][0])
        self.assertIn('journalctl --facility=mail --all -o short-iso --since -30d | '
                      'targreyctl learn-log -', learned['say'][1])

    def test_the_report_shows_what_was_learned_and_proposes(self):
        report = self.ask('report')
        self.assertNotIn('proposals', report)
        events = self.ask('list', 'events')['events']['rows']
        self.assertEqual([e['feedback'] for e in events if e['feedback']], [])
        log = LOG.format(good='4aB3', bad='4aB2', when='1 18:40:01').encode()
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
