# SPDX-License-Identifier: BSD-2-Clause
"""Wall and CPU time in ms, peak memory in KiB of a command: review_time.py COMMAND..."""
import resource
import subprocess
import sys
import time

begin = time.monotonic()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
wall = (time.monotonic() - begin) * 1000
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("%.1f %.1f %d" % (wall, (used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss))
