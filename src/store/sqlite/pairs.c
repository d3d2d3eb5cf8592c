/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two rows of an attempt, its client's and that of KEY_ANYWHERE. The first
 * attempt leaves the same in both, so they are stored as one row: that of
 * KEY_ANYWHERE, whose twin is the hash of the client's. It is split in two when
 * either of them changes.
 */
#include "store/keys.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

/* The client's row for which a row of KEY_ANYWHERE stands. */
static struct grey_row
twin_of(const struct grey_row *row)
{
	struct grey_row twin = *row;

	twin.last_try = 0; /* the first attempt is not a retry */
	return twin;
}

static bool
are_twins(const struct grey_row rows[static 2])
{
	const struct grey_row *client = &rows[0], *anywhere = &rows[1];

	return client->first == anywhere->first && client->passed == 0 &&
	       client->last == client->first && anywhere->last == client->first &&
	       client->last_try == 0 && anywhere->last_try == client->first &&
	       client->tries == 0 && anywhere->tries == 0 && !client->early &&
	       !anywhere->early && client->mxs == anywhere->mxs;
}

bool
sqlite_find_pair(struct view *view, const int64_t hashes[static 2], int64_t since,
    int64_t until, struct grey_row rows_r[static 2], int64_t *held_r,
    struct trouble *trouble)
{
	if (!sqlite_find_triplet(
	        view, hashes[0], since, until, &rows_r[0], trouble) ||
	    !sqlite_find_waiting(
	        view, hashes[1], since, until, &rows_r[1], held_r, trouble))
		return false;
	if (rows_r[0].first == 0 && *held_r != 0 && *held_r == hashes[0])
		rows_r[0] = twin_of(&rows_r[1]);
	return true;
}

/* Neither row exists yet. */
static bool
keep_twins(struct view *view, const int64_t hashes[static 2],
    const struct grey_row rows[static 2], const struct triplet_text *text,
    struct trouble *trouble)
{
	return sqlite_keep_waiting(view, hashes[1], &rows[1], hashes[0], trouble) &&
	       sqlite_keep_text(
	           view, hashes[0], hashes[1], &rows[0], text, trouble);
}

/* Splits KEY_ANYWHERE's row and its twin, unless rewritten anyway. */
static bool
part(struct view *view, int64_t hash, const struct grey_row *anywhere, int64_t twin,
    const bool rewritten[static 2], struct trouble *trouble)
{
	struct grey_row row = twin_of(anywhere);

	return (rewritten[0] ||
	           sqlite_keep_waiting(view, twin, &row, 0, trouble)) &&
	       (rewritten[1] ||
	           sqlite_keep_waiting(view, hash, anywhere, 0, trouble));
}

/* held: the twin of was, as sqlite_find_pair() found it; 0: none */
bool
sqlite_keep_pair(struct view *view, const int64_t hashes[static 2],
    const struct grey_row was[static 2], const struct grey_row rows[static 2],
    const bool wanted[static 2], int64_t held, const struct triplet_text *text,
    struct trouble *trouble)
{
	const bool rewritten[] = {wanted[0] && held == hashes[0], wanted[1]};
	struct triplet_text anywhere = *text;

	if (was[0].first == 0 && was[1].first == 0 && wanted[0] && wanted[1] &&
	    are_twins(rows))
		return keep_twins(view, hashes, rows, text, trouble);
	if (!wanted[0] && !wanted[1])
		return true;
	anywhere.client = KEY_ANYWHERE;
	return (held == 0 ||
	           part(view, hashes[1], &was[1], held, rewritten, trouble)) &&
	       (!wanted[0] || sqlite_keep_triplet(view, hashes[0], &was[0],
	                          &rows[0], text, trouble)) &&
	       (!wanted[1] || sqlite_keep_triplet(view, hashes[1], &was[1],
	                          &rows[1], &anywhere, trouble));
}

/* ---------------------------------------------------------------------- drops */

/* A client's row that is part of that of KEY_ANYWHERE. */
static bool
drop_twin(struct view *view, int64_t hash, int64_t held_by,
    const struct grey_row *was, bool *is_there_r, struct trouble *trouble)
{
	struct grey_row anywhere = *was;
	int64_t twin = 0;
	bool found;

	*is_there_r = false;
	if (!sqlite_find_twin(view, held_by, was, &found, &twin, trouble))
		return false;
	if (!found || twin != hash)
		return true;
	*is_there_r = true;
	anywhere.last_try = anywhere.first;
	return sqlite_keep_waiting(view, held_by, &anywhere, 0, trouble);
}

bool
sqlite_drop_triplet(struct view *view, int64_t hash, int64_t held_by,
    const struct grey_row *was, bool *is_there_r, struct trouble *trouble)
{
	static const bool rewritten[] = {false, true}; /* it is removed */
	int64_t twin = 0;
	bool found, was_held = false;

	if (was->passed == 0 &&
	    (!sqlite_find_twin(view, hash, was, &found, &twin, trouble) ||
	        (twin != 0 && !part(view, hash, was, twin, rewritten, trouble))))
		return false;
	if (held_by != 0 &&
	    !drop_twin(view, hash, held_by, was, &was_held, trouble))
		return false;
	if (!sqlite_drop_row(view, hash, was, is_there_r, trouble))
		return false;
	*is_there_r |= was_held;
	return true;
}
