# SPDX-License-Identifier: BSD-2-Clause
"""Labelled mail: the rows of an index, and each message as it came to the MX.

index.tsv: id, label, client_ip, client_rdns, helo, sender, date, recipient,
rdns_state (ok, forged, none), drop_received, source, and others that are not
read. MAILDIR holds ham/ID.eml and spam/ID.eml.
"""
import csv
import email.utils
import pathlib
import re

# Fields that the receiving site or its filters added: verdicts, list software.
ADDED = re.compile(rb"""(?xi) (?:
    x-spam | x-virus | x-amavis | x-barracuda | x-asg | x-rspamd | x-brightmail | x-va- | x-policy
  | x-greylist | x-targrey | x-mailman | x-mailing-list | x-beenthere | x-loop | x-lists? -? | x-rc- | x-ame | x-debian
  | x-mozilla | x-account-key | x-uidl | x-keywords | x-status | x-evolution | x-gmail | x-mailer-daemon
  | x-original- | x-received | x-headers-end | x-checker-version | x-level | x-flag | x-report | x-score
  | list- | resent- | arc- | authentication-results | received-spf | precedence\s*: | sender\s*: | status\s*:
  | delivered-to | delivery-date | return-path | old-return-path | errors-to )""")
# What list software put into subjects, and what list hosts signed.
TAG = re.compile(rb"(?i)^(subject:\s*(?:re:\s*)?)(?:\[[a-z0-9-]{3,20}\]|\{spam\?\})\s*")


class Row:
    def __init__(self, row, folder):
        self.id, self.label, self.source = row["id"], row["label"], row["source"]
        self.path = pathlib.Path(folder) / row["label"] / (row["id"] + ".eml")
        self.address, self.helo = row["client_ip"], blank(row["helo"])
        self.sender, self.recipient = blank(row["sender"]), row["recipient"]
        self.name = row["client_rdns"] if row["rdns_state"] == "ok" else None
        self.ptr = row["client_rdns"] if row["rdns_state"] == "forged" else None
        self.date = row["date"]
        self.drop = int(row["drop_received"] or 0)
        parsed = email.utils.parsedate_tz(self.date)
        self.time = email.utils.mktime_tz(parsed) if parsed else 0

    def message(self):
        """(fields, body) as octets: what the client handed over."""
        raw = self.path.read_bytes().replace(b"\r\n", b"\n")
        if raw.startswith(b"From "):
            raw = raw.partition(b"\n")[2]
        head, _, body = raw.partition(b"\n\n")
        fields, received = [], 0
        for field in re.split(rb"\n(?![ \t])", head):
            if field[:9].lower() == b"received:":
                received += 1
                if received > self.drop:
                    fields.append(field)
            elif b":" in field and not ADDED.match(field):
                fields.append(TAG.sub(rb"\1", field))
        return fields, body

    def received(self):
        """The Received field that our Postfix would write."""
        address = "IPv6:" + self.address if ":" in self.address else self.address
        text = ("Received: from %s (%s [%s])\n\tby mx.receiver.example (Postfix) with ESMTP id"
                " 4ABCDEF012\n\tfor <%s>; %s" % (
                    self.helo or self.address, self.name or "unknown", address,
                    self.recipient, self.date))
        return text.encode("latin-1", "replace")

    def text(self, fields, body):
        """The delivered message; fields as milter.Session.play() returns them."""
        top = b"Return-Path: <%s>" % self.sender.encode("latin-1", "replace")
        lines = [self.received() if field is None else field for field in fields]
        return b"\n".join([top] + lines) + b"\n\n" + body


def blank(text):
    return "" if text == "-" else text


def rows(index, folder):
    """Every row whose message is there, oldest first."""
    with open(index, encoding="utf-8", errors="surrogateescape", newline="") as file:
        found = [Row(row, folder) for row in csv.DictReader(
            file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    return sorted((row for row in found if row.path.exists()), key=lambda row: (row.time, row.id))
