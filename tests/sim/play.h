/* SPDX-License-Identifier: BSD-2-Clause */
/* One mail after the other, through the daemon's sessions, policy and store. */
#ifndef TESTS_SIM_PLAY_H
#define TESTS_SIM_PLAY_H

#include "session/rig.h"
#include "sim/senders.h"

struct visitor {
	const char *ip;
	const char *from, *to;
	const char *spf_domain; /* NULL: none */
	int64_t patience_s;
};
/* One connection; the clock moves on by what is waited. true: delivered. */
bool play_visit(struct rig *rig, const struct visitor *visitor);

#define PLAY_MOST 128
struct played {
	unsigned mails, delivered;
	int64_t delay_s[PLAY_MOST]; /* of those delivered, in ascending order */
};
/* All mails of a sender. seed: for the addresses of its pool */
void play_sender(struct rig *rig, const struct sender *sender, uint64_t seed,
    struct played *played_r);
/* share 0..1; 0 when nothing was delivered */
int64_t played_quantile(const struct played *played, double share);

#endif
