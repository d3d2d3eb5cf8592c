# SPDX-License-Identifier: BSD-2-Clause
"""What /proc tells of a process's threads."""
import pathlib


def of_threads(pid, name):
    """{thread id: text} of /proc/PID/task/*/NAME, of those that have not ended meanwhile."""
    found = {}
    for task in sorted(pathlib.Path("/proc/%d/task" % pid).iterdir()):
        try:
            found[int(task.name)] = (task / name).read_text()
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found
