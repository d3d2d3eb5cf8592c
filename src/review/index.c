/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "review/index_private.h"

#define VERSION 2

static const char schema[] =
    "CREATE TABLE folder (id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL,"
    "  kind INTEGER NOT NULL, stamp INTEGER NOT NULL, is_settled INTEGER NOT NULL);"
    "CREATE TABLE mail (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL,"
    "  folder INTEGER NOT NULL,"
    "  name TEXT NOT NULL, time INTEGER, size INTEGER, score_kind INTEGER,"
    "  score REAL, sender TEXT, recipients TEXT, subject TEXT, client TEXT,"
    "  client_ip TEXT, flags TEXT, why TEXT, message_id TEXT, sid TEXT,"
    "  envelope_from TEXT, envelope_to TEXT, quarantine_id TEXT,"
    "  may_discard INTEGER, notes INTEGER, decided TEXT);"
    "CREATE INDEX mail_score ON mail (score, folder, decided);"
    "CREATE INDEX mail_folder ON mail (folder);"
    /* mails per band, valid until a mail comes, goes or changes */
    "CREATE TABLE bands (key TEXT PRIMARY KEY, counts TEXT) WITHOUT ROWID;"
    "CREATE TRIGGER mail_comes AFTER INSERT ON mail BEGIN DELETE FROM bands; END;"
    "CREATE TRIGGER mail_goes AFTER DELETE ON mail BEGIN DELETE FROM bands; END;"
    "CREATE TRIGGER mail_changes AFTER UPDATE ON mail BEGIN DELETE FROM bands; END;"
    "CREATE TABLE decision (id TEXT PRIMARY KEY, what TEXT, time INTEGER);"
    "CREATE TABLE act (number INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER,"
    "  who TEXT, what TEXT, id TEXT, from_path TEXT, to_path TEXT,"
    "  message_id TEXT, undone INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX act_id ON act (id);"
    "PRAGMA user_version = 2;";

bool
index_failed(struct index *index, struct error *error)
{
	const char *path = sqlite3_db_filename(index->db, "main");

	error_set(error, "%s: %s", path == NULL ? "index" : path,
	    sqlite3_errmsg(index->db));
	return false;
}

bool
index_run(struct index *index, const char *sql, struct error *error)
{
	return sqlite3_exec(index->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       index_failed(index, error);
}

sqlite3_stmt *
index_prepare(struct index *index, const char *sql, struct error *error)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(index->db, sql, -1, &statement, NULL) == SQLITE_OK)
		return statement;
	index_failed(index, error);
	return NULL;
}

bool
index_finish(struct index *index, sqlite3_stmt *statement, struct error *error)
{
	if (statement == NULL)
		return false;
	while (sqlite3_step(statement) == SQLITE_ROW)
		;
	bool ok = sqlite3_finalize(statement) == SQLITE_OK;
	return ok || index_failed(index, error);
}

void
bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

static int
version_of(struct index *index)
{
	struct error error;
	sqlite3_stmt *statement =
	    index_prepare(index, "PRAGMA user_version", &error);
	int version = -1;

	if (statement != NULL && sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return version;
}

/* Two processes may open a new file at once: the second finds the work done. */
static bool
make_tables(struct index *index, struct error *error)
{
	int version = version_of(index);

	if (version == VERSION)
		return true;
	if (version > 0) {
		error_set(error,
		    "%s: made by another version of targrey-review; remove it, or "
		    "name another --state",
		    sqlite3_db_filename(index->db, "main"));
		return false;
	}
	if (!index_run(index, "BEGIN IMMEDIATE", error))
		return false;
	if ((version_of(index) == VERSION || index_run(index, schema, error)) &&
	    index_run(index, "COMMIT", error))
		return true;
	sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

struct index *
index_open(const char *path, struct error *error)
{
	struct index *index = calloc(1, sizeof *index);
	mode_t mask = umask(077);

	if (index == NULL) {
		umask(mask);
		error_set(error, "out of memory");
		return NULL;
	}
	int code = sqlite3_open_v2(
	    path, &index->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (index->db == NULL) {
		error_set(error, "%s: out of memory", path);
	} else if (code != SQLITE_OK) {
		error_set(error, "%s: %s", path, sqlite3_errmsg(index->db));
	} else {
		sqlite3_busy_timeout(index->db, 30000);
		if (index_run(index,
		        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
		        "PRAGMA cache_size = -32768",
		        error) &&
		    make_tables(index, error)) {
			umask(mask);
			return index;
		}
	}
	umask(mask);
	index_close(&index);
	return NULL;
}

void
index_close(struct index **index)
{
	if (*index == NULL)
		return;
	sqlite3_close((*index)->db);
	free(*index);
	*index = NULL;
}

static const char *
text_of(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return text == NULL ? "" : (const char *)text;
}

struct mail
index_mail(sqlite3_stmt *s)
{
	return (struct mail){.id = text_of(s, 0),
	    .folder = text_of(s, 1),
	    .kind = (enum folder_kind)sqlite3_column_int(s, 2),
	    .name = text_of(s, 3),
	    .time = sqlite3_column_int64(s, 4),
	    .size = sqlite3_column_int64(s, 5),
	    .score_kind = (enum score_kind)sqlite3_column_int(s, 6),
	    .score = sqlite3_column_double(s, 7),
	    .sender = text_of(s, 8),
	    .recipients = text_of(s, 9),
	    .subject = text_of(s, 10),
	    .client = text_of(s, 11),
	    .client_ip = text_of(s, 12),
	    .flags = text_of(s, 13),
	    .why = text_of(s, 14),
	    .message_id = text_of(s, 15),
	    .sid = text_of(s, 16),
	    .envelope_from = text_of(s, 17),
	    .envelope_to = text_of(s, 18),
	    .quarantine_id = text_of(s, 19),
	    .may_discard = sqlite3_column_int(s, 20) != 0,
	    .notes = (unsigned)sqlite3_column_int(s, 21),
	    .decided = text_of(s, 22)};
}

bool
index_forget(struct index *index, const char *id, struct error *error)
{
	sqlite3_stmt *s =
	    index_prepare(index, "DELETE FROM mail WHERE id = ?1", error);

	if (s == NULL)
		return false;
	bind_text(s, 1, id);
	return index_finish(index, s, error);
}

bool
index_decide(struct index *index, const char *id, const char *what, int64_t now,
    struct error *error)
{
	sqlite3_stmt *s = index_prepare(index,
	    what == NULL ? "DELETE FROM decision WHERE id = ?1"
	                 : "INSERT OR REPLACE INTO decision VALUES (?1, ?2, ?3)",
	    error);

	if (s == NULL)
		return false;
	bind_text(s, 1, id);
	if (what != NULL) {
		bind_text(s, 2, what);
		sqlite3_bind_int64(s, 3, now);
	}
	if (!index_finish(index, s, error))
		return false;
	s = index_prepare(
	    index, "UPDATE mail SET decided = ?2 WHERE id = ?1", error);
	if (s == NULL)
		return false;
	bind_text(s, 1, id);
	bind_text(s, 2, what);
	return index_finish(index, s, error);
}

bool
index_note_act(struct index *index, const struct act *act, int64_t *number_r,
    struct error *error)
{
	sqlite3_stmt *s = index_prepare(index,
	    "INSERT INTO act (time, who, what, id, from_path, to_path, message_id)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	    error);

	if (s == NULL)
		return false;
	sqlite3_bind_int64(s, 1, act->time);
	bind_text(s, 2, act->who);
	bind_text(s, 3, act->what);
	bind_text(s, 4, act->id);
	bind_text(s, 5, act->from);
	bind_text(s, 6, act->to);
	bind_text(s, 7, act->message_id);
	if (!index_finish(index, s, error))
		return false;
	*number_r = sqlite3_last_insert_rowid(index->db);
	return true;
}

bool
index_acts(struct index *index, const char *id, const char *who, size_t limit,
    bool (*each)(void *ctx, const struct act *act), void *ctx, struct error *error)
{
	sqlite3_stmt *s = index_prepare(index,
	    "SELECT number, time, who, what, id, from_path, to_path, message_id, "
	    "undone FROM act WHERE ((?1 IS NULL AND undone = 0) OR ?1 = '' "
	    "OR (undone = 0 AND id >= ?1 AND id < ?1 || 'g')) "
	    "AND (?3 IS NULL OR who = ?3) "
	    "ORDER BY number DESC LIMIT ?2",
	    error);
	bool go_on = true;

	if (s == NULL)
		return false;
	bind_text(s, 1, id);
	sqlite3_bind_int64(s, 2, (int64_t)limit);
	bind_text(s, 3, who);
	while (go_on && sqlite3_step(s) == SQLITE_ROW)
		go_on = each(ctx,
		    &(struct act){sqlite3_column_int64(s, 0),
		        sqlite3_column_int64(s, 1), text_of(s, 2), text_of(s, 3),
		        text_of(s, 4), text_of(s, 5), text_of(s, 6), text_of(s, 7),
		        sqlite3_column_int(s, 8) != 0});
	return sqlite3_finalize(s) == SQLITE_OK || index_failed(index, error);
}

bool
index_mark_undone(struct index *index, int64_t number, struct error *error)
{
	sqlite3_stmt *s = index_prepare(
	    index, "UPDATE act SET undone = 1 WHERE number = ?1", error);

	if (s == NULL)
		return false;
	sqlite3_bind_int64(s, 1, number);
	return index_finish(index, s, error);
}
