/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/share.h"

#include <math.h>

#define DOUBT          0.05
#define PRIOR_VERDICTS 2.0
/* More verdicts add no certainty that would change a decision. */
#define VERDICTS_COUNTED 1000.0

/* ---------------------------------------------------------- Beta distribution */

#define TINY 1e-300

static double
not_zero(double value)
{
	/* Lentz's guard: none of our arguments gives 0. GCOVR_EXCL_BR_START */
	return fabs(value) < TINY ? TINY : value;
	/* GCOVR_EXCL_BR_STOP */
}

/* DLMF 8.17.23, the k-th numerator. */
static double
numerator(unsigned k, double a, double b, double x)
{
	unsigned half = k / 2;
	double m = half;

	if (k % 2 == 0)
		return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
	return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
}

/*
 * 1 + d1/(1 + d2/(1 + ...)) from the front (Lentz, DLMF 3.10(iii)), which
 * converges fast for x < (a + 1)/(a + b + 2).
 */
static double
fraction(double a, double b, double x)
{
	double value = 1, c = 1, d = 0;

	/* It has converged long before 400. GCOVR_EXCL_BR_START */
	for (unsigned k = 1; k < 400; k++) {
		/* GCOVR_EXCL_BR_STOP */
		double by = numerator(k, a, b, x);
		c = not_zero(1 + by / c);
		d = 1 / not_zero(1 + by * d);
		value *= c * d;
		if (fabs(c * d - 1) < 1e-14)
			break;
	}
	return value;
}

/* The probability of a value below x, 0 < x < 1. */
static double
beta_below(double x, double a, double b)
{
	int sign;

	double front = exp(a * log(x) + b * log1p(-x) + lgamma_r(a + b, &sign) -
	                   lgamma_r(a, &sign) - lgamma_r(b, &sign));
	if (x < (a + 1) / (a + b + 2))
		return front / (a * fraction(a, b, x));
	return 1 - front / (b * fraction(b, a, 1 - x));
}

double
beta_quantile(double p, double a, double b)
{
	double low = 0, high = 1;

	for (int i = 0; i < 40; i++) {
		double middle = (low + high) / 2;
		if (beta_below(middle, a, b) < p)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* ------------------------------------------------------------------- verdicts */

static double
verdicts_of(uint32_t ham, uint32_t spam)
{
	return ((double)ham + spam) / COUNT_UNIT;
}

struct spam_share
spam_share_of(const struct origin_record *record, const struct origin_record *site)
{
	double all = verdicts_of(site->ham, site->spam);
	double prior = ((double)site->spam / COUNT_UNIT + 1) / (all + 2);
	double verdicts = verdicts_of(record->ham, record->spam);
	double scale =
	    verdicts > VERDICTS_COUNTED ? VERDICTS_COUNTED / verdicts : 1;
	double a =
	    prior * PRIOR_VERDICTS + scale * (double)record->spam / COUNT_UNIT;
	double b =
	    (1 - prior) * PRIOR_VERDICTS + scale * (double)record->ham / COUNT_UNIT;

	return (struct spam_share){.verdicts = verdicts,
	    .expected = a / (a + b),
	    .at_least = beta_quantile(DOUBT, a, b)};
}

unsigned
people_count(const struct origin_record *record)
{
	return (unsigned)__builtin_popcountll(record->people);
}

static bool
has_enough(const struct policy_settings *settings, uint32_t ham, uint32_t spam)
{
	return verdicts_of(ham, spam) >= settings->record_least;
}

static bool
is_good(const struct policy_settings *settings, uint32_t ham, uint32_t spam)
{
	return has_enough(settings, ham, spam) && spam <= ham;
}

static bool
is_bad(const struct policy_settings *settings, const struct origin_record *record,
    const struct origin_record *site)
{
	return has_enough(settings, record->ham, record->spam) &&
	       record->spam > record->ham &&
	       spam_share_of(record, site).at_least * 100 >=
	           settings->record_threshold;
}

enum record_says
record_says(const struct policy_settings *settings, const struct history *history,
    int64_t now)
{
	if (history == NULL)
		return RECORD_SAYS_NOTHING;
	if (history->address.known_until >= now)
		return RECORD_SPARES_KNOWN;
	if (!history->origins_known)
		return RECORD_SAYS_NOTHING;
	const struct origin_record *network = &history->network,
	                           *organisation = &history->organisation,
	                           *site = &history->site;
	const struct address_record *address = &history->address;
	bool network_is_bad = is_bad(settings, network, site);
	bool organisation_is_bad = is_bad(settings, organisation, site);

	if (!network_is_bad && !organisation_is_bad)
		return has_enough(settings, network->ham, network->spam) ||
		               has_enough(
		                   settings, organisation->ham, organisation->spam)
		           ? RECORD_SAYS_NOT_BAD
		           : RECORD_SAYS_LITTLE;
	if (people_count(organisation) >= settings->record_people)
		return RECORD_SPARES_PEOPLE;
	if (is_good(settings, organisation->ham, organisation->spam) ||
	    is_good(settings, address->ham, address->spam))
		return RECORD_SPARES_GOOD;
	return organisation_is_bad ? RECORD_SAYS_ORGANISATION : RECORD_SAYS_NETWORK;
}
