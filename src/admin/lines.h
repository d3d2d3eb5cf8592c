/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of any size, line by line, in bounded memory. */
#ifndef ADMIN_LINES_H
#define ADMIN_LINES_H

#include "admin/cmd.h"

#define LINE_MOST 65536

/*
 * Calls each with every line of the file ("-" is standard input), without its line
 * end; with NULL for a line longer than LINE_MOST, which is skipped. Shows
 * progress. false with the reason.
 */
bool lines_each(struct admin *admin, const char *path,
    bool (*each)(void *ctx, char *line), void *ctx, struct error *error);

#endif
