/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The resolver against real sockets. The times asserted are deadlines of the
 * resolver itself, with half a second to spare: they say that nothing waits
 * beyond its deadline, not that anything is quick.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dns/dnsd.h"
#include "dns/resolver.h"

#define DEADLINE_MS 1500
#define SPARE_MS    500
#define LONG_MS     10000 /* where no deadline must come, however slow the machine */

static struct clock clock_real;
static struct resolver *resolver;

static void
open_job_for(const char *servers, int64_t ms)
{
	struct error error;

	resolver = resolver_open(servers, ms, &clock_real, &error);
	if (resolver == NULL)
		fail_msg("%s", error.text);
	resolver_begin(resolver, clock_mono_ms(&clock_real) + ms, NULL);
}

static void
open_job(const char *servers)
{
	open_job_for(servers, LONG_MS);
}

static void
close_job(void)
{
	resolver_end(resolver);
	resolver_close(&resolver);
}

static const struct dns_answer *
ask(const char *name, enum dns_type type)
{
	return resolver_await(resolver, resolver_ask(resolver, name, type));
}

static void
every_type_comes_over_the_wire(void **state)
{
	struct dnsd dnsd;
	char text[IP_TEXT_SIZE];

	(void)state;
	dnsd_start(&dnsd,
	    "{\"example.org\": {\"A\": [\"192.0.2.1\"], \"AAAA\": "
	    "[\"2001:db8::1\"],"
	    " \"MX\": [[10, \"mx.example.org\"]], \"TXT\": [[\"v=sp\", \"f1 "
	    "-all\"]]},"
	    " \"1.2.0.192.in-addr.arpa\": {\"PTR\": [\"mx.example.org\"]},"
	    " \"www.example.org\": {\"CNAME\": [\"example.org\"]},"
	    " \"empty.example.org\": {},"
	    " \"back\\\\slash.example.org\": {\"A\": [\"192.0.2.9\"]}}");
	open_job(dnsd.text);
	assert_string_equal(
	    ip_to_text(&ask("example.org", DNS_A)->records[0].ip, text),
	    "192.0.2.1");
	assert_string_equal(
	    ip_to_text(&ask("Example.ORG.", DNS_AAAA)->records[0].ip, text),
	    "2001:db8::1");
	assert_string_equal(
	    ask("example.org", DNS_MX)->records[0].text, "mx.example.org");
	assert_string_equal(
	    ask("example.org", DNS_TXT)->records[0].text, "v=spf1 -all");
	assert_string_equal(ask("1.2.0.192.in-addr.arpa", DNS_PTR)->records[0].text,
	    "mx.example.org");
	assert_int_equal(ask("www.example.org", DNS_A)->count, 1);
	assert_int_equal(ask("empty.example.org", DNS_A)->status, DNS_NODATA);
	assert_int_equal(ask("no.example.org", DNS_A)->status, DNS_NXDOMAIN);
	assert_int_equal(ask("back\\slash.example.org", DNS_A)->status, DNS_OK);
	assert_int_equal(ask("a..example.org", DNS_A)->status, DNS_BAD_NAME);
	close_job();
	dnsd_stop(&dnsd);
}

static void
one_question_is_sent_once_a_job(void **state)
{
	struct dnsd dnsd;

	(void)state;
	dnsd_start(&dnsd, "{\"example.org\": {\"A\": [\"192.0.2.1\"]}}");
	open_job(dnsd.text);
	for (int i = 0; i < 5; i++)
		assert_int_equal(ask("example.org", DNS_A)->status, DNS_OK);
	assert_int_equal(dnsd_asked(&dnsd), 1);
	close_job();
	dnsd_stop(&dnsd);
}

static void
a_truncated_answer_comes_over_tcp(void **state)
{
	struct dnsd dnsd;
	char table[9000] = "{\"big.example\": {\"TXT\": [\"";

	(void)state;
	memset(table + strlen(table), 'x', 8000);
	strcat(table, "\"]}, \"cut.example\": {\"TXT\": \"truncate\", \"then\": "
	              "{\"TXT\": [\"whole\"]}}}");
	dnsd_start(&dnsd, table);
	open_job(dnsd.text);
	assert_int_equal(ask("big.example", DNS_TXT)->records[0].length, 8000);
	assert_string_equal(ask("cut.example", DNS_TXT)->records[0].text, "whole");
	close_job();
	dnsd_stop(&dnsd);
}

static enum dns_status
status_of(const char *word, int64_t ms)
{
	struct dnsd dnsd;
	char table[100];

	snprintf(table, sizeof table, "{\"*.x.example\": {\"*\": \"%s\"}}", word);
	dnsd_start(&dnsd, table);
	open_job_for(dnsd.text, ms);
	enum dns_status status = ask("a.x.example", DNS_A)->status;
	close_job();
	dnsd_stop(&dnsd);
	return status;
}

static void
codes_of_failure_are_told_from_no_data_and_garbage_is_silence(void **state)
{
	static const char *const codes[] = {
	    "servfail", "refused", "formerr", "notimp"};

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		enum dns_status status = status_of(codes[i], LONG_MS);
		if (status != DNS_SERVFAIL)
			fail_msg("%s: status %d", codes[i], status);
	}
	/* anybody could send it: it may never count as the answer */
	assert_int_equal(status_of("garbage", DEADLINE_MS), DNS_TIMEOUT);
}

static void
trouble_costs_the_deadline_at_most(const char *servers, const char *name)
{
	int64_t start = clock_mono_ms(&clock_real);

	open_job_for(servers, DEADLINE_MS);
	/* many questions at once, then one after the other */
	struct dns_question *first = resolver_ask(resolver, name, DNS_TXT);
	resolver_ask(resolver, name, DNS_MX);
	enum dns_status status = resolver_await(resolver, first)->status;
	if (status != DNS_TIMEOUT && status != DNS_SERVFAIL)
		fail_msg("%s: status %d", name, status);
	for (int i = 0; i < 20; i++) {
		char other[64];
		snprintf(other, sizeof other, "x%d.%s", i, name);
		ask(other, DNS_A);
	}
	close_job();
	int64_t took = clock_mono_ms(&clock_real) - start;
	if (took > DEADLINE_MS + SPARE_MS)
		fail_msg("%s: took %lld ms", name, (long long)took);
}

static void
dead_slow_mute_and_refusing_servers_cost_the_deadline_at_most(void **state)
{
	struct dnsd dnsd, dead, refused;
	char two[200];

	(void)state;
	dnsd_start_dead(&dead);
	dnsd_start_refused(&refused);
	trouble_costs_the_deadline_at_most(dead.text, "dead.example");
	trouble_costs_the_deadline_at_most(refused.text, "refused.example");
	snprintf(two, sizeof two, "%s,%s,%s", dead.text, refused.text, dead.text);
	trouble_costs_the_deadline_at_most(two, "three.example");
	dnsd_start(&dnsd, "{\"slow.example\": {\"*\": \"slow:20000\"},"
	                  " \"*.slow.example\": {\"*\": \"slow:400\"},"
	                  " \"mute.example\": {\"*\": \"mute\"},"
	                  " \"*.mute.example\": {\"*\": \"mute\"},"
	                  " \"no.example\": {\"*\": \"refused\"},"
	                  " \"*.no.example\": {\"*\": \"refused\"}}");
	trouble_costs_the_deadline_at_most(dnsd.text, "slow.example");
	trouble_costs_the_deadline_at_most(dnsd.text, "mute.example");
	trouble_costs_the_deadline_at_most(dnsd.text, "no.example");
	dnsd_stop(&dnsd);
	dnsd_stop(&dead);
	dnsd_stop(&refused);
}

static void
a_dead_first_server_is_passed_over_and_remembered(void **state)
{
	struct dnsd dnsd, dead;
	char two[200];

	(void)state;
	dnsd_start_dead(&dead);
	dnsd_start(&dnsd, "{\"*.example\": {\"A\": [\"192.0.2.1\"]}}");
	snprintf(two, sizeof two, "%s,%s", dead.text, dnsd.text);
	open_job(two);
	assert_int_equal(ask("a.example", DNS_A)->status, DNS_OK);
	/* 12 one after the other: at a try each, the deadline would end them */
	for (int i = 0; i < 12; i++) {
		char name[32];
		snprintf(name, sizeof name, "n%d.example", i);
		assert_int_equal(ask(name, DNS_A)->status, DNS_OK);
	}
	close_job();
	dnsd_stop(&dnsd);
	dnsd_stop(&dead);
}

static void
silent_questions_wait_together(void **state)
{
	struct dnsd dnsd;
	struct dns_question *good;

	(void)state;
	dnsd_start(&dnsd, "{\"*.dead.example\": {\"*\": \"silent\"},"
	                  " \"good.example\": {\"A\": [\"192.0.2.1\"]}}");
	open_job(dnsd.text);
	for (int i = 0; i < 30; i++) {
		char name[32];
		snprintf(name, sizeof name, "n%d.dead.example", i);
		resolver_ask(resolver, name, DNS_A);
	}
	good = resolver_ask(resolver, "good.example", DNS_A);
	assert_int_equal(resolver_await(resolver, good)->status, DNS_OK);
	/* the good one did not wait for the others to run out */
	assert_int_equal(resolver_counters(resolver).timeouts, 0);
	close_job();
	dnsd_stop(&dnsd);
}

static void
past_the_deadline_nothing_is_sent(void **state)
{
	struct dnsd dnsd;

	(void)state;
	dnsd_start(&dnsd, "{\"example.org\": {\"A\": [\"192.0.2.1\"]}}");
	open_job(dnsd.text);
	resolver_begin(resolver, clock_mono_ms(&clock_real) - 1, NULL);
	assert_int_equal(ask("example.org", DNS_A)->status, DNS_TIMEOUT);
	close_job();
	assert_int_equal(dnsd_asked(&dnsd), 0);
	dnsd_stop(&dnsd);
}

static void
bad_server_lists_are_refused(void **state)
{
	static const char *const lists[] = {
	    "nonsense", "192.0.2.1:99999999999", "192.0.2.300"};
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		error.text[0] = '\0';
		assert_null(
		    resolver_open(lists[i], DEADLINE_MS, &clock_real, &error));
		assert_non_null(strstr(error.text, lists[i]));
	}
	resolver = resolver_open("", DEADLINE_MS, &clock_real, &error);
	assert_non_null(resolver);
	resolver_close(&resolver);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_type_comes_over_the_wire),
	    cmocka_unit_test(one_question_is_sent_once_a_job),
	    cmocka_unit_test(a_truncated_answer_comes_over_tcp),
	    cmocka_unit_test(
	        codes_of_failure_are_told_from_no_data_and_garbage_is_silence),
	    cmocka_unit_test(
	        dead_slow_mute_and_refusing_servers_cost_the_deadline_at_most),
	    cmocka_unit_test(a_dead_first_server_is_passed_over_and_remembered),
	    cmocka_unit_test(silent_questions_wait_together),
	    cmocka_unit_test(past_the_deadline_nothing_is_sent),
	    cmocka_unit_test(bad_server_lists_are_refused),
	};

	clock_init(&clock_real);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
