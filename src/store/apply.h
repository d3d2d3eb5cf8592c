/* SPDX-License-Identifier: BSD-2-Clause */
/* Applies a note inside a transaction, and looks up; for the store and query/. */
#ifndef STORE_APPLY_H
#define STORE_APPLY_H

#include "policy/origin.h"
#include "store/backend.h"
#include "store/keys.h"
#include "store/limit.h"
#include "store/note.h"

/* What both need; borrowed. */
struct apply {
	const struct backend_ops *ops;
	struct view *view;
	const uint8_t *secret;
	int64_t retry_window_s;
	int64_t half_life_s;
	uint32_t max_new_per_net;
	bool hash_people;
	struct limit *limit;
	struct held *held; /* store/held.h; NULL: records are not held */
	int64_t logged;    /* time that events are filed under */
};

/* The state of an address after a note, for the cache. */
struct applied_address {
	int64_t key; /* 0 with first_seen 0: untouched */
	struct address_record record;
};

enum applied { APPLIED, APPLY_LIMITED, APPLY_FAILED };
enum applied apply_note(const struct apply *apply, const struct note_spec *spec,
    struct applied_address *address_r, struct trouble *trouble);

/*
 * Everything that some notes will look for; grows as needed. What finds no room
 * because memory ran out is looked up when its turn comes.
 */
struct expected {
	int64_t *numbers[3]; /* addresses, triplets, networks */
	size_t counts[3], rooms[3];
	const char **domains;
	size_t domains_count, domains_room;
	char (*origins)[ORIGIN_SIZE];
	const char **origin_names; /* of the same, made when they are asked for */
	size_t origins_count, origins_room;
};
void apply_expect(const struct apply *apply, struct expected *expected,
    const struct note_spec *spec);
struct wanted expected_wanted(struct expected *expected, int64_t day);
void expected_clear(struct expected *expected);

/* ---- origins.c */

/*
 * The names of all origins that may be looked for. The organisation is the SPF
 * domain or the registered one, as the record of the first decides. Returns how
 * many.
 */
#define ORIGINS_MAX 4
size_t origins_of(
    const struct store_who *who, char names_r[static ORIGINS_MAX][ORIGIN_SIZE]);
/* What is on record at the given time. */
bool origins_recall(const struct apply *apply, const struct store_who *who,
    int64_t now, struct history *history, struct trouble *trouble);
/* Whether origins_note() has anything to do for this note. */
bool origins_are_noted(const struct note_spec *spec);
/* domain  the record of who.domain, zeros if there is none */
bool origins_note(const struct apply *apply, const struct note_spec *spec,
    const struct domain_record *domain, struct trouble *trouble);
/* Creates no record where there is none. */
bool origins_rate(const struct apply *apply, const struct store_who *who,
    const struct domain_record *domain, const struct rating *rating,
    struct trouble *trouble);
/* Adds verdicts to the totals of the whole site. */
bool origins_rate_site(const struct apply *apply, unsigned ham, unsigned spam,
    int64_t now, struct trouble *trouble);

/* As store_recall(). */
bool apply_recall(const struct apply *apply, const struct store_who *who,
    const struct triplet *triplets, size_t count, int64_t now,
    struct history *history_r, struct trouble *trouble);

#endif
