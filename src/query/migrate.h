/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies the whole record from one database into another, of either kind.
 *
 * The target is new, or what an earlier call from the same source has left
 * unfinished: then only what is missing is written. It takes over the secret of
 * the source, so that hashes mean the same. No daemon may use either of them
 * meanwhile; once a daemon has begun to use the target, no call changes it any
 * more. The source is only read.
 */
#ifndef QUERY_MIGRATE_H
#define QUERY_MIGRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum migrate_kind {
	MIGRATE_ADDRESSES,
	MIGRATE_DOMAINS,
	MIGRATE_ORIGINS,
	MIGRATE_NETWORKS, /* that a domain was seen from today */
	MIGRATE_TRIPLETS,
	MIGRATE_EVENTS,
	MIGRATE_KINDS
};
extern const char *const migrate_words[MIGRATE_KINDS]; /* "addresses", ... */

struct migrate_counts {
	uint64_t rows, sum;        /* of the source */
	uint64_t written;          /* by this call */
	uint64_t found, sum_found; /* of the target, read again at the end */
};

struct migrate_report {
	struct migrate_counts kinds[MIGRATE_KINDS];
	bool is_equal; /* all counts and sums */
};

/*
 * from, to   URLs as in the configuration, or the bare path of a file
 * now        seconds since 1970: networks are counted by the day
 * progress   called from time to time; total 0: not known; may be NULL
 * After a failed call the next one continues where it stopped.
 */
bool query_migrate(const char *from, const char *to, int64_t now,
    void (*progress)(
        void *ctx, enum migrate_kind kind, uint64_t done, uint64_t total),
    void *ctx, struct migrate_report *report_r, struct error *error);

#endif
