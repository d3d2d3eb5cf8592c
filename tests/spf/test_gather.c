/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/log.h"
#include "dns/dnsd.h"
#include "facts/dnsbl.h"
#include "facts/gather.h"

#define SHORT_MS 1500 /* where the deadline itself is the matter */
#define LONG_MS  8000 /* where it must not come, however slow the machine */
#define SPARE_MS 500

static struct clock clock_real;
static struct gatherer *gatherer;

/* The order in which jobs ended. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t ended[100];
static size_t ended_count;

static void
on_done(void *ctx, uint64_t number)
{
	assert_ptr_equal(ctx, &clock_real);
	pthread_mutex_lock(&lock);
	ended[ended_count++] = number;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void
await_ended(size_t count)
{
	pthread_mutex_lock(&lock);
	while (ended_count < count)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void
open_gatherer(const char *servers, int64_t timeout_ms, unsigned workers,
    size_t queued, const struct dnsbl_setting *lists, size_t lists_count)
{
	struct gather_settings settings = {.servers = servers,
	    .timeout_ms = timeout_ms,
	    .spf = true,
	    .lists = lists,
	    .lists_count = lists_count,
	    .workers = workers,
	    .max_queued = queued};
	struct error error;

	ended_count = 0;
	gatherer = gatherer_open(&settings, &clock_real, &error);
	if (gatherer == NULL)
		fail_msg("%s", error.text);
}

static struct gather *
start(const char *ip, const char *helo, const char *sender, uint64_t number)
{
	struct gather_request request = {.helo = helo, .sender = sender};

	assert_true(ip_from_text(ip, &request.ip));
	struct gather *gather =
	    gather_start(gatherer, &request, on_done, &clock_real, number);
	assert_non_null(gather);
	return gather;
}

/* Its texts are there until the next one is. */
static bool
is_over(struct gather *gather, struct dns_facts *facts_r)
{
	static struct dns_facts *kept;
	struct dns_facts *taken = gather_result(gather);

	if (taken == NULL)
		return false;
	free(kept);
	kept = taken;
	*facts_r = *taken;
	return true;
}

static struct dns_facts
run(const char *ip, const char *helo, const char *sender)
{
	struct gather *gather = start(ip, helo, sender, 1);
	struct dns_facts facts;

	pthread_mutex_lock(&lock);
	while (!is_over(gather, &facts))
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	gather_drop(&gather);
	assert_null(gather);
	return facts;
}

#define ZONE                                                                       \
	"{\"good.example\": {\"TXT\": [\"v=spf1 ip4:198.51.100.0/24 -all\"],"      \
	" \"MX\": [[10, \"mx.good.example\"]]},"                                   \
	" \"mx.good.example\": {\"A\": [\"198.51.100.1\"],"                        \
	" \"TXT\": [\"v=spf1 a -all\"]},"                                          \
	" \"two.example\": {\"AAAA\": [\"2001:db8::2\"]},"                         \
	" \"nomail.example\": {\"MX\": [[0, \"\"]], \"A\": [\"198.51.100.3\"]},"   \
	" \"txt.example\": {\"TXT\": [\"nothing\"]},"                              \
	" \"fail.example\": {\"*\": \"servfail\"},"                                \
	" \"*.dead.example\": {\"*\": \"silent\"},"                                \
	" \"1.100.51.198.bl.example\": {\"A\": [\"127.0.0.4\"]},"                  \
	" \"1.100.51.198.wl.example\": {\"A\": [\"127.0.0.1\"]},"                  \
	" \"1.100.51.198.mask.example\": {\"A\": [\"127.0.0.4\"]},"                \
	" \"2.0.0.127.bl.example\": {\"A\": [\"127.0.0.2\"]},"                     \
	" \"2.0.0.127.wl.example\": {\"A\": [\"127.0.10.0\"]},"                    \
	" \"2.0.0.127.mask.example\": {\"A\": [\"127.0.0.2\"]},"                   \
	" \"2.0.0.127.wild.example\": {\"A\": [\"127.0.0.2\"]},"                   \
	" \"2.0.0.127.angry.example\": {\"A\": [\"127.0.0.2\"]},"                  \
	" \"2.0.0.127.quota.example\": {\"A\": [\"127.0.0.2\"]},"                  \
	" \"1.100.51.198.quota.example\": {\"A\": [\"127.0.0.255\"]},"             \
	" \"2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.six."  \
	"example\":"                                                               \
	" {\"A\": [\"127.0.0.2\"]},"                                               \
	" \"1.100.51.198.six.example\": {\"A\": [\"127.0.0.3\"]},"                 \
	" \"*.all.example\": {\"A\": [\"127.0.10.3\"]},"                           \
	" \"*.refuses.example\": {\"A\": [\"127.0.0.255\"]},"                      \
	" \"1.100.51.198.untested.example\": {\"A\": [\"127.0.0.2\"]},"            \
	" \"1.100.51.198.wild.example\": {\"A\": [\"198.51.100.99\"]},"            \
	" \"1.100.51.198.angry.example\": {\"A\": [\"127.255.255.254\"]},"         \
	" \"*.silent.example\": {\"*\": \"silent\"}}"

static void
open_zone(struct dnsd *dnsd)
{
	dnsd_start(dnsd, ZONE);
	open_gatherer(dnsd->text, LONG_MS, 2, 10, NULL, 0);
}

static void
close_zone(struct dnsd *dnsd)
{
	gatherer_close(&gatherer);
	dnsd_stop(dnsd);
}

static void
both_identities_and_names_are_told(void **state)
{
	struct dnsd dnsd;

	(void)state;
	open_zone(&dnsd);
	struct dns_facts facts =
	    run("198.51.100.1", "mx.good.example", "a@good.example");
	assert_int_equal(facts.mailfrom.result, SPF_PASS);
	assert_string_equal(facts.mailfrom.domain, "good.example");
	assert_true(spf_is_narrow(&facts.mailfrom));
	assert_int_equal(facts.helo.result, SPF_PASS);
	assert_string_equal(facts.helo.domain, "mx.good.example");
	assert_int_equal(facts.helo_dns, HELO_DNS_MATCH);
	assert_true(facts.sender_known);
	assert_false(facts.sender_nodns);
	assert_false(facts.timed_out);
	assert_false(facts.limited);

	facts = run("203.0.113.9", "mx.good.example", "");
	assert_int_equal(facts.mailfrom.result, SPF_FAIL);
	assert_string_equal(facts.mailfrom.domain, "mx.good.example");
	assert_int_equal(facts.helo.result, SPF_FAIL);
	assert_int_equal(facts.helo_dns, HELO_DNS_MISMATCH);
	assert_false(facts.sender_known);

	facts = run("203.0.113.9", "[203.0.113.9]", "b@none.example");
	assert_int_equal(facts.mailfrom.result, SPF_NONE);
	assert_int_equal(facts.helo.result, SPF_NONE);
	assert_string_equal(facts.helo.domain, "");
	assert_int_equal(facts.helo_dns, HELO_DNS_UNKNOWN);
	assert_true(facts.sender_nodns);
	close_zone(&dnsd);
}

static void
a_sender_without_mx_and_address_is_nodns(void **state)
{
	static const struct {
		const char *sender;
		bool known, nodns;
	} cases[] = {
	    {"a@good.example", true, false},  /* MX */
	    {"a@two.example", true, false},   /* AAAA alone */
	    {"a@nomail.example", true, true}, /* null MX */
	    {"a@txt.example", true, true},    /* neither */
	    {"a@absent.example", true, true},
	    {"a@fail.example", false, false},
	    {"a@x.dead.example", false, false},
	    {"", false, false},
	    {"a@[192.0.2.1]", false, false},
	    {"a@b..example", false, false},
	};
	struct dnsd dnsd;

	(void)state;
	open_zone(&dnsd);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dns_facts facts = run("198.51.100.1", NULL, cases[i].sender);
		if (facts.sender_known != cases[i].known ||
		    facts.sender_nodns != cases[i].nodns)
			fail_msg("%s", cases[i].sender);
	}
	close_zone(&dnsd);
}

static void
helo_names_are_matched_with_the_client(void **state)
{
	static const struct {
		const char *ip, *helo;
		enum helo_dns wanted;
	} cases[] = {
	    {"198.51.100.1", "mx.good.example", HELO_DNS_MATCH},
	    {"198.51.100.2", "MX.good.example.", HELO_DNS_MISMATCH},
	    {"2001:db8::2", "two.example", HELO_DNS_MATCH},
	    {"198.51.100.2", "two.example", HELO_DNS_MISMATCH}, /* other family */
	    {"198.51.100.2", "absent.example", HELO_DNS_NONE},
	    {"198.51.100.2", "fail.example", HELO_DNS_UNKNOWN},
	    {"198.51.100.2", "198.51.100.2", HELO_DNS_UNKNOWN},
	    {"198.51.100.2", "friend", HELO_DNS_UNKNOWN},
	    {"198.51.100.2", "", HELO_DNS_UNKNOWN},
	};
	struct dnsd dnsd;

	(void)state;
	open_zone(&dnsd);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dns_facts facts = run(cases[i].ip, cases[i].helo, "");
		if (facts.helo_dns != cases[i].wanted)
			fail_msg("%s: %d", cases[i].helo, facts.helo_dns);
	}
	close_zone(&dnsd);
}

static void
loopback_clients_are_skipped_without_a_question(void **state)
{
	struct dnsd dnsd;

	(void)state;
	open_zone(&dnsd);
	struct dns_facts facts =
	    run("127.0.0.1", "mx.good.example", "a@good.example");
	assert_int_equal(facts.mailfrom.result, SPF_SKIPPED);
	facts = run("::1", "mx.good.example", "a@good.example");
	assert_int_equal(facts.helo.result, SPF_SKIPPED);
	assert_int_equal(dnsd_asked(&dnsd), 0);
	close_zone(&dnsd);
}

static void
lists_count_by_weight_mask_and_127(void **state)
{
	static const struct dnsbl_setting lists[] = {
	    {"bl.example", "bl", 0xff, 3},
	    {"wl.example", "wl", 0xff, -1},
	    {"mask.example", "mask", 0x02, 10},
	    {"wild.example", "wild", 0xff, 10},
	    {"angry.example", "angry", 0xff, 10},
	    {"quota.example", "quota", 0xff, 10},
	    {"six.example", "six", 0xff, 0},
	    {"absent.example", "absent", 0xff, 10},
	};
	struct dnsd dnsd;

	(void)state;
	dnsd_start(&dnsd, ZONE);
	open_gatherer(dnsd.text, LONG_MS, 2, 10, lists, 8);
	struct dns_facts facts = run("198.51.100.1", NULL, "");
	assert_int_equal(facts.dnsbl_weight, 2);
	assert_string_equal(facts.dnsbl, "bl,wl,six");
	facts = run("198.51.100.2", NULL, "");
	assert_int_equal(facts.dnsbl_weight, 0);
	assert_string_equal(facts.dnsbl, "");
	close_zone(&dnsd);
}

static void
keep_warning(void *ctx, enum log_level level, const char *text)
{
	if (level == LOG_LEVEL_WARNING && strstr(ctx, text) == NULL)
		snprintf(
		    (char *)ctx + strlen(ctx), 2000 - strlen(ctx), "%s|", text);
}

/* RFC 5782 5: 127.0.0.2 is in every list, 127.0.0.1 in none. */
static void
a_list_of_everybody_or_nobody_rests_and_is_named(void **state)
{
	static const struct dnsbl_setting lists[] = {
	    {"all.example", "all", 0xff, 10},
	    {"refuses.example", "refuses", 0xff, 10},
	    {"untested.example", "untested", 0xff, 10},
	    {"bl.example", "bl", 0xff, 3},
	};
	static const char *const said[] = {"all.example lists 127.0.0.1",
	    "refuses.example refuses our queries",
	    "untested.example does not list its test entry 127.0.0.2"};
	char warnings[2000] = "", trouble[300];
	struct dnsd dnsd;

	(void)state;
	dnsd_start(&dnsd, ZONE);
	log_to_sink(keep_warning, warnings);
	open_gatherer(dnsd.text, LONG_MS, 2, 10, lists, 4);
	for (int i = 0; i < 2; i++) {
		unsigned before = dnsd_asked(&dnsd);
		struct dns_facts facts = run("198.51.100.1", NULL, "");
		assert_int_equal(facts.dnsbl_weight, 3);
		assert_string_equal(facts.dnsbl, "bl");
		/* the test first, then only who stood it is asked */
		assert_int_equal(dnsd_asked(&dnsd) - before, i == 0 ? 16 : 1);
	}
	for (unsigned i = 0; i < 3; i++) {
		assert_non_null(strstr(warnings, said[i]));
		assert_true(gatherer_trouble(gatherer, i, trouble, sizeof trouble));
		assert_ptr_equal(strstr(trouble, said[i]), trouble);
	}
	assert_false(gatherer_trouble(gatherer, 3, trouble, sizeof trouble));
	gatherer_close(&gatherer);
	log_to_stderr("test");
	dnsd_stop(&dnsd);
}

/* One job of DNS lists alone, for a list whose last test failed. */
static int
weight_after_bad_test(struct resolver *resolver, const struct dnsbl_setting *list,
    struct dnsbl_health *health, const char *text)
{
	char names[DNSBL_TEXT_SIZE] = "";
	struct dns_facts facts = {.dnsbl = names};
	struct dnsbl_job job;
	struct ip ip;

	assert_true(ip_from_text(text, &ip));
	int64_t now = clock_mono_ms(&clock_real);
	resolver_begin(resolver, now + LONG_MS, NULL);
	dnsbl_start(&job, resolver, list, 1, health, &ip, now);
	dnsbl_finish(&job, resolver, list, 1, health, &clock_real, &facts);
	resolver_end(resolver);
	return facts.dnsbl_weight;
}

static void
a_list_that_has_recovered_counts_again(void **state)
{
	static const struct dnsbl_setting list = {"bl.example", "bl", 0xff, 3};
	struct dnsbl_health health = {
	    .state = DNSBL_LISTS_ALL, .next_test_ms = INT64_MAX};
	struct dnsd dnsd;
	struct error error;

	(void)state;
	dnsd_start(&dnsd, ZONE);
	struct resolver *resolver =
	    resolver_open(dnsd.text, LONG_MS, &clock_real, &error);
	assert_non_null(resolver);
	assert_int_equal(
	    weight_after_bad_test(resolver, &list, &health, "198.51.100.1"), 0);
	assert_int_equal(dnsd_asked(&dnsd), 0);
	health.next_test_ms = 1; /* past: due */
	assert_int_equal(
	    weight_after_bad_test(resolver, &list, &health, "198.51.100.1"), 3);
	assert_null(dnsbl_trouble(&health));
	assert_true(health.next_test_ms > clock_mono_ms(&clock_real));
	resolver_close(&resolver);
	dnsd_stop(&dnsd);
}

static void
a_list_that_stays_silent_is_left_out(void **state)
{
	static const struct dnsbl_setting lists[] = {
	    {"silent.example", "silent", 0xff, 10},
	    {"bl.example", "bl", 0xff, 3},
	};
	struct dnsd dnsd;

	(void)state;
	dnsd_start(&dnsd, ZONE);
	open_gatherer(dnsd.text, SHORT_MS, 2, 10, lists, 2);
	for (int i = 0; i < 4; i++) {
		unsigned before = dnsd_asked(&dnsd);
		struct dns_facts facts = run("198.51.100.1", NULL, "");
		/* waited for briefly: that is no fault, and no time-out */
		assert_false(facts.timed_out);
		assert_int_equal(facts.dnsbl_weight, 3);
		/* bl alone is left, which stood its test in the first job */
		if (i < 3)
			assert_true(dnsd_asked(&dnsd) - before >= 2);
		else
			assert_int_equal(dnsd_asked(&dnsd) - before, 1);
	}
	close_zone(&dnsd);
}

static void
a_list_is_not_blamed_for_a_dead_resolver_or_a_client_that_left(void **state)
{
	static const struct dnsbl_setting lists[] = {
	    {"silent.example", "s", 0xff, 1}};
	struct dnsd dnsd, dead;

	(void)state;
	dnsd_start_dead(&dead);
	dnsd_start(&dnsd, ZONE);
	open_gatherer(dead.text, SHORT_MS, 2, 10, lists, 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(run("198.51.100.1", NULL, "").dnsbl_weight, 0);
	gatherer_close(&gatherer);
	open_gatherer(dnsd.text, SHORT_MS, 1, 10, lists, 1);
	for (unsigned i = 0; i < 4; i++) {
		struct gather *gather =
		    start("198.51.100.1", NULL, "a@good.example", i);
		while (dnsd_asked(&dnsd) < 3 * (i + 1))
			sched_yield();
		gather_drop(&gather);
	}
	unsigned before = dnsd_asked(&dnsd);
	run("198.51.100.1", NULL, "a@good.example");
	assert_true(dnsd_asked(&dnsd) - before >= 3); /* the list is still asked */
	close_zone(&dnsd);
	dnsd_stop(&dead);
}

static void
a_job_ends_by_its_deadline(void **state)
{
	struct dnsd dnsd, dead;

	(void)state;
	dnsd_start_dead(&dead);
	dnsd_start(&dnsd, "{\"*.slow.example\": {\"*\": \"slow:700\", \"then\": {"
	                  "\"TXT\": [\"v=spf1 a:a.slow.example a:b.slow.example "
	                  "a:c.slow.example a:d.slow.example -all\"]}},"
	                  " \"*.mute.example\": {\"*\": \"mute\"}}");
	const struct {
		const char *servers, *sender;
	} cases[] = {{dead.text, "a@x.example"}, {dnsd.text, "a@x.slow.example"},
	    {dnsd.text, "a@x.mute.example"}};
	for (size_t i = 0; i < 3; i++) {
		open_gatherer(cases[i].servers, SHORT_MS, 2, 10, NULL, 0);
		int64_t before = clock_mono_ms(&clock_real);
		struct dns_facts facts =
		    run("198.51.100.1", "x.dead.example", cases[i].sender);
		int64_t took = clock_mono_ms(&clock_real) - before;
		/* the job's own deadline, with time to spare */
		if (took > SHORT_MS + SPARE_MS)
			fail_msg("%s: %lld ms", cases[i].sender, (long long)took);
		assert_int_equal(facts.mailfrom.result, SPF_TEMPERROR);
		assert_int_equal(facts.mailfrom.trouble, SPF_TROUBLE_TIMEOUT);
		assert_true(facts.timed_out);
		gatherer_close(&gatherer);
	}
	dnsd_stop(&dnsd);
	dnsd_stop(&dead);
}

static void
the_clock_runs_while_a_job_is_queued(void **state)
{
	struct dnsd dead;
	struct gather *gathers[3];
	struct dns_facts facts;

	(void)state;
	dnsd_start_dead(&dead);
	open_gatherer(dead.text, SHORT_MS, 1, 10, NULL, 0);
	int64_t before = clock_mono_ms(&clock_real);
	for (uint64_t i = 0; i < 3; i++)
		gathers[i] = start("198.51.100.1", "a.example", "a@b.example", i);
	assert_false(is_over(gathers[2], &facts));
	assert_true(gather_deadline_ms(gathers[2]) <=
	            clock_mono_ms(&clock_real) + SHORT_MS);
	await_ended(3);
	int64_t took = clock_mono_ms(&clock_real) - before;
	if (took > SHORT_MS + SPARE_MS)
		fail_msg("three queued jobs took %lld ms", (long long)took);
	for (int i = 0; i < 3; i++) {
		assert_true(is_over(gathers[i], &facts));
		assert_int_equal(facts.mailfrom.result, SPF_TEMPERROR);
		assert_true(facts.timed_out);
		gather_drop(&gathers[i]);
	}
	gatherer_close(&gatherer);
	dnsd_stop(&dead);
}

static void
above_the_queue_the_result_is_there_at_once_and_limited(void **state)
{
	struct dnsd dead;
	struct gather *gathers[8];
	unsigned limited = 0;

	(void)state;
	dnsd_start_dead(&dead);
	open_gatherer(dead.text, SHORT_MS, 1, 2, NULL, 0);
	for (uint64_t i = 0; i < 8; i++) {
		struct dns_facts facts;
		gathers[i] = start("198.51.100.1", "a.example", "a@b.example", i);
		if (!is_over(gathers[i], &facts))
			continue;
		limited++;
		assert_true(facts.limited);
		assert_int_equal(facts.mailfrom.result, SPF_TEMPERROR);
		assert_int_equal(facts.mailfrom.trouble, SPF_TROUBLE_LIMIT);
		assert_int_equal(facts.helo.result, SPF_TEMPERROR);
		assert_false(facts.sender_known);
	}
	assert_in_range(limited, 5, 6); /* one may have left the queue already */
	await_ended(8);
	for (int i = 0; i < 8; i++)
		gather_drop(&gathers[i]);
	gatherer_close(&gatherer);
	dnsd_stop(&dead);
}

static void
dead_dns_of_some_does_not_slow_others(void **state)
{
	struct dnsd dnsd;
	struct gather *gathers[40];

	(void)state;
	dnsd_start(&dnsd, ZONE);
	open_gatherer(dnsd.text, LONG_MS, 40, 100, NULL, 0);
	for (uint64_t i = 0; i < 20; i++)
		gathers[i] =
		    start("198.51.100.1", "a.dead.example", "a@x.dead.example", i);
	for (uint64_t i = 20; i < 40; i++)
		gathers[i] =
		    start("198.51.100.1", "mx.good.example", "a@good.example", i);
	await_ended(40);
	/* every good one ended before any of the dead ones */
	for (size_t i = 0; i < 40; i++)
		if ((ended[i] >= 20) != (i < 20))
			fail_msg(
			    "place %zu: job %llu", i, (unsigned long long)ended[i]);
	for (int i = 0; i < 40; i++) {
		struct dns_facts facts;
		assert_true(is_over(gathers[i], &facts));
		assert_int_equal(
		    facts.mailfrom.result, i < 20 ? SPF_TEMPERROR : SPF_PASS);
		gather_drop(&gathers[i]);
	}
	close_zone(&dnsd);
}

static void
after_a_drop_done_is_not_called(void **state)
{
	struct dnsd dead;

	(void)state;
	dnsd_start_dead(&dead);
	open_gatherer(dead.text, SHORT_MS, 1, 10, NULL, 0);
	for (uint64_t i = 0; i < 4; i++) {
		struct gather *gather =
		    start("198.51.100.1", "a.example", "a@b.example", i);
		gather_drop(&gather);
		gather_drop(&gather);
	}
	gatherer_close(&gatherer);
	gatherer_close(&gatherer);
	assert_int_equal(ended_count, 0);
	dnsd_stop(&dead);
}

static void
a_dropped_job_frees_its_worker(void **state)
{
	struct dnsd dnsd;

	(void)state;
	dnsd_start(&dnsd, ZONE);
	/* one worker: were it kept, the good one would come too late */
	open_gatherer(dnsd.text, LONG_MS, 1, 10, NULL, 0);
	for (uint64_t i = 0; i < 5; i++) {
		struct gather *gather =
		    start("198.51.100.1", "a.dead.example", "a@x.dead.example", i);
		while (dnsd_asked(&dnsd) == 0)
			sched_yield();
		gather_drop(&gather);
	}
	struct dns_facts facts =
	    run("198.51.100.1", "mx.good.example", "a@good.example");
	assert_int_equal(facts.mailfrom.result, SPF_PASS);
	assert_false(facts.timed_out);
	close_zone(&dnsd);
}

static void
a_bad_server_list_is_told_at_start(void **state)
{
	struct gather_settings settings = {.servers = "127.0.0.1:http",
	    .timeout_ms = SHORT_MS,
	    .workers = 1,
	    .max_queued = 1};
	struct error error;

	(void)state;
	assert_null(gatherer_open(&settings, &clock_real, &error));
	assert_non_null(strstr(error.text, "127.0.0.1:http"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_identities_and_names_are_told),
	    cmocka_unit_test(a_sender_without_mx_and_address_is_nodns),
	    cmocka_unit_test(helo_names_are_matched_with_the_client),
	    cmocka_unit_test(loopback_clients_are_skipped_without_a_question),
	    cmocka_unit_test(lists_count_by_weight_mask_and_127),
	    cmocka_unit_test(a_list_of_everybody_or_nobody_rests_and_is_named),
	    cmocka_unit_test(a_list_that_has_recovered_counts_again),
	    cmocka_unit_test(a_list_that_stays_silent_is_left_out),
	    cmocka_unit_test(
	        a_list_is_not_blamed_for_a_dead_resolver_or_a_client_that_left),
	    cmocka_unit_test(a_job_ends_by_its_deadline),
	    cmocka_unit_test(the_clock_runs_while_a_job_is_queued),
	    cmocka_unit_test(
	        above_the_queue_the_result_is_there_at_once_and_limited),
	    cmocka_unit_test(dead_dns_of_some_does_not_slow_others),
	    cmocka_unit_test(after_a_drop_done_is_not_called),
	    cmocka_unit_test(a_dropped_job_frees_its_worker),
	    cmocka_unit_test(a_bad_server_list_is_told_at_start),
	};

	clock_init(&clock_real);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
