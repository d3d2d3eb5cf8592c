/* SPDX-License-Identifier: BSD-2-Clause */
/* struct query, shared by the files of query/; private to this folder. */
#ifndef QUERY_QUERY_PRIVATE_H
#define QUERY_QUERY_PRIVATE_H

#include "query/query.h"
#include "store/backend.h"

struct query {
	const struct backend_ops *ops;
	struct backend *backend;
	struct view *view; /* what is read from or written to; NULL: nothing now */
	uint8_t secret[SIPHASH_KEY_SIZE];
	bool writable;
	bool begun;
	bool was_conflict;  /* the last failure */
	unsigned conflicts; /* in a row */
	bool hash_people;
	int64_t half_life_s, now; /* see query_fade() */
	/*
	 * Verdicts of this change, added to the site's row at its end: so that row
	 * is locked last and briefly, as others write it too.
	 */
	unsigned site_ham, site_spam;
};

/* Hands the reason on. Returns false. */
bool query_failed(
    struct query *query, const struct trouble *trouble, struct error *error);
/* Begins a consistent read, unless query_change() has begun one already. */
bool query_enter(struct query *query, struct trouble *trouble);
/* Ends it; returns ok. */
bool query_leave(struct query *query, bool ok);
/* The same for a change; a failed one is undone. */
bool query_enter_change(struct query *query, struct trouble *trouble);
bool query_leave_change(struct query *query, bool ok, struct trouble *trouble);
/*
 * One whole change: work is called between the two, and again when another program
 * changed a row first, as nothing of the change was kept then.
 */
bool query_change_rows(struct query *query,
    bool (*work)(struct query *query, void *ctx, struct trouble *trouble),
    void *ctx, struct trouble *trouble);

/*
 * Is wanted all or part of what is stored? A stored hash ("#...") must be its hash.
 */
bool query_person_matches(
    const struct query *query, const char *stored, const char *wanted);

#endif
