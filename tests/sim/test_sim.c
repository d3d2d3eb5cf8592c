/* SPDX-License-Identifier: BSD-2-Clause */
/* A sender that keeps trying gets through, in every mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "policy/policy.h"
#include "sim/visits.h"
#include "support/dice.h"

#define MINUTE 60
#define HOUR   3600

static uint64_t state;

static unsigned
dice(unsigned sides)
{
	return dice_roll(&state, sides);
}

#define MOST_NETWORKS 64

/* Somebody who keeps trying, of any habit. */
struct keeper {
	unsigned addresses, networks;
	bool has_spf;
	int64_t patience_s;
	int64_t gap_least, gap_most; /* between attempts */
};

static struct keeper
invent(void)
{
	static const int64_t gaps[] = {
	    MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR, 24 * HOUR};
	struct keeper keeper = {
	    .addresses = 1 + dice(64), .networks = 1, .patience_s = 30 + dice(300)};
	unsigned least = dice(5);

	if (dice(2) == 0) {
		keeper.networks = 1 + dice(MOST_NETWORKS);
		keeper.has_spf = dice(2) == 0;
	}
	keeper.gap_least = gaps[least];
	keeper.gap_most = gaps[least + 1 + dice(5 - least)];
	return keeper;
}

/* The attempts that it took, 0 when 100 and five days did not do. */
static unsigned
keep_trying(const struct keeper *keeper, unsigned number)
{
	char ip[IP_TEXT_SIZE], from[60], domain[40], to[60];
	struct visitor visitor = {.ip = ip,
	    .from = from,
	    .to = to,
	    .spf_domain = keeper->has_spf ? domain : NULL,
	    .patience_s = keeper->patience_s};

	snprintf(domain, sizeof domain, "keeper%u.example", number);
	snprintf(from, sizeof from, "<a@%s>", domain);
	snprintf(to, sizeof to, "<b%u@example.jp>", number);
	int64_t end_ms = fixture->now_ms + 5 * 24 * HOUR * INT64_C(1000);
	for (unsigned attempt = 1; attempt <= 100 || fixture->now_ms < end_ms;
	     attempt++) {
		unsigned address = dice(keeper->addresses);
		unsigned network =
		    number * MOST_NETWORKS + address % keeper->networks;
		snprintf(ip, sizeof ip, "%u.%u.%u.%u", 11 + network / 65536,
		    network / 256 % 256, network % 256, 1 + address);
		if (visits_visit(&visitor))
			return attempt;
		fixture_advance(
		    keeper->gap_least +
		    dice((unsigned)(keeper->gap_most - keeper->gap_least)));
	}
	return 0;
}

static void
who_keeps_trying_gets_through_in_every_mode(void **unused)
{
	(void)unused;
	for (enum mode mode = 0; mode < MODES; mode++) {
		fixture_new(mode);
		unsigned worst = 0;
		state = 20261129;
		for (unsigned number = 0; number < 400; number++) {
			struct keeper keeper = invent();
			unsigned took = keep_trying(&keeper, number);
			if (took == 0)
				print_error("%s: keeper %u: %u addresses, %u "
				            "networks, SPF %d, waits %lld s, "
				            "every %lld to %lld s\n",
				    mode_words[mode], number, keeper.addresses,
				    keeper.networks, keeper.has_spf,
				    (long long)keeper.patience_s,
				    (long long)keeper.gap_least,
				    (long long)keeper.gap_most);
			assert_int_not_equal(took, 0);
			worst = took > worst ? took : worst;
		}
		print_message("%s: at most %u attempts\n", mode_words[mode], worst);
		fixture_free();
	}
}

/* A program with ever new networks, the same sender and recipient. */
static void
from_ever_new_networks_a_pair_passes_once_a_day_at_most(void **unused)
{
	char ip[IP_TEXT_SIZE];
	struct visitor visitor = {.ip = ip,
	    .from = "<a@example.com>",
	    .to = "<b@example.jp>",
	    .patience_s = 20};

	(void)unused;
	for (unsigned every_m = 10; every_m <= 1440; every_m *= 12) {
		unsigned passed = 0;
		fixture_new(MODE_TARGREY);
		for (unsigned n = 0; n < 10 * 1440 / every_m; n++) {
			snprintf(ip, sizeof ip, "%u.%u.%u.1", 11 + n / 65536,
			    n / 256 % 256, n % 256);
			passed += visits_visit(&visitor);
			fixture_advance(every_m * 60);
		}
		print_message(
		    "every %u minutes: %u in ten days\n", every_m, passed);
		assert_in_range(passed, 1, 10);
	}
}

static void
every_sender_of_the_table_delivers_all_its_mail_in_every_mode(void **unused)
{
	struct visits visits;

	(void)unused;
	for (enum mode mode = 0; mode < MODES; mode++) {
		fixture_new(mode);
		for (unsigned i = 0; i < senders_count; i++) {
			if (senders[i].is_spam)
				continue;
			visits_sender(&senders[i], i + 1, &visits);
			if (visits.delivered != visits.mails)
				print_error(
				    "%s: %s\n", mode_words[mode], senders[i].name);
			assert_int_equal(visits.delivered, visits.mails);
		}
		fixture_free();
	}
}

static unsigned
delivered_of(enum mode mode, const char *name)
{
	fixture_new(mode);
	struct visits visits = {.delivered = UINT32_MAX};

	for (unsigned i = 0; i < senders_count; i++) {
		if (strcmp(senders[i].name, name) == 0)
			visits_sender(&senders[i], i + 1, &visits);
	}
	fixture_free();
	return visits.delivered;
}

static void
modes_stop_the_programs_that_they_are_made_for(void **unused)
{
	(void)unused;
	assert_int_equal(delivered_of(MODE_OBSERVE, "leaves after 30 s"), 100);
	assert_int_equal(delivered_of(MODE_STARPIT, "leaves after 60 s"), 0);
	assert_int_equal(delivered_of(MODE_TARGREY, "leaves after 60 s"), 0);
	assert_int_equal(delivered_of(MODE_TARGREY, "waits, comes once"), 100);
	assert_int_equal(delivered_of(MODE_RGREY, "waits, comes once"), 0);
	assert_int_equal(delivered_of(MODE_STRICT, "waits, comes once"), 0);
	assert_int_equal(
	    delivered_of(MODE_STRICT, "leaves after 20 s, back by schedule"), 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_keeps_trying_gets_through_in_every_mode),
	    cmocka_unit_test(
	        from_ever_new_networks_a_pair_passes_once_a_day_at_most),
	    cmocka_unit_test(
	        every_sender_of_the_table_delivers_all_its_mail_in_every_mode),
	    cmocka_unit_test(modes_stop_the_programs_that_they_are_made_for),
	};

	log_set_level(LOG_LEVEL_WARNING);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
