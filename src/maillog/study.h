/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What targrey would see, from the log of a Postfix that runs without it:
 * which clients are suspects by their name, which of them delivered mail, how those
 * come back that were refused temporarily.
 *
 * Memory: 100 to 200 bytes per client address and as much for its name, at most
 * 2^20 of each (260 MB); 10 MB for mails refused temporarily, 20 MB for mails in
 * progress. Anything beyond is counted, not followed.
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

/* NULL when out of memory. */
struct logstudy *logstudy_new(const struct study_settings *settings);
/* Accepts NULL; nulls. */
void logstudy_free(struct logstudy **study);

/* text: one line without its end, taken apart in place */
void logstudy_line(struct logstudy *study, char *text, int64_t now_s);
/* Counts a line that was longer than the reader's buffer. */
void logstudy_too_long(struct logstudy *study);

/* After the last line: mails in progress count as they stand. */
void logstudy_end(struct logstudy *study);
/* After logstudy_end(). NULL when out of memory. */
struct doc *logstudy_finish(struct logstudy *study);

/* For tests, after logstudy_end(): of the clients (or, by_name, of the names). */
enum log_group { GROUP_ACCEPTED, GROUP_REFUSED, GROUP_CONNECTED, LOG_GROUPS };
struct log_share {
	uint64_t count, match;
};
struct log_share logstudy_share(
    const struct logstudy *study, enum log_group group, bool by_name);

#endif
