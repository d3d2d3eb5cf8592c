/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where mail is stored: a Maildir, an mbox, or a folder of files (the quarantine of
 * amavis, whose files may be packed with gzip). Symbolic links inside a folder are
 * never followed; only regular files count as mails.
 */
#ifndef REVIEW_FOLDER_H
#define REVIEW_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

enum folder_kind { FOLDER_MAILDIR, FOLDER_FILES, FOLDER_MBOX };

/* Name of the Maildir folder, or of the subfolder, for discarded mail. */
#define DISCARDED ".discarded"

struct folder {
	enum folder_kind kind;
	char path[PATH_MAX]; /* absolute, without symbolic links */
	int fd;              /* of the folder or the mbox */
};

/* Holds a descriptor until folder_close(). Returns false with the reason. */
bool folder_open(struct folder *folder_r, const char *path, struct error *error);
void folder_close(struct folder *folder);
/* True when cur, new and tmp exist. */
bool is_maildir(const char *path);

/*
 * A value that changes when a mail arrives, leaves or is renamed. newest_r: the
 * latest time that went into it, ns since 1970; two states that close to the
 * present may still share a stamp.
 */
bool folder_stamp(
    const struct folder *folder, uint64_t *stamp_r, int64_t *newest_r);

/*
 * A mail in the folder. name: path below the folder; in an mbox the offset after
 * its From line. base: the part that stays when the mail is marked as read; NULL in
 * an mbox.
 */
struct place {
	const char *name, *base;
	int64_t time, size;    /* known for an mbox; else 0 */
	const char *from_line; /* mbox */
};
typedef bool folder_each_fn(void *ctx, const struct place *place);
/*
 * skip is called with each item that is not a mail, and why. each ends the walk by
 * returning false. An entry that vanishes meanwhile is not an error.
 */
bool folder_each(const struct folder *folder, folder_each_fn *each,
    void (*skip)(void *ctx, const char *name, const char *reason), void *ctx,
    struct error *error);

/*
 * Opens a mail for reading; -1 on failure. When a Maildir mail has been renamed
 * since, finds its new name and updates name (PLACE_NAME_SIZE octets).
 */
#define PLACE_NAME_SIZE (2 * NAME_MAX + 16)
int folder_open_mail(const struct folder *folder, char name[static PLACE_NAME_SIZE],
    struct stat *stat_r, struct error *error);
bool is_packed(const char *name); /* ends in .gz */

/* Length of a Maildir name up to ":2,". */
size_t maildir_base(const char *name);
/* Delivery time taken from the name, seconds since 1970; 0 when it has none. */
int64_t maildir_time(const char *base);

/* mbox.c */
bool mbox_each(const struct folder *folder, folder_each_fn *each, void *ctx,
    struct error *error);

#endif
