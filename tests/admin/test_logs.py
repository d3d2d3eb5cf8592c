# SPDX-License-Identifier: BSD-2-Clause
"""One day's log in every form in which people have it: learn-log and report
--maillog tell the same of each.
"""
import datetime
import json
import os

import ctl

# What happened, UTC: (time, program, process, text). The events are those of the
# story in make_db.c: 4aB2 is spam that amavis blocked, 4aB3 is ham.
DAY = [
    ('2026-01-01 18:40:00', 'postfix/smtpd', 31, 'connect from unknown[198.51.100.7]:55729'),
    ('2026-01-01 18:40:00', 'postfix/smtpd', 31, '4aB2: client=unknown[198.51.100.7]:55729'),
    ('2026-01-01 18:40:00', 'postfix/cleanup', 32, '4aB2: message-id=<m1@example.com>'),
    ('2026-01-01 18:40:01', 'amavis', 33,
     '(33-01) Blocked SPAM {DiscardedInbound}, [198.51.100.7]:55729 <friend@example.com> -> '
     '<taro@example.jp>, Queue-ID: 4aB2, Message-ID: <m1@example.com>, mail_id: i, '
     'Hits: 21.25, size: 7, 10 ms'),
    ('2026-01-02 06:22:05', 'postfix/smtpd', 34, '4aB3: client=p1-2.line.example.org[192.0.2.77]'),
    ('2026-01-02 06:22:06', 'spamd', 35,
     'spamd: result: . -1 - X scantime=1.0,size=2,user=u,uid=1,required_score=5.0,rhost=::1,'
     'raddr=::1,rport=1,mid=<m1@example.com>,autolearn=no'),
    ('2026-01-02 08:00:00', 'postfix/submission/smtpd', 36,
     '4aB9: client=p9-9.example.net[203.0.113.99], sasl_method=PLAIN, sasl_username=joe'),
    ('2026-01-02 09:00:00', 'postfix/smtpd', 37,
     'NOQUEUE: reject: RCPT from p3-4.example.net[203.0.113.34]:9: 450 4.7.1 wait; '
     'from=<a@b.example> to=<c@example.jp> proto=ESMTP helo=<x>'),
]


def each(form):
    for when, program, pid, text in DAY:
        time = datetime.datetime.fromisoformat(when + '+00:00')
        yield form(time, program, pid, text)


def syslog(time, program, pid, text):
    return f'{time:%b} {time.day:2} {time:%H:%M:%S} mx {program}[{pid}]: {text}'


def one_blank(time, program, pid, text):
    return f'{time:%b} {time.day} {time:%H:%M:%S} mx {program}[{pid}]: {text}'


def rsyslog(time, program, pid, text):
    return f'{time:%Y-%m-%dT%H:%M:%S}.654321+00:00 mx {program}[{pid}]: {text}'


def short_iso(time, program, pid, text):
    east = time.astimezone(datetime.timezone(datetime.timedelta(hours=9)))
    return f'{east:%Y-%m-%dT%H:%M:%S%z} mx {program}[{pid}]: {text}'


def short_precise(time, program, pid, text):
    return f'{time:%b %d %H:%M:%S}.654321 mx {program}[{pid}]: {text}'


def short_unix(time, program, pid, text):
    return f'{time.timestamp():.0f}.654321 mx {program}[{pid}]: {text}'


def polish(time, program, pid, text):
    return syslog(time, program, pid, text).replace('Jan', 'sty')


def russian(time, program, pid, text):
    return syslog(time, program, pid, text).replace('Jan', 'янв')


def journal(time, program, pid, text):
    return json.dumps({'__REALTIME_TIMESTAMP': f'{time.timestamp():.0f}000000', '_HOSTNAME': 'mx',
                       'SYSLOG_IDENTIFIER': program, 'SYSLOG_PID': str(pid), 'MESSAGE': text})


def octets(time, program, pid, text):
    return json.dumps({'__REALTIME_TIMESTAMP': f'{time.timestamp():.0f}000000',
                       'SYSLOG_IDENTIFIER': program, '_PID': str(pid),
                       'MESSAGE': list(text.encode())})


def rfc5424(time, program, pid, text):
    return f'<22>1 {time:%Y-%m-%dT%H:%M:%SZ} mx {program} {pid} - - {text}'


def bare_5424(time, program, pid, text):
    return f'1 {time:%Y-%m-%dT%H:%M:%SZ} mx {program} {pid} - [o@1 a="b\\]"] {text}'


def freebsd(time, program, pid, text):
    return f'{time:%b} {time.day:2} {time:%H:%M:%S} <4.6> mx {program}[{pid}]: {text}'


def solaris(time, program, pid, text):
    return syslog(time, program, pid, f'[ID 197553 mail.info] {text}')


def compose(time, program, pid, text):
    return f'mail-server-1  | {time:%b %d %H:%M:%S} mx {program}[{pid}]: {text}'


def docker(time, program, pid, text):
    return f'{time:%Y-%m-%dT%H:%M:%S}.000000001Z {program}[{pid}]: {text}'


FORMS = [syslog, one_blank, rsyslog, short_iso, short_precise, short_unix, polish, russian, journal,
         octets, rfc5424, bare_5424, freebsd, solaris, compose, docker]

# Files that the filters write themselves (local time).
OWN = {
    'rspamd': '2026-01-01 18:40:01 #4493(rspamd_proxy) <94f35d>; proxy; rspamd_task_write_log: '
              'id: <m1@example.com>, qid: <4aB2>, ip: 198.51.100.7, from: <friend@example.com>, '
              '(default: T (reject): [21.25/15.00] [BAYES_SPAM(5.10){100.00%;}]), len: 7, '
              'time: 3.2ms, dns req: 2, digest: <1>, rcpts: <taro@example.jp>\n',
    'spamd': 'Thu Jan  1 18:40:01 2026 [9675] info: spamd: result: Y 21 - X scantime=1.0,size=2,'
             'user=u,uid=1,required_score=5.0,rhost=::1,raddr=::1,rport=1,mid=<m1@example.com>,'
             'autolearn=no\n',
    'amavis': 'Jan  1 18:40:01.534 mx /usr/sbin/amavisd-new[33]: (33-01) Blocked SPAM '
              '{DiscardedInbound}, [198.51.100.7]:55729 <friend@example.com> -> <taro@example.jp>, '
              'Queue-ID: 4aB2, mail_id: i, Hits: 21.25, size: 7, 10 ms\n',
}


class Logs(ctl.Scratch):
    def ask(self, *line, **more):
        code, out, err = self.ctl(*line, '--json', **more)
        self.assertEqual(code, 0, out + err)
        return json.loads(out)

    def test_every_form_of_a_log_tells_the_same(self):
        for form in FORMS:
            with self.subTest(form=form.__name__):
                log = '\n'.join(each(form)).encode()
                self.make()
                learned = self.ask('learn-log', '-', stdin=log)['learned']
                self.assertEqual(
                    [learned[key] for key in ('skipped', 'doubtful', 'unknown', 'ham', 'spam')],
                    [0, 0, 0, 1, 1], learned)
                told = self.ask('report', '--maillog', '-', stdin=log)
                self.assertEqual((told['log']['broken'], told['log']['users']), (0, 1))
                self.assertEqual((told['log']['first'], told['log']['last']),
                                 ('2026-01-01T18:40:00Z', '2026-01-02T09:00:00Z'))
                self.assertEqual({key: told['effect'][key] for key in
                                  ('mails', 'mails_of_suspects', 'refused_for_now')},
                                 {'mails': 2, 'mails_of_suspects': 2, 'refused_for_now': 1})

    def test_the_own_files_of_filters_are_read(self):
        for name, text in OWN.items():
            with self.subTest(program=name):
                self.make()
                learned = self.ask('learn-log', '-', stdin=text.encode())['learned']
                self.assertEqual((learned['spam'], learned['doubtful']), (1, 0), learned)

    def test_a_real_log_is_read_to_its_last_line(self):
        shared = os.path.join(ctl.SOURCE, '../shared/data/mail.log')
        if not os.path.exists(shared):
            self.skipTest(f'SKIPPED: {shared} is not here')
        learned = self.ask('learn-log', shared)['learned']
        told = self.ask('report', '--maillog', shared)
        self.assertEqual((learned['lines'], learned['skipped'], learned['doubtful']), (6039, 0, 0))
        self.assertEqual((told['log']['lines'], told['log']['broken']), (6039, 0))


if __name__ == '__main__':
    ctl.main()
