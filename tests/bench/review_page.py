# SPDX-License-Identifier: BSD-2-Clause
"""How long the page takes, median of 11: review_page.py URL"""
import http.client
import sys
import time
import urllib.parse

url = urllib.parse.urlsplit(sys.argv[1])
cookie = "targrey_%d=%s" % (url.port, url.query.partition("=")[2])
for name, path in (("page.list", "/"), ("page.band", "/?band=certain"), ("page.search", "/?text=4999")):
    took = []
    for _ in range(11):
        client = http.client.HTTPConnection(url.netloc, timeout=60)
        begin = time.monotonic()
        client.request("GET", path, headers={"Cookie": cookie})
        answer = client.getresponse()
        answer.read()
        took.append((time.monotonic() - begin) * 1000)
        client.close()
        assert answer.status == 200, answer.status
    print("%s\t%.1f\tms" % (name, sorted(took)[5]))
