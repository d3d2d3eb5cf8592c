/* SPDX-License-Identifier: BSD-2-Clause */
/* One line at a time: what is read, what is doubtful, what is nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "maillog/maillog.h"

/* 2026-06-01 00:00:00 UTC */
#define NOW 1780272000

#define AT      "Jan 26 00:57:38 h "
#define SMTPD   AT "postfix/smtpd[1]: "
#define CLEANUP AT "postfix/cleanup[1]: "
#define AMAVIS  AT "amavis[7]: (00007-01) "
#define SPAMD   AT "spamd[9]: spamd: result: "
#define RSPAMD  AT "rspamd[3]: <94f35d>; proxy; rspamd_task_write_log: "
#define MORE                                                                       \
	"scantime=1.0,size=2,user=u,uid=1,required_score=5.0,rhost=::1,raddr=::1," \
	"rport=1"
#define END "[X(0.00){}]), len: 1, time: 2.3ms, dns req: 0, digest: <1>"

/* Texts that are NULL, or left out at the end, are not looked at; score 0: none. */
struct wanted {
	const char *line;
	enum log_kind kind;
	const char *ip, *queue_id, *message_id, *verdict;
	double score;
};
#define ROW(...)                                                                   \
	{                                                                          \
		.line = __VA_ARGS__                                                \
	}

static struct log_line
parse(char *text, struct log_envelope *envelope)
{
	struct log_clock clock = {0};

	return maillog_parse(&clock, envelope, text, NOW);
}

static void
check(const struct wanted *wanted)
{
	struct log_envelope envelope;
	char *text = strdup(wanted->line), ip[IP_TEXT_SIZE];
	struct log_line line = parse(text, &envelope);

	if (line.kind != wanted->kind)
		print_error("%s\n", wanted->line);
	assert_int_equal(line.kind, wanted->kind);
	if (wanted->ip != NULL) {
		assert_true(line.has_ip);
		assert_string_equal(ip_to_text(&line.ip, ip), wanted->ip);
	}
	if (wanted->queue_id != NULL)
		assert_string_equal(line.queue_id, wanted->queue_id);
	if (wanted->message_id != NULL)
		assert_string_equal(line.message_id, wanted->message_id);
	if (wanted->kind == LOG_VERDICT) {
		if (wanted->verdict == NULL)
			assert_null(line.verdict);
		else
			assert_string_equal(line.verdict, wanted->verdict);
		if (wanted->score == 0)
			assert_true(isnan(line.score));
		else
			assert_true(fabs(line.score - wanted->score) < 0.001);
	}
	envelope_clear(&envelope);
	free(text);
}

static void
check_all(const struct wanted *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(&wanted[i]);
}
#define CHECK(table) check_all(table, sizeof table / sizeof(*(table)))

static const struct wanted postfix_lines[] = {
    ROW("garbage", LOG_BROKEN),
    ROW("Jan 99 00:57:38 h postfix/smtpd[1]: connect from a[192.0.2.1]",
        LOG_BROKEN),
    ROW("Jan 26 00:57:38", LOG_BROKEN),
    ROW("", LOG_BROKEN),
    ROW("-- Boot 5f3c --", LOG_OTHER),
    ROW(AT, LOG_OTHER),
    ROW(AT "sshd[1]: connect from a[192.0.2.1]", LOG_OTHER),
    ROW(SMTPD "connect from", LOG_OTHER),
    ROW(SMTPD "connect from a.example[192.0.2.1]", LOG_CONNECT, "192.0.2.1"),
    ROW(SMTPD "connect from a.example[192.0.2.1]:55729", LOG_CONNECT, "192.0.2.1"),
    ROW(SMTPD "lost connection after RCPT from a.example[192.0.2.1]", LOG_LEFT,
        "192.0.2.1"),
    ROW(SMTPD "lost connection after DATA (7 bytes) from a.example[192.0.2.1]:7",
        LOG_LEFT, "192.0.2.1"),
    ROW(SMTPD "timeout after END-OF-MESSAGE from a.example[192.0.2.1]", LOG_LEFT,
        "192.0.2.1"),
    ROW(SMTPD "disconnect from a.example[192.0.2.1]:9 ehlo=1 quit=1 commands=2",
        LOG_LEFT, "192.0.2.1"),
    ROW(SMTPD "[ID 197553 mail.info] 9F2183652: client=a.example[192.0.2.1]",
        LOG_ACCEPT, "192.0.2.1", "9F2183652"),
    ROW(SMTPD "4bZ: client=a.example[192.0.2.1]:55729", LOG_ACCEPT, "192.0.2.1",
        "4bZ"),
    ROW(SMTPD "NOQUEUE: reject: RCPT from unknown[192.0.2.1]:55729: 450 4.7.1 x; "
              "from=<a@b> to=<c@d> proto=ESMTP helo=<x>",
        LOG_REFUSE, "192.0.2.1", "NOQUEUE"),
    ROW(SMTPD "4bZ: milter-reject: END-OF-MESSAGE from m[192.0.2.1]: 550 5.7.1 no; "
              "from=<> to=<c@d.example> proto=SMTP helo=<m>",
        LOG_REFUSE, "192.0.2.1", "4bZ"),
    ROW(SMTPD "NOQUEUE: reject_warning: RCPT from a[192.0.2.1]: 554 5.7.1 no; "
              "from=<a@b> to=<c@d>",
        LOG_WARNING, "192.0.2.1"),
    ROW(SMTPD "proxy-reject: END-OF-MESSAGE: 554 5.7.0 no; from=<a@b> to=<c@d> "
              "proto=ESMTP helo=<x>",
        LOG_REFUSE),
    ROW(SMTPD "proxy-accept: END-OF-MESSAGE: 250 2.0.0 ok; from=<a@b> to=<c@d>",
        LOG_OTHER),
    ROW(CLEANUP "4bZ: message-id=<m@x.example>", LOG_MESSAGE, NULL, "4bZ",
        "<m@x.example>"),
    ROW(CLEANUP "4bZ: milter-reject: END-OF-MESSAGE from m[192.0.2.1]: 4.7.1 Try "
                "again later; from=<a@b> to=<c@d> proto=ESMTP helo=<x>",
        LOG_REFUSE, "192.0.2.1", "4bZ"),
    ROW(AT "postfix/qmgr[1]: 4bZ: from=<a@b>, size=7, nrcpt=1 (queue active)",
        LOG_QUEUED, NULL, "4bZ"),
    ROW(AT "postfix/qmgr[1]: 4bZ: removed", LOG_QUEUED, NULL, "4bZ"),
    ROW(AT "postfix/qmgr[1]: 4bZ: from=<a@b>, status=expired, returned to sender",
        LOG_OTHER),
};

/* header_checks see what the sender wrote; a milter's header is another line. */
static const struct wanted header_lines[] = {
    ROW(CLEANUP "4bZ: info: header X-Spam-Status: No, score=-7.2 required=5.0 from "
                "p7-dyn100.example.net[198.51.100.7]; from=<a@b> to=<c@d> "
                "proto=ESMTP helo=<x>",
        LOG_OTHER),
    ROW(CLEANUP "4bZ: warning: header X-Spam-Status: Yes, score=9 from "
                "local; from=<a@b>",
        LOG_OTHER),
    ROW(CLEANUP
        "4bZ: prepend: header X-Spam-Status: No, score=-7.2 from x[192.0.2.1];"
        " from=<a@b>: X-Old: milter-header-info: header X-Spam-Status: No",
        LOG_OTHER),
    ROW(CLEANUP "4bZ: info: header Subject: milter-header-info: header "
                "X-Spam-Status: No, score=-9 from x[192.0.2.1]; from=<a@b>",
        LOG_OTHER),
    ROW(CLEANUP
        "4bZ: milter-header-info: header Subject: header X-Spam-Status: No, "
        "score=-9 from x[192.0.2.1]; from=<a@b>",
        LOG_OTHER),
    ROW(CLEANUP "4bZ: milter-header-info: header X-Spam-Status: Yes, score=7.5 "
                "required=5.0 tests=BAYES_99 from p7.example.net[198.51.100.7]; "
                "from=<a@b> to=<c@d> proto=ESMTP helo=<x>",
        LOG_VERDICT, "198.51.100.7", "4bZ", "", "spam", 7.5),
    ROW(CLEANUP "4bZ: milter-header-warning: header X-Spam-Status: No, score=-1.9 "
                "required=5.0 from unknown[198.51.100.7]; from=<>: seen",
        LOG_VERDICT, "198.51.100.7", "4bZ", "", "ham", -1.9),
    /* a folded header */
    ROW(CLEANUP "4bZ: milter-header-info: header X-Spam-Status: No,?\tscore=0.5 "
                "required=5.0 from unknown[198.51.100.7]; from=<>",
        LOG_VERDICT, NULL, "4bZ", "", "ham", 0.5),
};

static const struct wanted amavis_lines[] = {
    ROW(AMAVIS
        "Passed CLEAN {RelayedInbound}, [192.0.2.1]:25 [192.0.2.9] <a@b> -> "
        "<c@d>,<e@f>, Queue-ID: 4bZ, Message-ID: <m@x>, mail_id: i-7_, Hits: "
        "-1.9, size: 7, queued_as: 5D, 10 ms",
        LOG_VERDICT, "192.0.2.1", "4bZ", "<m@x>", "ham", -1.9),
    ROW(AMAVIS "Blocked SPAM {DiscardedInbound,Quarantined}, LOCAL [192.0.2.1]:25 "
               "<a@b> -> <c@d>, quarantine: spam-7.gz, Queue-ID: 4bZ, Message-ID: "
               "<m@x>, Resent-Message-ID: <r@x>, mail_id: i, Hits: 21.25, size: 7, "
               "dkim_sd=s:b.example, 10 ms",
        LOG_VERDICT, "192.0.2.1", "4bZ", "<m@x>", "spam", 21.25),
    ROW(AMAVIS "Passed SPAMMY {RelayedTagged}, [IPv6:2001:db8::7]:25 <> -> <c@d>, "
               "Queue-ID: 4bZ, Hits: 6.3, size: 7, 10 ms",
        LOG_VERDICT, "2001:db8::7", "4bZ", "", "spam", 6.3),
    ROW(AMAVIS
        "Passed BAD-HEADER-2 {RelayedInbound}, [192.0.2.1]:25 <a@b> -> <c@d>, "
        "Message-ID: <m@x>, mail_id: i, Hits: 1.5, size: 7, 10 ms",
        LOG_VERDICT, NULL, "", "<m@x>", "ham", 1.5),
    /* not looked through for spam */
    ROW(AMAVIS
        "Passed CLEAN {RelayedInbound}, [192.0.2.1]:25 <a@b> -> <c@d>, "
        "Queue-ID: 4bZ, Message-ID: <m@x>, mail_id: i, Hits: -, size: 7, 10 ms",
        LOG_NO_RESULT),
    ROW(AMAVIS
        "Blocked INFECTED (Eicar, Queue-ID: GOOD, Hits: 1, 3 ms) {Discarded}, "
        "<a@b> -> <c@d>, Queue-ID: 4bZ, Hits: -, size: 7, 10 ms",
        LOG_NO_RESULT),
    /* a score, but the class does not tell of spam */
    ROW(AMAVIS "Passed UNCHECKED-ENCRYPTED {RelayedInbound}, <a@b> -> <c@d>, "
               "Queue-ID: 4bZ, Hits: 1.5, size: 7, 10 ms",
        LOG_VERDICT, NULL, "4bZ", "", NULL, 1.5),
    /* addresses and Message-IDs that look like the rest; \\ is one backslash */
    ROW(AMAVIS
        "Passed SPAM {RelayedTagged}, [192.0.2.1]:25 <\"x, Queue-ID: NONE1, "
        "Message-ID: <news-1@list.example>, Hits: 31\"@evil.example> -> "
        "<c@d>, Queue-ID: 4bZ, Message-ID: <m@x>, mail_id: i, Hits: 8, size: "
        "7, 10 ms",
        LOG_VERDICT, "192.0.2.1", "4bZ", "<m@x>", "spam", 8),
    ROW(AMAVIS
        "Passed SPAM {RelayedTagged}, [192.0.2.1]:25 <\"x\\\\\"> -> <y>, "
        "Queue-ID: GOOD, Hits: 1, size: 7, 1 ms\"@evil.example> -> <c@d>, "
        "Queue-ID: 4bZ, Message-ID: <m@x>, mail_id: i, Hits: 8, size: 7, 10 ms",
        LOG_VERDICT, "192.0.2.1", "4bZ", "<m@x>", "spam", 8),
    ROW(AMAVIS "Passed SPAM {RelayedTagged}, <a@b> -> <c@d>, Queue-ID: 4bZ, "
               "Message-ID: <\", Queue-ID: GOOD, Hits: 1, size: 7, 1 ms\"@x>, "
               "mail_id: i, Hits: 8, size: 7, 10 ms",
        LOG_VERDICT, NULL, "4bZ",
        "<\", Queue-ID: GOOD, Hits: 1, size: 7, 1 ms\"@x>", "spam", 8),
    ROW(AMAVIS "Passed SPAM {RelayedTagged}, <a@[x> -> <c@d>, Queue-ID: GOOD, "
               "Message-ID: <m>, Hits: 1, size: 7, 1 ms]> -> <c@d>, Queue-ID: 4bZ, "
               "Message-ID: <m@x>, mail_id: i, Hits: 8, size: 7, 10 ms",
        LOG_DOUBTFUL),
    ROW(AMAVIS "Passed CLEAN, <a@b> -> <c@d>, Hits: 1.6, tag=0, tag2=5, "
               "kill=20, queued_as: 820D7A7E104, L/Y/0/0",
        LOG_OTHER),
    ROW(AMAVIS "Checking: 7 [192.0.2.1] <a@b> -> <c@d>", LOG_OTHER),
    ROW("Sep 11 11:56:38.534 h /usr/sbin/amavisd-new[1]: (1-2) Passed CLEAN "
        "{RelayedInbound}, <a@b> -> <c@d>, Queue-ID: 4bZ, Hits: 0.1, size: 7, "
        "1 ms",
        LOG_VERDICT, NULL, "4bZ", "", "ham", 0.1),
};

static const struct wanted spamd_lines[] = {
    ROW(SPAMD "Y 15 - BAYES_99,X " MORE ",mid=<m@x>,bayes=1.0,autolearn=no",
        LOG_VERDICT, NULL, "", "<m@x>", "spam", 15),
    ROW(SPAMD ". -1 - X " MORE ",mid=<m@x>,rmid=<r@x>,autolearn=ham", LOG_VERDICT,
        NULL, "", "<m@x>", "ham", -1),
    ROW(SPAMD ".  1 -  " MORE ",mid=<m@x>,autolearn=ham", LOG_VERDICT, NULL, "",
        "<m@x>", "ham", 1),
    ROW(SPAMD "Y 15 - X " MORE ",mid=(unknown),autolearn=no", LOG_NO_RESULT),
    ROW(SPAMD
        "Y 15 - X scantime=1.0,size=2,user=a,mid=<good@x>,uid=1,"
        "required_score=5.0,rhost=::1,raddr=::1,rport=1,mid=<m@x>,autolearn=no",
        LOG_DOUBTFUL),
    ROW(AT "spamd[9]: spamd: processing message <a>_spamd: result: Y 9 - X for u:1",
        LOG_OTHER),
    ROW("Feb  1 05:22:38.123 [9675] info: spamd: result: Y 7 - X " MORE
        ",mid=<m@x>,autolearn=no",
        LOG_VERDICT, NULL, NULL, "<m@x>", "spam", 7),
    ROW("Fri Feb  1 05:22:38 2019 [9675] info: spamd: result: Y 7 - X " MORE
        ",mid=<m@x>,autolearn=no",
        LOG_VERDICT, NULL, "", "<m@x>", "spam", 7),
};

static const struct wanted rspamd_lines[] = {
    /* as the journal and a syslog have it */
    ROW(AT "rspamd[3]: (normal) <94f35d>; task; rspamd_task_write_log: id: "
           "<m@x>, qid: <4bZ>, (default: T (reject): [9/15] " END,
        LOG_VERDICT, NULL, "4bZ", NULL, "spam", 9),
    ROW(AT "rspamd[3]: 2026-01-26 00:57:38 #3(normal) <94f35d>; task; "
           "rspamd_task_write_log: id: <m@x>, qid: <4bZ>, (default: T "
           "(reject): [9/15] " END,
        LOG_VERDICT, NULL, "4bZ", NULL, "spam", 9),
    ROW(RSPAMD "id: <m@x>, qid: <4bZ>, ip: 192.0.2.1, from: <a@b>, (default: T "
               "(reject): [21.30/15.00] " END,
        LOG_VERDICT, "192.0.2.1", "4bZ", "<m@x>", "spam", 21.3),
    ROW(RSPAMD "id: <undef>, qid: <4bZ>, ip: 2001:db8::7, user: joe, (default: T "
               "(add header): [7.00/15.00] " END,
        LOG_VERDICT, "2001:db8::7", "4bZ", "", "spam", 7),
    ROW(RSPAMD "id: <m@x>, qid: <4bZ>, ip: 192.0.2.1, from: <a@b>, (default: T "
               "(rewrite subject): [9/15] " END,
        LOG_VERDICT, NULL, "4bZ", "<m@x>", "spam", 9),
    ROW(RSPAMD "id: <m@x>, qid: <4bZ>, ip: 192.0.2.1, from: <a@b>, (default: F (no "
               "action): [-2.11/15.00] " END,
        LOG_VERDICT, NULL, "4bZ", "<m@x>", "ham", -2.11),
    ROW("2026-03-07 16:16:41 #4493(rspamd_proxy) <94f35d>; proxy; "
        "rspamd_task_write_log: id: <m@x>, qid: <3E63>, ip: 192.0.2.1, "
        "(default: F (no "
        "action): [1.5/15.00] " END,
        LOG_VERDICT, "192.0.2.1", "3E63", "<m@x>", "ham", 1.5),
    /* to come again, or an admin's own rule */
    ROW(RSPAMD "id: <m@x>, qid: <4bZ>, (default: F (soft reject): [1/15.00] " END,
        LOG_NO_RESULT),
    ROW(RSPAMD "id: <m@x>, qid: <4bZ>, (default: F (greylist): [4.5/15.00] " END,
        LOG_NO_RESULT),
    ROW(RSPAMD "id: <m@x>, qid: <4bZ>, (default: F (discard): [4.5/15.00] " END,
        LOG_NO_RESULT),
    ROW(RSPAMD "id: <m@x>, qid: <4bZ>, (default: F (quarantine): [4.5/15.00] " END,
        LOG_NO_RESULT),
    ROW(RSPAMD "id: <m@x>, qid: <4bZ>, (default: F (phishing): [4.5/15.00] " END,
        LOG_NO_RESULT),
    ROW(RSPAMD "id: <m@x>, qid: <4bZ>, (default: S (reject): [15.00/15.00] " END,
        LOG_NO_RESULT),
    ROW(RSPAMD "id: <m@x>, qid: <4bZ>, (default: T (reject): [nan/15.00] " END,
        LOG_DOUBTFUL),
    ROW(RSPAMD "id: <m@x>, qid: <4bZ>, (default: T (reject): [2/15.00] " END
               ", rcpts: <c@d>, forced: reject \"no\"; score=nan (set by virus)",
        LOG_NO_RESULT),
    /* as rspamd 3.4 and older ones write a Message-ID "<a>, qid: <GOOD>, x>" */
    ROW(RSPAMD "id: <a>,?qid:?<GOOD>,?x>, qid: <4bZ>, ip: 192.0.2.1, (default: T "
               "(reject): [21.30/15.00] " END,
        LOG_VERDICT, NULL, "4bZ", "<a>,?qid:?<GOOD>,?x>", "spam", 21.3),
    ROW(RSPAMD "id: <a>, qid: <GOOD>, x>, qid: <4bZ>, ip: 192.0.2.1, (default: T "
               "(reject): [21.30/15.00] " END,
        LOG_DOUBTFUL),
    ROW(RSPAMD "id: <a>, qid: <GOOD>, x>, ip: 192.0.2.1, (default: T (reject): "
               "[21.30/15.00] " END,
        LOG_DOUBTFUL),
    /* a sender, and an option of a symbol */
    ROW(RSPAMD "id: <m@x>, qid: <4bZ>, ip: 192.0.2.1, from: <x>, (default: F (no "
               "action): [0/15] [@b>, (default: T (reject): [21.30/15.00] " END,
        LOG_DOUBTFUL),
    ROW(RSPAMD "id: <m@x>, qid: <4bZ>, ip: 192.0.2.1, (default: T (reject): "
               "[21.30/15.00] [X(1){(default: F (no action): [0/15] [;}]), len: 1",
        LOG_DOUBTFUL),
    ROW(AT
        "rspamd[3]: <94f35d>; task; rspamd_message_parse: loaded message; id: "
        "<x>; rspamd_task_write_log: id: <m>, qid: <GOOD>, (default: T (reject)>",
        LOG_OTHER),
};

static void
each_line_of_postfix_is_understood_or_skipped(void **state)
{
	(void)state;
	CHECK(postfix_lines);
}

static void
only_a_header_that_a_milter_added_is_a_verdict(void **state)
{
	(void)state;
	CHECK(header_lines);
}

static void
amavis_is_read_by_its_quoting(void **state)
{
	(void)state;
	CHECK(amavis_lines);
}

static void
spamd_is_read_from_its_own_file_and_a_syslog(void **state)
{
	(void)state;
	CHECK(spamd_lines);
}

static void
each_action_of_rspamd_means_what_its_manual_says(void **state)
{
	(void)state;
	CHECK(rspamd_lines);
}

static const char *const forms[] = {
    "2026-01-26T00:57:38.123456+00:00 h postfix/smtpd[7]: %s",
    "2026-01-26T00:57:38+0000 h postfix/smtpd[7]: %s",
    "2026-01-26T00:57:38Z h postfix/smtpd[7]: %s",
    "Jan 26 00:57:38.123456 h postfix/smtpd[7]: %s",
    "1769389058.123456 h postfix/smtpd[7]: %s",
    "Mon 2026-01-26 00:57:38 UTC h postfix/smtpd[7]: %s",
    "<22>Jan 26 00:57:38 h postfix/smtpd[7]: %s",
    "<22>1 2026-01-26T00:57:38Z h postfix/smtpd 7 - - %s",
    "1 2026-01-26T00:57:38Z h postfix/smtpd 7 ID [a b=\"\\]\"][c] %s",
    "Jan 26 00:57:38 <mail.info> h postfix/smtpd[7]: %s",
    "Jan 26 00:57:38 <2.6> h postfix/smtpd[7]: %s",
    "mail-1  | Jan 26 00:57:38 h postfix/smtpd[7]: %s",
    "2026-01-26T00:57:38.123456789Z Jan 26 01:57:38 h postfix/smtpd[7]: %s",
    "2026-01-26T00:57:38.123456789Z postfix/smtpd[7]: %s",
    ("{\"__REALTIME_TIMESTAMP\":\"1769389058123456\",\"_HOSTNAME\":\"h\","
     "\"SYSLOG_IDENTIFIER\":\"postfix/smtpd\",\"SYSLOG_PID\":\"7\","
     "\"MESSAGE\":\"%s\"}"),
    ("{\"log\":\"Jan 26 00:57:38 h postfix/smtpd[7]: %s\\n\",\"stream\":"
     "\"stdout\",\"time\":\"2026-01-26T00:57:38.1Z\"}"),
    "\xef\xbb\xbfJan 26 00:57:38 h postfix/smtpd[7]: %s",
};

static void
every_form_of_a_log_tells_time_process_and_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct log_envelope envelope;
		const char *hole = strstr(forms[i], "%s");
		char text[500];
		snprintf(text, sizeof text, "%.*s%s%s", (int)(hole - forms[i]),
		    forms[i], "4bZ: client=a.example[192.0.2.1]:55729", hole + 2);
		struct log_line line = parse(text, &envelope);
		if (line.kind != LOG_ACCEPT)
			print_error("%s\n", forms[i]);
		assert_int_equal(line.kind, LOG_ACCEPT);
		assert_int_equal(line.time, 1769389058);
		assert_int_equal(line.pid, 7);
		assert_string_equal(line.queue_id, "4bZ");
		envelope_clear(&envelope);
	}
}

/* The journal writes what is not UTF-8 as an array, what is too long as null. */
static void
the_octets_of_a_journal_are_read(void **state)
{
	char text[] = "{\"__REALTIME_TIMESTAMP\":\"1769389058123456\",\"_PID\":"
	              "\"7\",\"SYSLOG_IDENTIFIER\":\"postfix/cleanup\",\"MESSAGE\":"
	              "[52,98,90,58,32,109,101,115,115,97,103,101,45,105,100,61,60,"
	              "233,62]}";
	char none[] = "{\"__REALTIME_TIMESTAMP\":\"1\",\"SYSLOG_IDENTIFIER\":\"x\","
	              "\"MESSAGE\":null}";
	struct log_envelope envelope;

	(void)state;
	struct log_line line = parse(text, &envelope);
	assert_int_equal(line.kind, LOG_MESSAGE);
	assert_string_equal(line.message_id, "<\xe9>");
	envelope_clear(&envelope);
	assert_int_equal(parse(none, &envelope).kind, LOG_BROKEN);
	envelope_clear(&envelope);
}

static const struct {
	const char *line, *sender, *recipient; /* NULL: not certain */
	unsigned code;
	const char *reply;
	bool is_end;
} refusals[] = {
    ROW(SMTPD "NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 450 4.7.1 <x>: "
              "from=<fake> rejected; from=<a@b.example> to=<c@d.example> "
              "proto=ESMTP helo=<x>",
        "a@b.example", "c@d.example", 450, "450", false),
    ROW(SMTPD "NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.1.1 <\"; "
              "from=<x@y> to=<z\"@d>: unknown; from=<a@b> to=<\"; from=<x@y> "
              "to=<z\"@d> proto=ESMTP helo=<x>",
        "a@b", "\"; from=<x@y> to=<z\"@d", 550, "550", false),
    /* info_log_address_format = internal quotes nothing */
    ROW(SMTPD "NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 450 x; from=<a> "
              "to=<v>; from=<a@b> to=<c@d> proto=ESMTP helo=<x>",
        "a@b", "c@d", 450, "450", false),
    ROW(SMTPD "NOQUEUE: reject: MAIL from unknown[192.0.2.1]: 450 x; from=<> "
              "proto=ESMTP helo=<x>",
        "", "", 450, "450", false),
    ROW(CLEANUP "4bZ: milter-reject: END-OF-MESSAGE from m[192.0.2.1]: 5.7.1 Spam; "
                "from=<a@b> to=<c@d> proto=ESMTP helo=<x>",
        "a@b", "c@d", 500, "5.7.1", true),
    ROW(CLEANUP "4bZ: reject: header Subject: buy from m[192.0.2.1]; from=<a@b> "
                "to=<c@d> proto=ESMTP helo=<x>: 5.7.1 no",
        NULL, NULL, 500, "5.7.1", true),
    /* cut off, as by a full disk: nothing behind its end is read (ASan) */
    ROW(CLEANUP "4bZ: reject: header Subject: ", NULL, NULL, 500, "5.7.1", true),
    ROW(SMTPD "4bZ: reject: RCPT from m[192.0.2.1]: 554 5.7.1 no; from=<a@b> "
              "to=<c@d> proto=ESMTP helo=<x> sasl_username=<joe>",
        "a@b", "c@d", 554, "554", false),
};

static void
what_was_refused_is_read_from_its_fixed_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		struct log_envelope envelope;
		char *text = strdup(refusals[i].line);
		struct log_line line = parse(text, &envelope);
		if (line.kind != LOG_REFUSE)
			print_error("%s\n", refusals[i].line);
		assert_int_equal(line.kind, LOG_REFUSE);
		assert_int_equal(line.code, refusals[i].code);
		assert_string_equal(line.reply, refusals[i].reply);
		assert_int_equal(line.is_end, refusals[i].is_end);
		assert_int_equal(line.has_mail, refusals[i].sender != NULL);
		if (line.has_mail) {
			assert_string_equal(line.sender, refusals[i].sender);
			assert_string_equal(line.recipient, refusals[i].recipient);
		}
		free(text);
	}
}

/* header_checks: the sender's header may look like the reply. */
static void
a_reply_that_a_header_imitates_is_doubtful(void **state)
{
	char text[] = CLEANUP "4bZ: reject: header Subject: x: 4.7.1 y from "
	                      "m[192.0.2.1]; from=<a@b>: 5.7.1 no";
	struct log_envelope envelope;

	(void)state;
	assert_int_equal(parse(text, &envelope).kind, LOG_DOUBTFUL);
}

/* Octets changed, cut: read in bounds (under ASan), never a crash. */
static void
maim(const char *line, uint64_t *dice)
{
	size_t length = strlen(line);
	struct log_envelope envelope;
	char *text = strdup(line);

	for (int change = 0; change < 3 && length > 0; change++) {
		*dice = *dice * 6364136223846793005ULL + 1442695040888963407ULL;
		size_t at = (size_t)(*dice >> 33) % length;
		text[at] = *dice >> 62 == 0
		               ? '\0'
		               : (char)("\xff<>[]:;,= /-\"'("[*dice >> 59 & 15]);
	}
	char *exact = strdup(text); /* so that ASan sees its very end */
	struct log_line parsed = parse(exact, &envelope);
	assert_true(strlen(parsed.name) + strlen(parsed.queue_id) +
	                strlen(parsed.message_id) + strlen(parsed.sender) +
	                strlen(parsed.recipient) <=
	            8 * (length + 1));
	envelope_clear(&envelope);
	free(exact);
	free(text);
}

static void
broken_lines_do_no_harm(void **state)
{
	static const struct {
		const struct wanted *lines;
		size_t count;
	} tables[] = {
#define TABLE(lines) {lines, sizeof lines / sizeof(*(lines))}
	    TABLE(postfix_lines), TABLE(header_lines), TABLE(amavis_lines),
	    TABLE(spamd_lines), TABLE(rspamd_lines)};
	uint64_t dice = 1;

	(void)state;
	for (int round = 0; round < 700; round++) {
		for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
			for (size_t j = 0; j < tables[i].count; j++)
				maim(tables[i].lines[j].line, &dice);
		}
		for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
			maim(forms[i], &dice);
	}
}

static int
use_utc(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_line_of_postfix_is_understood_or_skipped),
	    cmocka_unit_test(only_a_header_that_a_milter_added_is_a_verdict),
	    cmocka_unit_test(amavis_is_read_by_its_quoting),
	    cmocka_unit_test(spamd_is_read_from_its_own_file_and_a_syslog),
	    cmocka_unit_test(each_action_of_rspamd_means_what_its_manual_says),
	    cmocka_unit_test(every_form_of_a_log_tells_time_process_and_text),
	    cmocka_unit_test(the_octets_of_a_journal_are_read),
	    cmocka_unit_test(what_was_refused_is_read_from_its_fixed_places),
	    cmocka_unit_test(a_reply_that_a_header_imitates_is_doubtful),
	    cmocka_unit_test(broken_lines_do_no_harm),
	};

	return cmocka_run_group_tests(tests, use_utc, NULL);
}
