# SPDX-License-Identifier: BSD-2-Clause
"""Who may see the pages, whose forms are taken, and that a mail's author runs nothing."""
import os
import re
import socket
import stat
import unittest
from html.parser import HTMLParser

from served import ReviewScratch, Served, mail, maildir

EVIL = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)",
    "javascript:alert(1)", "</pre></main><form action=http://evil.example/>", "&lt;b&gt;",
    "<svg onload=alert(1)>", "{{7*7}}", "\u202egnp.exe", "]]><!--", "<base href=//evil.example/>",
]


class Tags(HTMLParser):
    """What would run, load or lead away."""

    def __init__(self):
        super().__init__()
        self.wrong, self.forms = [], []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            away = name in ("src", "href", "action", "formaction", "data") and not (
                re.match(r"/(?!/)|#|\?", value or "") or value == "data:,")
            if name.startswith("on") or name == "style" or away:
                self.wrong.append((tag, name, value))
        if tag in ("script", "img", "iframe", "object", "embed", "base", "style", "svg") and tag != "svg":
            self.wrong.append((tag, attributes))
        if tag == "form":
            self.forms.append(dict(attributes))


class Security(ReviewScratch):
    def start(self, count=3, **more):
        for number in range(count):
            self.put(mail(number, "6.%d" % number))
        return self.serve(folder=self.spam, **more)

    def test_without_the_token_nothing_is_shown(self):
        served = self.start()
        for cookie in (None, "", "targrey=1", served.cookie[:-1], served.cookie + "0",
                       "other=%s" % served.token):
            for path in ("/", "/mail?id=000000000000", "/style.css", "/none"):
                answer = served.get(path, Cookie=cookie)
                self.assertEqual(403, answer.status, (cookie, path))
                self.assertNotIn("mail 1", answer.body)
        self.assertEqual(403, served.get("/?token=%s" % ("0" * 32), Cookie=None).status)
        self.assertEqual(403, served.get("/?token=", Cookie=None).status)

    def test_the_start_address_gives_a_cookie_that_scripts_and_other_sites_do_not_get(self):
        served = self.start()
        answer = served.get("/?token=" + served.token, Cookie=None)
        self.assertEqual((303, "/"), (answer.status, answer.head["Location"]))
        self.assertEqual("%s; Path=/; HttpOnly; SameSite=Strict" % served.cookie, answer.head["Set-Cookie"])
        self.assertIn("mail 1", served.get("/").body)

    def test_every_start_has_a_token_of_its_own(self):
        first = self.start()
        self.assertRegex(first.token, "^[0-9a-f]{32}$")
        first.stop()
        second = self.serve(folder=self.spam)
        self.assertNotEqual(first.token, second.token)
        self.assertEqual(403, second.get("/?token=" + first.token, Cookie=None).status)

    def test_another_host_name_is_refused(self):
        served = self.start()
        port = served.host.rpartition(":")[2]
        for host in ("evil.example", "evil.example:" + port, "127.0.0.1", "127.0.0.1:1", "", served.host + "."):
            self.assertEqual(403, served.get("/", Host=host).status, host)
        self.assertIn("for another host name", served.errors_said())
        self.assertEqual(200, served.get("/", Host="localhost:" + port).status)
        served.stop()
        served = self.serve("--host", "review.example.jp", folder=self.spam)
        self.assertEqual(200, served.get("/", Host="review.example.jp").status)

    def test_a_request_without_host_is_refused(self):
        served = self.start()
        address, _, port = served.host.rpartition(":")
        with socket.create_connection((address, int(port)), 30) as client:
            client.sendall(b"GET / HTTP/1.0\r\nCookie: %s\r\n\r\n" % served.cookie.encode())
            self.assertRegex(client.recv(4096), rb"^HTTP/1\.[01] 40[03] ")

    def test_a_form_of_another_site_changes_nothing(self):
        served = self.start()
        token = served.get("/").csrf()
        key = self.ids()[0]
        before = self.files(self.inbox)
        for form, fields in (
                ({"release": key}, {}),
                ({"release": key, "csrf": ""}, {}),
                ({"release": key, "csrf": token[:-1] + "x"}, {}),
                ({"release": key, "csrf": token}, {"Origin": "http://evil.example"}),
                ({"release": key, "csrf": token}, {"Origin": "null"}),
                ({"release": key, "csrf": token}, {"Cookie": None})):
            answer = served.post("/act", form, **fields)
            self.assertEqual(403, answer.status, (form, fields))
        for path in ("/undo", "/band"):
            self.assertEqual(403, served.post(path, {"id": key}).status)
        self.assertEqual(before, self.files(self.inbox))
        answer = served.post("/act", {"release": key, "csrf": token}, Origin="http://" + served.host)
        self.assertEqual(303, answer.status)
        self.assertNotEqual(before, self.files(self.inbox))

    def test_nothing_is_changed_by_a_get(self):
        served = self.start()
        key = self.ids()[0]
        before = self.files(self.inbox)
        for path in ("/act", "/undo", "/band"):
            self.assertEqual(405, served.get(path + "?release=%s&id=%s&do=discard" % (key, key)).status)
        for method in ("PUT", "DELETE", "OPTIONS", "TRACE"):
            self.assertEqual(405, served.ask(method, "/").status, method)
        self.assertEqual(before, self.files(self.inbox))

    def test_paths_lead_nowhere_else(self):
        served = self.start()
        for path in ("/../../etc/passwd", "/..%2f..%2fetc/passwd", "//etc/passwd", "/style.css/../x",
                     "/mail/../mail", "/.git", "/" + "a" * 3000):
            answer = served.get(path)
            self.assertEqual(404, answer.status, path)
            self.assertNotIn("root:", answer.body)
        for key in ("../../etc/passwd", "0" * 12, "zz", "%00", "", "a' OR 1=1 --", "0" * 4000):
            self.assertEqual(404, served.get("/mail?id=" + key.replace(" ", "%20")).status, key)

    def test_every_answer_forbids_scripts_frames_and_guesses(self):
        served = self.start()
        for path in ("/", "/log", "/mail?id=" + self.ids()[0], "/none", "/style.css"):
            answer = served.get(path)
            policy = answer.head["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertNotIn("script-src", policy)
            for part in ("form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
                self.assertIn(part, policy)
            self.assertEqual("nosniff", answer.head["X-Content-Type-Options"])
            self.assertEqual("DENY", answer.head["X-Frame-Options"])
        self.assertEqual("no-store", served.get("/").head["Cache-Control"])

    def test_text_of_strangers_is_only_text(self):
        for number, evil in enumerate(EVIL):
            self.put(mail(number, "6.%d" % number, sid=None, subject=evil, sender=evil + " <a@b.example>",
                          message_id="<%s@x>" % evil, tests="A=1.0", body="%s\n%s\n" % (evil, evil)))
        served = self.serve(folder=self.spam)
        pages = ["/", "/log", "/?text=" + "%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
                 "/?band=%22%3E%3Cscript%3E", "/?skip=%3Cscript%3E", "/sure?do=spam&band=above&text=%22%3Cb%3E"]
        pages += ["/mail?id=" + key for key in self.ids()]
        token = served.get("/").csrf()
        for key in self.ids()[:4]:
            served.post("/act", {"do": "discard", "id": key, "csrf": token})
        for path in pages + ["/log"]:
            answer = served.get(path)
            tags = Tags()
            tags.feed(answer.body)
            self.assertEqual([], tags.wrong, path)
            self.assertTrue(all(form.get("action", "/").startswith("/") for form in tags.forms), tags.forms)
            self.assertNotIn("\u202e", answer.body)
            self.assertNotIn("\x1b", answer.body)

    def test_large_and_odd_requests_are_refused_and_the_page_goes_on(self):
        served = self.start()
        token = served.get("/").csrf()
        self.assertEqual(413, served.post("/act", {"csrf": token, "id": "0" * (2 << 20)}).status)
        self.assertEqual(413, served.post("/act", [("id", "0")] * 5000).status)
        address, _, port = served.host.rpartition(":")
        for text in (b"\0" * 4000, b"GET / HTTP/9.9\r\n\r\n", b"POST /act HTTP/1.1\r\nHost: %s\r\nContent-Length: "
                     b"99999999999999999999\r\n\r\n" % served.host.encode(), b"GET /" + b"%" * 5000 + b" HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + b"A" * 100000):
            with socket.create_connection((address, int(port)), 30) as client:
                try:
                    client.sendall(text)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(65536):
                        pass
                except OSError:
                    pass
        idle = [socket.create_connection((address, int(port)), 30) for _ in range(20)]
        self.assertEqual(200, served.get("/").status)
        for client in idle:
            client.close()

    # ----------------------------------------------------------- behind a proxy

    def proxied(self):
        homes = self.root / "homes"
        for name in ("anna", "bert"):
            folder = maildir(maildir(homes / name / "Maildir") / ".spam")
            self.put(mail(len(name), "6.2", subject="for " + name), folder=folder, name="1767434401.%s.mx" % name)
        conf = self.root / "conf"
        conf.write_text('review { folders = {"%s/%%u/Maildir/.spam"} user_header = "X-Remote-User" }\n' % homes)
        self.options = ["--config", conf]
        path = self.root / "page.sock"
        return self.serve(listen="unix:%s" % path, socket_path=path), homes

    def test_a_proxy_names_the_user_who_sees_his_folders_alone(self):
        served, homes = self.proxied()
        self.assertEqual("ready for the proxy", served.url)
        self.assertEqual(0o660, stat.S_IMODE(os.stat(served.path).st_mode))
        anna = {"Cookie": None, "X_Remote_User": "anna"}
        bert = {"Cookie": None, "X_Remote_User": "bert"}
        page = served.get("/", **anna)
        self.assertIn("for anna", page.body)
        self.assertNotIn("for bert", page.body)
        key = re.search(r"/mail\?id=([0-9a-f]{12})", page.body).group(1)
        self.assertEqual(200, served.get("/mail?id=" + key, **anna).status)
        theirs = served.get("/", **bert)
        self.assertEqual(404, served.get("/mail?id=" + key, **bert).status)
        # nor is he told that it exists
        said = {served.get("/mail?id=" + id, **bert).body.replace(id, "ID")
                for id in (key, key[:4], "0123456789ab", "f" * 12)}
        self.assertEqual(1, len(said), said)
        # not even with a form of his own
        self.assertNotEqual(page.csrf(), theirs.csrf())
        self.assertEqual(403, served.post("/act", {"release": key, "csrf": page.csrf()}, **bert).status)
        served.post("/act", {"release": key, "csrf": theirs.csrf()}, **bert)
        self.assertIn("no such message in your folders", served.get("/", **bert).body)
        self.assertEqual([".spam/new/1767434401.anna.mx"], self.files(homes / "anna" / "Maildir"))
        served.post("/act", {"release": key, "csrf": page.csrf()}, **anna)
        self.assertEqual(["new/1767434401.anna.mx"], self.files(homes / "anna" / "Maildir"))
        self.assertNotIn("anna", served.get("/log", **bert).body)
        served.post("/undo", {"id": key, "csrf": theirs.csrf()}, **bert)
        self.assertEqual(["new/1767434401.anna.mx"], self.files(homes / "anna" / "Maildir"))
        served.post("/undo", {"id": key, "csrf": page.csrf()}, **anna)
        self.assertEqual([".spam/new/1767434401.anna.mx"], self.files(homes / "anna" / "Maildir"))
        self.assertIn("user=anna action=release", self.log())

    def test_names_that_are_no_names_are_refused(self):
        served, _ = self.proxied()
        for name in ("..", ".", "../anna", "anna/../bert", "", "a%00", "an na", "*", "a" * 200, "%u"):
            answer = served.get("/", Cookie=None, X_Remote_User=name)
            self.assertNotIn("for anna", answer.body, name)
            self.assertEqual(403, answer.status, name)
        self.assertEqual(403, served.get("/", Cookie=None).status)
        self.assertEqual(403, served.get("/?token=" + "0" * 32, Cookie=None).status)

    def test_two_names_are_none(self):
        served, _ = self.proxied()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(served.path))
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Remote-User: anna\r\nx-remote-user: bert\r\n"
                           b"Connection: close\r\n\r\n")
            self.assertIn(b" 403 ", client.recv(4096).split(b"\r\n")[0])

    def test_the_proxys_field_is_not_heeded_on_a_port(self):
        conf = self.root / "conf"
        conf.write_text('review { user_header = "X-Remote-User" }\n')
        self.options = ["--config", conf]
        served = self.start()
        self.assertEqual(403, served.get("/", Cookie=None, X_Remote_User="anna").status)
        self.assertNotIn("anna", served.get("/", X_Remote_User="anna").body)

    def test_a_socket_left_behind_is_taken_over_and_one_in_use_is_not(self):
        path = self.root / "page.sock"
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(str(path))
        stale.close()
        first = self.serve(folder=self.spam, listen="unix:%s" % path, socket_path=path)
        self.assertIn("/?token=", first.url)
        with self.assertRaises(AssertionError) as caught:
            self.serve(folder=self.spam, listen="unix:%s" % path, socket_path=path)
        self.assertIn("in use", str(caught.exception))

    def test_a_wrong_place_to_listen_says_what_is_allowed(self):
        for place in ("x", "localhost:80", "127.0.0.1", ":1", "127.0.0.1:99999", "unix:relative"):
            err = self.refused("serve", self.spam, "--listen", place)
            self.assertIn("allowed: 127.0.0.1:8025", err)


if __name__ == "__main__":
    unittest.main()
