# SPDX-License-Identifier: BSD-2-Clause
"""Writes a Maildir with so many mails in .spam: review_mails.py MAILDIR COUNT"""
import os
import random
import sys

SESSION = (
    "X-TaRgrey-Session: v=1; id=mx.example.jp; sid=%010x; mode=targrey; verdict=hold; why=s25r; "
    "would=none; rdns=none; s25r=match; s25r_rule=1; tarpit=endured; tarpit_secs=125; grey=none; "
    "grey_tries=0; grey_secs=0; early=no; age=0; seen=0; passed=0; gaveup=0; gaveup_secs=0; ham=0; "
    "spam=0; rcpt_refused=0; helo=fqdn; helo_dns=match; from=ok; spf=none; spf_helo=none; pipe=no; "
    "tls=yes; local=none; forged=0; fault=none\n"
    "X-TaRgrey-Client: v=1; ip=192.0.2.%d; name=unknown; ptr=unknown; heloname=x; key=192.0.2.%d\n"
    "X-TaRgrey-Flags: S25R NORDNS TARPIT FIRST\n")

root, count = sys.argv[1], int(sys.argv[2])
dice = random.Random(1)
for folder in (root, root + "/.spam"):
    for part in ("cur", "new", "tmp"):
        os.makedirs(folder + "/" + part)
body = "\n" + "".join("line %d of a body of ordinary length\n" % n for n in range(100))
for number in range(count):
    score = dice.gauss(9, 8)
    text = ("Return-Path: <a%d@b.example>\nX-Spam-Flag: YES\nX-Spam-Score: %.2f\nX-Spam-Level: *****\n"
            "X-Spam-Status: Yes, score=%.2f tagged_above=-999 required=5\n"
            "\ttests=[BAYES_99=3.8, HTML_MESSAGE=0.001, RDNS_NONE=0.8,\n\tURIBL_BLACK=1.7] autolearn=no\n"
            % (number, score, score))
    if number % 2:
        text += SESSION % (number, number % 250, number % 250)
    text += "".join("Received: from relay%d.example.net (relay%d [192.0.2.%d])\n\tby mx.example.jp with ESMTP id %d;\n"
                    "\tSat, 3 Jan 2026 10:00:00 +0000\n" % (n, n, n, number) for n in range(3))
    text += ("From: =?utf-8?B?5bGx55Sw?= <a%d@b.example>\nTo: taro@example.jp\n"
             "Subject: =?iso-2022-jp?B?GyRCMnE1RCRONzobKEI=?= %d\nMessage-ID: <%d@b.example>\n"
             "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n" % (number, number, number))
    with open("%s/.spam/cur/1767434%03d.M%dP1.mx:2," % (root, number % 1000, number), "w") as file:
        file.write(text + body)
