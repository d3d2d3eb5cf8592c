/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <math.h>
#include <cmocka.h>

#include "policy/cases.h"
#include "policy/judge.h"
#include "policy/origin.h"

/* Values of gsl_cdf_beta_Pinv() of the GNU Scientific Library 2.7.1. */
static const struct {
	double p, a, b, quantile;
} quantiles[] = {
    {0.05, 1, 1, 0.05},
    {0.05, 11, 1, 0.76159581},
    {0.05, 1, 11, 0.00465217173},
    {0.05, 14, 1, 0.807363824},
    {0.05, 21, 2, 0.801877868},
    {0.05, 2.5, 0.5, 0.430741468},
    {0.05, 0.5, 2.5, 0.000868199207},
    {0.05, 0.02, 1.98, 3.34267073e-66},
    {0.05, 1.98, 0.02, 0.970200192},
    {0.05, 11.6, 0.4, 0.863304071},
    {0.05, 101, 101, 0.442256609},
    {0.05, 901, 101, 0.883124236},
    {0.05, 1001, 1, 0.997011734},
    {0.05, 1, 1001, 5.12407395e-05},
    {0.05, 500.3, 501.7, 0.473331825},
    {0.5, 3, 7, 0.286236668},
    {0.95, 3, 7, 0.54964165},
    {0.025, 30, 10, 0.606738459},
};

static void
quantiles_are_those_of_the_gnu_scientific_library(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
		double is =
		    beta_quantile(quantiles[i].p, quantiles[i].a, quantiles[i].b);
		if (fabs(is - quantiles[i].quantile) > 1e-8)
			fail_msg("%g of (%g, %g): %.9g, not %.9g", quantiles[i].p,
			    quantiles[i].a, quantiles[i].b, is,
			    quantiles[i].quantile);
	}
}

static struct origin_record
record_of(unsigned ham, unsigned spam)
{
	struct origin_record record = {.first_seen = T0, .decayed = T0};

	count_add(&record.ham, ham);
	count_add(&record.spam, spam);
	return record;
}

static void
the_share_begins_at_that_of_the_site_and_goes_to_what_is_seen(void **state)
{
	struct origin_record nothing = record_of(0, 0), site = record_of(900, 98);
	struct spam_share share = spam_share_of(&nothing, &nothing);

	(void)state;
	assert_true(fabs(share.expected - 0.5) < 1e-9);
	assert_true(fabs(share.at_least - 0.05) < 1e-6); /* Beta(1, 1) */
	share = spam_share_of(&nothing, &site);          /* (98 + 1) / (998 + 2) */
	assert_true(fabs(share.expected - 0.099) < 1e-9);
	struct origin_record bad = record_of(0, 10);
	share = spam_share_of(&bad, &nothing);
	assert_true(fabs(share.at_least - 0.76159581) < 1e-6); /* Beta(11, 1) */
	assert_true(fabs(share.verdicts - 10) < 1e-9);
	bad = record_of(1, 20);
	share = spam_share_of(&bad, &nothing);
	assert_true(fabs(share.at_least - 0.801877868) < 1e-6); /* Beta(21, 2) */
	/* the site's 2/3 as two verdicts: 2 * 2/3 and 2 * 1/3 */
	struct origin_record mean = record_of(1, 3), none = record_of(0, 0);
	share = spam_share_of(&none, &mean);
	assert_true(fabs(share.expected - 2.0 / 3) < 1e-9);
}

static void
more_than_a_thousand_verdicts_make_nothing_surer(void **state)
{
	struct origin_record few = record_of(100, 900),
	                     many = record_of(400000, 3600000);
	struct origin_record site = record_of(1, 1);

	(void)state;
	double one = spam_share_of(&few, &site).at_least;
	double other = spam_share_of(&many, &site).at_least;
	assert_true(fabs(one - other) < 1e-9);
	assert_true(fabs(one - 0.883124236) < 1e-6); /* Beta(901, 101) */
}

/* The table of docs/record.md: the least spam that makes a suspect (GSL 2.7.1). */
static const unsigned least_spam[][2] = {
    {0, 13}, {1, 20}, {2, 27}, {5, 44}, {10, 71}};

static void
so_much_spam_is_beyond_doubt(void **state)
{
	struct origin_record site = record_of(500, 500);

	(void)state;
	for (size_t i = 0; i < sizeof least_spam / sizeof *least_spam; i++) {
		struct origin_record enough =
		    record_of(least_spam[i][0], least_spam[i][1]);
		struct origin_record less =
		    record_of(least_spam[i][0], least_spam[i][1] - 1);
		assert_true(spam_share_of(&enough, &site).at_least >= 0.8);
		assert_true(spam_share_of(&less, &site).at_least < 0.8);
	}
}

static const struct {
	const char *claim;
	unsigned network[2], organisation[2], address[2]; /* ham, spam */
	unsigned people;
	bool is_known;
	enum record_says says;
	bool is_suspect;
} cases[] = {
    {"nothing is known", {0, 0}, {0, 0}, {0, 0}, 0, false, RECORD_SAYS_LITTLE,
        false},
    {"nine are too few, however bad", {0, 9}, {0, 9}, {0, 9}, 0, false,
        RECORD_SAYS_LITTLE, false},
    {"ten are not beyond doubt", {0, 10}, {0, 0}, {0, 0}, 0, false,
        RECORD_SAYS_NOT_BAD, false},
    {"an organisation of which much is known, and little bad", {0, 9}, {20, 2},
        {0, 0}, 0, false, RECORD_SAYS_NOT_BAD, false},
    {"a bad network", {0, 14}, {0, 0}, {0, 0}, 0, false, RECORD_SAYS_NETWORK, true},
    {"a bad organisation in a network that is not", {20, 2}, {0, 14}, {0, 0}, 0,
        false, RECORD_SAYS_ORGANISATION, true},
    {"mixed mail", {50, 50}, {50, 50}, {0, 0}, 0, false, RECORD_SAYS_NOT_BAD,
        false},
    {"a good organisation in a bad network", {6, 100}, {6, 6}, {0, 0}, 0, false,
        RECORD_SPARES_GOOD, false},
    {"an organisation with too few verdicts to be good", {6, 100}, {6, 3}, {0, 0},
        0, false, RECORD_SAYS_NETWORK, true},
    {"a good address in a bad network", {6, 100}, {0, 0}, {10, 0}, 0, false,
        RECORD_SPARES_GOOD, false},
    {"a bad organisation with the mail of many people", {0, 0}, {30, 1000}, {0, 0},
        10, false, RECORD_SPARES_PEOPLE, false},
    {"the same in a bad network", {0, 1000}, {30, 1000}, {0, 0}, 10, false,
        RECORD_SPARES_PEOPLE, false},
    {"one person less", {0, 0}, {30, 1000}, {0, 0}, 9, false,
        RECORD_SAYS_ORGANISATION, true},
    {"a known address in a bad network", {0, 100}, {0, 100}, {0, 100}, 0, true,
        RECORD_SPARES_KNOWN, false},
};

static struct policy_settings
acting(void)
{
	struct policy_settings settings = defaults;

	settings.suspect = SELECT_RECORD;
	settings.record_least = 10;
	settings.record_threshold = 80;
	settings.record_people = 10;
	return settings;
}

static struct history
history_of(size_t at)
{
	struct history history = {.origins_known = true,
	    .has_organisation = true,
	    .network = record_of(cases[at].network[0], cases[at].network[1]),
	    .organisation =
	        record_of(cases[at].organisation[0], cases[at].organisation[1]),
	    .site = record_of(500, 500)};

	count_add(&history.address.ham, cases[at].address[0]);
	count_add(&history.address.spam, cases[at].address[1]);
	history.address.known_until = cases[at].is_known ? T0 + DAY : 0;
	history.organisation.people = (UINT64_C(1) << cases[at].people) - 1;
	return history;
}

static void
only_what_is_bad_beyond_doubt_makes_a_suspect(void **state)
{
	struct policy_settings settings = acting();
	struct facts facts = {.rdns = RDNS_PASS};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct history history = history_of(i);
		enum record_says says = record_says(&settings, &history, T0);
		if (says != cases[i].says)
			fail_msg("%s: %d", cases[i].claim, (int)says);
		struct judgement judgement = judge(&settings, &facts, &history, T0);
		assert_int_equal(judgement.is_suspect, cases[i].is_suspect);
		assert_int_equal(
		    judgement.why, cases[i].is_suspect ? WHY_RECORD : WHY_NONE);
		assert_int_equal(judgement.trace[0].said, TRACE_RECORD + says);
	}
}

static void
it_says_nothing_without_the_record_or_where_nobody_asks(void **state)
{
	struct policy_settings settings = acting();
	struct facts facts = {.rdns = RDNS_PASS};
	struct history history = history_of(4); /* a bad network */

	(void)state;
	assert_int_equal(record_says(&settings, NULL, T0), RECORD_SAYS_NOTHING);
	assert_false(judge(&settings, &facts, NULL, T0).is_suspect);
	history.origins_known = false;
	assert_int_equal(record_says(&settings, &history, T0), RECORD_SAYS_NOTHING);
	history.origins_known = true;
	settings.suspect = SELECT_S25R;
	struct judgement judgement = judge(&settings, &facts, &history, T0);
	assert_int_equal(judgement.why, WHY_NONE);
	assert_int_equal(judgement.trace_count, 1);
	settings.warn = SELECT_RECORD;
	judgement = judge(&settings, &facts, &history, T0);
	assert_int_equal(judgement.verdict, VERDICT_PASS);
	assert_int_equal(judgement.why, WHY_WARN);
	assert_int_equal(judgement.would, VERDICT_HOLD);
}

/* docs/record.md: a person's decision counts as four verdicts. */
#define BY_PERSON 4

static void
ham_marks_its_recipient_once_the_record_is_old_or_a_person_says_so(void **state)
{
	struct origin_record record = {.first_seen = T0, .decayed = T0};
	struct rating rating = {.person = 5, .now = T0 + 30 * DAY - 1};

	(void)state;
	origin_rate(&record, &rating, 30 * DAY);
	assert_int_equal(record.ham, COUNT_UNIT);
	assert_int_equal(people_count(&record), 0);
	rating.now++;
	origin_rate(&record, &rating, 30 * DAY);
	rating.person = 5 + 64; /* shares the mark */
	origin_rate(&record, &rating, 30 * DAY);
	assert_int_equal(people_count(&record), 1);
	rating.person = 6;
	rating.now = T0;
	rating.by_person = true;
	origin_rate(&record, &rating, 30 * DAY);
	assert_int_equal(people_count(&record), 2);
	assert_int_equal(record.ham, (3 + BY_PERSON) * COUNT_UNIT);
	rating.person = 7;
	rating.is_spam = true;
	origin_rate(&record, &rating, 30 * DAY);
	assert_int_equal(people_count(&record), 2);
	assert_int_equal(record.spam, BY_PERSON * COUNT_UNIT);
}

static const struct {
	const char *claim;
	unsigned was_ham, was_spam; /* a half-life before */
	bool corrected_spam;
	double ham, spam;
} corrections[] = {
    {"ham that was spam", 0, 1, true, BY_PERSON, 0},
    {"ham that was spam, with another spam", 0, 2, true, BY_PERSON, 0.5},
    {"ham that was ham", 1, 1, false, BY_PERSON, 0.5},
    {"what is no longer there takes nothing", 0, 0, true, BY_PERSON, 0},
};

static void
a_word_takes_the_place_of_a_verdict_as_far_as_that_has_not_faded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof corrections / sizeof *corrections; i++) {
		struct origin_record record =
		    record_of(corrections[i].was_ham, corrections[i].was_spam);
		struct rating rating = {.by_person = true,
		    .now = T0 + 30 * DAY,
		    .corrected_at = T0,
		    .corrected_spam = corrections[i].corrected_spam};
		record.decayed = T0;
		origin_fade(&record, 30 * DAY, rating.now);
		origin_rate(&record, &rating, 30 * DAY);
		print_message("  %s\n", corrections[i].claim);
		assert_int_equal(record.ham, corrections[i].ham * COUNT_UNIT);
		assert_int_equal(record.spam, corrections[i].spam * COUNT_UNIT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(quantiles_are_those_of_the_gnu_scientific_library),
	    cmocka_unit_test(
	        the_share_begins_at_that_of_the_site_and_goes_to_what_is_seen),
	    cmocka_unit_test(more_than_a_thousand_verdicts_make_nothing_surer),
	    cmocka_unit_test(so_much_spam_is_beyond_doubt),
	    cmocka_unit_test(only_what_is_bad_beyond_doubt_makes_a_suspect),
	    cmocka_unit_test(
	        it_says_nothing_without_the_record_or_where_nobody_asks),
	    cmocka_unit_test(
	        ham_marks_its_recipient_once_the_record_is_old_or_a_person_says_so),
	    cmocka_unit_test(
	        a_word_takes_the_place_of_a_verdict_as_far_as_that_has_not_faded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
