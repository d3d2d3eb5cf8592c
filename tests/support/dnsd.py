# SPDX-License-Identifier: BSD-2-Clause
"""A small DNS server for tests: answers from a table over UDP and TCP, and
misbehaves where the table says so.

The table is a dict (or a JSON or YAML file that holds one): name -> types.

    {"example.org": {"A": ["192.0.2.1"], "MX": [[10, "mx.example.org"]],
                     "TXT": ["v=spf1 mx -all", ["two ", "strings"]]},
     "www.example.org": {"CNAME": ["example.org"]},
     "*.dead.example": {"*": "silent"},
     "list.example": {"A": "servfail", "TXT": []}}

A value is a list of records, or a word for what happens instead:

    silent      no answer at all
    slow:MS     nothing for MS milliseconds, then the records under "then",
                or no data
    servfail, refused, nxdomain, formerr, notimp    that code
    garbage     octets that are no DNS message
    truncate    UDP says "truncated", TCP answers from "then"
    mute        UDP says "truncated", TCP takes the question and says nothing

Type "*" stands for the types that are not listed. "*.x" stands for every name
below x that is not listed itself; a name above a listed one exists and has no
data. The server follows CNAMEs as a resolver does. TXT strings may be str
(sent as UTF-8) or bytes. Address lists of one record may be given bare.

    with Server(table) as server: ...server.text -> "127.0.0.1:40123"...
    server.table = other            takes effect with the next question
    server.asked -> [(name, type, "udp" or "tcp"), ...]

Command line: dnsd.py [-a ADDRESS] [-p PORT] [-l LOG] FILE; prints
"ADDRESS:PORT" once it listens; the file is read again when it has changed.
"""
import argparse
import json
import os
import random
import socket
import struct
import sys
import threading
import time

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

TTL = 60
CODES = {"servfail": dns.rcode.SERVFAIL, "refused": dns.rcode.REFUSED,
         "nxdomain": dns.rcode.NXDOMAIN, "formerr": dns.rcode.FORMERR,
         "notimp": dns.rcode.NOTIMP}
MAX_CHAIN = 8


def to_name(text):
    """Labels as they are: no escapes, any octets; raises on long labels."""
    labels = [label.encode("utf-8", "surrogateescape")
              for label in text.rstrip(".").split(".")] if text.strip(".") else []
    return dns.name.Name(labels + [b""])


def to_text(name):
    """The reverse of to_name(), lower case."""
    return ".".join(label.decode("utf-8", "surrogateescape")
                    for label in name.labels[:-1]).lower()


def txt_wire(value):
    strings = value if isinstance(value, (list, tuple)) else [value]
    wire = b""
    for string in strings:
        if isinstance(string, str):
            string = string.encode("utf-8", "surrogateescape")
        parts = [string[i:i + 255] for i in range(0, len(string), 255)] or [b""]
        wire += b"".join(bytes([len(part)]) + part for part in parts)
    return wire


def to_rdata(kind, value):
    """One record's data; value as in the table."""
    rdtype = dns.rdatatype.from_text(kind)
    if kind == "A":
        wire = socket.inet_pton(socket.AF_INET, value)
    elif kind == "AAAA":
        wire = socket.inet_pton(socket.AF_INET6, value)
    elif kind in ("TXT", "SPF"):
        wire = txt_wire(value)
    elif kind == "MX":
        wire = struct.pack("!H", int(value[0])) + to_name(value[1]).to_wire()
    elif kind in ("CNAME", "PTR", "NS"):
        wire = to_name(value).to_wire()
    else:
        return dns.rdata.from_text(dns.rdataclass.IN, rdtype, value)
    return dns.rdata.from_wire(dns.rdataclass.IN, rdtype, wire, 0, len(wire))


class Table:
    """The names in lower case, and those above them."""

    def __init__(self, names):
        self.names = {name.rstrip(".").lower(): types
                      for name, types in names.items()}
        self.above = set()
        for name in self.names:
            while "." in name:
                name = name.split(".", 1)[1]
                self.above.add(name)

    def find(self, name):
        """Types of the name, or None when there is no such name."""
        if name in self.names:
            return self.names[name]
        if name in self.above:
            return {}
        parent = name
        while "." in parent:
            parent = parent.split(".", 1)[1]
            if "*." + parent in self.names:
                return self.names["*." + parent]
            if parent in self.names:
                return None
        return self.names.get("*")


class Server:
    """Listens from start() (or "with") until close()."""

    def __init__(self, table=None, address="127.0.0.1", port=0, shuffle=True,
                 on_question=None):
        self.table = table or {}
        self.address = address
        self.port = port
        self.shuffle = shuffle
        self.on_question = on_question
        self.asked = []
        self._stop = threading.Event()
        self._threads = []

    @property
    def table(self):
        return self._table

    @table.setter
    def table(self, names):
        self._table = Table(names)

    @property
    def text(self):
        host = "[%s]" % self.address if ":" in self.address else self.address
        return "%s:%d" % (host, self.port)

    def start(self):
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        for _ in range(100):
            self._udp = socket.socket(family, socket.SOCK_DGRAM)
            self._udp.bind((self.address, self.port))
            port = self._udp.getsockname()[1]
            self._tcp = socket.socket(family, socket.SOCK_STREAM)
            self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self._tcp.bind((self.address, port))
                break
            except OSError:
                self._udp.close()
                self._tcp.close()
                if self.port:
                    raise
        self.port = port
        self._udp.settimeout(0.2)
        self._tcp.settimeout(0.2)
        self._tcp.listen(64)
        for loop in (self._udp_loop, self._tcp_loop):
            thread = threading.Thread(target=loop, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def close(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def wait_calm(self, calm_s):
        """Returns when no question has come for so long."""
        asked, since = len(self.asked), time.monotonic()
        while time.monotonic() - since < calm_s:
            time.sleep(0.02)
            if len(self.asked) != asked:
                asked, since = len(self.asked), time.monotonic()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def _udp_loop(self):
        while not self._stop.is_set():
            try:
                wire, peer = self._udp.recvfrom(65535)
            except socket.timeout:
                continue
            except OSError:
                continue
            delay, reply = self._reply(wire, "udp")
            if reply is None:
                continue
            if delay:
                threading.Timer(delay, self._send, (reply, peer)).start()
            else:
                self._send(reply, peer)

    def _send(self, reply, peer):
        try:
            self._udp.sendto(reply, peer)
        except OSError:
            pass

    def _tcp_loop(self):
        while not self._stop.is_set():
            try:
                peer, _ = self._tcp.accept()
            except (socket.timeout, OSError):
                continue
            threading.Thread(target=self._tcp_talk, args=(peer,),
                             daemon=True).start()

    def _tcp_talk(self, peer):
        with peer:
            peer.settimeout(60)
            try:
                while not self._stop.is_set():
                    head = self._read(peer, 2)
                    wire = self._read(peer, struct.unpack("!H", head)[0])
                    delay, reply = self._reply(wire, "tcp")
                    if delay:
                        time.sleep(delay)
                    if reply is not None:
                        peer.sendall(struct.pack("!H", len(reply)) + reply)
            except (OSError, EOFError):
                pass

    @staticmethod
    def _read(peer, count):
        data = b""
        while len(data) < count:
            more = peer.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _reply(self, wire, over):
        """(seconds to wait, octets or None for silence)"""
        try:
            query = dns.message.from_wire(wire)
            question = query.question[0]
        except Exception:
            return 0, None
        kind = dns.rdatatype.to_text(question.rdtype)
        name = to_text(question.name)
        self.asked.append((name, kind, over))
        if self.on_question:
            self.on_question(name, kind, over)
        reply = dns.message.make_response(query, recursion_available=True)
        delay, word = self._answer(reply, question, name, kind, over)
        if word == "silent":
            return 0, None
        if word == "garbage":
            return delay, wire[:2] + b"\x81\x80" + random.randbytes(40)
        if word == "truncated":
            reply.answer = []
            reply.flags |= dns.flags.TC
        elif word in CODES:
            reply.answer = []
            reply.set_rcode(CODES[word])
        return delay, self._wire(reply, query, over)

    @staticmethod
    def _wire(reply, query, over):
        data = reply.to_wire(max_size=65535)
        limit = max(query.payload, 512) if query.edns >= 0 else 512
        if over == "udp" and len(data) > limit:
            reply.answer = []
            reply.flags |= dns.flags.TC
            data = reply.to_wire()
        return data

    def _answer(self, reply, question, name, kind, over):
        """Fills the reply; (seconds to wait, word or None)"""
        owner = question.name
        for _ in range(MAX_CHAIN):
            types = self._table.find(name)
            if types is None:
                return 0, "nxdomain"
            value = types.get(kind)
            if value is None and "CNAME" in types and kind != "CNAME":
                target = types["CNAME"]
                target = target[0] if isinstance(target, list) else target
                reply.answer.append(self._rrset(owner, "CNAME", [target]))
                owner, name = to_name(target), target.rstrip(".").lower()
                continue
            if value is None:
                value = types.get("*", [])
            return self._give(reply, owner, kind, value, types, over)
        return 0, "servfail"

    def _give(self, reply, owner, kind, value, types, over):
        delay = 0
        is_word = isinstance(value, str) and (
            value in CODES or value in ("silent", "garbage", "truncate", "mute")
            or value.startswith("slow:"))
        if is_word:
            if value.startswith("slow:"):
                delay = int(value[5:]) / 1000
            elif value in ("truncate", "mute"):
                if over == "udp":
                    return 0, "truncated"
                if value == "mute":
                    return 0, "silent"
            else:
                return 0, value
            value = types.get("then", {}).get(kind, [])
        if isinstance(value, (str, bytes)):
            value = [value]
        if value:
            reply.answer.append(self._rrset(owner, kind, value))
        return delay, None

    def _rrset(self, owner, kind, values):
        rdatas = [to_rdata(kind, value) for value in values]
        if self.shuffle:
            random.shuffle(rdatas)
        rrset = dns.rrset.RRset(owner, dns.rdataclass.IN,
                                dns.rdatatype.from_text(kind))
        for rdata in rdatas:
            rrset.add(rdata, TTL)
        return rrset


def load(path):
    """The table in a JSON or YAML file."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if path.endswith((".yml", ".yaml")):
        import yaml
        return yaml.safe_load(text) or {}
    return json.loads(text)


def main():
    parser = argparse.ArgumentParser(description="A small DNS server for tests.")
    parser.add_argument("-a", dest="address", default="127.0.0.1")
    parser.add_argument("-p", dest="port", type=int, default=0)
    parser.add_argument("-l", dest="log", help="one line a question: TYPE NAME")
    parser.add_argument("file", help="the table, .json or .yml")
    options = parser.parse_args()
    log = open(options.log, "a", buffering=1) if options.log else None

    def note(name, kind, over):
        if log:
            log.write("%s %s %s\n" % (over, kind, name))

    stamp = os.stat(options.file).st_mtime_ns
    with Server(load(options.file), options.address, options.port,
                on_question=note) as server:
        print(server.text, flush=True)
        try:
            while True:
                time.sleep(0.1)
                now = os.stat(options.file).st_mtime_ns
                if now != stamp:
                    stamp = now
                    server.table = load(options.file)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    sys.exit(main())
