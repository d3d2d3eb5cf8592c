# SPDX-License-Identifier: BSD-2-Clause
"""
The HTML report in a headless Chromium: charts drawn, nothing on the console,
no overflow on a phone and on a desk, light and dark; pictures are kept beside
the build. Speaks the DevTools protocol through a pipe, so no port is used.
"""
import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from html.parser import HTMLParser

import ctl

CHROMIUM = shutil.which('chromium')
PICTURES = os.path.join(ctl.BUILD, 'pictures')

PROBE = '''(() => {
  const bad = [];
  for (const e of document.querySelectorAll('main *')) {
    const box = e.getBoundingClientRect();
    if (box.right > innerWidth + 1 && !e.closest('.wide') && !e.closest('svg'))
      bad.push(e.tagName + ' ' + e.className);
  }
  const charts = [...document.querySelectorAll('svg')].map(svg => ({
    width: svg.getBoundingClientRect().width,
    height: svg.getBoundingClientRect().height,
    title: svg.querySelector('title').textContent,
    desc: svg.querySelector('desc').textContent,
    role: svg.getAttribute('role'),
    drawn: [...svg.querySelectorAll('rect.a,rect.b,rect.c,path.line')].filter(
      e => { const b = e.getBBox(); return b.width > 0 || b.height > 0; }).length,
    outside: [...svg.querySelectorAll('rect,text,path')].filter(e => {
      const b = e.getBBox(), v = svg.viewBox.baseVal;
      return b.x < -1 || b.y < -1 || b.x + b.width > v.width + 1 ||
        b.y + b.height > v.height + 1; }).map(e => e.outerHTML.slice(0, 80)),
    letters: Math.min(...[...svg.querySelectorAll('text')].map(
      e => e.getBoundingClientRect().height)),
  }));
  return {scroll: document.documentElement.scrollWidth, inner: innerWidth, bad, charts,
    scripts: document.scripts.length, links: document.querySelectorAll('[src],[href]').length,
    back: getComputedStyle(document.body).backgroundColor, text: document.body.innerText};
})()'''


class Browser:
    def __init__(self, test):
        self.profile = tempfile.TemporaryDirectory(prefix='targrey-chromium-')
        test.addCleanup(self.profile.cleanup)
        to_read, self.to = os.pipe()
        self.back, back_write = os.pipe()

        def wire():
            # Chromium reads commands from descriptor 3 and answers on 4.
            os.dup2(to_read, 13)
            os.dup2(back_write, 14)
            os.dup2(13, 3)
            os.dup2(14, 4)

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
        test.addCleanup(self.stop)
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

    def open(self, path, width, dark):
        self.events = []
        self.page('Emulation.setDeviceMetricsOverride', width=width, height=800,
                  deviceScaleFactor=1, mobile=width < 500)
        self.page('Emulation.setEmulatedMedia', features=[
            {'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])
        self.page('Page.navigate', url='file://' + path)
        while not any(e.get('method') == 'Page.loadEventFired' for e in self.events):
            self.events.append(self.message())
        result = self.page('Runtime.evaluate', expression=PROBE, returnByValue=True)
        return result['result']['value']

    def picture(self, name):
        os.makedirs(PICTURES, exist_ok=True)
        data = self.page('Page.captureScreenshot', captureBeyondViewport=True)['data']
        path = os.path.join(PICTURES, name)
        with open(path, 'wb') as file:
            file.write(base64.b64decode(data))
        return os.path.getsize(path)

    def pages(self):
        """How many sheets of A4 the page takes."""
        data = self.page('Page.printToPDF', paperWidth=8.27, paperHeight=11.69,
                         printBackground=True)['data']
        return len(re.findall(rb'/Type /Page\b', base64.b64decode(data)))

    def noise(self):
        """What the console was told, and whatever was asked of the network."""
        wrong = ('Runtime.consoleAPICalled', 'Runtime.exceptionThrown', 'Log.entryAdded')
        asked = [e for e in self.events if e.get('method') == 'Network.requestWillBeSent'
                 and not e['params']['request']['url'].startswith('file:')]
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


class Tags(HTMLParser):
    """Counts tags and notes what would run or load something."""

    def __init__(self):
        super().__init__()
        self.wrong = []

    def handle_starttag(self, tag, attrs):
        names = [name for name, value in attrs]
        if tag in ('script', 'img', 'iframe', 'object', 'link', 'a') or \
                any(n.startswith('on') or n in ('src', 'href') for n in names):
            self.wrong.append((tag, attrs))


class Html(ctl.Scratch):
    def report(self, *more):
        path = os.path.join(self.dir, 'report.html')
        code, out, err = self.ctl('report', '--format', 'html', '--since', '40d',
                                  '--output', path, *more)
        self.assertEqual((code, out), (0, ''), err)
        return path

    def test_text_of_strangers_is_only_text(self):
        with open(self.report()) as file:
            text = file.read()
        tags = Tags()
        tags.feed(text)
        self.assertEqual(tags.wrong, [])
        self.assertIn('&#60;script&#62;alert(1)', text)
        self.assertNotIn('\033', text)

    def test_in_a_browser(self):
        if not CHROMIUM:
            self.skipTest('SKIPPED: chromium is not installed')
        os.remove(self.db)
        self.make('3000')
        path = self.report()
        story_folder = os.path.join(self.dir, 'story')
        os.mkdir(story_folder)
        self.db = os.path.join(story_folder, 'story.db')
        self.make()
        story = os.path.join(self.dir, 'story.html')
        code, out, err = self.ctl('report', '--format', 'html', '--database', self.db,
                                  '--output', story)
        self.assertEqual(code, 0, err)
        log = os.path.join(self.dir, 'log.html')
        shared = os.path.join(ctl.SOURCE, '../shared/data/mail.log')
        browser = Browser(self)
        pages = [('report', path, 6), ('story', story, 5)]
        if os.path.exists(shared):
            self.assertEqual(self.ctl('report', '--maillog', shared, '--format', 'html',
                                      '--output', log)[0], 0)
            pages.append(('maillog', log, 1))
        else:
            print(f'SKIPPED in part: {shared} is not here')
        for name, page, charts in pages:
            for width in 360, 1280:
                backs = []
                for dark in False, True:
                    seen = browser.open(page, width, dark)
                    what = f'{name} {width} {"dark" if dark else "light"}'
                    self.assertEqual(browser.noise(), [], what)
                    self.assertLessEqual(seen['scroll'], width, what)
                    self.assertEqual(seen['bad'], [], what)
                    self.assertEqual((seen['scripts'], seen['links']), (0, 0), what)
                    self.assertGreaterEqual(len(seen['charts']), charts, what)
                    for chart in seen['charts']:
                        self.assertGreater(chart['drawn'], 0, (what, chart))
                        self.assertEqual(chart['outside'], [], (what, chart['title']))
                        self.assertEqual(chart['role'], 'img')
                        self.assertTrue(chart['title'] and chart['desc'], chart)
                        self.assertLessEqual(chart['width'], width)
                        self.assertGreaterEqual(chart['letters'], 10, (what, chart))
                    backs.append(seen['back'])
                    mode = 'dark' if dark else 'light'
                    size = browser.picture(f'{name}-{width}-{mode}.png')
                    self.assertGreater(size, 10000)
                self.assertNotEqual(*backs)
            if name != 'maillog':
                self.assertLessEqual(browser.pages(), 4, name)
            if name == 'story':
                self.assertIn('<script>alert(1)</script>', seen['text'])


if __name__ == '__main__':
    ctl.main()
