/* SPDX-License-Identifier: BSD-2-Clause */
/* One line of journalctl -o json, or of docker's json-file driver. */
#ifndef MAILLOG_JOURNAL_H
#define MAILLOG_JOURNAL_H

#include <stdbool.h>

#include "maillog/envelope.h"

/*
 * Fills all of the envelope from the journal's fields; from docker's object
 * ("log") only the text, which is a whole line, and program stays "". Texts
 * are in envelope->own. Returns false for any other object.
 */
bool journal_read(struct log_envelope *envelope, const char *line);

#endif
