/* SPDX-License-Identifier: BSD-2-Clause */
/* One mail after the other, through the daemon's sessions, policy and store. */
#ifndef TESTS_SIM_VISITS_H
#define TESTS_SIM_VISITS_H

#include "session/session_fixture.h"
#include "sim/senders.h"

struct visitor {
	const char *ip;
	const char *from, *to;
	const char *spf_domain; /* NULL: none */
	int64_t patience_s;
};
/* One connection; the clock moves on by what is waited. true: delivered. */
bool visits_visit(const struct visitor *visitor);

#define VISITS_MOST 128
struct visits {
	unsigned mails, delivered;
	int64_t delay_s[VISITS_MOST]; /* of those delivered, in ascending order */
};
/* All mails of a sender. seed: for the addresses of its pool */
void visits_sender(
    const struct sender *sender, uint64_t seed, struct visits *visits_r);
/* share 0..1; 0 when nothing was delivered */
int64_t visits_quantile(const struct visits *visits, double share);

#endif
