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

/* One row as it was read, and as it shall be. */
struct row {
	struct row *next;
	enum row_kind kind;
	int64_t key;     /* of an address, triplet or network */
	int64_t day;     /* of a network; the one a domain's were counted on */
	char *name;      /* of a domain or an origin */
	int64_t version; /* 0: it is not there */
	bool is_changed;
	int64_t pair;
	char *client, *sender, *recipient; /* of a changed triplet */
	union {
		struct address_record address;
		struct domain_record domain;
		struct origin_record origin;
		struct grey_row triplet;
	};
};

#define CHAINS 64

/*
 * What has been read in a transaction, or for one recall, and what is to be
 * written at its end.
 */
struct view {
	struct backend *backend;
	struct link *link; /* NULL: what is not in rows is not there */
	struct link own;   /* of a view that stands by itself */
	struct row *chains[CHAINS];
	bool locks;     /* what is read is locked until the end */
	unsigned walks; /* how many are going on, one within the other */
};

#define LINKS_MAX 16

/* Where servers are; one of them may be written to. */
struct place {
	char *url;
	char name[128]; /* for people */
	/* In the order of the URL; a NULL in these is left to the URL. */
	char *hosts[8], *addresses[8], *ports[8];
	unsigned count;
	_Atomic unsigned last; /* the one that answered last */
};

struct backend {
	struct place place;
	bool is_attached;
	bool durable;
	int timeout_ms;
	uint8_t secret[SIPHASH_KEY_SIZE];

	struct view writer; /* the writer's thread, or targreyctl's */
	struct link link;

	pthread_mutex_t lock;        /* guards the rest of the readers */
	struct link idle[LINKS_MAX]; /* those that nobody uses now */
	unsigned idle_count;
	_Atomic unsigned generation; /* of the links; the idle of an older one go */
	unsigned idle_generation;

	/* Where the walks of expiry have come to; the writer's thread. */
	int64_t next_address;
	char next_domain[257], next_origin[257];
	/* When each begins anew: addresses, domains, origins. */
	int64_t walk_at[3];
};

/* ---- place.c */
/* false and the reason: not a URL, or one with a password. */
bool place_init(struct place *place, const char *url, struct error *error);
void place_clear(struct place *place);
/* Tries each of them for timeout_ms, all of them until the link's deadline. */
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
/* What a row of a result says, from a column on; in the order of statements.c. */
int64_t pgsql_number(const PGresult *result, int row, int column);
void pgsql_read_address(
    const PGresult *result, int row, struct address_record *record_r);
void pgsql_read_domain(const PGresult *result, int row,
    struct domain_record *record_r, int64_t *day_r);
void pgsql_read_origin(
    const PGresult *result, int row, struct origin_record *record_r);
void pgsql_read_triplet(const PGresult *result, int row, struct grey_row *row_r);

/*
 * ---- flush.c: writes what has changed, and commits. TROUBLE_CONFLICT: somebody
 * was faster with a row.
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
/* Its walks begin anew. */
void pgsql_expire_anew(struct backend *backend);
bool pgsql_expire(struct view *view, const struct expiry *expiry, bool *more_r,
    struct trouble *trouble);

/* ---- walk.c */
/* Rows of a SELECT, some hundred at a time; give says false to end it. */
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
/* A daemon's mark at its session; false while a migration is going on. */
bool pgsql_begin_use(struct link *link, struct trouble *trouble);
bool pgsql_claim(struct backend *backend, struct trouble *trouble);
bool pgsql_find_mark(struct view *view, const char *name, char *text_r, size_t size,
    struct trouble *trouble);
bool pgsql_keep_mark(
    struct view *view, const char *name, const char *text, struct trouble *trouble);

/* ---- readers.c */
/* The connections that nobody uses are closed; called with the lock held, if any.
 */
void pgsql_drop_idle(struct backend *backend);
struct view *pgsql_recall(struct backend *backend, const struct wanted *wanted,
    int64_t until_ms, struct trouble *trouble);
struct view *pgsql_reader(struct backend *backend, struct trouble *trouble);
void pgsql_release(struct view *view);

#endif
