# SPDX-License-Identifier: BSD-2-Clause
"""The report as a mail, and the units that send it each week."""
import email
import email.policy
import os
import re
import shutil
import subprocess
import unittest

import ctl

UNIT = os.path.join(ctl.SOURCE, 'conf', 'targrey-report')


class Mail(ctl.Scratch):
    def mail(self, to='root'):
        code, out, err = self.ctl('report', '--mail', to)
        self.assertEqual((code, err), (0, ''))
        return email.message_from_string(out, policy=email.policy.default)

    def test_it_has_the_text_and_the_html_of_the_report(self):
        mail = self.mail('postmaster@example.jp')
        self.assertEqual(mail['To'], 'postmaster@example.jp')
        self.assertEqual(mail['Subject'],
                         'targrey report: mx.example.jp, 2025-12-28 to 2026-01-04')
        self.assertEqual(mail['Auto-Submitted'], 'auto-generated')
        self.assertEqual(mail.get_content_type(), 'multipart/alternative')
        text, html = mail.iter_parts()
        self.assertEqual((text.get_content_type(), html.get_content_type()),
                         ('text/plain', 'text/html'))
        self.assertEqual(text.get_content().rstrip(), self.ctl('report')[1].rstrip())
        self.assertEqual(html.get_content().rstrip(),
                         self.ctl('report', '--format', 'html')[1].rstrip())

    def test_no_line_is_too_long_for_smtp(self):
        out = self.ctl('report', '--mail', 'root')[1]
        self.assertLessEqual(max(map(len, out.splitlines())), 200)
        self.assertTrue(out.isascii())

    def test_what_is_no_address_is_refused(self):
        for to in ('', '-oQ/tmp', 'a b', 'a\nBcc: x@example.com', 'a,b', '"x"@y', 'a|b', 'ä@x'):
            code, out, err = self.ctl('report', '--mail', to)
            self.assertEqual((code, out), (2, ''), to)
            self.assertIn('one address', err)

    def command(self, bin_folder):
        """The line of the unit as systemd gives it to the shell."""
        with open(UNIT + '.service') as file:
            line = re.search(r"(?m)^ExecStart=/bin/sh -ec '(.*)'$", file.read()).group(1)
        line = line.replace('%%', '%').replace('\\\\', '\\')
        return re.sub(r'/usr/(local/)?sbin/(targreyctl|sendmail)',
                      lambda found: os.path.join(bin_folder, found.group(2)), line)

    def run_unit(self, ctl_line):
        folder = os.path.join(self.dir, 'bin')
        os.mkdir(folder)
        sent = os.path.join(self.dir, 'sent')
        for name, text in (('targreyctl', ctl_line), ('sendmail', f'echo "$@" >{sent}.line; cat >{sent}')):
            with open(os.path.join(folder, name), 'w') as file:
                file.write('#!/bin/sh\n%s\n' % text)
            os.chmod(os.path.join(folder, name), 0o755)
        done = subprocess.run(['/bin/sh', '-ec', self.command(folder)], timeout=60,
                              env=dict(ctl.ENV, TO='root'), capture_output=True)
        return done.returncode, sent

    def test_the_units_line_sends_what_the_report_wrote(self):
        code, sent = self.run_unit(f'exec {ctl.CTL} "$@" --config {self.conf} --now {ctl.NOW}')
        self.assertEqual(code, 0)
        with open(sent + '.line') as file:
            self.assertEqual(file.read(), '-t -i\n')
        with open(sent) as file:
            mail = email.message_from_file(file, policy=email.policy.default)
        self.assertEqual(mail['To'], 'root')
        self.assertIn('messages accepted', next(mail.iter_parts()).get_content())

    def test_nothing_is_sent_when_there_is_no_report(self):
        code, sent = self.run_unit('echo half; exit 1')
        self.assertEqual(code, 1)
        self.assertFalse(os.path.exists(sent))

    def test_systemd_knows_the_units_and_the_timer_is_off_by_default(self):
        if not shutil.which('systemd-analyze'):
            self.skipTest('SKIPPED: systemd-analyze is not installed')
        for name in ('.service', '.timer'):
            with open(UNIT + name) as file:
                text = file.read()
            path = os.path.join(self.dir, 'targrey-report' + name)
            with open(path, 'w') as file:
                file.write(text)
        done = subprocess.run(['systemd-analyze', 'verify', '--man=no', '--recursive-errors=no', path],
                              capture_output=True, text=True, timeout=60)
        self.assertNotIn('targrey-report', done.stdout + done.stderr)
        when = re.search(r'OnCalendar=(.*)', text).group(1)
        self.assertEqual(subprocess.run(['systemd-analyze', 'calendar', when],
                                        capture_output=True, timeout=60).returncode, 0)
        # sendmail's postdrop is setgid
        with open(UNIT + '.service') as file:
            self.assertIsNone(re.search(r'(?m)^(NoNewPrivileges|SystemCall|Restrict|Private)', file.read()))


if __name__ == '__main__':
    ctl.main()
