# SPDX-License-Identifier: BSD-2-Clause
"""Private instances of what stands between Postfix and the mailbox: amavisd-new,
spamd, SpamPD and two milters. Each start() returns when it listens."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess

from support import ports
from support.wait import until

TOP = pathlib.Path(__file__).resolve().parent.parent.parent

# docs/spamassassin.md, "Delivery": a sender's scores go when mail comes in.
HEADER_CHECKS = next(line.strip() for line in
                     (TOP / "docs/spamassassin.md").read_text().splitlines()
                     if line.startswith("    /^X-Spam-(Status|"))

# Stand-ins for Bayes and for what needs the network, as the rules know them by
# name; a header of the test mail makes them hit. Addresses of documents are
# nobody's; here they are clients.
SITE = """\
report_safe 0
use_bayes 0
score RCVD_ILLEGAL_IP 0
header URIBL_BLACK X-Test =~ /listed/
score URIBL_BLACK 1.7
header RAZOR2_CHECK X-Test =~ /listed/
score RAZOR2_CHECK 1.7
header BAYES_99 X-Test =~ /listed/
score BAYES_99 3.8
score TARGREY_LINE_BAYES 0.6
score TARGREY_LINE_URI 2.0
score TARGREY_LINE_HASH 1.5
header TEST_HEAVY X-Test =~ /heavy/
score TEST_HEAVY 10
"""
# Words in X-Test that add as many points, to reach any sum.
ADD = {"add%d" % number: 0.25 * 2 ** number for number in range(7)}
SITE += "".join("header TEST_%s X-Test =~ /\\b%s\\b/\nscore TEST_%s %g\n" % (
    word.upper(), word, word.upper(), points) for word, points in ADD.items())


def adding(points):
    """The words that add so many points, a multiple of 0.25 below 32."""
    quarters = round(points * 4)
    return " ".join("add%d" % number for number in range(7) if quarters >> number & 1)


def site(folder, plugin=False, more=""):
    """A site folder for SpamAssassin with our rules."""
    folder.mkdir(mode=0o755)
    for path in pathlib.Path("/etc/spamassassin").glob("*.pre"):
        shutil.copy(path, folder)
    for path in (TOP / "rules").glob("*.cf"):
        shutil.copy(path, folder)
    if plugin:
        shutil.copy(TOP / "sa-plugin" / "TaRgrey.pm", folder)
        (folder / "targrey.pre").write_text(
            "loadplugin Mail::SpamAssassin::Plugin::TaRgrey %s/TaRgrey.pm\n" % folder)
    (folder / "local.cf").write_text(SITE + more)
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


def listens(port):
    """Asked of the kernel: a probe that connects would be a session."""
    wanted = ":%04X" % port
    for name in ("tcp", "tcp6"):
        for line in pathlib.Path("/proc/net/" + name).read_text().splitlines()[1:]:
            words = line.split()
            if words[1].endswith(wanted) and words[3] == "0A":
                return True
    return False


def is_socket(path):
    """A unix socket that accepts; for servers that do not mind a probe."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
            return True
        except OSError:
            return False


class Server:
    """A process in the foreground, ended by its own id and group."""

    def __init__(self, root, name, user=None):
        self.root = pathlib.Path(root) / name
        self.root.mkdir(mode=0o755)
        self.log_file = self.root / "log"
        self.user = pwd.getpwnam(user) if user else None
        self._process = None

    def folder(self, name):
        path = self.root / name
        path.mkdir(mode=0o755)
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path

    def spawn(self, command, up, as_user=False):
        more = {}
        if as_user and self.user:
            more = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.root), "LC_ALL": "C.UTF-8"}
        with open(self.log_file, "ab") as log:
            self._process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=env, cwd=self.root, start_new_session=True, **more)

        def ready():
            if self._process.poll() is not None:
                raise AssertionError("%s ended:\n%s" % (command[0], self.log()))
            return up()
        until(ready, "%s to listen (see %s)" % (command[0], self.log_file))

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def close(self):
        if self._process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                break
            try:
                self._process.wait(10)
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.wait()
        self._process = None


AMAVIS = """\
use strict;
$max_servers = 2;
$daemon_user = 'amavis';
$daemon_group = 'amavis';
$mydomain = 'example.jp';
$myhostname = 'mx.example.jp';
$MYHOME = '%(home)s';
$TEMPBASE = '%(home)s/tmp';
$db_home = '%(home)s/db';
$helpers_home = '%(home)s';
$lock_file = '%(home)s/lock';
$pid_file = '%(home)s/pid';
$QUARANTINEDIR = '%(home)s/quarantine';
$do_syslog = 0;
$logfile = '%(home)s/log';
$log_level = 2;
$enable_db = 0;
$nanny_details_level = 0;
%(interface)s
@local_domains_maps = ( [ '.example.jp' ] );
@mynetworks = ( '127.0.0.2/32' );
$sa_siteconfigpath = '%(site)s';
$sa_local_tests_only = 1;
@bypass_virus_checks_maps = ( 1 );
@bypass_banned_checks_maps = ( 1 );
@bypass_header_checks_maps = ( 1 );
%(more)s
"""


class Amavis(Server):
    """amavisd-new with conf/amavis/60-targrey.

    forward  port for what it lets pass; None: it answers an amavisd-milter on
             the unix socket self.socket
    """

    def __init__(self, root, forward=None, plugin=False, more=""):
        super().__init__(root, "amavis", "amavis")
        self.port = ports.book() if forward else None
        self.home = self.folder("home")
        for name in ("tmp", "db", "quarantine"):
            path = self.home / name
            path.mkdir()
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        self.quarantine = self.home / "quarantine"
        self.socket = self.home / "amavis.sock"
        if forward:
            interface = ("$inet_socket_bind = '127.0.0.1';\n$inet_socket_port = %d;\n"
                         "@inet_acl = ( '127.0.0.1' );\n"
                         "$forward_method = $notify_method = 'smtp:[127.0.0.1]:%d';\n"
                         % (self.port, forward))
        else:
            interface = ("$unix_socketname = '%s';\n$inet_socket_port = undef;\n"
                         "$interface_policy{'SOCK'} = 'AM.PDP-SOCK';\n"
                         "$policy_bank{'AM.PDP-SOCK'} = { protocol => 'AM.PDP',\n"
                         "  auth_required_release => 0 };\n$forward_method = $notify_method = undef;\n"
                         % self.socket)
        ours = (TOP / "conf" / "amavis" / "60-targrey").read_text()
        self.conf = self.root / "amavisd.conf"
        self.conf.write_text(AMAVIS % {
            "home": self.home, "interface": interface,
            "site": site(self.root / "site", plugin), "more": ours.rsplit("1;  #", 1)[0]}
            + more + "\n1;\n")
        self.conf.chmod(0o644)

    def start(self):
        self.spawn(["/usr/sbin/amavisd", "-c", self.conf, "foreground"],
                   (lambda: listens(self.port)) if self.port else (lambda: is_socket(self.socket)))

    def restart(self, conf):
        Server.close(self)
        self.conf.write_text(conf)
        self.start()

    def log(self):
        path = self.home / "log"
        return super().log() + (path.read_text(errors="replace") if path.exists() else "")

    def close(self):
        super().close()
        if self.port:
            ports.give_back(self.port)


class Spamd(Server):
    def __init__(self, root, plugin=False, more=""):
        super().__init__(root, "spamd", "nobody")
        self.port = ports.book()
        self.home = self.folder("home")
        self.site = site(self.root / "site", plugin, more)

    def start(self):
        self.spawn(["/usr/sbin/spamd", "-L", "-x", "-m", "1", "--min-children=1",
                    "-i", "127.0.0.1", "-p", self.port, "--siteconfigpath=%s" % self.site,
                    "-s", "stderr", "-u", "nobody", "-H", self.home],
                   lambda: listens(self.port))

    def close(self):
        super().close()
        ports.give_back(self.port)
