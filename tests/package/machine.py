# SPDX-License-Identifier: BSD-2-Clause
"""A bare Debian 12 that boots systemd as process 1 in namespaces of its own.

systemd-nspawn gives it its own processes, mounts, network (loopback alone) and
cgroup, and a read-only /proc/sys: it cannot change the host. What is to be
installed in it is downloaded before, in a chroot.
"""
import os
import pathlib
import shutil
import subprocess
import time

BASE = "systemd,systemd-sysv,dbus,iproute2"
# What the tests install later, without a network.
LATER = ["postfix", "adduser", "debconf", "spamassassin", "spamc", "spamd", "perl", "procmail"]
# As Debian's installer writes it: spamc goes to localhost, which is ::1 first.
NAME = "mx"
HOSTS = ("127.0.0.1 localhost\n127.0.1.1 mx.example.jp mx\n"
         "::1 localhost ip6-localhost ip6-loopback\n")
PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root", "TERM": "dumb"}
QUIET = ["-o", "Dpkg::Use-Pty=0", "-q", "-y", "--no-install-recommends"]


def mirror():
    """The one that this host takes Debian's packages from."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages",
         "Codename: bookworm", "Component: main"], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.split()[0]


def base(cache):
    """The folder with the bare system, made once; what is new in LATER is fetched."""
    cache = pathlib.Path(cache)
    root, complete = cache / "root", cache / "complete"
    if complete.exists() and complete.read_text() == " ".join(LATER):
        return root
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "log", "ab") as log:
        def run(*command):
            subprocess.run(command, check=True, stdout=log, stderr=log, env=dict(os.environ, **PATH))
        if not complete.exists():
            print("making a bare Debian 12 in %s (some minutes, once) ..." % root, flush=True)
            shutil.rmtree(root, ignore_errors=True)
            run("debootstrap", "--variant=minbase", "--include=" + BASE, "bookworm", root, mirror())
            # A package that is fetched stays, for the next machine.
            (root / "etc/apt/apt.conf.d/50keep").write_text(
                'APT::Keep-Downloaded-Packages "true";\nAPT::Get::List-Cleanup "false";\n')
            (root / "etc/hostname").write_text(NAME + "\n")
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        for command in (["update"], ["install", "--download-only", *QUIET, *LATER]):
            run("chroot", root, "apt-get", *command)
    (root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
    complete.write_text(" ".join(LATER))
    return root


def fetch(root, packages):
    """Downloads what these packages (paths inside root) need and base() does not know."""
    resolv = root / "etc/resolv.conf"
    before = resolv.read_text()
    shutil.copy("/etc/resolv.conf", resolv)
    try:
        subprocess.run(["chroot", str(root), "apt-get", "install", "--download-only", *QUIET, *packages],
                       check=True, stdout=subprocess.DEVNULL, env=dict(os.environ, **PATH))
    finally:
        resolv.write_text(before)


class Machine:
    def __init__(self, root, name):
        self.root, self.name = pathlib.Path(root), name
        self._nspawn = self._leader = None

    def boot(self):
        (self.root / "etc/hosts").write_text(HOSTS)
        self._nspawn = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network",
             "--machine=" + self.name, "--hostname=" + NAME, "--resolv-conf=off",
             "--timezone=off", "--link-journal=no", "--boot", "-D", str(self.root)],
            stdin=subprocess.DEVNULL, stdout=open(self.root.parent / (self.name + ".console"), "ab"),
            stderr=subprocess.STDOUT)
        self._until(self._find_leader, "process 1")
        self._until(lambda: self.run("systemctl is-system-running", check=False).stdout.strip()
                    in ("running", "degraded"), "systemd to have started everything")

    def _until(self, what, name):
        end = time.monotonic() + 180
        while time.monotonic() < end:
            if self._nspawn.poll() is not None:
                raise AssertionError("the machine ended; see its .console")
            if what():
                return
            time.sleep(0.2)
        raise AssertionError("waited in vain for " + name)

    def _find_leader(self):
        path = pathlib.Path("/proc/%d/task/%d/children" % (self._nspawn.pid, self._nspawn.pid))
        for pid in path.read_text().split():
            try:
                exe = pathlib.Path("/proc/%s/comm" % pid).read_text().strip()
            except OSError:
                continue  # it has ended meanwhile
            if exe == "systemd":
                self._leader = pid
                return True
        return False

    def inside(self, network_only=False):
        """The words that run a command in the machine."""
        spaces = ["-n"] if network_only else ["-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"]
        return ["nsenter", "-t", self._leader, *spaces, "--"]

    def run(self, script, check=True):
        done = subprocess.run([*self.inside(), "/bin/sh", "-c", script], env=PATH,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=400, check=False)
        if check and done.returncode != 0:
            raise AssertionError("%s: %d\n%s" % (script, done.returncode, done.stdout[-4000:]))
        return done

    def out(self, script):
        return self.run(script).stdout.strip()

    def stop(self):
        if self._nspawn is None:
            return
        if self._leader:
            self.run("systemctl poweroff", check=False)
        try:
            self._nspawn.wait(60)
        except subprocess.TimeoutExpired:
            self._nspawn.terminate()
            self._nspawn.wait(60)
        self._nspawn = self._leader = None
