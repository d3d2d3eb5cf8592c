# SPDX-License-Identifier: BSD-2-Clause
"""A serve command that runs, and a client that is no browser."""
import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "review"))

from fixture import BIN, REVIEW, TOP, Scratch, mail, maildir  # noqa: E402,F401

PICTURES = pathlib.Path(os.environ["TARGREY_BUILD"]) / "tests" / "web" / "pictures"


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("proxy.example")
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.head = response.headers
        self.body = response.read().decode("utf-8", "surrogateescape")

    def csrf(self):
        return re.search(r'name="csrf" value="([0-9a-f]{32})"', self.body).group(1)


class Served:
    """with the start URL's token in hand, unless it serves a proxy."""

    def __init__(self, test, command, socket_path=None):
        self.errors = open(test.root / "serve.err", "wb")
        test.addCleanup(self.errors.close)
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                                        stderr=self.errors, stdin=subprocess.DEVNULL,
                                        env={**os.environ, "TZ": "UTC", "HOME": str(test.root)})
        test.addCleanup(self.stop)
        self.path = socket_path
        self.url = self.process.stdout.readline().decode().strip()
        if not self.url:
            raise AssertionError((test.root / "serve.err").read_text())
        split = urllib.parse.urlsplit(self.url)
        self.host = split.netloc
        self.token = split.query.partition("=")[2]
        self.error_file = test.root / "serve.err"
        self.cookie = "targrey_%s=%s" % (self.host.rpartition(":")[2], self.token)

    def ask(self, method, path, form=None, **fields):
        """One request; a field of None is left out."""
        client = Unix(self.path) if self.path else http.client.HTTPConnection(self.host, timeout=60)
        head = {"Cookie": self.cookie}
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form, doseq=True)
            head["Content-Type"] = "application/x-www-form-urlencoded"
        head.update({name.replace("_", "-"): value for name, value in fields.items()})
        client.request(method, path, body, {name: value for name, value in head.items() if value is not None})
        try:
            return Answer(client.getresponse())
        finally:
            client.close()

    def get(self, path, **fields):
        return self.ask("GET", path, **fields)

    def post(self, path, form, **fields):
        return self.ask("POST", path, form, **fields)

    def errors_said(self):
        return self.error_file.read_text()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()


class ReviewScratch(Scratch):
    def serve(self, *more, folder=None, listen="127.0.0.1:0", socket_path=None):
        return Served(self, [REVIEW, "serve", *([folder] if folder else []), "--state", self.state,
                             "--listen", listen, *self.options, *more], socket_path)
