/* SPDX-License-Identifier: BSD-2-Clause */
/* How many came, and what became of them. */
#ifndef REPORT_FUNNEL_H
#define REPORT_FUNNEL_H

#include <stdint.h>

#include "report/doc.h"
#include "report/tally.h"
#include "report/view.h"

/* What was done with a transaction; in the order of the flow chart. */
enum funnel_way {
	WAY_EXEMPT,
	WAY_ORDINARY,
	WAY_KNOWN,
	WAY_TRIES,
	WAY_STAYED,
	WAY_GONE,
	WAY_GREYLISTED,
	WAY_OTHER,
	FUNNEL_WAYS
};
#define FUNNEL_SIDS 16384

struct funnel {
	uint64_t events, sessions, mails, exempt, ordinary, suspects, warned;
	uint64_t by_known, by_tries;
	uint64_t holds[HOLD_ENDS]; /* by how they ended; HOLD_NONE unused */
	uint64_t held, greylisted, overflow;
	uint64_t came_back; /* suspects with an earlier attempt (early or a try) */
	uint64_t passed;    /* grey=passed */
	uint64_t delivered, delivered_suspects;
	uint64_t ham, spam;
	uint64_t ways[FUNNEL_WAYS][2]; /* transactions: not delivered, delivered */
	uint64_t faults[FAULTS];
	int64_t first, last; /* times of events */
	struct tally *exempt_why, *rules;
	uint64_t recent[FUNNEL_SIDS]; /* hashes of the last sids */
};

/* false when out of memory; clear it in either case. */
bool funnel_init(struct funnel *funnel);
void funnel_clear(struct funnel *funnel);
void funnel_add(struct funnel *funnel, const struct event_view *view);
void funnel_write(struct funnel *funnel, struct doc *doc);
/* Where transactions went, as streams. */
void flow_write(const struct funnel *funnel, struct doc *doc);
enum funnel_way way_of(const struct event_view *view);

#endif
