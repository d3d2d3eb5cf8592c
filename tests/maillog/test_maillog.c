/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "maillog/study.h"
#include "maillog/maillog.h"

/* 2026-06-01 00:00:00 UTC */
#define NOW 1780272000

static const struct {
	const char *line;
	enum log_kind kind;
	const char *name, *queue_id, *message_id, *sender, *recipient;
	unsigned code;
	const char *verdict;
	double score;
} lines[] = {
    {"", LOG_BROKEN, "", "", "", "", "", 0, NULL, NAN},
    {"garbage", LOG_BROKEN, "", "", "", "", "", 0, NULL, NAN},
    {"Jan 99 00:57:38 h postfix/smtpd[1]: connect from a[192.0.2.1]", LOG_BROKEN,
        "", "", "", "", "", 0, NULL, NAN},
    {"Jan 26 00:57:38", LOG_BROKEN, "", "", "", "", "", 0, NULL, NAN},
    {"Jan 26 00:57:38 h", LOG_OTHER, "", "", "", "", "", 0, NULL, NAN},
    {"Jan 26 00:57:38 h sshd[1]: connect from a[192.0.2.1]", LOG_OTHER, "", "", "",
        "", "", 0, NULL, NAN},
    {"Jan 26 00:57:38 h postfix/smtpd[1]: connect from", LOG_OTHER, "", "", "", "",
        "", 0, NULL, NAN},
    {"Jan 26 00:57:38 h postfix/smtpd[1]: connect from a.example[192.0.2.1]",
        LOG_CONNECT, "a.example", "", "", "", "", 0, NULL, NAN},
    {"Jan 26 00:57:38 h postfix/smtpd[1]: [ID 197553 mail.info] 9F2183652: "
     "client=a.example[192.0.2.1]",
        LOG_ACCEPT, "a.example", "9F2183652", "", "", "", 0, NULL, NAN},
    {"2026-01-26T00:57:38.123456+01:00 h postfix/submission/smtpd[1]: 3YxQ1: "
     "client=a.example[2001:db8::1], sasl_method=PLAIN",
        LOG_ACCEPT, "a.example", "3YxQ1", "", "", "", 0, NULL, NAN},
    {"Jan  6 00:57:38 h postfix/smtpd[1]: NOQUEUE: reject: RCPT from "
     "unknown[192.0.2.1]: 450 4.7.1 <x>: from=<fake> rejected; from=<a@b.example> "
     "to=<c@d.example> proto=ESMTP helo=<x>",
        LOG_REFUSE, "unknown", "", "", "a@b.example", "c@d.example", 450, NULL,
        NAN},
    {"Jan 26 00:57:38 h postfix/smtpd[1]: 4ABC: milter-reject: END-OF-MESSAGE from "
     "m.example[192.0.2.1]: 550 5.7.1 no; from=<> to=<c@d.example> proto=SMTP "
     "helo=<m>",
        LOG_REFUSE, "m.example", "", "", "", "c@d.example", 550, NULL, NAN},
    {"Jan 26 00:57:38 h postfix/smtpd[1]: NOQUEUE: reject_warning: RCPT from "
     "a.example[192.0.2.1]: 554 5.7.1 blocked; from=<a@b> to=<c@d>",
        LOG_WARNING, "a.example", "", "", "a@b", "c@d", 554, NULL, NAN},
    {"Jan 26 00:57:38 h postfix/smtpd[1]: lost connection after RCPT from "
     "a.example[192.0.2.1]",
        LOG_CONNECT, "a.example", "", "", "", "", 0, NULL, NAN},
    {"Jan 26 00:57:38 h postfix/cleanup[1]: 4ABC: message-id=<m@x.example>",
        LOG_MESSAGE, "", "4ABC", "<m@x.example>", "", "", 0, NULL, NAN},
    {"Jan 26 00:57:38 h postfix/cleanup[1]: 4ABC: info: header X-Spam-Status: Yes, "
     "score=7.5 required=5.0 tests=X from local; from=<a> to=<b>",
        LOG_VERDICT, "", "4ABC", "", "", "", 0, "spam", 7.5},
    {"Jan 26 00:57:38 h amavis[7]: (7-1) Passed SPAMMY {RelayedTagged}, "
     "[192.0.2.1]:25 "
     "[192.0.2.1] <a@b> -> <c@d>, Queue-ID: 4ABC, Message-ID: <m@x>, mail_id: 1, "
     "Hits: 6.31, size: 1, queued_as: 5D, 10 ms",
        LOG_VERDICT, "", "4ABC", "<m@x>", "", "", 0, "spam", 6.31},
    {"Jan 26 00:57:38 h amavis[7]: (7-1) Passed CLEAN {RelayedInbound}, <a@b> -> "
     "<c@d>, "
     "Queue-ID: 4ABC, Message-ID: <m@x>, Hits: -, size: 1",
        LOG_VERDICT, "", "4ABC", "<m@x>", "", "", 0, "ham", NAN},
    {"Jan 26 00:57:38 h spamd[9]: spamd: result: Y 15 - BAYES_99,X "
     "scantime=1.0,size=2,user=u,uid=1,required_score=5.0,rhost=::1,raddr=::1,"
     "rport=1,"
     "mid=<m@x>,bayes=1.0,autolearn=no",
        LOG_VERDICT, "", "", "<m@x>", "", "", 0, "spam", 15},
    {"Jan 26 00:57:38 h spamd[9]: spamd: result: . -1 - X "
     "scantime=1.0,mid=<m@x>,a=b",
        LOG_VERDICT, "", "", "<m@x>", "", "", 0, "ham", -1},
    {"Jan 26 00:57:38 h rspamd[3]: <abc>; task; rspamd_task_write_log: id: <m@x>, "
     "qid: "
     "<4ABC>, ip: 192.0.2.1, from: <a>, (default: T (reject): [21.30/15.00] [X(1)]",
        LOG_VERDICT, "", "4ABC", "<m@x>", "", "", 0, "spam", 21.3},
};

static void
each_line_is_understood_or_skipped(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct log_clock clock = {0};
		char *text = strdup(lines[i].line);
		struct log_line line = maillog_parse(&clock, text, NOW);
		if (line.kind != lines[i].kind)
			print_error("%s\n", lines[i].line);
		assert_int_equal(line.kind, lines[i].kind);
		assert_string_equal(line.name, lines[i].name);
		assert_string_equal(line.queue_id, lines[i].queue_id);
		assert_string_equal(line.message_id, lines[i].message_id);
		assert_string_equal(line.sender, lines[i].sender);
		assert_string_equal(line.recipient, lines[i].recipient);
		assert_int_equal(line.code, lines[i].code);
		if (lines[i].verdict == NULL)
			assert_null(line.verdict);
		else
			assert_string_equal(line.verdict, lines[i].verdict);
		if (isnan(lines[i].score))
			assert_true(isnan(line.score));
		else
			assert_true(fabs(line.score - lines[i].score) < 0.001);
		free(text);
	}
}

/* Bytes changed, cut, doubled: read in bounds (under ASan), never a crash. */
static void
broken_lines_do_no_harm(void **state)
{
	uint64_t dice = 1;

	(void)state;
	for (int round = 0; round < 60000; round++) {
		const char *line =
		    lines[(size_t)round % (sizeof(lines) / sizeof(*lines))].line;
		size_t length = strlen(line);
		char *text = strdup(line);
		struct log_clock clock = {0};
		for (int change = 0; change < 3 && length > 0; change++) {
			dice =
			    dice * 6364136223846793005ULL + 1442695040888963407ULL;
			size_t at = (size_t)(dice >> 33) % length;
			if (dice >> 62 == 0)
				text[at] = '\0';
			else
				text[at] =
				    (char)("\xff<>[]:;,= /-\"'("[dice >> 59 & 15]);
		}
		char *exact = strdup(text); /* so that ASan sees its very end */
		struct log_line read = maillog_parse(&clock, exact, NOW);
		assert_true(read.kind <= LOG_VERDICT);
		assert_true(strlen(read.name) + strlen(read.queue_id) +
		                strlen(read.message_id) + strlen(read.sender) +
		                strlen(read.recipient) + strlen(read.helo) <
		            6 * (length + 1));
		free(exact);
		free(text);
	}
}

static int64_t
time_of(struct log_clock *clock, const char *text)
{
	char line[80];

	snprintf(line, sizeof(line), "%s h x: y", text);
	return maillog_parse(clock, line, NOW).time;
}

static void
a_year_begins_where_december_ends(void **state)
{
	struct log_clock clock = {0};

	(void)state;
	assert_int_equal(time_of(&clock, "Dec 31 23:59:59"), 1767225599);
	assert_int_equal(time_of(&clock, "Jan  1 00:00:00"), 1767225600);
	assert_int_equal(time_of(&clock, "2026-01-01T01:00:00+01:00"), 1767225600);
	/* a line that came late */
	assert_int_equal(time_of(&clock, "Dec 31 23:59:59"), 1767225599);
}

static struct logstudy *
study(struct s25r *s25r, const char *path)
{
	struct logstudy *study = logstudy_new(s25r, 20);
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;

	if (file == NULL)
		return study;
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		logstudy_line(study, line, NOW);
	}
	free(line);
	fclose(file);
	return study;
}

static double
share(const struct logstudy *study, enum log_group group, bool by_name)
{
	struct log_share share = logstudy_share(study, group, by_name);

	print_message("group %d by %s: %llu of %llu\n", group,
	    by_name ? "name" : "address", (unsigned long long)share.match,
	    (unsigned long long)share.count);
	return 100.0 * (double)share.match / (double)share.count;
}

static void
a_real_log_agrees_with_what_was_measured(void **state)
{
	struct error error;
	struct s25r *s25r = s25r_load(RULES, &error);
	FILE *file = fopen(SHARED_LOG, "r");

	(void)state;
	assert_non_null(s25r);
	if (file == NULL) {
		print_message("SKIPPED: %s is not here\n", SHARED_LOG);
		s25r_free(&s25r);
		skip();
	}
	fclose(file);
	struct logstudy *real = study(s25r, SHARED_LOG);
	/* measured: 85 % of clients only refused, 10 % of those accepted */
	assert_true(fabs(share(real, GROUP_REFUSED, true) - 85) < 2);
	assert_true(fabs(share(real, GROUP_ACCEPTED, false) - 10) < 1);
	struct doc *doc = logstudy_finish(real);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	assert_true(doc_write(doc, DOC_TEXT, 100, out));
	fclose(out);
	assert_non_null(strstr(text, "mail.re2.yahoo.com"));
	free(text);
	doc_free(&doc);
	logstudy_free(&real);
	s25r_free(&s25r);
}

static void
refused_mail_that_comes_again_is_recognised(void **state)
{
	struct error error;
	struct s25r *s25r = s25r_load(RULES, &error);
	struct logstudy *log = logstudy_new(s25r, 20);
	static const char *const text[] = {
	    "Jan 26 10:00:00 h postfix/smtpd[1]: NOQUEUE: reject: RCPT from "
	    "u.example.com[192.0.2.1]: 450 wait; from=<a@b> to=<c@d> proto=SMTP "
	    "helo=<x>",
	    "Jan 26 10:10:00 h postfix/smtpd[1]: NOQUEUE: reject: RCPT from "
	    "u.example.com[192.0.2.2]: 450 wait; from=<a@b> to=<c@d> proto=SMTP "
	    "helo=<x>",
	    "Jan 26 10:40:00 h postfix/smtpd[1]: 4AB: "
	    "client=u.example.com[192.0.2.1]",
	    "Jan 26 10:40:00 h postfix/smtpd[1]: NOQUEUE: reject: RCPT from "
	    "u.example.com[198.51.100.2]: 550 no; from=<a@b> to=<c@d> proto=SMTP "
	    "helo=<x>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++) {
		char *line = strdup(text[i]);
		logstudy_line(log, line, NOW);
		free(line);
	}
	logstudy_too_long(log);
	struct doc *doc = logstudy_finish(log);
	char *json = NULL;
	size_t size;
	FILE *out = open_memstream(&json, &size);
	assert_true(doc_write(doc, DOC_JSON, 0, out));
	fclose(out);
	assert_non_null(strstr(json, "\"too_long\": 1"));
	assert_non_null(strstr(json, "\"came_back\": 1"));
	assert_non_null(strstr(json, "\"taken\": 1"));
	assert_non_null(strstr(json, "\"after\": \"5 to 30 min\", \"count\": 1"));
	assert_non_null(strstr(json, "\"refused_for_good\": 1"));
	free(json);
	doc_free(&doc);
	logstudy_free(&log);
	s25r_free(&s25r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_line_is_understood_or_skipped),
	    cmocka_unit_test(broken_lines_do_no_harm),
	    cmocka_unit_test(a_year_begins_where_december_ends),
	    cmocka_unit_test(a_real_log_agrees_with_what_was_measured),
	    cmocka_unit_test(refused_mail_that_comes_again_is_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
