/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a kind of database must be able to do; private to this folder.
 *
 * A view is a place to read from: a reader's, good for one thread at a time
 * and one moment of the database, or the writer's, which sees its own
 * transaction. All functions may fail; the reason is then in trouble, and
 * nothing but view_release() or rollback() may be called on the view.
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/note.h"
#include "store/store.h"

/* What to do about a failure. */
enum trouble_kind {
	TROUBLE_NONE,
	TROUBLE_NOTE,   /* this note cannot be kept, others may */
	TROUBLE_WAIT,   /* disk full, locked: goes away by itself */
	TROUBLE_REOPEN, /* I/O error, file deleted or replaced: open it again */
	TROUBLE_CORRUPT /* not sound: open again; if it comes back, set aside */
};

struct trouble {
	enum trouble_kind kind;
	struct error error;
};

/* For people, in the same order as the triplet's hash is made. */
struct triplet_text {
	const char *client, *sender, *recipient;
};

struct lifetimes {
	int64_t events_s, retry_window_s, max_age_s;
};

struct backend;
struct view;

struct backend_ops {
	/* secret  to give to a new database; the one found is written there */
	struct backend *(*open)(const struct store_settings *settings,
	    uint8_t secret[static SIPHASH_KEY_SIZE], struct error *error);
	void (*close)(struct backend *backend);
	/* Opens again; set_aside: what lies there gets another name first. */
	bool (*reopen)(struct backend *backend, bool set_aside,
	    uint8_t secret[static SIPHASH_KEY_SIZE], struct trouble *trouble);
	void (*set_durable)(struct backend *backend, bool durable);

	/* A moment to read from, without waiting for the writer; or NULL. */
	struct view *(*reader)(struct backend *backend, struct trouble *trouble);
	void (*release)(struct view *view);

	/*
	 * The writer's thread only.
	 * idle       what is written may be lost in a power cut
	 * changed_r  by another program, since the last
	 */
	struct view *(*begin)(struct backend *backend, bool idle, bool *changed_r,
	    struct trouble *trouble);
	bool (*commit)(struct view *view, struct trouble *trouble);
	void (*rollback)(struct view *view);

	/* Not found: true and a record of zeros. */
	bool (*find_address)(struct view *view, int64_t key,
	    struct address_record *record_r, struct trouble *trouble);
	/* networks is that of day; 0 when it was counted for another day */
	bool (*find_domain)(struct view *view, const char *name, int64_t day,
	    struct domain_record *record_r, struct trouble *trouble);
	/* oldest  the first bucket that may still hold a waiting row */
	bool (*find_triplet)(struct view *view, int64_t hash, int64_t oldest,
	    int64_t newest, struct grey_row *row_r, struct trouble *trouble);

	bool (*keep_address)(struct view *view, int64_t key,
	    const struct address_record *record, struct trouble *trouble);
	bool (*keep_domain)(struct view *view, const char *name, int64_t day,
	    const struct domain_record *record, struct trouble *trouble);
	/* was  the row as it is now; decides where it must be taken from */
	bool (*keep_triplet)(struct view *view, int64_t hash,
	    const struct grey_row *was, const struct grey_row *row,
	    const struct triplet_text *text, struct trouble *trouble);
	bool (*count_network)(struct view *view, int64_t day, int64_t hash,
	    bool *is_new_r, struct trouble *trouble);
	bool (*add_event)(struct view *view, int64_t logged,
	    const struct event *event, struct trouble *trouble);
	/* name  "probe": a row that is overwritten */
	bool (*publish)(struct view *view, const char *name, const char *text,
	    struct trouble *trouble);

	/*
	 * Removes at most about limit rows that are past their time.
	 * more_r  there may be others already
	 */
	bool (*expire)(struct view *view, const struct lifetimes *lifetimes,
	    int64_t now, unsigned limit, bool *more_r, struct trouble *trouble);

	/* Only while no transaction runs. want_counts: may take long. */
	void (*report)(struct backend *backend, bool want_counts,
	    struct store_status_report *report_r);
};

extern const struct backend_ops sqlite_ops, memory_ops;

#endif
