/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of one entry per line, named by shell patterns: what list.c and local.c
 * are read with. Blank lines and lines that start with "#" are left out.
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
 * files of one pattern sorted. Copies that editors and package managers leave
 * (*~, *.bak, *.orig, *.rej, *.swp, *.dpkg-*, *.rpm*, *.ucf-*) are skipped. A
 * pattern without *, ? and [ must exist; one with them may match nothing.
 *
 * text  the line without blanks at its ends, each()'s to change; path lives as
 *       long as *files_r
 * Ends at the first false of each(), whose error gets "FILE:LINE: " in front.
 * On failure *files_r must still be freed.
 */
bool lines_read(const char *const *patterns, size_t count,
    struct line_files *files_r,
    bool (*each)(void *ctx, const char *path, unsigned line, char *text,
        struct error *error),
    void *ctx, struct error *error);

/* Also fine on a zero-initialised one. */
void line_files_clear(struct line_files *files);

#endif
