/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables, and the steps from each earlier version to the next.
 *
 * PRAGMA user_version holds the number of steps that a file has gone through; step
 * n (counted from 1) leads from version n-1 to n. A released step is never changed:
 * another column needs another step.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stdint.h>

/* Marks a file as ours, so that no other program's database is touched. */
#define SCHEMA_APPLICATION_ID 0x74614752 /* "taGR" */

extern const char *const schema_steps[];
extern const int schema_version; /* the number of steps */

/*
 * Waiting triplets lie in buckets of half a day, by the time of the first
 * attempt or of the last try: new rows land close together, a look-up probes
 * the few buckets of the retry window, and expiry removes ranges.
 */
#define SCHEMA_BUCKET_S 43200

static inline int64_t
schema_bucket(int64_t time)
{
	return time / SCHEMA_BUCKET_S;
}

/*
 * The event index is filed in parts of a thousand events, so that new rows land
 * close together. Parts are numbered from here on; smaller numbers are days, from
 * before.
 */
#define SCHEMA_FIRST_PART 100000

static inline int64_t
schema_event_part(int64_t event_id)
{
	return SCHEMA_FIRST_PART + (event_id >> 10);
}

#endif
