/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of any size, line by line, in bounded memory. */
#ifndef ADMIN_LINES_H
#define ADMIN_LINES_H

#include "admin/cmd.h"

#define LINE_MOST 65536

/*
 * Calls each with every line of the file ("-" is standard input), without its line
 * end, until it returns false; with NULL for a line of LINE_MOST octets or more,
 * which is skipped. Shows progress. false, with the reason: the file cannot be
 * read.
 */
bool lines_each(struct admin *admin, const char *path,
    bool (*each)(void *ctx, char *line), void *ctx, struct error *error);

#endif
