/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all sessions share: one immutable set of settings and compiled rules. A
 * reload builds a new snapshot and swaps it; a session keeps the one it began with.
 * Reference counted; whoever drops the last reference reports it, and main.c frees
 * the snapshot, since freeing may block and sessions end inside callbacks.
 */
#ifndef SESSION_SNAPSHOT_H
#define SESSION_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/ip.h"
#include "facts/gather.h"
#include "lists/list.h"
#include "lists/local.h"
#include "lists/s25r.h"
#include "policy/policy.h"
#include "session/activity.h"
#include "store/store.h"

struct mx_rank {
	uint16_t code;   /* record/mx.h */
	bool is_primary; /* no MX comes before it */
};

struct snapshot {
	atomic_uint refs;
	/* called once, by whoever dropped the last reference; must not block */
	void (*unused)(void *ctx, struct snapshot *snapshot);
	void *unused_ctx;

	struct policy_settings policy;
	const char *hostname; /* id= */
	/* The MX records as configured; none: no mx_order. */
	const struct mx_rank *mx_ranks;
	size_t mx_ranks_count;
	const char *greylist_text;
	bool fail_open; /* on_failure = accept */
	bool hash_people;
	bool received_spf, authentication_results;
	bool has_dnsbl;

	const struct ipnet *exempt_networks;
	size_t exempt_count;
	char *const *trusted_relays;
	size_t trusted_count;

	struct s25r *s25r;
	struct list *allow;
	struct local *local;
	struct gatherer *gatherer; /* NULL: no DNS facts */

	struct store *store;       /* NULL: nothing is noted (explain) */
	struct activity *activity; /* NULL: nothing is counted */
	/* Without a store: looks up the record, as store_recall(); its secret. */
	bool (*recall)(void *ctx, const struct store_who *who,
	    const struct triplet *triplets, size_t count, int64_t now,
	    struct history *history_r);
	void *recall_ctx;
	const uint8_t *secret; /* NULL: none */
	/*
	 * What the wait with this ticket was for has come; other: give the other of
	 * its two answers. Called from any thread, must not block.
	 */
	void (*decide)(void *ctx, uint64_t ticket, bool other);
	void *decide_ctx;
};

struct snapshot *snapshot_ref(struct snapshot *snapshot);
/* Accepts NULL; nulls. */
void snapshot_drop(struct snapshot **snapshot);

#endif
