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
            file.write(struct.pack("=qq", 0, 0))
        path.chmod(0o644)
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 16)
        self._shift_ms = self._wall_ms = 0
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
        self._write()

    def set_wall(self, seconds):
        """Puts the wall clock alone so far ahead of, or behind, the time."""
        self.settle()
        self._wall_ms = round(seconds * 1000)
        self._write()

    def _write(self):
        self._map[:] = struct.pack("=qq", self._shift_ms, self._wall_ms)

    def wall(self):
        """Seconds since 1970, as the daemon sees them."""
        return time.time() + (self._shift_ms + self._wall_ms) / 1000

    def mono(self):
        return time.monotonic() + self._shift_ms / 1000

    def close(self):
        self._map.close()
