# SPDX-License-Identifier: BSD-2-Clause
"""A PostgreSQL server of the test's own: see tests/support/postgres."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

SCRIPT = str(pathlib.Path(__file__).with_name("postgres"))


class PgServer:
    """with PgServer() as server: ... server.url("name")"""

    def __init__(self, *settings):
        self.folder = tempfile.mkdtemp(prefix="targrey-pg-")
        self.settings = settings
        self.databases = 0

    def run(self, command, *more):
        subprocess.run([SCRIPT, command, self.folder, *more], check=True,
                       stdin=subprocess.DEVNULL)

    def start(self):
        self.run("start", "", *self.settings)
        return self

    def url(self):
        """That of a new database."""
        self.databases += 1
        name = "t%d" % self.databases
        self.ask("CREATE DATABASE %s TEMPLATE template0" % name, "postgres")
        return "postgresql:///%s?host=%s&user=postgres" % (name, self.folder)

    def ask(self, sql, database="t1"):
        """The lines that psql answers with."""
        return subprocess.run(
            ["psql", "-h", self.folder, "-U", "postgres", "-d", database, "-Atqc",
             sql], check=True, capture_output=True, text=True,
            stdin=subprocess.DEVNULL).stdout.splitlines()

    def signal(self, number):
        """To the server and all of its children."""
        parent = subprocess.run([SCRIPT, "pid", self.folder], check=True,
                                capture_output=True, text=True).stdout.strip()
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", parent],
                                  capture_output=True, text=True).stdout.split()
        for pid in [parent, *children]:
            try:
                os.kill(int(pid), number)
            except ProcessLookupError:
                pass

    def close(self):
        try:
            self.signal(signal.SIGCONT)
            self.run("kill")
        except subprocess.CalledProcessError:
            pass  # it did not run
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()
