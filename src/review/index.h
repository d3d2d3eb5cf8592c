/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of the mails in the folders that were listed: one SQLite file
 * of the reviewer, so that only new mails are read. It may be removed at any
 * time; then the next list takes longer, and decisions on mails that stayed
 * where they were (mbox, quarantine) are forgotten.
 *
 * Several processes may use it at once. An index belongs to one thread.
 * Functions that return bool give false with the reason in error.
 */
#ifndef REVIEW_INDEX_H
#define REVIEW_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "review/folder.h"
#include "review/score.h"

struct index;

#define MAIL_ID_SIZE 13 /* 12 hex digits: of the folder's path and the base */

/* A mail as it was when its folder was last looked at. Texts are borrowed. */
struct mail {
	const char *id;
	const char *folder; /* path */
	enum folder_kind kind;
	const char *name; /* in it, see struct place */
	int64_t time, size;
	enum score_kind score_kind;
	double score;
	const char *sender, *recipients, *subject; /* as the header has them */
	const char *client, *client_ip, *flags, *why, *message_id;
	const char *sid; /* "" = no X-TaRgrey-Session */
	const char *envelope_from, *envelope_to, *quarantine_id;
	bool may_discard;
	unsigned notes;      /* enum head_note */
	const char *decided; /* "spam", "ham", "released", "discarded" or "" */
};

/* path: made when missing; one of another version is emptied. */
struct index *index_open(const char *path, struct error *error);
void index_close(struct index **index);

/*
 * Brings the index up to date with the folder. warn is told each thing that
 * could not be read as a mail. folder_id_r: names the folder in filters.
 */
bool index_sync(struct index *index, const struct folder *folder, int64_t now_ms,
    void (*warn)(void *ctx, const char *text), void *ctx, int64_t *folder_id_r,
    struct error *error);

/* The number by which filters know a folder; false when it is not known. */
bool index_folder_id(
    struct index *index, const char *path, int64_t *id_r, struct error *error);

/* The same for every folder that it knows; what cannot be read is left alone. */
bool index_refresh(struct index *index, int64_t now_ms, struct error *error);
/* Milliseconds since 1970, as the times of files count them. */
int64_t file_clock_ms(void);

#define FOLDERS_MOST 256

enum index_order { ORDER_NEAREST, ORDER_RANDOM };

/* Members that are 0 or NULL do not restrict. Texts: part of it, any case. */
struct mail_filter {
	const int64_t *folders;
	size_t folders_count;
	const char *sender, *subject, *client, *flags,
	    *text;            /* text: any of them */
	double least, most;   /* score, from ... to below; both 0 = any */
	int64_t since, until; /* time */
	bool only_unscored, only_discardable, with_decided;
	/* or any mail of these */
	const int64_t *or_folders;
	size_t or_folders_count;
	double mark; /* ORDER_NEAREST */
	enum index_order order;
	size_t skip, limit; /* limit 0 = all */
};
typedef bool mail_each_fn(void *ctx, const struct mail *mail);
/* Nearest to the mark first; mails without a score last. */
bool index_list(struct index *index, const struct mail_filter *filter,
    mail_each_fn *each, void *ctx, struct error *error);
bool index_bands(struct index *index, const struct mail_filter *filter,
    uint64_t counts_r[static BANDS], struct error *error);
/* id may be cut as long as it is of one mail alone. */
bool index_find(struct index *index, const char *id, mail_each_fn *each, void *ctx,
    struct error *error);

/* A mail has left its place, or was decided on where it stays. */
bool index_forget(struct index *index, const char *id, struct error *error);
bool index_decide(struct index *index, const char *id, const char *what,
    int64_t now, struct error *error); /* what NULL: no longer */

/* What was done, for undo. Paths NULL: nothing was moved. */
struct act {
	int64_t number; /* set when read */
	int64_t time;
	const char *who, *what, *id, *from, *to, *message_id;
	bool undone;
};
bool index_note_act(struct index *index, const struct act *act, int64_t *number_r,
    struct error *error);
/*
 * The newest first.
 * id   NULL: those that are not undone; "" = all
 * who  those of this user alone; NULL = all
 */
bool index_acts(struct index *index, const char *id, const char *who, size_t limit,
    bool (*each)(void *ctx, const struct act *act), void *ctx, struct error *error);
bool index_mark_undone(struct index *index, int64_t number, struct error *error);

#endif
