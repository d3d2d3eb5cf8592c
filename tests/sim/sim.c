/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every sender against every mode and a grid of settings, as lines of TSV:
 *
 *   sender  MODE HOLD DELAY TRIES  NAME spam|good  MAILS DELIVERED MEDIAN P95 WORST
 *
 * usage: sim [quick]     quick: the defaults of each mode alone
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "policy/policy.h"
#include "sim/visits.h"

static const int64_t holds[] = {125, 60, 90, 180};
static const int64_t delays[] = {1800, 300, 3600};
static const uint32_t tries[] = {2, 1};

static void
run(enum mode mode, int64_t hold_s, int64_t delay_s, uint32_t retry_count)
{
	fixture_new(mode);
	struct visits visits;

	fixture->snapshot.policy.hold_s = hold_s;
	fixture->snapshot.policy.delay_s = delay_s;
	fixture->snapshot.policy.retry_count = retry_count;
	for (unsigned i = 0; i < senders_count; i++) {
		visits_sender(&senders[i], i + 1, &visits);
		printf("sender\t%s\t%lld\t%lld\t%u\t%s\t%s\t%u\t%u\t%lld\t%lld\t%"
		       "lld\n",
		    mode_words[mode], (long long)hold_s, (long long)delay_s,
		    retry_count, senders[i].name,
		    senders[i].is_spam ? "spam" : "good", visits.mails,
		    visits.delivered, (long long)visits_quantile(&visits, 0.5),
		    (long long)visits_quantile(&visits, 0.95),
		    (long long)visits_quantile(&visits, 1));
	}
	fixture_free();
}

/* What a mode does not have is not varied. */
static bool
is_varied(enum mode mode, int64_t hold_s, int64_t delay_s, uint32_t retry_count)
{
	if ((mode == MODE_OBSERVE || mode == MODE_RGREY) && hold_s != holds[0])
		return false;
	return mode != MODE_OBSERVE ||
	       (delay_s == delays[0] && retry_count == tries[0]);
}

int
main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "quick") == 0;

	log_set_level(LOG_LEVEL_WARNING);
	for (enum mode mode = 0; mode < MODES; mode++) {
		for (unsigned i = 0; i < (quick ? 1 : 4); i++) {
			for (unsigned j = 0; j < (quick ? 1 : 3); j++) {
				for (unsigned k = 0; k < (quick ? 1 : 2); k++) {
					if (is_varied(mode, holds[i], delays[j],
					        tries[k]))
						run(mode, holds[i], delays[j],
						    tries[k]);
				}
			}
		}
	}
	return 0;
}
