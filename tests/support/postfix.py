# SPDX-License-Identifier: BSD-2-Clause
"""A private Postfix: own configuration, queue, data and ports.

It reads nothing of /etc/postfix and leaves a Postfix that the host runs alone.
All local mail lands in one Maildir; Delivered-To tells the recipients apart.
Recipients at the local domain exist, save those that begin with "unknown".
"""
import email
import email.policy
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess

from . import ports
from .wait import until

DOMAIN = "example.jp"
MILTER = "{ unix:targrey/targrey.sock, default_action=accept }"

MAIN_CF = """\
compatibility_level = 3.6
config_directory = {etc}
queue_directory = {queue}
data_directory = {data}
maillog_file = {log}
maillog_file_prefixes = {root}
mail_owner = postfix
setgid_group = postdrop
multi_instance_name = postfix-test
myhostname = mx.{domain}
mydomain = {domain}
mydestination =
mynetworks = 192.0.2.255/32
inet_interfaces = 127.0.0.1
inet_protocols = all
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtp_host_lookup = native
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = regexp:{etc}/people
virtual_mailbox_base = {mail}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_relay_restrictions = reject_unauth_destination
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_milters = {milters}
"""

# service type private unpriv chroot wakeup maxproc command, as Debian ships it.
MASTER_CF = """\
pickup    unix  n - y 60 1 pickup
cleanup   unix  n - y - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - y - - trivial-rewrite
bounce    unix  - - y - 0 bounce
defer     unix  - - y - 0 bounce
tlsmgr    unix  - - y 1000? 1 tlsmgr
trace     unix  - - y - 0 bounce
verify    unix  - - y - 1 verify
flush     unix  n - y 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - y - - smtp
relay     unix  - - y - - smtp
showq     unix  n - y - - showq
error     unix  - - y - - error
retry     unix  - - y - - error
discard   unix  - - y - - discard
local     unix  - n n - - local
virtual   unix  - n n - - virtual
anvil     unix  - - y - 1 anvil
scache    unix  - - y - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""

PEOPLE = """\
if !/^unknown/
/./ all/
endif
"""


class Service:
    """One smtpd of the instance; options are main.cf lines of its own."""

    def __init__(self, options=None, processes="-"):
        self.port = ports.book()
        self.options = dict(options or {})
        self.processes = processes

    def line(self):
        extra = "".join(
            " -o { %s = %s }" % item for item in self.options.items()
        )
        return "127.0.0.1:%d inet n - y - %s smtpd%s\n" % (
            self.port, self.processes, extra)


class Postfix:
    """start(), then stop(). root is a directory of the caller's, made 0755.

    settings   more lines for main.cf, as a dict
    services   {name: Service}; "smtp" is always there
    """

    def __init__(self, root, settings=None, services=None, milters=MILTER):
        self.root = pathlib.Path(root)
        self.etc = self.root / "etc"
        self.queue = self.root / "queue"
        self.mail = self.root / "mail"
        self.log_file = self.root / "maillog"
        self.services = dict(services or {})
        self.services.setdefault("smtp", Service())
        self.settings = dict(settings or {})
        self.milters = milters
        self._process, self._starts = None, 0
        self._write()

    def _write(self):
        nobody = pwd.getpwnam("nobody")
        postfix = pwd.getpwnam("postfix")
        self.root.chmod(0o755)
        for folder in (self.etc, self.queue, self.mail, self.root / "data"):
            folder.mkdir(mode=0o755, exist_ok=True)
        os.chown(self.mail, nobody.pw_uid, nobody.pw_gid)
        os.chown(self.root / "data", postfix.pw_uid, postfix.pw_gid)
        main = MAIN_CF.format(
            root=self.root, etc=self.etc, queue=self.queue, mail=self.mail,
            data=self.root / "data", log=self.log_file, domain=DOMAIN,
            uid=nobody.pw_uid, gid=nobody.pw_gid, milters=self.milters)
        # Postfix takes the last line of a name; it warns, so replace it here.
        for name, value in self.settings.items():
            main = re.sub(r"(?m)^%s = .*\n" % re.escape(name), "", main)
            main += "%s = %s\n" % (name, value)
        (self.etc / "main.cf").write_text(main)
        (self.etc / "people").write_text(PEOPLE)
        for name in ("dynamicmaps.cf", "postfix-files"):
            source = pathlib.Path("/etc/postfix") / name
            if source.exists():
                shutil.copy(source, self.etc / name)
        self._write_services()

    def _write_services(self):
        lines = [service.line() for service in self.services.values()]
        (self.etc / "master.cf").write_text(MASTER_CF + "".join(lines))
        # Postfix reads a file that is younger than a second again and again.
        for path in self.etc.iterdir():
            os.utime(path, (0, 0))

    def sendmail(self, sender, to, text):
        """What a program of this host hands in."""
        subprocess.run(["/usr/sbin/sendmail", "-C", str(self.etc), "-f", sender, to],
                       input=text, text=True, check=True, timeout=60)

    def port(self, service="smtp"):
        return self.services[service].port

    def _postfix(self, *command):
        return [shutil.which("postfix", path="/usr/sbin:/usr/bin") or "postfix",
                "-c", str(self.etc), *command]

    def start(self):
        self._starts = self.log().count("daemon started")
        with open(self.root / "postfix.out", "ab") as out:
            self._process = subprocess.Popen(
                self._postfix("start-fg"), stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, start_new_session=True)
        until(self._is_up, "Postfix to start (see %s)" % self.root)

    def _is_up(self):
        if self._process.poll() is not None:
            raise AssertionError("Postfix did not start:\n" + self.output()
                                 + self.log())
        return self.log().count("daemon started") > self._starts

    def master_pid(self):
        return int((self.queue / "pid" / "master.pid").read_text())

    def stop(self):
        """Ends the master and what it started, by its pid."""
        if self._process is None:
            return
        if self._process.poll() is None:
            try:
                os.kill(self.master_pid(), signal.SIGTERM)
            except (OSError, ValueError):
                self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._process = None

    def reload(self):
        subprocess.run(self._postfix("reload"), check=True, capture_output=True)

    def close(self):
        self.stop()
        for service in self.services.values():
            ports.give_back(service.port)

    def output(self):
        path = self.root / "postfix.out"
        return path.read_text(errors="replace") if path.exists() else ""

    def log(self):
        if not self.log_file.exists():
            return ""
        return self.log_file.read_text(errors="replace")

    def wait_log(self, pattern, count=1):
        """Waits until the log has count lines that match; returns them."""
        def seen():
            lines = [line for line in self.log().splitlines()
                     if re.search(pattern, line)]
            return lines if len(lines) >= count else None
        return until(seen, "%d of /%s/ in the mail log" % (count, pattern))

    def smtpd_pids(self):
        """Process ids of the smtpds that run now."""
        found = []
        children = pathlib.Path("/proc/%d/task/%d/children" % (
            (self.master_pid(),) * 2)).read_text().split()
        for pid in children:
            try:
                if pathlib.Path("/proc/%s/comm" % pid).read_text() == "smtpd\n":
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def queued(self):
        """Files in the queues from which mail still goes out."""
        count = 0
        for name in ("maildrop", "incoming", "active"):
            for _, _, files in os.walk(self.queue / name):
                count += len(files)
        return count

    def settle(self):
        """Waits until everything accepted has been delivered or deferred."""
        until(lambda: self.queued() == 0, "the queue to empty")

    def delivered(self, to=None):
        """Messages delivered so far, oldest first, as Mail."""
        found = []
        for path in (self.mail / "all" / "new").glob("*"):
            mail = Mail(path)
            if to is None or mail.to == to.lower():
                found.append(mail)
        return sorted(found, key=lambda mail: mail.when)

    def wait_mail(self, to, count=1):
        """Waits for count messages to this recipient; returns the last."""
        def arrived():
            found = self.delivered(to)
            return found if len(found) >= count else None
        return until(arrived, "%d message(s) to %s" % (count, to))[-1]


class Mail:
    """A delivered message: raw bytes, the email object, and who got it."""

    def __init__(self, path):
        self.path = path
        self.when = path.stat().st_mtime_ns
        self.raw = path.read_bytes()
        self.message = email.message_from_bytes(
            self.raw, policy=email.policy.compat32)
        self.to = (self.message["Delivered-To"] or "").lower()

    def header_lines(self):
        """(name, value) of every header from the top, unfolded, in order."""
        head = self.raw.replace(b"\r\n", b"\n").split(b"\n\n", 1)[0]
        lines = re.sub(rb"\n(?=[ \t])", b"", head).split(b"\n")
        pairs = []
        for line in lines:
            name, _, value = line.partition(b":")
            pairs.append((name.decode("latin-1"),
                          value.decode("latin-1").strip()))
        return pairs

    def all(self, name):
        return [value for key, value in self.header_lines()
                if key.strip().lower() == name.lower()]

    def position(self, name):
        """Index of the first header of that name, from the top; -1 if none."""
        for index, (key, _) in enumerate(self.header_lines()):
            if key.lower() == name.lower():
                return index
        return -1
