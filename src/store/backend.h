/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a kind of database must be able to do: the one way to it, for the
 * daemon's writer and readers (store/) and for targreyctl (query/). Nothing
 * outside a backend's own files knows which database it is.
 *
 * A backend is opened by the daemon, which may be alone with it, or attached to
 * by targreyctl beside the daemon. A view is a place to read from or write to:
 * a reader's, good for one thread at a time and one moment of the database, or
 * the writer's, which sees its own transaction. All functions may fail; the
 * reason is then in trouble, and nothing but release() or rollback() may be
 * called on the view.
 *
 * Times are seconds since 1970, days are days since then.
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/siphash.h"
#include "record/event.h"
#include "record/history.h"
#include "store/store.h"

/* What to do about a failure. */
enum trouble_kind {
	TROUBLE_NONE,
	TROUBLE_NOTE,    /* this note cannot be kept, others may */
	TROUBLE_WAIT,    /* disk full, locked: goes away by itself */
	TROUBLE_REOPEN,  /* I/O error, file deleted or replaced: open it again */
	TROUBLE_CORRUPT, /* not sound: open again; if it comes back, set aside */
	TROUBLE_CONFLICT /* another was faster: do the transaction again */
};

struct trouble {
	enum trouble_kind kind;
	struct error error;
};

/* For people, in the same order as the triplet's hash is made. */
struct triplet_text {
	const char *client, *sender, *recipient;
	int64_t pair;    /* key_pair() of client and sender; 0 where nobody asks */
	int64_t held_by; /* of each_triplet(), for drop_triplet() */
};

/* All that is going to be looked for, so that a distant database is asked once. */
struct wanted {
	const int64_t *addresses;
	const char *const *domains;
	const char *const *origins; /* names, see store/keys.h */
	const int64_t *triplets;
	const int64_t *pairs;    /* every triplet of these */
	const int64_t *networks; /* as count_network() asks, on day */
	size_t addresses_count, domains_count, origins_count, triplets_count,
	    pairs_count, networks_count;
	int64_t day;
};

/* What a transaction is for. */
enum purpose {
	FOR_NOTES,
	FOR_NOTES_AGAIN,  /* after a conflict: what is read stays as it is */
	FOR_HOUSEKEEPING, /* what is written may be lost in a power cut */
	FOR_CHANGES       /* targreyctl's */
};

enum commit_end {
	COMMITTED,
	NOT_COMMITTED,   /* nothing of it was kept */
	COMMIT_UNCERTAIN /* it may have been kept: not to be done again */
};

struct expiry {
	int64_t events_s, retry_window_s, max_age_s; /* lifetimes */
	int64_t now;
	unsigned limit; /* rows to be removed at most, about */
	/* Also what is otherwise walked through bit by bit, from its start. */
	bool thorough;
};

/* What events are found by without a walk. */
enum event_key {
	EVENT_KEY_NONE,
	EVENT_KEY_SID,
	EVENT_KEY_QUEUE_ID,
	EVENT_KEY_MESSAGE_ID,
	EVENT_KEY_ADDRESS, /* key_address() as text */
	EVENT_KEYS
};
/* Keys of addresses that a network may have to be looked for by them. */
#define EVENT_NET_MOST 256

/*
 * Which events are wanted. What is given narrows; a backend may give others as
 * well, but none that matches is left out.
 */
struct event_search {
	int64_t id;         /* this one alone, or 0 */
	enum event_key key; /* EVENT_KEY_NONE, or those with this text */
	const char *text;
	/* Clients in it, or NULL; EVENT_KEY_ADDRESS: of EVENT_NET_MOST keys at most
	 */
	const struct ipnet *net;
	int64_t since, until; /* event.time, both inclusive; 0: any */
	int64_t after_id;
	bool newest_first;
	uint64_t words; /* bits 1 << SK_ of the words to be read; 0 = all */
};

/* Which rows are walked through, in the order of their keys. */
struct address_search {
	int64_t low, high; /* keys, both ends included */
	int64_t known_at;  /* those known then; 0 = all */
};
struct triplet_search {
	bool has_passed; /* those that have passed, or those that wait */
	/* Client, octet by octet, both ends included; NULL: any. */
	const char *from, *to;
};

struct backend;
struct view;

struct backend_ops {
	/*
	 * Others write to it, too, and it is asked over a network: only workers
	 * and the writer may wait for it, and what was read is soon out of date.
	 */
	bool is_shared;

	/* ---------------------------------------------------------- its life */

	/* false and the reason: not a URL that it takes. NULL: takes them all. */
	bool (*check_url)(const char *url, struct error *error);
	/* As store_each_file(). NULL: there are none. */
	void (*each_file)(const char *url,
	    void (*each)(void *ctx, const char *path, bool is_written), void *ctx);

	/* secret  to give to a new database; the one found is written there */
	struct backend *(*open)(const struct store_settings *settings,
	    uint8_t secret[static SIPHASH_KEY_SIZE], struct error *error);
	/*
	 * For targreyctl: what exists already, made by this version. An error
	 * names the database.
	 */
	struct backend *(*attach)(const char *url, bool writable,
	    uint8_t secret_r[static SIPHASH_KEY_SIZE], struct error *error);
	/* What people know it by; never a password. Lives as long as the backend.
	 */
	const char *(*name)(const struct backend *backend);
	/* Undoes what was begun. Accepts NULL. */
	void (*close)(struct backend *backend);
	/* Opens again; set_aside: what lies there gets another name first. */
	bool (*reopen)(struct backend *backend, bool set_aside,
	    uint8_t secret[static SIPHASH_KEY_SIZE], struct trouble *trouble);
	void (*set_durable)(struct backend *backend, bool durable);

	/* --------------------------------------------------------- its views */

	/* A moment to read from, without waiting for the writer; or NULL. */
	struct view *(*reader)(struct backend *backend, struct trouble *trouble);
	void (*release)(struct view *view);

	/*
	 * A transaction: of the writer's thread, or of targreyctl. After a commit,
	 * whatever came of it, and after a rollback, the view is gone.
	 * until_ms   of real time (CLOCK_MONOTONIC), by which it fails if it is
	 *            not done; 0: none. A local backend does not look at it.
	 * changed_r  by another program, since the last
	 */
	struct view *(*begin)(struct backend *backend, enum purpose purpose,
	    int64_t until_ms, bool *changed_r, struct trouble *trouble);
	enum commit_end (*commit)(struct view *view, struct trouble *trouble);
	void (*rollback)(struct view *view);

	/* A shared backend's: reads what is wanted, and only that, at once. */
	bool (*expect)(struct view *view, const struct wanted *wanted,
	    struct trouble *trouble);
	/*
	 * A shared backend's, on a worker's thread: a view in which there is what
	 * was wanted and nothing else, and which asks nobody any more. NULL when
	 * it is not there by until_ms.
	 */
	struct view *(*recall)(struct backend *backend, const struct wanted *wanted,
	    int64_t until_ms, struct trouble *trouble);

	/* -------------------------------------------------------------- rows */

	/* Not found: true and a record of zeros. */
	bool (*find_address)(struct view *view, int64_t key,
	    struct address_record *record_r, struct trouble *trouble);
	/* networks is that of day; 0 when it was counted for another day */
	bool (*find_domain)(struct view *view, const char *name, int64_t day,
	    struct domain_record *record_r, struct trouble *trouble);
	bool (*find_origin)(struct view *view, const char *name,
	    struct origin_record *record_r, struct trouble *trouble);
	/* A row that waits since a time before or after may count as not found. */
	bool (*find_triplet)(struct view *view, int64_t hash, int64_t since,
	    int64_t until, struct grey_row *row_r, struct trouble *trouble);

	bool (*keep_address)(struct view *view, int64_t key,
	    const struct address_record *record, struct trouble *trouble);
	bool (*keep_domain)(struct view *view, const char *name, int64_t day,
	    const struct domain_record *record, struct trouble *trouble);
	bool (*keep_origin)(struct view *view, const char *name,
	    const struct origin_record *record, struct trouble *trouble);
	/* was  the row as it is now */
	bool (*keep_triplet)(struct view *view, int64_t hash,
	    const struct grey_row *was, const struct grey_row *row,
	    const struct triplet_text *text, struct trouble *trouble);
	/*
	 * The rows of one attempt: of its client, and of KEY_ANYWHERE. A backend
	 * that has these finds and keeps them by no other way, and may make one row
	 * of both; NULL: they are two like any others.
	 * wanted  which of them is kept; text: the client's
	 * held    handed from one to the other, in the same transaction
	 */
	bool (*find_pair)(struct view *view, const int64_t hashes[static 2],
	    int64_t since, int64_t until, struct grey_row rows_r[static 2],
	    int64_t *held_r, struct trouble *trouble);
	bool (*keep_pair)(struct view *view, const int64_t hashes[static 2],
	    const struct grey_row was[static 2],
	    const struct grey_row rows[static 2], const bool wanted[static 2],
	    int64_t held, const struct triplet_text *text, struct trouble *trouble);
	bool (*count_network)(struct view *view, int64_t day, int64_t hash,
	    bool *is_new_r, struct trouble *trouble);
	bool (*add_event)(struct view *view, int64_t logged,
	    const struct event *event, struct trouble *trouble);
	/* Writes something, to see whether that works. */
	bool (*probe)(struct view *view, struct trouble *trouble);

	/*
	 * Removes rows that are past their time.
	 * more_r  there may be others already
	 */
	bool (*expire)(struct view *view, const struct expiry *expiry, bool *more_r,
	    struct trouble *trouble);

	/* Sizes, and counts of rows if wanted, which may take long. */
	bool (*report)(struct backend *backend, bool want_counts,
	    struct store_status_report *report_r, struct trouble *trouble);

	/* -------------------------------- what only an attached one is asked */

	/*
	 * Walks; each returns false to end one early, which is no failure. Texts
	 * are good until it returns. What lies outside of a range is not read.
	 * known_at: those known then, 0 = all.
	 */
	bool (*each_address)(struct view *view, const struct address_search *search,
	    bool (*each)(
	        void *ctx, int64_t key, const struct address_record *record),
	    void *ctx, struct trouble *trouble);
	/* networks: as find_domain() gives it */
	bool (*each_domain)(struct view *view, int64_t day, int64_t known_at,
	    bool (*each)(
	        void *ctx, const char *name, const struct domain_record *record),
	    void *ctx, struct trouble *trouble);
	bool (*each_origin)(struct view *view,
	    bool (*each)(
	        void *ctx, const char *name, const struct origin_record *record),
	    void *ctx, struct trouble *trouble);
	/* What count_network() has counted on that day. */
	bool (*each_network)(struct view *view, int64_t day,
	    bool (*each)(void *ctx, int64_t day, int64_t hash), void *ctx,
	    struct trouble *trouble);
	/* About in order of age. */
	bool (*each_triplet)(struct view *view, const struct triplet_search *search,
	    bool (*each)(void *ctx, int64_t hash, const struct grey_row *row,
	        const struct triplet_text *text),
	    void *ctx, struct trouble *trouble);
	bool (*each_event)(struct view *view, const struct event_search *search,
	    bool (*each)(void *ctx, const struct event *event), void *ctx,
	    struct trouble *trouble);
	/*
	 * is_there_r  whether there was one; a triplet is named as each_triplet()
	 *             gave it, with its text's held_by
	 */
	bool (*drop_address)(struct view *view, int64_t key, bool *is_there_r,
	    struct trouble *trouble);
	bool (*drop_domain)(struct view *view, const char *name, bool *is_there_r,
	    struct trouble *trouble);
	bool (*drop_origin)(struct view *view, const char *name, bool *is_there_r,
	    struct trouble *trouble);
	bool (*drop_triplet)(struct view *view, int64_t hash, int64_t held_by,
	    const struct grey_row *was, bool *is_there_r, struct trouble *trouble);
	/* score NaN, verdict NULL, not by_person: that stays as it is */
	bool (*rate_event)(struct view *view, int64_t id, double score,
	    const char *verdict, bool by_person, struct trouble *trouble);
	/* Not delivered after all; its reply becomes "others REPLY". */
	bool (*refuse_event)(struct view *view, int64_t id, const char *reply,
	    struct trouble *trouble);

	/* For query_migrate(): makes what is not there yet, with that secret. */
	bool (*make)(const char *url, const uint8_t secret[static SIPHASH_KEY_SIZE],
	    struct error *error);
	/* Keeps daemons away until it is closed; false where one is. */
	bool (*claim)(struct backend *backend, struct trouble *trouble);
	/*
	 * A short text under a name; "" where there is none. A daemon that opens
	 * the database removes what stands under "migrated".
	 */
	bool (*find_mark)(struct view *view, const char *name, char *text_r,
	    size_t size, struct trouble *trouble);
	bool (*keep_mark)(struct view *view, const char *name, const char *text,
	    struct trouble *trouble);

	/* As query_check(); outside of transactions. */
	bool (*check)(struct backend *backend,
	    bool (*each)(void *ctx, const char *finding), void *ctx, bool *sound_r,
	    struct trouble *trouble);
	/* As query_backup(), to a file that has just been made; so, too. */
	bool (*backup)(struct backend *backend, const char *path,
	    void (*progress)(void *ctx, int left, int total), void *ctx,
	    struct trouble *trouble);
};

/* Which one a URL means; NULL and the reason when none. */
const struct backend_ops *backend_of_url(const char *url, struct error *error);

/* A waiting row is kept by this time: of its first attempt or its last try. */
static inline int64_t
backend_waits_since(const struct grey_row *row)
{
	return row->tries > 0 ? row->last : row->first;
}

/*
 * What a row says, kept to what can be reckoned with: somebody else may have
 * written it. Times and spans of them, in seconds or milliseconds; counts.
 */
#define BACKEND_TIME_MOST (INT64_C(1) << 50)

static inline int64_t
backend_span(int64_t value)
{
	if (value > BACKEND_TIME_MOST)
		return BACKEND_TIME_MOST;
	return value < -BACKEND_TIME_MOST ? -BACKEND_TIME_MOST : value;
}

static inline int64_t
backend_time(int64_t value)
{
	return value < 0 ? 0 : backend_span(value);
}

static inline uint32_t
backend_count(int64_t value)
{
	if (value < 0)
		return 0;
	return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static inline int64_t
backend_day(int64_t time)
{
	return time / 86400;
}

#endif
