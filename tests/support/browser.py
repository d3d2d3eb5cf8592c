# SPDX-License-Identifier: BSD-2-Clause
"""A headless Chromium, driven by its DevTools protocol through a pipe."""
import base64
import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile

CHROMIUM = shutil.which('chromium')


class Browser:
    def __init__(self, test):
        """test: has addCleanup(), or is an ExitStack."""
        later = getattr(test, 'addCleanup', None) or test.callback
        self.profile = tempfile.TemporaryDirectory(
            prefix='targrey-chromium-', ignore_cleanup_errors=True)
        later(self.profile.cleanup)
        to_read, self.to = os.pipe()
        self.back, back_write = os.pipe()

        def wire():
            # Chromium reads commands from descriptor 3 and answers on 4; either may be an end here.
            ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 5) for end in (to_read, back_write)]
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [CHROMIUM, '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
             '--no-first-run', '--disable-background-networking',
             '--disable-component-update', '--disable-sync', '--hide-scrollbars',
             '--remote-debugging-pipe', f'--user-data-dir={self.profile.name}',
             'about:blank'], preexec_fn=wire, close_fds=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(back_write)
        later(self.stop)
        self.rest = b''
        self.number = 0
        self.events = []
        targets = self.ask('Target.getTargets')['targetInfos']
        page = next(t for t in targets if t['type'] == 'page')
        self.session = self.ask('Target.attachToTarget', targetId=page['targetId'],
                                flatten=True)['sessionId']
        for domain in 'Page', 'Runtime', 'Log', 'Network':
            self.page(f'{domain}.enable')

    def message(self):
        while b'\0' not in self.rest:
            got = os.read(self.back, 1 << 20)
            if not got:
                raise AssertionError('Chromium ended')
            self.rest += got
        text, self.rest = self.rest.split(b'\0', 1)
        return json.loads(text)

    def ask(self, method, session=None, **params):
        self.number += 1
        command = {'id': self.number, 'method': method, 'params': params}
        if session:
            command['sessionId'] = session
        os.write(self.to, json.dumps(command).encode() + b'\0')
        while True:
            message = self.message()
            if message.get('id') == self.number:
                if 'error' in message:
                    raise AssertionError(f'{method}: {message["error"]}')
                return message['result']
            self.events.append(message)

    def page(self, method, **params):
        return self.ask(method, self.session, **params)

    def look(self, width, dark):
        """From now on as on a screen of that width."""
        self.page('Emulation.setDeviceMetricsOverride', width=width, height=800,
                  deviceScaleFactor=1, mobile=width < 500)
        self.page('Emulation.setEmulatedMedia', features=[
            {'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])

    def open(self, url):
        self.events = []
        self.page('Page.navigate', url=url)
        self.loaded()

    def loaded(self):
        while not any(e.get('method') == 'Page.loadEventFired' for e in self.events):
            self.events.append(self.message())

    def run(self, script):
        result = self.page('Runtime.evaluate', expression=script, returnByValue=True)
        if 'exceptionDetails' in result:
            raise AssertionError(result['exceptionDetails'])
        return result['result'].get('value')

    def click(self, script):
        """Clicks the element that the script names, and waits for the next page."""
        self.events = []
        self.run('(%s).click()' % script)
        self.loaded()

    def picture(self, path, height=None):
        """All of the page, or so many pixels from its top."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        clip = {} if height is None else {'clip': {
            'x': 0, 'y': 0, 'width': self.run('innerWidth'), 'height': height, 'scale': 1}}
        data = self.page('Page.captureScreenshot', captureBeyondViewport=True, **clip)['data']
        with open(path, 'wb') as file:
            file.write(base64.b64decode(data))
        return os.path.getsize(path)

    def pages(self):
        """How many sheets of A4 the page takes."""
        data = self.page('Page.printToPDF', paperWidth=8.27, paperHeight=11.69,
                         printBackground=True)['data']
        return len(re.findall(rb'/Type /Page\b', base64.b64decode(data)))

    # 186 mm, the room between the margins of A4, in CSS pixels
    PAPER = 703

    def on_paper(self):
        """What is cut at the right of a sheet, and sections with nothing but a title."""
        self.page('Emulation.setDeviceMetricsOverride', width=self.PAPER, height=1000,
                  deviceScaleFactor=1, mobile=False)
        self.page('Emulation.setEmulatedMedia', media='print')
        wrong = self.run('''(() => {
          const seen = e => e.getClientRects().length > 0;
          const cut = [...document.querySelectorAll('main *')].filter(
            e => seen(e) && !e.closest('svg') && e.getBoundingClientRect().right > innerWidth + 1);
          const bare = [...document.querySelectorAll('main section')].filter(
            s => seen(s) && ![...s.children].some(e => e.tagName != 'H2' && seen(e)));
          return [...cut, ...bare].map(e => e.tagName + ' ' + e.textContent.slice(0, 60));
        })()''')
        self.page('Emulation.setEmulatedMedia', media='')
        return wrong

    def noise(self, ours=('file:', 'data:')):
        """What the console was told, and whatever was asked of the network."""
        wrong = ('Runtime.consoleAPICalled', 'Runtime.exceptionThrown', 'Log.entryAdded')
        asked = [e for e in self.events if e.get('method') == 'Network.requestWillBeSent'
                 and not e['params']['request']['url'].startswith(ours)]
        return [e for e in self.events if e.get('method') in wrong] + asked

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        os.close(self.to)
        os.close(self.back)
