# SPDX-License-Identifier: BSD-2-Clause
"""Reading X-TaRgrey headers strictly, as docs/headers.md defines them."""
import re
import urllib.parse

SESSION, CLIENT, FLAGS = "X-TaRgrey-Session", "X-TaRgrey-Client", "X-TaRgrey-Flags"
LIMITS = {SESSION: 900, CLIENT: 800}

SESSION_KEYS = """v id sid mode verdict why would rdns s25r s25r_rule tarpit
tarpit_secs grey grey_tries grey_secs early age seen passed gaveup gaveup_secs
ham spam rcpt_refused helo helo_dns from spf spf_helo pipe tls local forged
fault""".split()
CLIENT_KEYS = "v ip name ptr heloname key".split()

WORDS = {
    "v": "1",
    "mode": "observe rgrey starpit targrey strict",
    "verdict": "pass hold greylist",
    "why": "s25r all helo spf dnsbl local record known-address known-domain listed"
           " tries none overflow fault warn",
    "would": "none hold greylist",
    "rdns": "pass mismatch none temperror",
    "s25r": "match none unknown",
    "tarpit": "none endured unproven shed",
    "grey": "none passed",
    "early": "yes no",
    "helo": "fqdn bare ip literal ours localhost missing",
    "helo_dns": "match mismatch none unknown",
    "from": "ok null self ours nodns unknown",
    "spf": "none neutral pass fail softfail temperror permerror skipped",
    "spf_helo": "none neutral pass fail softfail temperror permerror skipped",
    "pipe": "no yes unknown",
    "tls": "no yes",
    "fault": "none store dns limit gate",
}
# Behind what is there only in some configurations.
AT_END = {"mx": "0 1 2 3 4", "mx_order": "none primary-first secondary-first"}
NUMBERS = """tarpit_secs grey_tries grey_secs age seen passed gaveup gaveup_secs
ham spam rcpt_refused forged""".split()
OPTIONAL_NUMBERS = "net_ham net_spam org_ham org_spam".split()
NEW_WORDS = "address network organisation sender".split()
FLAG_WORDS = """S25R NORDNS MISMATCH TARPIT SHED GREY EARLY NO-SUCCESS KNOWN GAVEUP
HELO-BAD FROM-BAD SPF-PASS SPF-FAIL SPF-SOFTFAIL PIPE LOCAL WOULD FORGED
FAULT""".split()

VALUE = re.compile(r"(?:[A-Za-z0-9._:\-+/\[\],]|%[0-9A-Fa-f]{2}){1,128}\Z")
KEY = re.compile(r"[a-z0-9_]+\Z")


class Malformed(AssertionError):
    """A header of ours that breaks its own grammar."""


def pairs(text):
    """The ordered (key, value) list of a Session or Client value."""
    found = []
    for part in text.split("; "):
        key, sign, value = part.partition("=")
        if not sign or not KEY.match(key) or not VALUE.match(value):
            raise Malformed("%r in %r" % (part, text))
        if len(value) > 128:
            raise Malformed("value over 128 octets: %r" % part)
        found.append((key, value))
    if found[0] != ("v", "1"):
        raise Malformed("does not begin with v=1: %r" % text)
    return found


def _read(text, name, keys):
    if len(text) > LIMITS[name]:
        raise Malformed("%s of %d octets" % (name, len(text)))
    found = pairs(text)
    seen = [key for key, _ in found]
    if seen[:len(keys)] != keys:
        raise Malformed("%s has keys %s" % (name, " ".join(seen)))
    return dict(found)


def session(text):
    """Value of X-TaRgrey-Session to a dict; numbers become int."""
    words = _read(text, SESSION, SESSION_KEYS)
    for key, allowed in WORDS.items():
        if words[key] not in allowed.split():
            raise Malformed("%s=%s" % (key, words[key]))
    for key in NUMBERS:
        if not words[key].isdigit():
            raise Malformed("%s=%s is not a number" % (key, words[key]))
        words[key] = int(words[key])
    for key, allowed in AT_END.items():
        if words.get(key) not in allowed.split():
            raise Malformed("%s=%s" % (key, words.get(key)))
    words["mx"] = int(words["mx"])
    for key in OPTIONAL_NUMBERS:
        if not words.get(key, "0").isdigit():
            raise Malformed("%s=%s is not a number" % (key, words[key]))
        if key in words:
            words[key] = int(words[key])
    new = words.get("new", "none").split(",")
    if new != ["none"] and new != [word for word in NEW_WORDS if word in new]:
        raise Malformed("new=%s" % words["new"])
    return words


def client(text):
    """Value of X-TaRgrey-Client to a dict, decoded (cut values keep their ~)."""
    words = _read(text, CLIENT, CLIENT_KEYS)
    return {key: urllib.parse.unquote(value, "latin-1")
            for key, value in words.items()}


def flags(text):
    """Value of X-TaRgrey-Flags to a set; '-' is the empty one."""
    if text == "-":
        return set()
    found = text.split(" ")
    for flag in found:
        if flag not in FLAG_WORDS:
            raise Malformed("flag %r" % flag)
    return set(found)


class Stamp:
    """The three headers of a delivered message, each exactly once."""

    def __init__(self, mail):
        self.session = session(self._only(mail, SESSION))
        self.client = client(self._only(mail, CLIENT))
        self.flags = flags(self._only(mail, FLAGS))

    @staticmethod
    def _only(mail, name):
        found = mail.all(name)
        if len(found) != 1:
            raise Malformed("%d headers %s" % (len(found), name))
        return found[0]

    def __getitem__(self, key):
        return self.session[key]
