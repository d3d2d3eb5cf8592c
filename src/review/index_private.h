/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by index.c, sync.c and list.c, the only users of SQLite here. */
#ifndef REVIEW_INDEX_PRIVATE_H
#define REVIEW_INDEX_PRIVATE_H

#include <sqlite3.h>

#include "review/index.h"

struct index {
	sqlite3 *db;
};

bool index_failed(struct index *index, struct error *error);
bool index_run(struct index *index, const char *sql, struct error *error);
/* Prepares a statement for one use; NULL with the reason. */
sqlite3_stmt *index_prepare(
    struct index *index, const char *sql, struct error *error);
/* Runs the statement to its end and frees it. */
bool index_finish(
    struct index *index, sqlite3_stmt *statement, struct error *error);
void bind_text(sqlite3_stmt *statement, int at, const char *text);

/* The columns of a mail, in the order of index_mail(). */
#define MAIL_COLUMNS                                                               \
	"m.id, f.path, f.kind, m.name, m.time, m.size, m.score_kind, m.score, "    \
	"m.sender, m.recipients, m.subject, m.client, m.client_ip, m.flags, "      \
	"m.why, m.message_id, m.sid, m.envelope_from, m.envelope_to, "             \
	"m.quarantine_id, m.may_discard, m.notes, m.decided"
#define MAIL_TABLES " FROM mail m CROSS JOIN folder f ON f.id = m.folder "
struct mail index_mail(sqlite3_stmt *statement);

#endif
