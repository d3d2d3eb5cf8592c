# SPDX-License-Identifier: BSD-2-Clause
"""Wrong lines and broken databases: what is wrong is said, nothing else happens."""
import os
import shutil
import sqlite3
import subprocess

import ctl

LINES = [
    # (line, exit code, what standard error says)
    ([], 2, 'usage: targreyctl COMMAND'),
    (['bogus'], 2, 'unknown command "bogus"; there are: status doctor explain'),
    (['status', '--bogus'], 2, 'unknown option --bogus; allowed: --config'),
    (['status', '-x'], 2, 'options begin with "--"'),
    (['status', 'word'], 2, 'unexpected argument "word"; it takes: none'),
    (['status', '--format'], 2, '--format needs a value: FORM'),
    (['status', '--format', 'xml'], 2, 'allowed: text json csv html'),
    (['status', '--json=1'], 2, '--json takes no value'),
    (['status', '--json', '--json'], 2, '--json is given twice'),
    (['list'], 2, 'an argument is missing; it takes: clients|domains'),
    (['list', 'bogus'], 2, 'allowed: clients domains triplets known held events'),
    (['list', 'clients', '--ip', '1.2.3'], 2, 'an address or a network'),
    (['list', 'clients', '--ip', '192.0.2.1/24'], 2, 'without host bits'),
    (['list', 'clients', '--since', 'soon'], 2, 'a span before now (90s, 2h, 7d)'),
    (['list', 'clients', '--limit', '-1'], 2, 'allowed: 0 to 1000000000'),
    (['list', 'clients', '--state', 'waiting'], 2, 'not for clients; allowed: known'),
    (['list', 'held', '--state', 'good'], 2, 'allowed: none'),
    (['find'], 2, 'give a TEXT'),
    (['show'], 2, 'an argument is missing'),
    (['show', '203.0.114.250'], 1, 'nothing is on record for "203.0.114.250"'),
    (['allow', '192.0.2.0/24'], 2, 'belong in allow.d'),
    (['allow', 'no domain'], 2, 'neither an IP address nor an SPF domain'),
    (['allow', '192.0.2.1', '--for', 'ever'], 2, 'a span such as 12h'),
    (['forget'], 2, 'give --ip, --domain, --from or --to'),
    (['backup'], 2, 'it takes: FILE'),
    (['explain'], 2, 'exactly one of --ip, --sid'),
    (['explain', '--ip', '192.0.2.1', '--sid', 'x'], 2, 'exactly one of'),
    (['explain', '--ip', 'host'], 2, 'is not an address'),
    (['explain', '--sid', 'x', '--name', 'y'], 2, 'go with --ip'),
    (['explain', '--ip', '192.0.2.1', '--spf', 'maybe'], 2, 'allowed: none neutral pass'),
    (['explain', '--sid', 'nosuch'], 1, 'no event has that sid'),
    (['explain', '--queue-id', 'nosuch'], 1, 'no event has that queue id'),
    (['explain', '--message', '/nonexistent'], 1, 'No such file'),
    (['explain', '--message', '-'], 1, 'no X-TaRgrey-Session header'),
    (['report', '--until', '9d'], 2, '--until is before --since'),
    (['report', 'mail.log'], 2, 'files go after --maillog'),
    (['report', '--rules', 'x'], 2, '--rules goes with --maillog only'),
    (['report', '--maillog', '/nonexistent'], 1, 'No such file'),
    (['report', '--maillog', '/tmp'], 1, 'is a directory'),
    (['s25r', '--rules', '/nonexistent', 'x'], 1, 'No such file'),
    (['import', 'postgrey'], 2, 'an argument is missing'),
    (['import', 'bogus', '-'], 2, 'allowed: postgrey sqlgrey whitelist'),
    (['import', 'postgrey', '/etc/passwd'], 1, 'this is not the text of db_dump'),
    (['import', 'sqlgrey', '@DB@'], 1, 'sqlite3 FILE .dump'),
    (['import', 'postgrey', '-', '--delay', 'x'], 2, 'a span such as 5m'),
    (['learn-log', '/nonexistent'], 1, 'No such file'),
    (['config', 'bogus'], 2, 'allowed: dump check'),
    (['metrics', '--state', '/etc/passwd'], 1, 'is not a state file of targreyctl metrics'),
    (['status', '--output', '/nonexistent/x'], 1, '/nonexistent/x: No such file'),
    (['status', '--now', 'soon'], 2, 'a span before now'),
]


class Trouble(ctl.Scratch):
    def test_wrong_lines_say_what_is_allowed(self):
        for line, wanted, text in LINES:
            line = [word.replace('@DB@', self.db) for word in line]
            more = ['--config', self.conf] if line and line[0] != 'bogus' else []
            now = False
            code, out, err = ctl.run(*line[:1], *more, *line[1:], now=now)
            self.assertEqual((code, out), (wanted, ''), line)
            self.assertIn(text, err, line)
            if wanted == 2 and line and line[0] != 'bogus':
                self.assertIn('--help', err)

    def fails(self, text, *line, **more):
        code, out, err = self.ctl(*(line or ['list', 'clients']), **more)
        self.assertEqual((code, out), (1, ''))
        self.assertIn(text, err)
        self.assertEqual(err.count('\n'), 1, err)

    def test_a_missing_database_is_said(self):
        os.remove(self.db)
        self.fails('No such file')
        self.assertFalse(os.path.exists(self.db))

    def test_something_else_is_no_database(self):
        with open(self.db, 'w') as file:
            file.write('hello ' * 1000)
        self.fails('not a')

    def test_another_program_s_database_is_refused(self):
        os.remove(self.db)
        sqlite3.connect(self.db).execute('CREATE TABLE x(y)').connection.close()
        self.fails(self.db)

    def test_libpq_is_wanted_only_where_the_url_is_of_postgresql(self):
        folder = os.path.join(self.dir, 'lib')
        os.mkdir(folder)
        open(os.path.join(folder, 'libpq.so.5'), 'w').close()
        broken = {'LD_LIBRARY_PATH': folder}
        code, out, err = self.ctl('list', 'clients', env=broken)
        self.assertEqual((code, err), (0, ''))
        self.assertIn('198.51.100.7', out)
        url = ('--database', 'postgresql:///targrey?host=/nonexistent')
        if 'built without PostgreSQL' in self.ctl('list', 'clients', *url)[2]:
            self.skipTest('SKIPPED: a build without PostgreSQL')
        self.fails('package libpq5', 'list', 'clients', *url, env=broken)
        with open(self.conf, 'w') as file:
            file.write('store {\n  url = "postgresql:///targrey" }\n')
        self.fails(f'{self.conf}:2: store.url: PostgreSQL needs libpq 14', 'config', 'check', env=broken)

    def test_a_newer_schema_is_said(self):
        base = sqlite3.connect(self.db)
        base.execute('PRAGMA user_version = 99')
        base.commit()
        base.close()
        self.fails('newer')

    def test_a_locked_database_is_said_and_nothing_is_changed(self):
        base = sqlite3.connect(self.db, isolation_level=None)
        base.execute('BEGIN IMMEDIATE')
        self.fails('locked', 'allow', '192.0.2.1')
        base.execute('ROLLBACK')
        base.close()
        self.assertNotIn('192.0.2.1 ', self.ctl('list', 'known')[1])

    def test_reading_goes_on_while_another_writes(self):
        base = sqlite3.connect(self.db, isolation_level=None)
        base.execute('BEGIN IMMEDIATE')
        self.assertEqual(self.ctl('list', 'clients')[0], 0)
        base.execute('ROLLBACK')
        base.close()

    def as_nobody(self, *line):
        """targreyctl as another user, on a copy that this user may run."""
        program = os.path.join(self.dir, 'targreyctl')
        shutil.copy(ctl.CTL, program)
        os.chmod(self.dir, os.stat(self.dir).st_mode | 0o055)
        return subprocess.run(
            ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups',
             program, *line, '--config', self.conf],
            capture_output=True, text=True, timeout=60,
            env=dict(ctl.ENV, ASAN_OPTIONS='detect_leaks=0'))

    def test_another_user_is_told_that_he_may_not(self):
        if os.geteuid() != 0:
            self.skipTest('SKIPPED: needs root')
        os.chmod(self.db, 0o600)
        done = self.as_nobody('list', 'clients')
        self.assertEqual((done.returncode, done.stdout), (1, ''))
        self.assertIn('Permission denied', done.stderr)

    def test_a_read_only_folder_is_said(self):
        if os.geteuid() != 0:
            self.skipTest('SKIPPED: needs root')
        os.chmod(self.db, 0o644)
        for line, wanted in ((('list', 'clients'), 'is read-only for this user'),
                             (('allow', '192.0.2.1'), 'cannot open: Permission denied')):
            done = self.as_nobody(*line)
            self.assertEqual((done.returncode, done.stdout), (1, ''))
            self.assertIn(wanted, done.stderr, line)

    def test_a_read_only_database_can_be_read_but_not_changed(self):
        if os.geteuid() != 0:
            self.skipTest('SKIPPED: needs root')
        os.chmod(self.db, 0o644)
        os.chmod(self.dir, 0o777)
        done = self.as_nobody('list', 'clients')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('198.51.100.7', done.stdout)
        done = self.as_nobody('allow', '192.0.2.1')
        self.assertEqual((done.returncode, done.stdout), (1, ''))
        self.assertIn('Permission denied', done.stderr)

    def test_a_damaged_database_is_found(self):
        with open(self.db, 'r+b') as file:
            file.seek(4096 * 3)
            file.write(b'\xff' * 4096)
        code, out, err = self.ctl('check-db')
        self.assertEqual(code, 1)
        self.assertIn('damaged', out, err)

    def test_a_backup_never_overwrites_and_is_good(self):
        copy = os.path.join(self.dir, 'copy.db')
        self.assertEqual(self.ctl('backup', copy)[0], 0)
        code, out, err = self.ctl('backup', copy)
        self.assertEqual(code, 1)
        self.assertIn('exists', err)
        code, out, err = self.ctl('check-db', '--database', copy)
        self.assertEqual(code, 0, out + err)
        self.assertEqual(self.ctl('list', 'clients', '--database', copy),
                         self.ctl('list', 'clients'))

    def test_a_wrong_configuration_is_named_with_its_line(self):
        with open(self.conf, 'w') as file:
            file.write('hostname = "x"\nmode = "bogus"\n')
        self.fails(f'{self.conf}:2:')

    def test_config_check_reads_rules_and_lists(self):
        rules = os.path.join(self.dir, 'rules')
        with open(rules, 'w') as file:
            file.write('0 ^unknown$ none\n1 (unclosed oops\n')
        with open(self.conf, 'w') as file:
            file.write(f'suspects {{ s25r = "{rules}" files = {{}} }}\n'
                       'allow { files = {} }\n')
        self.fails(f'{rules}:2', 'config', 'check')
        good = os.path.join(ctl.SOURCE, 'conf/s25r.rules')
        lists = os.path.join(self.dir, 'list')
        with open(lists, 'w') as file:
            file.write('ok.example.com\n/broken(/\n')
        with open(self.conf, 'w') as file:
            file.write(f'suspects {{ s25r = "{good}" files = {{}} }}\n'
                       f'allow {{ files = {{"{lists}"}} }}\n')
        self.fails(f'{lists}:2', 'config', 'check')

    def test_logs_of_others_and_broken_lines_are_skipped_and_counted(self):
        log = os.path.join(self.dir, 'log')
        with open(log, 'wb') as file:
            file.write(b'\0\xff\xfe\n' + b'x' * 300000 + b'\n' +
                       b'Jan  1 00:00:00 h other[1]: hello\n' +
                       b'Jan  1 00:00:01 h postfix/smtpd[1]: connect from a.b[192.0.2.1]')
        code, out, err = self.ctl('report', '--maillog', log, '--json')
        self.assertEqual(code, 0, err)
        for text in '"lines": 4', '"broken": 1', '"too_long": 1', '"other": 1':
            self.assertIn(text, out)


if __name__ == '__main__':
    ctl.main()
