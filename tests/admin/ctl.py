# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of targreyctl share: the programs, a database, a config."""
import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

CTL, MAKE_DB, SOURCE, BUILD = sys.argv[1:5]
NOW = '@1767484800'  # where the story of make_db.c ends

ENV = dict(os.environ, TZ='UTC', LC_ALL='C.UTF-8', COLUMNS='100')
ENV.pop('TARGREY_TEST_CLOCK', None)


def run(*line, stdin=b'', env=None, now=True):
    """(exit code, standard output, standard error) of one targreyctl."""
    line = [CTL] + list(line)
    if now:
        line += ['--now', NOW]
    done = subprocess.run(line, input=stdin, capture_output=True, timeout=120,
                          env=dict(ENV, **(env or {})))
    return (done.returncode, done.stdout.decode('utf-8', 'surrogateescape'),
            done.stderr.decode('utf-8', 'surrogateescape'))


class Scratch(unittest.TestCase):
    """A folder with the story's database and a configuration."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix='targrey-admin-')
        self.addCleanup(self.folder.cleanup)
        self.dir = self.folder.name
        self.db = os.path.join(self.dir, 'targrey.db')
        self.conf = os.path.join(self.dir, 'targrey.conf')
        with open(self.conf, 'w') as file:
            file.write(f'hostname = "mx.example.jp"\n'
                       f'listen = "unix:{self.dir}/mx.sock"\n'
                       # the secret is another in each run: so is who is varied
                       'tarpit { vary = 0 }\n'
                       f'suspects {{ s25r = "{SOURCE}/conf/s25r.rules" files = {{}} }}\n'
                       f'allow {{ files = {{}} }}\n'
                       f'store {{ url = "sqlite:{self.db}" }}\n')
        self.make()

    story = None  # made once, copied for each test

    def make(self, *more):
        if more:
            subprocess.run([MAKE_DB, self.db, *more], check=True, timeout=120)
            return
        if Scratch.story is None:
            folder = tempfile.TemporaryDirectory(prefix='targrey-admin-')
            atexit.register(folder.cleanup)
            Scratch.story = os.path.join(folder.name, 'story.db')
            subprocess.run([MAKE_DB, Scratch.story], check=True, timeout=120)
        shutil.copy(Scratch.story, self.db)

    def answer_for_the_daemon(self):
        """Serves what a real one said (e2e_status holds its keys)."""
        with open(os.path.join(SOURCE, 'tests/admin/status.txt'), 'rb') as file:
            text = file.read()
        asked = socket.socket(socket.AF_UNIX)
        asked.bind(os.path.join(self.dir, 'mx.sock.status'))
        asked.listen()

        def serve():
            while True:
                try:
                    reader = asked.accept()[0]
                except OSError:
                    return
                with reader:
                    reader.sendall(text)
        thread = threading.Thread(target=serve)
        thread.start()

        def end():
            asked.shutdown(socket.SHUT_RDWR)
            thread.join()
            asked.close()
        self.addCleanup(end)

    def ctl(self, *line, **more):
        return run(*line, '--config', self.conf, **more)


def main():
    sys.argv[1:5] = []
    unittest.main(argv=sys.argv[:1], verbosity=1)
