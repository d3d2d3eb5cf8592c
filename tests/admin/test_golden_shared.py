# SPDX-License-Identifier: BSD-2-Clause
"""
What every command says of a record on PostgreSQL is what it says of the same record
in SQLite: the cases and the JSON of test_golden.py, once all of it was carried over
to a real server.
"""
import json
import os
import sqlite3
import sys
import unittest

import ctl
import test_golden

sys.path.insert(0, os.path.join(ctl.SOURCE, 'tests'))
from support.pgserver import PgServer  # noqa: E402

# They change what is on record, so each has a database of its own.
WRITING = {'allow_address', 'allow_for', 'unallow', 'forget_net', 'forget_one',
           'forget_sender', 'expire', 'import_whitelist', 'learn_log'}


class Shared(test_golden.Golden):
    server = None  # one for all

    def setUp(self):
        super().setUp()
        if Shared.server is None:
            Shared.server = PgServer('fsync=off').start()
            unittest.addModuleCleanup(self.server.close)
            code, out, err = ctl.run('migrate', f'sqlite:{self.db}', self.server.url())
            self.assertEqual(code, 0, out + err)

    def compare(self, name, kind, code, out, err):
        # each backend counts the versions of its tables by itself
        out = out.replace('"schema": 4,', '"schema": 5,')
        super().compare(name, kind, code, out, err)

    def use_server(self, name):
        database = 't1'
        if name in WRITING:
            database = name
            self.server.ask(f'CREATE DATABASE {name} TEMPLATE t1', 'postgres')
        with open(self.conf) as file:
            text = file.read()
        url = f'postgresql:///{database}?host={self.server.folder}&user=postgres'
        with open(self.conf, 'w') as file:
            file.write(text.replace(f'sqlite:{self.db}', url))
        os.remove(self.db)

    def check_json(self, name):
        self.use_server(name)
        super().check_json(name)

    def test_backup_json(self):
        self.use_server('backup')
        code, out, err = self.ctl('backup', f'{self.dir}/copy.db')
        self.assertEqual((code, out), (1, ''))
        self.assertIn('pg_dump', err)
        self.assertFalse(os.path.exists(f'{self.dir}/copy.db'))

    def migrate(self, source, target):
        code, out, err = ctl.run('migrate', source, target, '--json')
        rows = {row['what']: row for row in json.loads(out)['migrate']['rows']}
        self.assertEqual(err, '')
        return code, rows

    def test_migrate_says_what_was_carried_over_and_what_is_not_equal_json(self):
        url = self.server.url()
        database = url.split('///')[1].split('?')[0]
        base = sqlite3.connect(self.db)
        events = base.execute('SELECT count(*) FROM event').fetchone()[0]
        base.close()
        for written in (events, 0):
            code, rows = self.migrate(f'sqlite:{self.db}', url)
            self.assertEqual((code, {row['equal'] for row in rows.values()}),
                             (0, {'yes'}))
            told = rows['events']
            self.assertEqual((told['source'], told['written'], told['target']),
                             (events, written, events))
        code, rows = self.migrate(url, f'sqlite:{self.dir}/back.db')
        self.assertEqual((code, rows['events']['target']), (0, events))
        self.server.ask('DELETE FROM event WHERE event_id = (SELECT max(event_id)'
                        ' FROM event)', database)
        code, rows = self.migrate(f'sqlite:{self.db}', url)
        self.assertEqual((code, [what for what in rows if rows[what]['equal'] != 'yes']),
                         (1, ['events']))


for attribute in dir(Shared):
    if attribute.startswith('test_') and not attribute.endswith('_json'):
        setattr(Shared, attribute, None)

if __name__ == '__main__':
    ctl.main()
