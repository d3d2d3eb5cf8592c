# SPDX-License-Identifier: BSD-2-Clause
"""
The HTML report in a headless Chromium: charts drawn, nothing on the console,
no overflow on a phone and on a desk, light and dark; pictures are kept beside
the build. Speaks the DevTools protocol through a pipe, so no port is used.
"""
import json
import os
import re
import sys
import unittest
from html.parser import HTMLParser

import ctl

sys.path.insert(0, os.path.join(ctl.SOURCE, 'tests'))
from support.browser import CHROMIUM, Browser  # noqa: E402

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
    def report(self, *more, since=True):
        path = os.path.join(self.dir, 'report.html')
        code, out, err = self.ctl('report', '--format', 'html', *(['--since', '40d'] if since else []),
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

    def test_a_time_without_mail_shows_no_zeros(self):
        quiet = ('report', '--since', '2026-01-10', '--until', '2026-01-11')
        with open(self.report('--since', '2026-01-10', '--until', '2026-01-11', since=False)) as file:
            page = file.read()
        for text in self.ctl(*quiet)[1], page:
            self.assertIn('There are no events in this range.', text)
            self.assertIn('No good mail was delivered in this time.', text)
            self.assertIn('No mail with a sign of good mail has stayed away.', text)
            for wrong in 'Worst', 'Hours of the day', 'never', '(nothing)', 'Of 0 transactions':
                self.assertNotIn(wrong, text)
        self.assertEqual(re.findall(r'<(?:dd|td)[^>]*>(?:0|0s|-|0.0 %)</', page), [])
        self.assertEqual(re.findall(r'(?m)^.*  (?:0|0s|-|0.0 %)$', self.ctl(*quiet)[1]), [])

    def test_a_day_of_punctual_mail_says_so_in_words(self):
        day = ('--since', '2026-01-03', '--until', '2026-01-04')
        text = self.ctl('report', *day)[1]
        self.assertIn('None of it came late.', text)
        self.assertNotIn('Worst', text)
        # programs get every number
        facts = json.loads(self.ctl('report', *day, '--json')[1])['delay']
        self.assertEqual((facts['delayed'], facts['worst']), (0, 0))

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
                    browser.look(width, dark)
                    browser.open('file://' + page)
                    seen = browser.run(PROBE)
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
                    size = browser.picture(
                        os.path.join(PICTURES, f'{name}-{width}-{mode}.png'))
                    self.assertGreater(size, 10000)
                self.assertNotEqual(*backs)
            self.assertEqual(browser.on_paper(), [], name)
            if name != 'maillog':
                self.assertLessEqual(browser.pages(), 4, name)
            if name == 'story':
                self.assertIn('<script>alert(1)</script>', seen['text'])


if __name__ == '__main__':
    ctl.main()
