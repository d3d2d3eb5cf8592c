# SPDX-License-Identifier: BSD-2-Clause
"""Loopback ports that no other test run on this machine picks meanwhile."""
import random
import socket

_booked = {}


def book():
    """A TCP port below the ephemeral range, free on every loopback address.

    It stays ours until give_back() or the end of this process: the booking is
    an abstract unix socket, which the kernel lets one process bind.
    """
    for _ in range(1000):
        port = random.randint(10000, 32000)
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            mark.bind("\0targrey-tests-port-%d" % port)
            probe.bind(("0.0.0.0", port))
        except OSError:
            mark.close()
            continue
        finally:
            probe.close()
        _booked[port] = mark
        return port
    raise RuntimeError("no free port between 10000 and 32000")


def give_back(port):
    mark = _booked.pop(port, None)
    if mark is not None:
        mark.close()
