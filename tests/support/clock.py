# SPDX-License-Identifier: BSD-2-Clause
"""The daemon's clock, in a build that has TARGREY_TEST_CLOCK."""
import mmap
import struct
import time


class Clock:
    """Shifts both clocks of the daemons that were started with this file."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.write(struct.pack("=q", 0))
        path.chmod(0o644)
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)
        self._shift_ms = 0
        self.settle = lambda: None

    def advance(self, seconds):
        """Lets that much time pass at once, when the daemon is at rest.

        What waits to be written would seem to have waited all that time.
        """
        self.settle()
        self.step(seconds)

    def step(self, seconds):
        """The same without looking whether the daemon has work in hand."""
        assert seconds >= 0
        self._shift_ms += round(seconds * 1000)
        self._map[:] = struct.pack("=q", self._shift_ms)

    def wall(self):
        """Seconds since 1970, as the daemon sees them."""
        return time.time() + self._shift_ms / 1000

    def mono(self):
        return time.monotonic() + self._shift_ms / 1000

    def close(self):
        self._map.close()
