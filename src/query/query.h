/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The database from outside the daemon: what targreyctl and report/ read, and
 * the few things that targreyctl changes, while the daemon runs or not.
 *
 * A struct query belongs to one thread. Reads see the state of one moment for
 * the length of one call. Changes are committed one by one unless query_change()
 * makes them one. In a local database they wait up to five seconds for the daemon's
 * own commits. The daemon sees them within two seconds; what an MX remembers of a
 * database that it shares may be ten seconds old.
 *
 * Functions that return bool give false with the reason in error.
 * Texts given to callbacks are borrowed until the callback returns; a callback
 * that returns false ends the call early, which is no error.
 */
#ifndef QUERY_QUERY_H
#define QUERY_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/ip.h"
#include "record/event.h"
#include "record/history.h"
#include "store/store.h"

struct query;

/*
 * url  as in the configuration, or the bare path of a file; "memory:" is refused
 * NULL with the reason: it does not exist, no permission, not a targrey database,
 * older or newer schema.
 */
struct query *query_open(const char *url, bool writable, struct error *error);
/* Accepts NULL; nulls. What was begun and not committed is undone. */
void query_close(struct query **query);

/*
 * Several daemons write to it: an event with a lower number may still come, for as
 * long as one of their transactions can take, which is less than QUERY_SETTLED_S.
 */
bool query_is_shared(const struct query *query);
#define QUERY_SETTLED_S 60

/* The key of stored hashes, SIPHASH_KEY_SIZE octets; owned by query. */
const uint8_t *query_secret(const struct query *query);

/* ------------------------------------------------------------------- reads */

/* Members that are 0 or NULL do not restrict. Texts: ASCII case is ignored. */
struct event_filter {
	int64_t id;              /* only this one */
	int64_t since, until;    /* event.time, both inclusive */
	const struct ipnet *net; /* client */
	const char *name;        /* part of name, ptr or heloname */
	const char *sender;      /* part of it; exact when stored as a hash */
	const char *recipient;
	const char *sid, *queue_id, *message_id; /* exact, case matters; fast */
	int64_t after_id;                        /* event.id above this */
	bool newest_first;
	size_t limit; /* rows at most */
	/* Session keys to be read, as bits 1 << SK_; 0 = all. Others are "". */
	uint64_t words;
};

/* In the order of writing, by end of transaction: nearly by time. */
bool query_events(struct query *query, const struct event_filter *filter,
    bool (*each)(void *ctx, const struct event *event), void *ctx,
    struct error *error);

struct address_row {
	struct ip ip; /* IPv6: the first address of the /64 */
	struct address_record record;
};
/* net: those in it, quickly; NULL: any. known_at: only those known then; 0: all. */
bool query_addresses(struct query *query, const struct ipnet *net, int64_t known_at,
    bool (*each)(void *ctx, const struct address_row *row), void *ctx,
    struct error *error);

struct domain_row {
	const char *name;
	struct domain_record record; /* networks: of the day of now */
};
/* The one of that name, in lower case; 0 or 1 calls. */
bool query_domain(struct query *query, const char *name, int64_t now,
    bool (*each)(void *ctx, const struct domain_row *row), void *ctx,
    struct error *error);
/* known_at: only those known then; 0: all. */
bool query_domains(struct query *query, int64_t now, int64_t known_at,
    bool (*each)(void *ctx, const struct domain_row *row), void *ctx,
    struct error *error);

struct triplet_row {
	const char *client; /* "192.0.2.0/24", "2001:db8::/64" or an SPF domain */
	const char *sender, *recipient; /* folded; "#..." when stored as a hash */
	struct grey_row row;            /* passed != 0: has passed */
	int64_t hash, held_by;          /* name the row */
};
enum triplet_state { TRIPLETS_ALL, TRIPLETS_WAITING, TRIPLETS_PASSED };
struct triplet_filter {
	enum triplet_state state;
	int64_t since;                  /* last attempt or use */
	const char *client;             /* exact text of the key; fast */
	const struct ipnet *net;        /* of a network in it or around it; fast */
	const char *sender, *recipient; /* parts, or exact when stored as a hash */
};
bool query_triplets(struct query *query, const struct triplet_filter *filter,
    bool (*each)(void *ctx, const struct triplet_row *row), void *ctx,
    struct error *error);

/* As store_recall(), for explain. */
bool query_recall(struct query *query, const struct store_who *who,
    const struct triplet *triplets, size_t count, int64_t now,
    int64_t retry_window_s, struct history *history_r, struct error *error);

/* Counts and sizes; the counters of the daemon itself stay 0. */
bool query_report(
    struct query *query, struct store_status_report *report_r, struct error *error);

/*
 * Integrity of the whole database, with its cross references. each gets one line a
 * finding; *sound_r is true when there were none.
 */
bool query_check(struct query *query, bool (*each)(void *ctx, const char *finding),
    void *ctx, bool *sound_r, struct error *error);

/*
 * A consistent copy of a local database while the daemon writes; a server's is
 * refused. path must not exist yet (nothing is overwritten); a copy that fails is
 * removed. progress, in pages, may be NULL.
 */
bool query_backup(struct query *query, const char *path,
    void (*progress)(void *ctx, int left, int total), void *ctx,
    struct error *error);

/* ----------------------------------------------------------------- changes */

/*
 * All that change() does with this query, in one transaction; nothing of it when it
 * gives false, with the reason in error. When another program changed a row first,
 * nothing is kept and change() is called again from its start. The changes below
 * repeat themselves in the same way, unless change() calls them.
 */
bool query_change(struct query *query,
    bool (*change)(void *ctx, struct error *error), void *ctx, struct error *error);

/*
 * Known until that time; KNOWN_FOREVER stands until it is taken back.
 * until 0: no longer known, and the count towards it starts anew.
 * found_r  whether there was such a record; may be NULL
 */
bool query_allow_address(struct query *query, const struct ip *ip, int64_t now,
    int64_t until, bool *found_r, struct error *error);
bool query_allow_domain(struct query *query, const char *domain, int64_t now,
    int64_t until, bool *found_r, struct error *error);

/*
 * All members that are given must match; at least one must be given. A triplet is
 * remembered by a network (IPv4 /24, IPv6 /64) or an SPF domain: it belongs to net
 * only when net holds that whole network.
 */
struct forget_filter {
	const struct ipnet
	    *net; /* addresses in it, and records and triplets of networks in it */
	/* The record and the triplets of an SPF domain, organisation or sender. */
	const char *domain;
	const char *sender, *recipient; /* triplets; exact, folded */
	bool is_dry;                    /* nothing is removed, only counted */
	/* What goes is shown to these beforehand; may be NULL. */
	void (*address)(void *ctx, const struct address_row *row);
	void (*triplet)(void *ctx, const struct triplet_row *row);
	void *ctx;
};
struct store_counts {
	uint64_t addresses, domains, triplets, events;
	uint64_t origins; /* networks, organisations, domains of senders */
	uint64_t shared;  /* forget: those kept, of a network that net is part of */
};
/* Records and triplets; events stay. */
bool query_forget(struct query *query, const struct forget_filter *filter,
    struct store_counts *counts_r, struct error *error);

/*
 * Removes all that has expired, by the lifetimes of settings. counts_r->origins and
 * shared are not set.
 */
bool query_expire(struct query *query, const struct store_settings *settings,
    int64_t now, struct store_counts *counts_r, struct error *error);

/* ----------------------------------------------- what became of a message */

/* A message as a log line names it. Texts NULL or "": not known. */
struct message_ref {
	const char *queue_id, *message_id;
	int64_t time;        /* of the line */
	const struct ip *ip; /* of the SMTP client, NULL: not known */
};
struct message_found {
	int64_t event_id; /* 0: there is none */
	int64_t time;     /* when the event was written */
	bool has_feedback, is_delivered;
	bool is_ambiguous; /* other clients sent the Message-ID, too */
};
/*
 * The event of that message: the one nearest in time of those with its queue id,
 * up to five days before the line or QUERY_NEAR_S after it. Without a queue id, or
 * where the event has none, its Message-ID is enough within QUERY_NEAR_S. An
 * address that is given must be the client's. A Message-ID is chosen by the sender:
 * where that alone is known and it came from several clients meanwhile, the result
 * is ambiguous.
 */
#define QUERY_NEAR_S 900
bool query_find_message(struct query *query, const struct message_ref *message,
    struct message_found *found_r, struct error *error);

/*
 * A verdict for one event, whoever gives it: the only way in which a message's
 * content reaches the record. The first verdict of an event counts, and the first
 * of a person in place of a filter's: ham or spam of its address, of its network
 * and of its organisation (policy/origin.h); after spam the address is no longer
 * known by its own record (unless it was made known for ever). Mail of exempt
 * clients counts for nobody.
 * score    NaN: none
 * verdict  "ham", "spam" or NULL (a score alone)
 * by_person  weighs as PERSON_WEIGHT of a content filter's
 * An event_id that is not there changes nothing.
 */
bool query_feedback(struct query *query, int64_t event_id, double score,
    const char *verdict, bool by_person, struct error *error);

/*
 * The MTA refused the message after targrey had let it through. The event says
 * so from then on; with is_final (5xx) the success counted for its address and SPF
 * domain is taken back. Once for each event.
 * reply  what the log says: "550", "4.7.1"
 */
struct success_rules {
	int64_t now;
	uint32_t known_successes; /* successes that make a client known, 0: never */
	bool trust_eom; /* an unproven hold is as good as an endured one */
};
bool query_refusal(struct query *query, int64_t event_id, const char *reply,
    bool is_final, const struct success_rules *rules, struct error *error);

/*
 * record.half_life, and the time as of which counts of ham and spam are read and
 * added to; before this call nothing fades.
 */
void query_fade(struct query *query, int64_t half_life_s, int64_t now);
/* Senders and recipients that are written from now on are kept as keyed hashes. */
void query_hash_people(struct query *query);

/* Rows of another greylister, for the client's network. Newer ones there stay. */
bool query_import_triplet(struct query *query, const struct ip *ip,
    const char *sender, const char *recipient, const struct grey_row *row,
    struct error *error);
bool query_import_address(struct query *query, const struct ip *ip,
    const struct address_record *record, struct error *error);

#endif
