#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""SpamAssassin takes the SPF results that we write, and asks DNS no more."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("TARGREY_BUILD", SOURCE / "build" / "dev"))
HOSTILE = '" identity=helo "@x.example'

MESSAGE = """%sReceived: from h.example.org (h.example.org [192.0.2.1])
\tby mx.example.jp (Postfix) with ESMTP id 4XyZ
\tfor <u@example.jp>; Sun, 22 Nov 2026 03:00:00 +0000 (UTC)
Received-SPF: fail (forged by the sender) identity=mailfrom
From: a@example.org
To: u@example.jp
Subject: test
Date: Sun, 22 Nov 2026 03:00:00 +0000
Message-ID: <1@example.org>

text
"""


def value(kind, result, identity, domain="example.org", helo="h.example.org",
          sender="a@example.org"):
    return subprocess.run(
        [str(BUILD / "bin" / "test_spf_headers"), "print", kind, result, identity,
         domain, "192.0.2.1", helo, sender, "mx.example.jp"],
        check=True, capture_output=True, text=True).stdout.strip()


def both(kind, mailfrom, helo, sender="a@example.org", heloname="h.example.org"):
    """The two header lines, as above the MTA's own Received."""
    name = {"received": "Received-SPF", "authres": "Authentication-Results"}[kind]
    return "".join("%s: %s\n" % (name, value(kind, result, identity, domain,
                                             heloname, sender))
                   for result, identity, domain in (
                       (mailfrom, "mailfrom", "example.org"),
                       (helo, "helo", "h.example.org")))


def spamassassin(headers):
    """What its debug output says of SPF."""
    with tempfile.TemporaryDirectory(prefix="targrey-spf-") as folder:
        root = pathlib.Path(folder)
        (root / "rules").mkdir()
        (root / "site").mkdir()
        (root / "site" / "init.pre").write_text(
            "loadplugin Mail::SpamAssassin::Plugin::Check\n"
            "loadplugin Mail::SpamAssassin::Plugin::SPF\n")
        (root / "rules" / "10.cf").write_text("""
add_header all Status _YESNO_, tests=_TESTS_
dns_available yes
dns_server 127.0.0.1:9
internal_networks 203.0.113.1/32
trusted_networks 203.0.113.1/32
ifplugin Mail::SpamAssassin::Plugin::SPF
header SPF_PASS eval:check_for_spf_pass()
header SPF_FAIL eval:check_for_spf_fail()
header SPF_SOFTFAIL eval:check_for_spf_softfail()
header SPF_HELO_PASS eval:check_for_spf_helo_pass()
header SPF_HELO_FAIL eval:check_for_spf_helo_fail()
header SPF_HELO_NONE eval:check_for_spf_helo_none()
endif
""")
        (root / "prefs").write_text("")
        run = subprocess.run(
            ["spamassassin", "-t", "-x", "-D", "spf,dns", "-C", str(root / "rules"),
             "--siteconfigpath", str(root / "site"), "-p", str(root / "prefs")],
            input=MESSAGE % headers, capture_output=True, text=True, timeout=120,
            env={**os.environ, "HOME": folder, "LC_ALL": "C"})
    return run.stderr, run.stdout


class SpamAssassin(unittest.TestCase):
    def check(self, headers, source, mailfrom, helo):
        log, out = spamassassin(headers)
        self.assertIn("re-using mfrom result from %s header: %s" % (
            source, mailfrom), log)
        self.assertIn("re-using helo result from %s header: %s" % (
            source, helo), log)
        self.assertNotIn("proceeding with DNS based checks", log)
        for word in ("query for", "lookup", "checking EnvelopeFrom",
                     "checking HELO"):
            lines = [line for line in log.splitlines()
                     if "spf: " in line and word in line]
            self.assertEqual(lines, [], word)
        self.assertFalse(re.search(r"dns: .*TXT", log), log)
        return out

    def test_received_spf_is_taken_for_both_identities(self):
        out = self.check(both("received", "pass", "none"), "Received-SPF",
                         "pass", "none")
        self.assertIn("SPF_PASS", out)
        self.assertIn("SPF_HELO_NONE", out)

    def test_authentication_results_are_taken_for_both_identities(self):
        self.check(both("authres", "softfail", "fail"), "Authentication-Results",
                   "softfail", "fail")

    def test_a_sender_cannot_name_another_identity(self):
        out = self.check(both("received", "fail", "pass", sender=HOSTILE,
                              heloname="h) identity=mailfrom"),
                         "Received-SPF", "fail", "pass")
        self.assertIn("SPF_FAIL", out)
        self.assertIn("SPF_HELO_PASS", out)


if __name__ == "__main__":
    unittest.main()
