/* SPDX-License-Identifier: BSD-2-Clause */
/* What a migration needs: a new file, exclusive use of it, a mark. */
#include <stdio.h>
#include <string.h>

#include "store/sqlite/sqlite_private.h"

bool
sqlite_make(const char *url, const uint8_t secret[static SIPHASH_KEY_SIZE],
    struct error *error)
{
	struct store_settings settings = {.url = url, .durable = true};
	uint8_t given[SIPHASH_KEY_SIZE];

	memcpy(given, secret, sizeof given);
	struct backend *backend = sqlite_open(&settings, given, error);
	sqlite_close(backend);
	return backend != NULL;
}

bool
sqlite_claim(struct backend *backend, struct trouble *trouble)
{
	return backend->lock_fd >= 0 || sqlite_take_lock(backend, &trouble->error);
}

bool
sqlite_find_mark(struct view *view, const char *name, char *text_r, size_t size,
    struct trouble *trouble)
{
	struct connection *connection = &view->connection;
	sqlite3_stmt *statement = connection_prepare(
	    connection, "SELECT value FROM meta WHERE name = ?1", trouble);
	bool row = false;

	text_r[0] = '\0';
	if (statement == NULL)
		return false;
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	bool ok = connection_step(connection, statement, &row, trouble);
	const unsigned char *text =
	    ok && row ? sqlite3_column_text(statement, 0) : NULL;
	if (text != NULL)
		snprintf(text_r, size, "%s", (const char *)text);
	sqlite3_finalize(statement);
	return ok;
}

bool
sqlite_keep_mark(
    struct view *view, const char *name, const char *text, struct trouble *trouble)
{
	struct connection *connection = &view->connection;
	sqlite3_stmt *statement = connection_prepare(
	    connection, "INSERT OR REPLACE INTO meta VALUES (?1, ?2)", trouble);

	if (statement == NULL)
		return false;
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, text, -1, SQLITE_STATIC);
	bool ok = connection_step(connection, statement, NULL, trouble);
	sqlite3_finalize(statement);
	return ok;
}
