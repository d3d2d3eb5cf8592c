/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of what was seen before.
 *
 * Recalls are reads and may be called from callbacks, from any thread. Writes go as
 * notes to one writer thread, which gathers those waiting into one transaction and
 * reports each note after the commit; notes that nobody waits for (done NULL) join
 * others, or follow within 20 ms, 100 when there are many. Only store_open(),
 * store_close() and the functions marked (blocks) may block the caller.
 *
 * "Not found" is an empty record; "could not look" is STORE_FAILED.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/ip.h"
#include "base/siphash.h"
#include "policy/policy.h"
#include "record/event.h"
#include "record/history.h"

struct store;

enum store_status { STORE_OK, STORE_FAILED };

struct store_settings {
	const char *url;        /* as in the configuration, or "memory:" */
	bool durable;           /* durability = full: every commit is synced */
	int64_t events_s;       /* events are kept this long */
	int64_t retry_window_s; /* waiting triplets are kept this long */
	int64_t max_age_s;   /* passed triplets and records, since their last use */
	int64_t half_life_s; /* of the counts; 0: they never decay */
	uint32_t
	    max_new_per_net; /* new triplets per client network, a minute; 0: any */
	/* For a database over the network: */
	int64_t timeout_ms;  /* the longest that mail waits for it */
	bool waits_at_start; /* a minute at most; else mail goes on without it */
	bool hash_people; /* privacy = hash: people's addresses as keyed hashes */
};

/*
 * Opens or creates the database, checks its version, starts the writer and the
 * checkpointer. clock is borrowed and must outlive the store.
 * NULL with the reason: cannot open, locked by another daemon, newer schema,
 * not a database.
 */
struct store *store_open(const struct store_settings *settings,
    const struct clock *clock, struct error *error);

/* False with the reason if no database here takes this URL. Opens nothing. */
bool store_check_url(const char *url, struct error *error);

/*
 * Files that the daemon opens for this database, absolute; they need not exist.
 * is_written  also created and changed, with others beside it
 */
void store_each_file(const char *url,
    void (*each)(void *ctx, const char *path, bool is_written), void *ctx);

/* (blocks) Commits what is queued, stops the threads, frees. Accepts NULL; nulls.
 */
void store_close(struct store **store);

/* Applies lifetimes and limits, which a reload may change; ignores url. */
void store_configure(struct store *store, const struct store_settings *settings);

/* The secret of this database: made at first start and kept in it. */
const uint8_t *store_secret(const struct store *store);

/* The client and mail that is asked about or noted. */
struct store_who {
	struct ip ip;       /* the client; the store derives the keys */
	const char *domain; /* SPF domain that passed narrowly, or NULL */
	/* organisation_of() the verified name, or NULL. */
	const char *organisation;
	const char *sender_domain; /* lower case; NULL: unknown or none */
};

/* Both already folded and in lower case; borrowed for the call. */
struct triplet {
	const char *sender;
	const char *recipient;
};

/*
 * Everything on record for a client and the triplets of one message.
 * history_r->rows  points to count rows of the caller's, filled on STORE_OK
 *
 * The triplets have one sender. (blocks) if the database is shared.
 *
 * A known address may be answered from memory when no domain is given: rows are
 * then empty. Another program's changes take effect within two seconds, those to a
 * shared database within ten.
 */
enum store_status store_recall(struct store *store, const struct store_who *who,
    const struct triplet *triplets, size_t count, int64_t now,
    struct history *history_r);

/* --------------------------------------------- a database over the network */

/* Callbacks must not wait for it: it is asked beforehand, like DNS. */
bool store_is_shared(const struct store *store);

/*
 * A worker's reading of everything on record for a client and a sender; reference
 * counted, like a DNS job.
 */
struct asked;

struct ask_request {
	struct ip ip;
	const char *sender; /* folded */
	/* Domains that may turn out to pass SPF; NULL: none. */
	const char *domains[2];
	const char *organisation, *sender_domain; /* as in struct store_who */
};

/*
 * Starts to read; copies the texts. done(ctx, number) is called once, on a worker's
 * thread, or by this function if it is clear that nothing will come. NULL only when
 * out of memory. Never blocks.
 */
struct asked *store_ask(struct store *store, const struct ask_request *request,
    void (*done)(void *ctx, uint64_t number), void *ctx, uint64_t number);
/* True once it has ended, with or without an answer. */
bool asked_is_over(const struct asked *asked);
/* clock_mono_ms() by which it is over, roughly. */
int64_t asked_deadline_ms(const struct asked *asked);
/* done is not called any more after this. Accepts NULL; nulls. */
void asked_drop(struct asked **asked);

/*
 * As store_recall(), from what was asked: STORE_FAILED if that has no answer. who
 * and triplets have the address, the sender and one of the domains asked for.
 */
enum store_status store_recall_asked(struct store *store, struct asked *asked,
    const struct store_who *who, const struct triplet *triplets, size_t count,
    int64_t now, struct history *history_r);

/* ------------------------------------------------------------------ notes */

enum note_state {
	NOTE_WAITING,
	NOTE_COMMITTED,
	NOTE_FAILED, /* not kept; after a failed sync it may have been */
	NOTE_LIMITED /* refused by max_new_per_net; not kept */
};

struct note; /* reference counted */

struct note_spec {
	struct store_who who;
	int64_t now;
	enum outcome outcome;
	uint32_t secs; /* OUTCOME_GONE: how long the client had waited */
	/* The triplets concerned: of an attempt, found domain or pass; else none.
	 */
	const struct triplet *triplets;
	size_t count;
	const struct event *event; /* row to add, or NULL */
	bool begins_session; /* the session's first event; it said MAIL and is not
	                        exempt */
	/* How the records change: see policy/grey.h. */
	const struct policy_settings *settings;
	/*
	 * settings and whatever else the note needs stay alive until this is
	 * called, once, when the note is final or freed; may be NULL.
	 */
	void (*release)(void *keep);
	void *keep;
	/*
	 * Called on the writer's thread (or by store_submit() itself when it
	 * refuses) once the state is final; may be NULL. Must not block.
	 */
	void (*done)(void *ctx, uint64_t number, enum note_state state);
	void *ctx;
	uint64_t number;
};

/* A copy of spec with one reference; NULL when out of memory. */
struct note *note_new(const struct note_spec *spec);
struct note *note_ref(struct note *note);
/* Drops one reference. Accepts NULL; nulls. */
void note_drop(struct note **note);
enum note_state note_state(const struct note *note);

/*
 * Hands the note to the writer, which takes its own reference. Never blocks. false:
 * the queue is full, or the store is down or too slow; the state is then already
 * NOTE_FAILED.
 */
bool store_submit(struct store *store, struct note *note);

/* The longest that a 450 shall wait for its note; a NULL store: as a local one. */
int64_t store_note_limit_ms(struct store *store);

/* (blocks) Waits until all notes submitted so far are final. Tests, targreyctl. */
void store_flush(struct store *store);

/* ----------------------------------------------------------------- status */

#define HELD_BY_SIZE 200
struct store_status_report {
	bool expiring;     /* expired rows are being removed; for tests */
	bool failing;      /* the last commit failed, or look-ups do */
	bool away;         /* mail does not wait for it until it answers a probe */
	char trouble[256]; /* why, or "" */
	uint64_t commits, notes, refused, limited, failed;
	uint64_t queued;            /* notes waiting now */
	char held_by[HELD_BY_SIZE]; /* who keeps the log from shrinking, or "" */
	int64_t clock_ahead_s;      /* of a shared database's; 0: near enough */
	int64_t clock_jump_s;       /* the jump of a clock that is not believed */
	uint64_t file_bytes, wal_bytes;
	uint64_t triplets_waiting, triplets_passed, addresses, domains, events;
	int schema;
};
/* Counts rows only when want_counts is true (reads whole tables). */
void store_report(
    struct store *store, bool want_counts, struct store_status_report *report_r);

#endif
