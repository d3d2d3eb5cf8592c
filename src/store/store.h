/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was seen before.
 *
 * Recalls are reads and may be called from callbacks, from any thread. Writes
 * go as notes to one writer thread, which gathers all that wait into one
 * transaction and reports each note after the commit; notes that nobody waits
 * for (done NULL) ride along with others, or follow within 20 ms, 100 where many
 * come. Nothing here blocks a caller but store_open(), store_close() and the
 * functions marked (blocks).
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
	int64_t max_age_s;      /* passed triplets and records, since last use */
	int64_t half_life_s;    /* of counts; 0: for ever */
	uint32_t
	    max_new_per_net; /* new triplets a client network a minute; 0: any */
	/* Of a database over the network: */
	int64_t timeout_ms;  /* mail waits for it this long at most */
	bool waits_at_start; /* a minute; else mail goes on without memory */
	bool hash_people; /* privacy = hash: addresses of people as keyed hashes */
};

/*
 * Opens or creates the database, checks its version, starts the writer and the
 * checkpointer. clock is borrowed and must outlive the store.
 * NULL with the reason: cannot open, locked by another daemon, newer schema,
 * not a database.
 */
struct store *store_open(const struct store_settings *settings,
    const struct clock *clock, struct error *error);

/* false and the reason: no database that this program can open. Opens nothing. */
bool store_check_url(const char *url, struct error *error);

/*
 * Files that the daemon opens for this database, absolute; they need not be there.
 * is_written  it is made and changed as well, with others beside it
 */
void store_each_file(const char *url,
    void (*each)(void *ctx, const char *path, bool is_written), void *ctx);

/* (blocks) Commits what is queued, stops the threads, frees. Accepts NULL; nulls.
 */
void store_close(struct store **store);

/* Lifetimes and limits that a reload may change; url is left alone. */
void store_configure(struct store *store, const struct store_settings *settings);

/* The secret of this database: made at first start, kept in it. */
const uint8_t *store_secret(const struct store *store);

/* Who is asked about or noted. */
struct store_who {
	struct ip ip;       /* the client; the store derives the keys */
	const char *domain; /* SPF domain that passed narrowly, or NULL */
	/* What organisation_of() says of the verified name, or NULL. */
	const char *organisation;
	const char *sender_domain; /* lower case; NULL: not known, or none */
};

/* Both already folded and lower case; borrowed for the call. */
struct triplet {
	const char *sender;
	const char *recipient;
};

/*
 * Everything on record for a client and the triplets of one message.
 * history_r->rows  points to count rows of the caller's, filled on STORE_OK
 *
 * The triplets have one sender. (blocks) where the database is shared.
 *
 * An address that is known may be answered from memory when no domain is
 * given: rows are then empty. What another program changes counts within two
 * seconds.
 */
enum store_status store_recall(struct store *store, const struct store_who *who,
    const struct triplet *triplets, size_t count, int64_t now,
    struct history *history_r);

/* --------------------------------------------- a database over the network */

/* No callback may wait for it: it is asked beforehand, as DNS is. */
bool store_is_shared(const struct store *store);

/*
 * All that a client and a sender have on record, being read by a worker; counted
 * like a job of DNS.
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
 * Starts to read; texts are copied. done(ctx, number) is called once, on a
 * worker's thread, or by this function when it is known that nothing will come.
 * NULL only when memory is out. Never blocks.
 */
struct asked *store_ask(struct store *store, const struct ask_request *request,
    void (*done)(void *ctx, uint64_t number), void *ctx, uint64_t number);
/* It has ended, with an answer or without one. */
bool asked_is_over(const struct asked *asked);
/* clock_mono_ms() at which it is over at the latest, about. */
int64_t asked_deadline_ms(const struct asked *asked);
/* done is not called any more. Accepts NULL; nulls. */
void asked_drop(struct asked **asked);

/*
 * As store_recall(), from what was asked: STORE_FAILED when that is not there.
 * who and triplets have the address, the sender and one of the domains asked for.
 */
enum store_status store_recall_asked(struct store *store, struct asked *asked,
    const struct store_who *who, const struct triplet *triplets, size_t count,
    int64_t now, struct history *history_r);

/* ------------------------------------------------------------------ notes */

enum note_state {
	NOTE_WAITING,
	NOTE_COMMITTED,
	NOTE_FAILED, /* nothing of it was kept; after a failed sync it may have been
	              */
	NOTE_LIMITED /* refused by max_new_per_net; nothing of it was kept */
};

struct note; /* reference counted */

struct note_spec {
	struct store_who who;
	int64_t now;
	enum outcome outcome;
	uint32_t secs; /* OUTCOME_GONE: how long the client had waited */
	/* Triplets that the outcome is about; none for OUTCOME_SEEN,
	 * OUTCOME_KNOWN. */
	const struct triplet *triplets;
	size_t count;
	const struct event *event; /* row to add, or NULL */
	bool begins_session;       /* the first note with an event of one that said
	                              MAIL; not of an exempt one */
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

/* A copy of spec with one reference; NULL when memory is out. */
struct note *note_new(const struct note_spec *spec);
struct note *note_ref(struct note *note);
/* Drops one reference. Accepts NULL; nulls. */
void note_drop(struct note **note);
enum note_state note_state(const struct note *note);

/*
 * Hands the note to the writer, which takes a reference of its own. Never
 * blocks. false: the queue is full, the store is down or too slow; the state is
 * then NOTE_FAILED already.
 */
bool store_submit(struct store *store, struct note *note);

/* (blocks) Waits until all notes submitted so far are final. Tests, targreyctl. */
void store_flush(struct store *store);

/* ----------------------------------------------------------------- status */

#define HELD_BY_SIZE 200
struct store_status_report {
	bool expiring;     /* rows past their time are being removed; tests ask */
	bool failing;      /* the last commit failed */
	bool away;         /* no mail waits for it until it answers a probe */
	char trouble[256]; /* why, or "" */
	uint64_t commits, notes, refused, limited, failed;
	uint64_t queued;            /* notes waiting now */
	char held_by[HELD_BY_SIZE]; /* who keeps the log from shrinking, or "" */
	int64_t clock_jump_s; /* so far is the clock off that is not believed */
	uint64_t file_bytes, wal_bytes;
	uint64_t triplets_waiting, triplets_passed, addresses, domains, events;
	int schema;
};
/* Counts rows only when want_counts is true (a scan of small tables). */
void store_report(
    struct store *store, bool want_counts, struct store_status_report *report_r);

#endif
