/* SPDX-License-Identifier: BSD-2-Clause */
/* Truth tables: for every state on record, what every mode does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "policy/cases.h"
#include "policy/grey.h"
#include "policy/judge.h"

#define NOW (T0 + 10 * DAY)

static const struct s25r_rule rule = {.id = "1", .pattern = "x", .reason = "y"};

static struct facts
suspect(void)
{
	struct facts facts = {.name = "p7-dyn100.example.net",
	    .rdns = RDNS_PASS,
	    .s25r = {S25R_MATCH, &rule, NULL},
	    .helo_class = HELO_FQDN,
	    .local = ""};
	return facts;
}

/* What is on record; ages in seconds before now, 0 = never. */
struct record {
	int64_t gone, success, known, domain_known;
	uint32_t networks;
	int64_t first, last_try, passed; /* of the triplet */
	uint32_t tries;
	bool failed; /* the store could not be asked */
};

static const struct {
	const char *claim;
	struct record record;
	/* in the order of enum mode: observe rgrey starpit targrey strict */
	const char *verdicts; /* p h g, and H = hold, then greylist */
	enum why why;         /* where the mode does not decide */
	char would;           /* in observe */
} cases[] = {
    {"a first visit", {0}, "pghhH", WHY_S25R, 'h'},
    {"a return at once after a hang-up", {.gone = 5, .first = 5}, "pghgH", WHY_S25R,
        'g'},
    {"after 5 minutes", {.gone = 300, .first = 300}, "pghgH", WHY_S25R, 'g'},
    {"after 31 minutes the first try is not enough",
        {.gone = 31 * MINUTE, .first = 31 * MINUTE}, "pghgH", WHY_S25R, 'g'},
    {"the second try passes in every mode",
        {.gone = 62 * MINUTE,
            .first = 62 * MINUTE,
            .last_try = 31 * MINUTE,
            .tries = 1},
        "ppppp", WHY_TRIES, 'p'},
    {"a second try one second after the first does not",
        {.first = 62 * MINUTE, .last_try = 1, .tries = 1}, "pghhH", WHY_S25R, 'h'},
    {"after 3 days the hang-up and the clock are forgotten",
        {.gone = 3 * DAY, .first = 3 * DAY}, "pghhH", WHY_S25R, 'h'},
    {"a hang-up with a success since", {.gone = 300, .success = 200}, "pghhH",
        WHY_S25R, 'h'},
    {"a hang-up after the last success", {.gone = 300, .success = DAY}, "pghgH",
        WHY_S25R, 'g'},
    {"a triplet that has passed before", {.first = 5 * DAY, .passed = 4 * DAY},
        "ppppp", WHY_TRIES, 'p'},
    {"a triplet that passed too long ago", {.first = 50 * DAY, .passed = 36 * DAY},
        "pghhH", WHY_S25R, 'h'},
    {"a known address", {.known = DAY, .gone = 300}, "ppppp", WHY_KNOWN_ADDRESS,
        'p'},
    {"an address whose time has run out", {.known = -DAY}, "pghhH", WHY_S25R, 'h'},
    {"a known SPF domain", {.domain_known = DAY, .networks = 64, .gone = 300},
        "ppppp", WHY_KNOWN_DOMAIN, 'p'},
    {"a known SPF domain seen from too many networks",
        {.domain_known = DAY, .networks = 65}, "pghhH", WHY_S25R, 'h'},
    {"no store: holds go on, nothing is known", {.failed = true}, "pghhH", WHY_S25R,
        'h'},
};

static void
fill(const struct record *record, struct history *history, struct grey_row *row)
{
	memset(history, 0, sizeof *history);
	*row = (struct grey_row){0};
	history->rows = row;
	history->rows_count = 1;
	if (record->gone != 0)
		history->address.last_gaveup = NOW - record->gone;
	if (record->success != 0)
		history->address.last_success = NOW - record->success;
	if (record->known != 0)
		history->address.known_until = NOW + record->known;
	if (record->domain_known != 0)
		history->domain.known_until = NOW + record->domain_known;
	history->domain.networks = record->networks;
	if (record->first != 0)
		row->first = row->last = NOW - record->first;
	if (record->passed != 0)
		row->passed = NOW - record->passed;
	if (record->last_try != 0)
		row->last = row->last_try = NOW - record->last_try;
	row->tries = record->tries;
}

static char
letter(enum verdict verdict, bool then_greylist)
{
	if (verdict == VERDICT_HOLD)
		return then_greylist ? 'H' : 'h';
	return verdict == VERDICT_PASS ? 'p' : 'g';
}

static void
every_mode_over_every_record(void **state)
{
	struct facts facts = suspect();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct history history;
		struct grey_row row;
		fill(&cases[i].record, &history, &row);
		print_message("  %s\n", cases[i].claim);
		for (int mode = 0; mode < MODES; mode++) {
			struct policy_settings settings = defaults;
			settings.mode = (enum mode)mode;
			struct judgement judgement = judge(&settings, &facts,
			    cases[i].record.failed ? NULL : &history, NOW);
			char got =
			    letter(judgement.verdict, judgement.then_greylist);
			if (got != cases[i].verdicts[mode])
				fail_msg("%s in %s: %c, wanted %c", cases[i].claim,
				    mode_words[mode], got, cases[i].verdicts[mode]);
			assert_int_equal(judgement.why, cases[i].why);
			char would = letter(judgement.would, false);
			assert_int_equal(
			    would, mode == MODE_OBSERVE ? cases[i].would : 'p');
			assert_true(judgement.is_suspect);
			assert_true(judgement.trace_count >= 2);
		}
	}
}

static void
a_client_that_no_selector_marks_passes(void **state)
{
	struct facts facts = suspect();

	(void)state;
	facts.s25r = (struct s25r_fact){S25R_NONE, NULL, NULL};
	for (int mode = 0; mode < MODES; mode++) {
		struct policy_settings settings = defaults;
		settings.mode = (enum mode)mode;
		struct judgement judgement = judge(&settings, &facts, NULL, NOW);
		assert_int_equal(judgement.verdict, VERDICT_PASS);
		assert_int_equal(judgement.why, WHY_NONE);
		assert_int_equal(judgement.would, VERDICT_PASS);
		assert_false(judgement.is_suspect);
	}
}

static void
a_name_that_dns_could_not_give_makes_no_suspect(void **state)
{
	struct facts facts = suspect();

	(void)state;
	facts.rdns = RDNS_TEMPERROR;
	facts.s25r = (struct s25r_fact){S25R_UNKNOWN, NULL, NULL};
	assert_int_equal(judge(&defaults, &facts, NULL, NOW).verdict, VERDICT_PASS);
}

static void
a_rule_or_selector_on_trial_only_says_what_it_would_do(void **state)
{
	struct policy_settings settings = defaults;
	struct facts facts = suspect();
	struct history history;
	struct grey_row row;

	(void)state;
	fill(&(struct record){0}, &history, &row);
	facts.s25r = (struct s25r_fact){S25R_NONE, NULL, &rule};
	for (int round = 0; round < 2; round++) {
		struct judgement judgement =
		    judge(&settings, &facts, &history, NOW);
		assert_int_equal(judgement.verdict, VERDICT_PASS);
		assert_int_equal(judgement.why, WHY_WARN);
		assert_int_equal(judgement.would, VERDICT_HOLD);
		assert_false(judgement.is_suspect);
		/* second round: the selector itself is on trial */
		settings.suspect = 0;
		settings.warn = SELECT_S25R;
		facts = suspect();
	}
}

static void
a_rule_on_trial_is_silent_where_its_selector_is_off(void **state)
{
	struct policy_settings settings = defaults;
	struct facts facts = suspect();

	(void)state;
	settings.suspect = SELECT_HELO;
	facts.s25r = (struct s25r_fact){S25R_NONE, NULL, &rule};
	facts.local_warns = true;
	struct judgement judgement = judge(&settings, &facts, NULL, NOW);
	assert_int_equal(judgement.why, WHY_NONE);
	assert_int_equal(judgement.would, VERDICT_PASS);
}

/* RFC 5321 4.1.1.1: the client names itself, by a domain or an address literal */
static void
selector_helo_speaks_for_every_name_that_cannot_be_the_clients(void **state)
{
	static const struct {
		enum helo_class class;
		bool speaks;
	} names[] = {{HELO_FQDN, false}, {HELO_BARE, true}, {HELO_IP, true},
	    {HELO_LITERAL, false}, {HELO_OURS, true}, {HELO_LOCALHOST, true},
	    {HELO_MISSING, true}};
	struct policy_settings settings = defaults;
	struct facts facts = suspect();

	(void)state;
	settings.suspect = SELECT_HELO;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		facts.helo_class = names[i].class;
		assert_int_equal(judge(&settings, &facts, NULL, NOW).why,
		    names[i].speaks ? WHY_HELO : WHY_NONE);
	}
}

static void
every_selector_speaks_for_its_fact_and_only_when_chosen(void **state)
{
	struct dns_facts dns = {
	    .mailfrom = {.result = SPF_FAIL}, .dnsbl_weight = 1};
	const struct {
		enum selector selector;
		enum why why;
	} selectors[] = {{SELECT_S25R, WHY_S25R}, {SELECT_ALL, WHY_ALL},
	    {SELECT_HELO, WHY_HELO}, {SELECT_SPF, WHY_SPF},
	    {SELECT_DNSBL, WHY_DNSBL}, {SELECT_LOCAL, WHY_LOCAL}};

	(void)state;
	/* record speaks for what is stored: test_share.c */
	for (size_t i = 0; i < sizeof selectors / sizeof *selectors; i++) {
		struct policy_settings settings = defaults;
		struct facts facts = suspect();
		facts.helo_class = HELO_IP;
		facts.dns = &dns;
		facts.local_acts = true;
		settings.suspect = selectors[i].selector;
		struct judgement judgement = judge(&settings, &facts, NULL, NOW);
		assert_int_equal(judgement.why, selectors[i].why);
		assert_int_equal(judgement.verdict, VERDICT_HOLD);
		settings.suspect = 0;
		assert_int_equal(judge(&settings, &facts, NULL, NOW).why, WHY_NONE);
	}
}

static void
spf_none_and_unanswered_dns_make_no_suspect(void **state)
{
	struct policy_settings settings = defaults;
	struct facts facts = suspect();
	struct dns_facts dns = {.mailfrom = {.result = SPF_NONE}};

	(void)state;
	settings.suspect = SELECT_SPF | SELECT_DNSBL;
	assert_int_equal(judge(&settings, &facts, NULL, NOW).why, WHY_NONE);
	facts.dns = &dns;
	assert_int_equal(judge(&settings, &facts, NULL, NOW).why, WHY_NONE);
	dns.mailfrom.result = SPF_SOFTFAIL;
	assert_int_equal(judge(&settings, &facts, NULL, NOW).why, WHY_SPF);
}

static void
any_recipient_whose_tries_are_reached_lets_the_message_pass(void **state)
{
	struct facts facts = suspect();
	struct grey_row rows[3] = {{0},
	    {.first = NOW - HOUR,
	        .last = NOW - 5 * MINUTE,
	        .last_try = NOW - 5 * MINUTE,
	        .tries = 1},
	    {.first = NOW - 5, .last = NOW - 5}};
	struct history history = {.rows = rows, .rows_count = 3};

	(void)state;
	struct judgement judgement = judge(&defaults, &facts, &history, NOW);
	assert_int_equal(judgement.why, WHY_TRIES);
	assert_int_equal(judgement.grey_tries, 2);
	assert_int_equal(judgement.grey_secs, HOUR);
	assert_true(judgement.early); /* of the third */
}

static void
a_visit_that_is_noted_already_is_not_counted_again(void **state)
{
	struct facts facts = suspect();
	struct grey_row row = {.first = NOW - HOUR,
	    .last = NOW - 2 * MINUTE,
	    .last_try = NOW - 2 * MINUTE,
	    .tries = 1};
	bool noted = true;
	struct history history = {.rows = &row, .rows_count = 1};

	(void)state;
	assert_int_equal(judge(&defaults, &facts, &history, NOW).why, WHY_TRIES);
	history.rows_noted = &noted;
	history.noted_at = row.last; /* it was this one */
	assert_int_not_equal(
	    judge(&defaults, &facts, &history, NOW).why, WHY_TRIES);
	noted = false;
	assert_int_equal(judge(&defaults, &facts, &history, NOW).why, WHY_TRIES);
}

static void
seconds_of_an_earlier_pass_are_not_shown_as_a_delay(void **state)
{
	struct facts facts = suspect();
	struct grey_row row = {.first = NOW - 9 * DAY,
	    .last = NOW - DAY,
	    .passed = NOW - DAY,
	    .tries = 2};
	struct history history = {.rows = &row, .rows_count = 1};

	(void)state;
	struct judgement judgement = judge(&defaults, &facts, &history, NOW);
	assert_int_equal(judgement.why, WHY_TRIES);
	assert_int_equal(judgement.grey_tries, 0);
	assert_int_equal(judgement.grey_secs, 0);
}

static void
overflow_greylists_strangers_and_passes_those_with_a_success(void **state)
{
	struct history known = {.address = {.last_success = NOW - DAY}},
	               stranger = {0};

	(void)state;
	for (int mode = 0; mode < MODES; mode++) {
		struct policy_settings settings = defaults;
		settings.mode = (enum mode)mode;
		bool always = mode == MODE_STARPIT || mode == MODE_OBSERVE;
		assert_int_equal(judge_overflow(&settings, &stranger),
		    always ? VERDICT_PASS : VERDICT_GREYLIST);
		assert_int_equal(judge_overflow(&settings, &known), VERDICT_PASS);
		assert_int_equal(judge_overflow(&settings, NULL), VERDICT_PASS);
		settings.overflow = OVERFLOW_PASS;
		assert_int_equal(
		    judge_overflow(&settings, &stranger), VERDICT_PASS);
	}
}

/*
 * Whatever the RCPT time-out: a sender that hangs up every time and comes back
 * every quarter of an hour is through within two hours, in every mode.
 */
static void
every_mode_ends_in_delivery_for_a_sender_that_keeps_coming_back(void **state)
{
	struct facts facts = suspect();

	(void)state;
	for (int mode = 0; mode < MODES; mode++) {
		struct policy_settings settings = defaults;
		struct address_record address = {0};
		struct grey_row row = {0};
		bool through = false;
		settings.mode = (enum mode)mode;
		for (int visit = 0; visit < 8 && !through; visit++) {
			int64_t now = T0 + visit * 15 * MINUTE;
			struct history history = {
			    .address = address, .rows = &row, .rows_count = 1};
			struct judgement judgement =
			    judge(&settings, &facts, &history, now);
			through = judgement.verdict == VERDICT_PASS;
			row = grey_step(&settings, row, OUTCOME_ATTEMPT, now);
			if (judgement.verdict == VERDICT_HOLD)
				address = address_step(
				    &settings, address, OUTCOME_GONE, 30, now + 30);
		}
		if (!through)
			fail_msg("never delivered in mode %s", mode_words[mode]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_mode_over_every_record),
	    cmocka_unit_test(a_client_that_no_selector_marks_passes),
	    cmocka_unit_test(a_name_that_dns_could_not_give_makes_no_suspect),
	    cmocka_unit_test(
	        a_rule_or_selector_on_trial_only_says_what_it_would_do),
	    cmocka_unit_test(a_rule_on_trial_is_silent_where_its_selector_is_off),
	    cmocka_unit_test(
	        selector_helo_speaks_for_every_name_that_cannot_be_the_clients),
	    cmocka_unit_test(
	        every_selector_speaks_for_its_fact_and_only_when_chosen),
	    cmocka_unit_test(spf_none_and_unanswered_dns_make_no_suspect),
	    cmocka_unit_test(
	        any_recipient_whose_tries_are_reached_lets_the_message_pass),
	    cmocka_unit_test(a_visit_that_is_noted_already_is_not_counted_again),
	    cmocka_unit_test(seconds_of_an_earlier_pass_are_not_shown_as_a_delay),
	    cmocka_unit_test(
	        overflow_greylists_strangers_and_passes_those_with_a_success),
	    cmocka_unit_test(
	        every_mode_ends_in_delivery_for_a_sender_that_keeps_coming_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
