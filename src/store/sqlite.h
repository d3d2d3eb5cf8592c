/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the SQLite backend; private to this folder. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "store/checkpoint.h"
#include "store/connection.h"

struct view {
	struct backend *backend;
	struct connection connection;
	pthread_mutex_t lock; /* readers: held while the view is given out */
};

#define READERS 8

/* Where the walks through the tables without an order by time have come to. */
struct sweep {
	int64_t passed, address;
	char domain[256];
	int64_t next[3]; /* when each begins anew, seconds since 1970 */
};

struct backend {
	char *path;
	int lock_fd; /* of "<path>.lock", for the life of the daemon */
	bool durable;
	bool syncs; /* what the writing connection is set to */
	uint8_t secret[SIPHASH_KEY_SIZE];
	dev_t device;
	ino_t inode, wal_inode;
	int64_t data_version;
	int schema;

	struct view writer; /* the writer's thread */
	struct view readers[READERS];
	/* Readers get nothing while the writer changes the file under them. */
	_Atomic bool down;
	struct checkpoint checkpoint;
	struct sweep sweep;
};

/* sqlite_rows.c: find_ and keep_ of struct backend_ops */
bool sqlite_find_address(struct view *view, int64_t key,
    struct address_record *record_r, struct trouble *trouble);
bool sqlite_find_domain(struct view *view, const char *name, int64_t day,
    struct domain_record *record_r, struct trouble *trouble);
bool sqlite_find_triplet(struct view *view, int64_t hash, int64_t oldest,
    int64_t newest, struct grey_row *row_r, struct trouble *trouble);
bool sqlite_keep_address(struct view *view, int64_t key,
    const struct address_record *record, struct trouble *trouble);
bool sqlite_keep_domain(struct view *view, const char *name, int64_t day,
    const struct domain_record *record, struct trouble *trouble);
bool sqlite_keep_triplet(struct view *view, int64_t hash,
    const struct grey_row *was, const struct grey_row *row,
    const struct triplet_text *text, struct trouble *trouble);
bool sqlite_count_network(struct view *view, int64_t day, int64_t hash,
    bool *is_new_r, struct trouble *trouble);
bool sqlite_add_event(struct view *view, int64_t logged, const struct event *event,
    struct trouble *trouble);
bool sqlite_publish(
    struct view *view, const char *name, const char *text, struct trouble *trouble);
bool sqlite_drop_triplet(struct view *view, int64_t hash,
    const struct grey_row *was, struct trouble *trouble);

/* What a row's integers say; shared with query_*.c */
void sqlite_read_waiting(
    sqlite3_stmt *statement, int column, int64_t bucket, struct grey_row *row_r);
void sqlite_read_passed(
    sqlite3_stmt *statement, int column, struct grey_row *row_r);
void sqlite_read_address(
    sqlite3_stmt *statement, int column, struct address_record *record_r);
void sqlite_read_domain(sqlite3_stmt *statement, int column,
    struct domain_record *record_r, int64_t *day_r);

/* sqlite_expire.c */
bool sqlite_expire(struct view *view, const struct lifetimes *lifetimes,
    int64_t now, unsigned limit, bool *more_r, struct trouble *trouble);

/* sqlite_file.c: the file itself */

/* "sqlite:/path" or a bare path; NULL when it is neither. */
const char *sqlite_path(const char *url);
/*
 * Opens the writing connection, makes or upgrades the tables, reads the
 * secret; a new database gets the one in backend->secret, or a new one when
 * that is all zero.
 */
bool sqlite_open_writer(struct backend *backend, struct trouble *trouble);
/* Checks application_id and user_version; upgrades unless read_only. */
bool sqlite_check_schema(struct connection *connection, bool read_only,
    const char *const *steps, int version, int *found_r, struct trouble *trouble);
bool sqlite_read_secret(struct connection *connection,
    uint8_t secret_r[static SIPHASH_KEY_SIZE], struct trouble *trouble);
/* Renames the file and its WAL to "<path>.corrupt-YYYYMMDD-HHMMSS". */
bool sqlite_set_aside(const char *path, struct trouble *trouble);
/* To be called when the connections are open, and when the file was not in place.
 */
void sqlite_know_wal(struct backend *backend);
void sqlite_remove_stale_wal(const struct backend *backend);
/* The file that was opened still lies at its path. */
bool sqlite_is_in_place(const struct backend *backend, struct trouble *trouble);

/* Sizes of the files; counts of the rows. */
void sqlite_sizes(const char *path, struct store_status_report *report_r);
bool sqlite_count(struct connection *connection,
    struct store_status_report *report_r, struct trouble *trouble);

#endif
