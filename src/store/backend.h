/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a database backend must provide: the only access to it, for the daemon's
 * writer and readers (store/) and for targreyctl (query/). Nothing outside a
 * backend's own files knows which database it is.
 *
 * A backend is opened by the daemon, which may need it to itself, or attached to by
 * targreyctl beside the daemon. A view is a place to read from or write to: a
 * reader's is for one thread at a time and shows one moment of the database; the
 * writer's sees its own transaction. Every function may fail; the reason is then in
 * trouble, and only release() or rollback() may be called on the view.
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
	TROUBLE_REOPEN,  /* I/O error, file deleted or replaced: reopen it */
	TROUBLE_CORRUPT, /* damaged: reopen; if that does not help, set aside */
	TROUBLE_CONFLICT /* another writer was faster: repeat the transaction */
};

struct trouble {
	enum trouble_kind kind;
	struct error error;
};

/* For people, in the order in which the triplet's hash is made. */
struct triplet_text {
	const char *client, *sender, *recipient;
	int64_t pair;    /* key_pair() of client and sender; 0 where not needed */
	int64_t held_by; /* from each_triplet(), for drop_triplet() */
};

/* Everything that will be looked for, so that a distant database is asked once. */
struct wanted {
	const int64_t *addresses;
	const char *const *domains;
	const char *const *origins; /* names, see store/keys.h */
	const int64_t *triplets;
	const int64_t *pairs;    /* all triplets of these */
	const int64_t *networks; /* arguments of count_network(), on day */
	size_t addresses_count, domains_count, origins_count, triplets_count,
	    pairs_count, networks_count;
	int64_t day;
};

/* What a transaction is for. */
enum purpose {
	FOR_NOTES,
	FOR_NOTES_AGAIN,  /* after a conflict: locks what it reads */
	FOR_HOUSEKEEPING, /* may be lost in a power cut */
	FOR_CHANGES       /* targreyctl's */
};

enum commit_end {
	COMMITTED,
	NOT_COMMITTED,   /* nothing of it was kept */
	COMMIT_UNCERTAIN /* may have been kept: must not be repeated */
};

struct expiry {
	int64_t events_s, retry_window_s, max_age_s; /* lifetimes */
	int64_t now;
	unsigned limit; /* rows to be removed at most, roughly */
	/* Also complete the walks that are otherwise made in portions. */
	bool thorough;
};

/* What events can be found by without a full scan. */
enum event_key {
	EVENT_KEY_NONE,
	EVENT_KEY_SID,
	EVENT_KEY_QUEUE_ID,
	EVENT_KEY_MESSAGE_ID,
	EVENT_KEY_ADDRESS, /* key_address() as text */
	EVENT_KEYS
};
/* At most this many address keys are searched for a network. */
#define EVENT_NET_MOST 256

/*
 * Which events are wanted. Each member given narrows the search; a backend may
 * return others as well, but misses none that matches.
 */
struct event_search {
	int64_t id;         /* this one only, or 0 */
	enum event_key key; /* EVENT_KEY_NONE, or those with this text */
	const char *text;
	/* Clients in it, or NULL; EVENT_KEY_ADDRESS: at most EVENT_NET_MOST keys */
	const struct ipnet *net;
	int64_t since, until; /* event.time, both inclusive; 0: any */
	int64_t after_id;
	bool newest_first;
	uint64_t words; /* bits 1 << SK_ of the words to read; 0 = all */
};

/* Which rows to walk, in the order of their keys. */
struct address_search {
	int64_t low, high; /* keys, both ends included */
	int64_t known_at;  /* those known at that time; 0 = all */
};
struct triplet_search {
	bool has_passed; /* those that have passed, or those that wait */
	/* Client, compared by octet, both ends included; NULL: any. */
	const char *from, *to;
};

struct backend;
struct view;

/* Simultaneous look-ups in a shared database, each with its own connection. */
#define BACKEND_READERS 8

struct backend_ops {
	/*
	 * Other hosts write to it too, and it is reached over a network: only
	 * workers and the writer may wait for it, and what was read is soon out of
	 * date.
	 */
	bool is_shared;

	/* ---------------------------------------------------------- life cycle */

	/* False with the reason if it does not take this URL. NULL: takes any. */
	bool (*check_url)(const char *url, struct error *error);
	/* As store_each_file(). NULL: there are none. */
	void (*each_file)(const char *url,
	    void (*each)(void *ctx, const char *path, bool is_written), void *ctx);

	/* secret  given to a new database; an existing one's is written there */
	struct backend *(*open)(const struct store_settings *settings,
	    uint8_t secret[static SIPHASH_KEY_SIZE], struct error *error);
	/* For targreyctl: an existing database of this version. Errors name it. */
	struct backend *(*attach)(const char *url, bool writable,
	    uint8_t secret_r[static SIPHASH_KEY_SIZE], struct error *error);
	/* For people, without a password. Lives as long as the backend. */
	const char *(*name)(const struct backend *backend);
	/* Rolls back what was begun. Accepts NULL. */
	void (*close)(struct backend *backend);
	/* Reopens; set_aside: first renames what is there. */
	bool (*reopen)(struct backend *backend, bool set_aside,
	    uint8_t secret[static SIPHASH_KEY_SIZE], struct trouble *trouble);
	void (*set_durable)(struct backend *backend, bool durable);

	/* -------------------------------------------------------------- views */

	/* A view for reading, without waiting for the writer; or NULL. */
	struct view *(*reader)(struct backend *backend, struct trouble *trouble);
	void (*release)(struct view *view);

	/*
	 * Begins a transaction, on the writer's thread or in targreyctl. The view
	 * is gone after a commit, whatever its result, and after a rollback.
	 * until_ms   real time (CLOCK_MONOTONIC) at which it fails if not done; 0:
	 *            none. A local backend ignores it.
	 * changed_r  another program has written since the last transaction
	 */
	struct view *(*begin)(struct backend *backend, enum purpose purpose,
	    int64_t until_ms, bool *changed_r, struct trouble *trouble);
	enum commit_end (*commit)(struct view *view, struct trouble *trouble);
	void (*rollback)(struct view *view);

	/* Shared backends: reads what is wanted, and only that, at once. */
	bool (*expect)(struct view *view, const struct wanted *wanted,
	    struct trouble *trouble);
	/*
	 * Shared backends, on a worker's thread: opens one connection more for
	 * recall(), if there is room, so that no look-up waits for that.
	 */
	void (*open_reader)(struct backend *backend);
	/*
	 * Shared backends, on a worker's thread: a view that holds what was wanted
	 * and nothing else, and no longer asks the server. NULL when that is not
	 * there by until_ms.
	 */
	struct view *(*recall)(struct backend *backend, const struct wanted *wanted,
	    int64_t until_ms, struct trouble *trouble);

	/* -------------------------------------------------------------- rows */

	/* Not found: returns true and a record of zeros. */
	bool (*find_address)(struct view *view, int64_t key,
	    struct address_record *record_r, struct trouble *trouble);
	/* networks is the count for day; 0 if it was counted for another day */
	bool (*find_domain)(struct view *view, const char *name, int64_t day,
	    struct domain_record *record_r, struct trouble *trouble);
	bool (*find_origin)(struct view *view, const char *name,
	    struct origin_record *record_r, struct trouble *trouble);
	/* A row waiting since before or after that range may count as not found. */
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
	 * The two rows of an attempt: its client's and that of KEY_ANYWHERE. A
	 * backend that has these functions uses no others for them, and may keep
	 * both as one row; NULL: they are rows like any others.
	 * wanted  which of them is kept; text: the client's
	 * held    passed from find to keep, in the same transaction
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
	/* Writes something, to see whether writing works. */
	bool (*probe)(struct view *view, struct trouble *trouble);

	/*
	 * Removes expired rows.
	 * more_r  there may be more to remove
	 */
	bool (*expire)(struct view *view, const struct expiry *expiry, bool *more_r,
	    struct trouble *trouble);

	/* Sizes, and row counts if wanted, which may take long. */
	bool (*report)(struct backend *backend, bool want_counts,
	    struct store_status_report *report_r, struct trouble *trouble);

	/* -------------------------------- for attached backends only */

	/*
	 * Walks; a callback returns false to end one early, which is not a failure.
	 * Texts are valid until it returns. Nothing outside the range is read.
	 * known_at: those known at that time, 0 = all.
	 */
	bool (*each_address)(struct view *view, const struct address_search *search,
	    bool (*each)(
	        void *ctx, int64_t key, const struct address_record *record),
	    void *ctx, struct trouble *trouble);
	/* networks: as find_domain() returns it */
	bool (*each_domain)(struct view *view, int64_t day, int64_t known_at,
	    bool (*each)(
	        void *ctx, const char *name, const struct domain_record *record),
	    void *ctx, struct trouble *trouble);
	bool (*each_origin)(struct view *view,
	    bool (*each)(
	        void *ctx, const char *name, const struct origin_record *record),
	    void *ctx, struct trouble *trouble);
	/* What count_network() counted on that day. */
	bool (*each_network)(struct view *view, int64_t day,
	    bool (*each)(void *ctx, int64_t day, int64_t hash), void *ctx,
	    struct trouble *trouble);
	/* Roughly in order of age. */
	bool (*each_triplet)(struct view *view, const struct triplet_search *search,
	    bool (*each)(void *ctx, int64_t hash, const struct grey_row *row,
	        const struct triplet_text *text),
	    void *ctx, struct trouble *trouble);
	bool (*each_event)(struct view *view, const struct event_search *search,
	    bool (*each)(void *ctx, const struct event *event), void *ctx,
	    struct trouble *trouble);
	/*
	 * is_there_r  whether it existed; a triplet is named as each_triplet() gave
	 *             it, with its text's held_by
	 */
	bool (*drop_address)(struct view *view, int64_t key, bool *is_there_r,
	    struct trouble *trouble);
	bool (*drop_domain)(struct view *view, const char *name, bool *is_there_r,
	    struct trouble *trouble);
	bool (*drop_origin)(struct view *view, const char *name, bool *is_there_r,
	    struct trouble *trouble);
	bool (*drop_triplet)(struct view *view, int64_t hash, int64_t held_by,
	    const struct grey_row *was, bool *is_there_r, struct trouble *trouble);
	/* score NaN, verdict NULL, by_person false leave their values unchanged */
	bool (*rate_event)(struct view *view, int64_t id, double score,
	    const char *verdict, bool by_person, struct trouble *trouble);
	/* Marks an event as not delivered; its reply becomes "others REPLY". */
	bool (*refuse_event)(struct view *view, int64_t id, const char *reply,
	    struct trouble *trouble);

	/* For query_migrate(): creates what is missing, with that secret. */
	bool (*make)(const char *url, const uint8_t secret[static SIPHASH_KEY_SIZE],
	    struct error *error);
	/* Keeps daemons away until closed; false if one is running. */
	bool (*claim)(struct backend *backend, struct trouble *trouble);
	/*
	 * A short text stored under a name; "" if there is none. A daemon that
	 * opens the database removes the one under "migrated".
	 */
	bool (*find_mark)(struct view *view, const char *name, char *text_r,
	    size_t size, struct trouble *trouble);
	bool (*keep_mark)(struct view *view, const char *name, const char *text,
	    struct trouble *trouble);

	/* As query_check(); outside transactions. */
	bool (*check)(struct backend *backend,
	    bool (*each)(void *ctx, const char *finding), void *ctx, bool *sound_r,
	    struct trouble *trouble);
	/* As query_backup(), into a newly created file; outside transactions. */
	bool (*backup)(struct backend *backend, const char *path,
	    void (*progress)(void *ctx, int left, int total), void *ctx,
	    struct trouble *trouble);
};

/* The backend for a URL; NULL with the reason if there is none. */
const struct backend_ops *backend_of_url(const char *url, struct error *error);

/* The time that a waiting row is filed under: its first attempt or its last try. */
static inline int64_t
backend_waits_since(const struct grey_row *row)
{
	return row->tries > 0 ? row->last : row->first;
}

/*
 * A row's values, limited to a range safe for arithmetic: somebody else may have
 * written it. Times and durations in seconds or milliseconds; counts.
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
