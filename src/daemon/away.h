/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often and how long the daemon was away, and mail therefore unchecked: from
 * the last sign of life of one run until the next one was ready. A file beside
 * Postfix's socket keeps this from run to run: its first line is overwritten every
 * few seconds, in a separate thread, since a disk may hang.
 */
#ifndef DAEMON_AWAY_H
#define DAEMON_AWAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/jobs.h"

#define AWAY_DAYS         32 /* days that are counted separately */
#define AWAY_BOOT_ID_SIZE 40

enum away_end {
	AWAY_STOPPED, /* by a signal */
	AWAY_DIED,    /* it was killed or crashed, or the host went down */
	AWAY_ENDS
};
extern const char *const away_end_words[AWAY_ENDS];

struct away_day {
	int64_t day; /* days since 1970; counts the absences that ended on it */
	uint64_t times, seconds; /* of unknown length: 0 s */
};

struct away {
	int fd; /* -1: there is no file */
	char path[128];
	const struct clock *clock;
	char boot_id[AWAY_BOOT_ID_SIZE]; /* of this boot; "-": unknown */
	struct jobs *jobs;
	_Atomic bool is_failing; /* the last write failed; was logged */
	struct away_day days[AWAY_DAYS];
	unsigned days_count;
	uint64_t times, seconds; /* since the file began */
	/* The last absence. */
	bool has_last;
	enum away_end last_end;
	bool host_restarted;
	int64_t last_until, last_s; /* wall clock; -1: how long is unknown */
};

/*
 * The daemon is ready: works out how long it was away, logs it, and starts to give
 * signs of life. Without a file (the reason is logged), or with path NULL, nothing
 * is known and nothing is kept.
 */
void away_begin(struct away *away, const char *path, const struct clock *clock);

/* Gives a sign of life; never waits. */
void away_alive(struct away *away);

/* The daemon accepts no more connections from now on. */
void away_end(struct away *away);

/* Sums the absences that ended in the last days, 1..AWAY_DAYS, today included. */
void away_sum(const struct away *away, int64_t now, unsigned days,
    uint64_t *times_r, uint64_t *seconds_r);

#endif
