# SPDX-License-Identifier: BSD-2-Clause
"""The Debian packages as they are built: what is in them, that two builds are the
same bytes, and that the programs are hardened. Nothing is installed.
"""
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
EPOCH = "1764417600"


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=900, check=False, **more)
    if done.returncode != 0:
        raise AssertionError("%s: %d\n%s" % (command, done.returncode, done.stdout[-3000:]))
    return done.stdout


def build(folder):
    """Packages of this tree, built in folder; {package: path}"""
    run("cmake", "--preset", "release", "-B", folder, "-DTARGREY_TESTS=OFF", cwd=TOP)
    run("cmake", "--build", folder, "--target", "package", "-j", "2", cwd=TOP,
        env=dict(os.environ, SOURCE_DATE_EPOCH=EPOCH))
    return {path.name.split("_")[0]: path for path in folder.glob("*.deb")}


class Build(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Two builds are much for a /tmp in memory.
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="targrey-build-", dir="/var/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.root, ignore_errors=True)
        cls.packages = build(cls.root / "one")
        cls.tree = cls.root / "unpacked"
        for path in cls.packages.values():
            run("dpkg-deb", "-x", path, cls.tree)

    def names(self, package):
        return [line.split()[5].lstrip(".") for line in
                run("dpkg-deb", "-c", self.packages[package]).splitlines()]

    def test_there_is_a_package_for_each_use(self):
        wanted = {"targrey", "targrey-spamassassin"}
        if (self.root / "one/bin/targrey-review").exists():
            wanted.add("targrey-review")
        self.assertEqual(wanted, set(self.packages))

    def test_everything_is_at_its_place(self):
        names = self.names("targrey")
        for name in ("/usr/sbin/targreyd", "/usr/sbin/targreyctl", "/usr/sbin/targrey-setup",
                     "/usr/lib/systemd/system/targrey.service", "/usr/lib/sysusers.d/targrey.conf",
                     "/usr/lib/tmpfiles.d/targrey.conf", "/etc/targrey/targrey.conf",
                     "/usr/share/targrey/conf/allow.d/big-senders", "/usr/share/targrey/conf/s25r.rules",
                     "/usr/share/targrey/conf/procmail/targrey.rc", "/usr/share/targrey/conf/sieve/targrey.sieve",
                     "/usr/share/targrey/conf/maildrop/targrey.filter", "/usr/share/doc/targrey/README.Debian",
                     "/usr/share/doc/targrey/NEWS.Debian.gz", "/usr/share/doc/targrey/copyright",
                     "/usr/share/doc/targrey/docs/install.md", "/usr/share/man/man8/targreyd.8.gz",
                     "/usr/share/man/man5/targrey.conf.5.gz",
                     "/usr/share/man/man7/targrey-headers.7.gz"):
            self.assertIn(name, names)
        # What the package must not own: it would be taken back at each upgrade.
        for name in ("/etc/targrey/s25r.rules", "/etc/targrey/allow.d/big-senders"):
            self.assertNotIn(name, names)
        self.assertEqual([], [name for name in names if name.startswith(("/usr/local", "/var", "/run"))])
        names = self.names("targrey-spamassassin")
        for name in ("/etc/spamassassin/70_targrey.cf", "/etc/spamassassin/targrey.pre",
                     "/usr/share/perl5/Mail/SpamAssassin/Plugin/TaRgrey.pm",
                     "/usr/share/doc/targrey-spamassassin/examples/amavis/60-targrey"):
            self.assertIn(name, names)

    def test_each_library_is_of_a_package_that_it_depends_on(self):
        for package, names in (("targrey", ("usr/sbin/targreyd", "usr/sbin/targreyctl")),
                               ("targrey-review", ("usr/bin/targrey-review",))):
            if package not in self.packages:
                continue
            depends = re.findall(r"(?:^|[,|] *)([a-z0-9.+-]+)", run("dpkg-deb", "-f", self.packages[package], "Depends"))
            needed = {library for name in names for library in
                      re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-dW", self.tree / name))}
            self.assertGreater(len(needed), 3)
            found = run("dpkg", "-S", *("*/" + library for library in needed)).splitlines()
            for library in needed:
                owners = {line.split(":")[0] for line in found if line.endswith("/" + library)}
                self.assertTrue(owners & set(depends), (library, owners, depends))

    def test_a_resolver_and_spamassassin_are_suggested(self):
        suggests = run("dpkg-deb", "-f", self.packages["targrey"], "Suggests")
        self.assertEqual({"unbound", "knot-resolver", "bind9", "spamassassin", "targrey-spamassassin"},
                         set(re.split(r"[,|\s]+", suggests.strip())))
        self.assertIn("iproute2", run("dpkg-deb", "-f", self.packages["targrey"], "Recommends"))

    def test_each_shipped_list_is_linked_by_the_version_that_brings_it(self):
        postinst = (TOP / "packaging/debian/targrey/postinst").read_text()
        rows = re.findall(r"(?m)^\t\d\S* (\S+)$", postinst)
        shipped = self.tree / "usr/share/targrey/conf"
        self.assertEqual(sorted(["s25r.rules", *("allow.d/" + path.name for path in (shipped / "allow.d").iterdir())]),
                         sorted(rows))

    def test_every_file_below_etc_is_a_conffile(self):
        for package, path in self.packages.items():
            control = self.root / ("control-" + package)
            run("dpkg-deb", "-e", path, control)
            listed = (control / "conffiles").read_text().split() if (control / "conffiles").exists() else []
            there = [name for name in self.names(package)
                     if name.startswith("/etc/") and not name.endswith("/")]
            self.assertEqual(sorted(there), sorted(listed), package)

    def test_a_new_installation_watches(self):
        text = (self.tree / "etc/targrey/targrey.conf").read_text()
        self.assertEqual(['mode = "observe"'], [line for line in text.splitlines()
                                                if line.strip() and not line.lstrip().startswith("#")
                                                and "{" not in line and "}" not in line])

    def test_no_maintainer_script_touches_postfix(self):
        for package, path in self.packages.items():
            control = self.root / ("scripts-" + package)
            run("dpkg-deb", "-e", path, control)
            for script in ("postinst", "prerm", "postrm", "config"):
                if (control / script).exists():
                    text = (control / script).read_text()
                    self.assertNotRegex(text, r"(?m)postconf +-[eXMPF#]|^\s*postfix +\w|> *\S*main\.cf")
                    run("sh", "-n", control / script)

    def test_the_changelog_is_of_this_version(self):
        version = re.search(r"VERSION (\d[\d.]*)", (TOP / "CMakeLists.txt").read_text().split("project(")[1]).group(1)
        with gzip.open(self.tree / "usr/share/doc/targrey/changelog.Debian.gz", "rt") as file:
            self.assertTrue(file.readline().startswith("targrey (%s-1)" % version))
        self.assertIn("\n## %s" % version, (TOP / "CHANGES.md").read_text())

    def test_lintian_finds_no_error_and_no_warning(self):
        done = subprocess.run(["lintian", "--fail-on", "error,warning", *map(str, self.packages.values())],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False)
        self.assertEqual(0, done.returncode, done.stdout)

    def test_two_builds_in_two_folders_are_the_same_bytes(self):
        again = build(self.root / "another")
        self.assertEqual(set(self.packages), set(again))
        for package, path in self.packages.items():
            self.assertEqual(path.read_bytes(), again[package].read_bytes(), package)

    def test_the_programs_are_hardened(self):
        for name in ("usr/sbin/targreyd", "usr/sbin/targreyctl", "usr/bin/targrey-review"):
            if name.endswith("review") and "targrey-review" not in self.packages:
                continue
            path = self.tree / name
            header = run("readelf", "-hW", path)
            self.assertRegex(header, r"Type:\s+DYN", name)
            program = run("readelf", "-lW", path)
            self.assertRegex(program, r"GNU_STACK.* RW  ", name)
            self.assertIn("GNU_RELRO", program)
            dynamic = run("readelf", "-dW", path)
            self.assertRegex(dynamic, r"FLAGS.*NOW")
            self.assertNotRegex(dynamic, r"R(UN)?PATH")
            symbols = run("readelf", "-W", "--dyn-syms", path)
            self.assertIn("__stack_chk_fail", symbols)
            self.assertRegex(symbols, r"__(snprintf|vsnprintf|fprintf|memcpy|read)_chk")

    def test_libpq_is_there_but_not_loaded_at_each_start(self):
        for package, name in (("targrey", "usr/sbin/targreyd"), ("targrey", "usr/sbin/targreyctl"),
                              ("targrey-review", "usr/bin/targrey-review")):
            if package not in self.packages or b"WITH_PGSQL:BOOL=ON" not in (
                    self.root / "one/CMakeCache.txt").read_bytes():
                continue
            self.assertNotIn("libpq", run("readelf", "-dW", self.tree / name))
            self.assertRegex(run("dpkg-deb", "-f", self.packages[package], "Depends"), r"libpq5 \(>= 14")

    def test_the_version_names_the_commit(self):
        said = run(self.tree / "usr/sbin/targreyd", "--version").strip()
        if not (TOP / ".git").exists():
            self.skipTest("not a git checkout")
        head = run("git", "-C", TOP, "rev-parse", "--short=12", "HEAD").strip()
        self.assertRegex(said, r"^targreyd \d+\.\d+\.\d+ \(%s\+?\)$" % head)
        self.assertEqual(said.replace("targreyd", "targreyctl"),
                         run(self.tree / "usr/sbin/targreyctl", "--version").strip())

    def test_an_installation_from_source_leaves_etc_alone(self):
        target = self.root / "installed"
        run("cmake", "--install", self.root / "one", "--prefix", "/usr/local",
            env=dict(os.environ, DESTDIR=str(target)))
        self.assertEqual(["usr"], os.listdir(target))
        self.assertIn("ExecStart=/usr/local/sbin/targreyd\n",
                      (target / "usr/local/lib/systemd/system/targrey.service").read_text())
        self.assertTrue((target / "usr/local/share/targrey/conf/procmail/targrey.rc").exists())
        self.assertTrue((target / "usr/local/share/targrey/rules/70_targrey.cf").exists())


if __name__ == "__main__":
    unittest.main()
