# SPDX-License-Identifier: BSD-2-Clause
"""
Every command's text and JSON against tests/admin/golden/, over a database that a
real daemon has written (record_story.py; admin_story plays it again). After an
intended change: TARGREY_GOLDEN=write ctest -R admin_golden, and read the difference.
"""
import atexit
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile

import ctl

GOLDEN = os.path.join(ctl.SOURCE, 'tests/admin/golden')
WRITE = os.environ.get('TARGREY_GOLDEN') == 'write'

CASES = {
    'help': ['--help'],
    'status': ['status'],
    'list_clients': ['list', 'clients'],
    'list_clients_wide': ['list', 'clients', '--wide'],
    'list_clients_gaveup': ['list', 'clients', '--state', 'gaveup'],
    'list_clients_name': ['list', 'clients', '--name', 'DYN100'],
    'list_domains': ['list', 'domains'],
    'list_triplets': ['list', 'triplets'],
    'list_triplets_passed': ['list', 'triplets', '--state', 'passed'],
    'list_triplets_net': ['list', 'triplets', '--ip', '192.0.2.0/24', '--wide'],
    'list_known': ['list', 'known'],
    'list_held': ['list', 'held'],
    'list_held_net': ['list', 'held', '--ip', '127.10.4.0/24'],
    'list_events': ['list', 'events'],
    'list_events_wide': ['list', 'events', '--wide', '--since', '2d'],
    'show_address': ['show', '198.51.100.7'],
    'show_domain': ['show', 'example.org'],
    'find_text': ['find', 'friend'],
    'find_queue_id': ['find', '@SHOP_QUEUE@', '--wide'],
    'find_net': ['find', '192.0.2.0/24'],
    'find_since': ['find', '--since', '1d'],
    'allow_address': ['allow', '192.0.2.77', 'example.org'],
    'allow_for': ['allow', '192.0.2.1', '--for', '30d'],
    'unallow': ['unallow', '203.0.113.9', '192.0.2.200'],
    'forget_net': ['forget', '--ip', '198.51.100.0/24'],
    'forget_one': ['forget', '--ip', '198.51.100.7'],
    'forget_dry': ['forget', '--ip', '198.51.100.0/24', '--dry-run'],
    'forget_sender': ['forget', '--from', 'Friend@Example.COM'],
    'expire': ['expire'],
    'check_db': ['check-db'],
    'backup': ['backup', '@DIR@/copy.db'],
    's25r': ['s25r', 'mail.example.com', 'p1-2.example.net', 'unknown',
             'DHCP7.example.com', '1.2.3.example.com'],
    's25r_names': ['s25r', '--names', '@DIR@/names', '--allow', '@DIR@/farm?'],
    'config_check': ['config', 'check'],
    'report': ['report'],
    'report_since': ['report', '--since', '1d', '--top', '3'],
    'lost': ['lost'],
    'lost_since': ['lost', '--since', '2026-01-02'],
    'lost_likely': ['lost', '--since', '2026-01-02', '--likely'],
    'metrics': ['metrics'],
    'learn_log': ['learn-log', '@DIR@/filter.log'],
    'learn_log_dry': ['learn-log', '--dry-run', '@DIR@/filter.log'],
    'import_postgrey': ['import', 'postgrey', '@DIR@/postgrey.txt', '--dry-run'],
    'import_sqlgrey': ['import', 'sqlgrey', '@DIR@/sqlgrey.sql', '--dry-run'],
    'import_whitelist': ['import', 'whitelist', '@DIR@/whitelist'],
    'maillog': ['report', '--maillog', '@DIR@/filter.log', '--top', '5'],
    'explain_new': ['explain', '--ip', '192.0.2.200', '--name', 'p9-9.example.net',
                    '--from', 'x@example.net', '--to', 'taro@example.jp'],
    'explain_waiting': ['explain', '--ip', '192.0.2.99', '--from',
                        "=cmd|'/C_calc'!A0@example.com", '--to', 'taro@example.jp'],
    'explain_known': ['explain', '--ip', '198.51.100.7', '--ptr',
                      'p7-dyn100.example.net', '--helo', 'friend.example.com',
                      '--from', 'friend@example.com', '--to', 'taro@example.jp'],
    'explain_clean': ['explain', '--ip', '203.0.113.50', '--name', 'mail.example.net',
                      '--from', '<>'],
    'explain_spf': ['explain', '--ip', '192.0.2.78', '--name', 'p1-3.line.example.org',
                    '--from', 'shop@example.org', '--to', 'hanako@example.jp', '--spf',
                    'pass'],
    'explain_last_visit': ['explain', '--ip', '192.0.2.77'],
    'explain_exempt': ['explain', '--ip', '10.9.9.9'],
    'explain_sid': ['explain', '--sid', '@SHOP_SID@'],
    'explain_queue_id': ['explain', '--queue-id', '@FRIEND_QUEUE@'],
    'explain_message': ['explain', '--message', '@DIR@/mail'],
    'explain_message_gone': ['explain', '--message', '@DIR@/old-mail'],
}
TEXT_ONLY = {'help', 'config_check'}

FILTER_LOG = '''\
Jan  2 06:22:06 mx amavis[7]: (7-1) Passed CLEAN {RelayedInbound}, [192.0.2.77]:25 <shop@example.org> -> <taro@example.jp>, Queue-ID: @SHOP_QUEUE@, Message-ID: <x@example.com>, mail_id: x, Hits: -0.5, size: 1, queued_as: 5, 10 ms
Jan  1 18:40:01 mx amavis[7]: (7-2) Blocked SPAM {DiscardedInbound}, [198.51.100.7]:25 <friend@example.com> -> <taro@example.jp>, Queue-ID: @FRIEND_QUEUE@, Message-ID: <x@example.com>, mail_id: y, Hits: 21.25, size: 1, 10 ms
Jan  1 18:32:00 mx amavis[7]: (7-3) Passed CLEAN {RelayedInbound}, <a@b> -> <c@d>, Queue-ID: 9zZ9, Hits: 1
Jan  1 18:33:00 mx postfix/smtpd[3]: connect from p1-2.example.net[192.0.2.9]
Jan  1 18:33:01 mx postfix/smtpd[3]: NOQUEUE: reject: RCPT from p1-2.example.net[192.0.2.9]: 450 4.7.1 wait; from=<a@b> to=<c@d> proto=ESMTP helo=<p>
Jan  1 19:33:01 mx postfix/smtpd[3]: 4cC1: client=p1-2.example.net[192.0.2.9]
Jan  1 19:33:02 mx postfix/smtpd[3]: 4cC2: client=mail.example.com[192.0.2.10]
not a log line
'''
POSTGREY = '''\
VERSION=3
format=print
type=btree
HEADER=END
 192.0.2.0/a@example.com/b@example.jp
 1767400000,1767401000,7
 198.51.100.0/24/c@example.com/d@example.jp
 1767480000,1767480000
 203.0.113.5
 7,1767480000
 host.example.com/a@example.com/b@example.jp
 1767400000,1767401000
 192.0.2.0/a\\20b@example.com/b@example.jp
 nonsense
DATA=END
'''
SQLGREY = '''\
PRAGMA foreign_keys=OFF;
CREATE TABLE connect (sender_name text);
INSERT INTO connect VALUES('o''brien','example.com','192.0.2','b@example.jp','2026-01-03 10:00:00');
INSERT INTO "connect" VALUES('-undef-','-undef-','192.0.2.4','b@example.jp',1767440000),('x','y.example','bad','z@example.jp',1767440000);
INSERT INTO from_awl VALUES('joe','example.com','192.0.2.5','2026-01-01 10:00:00','2026-01-02 10:00:00');
INSERT INTO `domain_awl` VALUES ('example.org','192.0.2.6','2026-01-01 10:00:00','2026-01-02 10:00:00'),('example.org','192.0.3','2026-01-01 10:00:00','2026-01-02 10:00:00');
INSERT INTO optin_email VALUES('a');
INSERT INTO connect VALUES('broken
'''
WHITELIST = '''\
# postgrey whitelist
mail.example.com
192.0.2.0/24
192.0.2
/^mx[0-9]+\\.example\\.net$/
/unclosed(/
300.0.0.1/99
'''
NAMES = """\
# clients of a log
mail.example.com 7
out1-23.farm.example	12
P1-2.Example.NET
unknown

out1-23.farm.example.evil.example
"""
FARMS = """\
/^out[0-9]+-[0-9]+\\.farm\\.example$/
mail.example.com
"""
MAIL = ('Received: from x\nX-TaRgrey-Session: v=1; id=mx.example.jp; sid={sid}; '
        'mode=targrey; verdict=hold; why=s25r\nX-TaRgrey-Session: v=1; sid=forged\n'
        'Subject: x\n\nX-TaRgrey-Session: v=1; sid=body\n')


class Golden(ctl.Scratch):
    maxDiff = None

    recorded = None  # made once, copied for each test

    def make(self):
        if Golden.recorded is None:
            folder = tempfile.TemporaryDirectory(prefix='targrey-admin-')
            atexit.register(folder.cleanup)
            Golden.recorded = os.path.join(folder.name, 'story.db')
            with open(os.path.join(ctl.SOURCE, 'tests/admin/story.sql')) as file:
                base = sqlite3.connect(Golden.recorded)
                base.executescript(file.read())
                base.close()
            # through the store, which makes its tables those of today
            subprocess.run([ctl.MAKE_DB, Golden.recorded, '0'], check=True, timeout=120)
        shutil.copy(Golden.recorded, self.db)
        base = sqlite3.connect(self.db)
        self.words = {'@DIR@': self.dir}
        for word, sender in ('SHOP', 'shop@example.org'), ('FRIEND', 'friend@example.com'):
            sid, queue_id = base.execute(
                'SELECT sid, queue_id FROM event WHERE sender = ? ORDER BY event_id DESC',
                [sender]).fetchone()
            self.words.update({f'@{word}_SID@': sid, f'@{word}_QUEUE@': queue_id})
        base.close()

    def filled(self, text):
        for word, value in self.words.items():
            text = text.replace(word, value)
        return text

    def setUp(self):
        super().setUp()
        self.answer_for_the_daemon()
        for name, text in (('filter.log', FILTER_LOG), ('postgrey.txt', POSTGREY),
                           ('sqlgrey.sql', SQLGREY), ('whitelist', WHITELIST),
                           ('names', NAMES), ('farms', FARMS),
                           ('mail', MAIL.format(sid='@SHOP_SID@')),
                           ('old-mail', MAIL.format(sid='deadbeef00'))):
            with open(os.path.join(self.dir, name), 'w') as file:
                file.write(self.filled(text))

    def compare(self, name, kind, code, out, err):
        text = f'exit {code}\n{out}' + (f'--- standard error\n{err}' if err else '')
        text = text.replace(self.dir, '@DIR@').replace(ctl.SOURCE, '@SOURCE@')
        text = text.replace('\r\n', '\n')
        # the database's size hangs on SQLite's version
        text = re.sub(r'((?:file|wal)_bytes"?:?\}? |File, bytes +|log, bytes +|'
                      r'_bytes", "label": null, "label_value": null, "value": )\d+',
                      r'\1N', text)
        path = os.path.join(GOLDEN, f'{name}.{kind}')
        if WRITE:
            os.makedirs(GOLDEN, exist_ok=True)
            with open(path, 'w') as file:
                file.write(text)
            return
        with open(path) as file:
            self.assertEqual(file.read(), text, f'{name}.{kind}')

    def check(self, name):
        line = [self.filled(word) for word in CASES[name]]
        more = [] if name == 'help' else ['--config', self.conf]
        result = ctl.run(*line, *more, now=name != 'help')
        self.compare(name, 'txt', *result)
        self.assertNotIn('\033', result[1])

    def check_json(self, name):
        if name in TEXT_ONLY:
            return
        line = [self.filled(word) for word in CASES[name]]
        line = [word for word in line if word != '--wide']
        code, out, err = self.ctl(*line, '--json')
        json.loads(out)
        self.compare(name, 'json', code, out, err)

    def check_csv(self, name):
        if name in TEXT_ONLY:
            return
        line = [self.filled(word) for word in CASES[name]]
        code, out, err = self.ctl(*line, '--csv')
        self.assertNotIn('\033', out)
        for row in out.split('\r\n'):
            for cell in row.split(','):
                self.assertNotIn(cell[:1], ('=', '+', '@', '\t'), row)


def add(name):
    setattr(Golden, f'test_{name}_text', lambda self: self.check(name))
    setattr(Golden, f'test_{name}_json', lambda self: self.check_json(name))
    setattr(Golden, f'test_{name}_csv', lambda self: self.check_csv(name))


for case in CASES:
    add(case)

if __name__ == '__main__':
    ctl.main()
