# SPDX-License-Identifier: BSD-2-Clause
"""
targreyctl beside others that write the same rows of a real PostgreSQL: each change
waits for them or is done again, and nothing of either is lost. Both with the
server's usual isolation, where a change waits or finds its row taken, and with
"repeatable read", where the server itself breaks it off (40001).
"""
import ipaddress
import itertools
import json
import os
import subprocess
import sys
import threading
import time
import unittest

import ctl

sys.path.insert(0, os.path.join(ctl.SOURCE, 'tests'))
from support.pgserver import PgServer  # noqa: E402

HUNG_S = 60
NOW = int(ctl.NOW[1:])
CLIENT = '198.51.100.7'
SPAM = ('Jan  1 18:40:09 mx amavis[7]: (7-2) Passed SPAM {RelayedTagged}, <a> -> <b>, '
        'Queue-ID: 4aB2, mail_id: i, Hits: 21.25, size: 1, 10 ms\n').encode()
DUMP = (b'VERSION=3\nformat=print\ntype=btree\nHEADER=END\n'
        b' 192.0.2.91\n 7,1767400000\n 192.0.2.92\n 7,1767400000\n'
        b' 192.0.2.93\n 7,1767400000\nDATA=END\n')


def key(address):
    return int(ipaddress.ip_address(address))


class Other:
    """A session of its own that has changed something and not committed it yet."""

    def __init__(self, test, sql):
        self.psql = subprocess.Popen(
            ['psql', '-h', test.server.folder, '-U', 'postgres', '-d', test.name,
             '-Atq'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        test.addCleanup(self.end)
        self.say('BEGIN; %s; SELECT 1;' % sql)
        test.assertEqual(self.psql.stdout.readline(), '1\n')

    def say(self, sql):
        self.psql.stdin.write(sql + '\n')
        self.psql.stdin.flush()

    def commit(self):
        self.say('COMMIT; SELECT 2;')
        if self.psql.stdout.readline() != '2\n':
            raise AssertionError('it was not committed')

    def end(self):
        if self.psql.poll() is None:
            self.psql.stdin.close()
            self.psql.wait(HUNG_S)
        self.psql.stdout.close()


class Shared(ctl.Scratch):
    isolation = 'read committed'
    is_broken_off = False

    server = None  # one for all
    numbers = itertools.count()

    def setUp(self):
        super().setUp()
        if Shared.server is None:
            Shared.server = PgServer('fsync=off').start()
            unittest.addModuleCleanup(self.server.close)
            code, out, err = ctl.run('migrate', f'sqlite:{self.db}',
                                     self.server.url())
            self.assertEqual(code, 0, out + err)
        self.name = 'test_%d' % next(Shared.numbers)
        self.server.ask(f'CREATE DATABASE {self.name} TEMPLATE t1', 'postgres')
        with open(self.conf) as file:
            text = file.read()
        url = f'postgresql:///{self.name}?host={self.server.folder}&user=postgres'
        with open(self.conf, 'w') as file:
            file.write(text.replace(f'sqlite:{self.db}', url))
        self.sql(f"ALTER DATABASE {self.name} SET default_transaction_isolation ="
                 f" '{self.isolation}'")
        self.logged = os.path.getsize(self.log())

    def log(self):
        return os.path.join(self.server.folder, 'log')

    def errors(self):
        """What the server has written into its log since."""
        with open(self.log()) as file:
            file.seek(self.logged)
            return [line for line in file if 'ERROR' in line]

    def sql(self, text):
        return self.server.ask(text, self.name)

    def number(self, text):
        return int(self.sql(text)[0])

    def beside(self, sql, *line, **more):
        """What targreyctl says that had to wait until that was committed."""
        other = Other(self, sql)
        answer = []
        thread = threading.Thread(
            target=lambda: answer.append(self.ctl(*line, '--json', **more)))
        thread.start()
        begin = time.monotonic()
        while self.number('SELECT count(*) FROM pg_locks WHERE NOT granted') == 0:
            if not thread.is_alive() or time.monotonic() - begin > HUNG_S:
                self.fail('it has not waited: %s' % answer)
            time.sleep(0.02)
        other.commit()
        thread.join(HUNG_S)
        code, out, err = answer[0]
        self.assertEqual(code, 0, out + err)
        self.assertEqual(bool(self.errors()), self.is_broken_off, self.errors())
        return json.loads(out)

    def test_learn_log_adds_to_what_another_has_counted_of_the_client(self):
        before = self.number(f'SELECT sessions FROM address WHERE key = {key(CLIENT)}')
        self.beside(f'UPDATE address SET version = version + 1, sessions = sessions + 3'
                    f' WHERE key = {key(CLIENT)}', 'learn-log', '-', stdin=SPAM)
        self.assertEqual(
            self.sql(f'SELECT sessions - {before}, spam FROM address'
                     f' WHERE key = {key(CLIENT)}'), ['3|1024'])
        self.assertEqual(self.sql("SELECT feedback FROM event WHERE queue_id = '4aB2'"),
                         ['spam'])

    def test_learn_log_adds_to_what_another_has_counted_of_the_network(self):
        self.sql(f"UPDATE origin SET decayed = {NOW}, spam = 0"
                 " WHERE name = '198.51.100.0/24'")
        self.beside("UPDATE origin SET version = version + 1, spam = spam + 2048,"
                    " sessions = 5 WHERE name = '198.51.100.0/24'",
                    'learn-log', '-', stdin=SPAM)
        self.assertEqual(self.sql("SELECT sessions, spam FROM origin"
                                  " WHERE name = '198.51.100.0/24'"), ['5|3072'])

    def test_learn_log_adds_to_the_sites_row_that_another_makes_at_that_moment(self):
        self.beside(f"INSERT INTO origin VALUES ('*', 1, {NOW}, {NOW}, {NOW}, 0, 0, 0,"
                    f" 4096, 2048, 0)", 'learn-log', '-', stdin=SPAM)
        self.assertEqual(self.sql("SELECT ham, spam FROM origin WHERE name = '*'"),
                         ['4096|3072'])
        # Once, although it was done twice.
        self.assertEqual(
            self.number(f'SELECT spam FROM address WHERE key = {key(CLIENT)}'), 1024)

    def test_forget_removes_what_another_is_writing(self):
        counts = self.beside(
            f'UPDATE address SET version = version + 1, sessions = sessions + 3'
            f' WHERE key = {key(CLIENT)}', 'forget', '--ip', '198.51.100.0/24')
        self.assertEqual(counts['forgotten']['addresses'], 1)
        for sql in (f'SELECT count(*) FROM address WHERE key = {key(CLIENT)}',
                    "SELECT count(*) FROM triplet WHERE client = '198.51.100.0/24'"):
            self.assertEqual(self.number(sql), 0)

    def test_expire_leaves_what_another_has_just_used(self):
        year = 365 * 86400
        self.assertGreater(self.number('SELECT count(*) FROM address'), 1)
        self.beside(f'UPDATE address SET version = version + 1,'
                    f' last_seen = {NOW + year} WHERE key = {key(CLIENT)}',
                    'expire', '--now', f'@{NOW + year}', now=False)
        self.assertEqual(self.sql('SELECT key FROM address WHERE known_until < %d'
                                  % (NOW + year)), [str(key(CLIENT))])

    def test_import_writes_all_rows_when_another_makes_one_of_them(self):
        self.beside(f'INSERT INTO address SELECT {key("192.0.2.92")}, 1,'
                    f' first_seen, {NOW}, last_success, last_counted, last_unproven,'
                    f' last_gaveup, known_until, 77, successes, counted, gaveup,'
                    f' gaveup_secs, 0, 0, 0 FROM address LIMIT 1',
                    'import', 'postgrey', '-', stdin=DUMP)
        self.assertEqual(
            self.sql(f'SELECT key - {key("192.0.2.90")}, sessions, successes ='
                     f' 7 FROM address WHERE key BETWEEN {key("192.0.2.91")} AND'
                     f' {key("192.0.2.93")} ORDER BY key')[::2], ['1|0|t', '3|0|t'])
        self.assertEqual(self.number(f'SELECT sessions FROM address WHERE key ='
                                     f' {key("192.0.2.92")}'), 77)


class RepeatableRead(Shared):
    isolation = 'repeatable read'
    is_broken_off = True


if __name__ == '__main__':
    ctl.main()
