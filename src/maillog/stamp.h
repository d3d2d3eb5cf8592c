/* SPDX-License-Identifier: BSD-2-Clause */
/* Time stamps of logs and SQL dumps, in all their forms (see envelope.h). */
#ifndef MAILLOG_STAMP_H
#define MAILLOG_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "maillog/envelope.h"

/*
 * Returns what follows the stamp, behind one blank, or NULL. Local times
 * follow mktime(); in the hour that comes twice a year the one that is
 * nearer to the line before is meant.
 */
char *stamp_read(
    struct log_clock *clock, char *text, int64_t now_s, int64_t *time_r);

/*
 * "2026-01-31", then "T" or a blank and "23:59:59", then a fraction and a zone
 * where there are some; nothing may follow.
 * is_utc  what a time without a zone is: UTC, or local time
 */
bool stamp_whole(const char *text, bool is_utc, int64_t *time_r);

/* 1 to 12, 0 when it is no month or one of several. UTF-8; at up to *end_r. */
int stamp_month(const char *text, const char **end_r);

#endif
