/* SPDX-License-Identifier: BSD-2-Clause */
/* Time stamps of logs and SQL dumps, in all their forms (see envelope.h). */
#ifndef MAILLOG_STAMP_H
#define MAILLOG_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "maillog/envelope.h"

/*
 * Returns what follows the stamp and one blank, or NULL. Local times follow
 * mktime(); in the hour that occurs twice when clocks go back, the time nearer to
 * the line before is taken.
 */
char *stamp_read(
    struct log_clock *clock, char *text, int64_t now_s, int64_t *time_r);

/*
 * "2026-01-31", then "T" or a blank and "23:59:59", then an optional fraction and
 * zone; nothing may follow.
 * is_utc  what a time without a zone is: UTC, or local time
 */
bool stamp_whole(const char *text, bool is_utc, int64_t *time_r);

/* 1 to 12, 0: not a month, or ambiguous. text: UTF-8; *end_r: what follows it. */
int stamp_month(const char *text, const char **end_r);

#endif
