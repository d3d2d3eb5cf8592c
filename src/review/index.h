/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known about the mails in the listed folders: one SQLite file per
 * reviewer, so that only new mails need reading. It may be deleted at any time;
 * then the next list takes longer, and decisions on mails that stayed where they
 * were (mbox, quarantine) are forgotten.
 *
 * Several processes may use it at once. An index belongs to one thread. Functions
 * that return bool return false with the reason in error.
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

#define MAIL_ID_SIZE 13 /* 12 hex digits: hash of folder path and base */

/* A mail as it was when its folder was last scanned. Texts are borrowed. */
struct mail {
	const char *id;
	const char *folder; /* path */
	enum folder_kind kind;
	const char *name; /* within the folder, see struct place */
	int64_t time, size;
	enum score_kind score_kind;
	double score;
	const char *sender, *recipients, *subject; /* as in the header */
	const char *client, *client_ip, *flags, *why, *message_id;
	const char *sid; /* "" = no X-TaRgrey-Session */
	const char *envelope_from, *envelope_to, *quarantine_id;
	bool may_discard;
	unsigned notes;      /* bits of enum head_note */
	const char *decided; /* "spam", "ham", "released", "discarded" or "" */
};

/* path: created when missing; one of another version is refused. */
struct index *index_open(const char *path, struct error *error);
void index_close(struct index **index);

/*
 * Brings the index up to date with the folder. warn is called for each item that
 * could not be read as a mail. folder_id_r: the folder's number in filters.
 */
bool index_sync(struct index *index, const struct folder *folder, int64_t now_ms,
    void (*warn)(void *ctx, const char *text), void *ctx, int64_t *folder_id_r,
    struct error *error);

/* The folder's number in filters; false when the folder is not known. */
bool index_folder_id(
    struct index *index, const char *path, int64_t *id_r, struct error *error);

/* Brings one known folder up to date, or all; unreadable ones are skipped. */
bool index_refresh_folder(
    struct index *index, const char *path, int64_t now_ms, struct error *error);
bool index_refresh(struct index *index, int64_t now_ms, struct error *error);
/* Milliseconds since 1970, on the clock that file times use. */
int64_t file_clock_ms(void);

#define FOLDERS_MOST 256

enum index_order { ORDER_NEAREST, ORDER_RANDOM };

/* Members that are 0 or NULL do not restrict. Texts match any part, in any case. */
struct mail_filter {
	const int64_t *folders;
	size_t folders_count;
	const char *sender, *subject, *client, *flags;
	const char *text; /* in sender, subject, client, recipients or message_id */
	double least, most;   /* score, least <= score < most; both 0 = any */
	int64_t since, until; /* time, both inclusive */
	bool only_unscored, only_discardable, with_decided;
	/* or any mail in these folders */
	const int64_t *or_folders;
	size_t or_folders_count;
	double mark; /* for ORDER_NEAREST */
	enum index_order order;
	size_t skip, limit; /* limit 0 = all */
};
typedef bool mail_each_fn(void *ctx, const struct mail *mail);
/* Nearest to the mark first; mails without a score come last. */
bool index_list(struct index *index, const struct mail_filter *filter,
    mail_each_fn *each, void *ctx, struct error *error);
bool index_bands(struct index *index, const struct mail_filter *filter,
    uint64_t counts_r[static BANDS], struct error *error);
/* Every mail whose id begins with id; ends after the second. */
bool index_find(struct index *index, const char *id, mail_each_fn *each, void *ctx,
    struct error *error);

/* Forgets a mail that left its place; records a decision on one that stays. */
bool index_forget(struct index *index, const char *id, struct error *error);
bool index_decide(struct index *index, const char *id, const char *what,
    int64_t now, struct error *error); /* what NULL: undoes the decision */

/* An action, kept for undo. NULL paths: nothing was moved. */
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
 * id   NULL: those not undone; "" = all
 * who  those of this user only; NULL = all
 */
bool index_acts(struct index *index, const char *id, const char *who, size_t limit,
    bool (*each)(void *ctx, const struct act *act), void *ctx, struct error *error);
bool index_mark_undone(struct index *index, int64_t number, struct error *error);

#endif
