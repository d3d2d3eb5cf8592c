# SPDX-License-Identifier: BSD-2-Clause
"""A thread that dies of a fault takes the process with it, so that the service
manager starts it anew: a daemon without its gate would serve nobody."""
import ctypes
import os
import signal
import subprocess
import unittest

from support.lab import Lab
from support.threads import of_threads
from support.wait import until

TGKILL = 234 if os.uname().machine == "x86_64" else 131


class Fault(unittest.TestCase):
    def threads(self, pid):
        """{name: id} of one thread of each kind."""
        return {name.strip(): thread for thread, name in of_threads(pid, "comm").items()}

    def test_a_fault_in_any_thread_ends_the_process(self):
        lab = Lab()
        try:
            lab.daemon.start()
            names = set(self.threads(lab.daemon.pid))
            lab.daemon.stop()
            self.assertGreater(len(names), 2)
            for number, name in enumerate(sorted(names)):
                fault = (signal.SIGSEGV, signal.SIGABRT)[number % 2]
                lab.daemon.start()
                process = lab.daemon._process
                libc = ctypes.CDLL(None, use_errno=True)
                # a thread gives itself its name, a moment after it has begun
                thread = until(lambda: self.threads(process.pid).get(name),
                               "the thread %s" % name)
                self.assertEqual(0, libc.syscall(TGKILL, process.pid, thread, fault))
                try:
                    code = process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    self.fail("it lives without its thread %s" % name)
                self.assertNotEqual(0, code, name)
        finally:
            if lab.daemon._process is not None:
                lab.daemon._process.kill()
                lab.daemon._process.wait()
                lab.daemon._process = None
            lab.close()


if __name__ == "__main__":
    unittest.main()
