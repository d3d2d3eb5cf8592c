/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads files of one entry per line, named by shell patterns, for list.c and
 * local.c. Blank lines and lines that start with "#" are skipped.
 */
#ifndef LISTS_LINES_H
#define LISTS_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* The files that were read; entries keep pointers into it. */
struct line_files {
	char **paths;
	size_t count;
};

/*
 * Calls each() for every entry of every file, in order of the patterns, the
 * files of one pattern sorted. A pattern without *, ? and [ is a file that must
 * exist; one with them may match nothing, and copies that editors and package
 * managers leave (*~, *.bak, *.orig, *.rej, *.swp, *.dpkg-*, *.rpm*, *.ucf-*) are
 * skipped.
 *
 * text  the line without blanks at its ends; each() may change it. path lives as
 *       long as *files_r
 * Stops when each() returns false, and puts "FILE:LINE: " before its error. On
 * failure *files_r must still be freed.
 */
bool lines_read(const char *const *patterns, size_t count,
    struct line_files *files_r,
    bool (*each)(void *ctx, const char *path, unsigned line, char *text,
        struct error *error),
    void *ctx, struct error *error);

/* Accepts a zero-initialised one. */
void line_files_clear(struct line_files *files);

#endif
