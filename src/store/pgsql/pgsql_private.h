/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the PostgreSQL backend; private to this folder. */
#ifndef STORE_PGSQL_PRIVATE_H
#define STORE_PGSQL_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/pgsql/array.h"
#include "store/pgsql/link_private.h"
#include "store/pgsql/pgsql.h"

enum row_kind {
	ROW_ADDRESS,
	ROW_DOMAIN,
	ROW_ORIGIN,
	ROW_TRIPLET,
	ROW_NETWORK,
	ROW_KINDS
};

/* One row as read, and as it shall be. */
struct row {
	struct row *next;
	enum row_kind kind;
	int64_t key;     /* for an address, triplet or network */
	int64_t day;     /* a network's; or the day a domain's were counted on */
	char *name;      /* for a domain or an origin */
	int64_t version; /* 0: the row does not exist */
	bool is_changed;
	int64_t pair;
	char *client, *sender, *recipient; /* for a changed triplet */
	union {
		struct address_record address;
		struct domain_record domain;
		struct origin_record origin;
		struct grey_row triplet;
	};
};

#define CHAINS 64

/* Rows read in a transaction, or for one recall, and rows to write at its end. */
struct view {
	struct backend *backend;
	struct link *link; /* NULL: a row not in rows does not exist */
	struct link own;   /* for a view with a link of its own */
	struct row *chains[CHAINS];
	bool locks;     /* rows read are locked until the end */
	unsigned walks; /* how many walks are nested */
};

/* Where the servers are; one of them accepts writes. */
struct place {
	char *url;
	char name[128]; /* for people */
	/* In the order of the URL; NULL: as in the URL. */
	char *hosts[8], *addresses[8], *ports[8];
	unsigned count;
	_Atomic unsigned last; /* the one that answered last */
};

struct backend {
	struct place place;
	bool is_attached;
	bool is_claimed; /* by a migration: the connection holds the lock */
	bool durable;
	int timeout_ms;
	uint8_t secret[SIPHASH_KEY_SIZE];

	_Atomic int64_t clock_ahead_s; /* of the server's; 0: near enough */
	int64_t clock_due_ms;          /* for the writer: when to compare next */

	struct view writer; /* the writer's thread, or targreyctl's */
	struct link link;

	pthread_mutex_t lock;              /* guards the readers' other members */
	struct link idle[BACKEND_READERS]; /* those not in use */
	unsigned idle_count, taken, waiting;
	pthread_cond_t returned;     /* a link was given back */
	_Atomic unsigned generation; /* of the links; readers close older ones */

	/* How far the walks of expiry have come; for the writer's thread. */
	int64_t next_address;
	char next_domain[257], next_origin[257];
	/* When each starts again: addresses, domains, origins. */
	int64_t walk_at[3];
};

/* ---- place.c */
/* False with the reason: not a URL, or it contains a password. */
bool place_init(struct place *place, const char *url, struct error *error);
void place_clear(struct place *place);
/* Tries each for timeout_ms, all of them until the link's deadline. */
bool place_connect(struct place *place, struct link *link, int timeout_ms,
    struct trouble *trouble);

/* ---- files.c */
void pgsql_each_file(const char *url,
    void (*each)(void *ctx, const char *path, bool is_written), void *ctx);

/* ---- rows.c */
void pgsql_clear(struct view *view);
struct row *pgsql_row(struct view *view, enum row_kind kind, int64_t key,
    int64_t day, const char *name, struct trouble *trouble);
bool pgsql_expect(
    struct view *view, const struct wanted *wanted, struct trouble *trouble);
bool pgsql_find_address(struct view *view, int64_t key,
    struct address_record *record_r, struct trouble *trouble);
bool pgsql_find_domain(struct view *view, const char *name, int64_t day,
    struct domain_record *record_r, struct trouble *trouble);
bool pgsql_find_origin(struct view *view, const char *name,
    struct origin_record *record_r, struct trouble *trouble);
bool pgsql_keep_origin(struct view *view, const char *name,
    const struct origin_record *record, struct trouble *trouble);
bool pgsql_find_triplet(struct view *view, int64_t hash, int64_t since,
    int64_t until, struct grey_row *row_r, struct trouble *trouble);
bool pgsql_keep_address(struct view *view, int64_t key,
    const struct address_record *record, struct trouble *trouble);
bool pgsql_keep_domain(struct view *view, const char *name, int64_t day,
    const struct domain_record *record, struct trouble *trouble);
bool pgsql_keep_triplet(struct view *view, int64_t hash, const struct grey_row *was,
    const struct grey_row *row, const struct triplet_text *text,
    struct trouble *trouble);
bool pgsql_count_network(struct view *view, int64_t day, int64_t hash,
    bool *is_new_r, struct trouble *trouble);

/* ---- read.c */
/* Values of a result's row, from a column on; in the order of statements.c. */
int64_t pgsql_number(const PGresult *result, int row, int column);
void pgsql_read_address(
    const PGresult *result, int row, struct address_record *record_r);
void pgsql_read_domain(const PGresult *result, int row,
    struct domain_record *record_r, int64_t *day_r);
void pgsql_read_origin(
    const PGresult *result, int row, struct origin_record *record_r);
void pgsql_read_triplet(const PGresult *result, int row, struct grey_row *row_r);

/*
 * ---- flush.c: writes what has changed, and commits. TROUBLE_CONFLICT: another
 * writer was faster with a row.
 */
enum commit_end pgsql_flush(struct view *view, struct trouble *trouble);

/* ---- events.c */
bool pgsql_add_event(struct view *view, int64_t logged, const struct event *event,
    struct trouble *trouble);
bool pgsql_each_event(struct view *view, const struct event_search *search,
    bool (*each)(void *ctx, const struct event *event), void *ctx,
    struct trouble *trouble);
bool pgsql_rate_event(struct view *view, int64_t id, double score,
    const char *verdict, bool by_person, struct trouble *trouble);

bool pgsql_refuse_event(
    struct view *view, int64_t id, const char *reply, struct trouble *trouble);

/* ---- expire.c */
/* Its walks start again. */
void pgsql_expire_anew(struct backend *backend);
bool pgsql_expire(struct view *view, const struct expiry *expiry, bool *more_r,
    struct trouble *trouble);

/* ---- walk.c */
/* Walks a SELECT, some hundred rows at a time; give returns false to end it. */
bool pgsql_walk(struct view *view, const char *select, int count,
    const char *const *values,
    bool (*give)(void *work, const PGresult *result, int row), void *work,
    struct trouble *trouble);
bool pgsql_each_address(struct view *view, const struct address_search *search,
    bool (*each)(void *ctx, int64_t key, const struct address_record *record),
    void *ctx, struct trouble *trouble);
bool pgsql_each_domain(struct view *view, int64_t day, int64_t known_at,
    bool (*each)(void *ctx, const char *name, const struct domain_record *record),
    void *ctx, struct trouble *trouble);
bool pgsql_each_origin(struct view *view,
    bool (*each)(void *ctx, const char *name, const struct origin_record *record),
    void *ctx, struct trouble *trouble);
bool pgsql_each_network(struct view *view, int64_t day,
    bool (*each)(void *ctx, int64_t day, int64_t hash), void *ctx,
    struct trouble *trouble);
bool pgsql_each_triplet(struct view *view, const struct triplet_search *search,
    bool (*each)(void *ctx, int64_t hash, const struct grey_row *row,
        const struct triplet_text *text),
    void *ctx, struct trouble *trouble);
bool pgsql_drop_address(
    struct view *view, int64_t key, bool *is_there_r, struct trouble *trouble);
bool pgsql_drop_domain(
    struct view *view, const char *name, bool *is_there_r, struct trouble *trouble);
bool pgsql_drop_origin(
    struct view *view, const char *name, bool *is_there_r, struct trouble *trouble);
bool pgsql_drop_triplet(struct view *view, int64_t hash, int64_t held_by,
    const struct grey_row *was, bool *is_there_r, struct trouble *trouble);
bool pgsql_report(struct backend *backend, bool want_counts,
    struct store_status_report *report_r, struct trouble *trouble);
bool pgsql_backup(struct backend *backend, const char *path,
    void (*progress)(void *ctx, int left, int total), void *ctx,
    struct trouble *trouble);

/* ---- check.c */
bool pgsql_check(struct backend *backend,
    bool (*each)(void *ctx, const char *finding), void *ctx, bool *sound_r,
    struct trouble *trouble);

/* ---- move.c */
/* Marks the session as a daemon's; false while a migration is going on. */
bool pgsql_begin_use(struct link *link, struct trouble *trouble);
bool pgsql_claim(struct backend *backend, struct trouble *trouble);
/*
 * Gives up what either has taken: a server notices only a moment later that a
 * connection was closed.
 */
void pgsql_end_use(struct link *link);
bool pgsql_find_mark(struct view *view, const char *name, char *text_r, size_t size,
    struct trouble *trouble);
bool pgsql_keep_mark(
    struct view *view, const char *name, const char *text, struct trouble *trouble);

/* ---- attach.c; targreyctl's connection */
/* Connects to its server, no more. */
bool pgsql_place_attached(struct backend *backend, struct trouble *trouble);
/* Also checks that the tables are ours, reads the secret, prepares. */
bool pgsql_connect_attached(struct backend *backend,
    uint8_t secret_r[static SIPHASH_KEY_SIZE], struct trouble *trouble);
/* Runs that, on a new connection if the one there was is lost. */
bool pgsql_begin_attached(
    struct backend *backend, const char *begin, struct trouble *trouble);

/* ---- readers.c */
void pgsql_open_reader(struct backend *backend);
/* Closes the connections not in use; call with the lock held, if there is one. */
void pgsql_drop_idle(struct backend *backend);
struct view *pgsql_recall(struct backend *backend, const struct wanted *wanted,
    int64_t until_ms, struct trouble *trouble);
struct view *pgsql_reader(struct backend *backend, struct trouble *trouble);
void pgsql_release(struct view *view);

#endif
