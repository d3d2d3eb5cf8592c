/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records that were made to hurt: trees of includes, thousands of terms, macro
 * bombs, the shapes of CVE-2023-42118, CVE-2021-33912 and CVE-2021-33913. The
 * right result or an error, and never more questions than the limits allow.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "spf/table.h"

#define ALL_QUESTIONS 111 /* 10 mx of 10 names and the record: RFC 7208 4.6.4 */

/* Text that grows. */
struct text {
	char *bytes;
	size_t length, size;
};

static void put(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
put(struct text *text, const char *format, ...)
{
	va_list args;

	if (text->size - text->length < 4096) {
		text->size = text->size * 2 + 8192;
		text->bytes = realloc(text->bytes, text->size);
	}
	va_start(args, format);
	text->length += (size_t)vsnprintf(
	    text->bytes + text->length, text->size - text->length, format, args);
	va_end(args);
}

static void
put_times(struct text *text, unsigned times, const char *what)
{
	while (times-- > 0)
		put(text, "%s", what);
}

static void
add_txt(struct table *table, const char *name, struct text *text)
{
	table_add(table, name, DNS_TXT, text->bytes, text->length);
	free(text->bytes);
	*text = (struct text){0};
}

static struct spf_fact
check(struct table *table, const char *ip, const char *helo, const char *sender)
{
	struct spf_asker asker = table_asker(table);
	struct spf_query query = {.helo = helo, .sender = sender};
	struct spf_fact fact;

	ip_from_text(ip, &query.ip);
	spf_check(&asker, &query, &fact);
	if (table_asked(table) > ALL_QUESTIONS ||
	    fact.queries != table_asked(table))
		abort();
	return fact;
}

/* One record at h.example and what comes of it. */
static struct spf_fact
check_record(struct text *text, const char *ip, const char *sender)
{
	struct table *table = table_new();

	add_txt(table, "h.example", text);
	struct spf_fact fact = check(table, ip, "helo.h.example", sender);
	table_free(&table);
	return fact;
}

static void
trees_of_includes_end_at_the_limit(void **state)
{
	(void)state;
	for (unsigned fan = 1; fan <= 10; fan++) {
		for (unsigned depth = 1; depth <= 25; depth += 8) {
			struct table *table = table_new();
			char name[64];
			for (unsigned level = 0; level < depth; level++) {
				struct text text = {0};
				put(&text, "v=spf1");
				for (unsigned i = 0; i < fan; i++)
					put(&text, " include:l%u.example",
					    (level + 1) % depth);
				put(&text, " -all");
				snprintf(name, sizeof name, "l%u.example", level);
				add_txt(table, name, &text);
			}
			struct spf_fact fact =
			    check(table, "192.0.2.1", "h", "a@l0.example");
			assert_int_equal(fact.result, SPF_PERMERROR);
			assert_int_equal(fact.trouble, SPF_TROUBLE_TERMS);
			assert_int_equal(fact.queries, 11);
			table_free(&table);
		}
	}
}

static void
ten_mx_of_ten_hosts_are_the_most_that_is_asked(void **state)
{
	struct table *table = table_new();
	struct text text = {0};

	(void)state;
	put(&text, "v=spf1");
	for (int i = 0; i < 10; i++) {
		char domain[64], host[64];
		put(&text, " mx:m%d.example", i);
		snprintf(domain, sizeof domain, "m%d.example", i);
		for (int j = 0; j < 10; j++) {
			snprintf(host, sizeof host, "h%d-%d.example", i, j);
			table_add(table, domain, DNS_MX, host, strlen(host));
			table_add(table, host, DNS_A, "192.0.2.9", 9);
		}
	}
	put(&text, " -all");
	add_txt(table, "h.example", &text);
	struct spf_fact fact = check(table, "192.0.2.1", "h", "a@h.example");
	assert_int_equal(fact.result, SPF_FAIL);
	assert_int_equal(fact.queries, ALL_QUESTIONS);
	table_free(&table);
}

static void
a_message_has_so_many_questions_and_no_more(void **state)
{
	struct table *table = table_new();
	struct spf_asker asker = table_asker(table);
	struct spf_query query = {
	    .helo = "h", .sender = "a@h.example", .max_queries = 3};
	struct spf_fact fact;
	struct text text = {0};

	(void)state;
	put(&text, "v=spf1 a:a.example a:a.example a:a.example -all");
	add_txt(table, "h.example", &text);
	table_add(table, "a.example", DNS_A, "192.0.2.9", 9);
	ip_from_text("192.0.2.1", &query.ip);
	spf_check(&asker, &query, &fact);
	assert_int_equal(fact.result, SPF_TEMPERROR);
	assert_int_equal(fact.trouble, SPF_TROUBLE_QUERIES);
	assert_int_equal(table_asked(table), 3);
	table_free(&table);
}

static void
thousands_of_records_are_met_by_the_limits(void **state)
{
	struct table *table = table_new();
	struct text text = {0};

	(void)state;
	put(&text, "v=spf1 ptr mx -all");
	add_txt(table, "h.example", &text);
	for (int i = 0; i < 5000; i++) {
		char host[32];
		snprintf(host, sizeof host, "n%d.example", i);
		table_add(
		    table, "1.2.0.192.in-addr.arpa", DNS_PTR, host, strlen(host));
		table_add(table, "h.example", DNS_MX, host, strlen(host));
	}
	struct spf_fact fact = check(table, "192.0.2.1", "h", "a@h.example");
	assert_int_equal(fact.result, SPF_PERMERROR);
	assert_int_equal(fact.queries, 13); /* record, PTR, ten names, MX */
	table_free(&table);
}

static void
long_records_are_right_or_an_error_and_never_cut(void **state)
{
	static const struct {
		unsigned ip4s, ip6s;
		enum spf_result wanted;
	} cases[] = {
	    {63, 0, SPF_FAIL}, {64, 0, SPF_FAIL}, {0, 26, SPF_FAIL},
	    {300, 100, SPF_FAIL}, {2500, 0, SPF_PERMERROR}, /* 40 kB */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (int matches = 0; matches < 2; matches++) {
			struct text text = {0};
			put(&text, "v=spf1");
			put_times(&text, cases[i].ip4s, " ip4:198.51.100.7");
			put_times(&text, cases[i].ip6s, " ip6:2001:db8:1::7");
			if (matches)
				put(&text, " ip4:192.0.2.1");
			put(&text, " -all");
			struct spf_fact fact =
			    check_record(&text, "192.0.2.1", "a@h.example");
			assert_int_equal(
			    fact.result, cases[i].wanted == SPF_FAIL && matches
			                     ? SPF_PASS
			                     : cases[i].wanted);
		}
	}
}

static void
macro_bombs_and_crafted_terms_do_no_harm(void **state)
{
	static const struct {
		const char *start, *repeated;
		unsigned times;
		char letter; /* then so many of it */
		unsigned letters;
		const char *end;
	} cases[] = {
	    {"v=spf1 exists:", "%{s}", 40, 0, 0, ".example -all"},
	    {"v=spf1 exists:", "%{S128r-}", 18, 0, 0, ".example -all"},
	    {"v=spf1 exists:", "%{i}", 40, 0, 0, ".example -all"},
	    {"v=spf1 exists:", "%{L255r.-+,/_=}", 30, 0, 0, ".example -all"},
	    /* CVE-2023-42118 */
	    {"v=spf1 a:", "%{d}", 127, 'A', 9000, ".example -all"},
	    {"v=spf1 exp=", "%{d}", 127, 'A', 9000, ".example -all"},
	    {"v=spf1 redirect=", "%{d}", 127, 'A', 9000, ".example"},
	    {"v=spf1 moo=", "%{d}", 127, 'A', 9000, " -all"},
	    {"v=spf1 a:", "%{d}", 100, 'A', 100, ".example -all"},
	    /* CVE-2021-33912: escapes; CVE-2021-33913: reversed parts */
	    {"v=spf1 exists:", "%{S}", 60, 0, 0, ".example -all"},
	    {"v=spf1 exists:", "%{H}%{L}", 30, 0, 0, ".example -all"},
	    {"v=spf1 exists:", "%{lr.-+,/_=}", 40, 0, 0, ".example -all"},
	    {"v=spf1 exists:", "%{d99999999999999999999r}", 10, 0, 0,
	        ".example -all"},
	    {"v=spf1 ", "a ", 4000, 0, 0, ""},
	    {"v=spf1 ", "x=%{s} ", 1000, 0, 0, "-all"},
	    {"v=spf1 ", "%", 5000, 0, 0, ""},
	    {"v=spf1 a", "/", 400, '9', 400, ""},
	    {"v=spf1 ", "+-?~", 1000, 0, 0, "all"},
	    {"v=spf1 ip6:", ":", 500, 0, 0, ""},
	    {"v=spf1 a:", ".", 400, 0, 0, "com -all"},
	};
	static const char *const senders[] = {"a@h.example",
	    "\"\xff\xfe ()<>@,;:\\\\ \x01\"@h.example",
	    "a.b-c+d,e/f_g=h.a.b-c+d,e/f_g=h.a.b-c+d,e/f_g=h.a.b-c+d,e/"
	    "f_g=h@h.example",
	    NULL};
	char longest[3000];

	(void)state;
	memset(longest, '.', sizeof longest - 1);
	strcpy(longest + sizeof longest - 11, "@h.example");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (size_t s = 0; s < sizeof senders / sizeof *senders; s++) {
			struct text text = {0};
			put(&text, "%s", cases[i].start);
			put_times(&text, cases[i].times, cases[i].repeated);
			char one[2] = {cases[i].letter, '\0'};
			put_times(&text, cases[i].letters, one);
			put(&text, "%s", cases[i].end);
			struct spf_fact fact = check_record(&text, "192.0.2.1",
			    senders[s] == NULL ? longest : senders[s]);
			if (fact.result != SPF_FAIL && fact.result != SPF_PERMERROR)
				fail_msg("case %zu sender %zu: %s", i, s,
				    spf_result_words[fact.result]);
		}
	}
}

static void
names_of_any_shape_are_none_or_asked_whole(void **state)
{
	static const char *const names[] = {"", ".", "..", "@", "@@", "a@", "a@.",
	    "a@..", "a@[192.0.2.1]", "a@[IPv6:::1]", "\xff@\xff.\xff",
	    "a@b\tc.example", "a@b c.d", "a@1.2.3.4", "a@%{d}.%{s}.example",
	    "h) x=(y; identity=helo", "\r\n\r\n", "a@b.example\r\nX: y"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct table *table = table_new();
		struct spf_fact fact =
		    check(table, "192.0.2.1", names[i], names[i]);
		assert_int_equal(fact.result, SPF_NONE);
		table_clear(table);
		fact = check(table, "2001:db8::1", names[i], "");
		assert_int_equal(fact.result, SPF_NONE);
		table_free(&table);
	}
}

#define THREADS 16

static void *
run_thread(void *arg)
{
	unsigned number = *(unsigned *)arg;
	struct table *table = table_new();
	struct text text = {0};
	char own[64], ip[32];

	snprintf(own, sizeof own, "t%u.example", number);
	snprintf(ip, sizeof ip, "192.0.2.%u", number);
	put(&text, "v=spf1 ip4:203.0.113.%u include:inc.example -all", number);
	add_txt(table, own, &text);
	put(&text, "v=spf1 exists:%%{i}.%%{d} ?all");
	add_txt(table, "inc.example", &text);
	char listed[64];
	snprintf(listed, sizeof listed, "192.0.2.%u.inc.example", number);
	table_add(table, listed, DNS_A, "127.0.0.2", 9);
	uintptr_t wrong = 0;
	for (int i = 0; i < 200; i++) {
		struct spf_asker asker = table_asker(table);
		struct spf_query query = {.helo = "h", .sender = own};
		struct spf_fact fact;
		ip_from_text(i % 2 ? ip : "198.51.100.1", &query.ip);
		spf_check(&asker, &query, &fact);
		wrong += fact.result != (i % 2 ? SPF_PASS : SPF_FAIL);
	}
	table_free(&table);
	return (void *)wrong;
}

static void
sixteen_threads_evaluate_side_by_side(void **state)
{
	pthread_t threads[THREADS];
	unsigned numbers[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		numbers[i] = i + 1;
		assert_int_equal(
		    pthread_create(&threads[i], NULL, run_thread, &numbers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
}

/* The nth answer fails, or all from it on. */
struct failing {
	struct spf_asker asker;
	unsigned asked, nth;
	bool stays;
	struct dns_answer answer;
};

static const struct dns_answer *
ask_failing(void *ctx, const char *name, enum dns_type type)
{
	struct failing *failing = ctx;

	failing->asked++;
	if (failing->asked == failing->nth ||
	    (failing->stays && failing->asked > failing->nth))
		return &failing->answer;
	return failing->asker.ask(failing->asker.ctx, name, type);
}

static struct spf_fact
check_failing(struct failing *failing, const char *sender)
{
	struct spf_asker asker = {ask_failing, NULL, failing};
	struct spf_query query = {.helo = "mx.example", .sender = sender};
	struct spf_fact fact;

	failing->asked = 0;
	ip_from_text("192.0.2.1", &query.ip);
	spf_check(&asker, &query, &fact);
	return fact;
}

/* RFC 7208 2.6.6: an error of DNS is temperror, whatever the record says. */
static void
any_answer_that_fails_makes_it_temperror_and_never_a_result(void **state)
{
	static const struct {
		const char *name, *text;
	} records[] = {
	    {"pass.example", "v=spf1 include:i.example a:%{d}.a.example mx "
	                     "exists:%{ir}.e.example redirect=r.example"},
	    {"fail.example", "v=spf1 include:i.example mx:i.example a -all"},
	    {"i.example", "v=spf1 ip4:198.51.100.1 a:b.example ?all"},
	    {"r.example", "v=spf1 a:c.example ip4:192.0.2.0/24 -all"},
	};
	static const struct {
		const char *sender;
		enum spf_result result;
	} wanted[] = {{"a@pass.example", SPF_PASS}, {"a@fail.example", SPF_FAIL}};
	static const char *const hosts[] = {"mail.example", "b.example",
	    "c.example", "fail.example", "pass.example.a.example"};
	static const enum dns_status statuses[] = {DNS_SERVFAIL, DNS_TIMEOUT};
	struct table *table = table_new();
	unsigned points = 0;

	(void)state;
	for (size_t i = 0; i < sizeof records / sizeof *records; i++)
		table_add(table, records[i].name, DNS_TXT, records[i].text,
		    strlen(records[i].text));
	for (size_t i = 0; i < 2; i++)
		table_add(table, records[i].name, DNS_MX, "mail.example", 12);
	table_add(table, "i.example", DNS_MX, "mail.example", 12);
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
		table_add(table, hosts[i], DNS_A, "198.51.100.2", 12);
	for (size_t i = 0; i < 8; i++) {
		struct failing failing = {.asker = table_asker(table),
		    .nth = UINT_MAX, /* none */
		    .stays = i & 4,
		    .answer.status = statuses[i & 1]};
		const char *sender = wanted[i / 2 & 1].sender;
		assert_int_equal(check_failing(&failing, sender).result,
		    wanted[i / 2 & 1].result);
		unsigned whole = failing.asked;
		for (failing.nth = 1; failing.nth <= whole; failing.nth++) {
			struct spf_fact fact = check_failing(&failing, sender);
			if (fact.result != SPF_TEMPERROR)
				fail_msg("%s, answer %u of %u: %s", sender,
				    failing.nth, whole,
				    spf_result_words[fact.result]);
			points++;
		}
	}
	print_message("%u answers that failed\n", points);
	assert_true(points >= 8 * 5);
	table_free(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(trees_of_includes_end_at_the_limit),
	    cmocka_unit_test(ten_mx_of_ten_hosts_are_the_most_that_is_asked),
	    cmocka_unit_test(a_message_has_so_many_questions_and_no_more),
	    cmocka_unit_test(thousands_of_records_are_met_by_the_limits),
	    cmocka_unit_test(long_records_are_right_or_an_error_and_never_cut),
	    cmocka_unit_test(macro_bombs_and_crafted_terms_do_no_harm),
	    cmocka_unit_test(names_of_any_shape_are_none_or_asked_whole),
	    cmocka_unit_test(
	        any_answer_that_fails_makes_it_temperror_and_never_a_result),
	    cmocka_unit_test(sixteen_threads_evaluate_side_by_side),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
