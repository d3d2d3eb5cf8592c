/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records that a transaction's notes have read or changed: each is read once, and
 * written once, at the end. Without it (apply->held NULL) the backend is asked each
 * time. For one thread.
 */
#ifndef STORE_HELD_H
#define STORE_HELD_H

#include "store/apply.h"

#define HELD_CHAINS 128

/* All zero: holds nothing. */
struct held {
	struct held_row *chains[HELD_CHAINS];
	struct held_row *last;
};

/* As in struct backend_ops. */
bool held_find_address(const struct apply *apply, int64_t key,
    struct address_record *record_r, struct trouble *trouble);
bool held_find_domain(const struct apply *apply, const char *name, int64_t day,
    struct domain_record *record_r, struct trouble *trouble);
bool held_find_origin(const struct apply *apply, const char *name,
    struct origin_record *record_r, struct trouble *trouble);
bool held_keep_address(const struct apply *apply, int64_t key,
    const struct address_record *record, struct trouble *trouble);
bool held_keep_domain(const struct apply *apply, const char *name, int64_t day,
    const struct domain_record *record, struct trouble *trouble);
bool held_keep_origin(const struct apply *apply, const char *name,
    const struct origin_record *record, struct trouble *trouble);

/* Writes what has changed; call before the commit. */
bool held_write(const struct apply *apply, struct trouble *trouble);
void held_clear(struct held *held);

#endif
