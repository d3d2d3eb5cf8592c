# SPDX-License-Identifier: BSD-2-Clause
"""The socket's file is removed (a cleaner of /tmp, a second start); descriptors
run short."""
import resource
import socket
import subprocess
import unittest

from support.daemon import Daemon
from support.frames import NEGOTIATE
from support.lab import Lab
from support.postfix import DOMAIN
from support.wait import until

SENDER = "a@example.com"


class Removed(unittest.TestCase):
    def test_the_socket_and_its_lock_are_made_again(self):
        with Lab() as lab:
            daemon = lab.daemon
            before = daemon.socket.stat()
            daemon.socket.unlink()
            daemon.socket.with_name(daemon.socket.name + ".lock").unlink()
            daemon.wait_log("has been removed: made again")
            until(daemon.answers, "the socket to answer again")
            after = daemon.socket.stat()
            self.assertEqual((before.st_mode, before.st_uid, before.st_gid),
                             (after.st_mode, after.st_uid, after.st_gid))
            lab.client("mail.example.com").try_one(
                SENDER, "you@" + DOMAIN).expect(250)
            self.assertEqual(lab.stamp("you@" + DOMAIN)["verdict"], "pass")
            # a second start is refused as before
            second = daemon.spawn()
            self.assertEqual(second.wait(60), 1)
            self.assertIn("another instance is running", daemon.log())

    def test_without_libmilters_socket_it_ends_to_be_started_anew(self):
        lab = Lab()
        try:
            lab.daemon.start()
            private = lab.daemon.socket.with_name(lab.daemon.socket.name + ".private")
            (private / "m").unlink()
            self.assertEqual(lab.daemon._process.wait(60), 1)
            lab.daemon._process = None
            self.assertIn("exiting, to be restarted", lab.daemon.log())
        finally:
            lab.close()


class FewDescriptors(Daemon):
    def spawn(self, *more):
        with open(self.log_file, "ab") as log:
            return subprocess.Popen(
                [str(self.binary), "-f", str(self.conf), *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment(), cwd="/", start_new_session=True,
                preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_NOFILE, (200, 200)))


class Descriptors(unittest.TestCase):
    def test_at_the_limit_sessions_wait_and_none_is_turned_away(self):
        lab = Lab()
        lab.daemon = FewDescriptors(lab.root, lab.daemon.socket, lab.clock)
        open_ones = []
        try:
            lab.start()
            for _ in range(60):
                one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                one.connect(str(lab.daemon.socket))
                one.sendall(NEGOTIATE)
                open_ones.append(one)
            lab.daemon.wait_log("connections, the most for this limit")
            answered = 0
            while open_ones:
                # those that wait are served as others leave; none is closed
                one = open_ones.pop(0)
                one.settimeout(60)
                self.assertEqual(one.recv(5)[4:5], b"O")
                one.close()
                answered += 1
            self.assertEqual(answered, 60)
            lab.client("mail.example.com").try_one(
                SENDER, "you@" + DOMAIN).expect(250)
            self.assertEqual(lab.stamp("you@" + DOMAIN)["fault"], "none")
        finally:
            for one in open_ones:
                one.close()
            lab.close()


if __name__ == "__main__":
    unittest.main()
