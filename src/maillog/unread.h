/* SPDX-License-Identifier: BSD-2-Clause */
/* How many lines of a log were not understood, with one of them. */
#ifndef MAILLOG_UNREAD_H
#define MAILLOG_UNREAD_H

#include <stdint.h>

#include "report/doc.h"
#include "maillog/maillog.h"

struct log_unread {
	uint64_t lines, broken, mail, doubtful;
	char broken_text[200], doubtful_text[200];
};

/* Copies the line for unread_count(), called after the line was parsed in place. */
void unread_keep(
    struct log_unread *unread, const char *text, char copy[static 200]);
void unread_count(
    struct log_unread *unread, const struct log_line *line, const char *copy);

/*
 * Reports, each with an example: lines that were not understood if they are 1 % or
 * more, with the right command, and any that were doubtful. Also reports a log
 * without a line about mail.
 *
 * command  what follows "targreyctl", as "report --maillog"
 */
void unread_write(
    const struct log_unread *unread, const char *command, struct doc *doc);

#endif
