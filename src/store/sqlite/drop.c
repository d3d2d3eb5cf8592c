/* SPDX-License-Identifier: BSD-2-Clause */
/* Removes single rows. */
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

static bool
drop(struct view *view, sqlite3_stmt *statement, bool *is_there_r,
    struct trouble *trouble)
{
	bool ok = connection_step(&view->connection, statement, NULL, trouble);

	*is_there_r = ok && sqlite3_changes(view->connection.db) > 0;
	return ok;
}

bool
sqlite_drop_address(
    struct view *view, int64_t key, bool *is_there_r, struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, SQL_DROP_ADDRESS, trouble);

	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, key);
	return drop(view, statement, is_there_r, trouble);
}

static bool
drop_named(struct view *view, enum statement which, const char *name,
    bool *is_there_r, struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, which, trouble);

	if (statement == NULL)
		return false;
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	return drop(view, statement, is_there_r, trouble);
}

bool
sqlite_drop_domain(
    struct view *view, const char *name, bool *is_there_r, struct trouble *trouble)
{
	return drop_named(view, SQL_DROP_DOMAIN, name, is_there_r, trouble);
}

bool
sqlite_drop_origin(
    struct view *view, const char *name, bool *is_there_r, struct trouble *trouble)
{
	return drop_named(view, SQL_DROP_ORIGIN, name, is_there_r, trouble);
}

bool
sqlite_drop_row(struct view *view, int64_t hash, const struct grey_row *was,
    bool *is_there_r, struct trouble *trouble)
{
	enum statement which =
	    was->passed == 0 ? SQL_DROP_WAITING : SQL_DROP_PASSED;
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, which, trouble);
	bool ignored;

	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, hash);
	if (was->passed == 0)
		sqlite3_bind_int64(
		    statement, 2, schema_bucket(backend_waits_since(was)));
	if (!drop(view, statement, is_there_r, trouble))
		return false;
	if (was->passed == 0)
		return true;
	statement =
	    connection_statement(&view->connection, SQL_DROP_PASSED_TEXT, trouble);
	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, hash);
	return drop(view, statement, &ignored, trouble);
}
