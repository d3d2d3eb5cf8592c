# SPDX-License-Identifier: BSD-2-Clause
"""The review page in a headless Chromium: the order, release, undo, bulk by band,
nothing on the console; pictures are kept beside the build."""
import unittest

from served import PICTURES, ReviewScratch, mail
from support.browser import CHROMIUM, Browser

PROBE = """(() => {
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    const box = e.getBoundingClientRect();
    if (box.right > innerWidth + 1 && !e.closest('.wide') && !e.closest('.skip'))
      bad.push(e.tagName + ' ' + e.className);
  }
  const small = [...document.querySelectorAll('main button')].filter(
    e => e.getBoundingClientRect().height < 24).length;
  const names = [...document.querySelectorAll('input:not([type=hidden]),select')].filter(
    e => !e.getAttribute('aria-label') && !e.closest('label')).length;
  return {bad, small, names, scroll: document.documentElement.scrollWidth,
    back: getComputedStyle(document.body).backgroundColor,
    scores: [...document.querySelectorAll('.score')].map(e => e.textContent),
    said: [...document.querySelectorAll('.said')].map(e => e.textContent),
    titles: [...document.querySelectorAll('.what a')].map(e => e.textContent),
    text: document.body.innerText};
})()"""

TITLES = ["Invoice %d", "会議の件 %d", "<script>alert(%d)</script>", "Re: your order %d & more",
          "a_very_long_word_without_any_blank_in_it_that_a_phone_has_no_room_for_%d"]


@unittest.skipUnless(CHROMIUM, "SKIPPED: chromium is not installed")
class Page(ReviewScratch):
    def setUp(self):
        super().setUp()
        for number in range(64):
            self.put(mail(number, "%.1f" % (2.1 + number * 0.4), sid="a000000006" if number % 2 else None,
                          subject=TITLES[number % 5] % number, tests="BAYES_99=3.8, URIBL_BLACK=1.7",
                          body="hello\n<script>alert(1)</script>\n<img src=http://evil.example/x>\n"),
                     name="17674344%02d.M%dP1.mx" % (number % 60, number))
        self.served = self.serve(folder=self.spam)
        self.browser = Browser(self)
        self.browser.look(1280, False)
        self.browser.open(self.served.url)

    def seen(self):
        self.assertEqual([], self.browser.noise(("http://" + self.served.host, "data:")))
        return self.browser.run(PROBE)

    def test_the_nearest_comes_first_and_the_address_loses_its_token(self):
        seen = self.seen()
        scores = [float(score) for score in seen["scores"]]
        self.assertEqual(50, len(scores))
        self.assertEqual(sorted(scores, key=lambda score: (abs(score - 5), -score)), scores)
        self.assertNotIn("token", self.browser.run("location.href"))
        self.browser.click("document.querySelector('a[rel=next]')")
        more = [float(score) for score in self.seen()["scores"]]
        self.assertEqual(14, len(more))
        self.assertGreater(min(more), max(scores))

    def test_release_moves_the_file_and_undo_brings_it_back(self):
        before = self.files(self.inbox)
        title = self.seen()["titles"][0]
        self.browser.click("document.querySelector('.mails li button[name=release]')")
        seen = self.seen()
        self.assertIn("release: moved to the inbox", seen["said"][0])
        self.assertNotIn(title, seen["titles"])
        self.assertEqual(1, len(list((self.inbox / "new").iterdir())))
        self.browser.click("document.querySelector('a[href=\"/log\"]')")
        self.seen()
        self.browser.click("document.querySelector('form[action=\"/undo\"] button')")
        self.assertIn("moved back to", self.seen()["said"][0])
        self.assertEqual(before, self.files(self.inbox))
        self.browser.click("document.querySelector('nav a[href=\"/\"]')")
        self.assertEqual(title, self.seen()["titles"][0])

    def test_every_button_of_a_row_says_which_mail_it_is_about(self):
        labels = self.browser.run("""[...document.querySelectorAll('.mails li')].map(row => [
            row.querySelector('.what a').textContent, ...[...row.querySelectorAll('button')].map(
            button => button.getAttribute('aria-label'))])""")
        self.assertEqual(50, len(labels))
        for title, *said in labels:
            self.assertEqual(["Release: " + title, "Spam: " + title], said)

    def test_a_row_shows_the_client_and_its_flags(self):
        self.assertIn("192.0.2.77 \u00b7 S25R NORDNS TARPIT FIRST", self.seen()["text"])

    def test_several_are_chosen_by_keyboard_and_confirmed_together(self):
        self.browser.run("[...document.querySelectorAll('.mails input')].slice(0, 3).forEach(e => e.focus())")
        for number in range(3):
            self.browser.run("document.querySelectorAll('.mails input')[%d].focus()" % number)
            for kind in ("keyDown", "keyUp"):
                self.browser.page("Input.dispatchKeyEvent", type=kind, key=" ", code="Space",
                                  text=" " if kind == "keyDown" else "", windowsVirtualKeyCode=32)
        self.browser.click("document.querySelector('button[value=spam]')")
        self.assertEqual(["spam: 3 messages"], self.seen()["said"])
        self.assertEqual(61, len(self.rows("--limit", "0")))
        self.browser.click("document.querySelector('button[value=ham]')")
        self.assertEqual(["No message was selected."], self.seen()["said"])

    def test_a_whole_band_is_asked_about_and_then_discarded(self):
        self.browser.click("document.querySelector('a[href*=\"band=certain\"]')")
        count = len(self.seen()["scores"])
        self.assertGreater(count, 5)
        self.browser.click("document.querySelector('form[action=\"/sure\"] button[value=discard]')")
        self.assertIn("%d messages (certain spam) would be discarded" % count, self.seen()["text"])
        self.assertEqual(64, len(self.rows("--limit", "0")))
        self.browser.click("document.querySelector('button.main')")
        self.assertEqual(["discard: %d messages" % count], self.seen()["said"])
        self.assertEqual(64 - count, len(self.rows("--limit", "0")))
        self.assertEqual(count, len(self.files(self.inbox / ".discarded")))

    def test_a_band_that_grew_meanwhile_is_asked_about_again(self):
        self.browser.click("document.querySelector('a[href*=\"band=certain\"]')")
        self.browser.click("document.querySelector('form[action=\"/sure\"] button[value=discard]')")
        self.put(mail(99, "50"), name="1767434499.M99P1.mx")
        self.browser.click("document.querySelector('button.main')")
        self.assertIn("nothing was done", self.seen()["said"][0])
        self.assertEqual(65, len(self.rows("--limit", "0")))

    def test_what_is_odd_about_a_mail_is_said_in_the_list(self):
        self.put(b"X-Spam-Score: 5\nX-TaRgrey-Session: nonsense\nSubject: o\0dd\n\nx\n", name="1767434498.M98P1.mx")
        self.browser.open("http://%s/" % self.served.host)
        self.assertIn("Odd: NUL octets in the header; X-TaRgrey-Session cannot be read", self.seen()["text"])

    def test_search_narrows_and_the_text_of_a_mail_is_only_text(self):
        self.browser.run("document.querySelector('input[name=text]').value = '<script>alert(2)'")
        self.browser.click("document.querySelector('form[role=search] button')")
        self.assertEqual(["<script>alert(2)</script>"], self.seen()["titles"])
        self.browser.click("document.querySelector('.what a')")
        seen = self.seen()
        self.assertIn("<script>alert(1)</script>\n<img src=http://evil.example/x>", seen["text"])
        self.browser.click("document.querySelector('button[value=ham]')")
        self.assertIn("ham: moved to the inbox", self.seen()["said"][0])

    def test_it_looks_right_on_a_phone_and_a_desk_light_dark_and_printed(self):
        key = self.ids("--limit", "0")[2]
        for name, path in (("list", "/"), ("mail", "/mail?id=" + key), ("log", "/log")):
            for width in (360, 1280, 3840):
                backs = []
                for dark in (False, True):
                    self.browser.look(width, dark)
                    self.browser.open("http://%s%s" % (self.served.host, path))
                    seen = self.seen()
                    what = (name, width, dark)
                    self.assertEqual([], seen["bad"], what)
                    self.assertLessEqual(seen["scroll"], width, what)
                    self.assertEqual((0, 0), (seen["small"], seen["names"]), what)
                    backs.append(seen["back"])
                    self.browser.picture(str(PICTURES / ("review-%s-%d-%s.png" % (
                        name, width, "dark" if dark else "light"))))
                self.assertNotEqual(*backs)
            self.assertLessEqual(self.browser.pages(), 4, name)
            self.assertEqual([], self.browser.on_paper(), name)

    def test_what_is_printed_is_the_list_without_its_buttons(self):
        self.browser.page("Emulation.setEmulatedMedia", media="print")
        shown = self.browser.run("""[...document.querySelectorAll('.what a, .score, button, input')].filter(
            e => e.getClientRects().length > 0).map(e => e.tagName)""")
        self.assertEqual(["A", "SPAN"], sorted(set(shown)))
        self.assertEqual(100, len(shown))

    def test_what_was_done_can_be_undone_on_a_phone_without_scrolling_sideways(self):
        self.browser.click("document.querySelector('.mails li button[name=spam]')")
        self.browser.look(360, True)
        self.browser.open("http://%s/log" % self.served.host)
        self.assertEqual([], self.seen()["bad"])
        self.assertTrue(self.browser.run("""(() => {
            const box = document.querySelector('form[action="/undo"] button').getBoundingClientRect();
            return box.left >= 0 && box.right <= innerWidth; })()"""))

    def test_who_is_not_let_in_can_read_why_on_a_phone(self):
        stranger = Browser(self)
        stranger.look(360, True)
        for path in "/", "/log", "/nosuch":
            stranger.open("http://%s%s" % (self.served.host, path))
            seen = stranger.run(PROBE)
            self.assertIn("needs the address that was printed", seen["text"])
            self.assertLessEqual(seen["scroll"], 360)


if __name__ == "__main__":
    unittest.main()
