# SPDX-License-Identifier: BSD-2-Clause
"""A small client of the milter protocol: plays one SMTP session to targreyd
as Postfix would, and applies what targreyd does to the headers."""
import select
import socket
import struct

from support.frames import LEADING_SPACE, NEGOTIATE, NO, SILENT, frame, steps_of, take

# Postfix shows a milter no more of a header.
LONGEST = 60000


class Refused(Exception):
    """targreyd did not accept the message now."""


class Session:
    """One connection; play() once.

    held    called again and again while RCPT or DATA is not answered; it lets the
            daemon's time pass. None: they are answered at once.
    """

    def __init__(self, path, held=None):
        self.held = held
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(60)
        self.socket.connect(str(path))
        self._buffer = b""
        try:
            self.socket.sendall(NEGOTIATE)
            command, data = self._read()
            assert command == "O", command
        except BaseException:
            self.socket.close()
            raise
        self.steps = steps_of(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _send(self, command, data=b""):
        self.socket.sendall(frame(command.encode(), data))

    def _read(self, held=None):
        """The next reply but progress: command and data."""
        while True:
            while whole := take(self._buffer):
                command, data, self._buffer = whole
                if command != b"p":
                    return command.decode("latin-1"), data
            while held and not select.select([self.socket], [], [], 0.02)[0]:
                held()
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("targreyd closed the connection")
            self._buffer += piece

    def _tell(self, command, data, macros=None):
        """A command with its macros; waits for the reply unless none comes."""
        if self.steps & NO.get(command.encode(), 0):
            return
        if macros:
            self._send("D", command.encode() + b"".join(
                octets(name) + b"\0" + octets(value) + b"\0" for name, value in macros.items()))
        self._send(command, data)
        if self.steps & SILENT.get(command.encode(), 0):
            return
        reply, more = self._read(self.held if command in "RT" else None)
        if reply not in "ca":
            raise Refused("%s: %s %r" % (command, reply, more))

    def play(self, name, ptr, address, helo, sender, recipient, fields, queue_id="4ABCDEF012"):
        """The edited list of fields: octets, without the line end.

        name     verified name, or None
        ptr      name that does not lead back, or None
        fields   the message's own, as octets; Postfix's Received is not shown
        """
        six = ":" in address
        shown = name or "[%s]" % address
        self._tell("C", octets(shown) + b"\0" + (b"6" if six else b"4")
                   + struct.pack("!H", 40000) + octets(address) + b"\0", {
            "j": "mx.receiver.example", "{daemon_name}": "mx.receiver.example",
            "v": "Postfix 3.7", "{client_name}": name or "unknown",
            "{client_ptr}": name or ptr or "unknown",
            "{client_addr}": ("IPv6:" if six else "") + address, "{client_port}": "40000",
            "{client_resolve}": "OK" if name else "FORGED" if ptr else "FAIL",
            "_": "%s [%s]" % (name or ptr or "unknown", address)})
        if helo:
            self._tell("H", octets(helo) + b"\0")
        self._tell("M", b"<" + octets(sender) + b">\0", {"{mail_addr}": sender})
        self._tell("R", b"<" + octets(recipient) + b">\0",
                   {"{rcpt_addr}": recipient, "{rcpt_mailer}": "local"})
        queue = {"i": queue_id}
        self._tell("T", b"", queue)
        for field in fields:
            key, _, value = field.replace(b"\0", b"").partition(b":")
            value = value[:LONGEST]
            if not self.steps & LEADING_SPACE and value[:1] == b" ":
                value = value[1:]
            self._tell("L", key.rstrip(b" \t") + b"\0" + value + b"\0", queue)
        self._tell("N", b"", queue)
        return self._end(fields, queue)

    def _end(self, fields, queue):
        if not self.steps & NO[b"B"]:
            self._tell("B", b"text\r\n", queue)
        self._send("D", b"E" + b"".join(
            octets(key) + b"\0" + octets(value) + b"\0" for key, value in queue.items()))
        self._send("E")
        # Postfix's own Received is the first; None stands for it.
        edited = [None] + list(fields)
        while True:
            reply, data = self._read()
            if reply == "i":
                index = struct.unpack("!I", data[:4])[0]
                edited.insert(index, self._field(*data[4:].split(b"\0")[:2]))
            elif reply == "h":
                edited.append(self._field(*data.split(b"\0")[:2]))
            elif reply == "m":
                self._change(edited, struct.unpack("!I", data[:4])[0], *data[4:].split(b"\0")[:2])
            elif reply in "ca":
                break
            else:
                raise Refused("end: %s %r" % (reply, data))
        self._send("Q")
        return edited

    def _field(self, key, value):
        space = b"" if self.steps & LEADING_SPACE else b" "
        return key + b":" + space + value

    def _change(self, edited, count, key, value):
        """Postfix's smfi_chgheader: the count-th field of that name."""
        for place, field in enumerate(edited):
            if field is None or field.partition(b":")[0].strip().lower() != key.lower():
                continue
            count -= 1
            if count == 0:
                if value:
                    edited[place] = self._field(key, value)
                else:
                    del edited[place]
                return


def octets(text):
    return text if isinstance(text, bytes) else text.encode("latin-1", "replace")
