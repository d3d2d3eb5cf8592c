# SPDX-License-Identifier: BSD-2-Clause
"""The real SpamAssassin on delivered messages, with a private site folder."""
import contextlib
import mailbox
import os
import pathlib
import re
import shutil
import subprocess

from .daemon import SOURCE

NUMBER = "X-Test-Number"
# Addresses of documents (RFC 5737) are no client's; here they are.
LOCAL_CF = """\
report_safe 0
use_bayes 0
score RCVD_ILLEGAL_IP 0
add_header all Status "_YESNO_, score=_SCORE_ tests=_TESTS(,)_"
"""
STOCK_PRE = pathlib.Path("/etc/spamassassin")


class Score:
    def __init__(self, status):
        self.points = float(re.search(r"score=(-?[\d.]+)", status).group(1))
        tests = re.search(r"tests=(\S*)", re.sub(r",\s+", ",", status)).group(1)
        self.hits = [] if tests == "none" else tests.split(",")

    def ours(self):
        return [hit for hit in self.hits if hit.startswith("TARGREY")]


def public(raw):
    """The message as if its client's loopback address were a public one.

    SpamAssassin counts 127.0.0.0/8 among its own networks whatever it is told,
    so a client there would never be "outside". Only Postfix's Received line
    and X-TaRgrey-Client name the address.
    """
    return re.sub(rb"\b127\.\d+\.(\d+)\.\d+\b", rb"203.0.113.\1", raw)


SPF_CF = """\
add_header all Status _YESNO_, tests=_TESTS_
dns_available yes
dns_server 127.0.0.1:9
internal_networks 192.0.2.255/32
trusted_networks 192.0.2.255/32
ifplugin Mail::SpamAssassin::Plugin::SPF
header SPF_PASS eval:check_for_spf_pass()
header SPF_FAIL eval:check_for_spf_fail()
header SPF_HELO_PASS eval:check_for_spf_helo_pass()
header SPF_HELO_FAIL eval:check_for_spf_helo_fail()
endif
"""
SPF_PRE = """\
loadplugin Mail::SpamAssassin::Plugin::Check
loadplugin Mail::SpamAssassin::Plugin::SPF
"""


def debug_spf(folder, message):
    """(what -D spf,dns prints, the message as scored), network tests allowed.

    Its name server is a port at which nobody listens: who asks, fails.
    """
    folder = pathlib.Path(folder)
    for name, text in (("site/init.pre", SPF_PRE), ("rules/10.cf", SPF_CF),
                       ("prefs", "")):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    done = subprocess.run(
        ["spamassassin", "-t", "-x", "-D", "spf,dns", "-C", str(folder / "rules"),
         "--siteconfigpath=%s" % (folder / "site"), "-p", str(folder / "prefs")],
        input=message, capture_output=True, check=True, timeout=300,
        env=dict(os.environ, HOME=str(folder), LC_ALL="C"))
    return done.stderr.decode("latin-1"), done.stdout.decode("latin-1")


def check(folder, messages):
    """Scores of the messages (octets) in order, by local tests only.

    folder  scratch, for the site configuration and SpamAssassin's own state
    """
    folder = pathlib.Path(folder)
    site = folder / "site"
    site.mkdir(parents=True, exist_ok=True)
    for path in STOCK_PRE.glob("*.pre"):
        shutil.copy(path, site)
    for pattern in ("rules/*.cf", "rules/*.pre"):
        for path in SOURCE.glob(pattern):
            shutil.copy(path, site)
    (site / "local.cf").write_text(LOCAL_CF)
    prefs = folder / "prefs"
    prefs.write_text("")
    box = folder / "messages"
    with open(box, "wb") as file:
        for number, message in enumerate(messages):
            head, _, body = message.partition(b"\n\n")
            file.write(b"From demo@localhost Mon Jan  5 10:00:00 2026\n")
            file.write(re.sub(rb"(?m)^From ", b">From ", b"%s\n%s: %d\n\n%s\n" % (
                head, NUMBER.encode(), number, body)))
    result = folder / "scored"
    with open(result, "wb") as out:
        subprocess.run(
            ["spamassassin", "-L", "--siteconfigpath=%s" % site, "-p", str(prefs),
             "--mbox", str(box)], stdout=out, check=True,
            env=dict(os.environ, HOME=str(folder)), timeout=300)
    # They come out in no order to rely on.
    with contextlib.closing(mailbox.mbox(result)) as scanned:
        scored = {int(message[NUMBER]): Score(message["X-Spam-Status"])
                  for message in scanned}
    return [scored[number] for number in range(len(messages))]
