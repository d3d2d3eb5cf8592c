/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables, and the steps from each earlier version of them to the next.
 *
 * PRAGMA user_version holds the number of steps that a file has gone through;
 * step n (counted from 1) leads from version n-1 to n. A step that has been
 * released is never changed: whoever needs another column adds a step.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stdint.h>

/* Marks a file as ours, so that no other program's database is touched. */
#define SCHEMA_APPLICATION_ID 0x74614752 /* "taGR" */

extern const char *const schema_steps[];
extern const int schema_version; /* how many steps there are */

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
 * What events are found by is filed by parts of a thousand events, so that new rows
 * land close together. Parts are numbered from here on; below are days, of before.
 */
#define SCHEMA_FIRST_PART 100000

static inline int64_t
schema_event_part(int64_t event_id)
{
	return SCHEMA_FIRST_PART + (event_id >> 10);
}

#endif
