/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted from whole logs, and at what time their lines were written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "maillog/maillog.h"
#include "maillog/study.h"

/* 2026-06-01 00:00:00 UTC */
#define NOW 1780272000

static struct ipnet exempt[2];
static struct s25r *s25r;
static struct list *allow;

static struct logstudy *
new_study(void)
{
	struct study_settings settings = {.s25r = s25r,
	    .allow = allow,
	    .exempt = exempt,
	    .exempt_count = 2,
	    .top = 20};

	return logstudy_new(&settings);
}

static void
feed(struct logstudy *study, const char *text)
{
	char *line = strdup(text);

	logstudy_line(study, line, NOW);
	free(line);
}

/* Ends the study; its report in JSON, to be freed. */
static char *
finish(struct logstudy *study)
{
	char *json = NULL;
	size_t size;

	logstudy_end(study);
	struct doc *doc = logstudy_finish(study);
	FILE *out = open_memstream(&json, &size);
	assert_true(doc_write(doc, DOC_JSON, 0, out));
	fclose(out);
	doc_free(&doc);
	logstudy_free(&study);
	return json;
}

static char *
json_of(const char *const *lines)
{
	struct logstudy *study = new_study();

	for (size_t i = 0; lines[i] != NULL; i++)
		feed(study, lines[i]);
	return finish(study);
}

#define SMTPD "Jan 26 10:00:00 h postfix/smtpd[1]: "
#define HAS(json, part)                                                            \
	do {                                                                       \
		if (strstr(json, part) == NULL)                                    \
			print_error("%s\n", json);                                 \
		assert_non_null(strstr(json, part));                               \
	} while (0)

static void
set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static int64_t
time_of(struct log_clock *clock, const char *text)
{
	struct log_envelope envelope;
	char line[200];

	snprintf(line, sizeof line, "%s h x: y", text);
	struct log_line parsed = maillog_parse(clock, &envelope, line, NOW);
	assert_int_not_equal(parsed.kind, LOG_BROKEN);
	envelope_clear(&envelope);
	return parsed.time;
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

static void
a_log_of_last_december_is_of_last_year(void **state)
{
	struct log_clock june = {0}, ahead = {0};

	(void)state;
	assert_int_equal(time_of(&june, "Jun 30 00:00:00"), 1751241600);
	/* another zone may be ahead by some hours */
	assert_int_equal(time_of(&ahead, "Jun  1 05:00:00"), 1780290000);
}

/* Expected values: date -u -d "..." +%s. */
static void
times_without_a_zone_are_local_times(void **state)
{
	static const struct {
		const char *zone, *text;
		int64_t time;
	} cases[] = {
	    {"Europe/Berlin", "Jan 26 12:00:00", 1769425200},
	    {"Europe/Berlin", "May 26 12:00:00", 1779789600},
	    {"Asia/Tokyo", "2026-05-26 12:00:00", 1779764400},
	    {"Asia/Tokyo", "2026-05-26T12:00:00Z", 1779796800},
	    {"Asia/Tokyo", "2026-05-26T12:00:00+0100", 1779793200},
	    {"Asia/Kolkata", "May 26 12:00:00", 1779777000},
	    {"Europe/Berlin", "Tue 2026-05-26 12:00:00 CEST", 1779789600},
	    {"Europe/Berlin", "Tue 2026-05-26 12:00:00 UTC", 1779796800},
	    {"Asia/Tokyo", "1779796800.123456", 1779796800},
	    {"Europe/Berlin", "Tue May 26 12:00:00 2026", 1779789600},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct log_clock clock = {0};
		set_zone(cases[i].zone);
		if (time_of(&clock, cases[i].text) != cases[i].time)
			print_error("%s %s\n", cases[i].zone, cases[i].text);
		clock = (struct log_clock){0};
		assert_int_equal(time_of(&clock, cases[i].text), cases[i].time);
	}
	set_zone("UTC");
}

static void
the_hour_that_comes_twice_follows_the_line_before(void **state)
{
	struct log_clock clock = {0};

	(void)state;
	set_zone("Europe/Berlin");
	/* 2025-10-26: 03:00 CEST becomes 02:00 CET at 01:00 UTC */
	assert_int_equal(time_of(&clock, "2025-10-26 01:59:59"), 1761436799);
	assert_int_equal(time_of(&clock, "2025-10-26 02:00:00"), 1761436800);
	assert_int_equal(time_of(&clock, "2025-10-26 02:59:59"), 1761440399);
	assert_int_equal(time_of(&clock, "2025-10-26 02:00:01"), 1761440401);
	assert_int_equal(time_of(&clock, "2025-10-26 02:30:00"), 1761442200);
	assert_int_equal(time_of(&clock, "2025-10-26 03:00:00"), 1761444000);
	set_zone("UTC");
}

static void
months_are_read_in_other_languages(void **state)
{
	static const struct {
		const char *text;
		int64_t time;
	} cases[] = {
	    {"M\xc3\xa4r 07 11:00:00", 1772881200},
	    {"mars 07 11:00:00", 1772881200},
	    {"\xd0\xbc\xd0\xb0\xd1\x80 07 11:00:00", 1772881200},
	    {"kwi 07 11:00:00", 1775559600},
	    {"f\xc3\xa9vr. 07 11:00:00", 1770462000},
	    {" 3\xe6\x9c\x88 07 11:00:00", 1772881200},
	    {"Mar 7 11:00:00", 1772881200},
	};
	struct log_clock clock = {0};
	struct log_envelope envelope;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(time_of(&clock, cases[i].text), cases[i].time);
	/* Croatian for October, Czech and Polish for November */
	char text[] = "lis 07 11:00:00 h x: y";
	assert_int_equal(
	    maillog_parse(&clock, &envelope, text, NOW).kind, LOG_BROKEN);
}

/* Read into a study that has not ended. */
static struct logstudy *
study_file(const char *path)
{
	struct logstudy *study = new_study();
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		logstudy_line(study, line, NOW);
	}
	free(line);
	fclose(file);
	logstudy_end(study);
	return study;
}

/*
 * Counted apart from the code, with Python's re over the same log. The client of a
 * line of smtpd is "accepted" when the line begins a mail (client=), "refused"
 * when it is a reject; the rest are the other lines that tell a client: connect,
 * disconnect, lost connection, timeout, reject_warning. An address or a name
 * counts once, in the first group of these that it is in. 127.0.0.0/8 is left
 * out; suspects are by the seven rules of conf/s25r.rules.
 */
static const struct {
	enum log_group group;
	bool by_name;
	unsigned count, match;
} counted_apart[] = {
    {GROUP_ACCEPTED, false, 112, 11},
    {GROUP_ACCEPTED, true, 107, 8},
    {GROUP_REFUSED, false, 386, 356},
    {GROUP_REFUSED, true, 222, 192},
    {GROUP_CONNECTED, false, 1124, 1012},
    {GROUP_CONNECTED, true, 599, 488},
};

static void
a_real_log_agrees_with_what_was_counted_apart(void **state)
{
	(void)state;
	if (access(SHARED_LOG, R_OK) != 0) {
		print_message("SKIPPED: %s is not here\n", SHARED_LOG);
		skip();
	}
	struct list *shipped = allow;
	allow = NULL;
	struct logstudy *real = study_file(SHARED_LOG);
	allow = shipped;
	for (size_t i = 0; i < sizeof counted_apart / sizeof *counted_apart; i++) {
		struct log_share share = logstudy_share(
		    real, counted_apart[i].group, counted_apart[i].by_name);
		print_message("  group %d by %s\n", counted_apart[i].group,
		    counted_apart[i].by_name ? "name" : "address");
		assert_int_equal(share.count, counted_apart[i].count);
		assert_int_equal(share.match, counted_apart[i].match);
	}
	char *json = finish(real);
	HAS(json, "mail.re2.yahoo.com");
	HAS(json, "\"broken\": 0");
	free(json);
}

/* The figures of one row all differ, but for shares and what is nought. */
static void
each_figure_of_a_group_stands_in_its_own_column(void **state)
{
	static const char *const lines[] = {
	    /* accepted: five addresses, four of them suspects, of which one has no
	       name and two share one; so three names, two of them suspects */
	    SMTPD "4AB1: client=p1-2.example.net[192.0.2.1]",
	    SMTPD "4AB2: client=p1-2.example.net[192.0.2.2]",
	    SMTPD "4AB3: client=p1-3.example.net[192.0.2.3]",
	    SMTPD "4AB4: client=mail.example.org[192.0.2.4]",
	    SMTPD "4AB5: client=unknown[192.0.2.5]",
	    /* only refused: two addresses, one a suspect, without a name */
	    SMTPD "NOQUEUE: reject: RCPT from mx.example.com[192.0.2.6]: 550 no; "
	          "from=<a@b> to=<c@d> proto=SMTP helo=<x>",
	    SMTPD "NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 550 no; "
	          "from=<a@b> to=<c@d> proto=SMTP helo=<x>",
	    /* only connected: one, a suspect */
	    SMTPD "connect from p1-8.example.net[192.0.2.8]", NULL};
	char *json = json_of(lines);

	(void)state;
	HAS(json, "{\"clients\": \"accepted (at least once)\", "
	          "\"addresses\": 5, \"suspects\": 4, \"share\": 0.8000, "
	          "\"names\": 3, \"suspect_names\": 2, "
	          "\"names_share\": 0.6667}");
	HAS(json, "{\"clients\": \"only refused\", "
	          "\"addresses\": 2, \"suspects\": 1, \"share\": 0.5000, "
	          "\"names\": 1, \"suspect_names\": 0, "
	          "\"names_share\": 0.0000}");
	HAS(json, "{\"clients\": \"only connected\", "
	          "\"addresses\": 1, \"suspects\": 1, \"share\": 1.0000, "
	          "\"names\": 1, \"suspect_names\": 1, "
	          "\"names_share\": 1.0000}");
	free(json);
}

static void
refused_mail_that_comes_again_is_recognised(void **state)
{
	struct logstudy *log = new_study();

	(void)state;
	feed(log,
	    "Jan 26 10:00:00 h postfix/smtpd[1]: NOQUEUE: reject: RCPT from "
	    "u.example.com[192.0.2.1]: 450 wait; from=<a@b> to=<c@d> proto=SMTP "
	    "helo=<x>");
	feed(log,
	    "Jan 26 10:10:00 h postfix/smtpd[1]: NOQUEUE: reject: RCPT from "
	    "u.example.com[192.0.2.2]: 450 wait; from=<a@b> to=<c@d> proto=SMTP "
	    "helo=<x>");
	feed(log, "Jan 26 10:40:00 h postfix/smtpd[1]: 4AB: "
	          "client=u.example.com[192.0.2.1]");
	feed(log,
	    "Jan 26 10:40:00 h postfix/smtpd[1]: NOQUEUE: reject: RCPT from "
	    "u.example.com[198.51.100.2]: 550 no; from=<a@b> to=<c@d> proto=SMTP "
	    "helo=<x>");
	logstudy_too_long(log);
	char *json = finish(log);
	HAS(json, "\"too_long\": 1");
	HAS(json, "\"came_back\": 1");
	HAS(json, "\"taken\": 1");
	HAS(json, "\"after\": \"5 to 30 min\", \"count\": 1");
	HAS(json, "\"refused_for_good\": 1");
	free(json);
}

static void
authenticated_users_are_counted_apart(void **state)
{
	static const char *const lines[] = {SMTPD
	    "connect from unknown[203.0.113.26]",
	    SMTPD "4AB1: client=unknown[203.0.113.26], sasl_method=LOGIN, "
	          "sasl_username=joe",
	    "Jan 26 10:00:00 h postfix/submission/smtpd[2]: 4AB2: "
	    "client=p1-2.example.net[203.0.113.27], sasl_method=PLAIN, "
	    "sasl_username=ann",
	    "Jan 26 10:00:00 h postfix/smtps/smtpd[3]: connect from "
	    "p1-3.example.net[203.0.113.28]",
	    NULL};
	char *json = json_of(lines);

	(void)state;
	HAS(json, "\"users\": 3");
	HAS(json, "\"mails\": 0");
	assert_null(strstr(json, "\"client\": \"unknown\""));
	assert_null(strstr(json, "203.0.113.26"));
	free(json);
}

static void
what_is_refused_at_the_end_is_not_accepted(void **state)
{
	/* RFC 5321 4.2.1, RFC 3463 2: 4 may come again, 5 may not */
	static const struct {
		const char *line;
		unsigned for_now, for_good;
	} ends[] = {
	    {"Jan 26 10:00:09 h postfix/cleanup[2]: 4AB: milter-reject: "
	     "END-OF-MESSAGE from p1-2.example.net[192.0.2.1]: 4.7.1 Try again "
	     "later; from=<a@b> to=<c@d> proto=ESMTP helo=<x>",
	        1, 0},
	    {"Jan 26 10:00:09 h postfix/cleanup[2]: 4AB: milter-reject: "
	     "END-OF-MESSAGE from p1-2.example.net[192.0.2.1]: 5.7.1 Spam; "
	     "from=<a@b> to=<c@d> proto=ESMTP helo=<x>",
	        0, 1},
	    {"Jan 26 10:00:09 h postfix/cleanup[2]: 4AB: reject: header Subject: "
	     "x from p1-2.example.net[192.0.2.1]; from=<a@b> to=<c@d> proto=ESMTP "
	     "helo=<x>: 5.7.1 message content rejected",
	        0, 1},
	    {"Jan 26 10:00:09 h postfix/smtpd[1]: 4AB: reject: END-OF-MESSAGE from "
	     "p1-2.example.net[192.0.2.1]: 552 5.3.4 too large; from=<a@b> "
	     "to=<c@d> proto=ESMTP helo=<x>",
	        0, 1},
	    {"Jan 26 10:00:09 h postfix/smtpd[1]: 4AB: milter-reject: DATA from "
	     "p1-2.example.net[192.0.2.1]: 450 4.7.1 Greylisted; from=<a@b> "
	     "to=<c@d> proto=ESMTP helo=<x>",
	        1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const char *lines[] = {SMTPD
		    "4AB: client=p1-2.example.net[192.0.2.1]",
		    ends[i].line, NULL};
		char *json = json_of(lines);
		HAS(json, "\"mails\": 0");
		HAS(json, "\"refused_at_end\": 1");
		char counts[80];
		snprintf(counts, sizeof counts, "\"refused_for_now\": %u,",
		    ends[i].for_now);
		HAS(json, counts);
		snprintf(counts, sizeof counts, "\"refused_for_good\": %u,",
		    ends[i].for_good);
		HAS(json, counts);
		free(json);
	}
}

static void
a_refusal_by_a_proxy_filter_takes_back_what_its_process_accepted(void **state)
{
	static const char *const lines[] = {SMTPD
	    "NOQUEUE: client=p1-2.example.net[192.0.2.1]",
	    SMTPD "proxy-reject: END-OF-MESSAGE: 554 5.7.0 Reject, id=7 - SPAM; "
	          "from=<a@b> to=<c@d> proto=ESMTP helo=<x>",
	    "Jan 26 10:00:00 h postfix/smtpd[9]: NOQUEUE: "
	    "client=p1-9.example.net[192.0.2.9]",
	    NULL};
	char *json = json_of(lines);

	(void)state;
	HAS(json, "\"mails\": 1");
	HAS(json, "\"refused_at_end\": 1");
	HAS(json, "\"client\": \"p1-9.example.net\"");
	free(json);
}

static void
a_mail_that_never_came_is_not_accepted(void **state)
{
	static const char *const lines[] = {SMTPD
	    "4AB: client=p1-2.example.net[192.0.2.1]",
	    SMTPD "lost connection after DATA (0 bytes) from "
	          "p1-2.example.net[192.0.2.1]",
	    /* a good one, with all that belongs to it */
	    "Jan 26 10:00:00 h postfix/smtpd[2]: 4AC: "
	    "client=p1-3.example.net[192.0.2.2]",
	    "Jan 26 10:00:00 h postfix/cleanup[3]: 4AC: message-id=<m@x>",
	    "Jan 26 10:00:00 h postfix/qmgr[4]: 4AC: from=<a@b>, size=7, nrcpt=1 "
	    "(queue active)",
	    "Jan 26 10:00:00 h postfix/smtpd[2]: disconnect from "
	    "p1-3.example.net[192.0.2.2] ehlo=1 mail=1 rcpt=1 data=1 quit=1",
	    /* a process that another client has by now */
	    "Jan 26 10:00:00 h postfix/smtpd[6]: 4AE: "
	    "client=p1-6.example.net[192.0.2.6]",
	    "Jan 26 10:00:00 h postfix/smtpd[6]: lost connection after DATA from "
	    "p1-7.example.net[192.0.2.7]",
	    /* asked whether a recipient exists, and left */
	    "Jan 26 10:00:00 h postfix/smtpd[5]: 4AD: "
	    "client=p1-4.example.net[192.0.2.3]",
	    "Jan 26 10:00:00 h postfix/smtpd[5]: disconnect from "
	    "p1-4.example.net[192.0.2.3] ehlo=1 mail=1 rcpt=1 quit=1",
	    NULL};
	char *json = json_of(lines);

	(void)state;
	HAS(json, "\"mails\": 2");
	HAS(json, "\"given_up\": 2");
	HAS(json, "\"client\": \"p1-3.example.net\"");
	free(json);
}

static void
lists_and_exempt_networks_are_asked_as_the_daemon_does(void **state)
{
	static const char *const lines[] = {SMTPD
	    "4AB1: client=p1-2.friend.example[192.0.2.1]",
	    SMTPD "4AB2: client=p1-2.example.net[198.51.100.9]",
	    SMTPD "4AB3: client=p1-2.example.net[192.0.2.9]", NULL};
	char *json = json_of(lines);

	(void)state;
	HAS(json, "\"exempt\": 1");
	HAS(json, "\"mails_of_suspects\": 1");
	HAS(json, "\"mails_let_off\": 1");
	assert_null(strstr(json, "\"client\": \"p1-2.friend.example\""));
	free(json);
}

static void
a_noticeable_share_not_understood_is_shown_with_the_right_command(void **state)
{
	struct logstudy *log = new_study();

	(void)state;
	for (int i = 0; i < 98; i++)
		feed(log, SMTPD "connect from a.example[192.0.2.1]");
	feed(log, "10.2.2026 some other form");
	char *json = finish(log);
	HAS(json, "1 of 99 lines are in no known form, such as: "
	          "10.2.2026 some other form");
	HAS(json, "journalctl --facility=mail");
	free(json);
	log = new_study();
	for (int i = 0; i < 200; i++)
		feed(log, SMTPD "connect from a.example[192.0.2.1]");
	feed(log, "10.2.2026 some other form");
	json = finish(log);
	assert_null(strstr(json, "journalctl"));
	free(json);
	log = new_study();
	feed(log, "Jan 26 10:00:00 h sshd[1]: Connection closed");
	json = finish(log);
	HAS(json, "is this the right log?");
	HAS(json, "journalctl --facility=mail");
	free(json);
}

/* Both exempt networks and the list of the study, for all tests. */
static int
set_up(void **state)
{
	char path[] = "/tmp/targrey-list-XXXXXX";
	const char *paths[] = {path};
	struct error error;
	int file = mkstemp(path);

	(void)state;
	set_zone("UTC");
	s25r = s25r_load(RULES, &error);
	if (file < 0 || dprintf(file, "friend.example\n") < 0)
		return -1;
	close(file);
	allow = list_load(paths, 1, &error);
	unlink(path);
	return s25r == NULL || allow == NULL ||
	               !ipnet_from_text("127.0.0.0/8", &exempt[0]) ||
	               !ipnet_from_text("198.51.100.9", &exempt[1])
	           ? -1
	           : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	s25r_free(&s25r);
	list_free(&allow);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_year_begins_where_december_ends),
	    cmocka_unit_test(a_log_of_last_december_is_of_last_year),
	    cmocka_unit_test(times_without_a_zone_are_local_times),
	    cmocka_unit_test(the_hour_that_comes_twice_follows_the_line_before),
	    cmocka_unit_test(months_are_read_in_other_languages),
	    cmocka_unit_test(a_real_log_agrees_with_what_was_counted_apart),
	    cmocka_unit_test(each_figure_of_a_group_stands_in_its_own_column),
	    cmocka_unit_test(refused_mail_that_comes_again_is_recognised),
	    cmocka_unit_test(authenticated_users_are_counted_apart),
	    cmocka_unit_test(what_is_refused_at_the_end_is_not_accepted),
	    cmocka_unit_test(
	        a_refusal_by_a_proxy_filter_takes_back_what_its_process_accepted),
	    cmocka_unit_test(a_mail_that_never_came_is_not_accepted),
	    cmocka_unit_test(
	        lists_and_exempt_networks_are_asked_as_the_daemon_does),
	    cmocka_unit_test(
	        a_noticeable_share_not_understood_is_shown_with_the_right_command),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
