# SPDX-License-Identifier: BSD-2-Clause
"""The admin's page in a headless Chromium, over the database of tests/admin."""
import re
import subprocess
import unittest

from served import BIN, PICTURES, ReviewScratch, Served, TOP
from support.browser import CHROMIUM, Browser
from test_review_page import PROBE

NOW = "@1767484799"  # the last second of 2026-01-03, the end of the story of make_db.c


@unittest.skipUnless(CHROMIUM, "SKIPPED: chromium is not installed")
class Admin(ReviewScratch):
    def setUp(self):
        super().setUp()
        self.base = self.root / "story.db"
        subprocess.run([BIN / "make_db", self.base], check=True, timeout=120)
        self.conf = self.root / "conf"
        self.conf.write_text(
            'hostname = "mx.example.jp"\nlisten = "unix:%s/none/targrey.sock"\n'
            'suspects { s25r = "%s/conf/s25r.rules" files = {} }\nallow { files = {} }\n'
            'store { url = "sqlite:%s" }\n' % (self.root, TOP, self.base))
        self.served = self.serve_at(NOW)
        self.browser = Browser(self)
        self.browser.look(1280, False)
        self.browser.open(self.served.url)

    def serve_at(self, now):
        return Served(self, [BIN / "targreyctl", "serve", "--config", self.conf, "--now", now,
                             "--listen", "127.0.0.1:0"])

    def seen(self):
        self.assertEqual([], self.browser.noise(("http://" + self.served.host, "data:")))
        return self.browser.run(PROBE)

    def open(self, path):
        self.browser.open("http://%s%s" % (self.served.host, path))
        return self.seen()

    def ctl(self, *line):
        return subprocess.run([BIN / "targreyctl", *line, "--config", self.conf, "--now", NOW],
                              capture_output=True, check=True, timeout=60).stdout.decode()

    def test_today_says_how_the_daemon_is_and_what_is_feared(self):
        text = self.seen()["text"]
        for words in ("Today at a glance", "Daemon stopped", "messages accepted", "Held right now",
                      "good messages came late", "delayed messages may still come back",
                      "Delay of good mail", "Mail that may be lost", "Visits since",
                      "Came recently, may come back", "No mail with a sign of good mail has stayed away"):
            self.assertIn(words.lower(), text.lower())

    def test_a_day_without_mail_shows_no_rows_of_zeros(self):
        served = self.serve_at("@%d" % (int(NOW[1:]) + 5 * 86400))
        body = served.get("/").body
        self.assertIn("There are no events in this range.", body)
        self.assertIn("No good mail was delivered in this time.", body)
        self.assertEqual([], re.findall(r"<(?:dd|td)[^>]*>(?:0|0s|-|0.0 %|never)</", body))
        self.assertNotIn("Of 0 transactions", body)

    def test_a_search_leads_to_why_a_mail_was_late(self):
        self.browser.click("document.querySelector('nav a[href=\"/find\"]')")
        self.browser.run("document.querySelector('input[name=text]').value = 'shop@example.org'")
        self.browser.click("document.querySelector('main button')")
        self.assertIn("192.0.2.77", self.seen()["text"])
        self.browser.click("document.querySelector('a[href=\"/explain?sid=a000000006\"]')")
        text = self.seen()["text"]
        self.assertIn("What happened", text)
        self.assertIn("planned 125.0 s", text)

    def test_what_if_asks_the_daemons_own_code(self):
        self.open("/explain?ip=198.51.100.99&name=p1-2-3-4.dyn.example.net")
        self.assertIn("rule 1", self.seen()["text"])
        self.assertIn("not-an-address", self.open("/explain?ip=not-an-address")["text"])

    def test_a_client_is_allowed_by_a_button_and_that_is_logged(self):
        self.open("/explain?ip=198.51.100.99")
        self.browser.click("document.querySelector('form[action=\"/allow\"] button')")
        self.assertEqual(["198.51.100.99 is allowed for 30d"], self.seen()["said"])
        self.assertIn("198.51.100.99", self.ctl("list", "known"))
        self.assertIn("serve: 198.51.100.99 is allowed for 30d, by the page", self.served.errors_said())

    def test_what_may_not_be_allowed_is_said(self):
        token = self.served.get("/explain?ip=198.51.100.99").csrf()
        for who in ("--config=/etc/passwd", "192.0.2.0/24", "<script>alert(1)</script>", "-", ""):
            self.served.post("/allow", {"who": who, "for": "30d", "csrf": token})
            self.assertIn("said wrong", self.served.get("/explain").body, who)
        self.assertEqual(403, self.served.post("/allow", {"who": "198.51.100.1", "for": ""}).status)
        self.assertNotIn("198.51.100.1\n", self.ctl("list", "known"))

    def test_questions_cannot_smuggle_options(self):
        for path in ("/find?text=--output%3D/tmp/x", "/find?text=--help", "/explain?sid=--output",
                     "/explain?ip=1.2.3.4&name=--output", "/report?since=--output"):
            answer = self.served.get(path)
            self.assertEqual(200, answer.status, path)
            self.assertNotIn("usage:", answer.body)

    def test_it_looks_right_on_a_phone_and_a_desk_light_dark_and_printed(self):
        for name, path in (("today", "/"), ("find", "/find?text=example"), ("why", "/explain?sid=a000000006"),
                           ("lost", "/lost"), ("report", "/report?since=30d")):
            for width in (360, 1280):
                backs = []
                for dark in (False, True):
                    self.browser.look(width, dark)
                    seen = self.open(path)
                    what = (name, width, dark)
                    self.assertEqual([], seen["bad"], what)
                    self.assertLessEqual(seen["scroll"], width, what)
                    self.assertEqual(0, seen["names"], what)
                    backs.append(seen["back"])
                    self.browser.picture(str(PICTURES / ("admin-%s-%d-%s.png" % (
                        name, width, "dark" if dark else "light"))))
                self.assertNotEqual(*backs)
            self.assertLessEqual(self.browser.pages(), 4, name)
            self.assertEqual(self.browser.on_paper(), [], name)


if __name__ == "__main__":
    unittest.main()
