/* SPDX-License-Identifier: BSD-2-Clause */
/* Who sends, when it comes again, and how long it waits for a reply. */
#ifndef TESTS_SIM_SENDERS_H
#define TESTS_SIM_SENDERS_H

#include <stdbool.h>
#include <stdint.h>

enum schedule {
	SCHEDULE_POSTFIX,
	SCHEDULE_EXIM,
	SCHEDULE_SENDMAIL,
	SCHEDULE_QMAIL,
	SCHEDULE_EXCHANGE,
	SCHEDULE_OPENSMTPD,
	SCHEDULE_ONCE,    /* never again */
	SCHEDULE_AT_ONCE, /* three times, some seconds apart */
	SCHEDULE_BOT,     /* five times, ten minutes apart */
	SCHEDULE_RANDOM,  /* of the property test */
	SCHEDULES
};

struct sender {
	const char *name;
	bool is_spam;
	enum schedule schedule;
	unsigned addresses; /* of which one is taken at random for each visit */
	unsigned networks;  /* /24 that the addresses lie in */
	bool has_spf;       /* one domain for all of them, by a narrow SPF record */
	unsigned patience_s; /* hangs up when a reply takes longer */
	unsigned mails;      /* each to another recipient */
	unsigned every_s;    /* so far apart */
	bool moves;          /* each mail comes from other addresses */
};
extern const struct sender senders[];
extern const unsigned senders_count;

/*
 * Seconds from the first attempt to the n-th, n = 1 being the first retry; -1
 * when the sender has given up.
 * random  for SCHEDULE_RANDOM and for the jitter of SCHEDULE_AT_ONCE
 */
int64_t schedule_at(enum schedule schedule, unsigned n, uint64_t random);

#endif
