# SPDX-License-Identifier: BSD-2-Clause
"""
What every command says of a record on PostgreSQL is what it says of the same record
in SQLite: the cases and the JSON of test_golden.py, once all of it was carried over
to a real server.
"""
import os
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


for attribute in dir(Shared):
    if attribute.startswith('test_') and not attribute.endswith('_json'):
        setattr(Shared, attribute, None)

if __name__ == '__main__':
    ctl.main()
