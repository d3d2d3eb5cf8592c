# SPDX-License-Identifier: BSD-2-Clause
"""
A database made by the real postgrey, asked by its policy protocol and read
with db_dump; sqlgrey's tables in a real SQLite dump.
"""
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import time

import ctl

START = 1767400000
POSTGREY, DB_DUMP = shutil.which('postgrey'), shutil.which('db_dump')


def request(address, sender, recipient, at, name='unknown'):
    return (f'request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address={address}\n'
            f'client_name={name}\nsender={sender}\nrecipient={recipient}\n'
            f'instance={at}.{address}\npolicy_test_time={at}\n\n').encode()


class Postgrey:
    """The real one, on a socket and a folder of its own."""

    def __init__(self, test):
        self.path = os.path.join(test.dir, 'postgrey.sock')
        self.db = os.path.join(test.dir, 'postgrey')
        os.mkdir(self.db)
        subprocess.run(['chown', 'postgrey:postgrey', self.db], check=True)
        os.chmod(test.dir, 0o777)
        self.process = subprocess.Popen(
            [POSTGREY, f'--unix={self.path}', f'--dbdir={self.db}', '--delay=300',
             '--whitelist-clients=/dev/null', '--whitelist-recipients=/dev/null'],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        test.addCleanup(self.stop)
        end = time.monotonic() + 60
        while not os.path.exists(self.path):
            test.assertLess(time.monotonic(), end, "postgrey does not listen after 60 s")
            time.sleep(0.05)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(self.path)

    def ask(self, *visit, **more):
        self.socket.sendall(request(*visit, **more))
        answer = b''
        while b'\n\n' not in answer:
            got = self.socket.recv(4096)
            if not got:
                raise AssertionError('postgrey hung up')
            answer += got
        return answer.decode()

    def stop(self):
        self.socket.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        self.process.stdout.close()
        self.process.stderr.close()

    def dump(self, name, *options):
        # -h: what postgrey has not carried into the file yet counts too
        done = subprocess.run([DB_DUMP, *options, '-h', self.db, name],
                              capture_output=True, check=True)
        return done.stdout


class Import(ctl.Scratch):
    def ask(self, *line, **more):
        code, out, err = self.ctl(*line, '--json', **more)
        self.assertEqual(code, 0, out + err)
        return json.loads(out)

    def triplets(self):
        rows = self.ask('list', 'triplets')['triplets']['rows']
        return {(r['client'], r['sender'], r['recipient']): r for r in rows}

    def test_postgrey(self):
        if not POSTGREY or not DB_DUMP:
            self.skipTest('SKIPPED: postgrey or db_dump is not installed')
        if os.geteuid() != 0:
            self.skipTest('SKIPPED: postgrey needs root to start')
        real = Postgrey(self)
        greylisted = real.ask('192.0.2.20', 'Joe+x@example.com', 'b@example.jp', START)
        self.assertIn('DEFER', greylisted)
        passed = real.ask('192.0.2.20', 'Joe+x@example.com', 'b@example.jp', START + 400)
        self.assertNotIn('DEFER', passed)
        real.ask('198.51.100.3', '', 'c@example.jp', START + 1000)
        real.ask('2001:db8::25', 'six@example.com', 'c@example.jp', START + 1000)
        real.ask('198.51.100.4', 'a/b@example.com', 'd@example.jp', START + 1000)
        for hour in range(6):  # a client that postgrey lets pass by itself
            for retry in 0, 400:
                real.ask('203.0.113.77', f's{hour}@example.com', 'e@example.jp',
                         START + hour * 4000 + retry)
        real.stop()
        for options in (), ('-p',):
            found = self.ask('import', 'postgrey', '-', '--dry-run',
                             stdin=real.dump('postgrey.db', *options))['import']
            self.assertEqual((found['triplets'], found['passed'], found['skipped']),
                             (9, 6, 0), found)
        before = self.triplets()
        for name in 'postgrey.db', 'postgrey_clients.db':
            self.ask('import', 'postgrey', '-', stdin=real.dump(name))
        after = self.triplets()
        self.assertEqual(len(after) - len(before), 9)
        good = after['192.0.2.0/24', 'joe@example.com', 'b@example.jp']
        self.assertEqual(good['state'], 'passed')
        self.assertEqual(after['198.51.100.0/24', '<>', 'c@example.jp']['state'],
                         'waiting')
        self.assertIn(('2001:db8::/64', 'six@example.com', 'c@example.jp'), after)
        self.assertIn(('198.51.100.0/24', 'a/b@example.com', 'd@example.jp'), after)
        record = self.ask('show', '203.0.113.77')['clients']['rows'][0]
        self.assertGreaterEqual(record['successes'], 5)
        self.assertIsNotNone(record['known_until'])
        # and the policy goes by it
        answer = self.ask('explain', '--ip', '192.0.2.21', '--from', 'joe@example.com',
                          '--to', 'b@example.jp')
        self.assertEqual(answer['outcome']['why'], 'tries')
        answer = self.ask('explain', '--ip', '203.0.113.77', '--from', 'new@example.com',
                          '--to', 'x@example.jp')
        self.assertEqual(answer['outcome']['why'], 'known-address')
        # once more changes nothing
        self.ask('import', 'postgrey', '-', stdin=real.dump('postgrey.db'))
        self.assertEqual(self.triplets(), after)

    def test_sqlgrey(self):
        path = os.path.join(self.dir, 'sqlgrey.db')
        base = sqlite3.connect(path)
        # the tables as sqlgrey 1.8 makes them
        base.executescript('''
            CREATE TABLE connect (sender_name varchar(64) NOT NULL,
              sender_domain varchar(255) NOT NULL, src varchar(39) NOT NULL,
              rcpt varchar(255) NOT NULL, first_seen timestamp NOT NULL);
            CREATE TABLE from_awl (sender_name varchar(64) NOT NULL,
              sender_domain varchar(255) NOT NULL, src varchar(39) NOT NULL,
              first_seen timestamp NOT NULL, last_seen timestamp NOT NULL,
              PRIMARY KEY (src, sender_domain, sender_name));
            CREATE TABLE domain_awl (sender_domain varchar(255) NOT NULL,
              src varchar(39) NOT NULL, first_seen timestamp NOT NULL,
              last_seen timestamp NOT NULL, PRIMARY KEY (src, sender_domain));''')
        base.execute('INSERT INTO connect VALUES (?,?,?,?,?)',
                     ("o'brien", 'example.com', '192.0.2', 'b@example.jp',
                      '2026-01-03 10:00:00'))
        base.execute('INSERT INTO from_awl VALUES (?,?,?,?,?)',
                     ('joe', 'example.com', '203.0.113.50', '2026-01-01 10:00:00',
                      '2026-01-02 10:00:00'))
        base.execute('INSERT INTO domain_awl VALUES (?,?,?,?)',
                     ('example.org', '203.0.113.51', '2026-01-01 10:00:00',
                      '2026-01-02 10:00:00'))
        base.commit()
        dump = '\n'.join(base.iterdump()).encode()
        base.close()
        found = self.ask('import', 'sqlgrey', '-', stdin=dump)['import']
        self.assertEqual((found['triplets'], found['addresses'], found['known'],
                          found['skipped']), (1, 2, 1, 0), found)
        self.assertIn(('192.0.2.0/24', "o'brien@example.com", 'b@example.jp'),
                      self.triplets())
        answer = self.ask('explain', '--ip', '203.0.113.51')
        self.assertEqual(answer['outcome']['why'], 'known-address')

    def seen(self, dump, zone='UTC'):
        self.ask('import', 'sqlgrey', '-', stdin=dump.encode(), env={'TZ': zone})
        return {key[1]: row['first'] for key, row in self.triplets().items()}

    # As pg_dump --inserts, mysqldump and MariaDB's mariadb-dump write them.
    PG_DUMP = """\
SET statement_timeout = 0;
INSERT INTO public.connect VALUES ('pg', 'example.com', '192.0.2', 'b@example.jp', '2026-01-03 10:00:00.123456');
INSERT INTO public.connect VALUES ('pgz', 'example.com', '192.0.2', 'b@example.jp', '2026-01-03 10:00:00.5+09');
"""
    MYSQLDUMP = """\
/*!40103 SET TIME_ZONE='+00:00' */;
INSERT INTO `connect` VALUES ('my','example.com','192.0.2','b@example.jp','2026-01-03 10:00:00'),('my2','example.com','192.0.2','b@example.jp','2026-01-03 11:00:00');
INSERT INTO `connect` VALUES
('maria','example.com','192.0.2','b@example.jp','2026-01-03 12:00:00'),
('maria2','example.com','192.0.2','b@example.jp','2026-01-03 13:00:00');
INSERT INTO `config` VALUES
('version','3');
"""

    def test_times_of_postgresql_have_fractions_and_are_local(self):
        seen = self.seen(self.PG_DUMP, 'Europe/Berlin')
        self.assertEqual(seen['pg@example.com'], '2026-01-03T09:00:00Z')
        self.assertEqual(seen['pgz@example.com'], '2026-01-03T01:00:00Z')

    def test_times_of_mysqldump_are_utc_as_it_says(self):
        seen = self.seen(self.MYSQLDUMP, 'Asia/Tokyo')
        self.assertEqual([seen[name + '@example.com'] for name in
                          ('my', 'my2', 'maria', 'maria2')],
                         ['2026-01-03T%d:00:00Z' % hour for hour in (10, 11, 12, 13)])

    def test_a_dump_with_copy_is_refused_with_the_right_command(self):
        dump = b"COPY public.connect (sender_name, src) FROM stdin;\nx\t192.0.2\n\\.\n"
        code, out, err = self.ctl('import', 'sqlgrey', '-', stdin=dump)
        self.assertEqual((code, out), (1, ''))
        self.assertIn('pg_dump --inserts', err)

    def test_the_whitelists_that_postgrey_ships_are_understood(self):
        for name, option in (('whitelist_clients', []),
                             ('whitelist_recipients', ['--recipients'])):
            path = os.path.join('/etc/postgrey', name)
            if not os.path.exists(path):
                self.skipTest(f'SKIPPED: {path} is not here')
            code, out, err = self.ctl('import', 'whitelist', path, *option)
            self.assertEqual(code, 0, out + err)


if __name__ == '__main__':
    ctl.main()
