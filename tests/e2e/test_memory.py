# SPDX-License-Identifier: BSD-2-Clause
"""Allocations of the running daemon fail, one by one and in rows, through whole
sessions. TARGREY_POINTS sets how many are tried (default 80)."""
import os
import unittest

from support.failing import ALLOCATION, Sweep

POINTS = int(os.environ.get("TARGREY_POINTS", "80"))


class Memory(Sweep):
    def test_any_allocation_that_fails_costs_one_session_at_most(self):
        self.begin()
        # no socket of a client here that could be seen
        self.assertEqual("unproven", self.clean[1]["tarpit"])
        whole = self.sweep(ALLOCATION, POINTS, (1, 12, 40))
        self.assertGreater(whole, 100)
        self.told("allocations", whole)
        self.assertGreater(self.tried, POINTS // 3)


if __name__ == "__main__":
    unittest.main()
