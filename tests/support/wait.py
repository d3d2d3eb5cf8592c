# SPDX-License-Identifier: BSD-2-Clause
"""Waiting for something that another process does."""
import time

# Far beyond what a loaded machine needs: it ends a hanging test, it judges none.
PATIENCE_S = 60


class Timeout(AssertionError):
    """What was waited for did not come."""


def until(claim, what, patience_s=PATIENCE_S, pause_s=0.02):
    """Calls claim() until it returns something true, and returns that."""
    end = time.monotonic() + patience_s
    while True:
        result = claim()
        if result:
            return result
        if time.monotonic() > end:
            raise Timeout("waited %d s in vain for %s" % (patience_s, what))
        time.sleep(pause_s)
