/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the SQLite backend; private to this folder. */
#ifndef STORE_SQLITE_PRIVATE_H
#define STORE_SQLITE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "store/sqlite/checkpoint_private.h"
#include "store/sqlite/connection_private.h"
#include "store/sqlite/sqlite.h"

struct view {
	struct backend *backend;
	struct connection connection;
	pthread_mutex_t lock; /* readers: held while the view is lent */
};

#define READERS 8

/* How far the walks through the tables not ordered by time have come. */
struct sweep {
	int64_t passed, address;
	char domain[257], origin[257];
	int64_t next[4]; /* when each starts again, seconds since 1970 */
};

struct backend {
	char *path;
	bool is_attached; /* by targreyctl: the writer's view is the only one */
	int lock_fd;      /* of "<path>.lock", for the life of the daemon */
	bool durable;
	bool syncs; /* as the writing connection is set */
	uint8_t secret[SIPHASH_KEY_SIZE];
	dev_t device;
	ino_t inode, wal_inode;
	int64_t data_version;
	_Atomic int64_t newest_bucket; /* no row waits in a later one */
	int schema;

	struct view writer; /* the writer's thread */
	struct view readers[READERS];
	/* Readers get no view while the writer replaces the file. */
	_Atomic bool down;
	struct checkpoint checkpoint;
	struct sweep sweep;
};

/* rows.c: find_ and keep_ of struct backend_ops */
bool sqlite_find_address(struct view *view, int64_t key,
    struct address_record *record_r, struct trouble *trouble);
bool sqlite_find_domain(struct view *view, const char *name, int64_t day,
    struct domain_record *record_r, struct trouble *trouble);
void sqlite_read_origin(
    sqlite3_stmt *statement, int column, struct origin_record *record_r);
bool sqlite_find_origin(struct view *view, const char *name,
    struct origin_record *record_r, struct trouble *trouble);
bool sqlite_keep_origin(struct view *view, const char *name,
    const struct origin_record *record, struct trouble *trouble);
bool sqlite_find_triplet(struct view *view, int64_t hash, int64_t since,
    int64_t until, struct grey_row *row_r, struct trouble *trouble);
bool sqlite_keep_address(struct view *view, int64_t key,
    const struct address_record *record, struct trouble *trouble);
bool sqlite_keep_domain(struct view *view, const char *name, int64_t day,
    const struct domain_record *record, struct trouble *trouble);
bool sqlite_keep_triplet(struct view *view, int64_t hash,
    const struct grey_row *was, const struct grey_row *row,
    const struct triplet_text *text, struct trouble *trouble);
bool sqlite_count_network(struct view *view, int64_t day, int64_t hash,
    bool *is_new_r, struct trouble *trouble);
bool sqlite_probe(struct view *view, struct trouble *trouble);

/* A waiting row; twin: see pairs.c; 0: none */
bool sqlite_find_waiting(struct view *view, int64_t hash, int64_t since,
    int64_t until, struct grey_row *row_r, int64_t *twin_r,
    struct trouble *trouble);
bool sqlite_keep_waiting(struct view *view, int64_t hash,
    const struct grey_row *row, int64_t twin, struct trouble *trouble);
/* found_r  whether the row exists */
bool sqlite_find_twin(struct view *view, int64_t hash, const struct grey_row *row,
    bool *found_r, int64_t *twin_r, struct trouble *trouble);
/* anywhere: a row in the same bucket that shares the text; 0: none */
bool sqlite_keep_text(struct view *view, int64_t hash, int64_t anywhere,
    const struct grey_row *row, const struct triplet_text *text,
    struct trouble *trouble);

/* pairs.c: as in struct backend_ops */
bool sqlite_find_pair(struct view *view, const int64_t hashes[static 2],
    int64_t since, int64_t until, struct grey_row rows_r[static 2], int64_t *held_r,
    struct trouble *trouble);
bool sqlite_keep_pair(struct view *view, const int64_t hashes[static 2],
    const struct grey_row was[static 2], const struct grey_row rows[static 2],
    const bool wanted[static 2], int64_t held, const struct triplet_text *text,
    struct trouble *trouble);
bool sqlite_drop_triplet(struct view *view, int64_t hash, int64_t held_by,
    const struct grey_row *was, bool *is_there_r, struct trouble *trouble);

/* Reads a row's integers. */
void sqlite_read_waiting(
    sqlite3_stmt *statement, int column, int64_t bucket, struct grey_row *row_r);
void sqlite_read_passed(
    sqlite3_stmt *statement, int column, struct grey_row *row_r);
void sqlite_read_address(
    sqlite3_stmt *statement, int column, struct address_record *record_r);
void sqlite_read_domain(sqlite3_stmt *statement, int column,
    struct domain_record *record_r, int64_t *day_r);

/* expire.c */
bool sqlite_expire(struct view *view, const struct expiry *expiry, bool *more_r,
    struct trouble *trouble);

/* events.c */
bool sqlite_add_event(struct view *view, int64_t logged, const struct event *event,
    struct trouble *trouble);
bool sqlite_each_event(struct view *view, const struct event_search *search,
    bool (*each)(void *ctx, const struct event *event), void *ctx,
    struct trouble *trouble);
bool sqlite_rate_event(struct view *view, int64_t id, double score,
    const char *verdict, bool by_person, struct trouble *trouble);
bool sqlite_refuse_event(
    struct view *view, int64_t id, const char *reply, struct trouble *trouble);

/* event_keys.c: the index of events */
bool sqlite_add_event_keys(struct view *view, const struct event *event, int64_t id,
    struct trouble *trouble);
/*
 * Ids with search->key, and maybe others, in the order asked for; those before
 * since_id are older than wanted. give: false ends it
 */
bool sqlite_each_keyed(struct view *view, const struct event_search *search,
    int64_t since_id, bool (*give)(void *ctx, int64_t event_id), void *ctx,
    struct trouble *trouble);

/* walk.c */
bool sqlite_each_address(struct view *view, const struct address_search *search,
    bool (*each)(void *ctx, int64_t key, const struct address_record *record),
    void *ctx, struct trouble *trouble);
bool sqlite_each_domain(struct view *view, int64_t day, int64_t known_at,
    bool (*each)(void *ctx, const char *name, const struct domain_record *record),
    void *ctx, struct trouble *trouble);
bool sqlite_each_origin(struct view *view,
    bool (*each)(void *ctx, const char *name, const struct origin_record *record),
    void *ctx, struct trouble *trouble);
bool sqlite_each_network(struct view *view, int64_t day,
    bool (*each)(void *ctx, int64_t day, int64_t hash), void *ctx,
    struct trouble *trouble);
bool sqlite_each_triplet(struct view *view, const struct triplet_search *search,
    bool (*each)(void *ctx, int64_t hash, const struct grey_row *row,
        const struct triplet_text *text),
    void *ctx, struct trouble *trouble);

/* drop.c */
bool sqlite_drop_address(
    struct view *view, int64_t key, bool *is_there_r, struct trouble *trouble);
bool sqlite_drop_domain(
    struct view *view, const char *name, bool *is_there_r, struct trouble *trouble);
bool sqlite_drop_origin(
    struct view *view, const char *name, bool *is_there_r, struct trouble *trouble);
/* Removes the row itself, and the text if it has passed; a twin is left alone. */
bool sqlite_drop_row(struct view *view, int64_t hash, const struct grey_row *was,
    bool *is_there_r, struct trouble *trouble);

/* care.c */
struct backend *sqlite_attach(const char *url, bool writable,
    uint8_t secret_r[static SIPHASH_KEY_SIZE], struct error *error);
bool sqlite_report(struct backend *backend, bool want_counts,
    struct store_status_report *report_r, struct trouble *trouble);
bool sqlite_check(struct backend *backend,
    bool (*each)(void *ctx, const char *finding), void *ctx, bool *sound_r,
    struct trouble *trouble);
bool sqlite_backup(struct backend *backend, const char *path,
    void (*progress)(void *ctx, int left, int total), void *ctx,
    struct trouble *trouble);

/* move.c */
bool sqlite_make(const char *url, const uint8_t secret[static SIPHASH_KEY_SIZE],
    struct error *error);
bool sqlite_claim(struct backend *backend, struct trouble *trouble);
bool sqlite_find_mark(struct view *view, const char *name, char *text_r,
    size_t size, struct trouble *trouble);
bool sqlite_keep_mark(
    struct view *view, const char *name, const char *text, struct trouble *trouble);

/* open.c */
bool sqlite_take_lock(struct backend *backend, struct error *error);
struct backend *sqlite_new(const char *url, struct error *error);
struct backend *sqlite_open(const struct store_settings *settings,
    uint8_t secret[static SIPHASH_KEY_SIZE], struct error *error);
bool sqlite_reopen(struct backend *backend, bool set_aside,
    uint8_t secret[static SIPHASH_KEY_SIZE], struct trouble *trouble);
void sqlite_close(struct backend *backend);
struct view *sqlite_reader(struct backend *backend, struct trouble *trouble);
void sqlite_release(struct view *view);

/* file.c: the file itself */

/*
 * Opens the writing connection, creates or upgrades the tables, reads the secret; a
 * new database gets the one in backend->secret, or a new one if that is all zero.
 */
bool sqlite_open_writer(struct backend *backend, struct trouble *trouble);
/* Checks application_id and user_version; upgrades unless read_only. */
bool sqlite_check_schema(struct connection *connection, bool read_only,
    const char *const *steps, int version, int *found_r, struct trouble *trouble);
bool sqlite_read_secret(struct connection *connection,
    uint8_t secret_r[static SIPHASH_KEY_SIZE], struct trouble *trouble);
/* Renames the file and its WAL to "<path>.corrupt-YYYYMMDD-HHMMSS". */
bool sqlite_set_aside(const char *path, struct trouble *trouble);
/* Remembers which log is ours; call when the connections are open. */
void sqlite_know_wal(struct backend *backend);
/* Removes that log; call when the file was not in place, with all closed. */
void sqlite_remove_stale_wal(const struct backend *backend);
/* True if the file that was opened is still at its path. */
bool sqlite_is_in_place(const struct backend *backend, struct trouble *trouble);

/* Sizes of the database's files. */
void sqlite_sizes(const char *path, struct store_status_report *report_r);

#endif
