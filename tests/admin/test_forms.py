# SPDX-License-Identifier: BSD-2-Clause
"""What is printed on a terminal, into a pipe, and as JSON."""
import fcntl
import json
import os
import pty
import struct
import subprocess
import termios

import ctl


class Forms(ctl.Scratch):
    def on_a_terminal(self, columns, *line):
        """Standard output of a terminal so wide."""
        try:
            outer, inner = pty.openpty()
        except OSError as error:
            self.skipTest(f'SKIPPED: no terminal to be had: {error}')
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
        done = subprocess.run(
            [ctl.CTL, *line, '--config', self.conf, '--now', ctl.NOW], stdout=inner,
            stderr=subprocess.DEVNULL, env=ctl.ENV, timeout=120)
        os.close(inner)
        seen = b''
        try:
            while part := os.read(outer, 65536):
                seen += part
        except OSError:  # the end of a terminal
            pass
        os.close(outer)
        self.assertEqual(done.returncode, 0)
        return seen.decode()

    def test_a_pipe_gets_all_columns_and_a_terminal_the_main_ones_uncut(self):
        piped = self.ctl('list', 'events')[1]
        shown = self.on_a_terminal(60, 'list', 'events')
        for text in '2001:db8:1:2::3', 'bounce7.list.example.com', '198.51.100.7':
            self.assertIn(text, piped)
            self.assertIn(text, shown)
        self.assertIn('/etc/targrey/s25r.rules:18 rule 0 ^unknown$', piped)
        self.assertNotIn('s25r.rules', shown)
        self.assertIn('s25r.rules', self.on_a_terminal(60, 'list', 'events', '--wide'))


if __name__ == '__main__':
    ctl.main()
