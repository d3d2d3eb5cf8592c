/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migrations and daemons keep out of each other's way by an advisory lock of the
 * session: daemons share it, a migration has it alone.
 */
#include <stdio.h>
#include <string.h>

#include "store/pgsql/pgsql_private.h"

#define LOCK "(1952532306, 2)"

static bool
try_lock(
    struct link *link, const char *sql, const char *held, struct trouble *trouble)
{
	PGresult *result = link_query(link, sql, 0, NULL, trouble);
	bool has = result != NULL && libpq.PQgetvalue(result, 0, 0)[0] == 't';

	if (result != NULL && !has) {
		trouble->kind = TROUBLE_WAIT;
		error_set(&trouble->error, "%s", held);
	}
	libpq.PQclear(result);
	return has;
}

bool
pgsql_begin_use(struct link *link, struct trouble *trouble)
{
	return try_lock(link, "SELECT pg_try_advisory_lock_shared" LOCK,
	           "targreyctl migrate is at work in it", trouble) &&
	       link_run(link, "DELETE FROM meta WHERE name = 'migrated'", trouble);
}

bool
pgsql_claim(struct backend *backend, struct trouble *trouble)
{
	return try_lock(&backend->link, "SELECT pg_try_advisory_lock" LOCK,
	    "in use by a targreyd: stop all that use it", trouble);
}

bool
pgsql_find_mark(struct view *view, const char *name, char *text_r, size_t size,
    struct trouble *trouble)
{
	const char *const values[] = {name};
	PGresult *result = link_query(view->link,
	    "SELECT value FROM meta WHERE name = $1::text", 1, values, trouble);

	text_r[0] = '\0';
	if (result != NULL && libpq.PQntuples(result) > 0)
		snprintf(text_r, size, "%s", libpq.PQgetvalue(result, 0, 0));
	libpq.PQclear(result);
	return result != NULL;
}

bool
pgsql_keep_mark(
    struct view *view, const char *name, const char *text, struct trouble *trouble)
{
	const char *const values[] = {name, text};
	struct link *link = view->link;

	/* What went out before, and was not waited for. */
	if (link->due > 0 &&
	    !(link_flush(link, trouble) && link_finish(link, trouble)))
		return false;
	PGresult *result = link_query(link,
	    "INSERT INTO meta (name, value) VALUES ($1::text, $2::text)"
	    " ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value",
	    2, values, trouble);

	libpq.PQclear(result);
	return result != NULL;
}
