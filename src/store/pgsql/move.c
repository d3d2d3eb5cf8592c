/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session-level advisory lock keeps migrations and daemons apart: daemons share
 * it, a migration holds it alone.
 */
#include "base/clock.h"
#include "store/pgsql/pgsql_private.h"
#include "store/pgsql/schema_private.h"

#define LOCK "(1952532306, 2)"
/* How long a server that stands still may delay the end. */
#define CLOSE_MS 1000

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
	           "targreyctl migrate is writing to it", trouble) &&
	       link_run(link, "DELETE FROM meta WHERE name = 'migrated'", trouble);
}

bool
pgsql_claim(struct backend *backend, struct trouble *trouble)
{
	backend->is_claimed =
	    try_lock(&backend->link, "SELECT pg_try_advisory_lock" LOCK,
	        "in use by a targreyd: stop all that use it", trouble);
	return backend->is_claimed;
}

void
pgsql_end_use(struct link *link)
{
	struct trouble ignored;

	if (link->conn == NULL)
		return;
	link->deadline_ms = clock_real_ms() + CLOSE_MS;
	(void)link_run(link, "SELECT pg_advisory_unlock_all()", &ignored);
}

bool
pgsql_find_mark(struct view *view, const char *name, char *text_r, size_t size,
    struct trouble *trouble)
{
	bool found;

	return pgsql_read_meta(view->link, name, text_r, size, &found, trouble);
}

bool
pgsql_keep_mark(
    struct view *view, const char *name, const char *text, struct trouble *trouble)
{
	struct link *link = view->link;

	/* Results of what was sent earlier without waiting. */
	if (link->due > 0 &&
	    !(link_flush(link, trouble) && link_finish(link, trouble)))
		return false;
	return pgsql_write_meta(link, name, text, trouble);
}
