# SPDX-License-Identifier: BSD-2-Clause
"""Frames of the milter protocol: the length of what follows, a command, data."""
import struct

# What Postfix offers.
VERSION, ACTIONS, STEPS = 6, 0x1FF, 0x1FFFFF
# What a milter may switch off (steps), and may keep silent about.
NO = {b"C": 0x1, b"H": 0x2, b"M": 0x4, b"R": 0x8, b"B": 0x10, b"L": 0x20, b"N": 0x40, b"T": 0x200}
SILENT = {b"L": 0x80, b"C": 0x1000, b"H": 0x2000, b"M": 0x4000, b"R": 0x8000,
          b"T": 0x10000, b"N": 0x40000, b"B": 0x80000}
LEADING_SPACE = 0x100000


def frame(command, data=b""):
    return struct.pack("!I", len(data) + 1) + command + data


NEGOTIATE = frame(b"O", struct.pack("!III", VERSION, ACTIONS, STEPS))


def steps_of(data):
    """Of a filter's answer to that."""
    return struct.unpack("!III", data[:12])[2]


def take(octets):
    """(command, data, what follows) of the first frame; None when it is not whole."""
    if len(octets) < 4:
        return None
    end = 4 + struct.unpack("!I", octets[:4])[0]
    if len(octets) < end:
        return None
    return octets[4:5], octets[5:end], octets[end:]
