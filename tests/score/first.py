# SPDX-License-Identifier: BSD-2-Clause
"""First mails of people and programs that never wrote before: first/ham and
first/spam, one file per message.

A file begins with facts, one "key: value" a line, then a blank line, then the
message. Facts:

    kind      the group in the table
    about     what it stands for, one line
    client    its address
    name      its verified name; "NAME unverified": the name does not lead back;
              none (the default): there is no name
    helo      what it says in EHLO
    helo_dns  where that name leads: match, mismatch, none (default: match when
              it is the verified name, else none)
    sender    envelope sender, "-" for the empty one
    spf       what the sender's domain says of this client: pass, fail,
              softfail, neutral, none (the default)
    domain    nodns: the sender's domain does not exist
    charset   of the message (default utf-8); the file itself is UTF-8
    visits    so many days in a row before this one it sent the same
    net       rules that the network would let hit, see NET
    date, message-id, mime   none: the message comes without that header

Date, Message-ID, MIME-Version and Content-Type are added where the message has
none. Non-ASCII text in Subject and before "<" is encoded (RFC 2047). The
recipient is you@receiver.example.
"""
import base64
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE / "first"
RECIPIENT = "you@receiver.example"
DATE = "Tue, 10 Mar 2026 10:00:%02d +0000"
KEYS = set("kind about client name helo helo_dns sender spf domain charset visits net"
           " date message-id mime".split())
SPF = {"pass": "-", "fail": "-", "softfail": "~", "neutral": "?"}
# Points of stock rules whose answer comes from the network (sets 0 to 3).
NET = {
    "RAZOR2_CHECK": "0 1.729 0 0.922", "PYZOR_CHECK": "0 1.985 0 1.392", "DCC_CHECK": "0 1.1 0 1.1",
    "URIBL_BLACK": "0 1.7 0 1.7", "URIBL_DBL_SPAM": "0 2.5 0 2.5", "URIBL_ABUSE_SURBL": "0 1.948 0 1.25",
    "RCVD_IN_XBL": "0 0.724 0 0.375", "RCVD_IN_SBL_CSS": "0 3.558 0 3.335",
    "RCVD_IN_PSBL": "0 2.7 0 2.7", "RCVD_IN_BL_SPAMCOP_NET": "0 1.246 0 1.347",
    "RCVD_IN_PBL": "0 3.558 0 3.335",
}
NET_HEADER = b"X-Test-Network"


class Mail:
    def __init__(self, path, number):
        self.path, self.id, self.label = path, path.stem, path.parent.name
        head, _, self.text = path.read_text(encoding="utf-8").partition("\n\n")
        self.facts = {}
        for line in head.splitlines():
            key, _, value = line.partition(":")
            if key not in KEYS or key in self.facts:
                raise ValueError("%s: odd or double fact: %s" % (path, line))
            self.facts[key] = value.strip()
        for key in ("kind", "about", "client", "helo", "sender"):
            if key not in self.facts:
                raise ValueError("%s: no %s" % (path, key))
        self.number = number
        self.kind, self.address, self.helo = (self.facts[key] for key in ("kind", "client", "helo"))
        self.sender = "" if self.facts["sender"] == "-" else self.facts["sender"]
        name, _, unverified = self.facts.get("name", "none").partition(" ")
        self.name = None if unverified or name == "none" else name
        self.ptr = name if unverified else None
        self.spf = self.facts.get("spf", "none")
        self.charset = self.facts.get("charset", "utf-8")
        self.visits = int(self.facts.get("visits", 0))
        self.net = self.facts.get("net", "").split()
        if set(self.net) - set(NET) or self.spf not in ("none", *SPF):
            raise ValueError("%s: odd spf or net" % path)
        for field in re.split(r"\n(?![ \t])", self.text.partition("\n\n")[0]):
            if not re.match(r"[!-9;-~]+:", field):
                raise ValueError("%s: no header field: %s" % (path, field))

    @property
    def domain(self):
        return self.sender.rpartition("@")[2]

    def fields(self):
        """The message's own header fields as octets."""
        fields = [self._field(field) for field in re.split(
            r"\n(?![ \t])", self.text.partition("\n\n")[0])]
        there = {field.partition(b":")[0].lower() for field in fields}
        added = (("date", DATE % (self.number % 60)), ("message-id", "<%d.first@%s>" % (
            self.number, self.helo.strip("[]"))), ("mime-version", "1.0"), (
                "content-type", 'text/plain; charset="%s"' % self.charset),
            ("content-transfer-encoding", "7bit" if self.charset == "iso-2022-jp" else "8bit"))
        for key, value in added:
            wanted = self.facts.get("mime" if key[0] in "mc" and key != "message-id" else key)
            if key.encode() not in there and wanted != "none":
                fields.append(b"%s: %s" % (key.title().encode(), value.encode()))
        return fields

    def body(self):
        return self.text.partition("\n\n")[2].encode(self.charset)

    def _field(self, field):
        if field.isascii():
            return field.encode()
        key, _, value = field.partition(": ")
        text, mark, address = value.rpartition(" <") if " <" in value else (value, "", "")
        word = text.strip('"').encode(self.charset)
        return b"%s: =?%s?B?%s?=%s" % (key.encode(), self.charset.encode(), base64.b64encode(word),
                                      (mark + address).encode())

    def received(self):
        """As our Postfix would write it."""
        address = "IPv6:" + self.address if ":" in self.address else self.address
        return ("Received: from %s (%s [%s])\n\tby mx.receiver.example (Postfix) with ESMTP id"
                " 4ABCDEF012\n\tfor <%s>; %s" % (self.helo, self.name or "unknown", address,
                                                RECIPIENT, DATE % 59)).encode()

    def message(self, fields):
        """The delivered mail; fields as milter.Session.play() returns them."""
        lines = [b"Return-Path: <%s>" % self.sender.encode()]
        lines += [self.received() if field is None else field for field in fields]
        if self.net:
            lines.append(NET_HEADER + b": " + " ".join(self.net).encode())
        return b"\n".join(lines) + b"\n\n" + self.body()


def mails():
    """Every message, in order of label and name."""
    return [Mail(path, number) for number, path in enumerate(
        sorted(FOLDER.glob("*/*.mail")), 1)]


def names(found):
    """What DNS says of the senders and the names in EHLO, for support.dnsd."""
    table = {}
    for mail in found:
        here = mail.address
        kind = "AAAA" if ":" in here else "A"
        if mail.name:
            table.setdefault(mail.name.lower(), {}).setdefault(kind, []).append(here)
        leads = mail.facts.get("helo_dns", "none")
        if leads != "none":
            table.setdefault(mail.helo.lower(), {}).setdefault(
                kind, []).append(here if leads == "match" else "192.0.2.250")
        if mail.domain and mail.facts.get("domain") != "nodns":
            types = table.setdefault(mail.domain.lower(), {})
            types["MX"] = [[10, "mx." + mail.domain.lower()]]
            table.setdefault("mx." + mail.domain.lower(), {})["A"] = ["192.0.2.251"]
    for domain in {mail.domain.lower() for mail in found if mail.spf != "none"}:
        here = [mail for mail in found if mail.domain.lower() == domain]
        ends = {SPF[mail.spf] for mail in here if mail.spf not in ("pass", "none")} or {"-"}
        if len(ends) > 1 or any(mail.spf == "none" for mail in here):
            raise ValueError("%s: its messages want different SPF records" % domain)
        table[domain]["TXT"] = ["v=spf1 %s %sall" % (" ".join(
            "ip%s:%s" % ("6" if ":" in mail.address else "4", mail.address)
            for mail in here if mail.spf == "pass"), ends.pop())]
    return table
