/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What targrey would see, from the log of a Postfix that runs without it:
 * which clients are suspects by their name, which of them delivered mail, how
 * those come back that were refused for a time.
 *
 * Memory: about 110 bytes a client address, for its name as much again, for 2^20
 * of each at most (260 MB); 20 MB for what is refused for now, 20 MB for what is
 * under way. What is above is counted, not followed.
 */
#ifndef MAILLOG_STUDY_H
#define MAILLOG_STUDY_H

#include <stddef.h>
#include <stdint.h>

#include "lists/list.h"
#include "lists/s25r.h"
#include "report/doc.h"
#include "maillog/maillog.h"

struct logstudy;

/* All borrowed. */
struct study_settings {
	const struct s25r *s25r;
	const struct list *allow; /* NULL: none */
	const struct ipnet *exempt;
	size_t exempt_count;
	unsigned top; /* rows of the lists */
};

/* NULL when memory is out. */
struct logstudy *logstudy_new(const struct study_settings *settings);
void logstudy_free(struct logstudy **study);

/* text: one line without its end, taken apart in place */
void logstudy_line(struct logstudy *study, char *text, int64_t now_s);
/* A line that was longer than the reader's buffer. */
void logstudy_too_long(struct logstudy *study);

/* All lines are read: what is under way counts as it stands. */
void logstudy_end(struct logstudy *study);
/* After logstudy_end(). NULL when memory is out. */
struct doc *logstudy_finish(struct logstudy *study);

/* For tests, after logstudy_end(): of the clients (or, by_name, of the names). */
enum log_group { GROUP_ACCEPTED, GROUP_REFUSED, GROUP_CONNECTED, LOG_GROUPS };
struct log_share {
	uint64_t count, match;
};
struct log_share logstudy_share(
    const struct logstudy *study, enum log_group group, bool by_name);

#endif
