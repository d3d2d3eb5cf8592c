/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where mails lie: a Maildir, an mbox, or a folder of files (the quarantine of
 * amavis, whose files may be packed with gzip). Symbolic links inside a folder
 * are never followed; only regular files are mails.
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

/* Name of the Maildir folder, or of the sub-folder, for what was discarded. */
#define DISCARDED ".discarded"

struct folder {
	enum folder_kind kind;
	char path[PATH_MAX]; /* absolute, without symbolic links */
	int fd;              /* of the folder or the mbox */
};

/* A descriptor is held until folder_close(). false with the reason. */
bool folder_open(struct folder *folder_r, const char *path, struct error *error);
void folder_close(struct folder *folder);
/* cur, new and tmp are there. */
bool is_maildir(const char *path);

/*
 * Changes when a mail comes, goes or is renamed. newest_r: the latest of the
 * times it was made from, ns since 1970; a stamp that young may yet be that of
 * two states.
 */
bool folder_stamp(
    const struct folder *folder, uint64_t *stamp_r, int64_t *newest_r);

/*
 * A mail in it. name: path below the folder; of an mbox the offset behind its
 * From line. base: what stays when the mail is marked as read; of an mbox NULL.
 */
struct place {
	const char *name, *base;
	int64_t time, size;    /* mbox: known; else 0 */
	const char *from_line; /* mbox */
};
typedef bool folder_each_fn(void *ctx, const struct place *place);
/*
 * skip is told each thing that is no mail, with the reason. Both may end it
 * early with false. An entry that goes away meanwhile is no error.
 */
bool folder_each(const struct folder *folder, folder_each_fn *each,
    void (*skip)(void *ctx, const char *name, const char *reason), void *ctx,
    struct error *error);

/*
 * A mail opened for reading, or -1. Where a Maildir's mail was renamed since,
 * its new name is found; name (of NAME_MAX + 8) is then set anew.
 */
#define PLACE_NAME_SIZE (2 * NAME_MAX + 16)
int folder_open_mail(const struct folder *folder, char name[static PLACE_NAME_SIZE],
    struct stat *stat_r, struct error *error);
bool is_packed(const char *name); /* ends in .gz */

/* The part of a Maildir name in front of ":2,". Returns its length. */
size_t maildir_base(const char *name);
/* When it was delivered, by the name; 0 when that does not say. */
int64_t maildir_time(const char *base);

/* mbox.c */
bool mbox_each(const struct folder *folder, folder_each_fn *each, void *ctx,
    struct error *error);

#endif
