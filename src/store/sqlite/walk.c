/* SPDX-License-Identifier: BSD-2-Clause */
/* What targreyctl lists and takes away. */
#include <string.h>

#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

/* One walk; give is called for each row until it says false. */
static bool
walk(struct view *view, const char *sql, int64_t parameter,
    bool (*give)(void *work, sqlite3_stmt *statement), void *work,
    struct trouble *trouble)
{
	struct connection *connection = &view->connection;
	sqlite3_stmt *statement = connection_prepare(connection, sql, trouble);
	bool row = true, ok = statement != NULL;

	if (ok && sqlite3_bind_parameter_count(statement) > 0)
		sqlite3_bind_int64(statement, 1, parameter);
	while (ok && row) {
		ok = connection_step(connection, statement, &row, trouble);
		if (ok && row && !give(work, statement))
			break;
	}
	sqlite3_finalize(statement);
	return ok;
}

struct addresses {
	bool (*each)(void *ctx, int64_t key, const struct address_record *record);
	void *ctx;
};

static bool
give_address(void *arg, sqlite3_stmt *statement)
{
	struct addresses *addresses = arg;
	struct address_record record;

	sqlite_read_address(statement, 1, &record);
	return addresses->each(
	    addresses->ctx, sqlite3_column_int64(statement, 0), &record);
}

bool
sqlite_each_address(struct view *view, int64_t known_at,
    bool (*each)(void *ctx, int64_t key, const struct address_record *record),
    void *ctx, struct trouble *trouble)
{
	struct addresses addresses = {each, ctx};

	return walk(view,
	    "SELECT * FROM address WHERE ?1 = 0 OR known_until >= ?1"
	    " ORDER BY key",
	    known_at, give_address, &addresses, trouble);
}

struct domains {
	bool (*each)(
	    void *ctx, const char *name, const struct domain_record *record);
	void *ctx;
};

static bool
give_domain(void *arg, sqlite3_stmt *statement)
{
	struct domains *domains = arg;
	struct domain_record record;
	int64_t day;

	sqlite_read_domain(statement, 1, &record, &day);
	return domains->each(
	    domains->ctx, (const char *)sqlite3_column_text(statement, 0), &record);
}

bool
sqlite_each_domain(struct view *view, int64_t known_at,
    bool (*each)(void *ctx, const char *name, const struct domain_record *record),
    void *ctx, struct trouble *trouble)
{
	struct domains domains = {each, ctx};

	return walk(view,
	    "SELECT * FROM domain WHERE ?1 = 0 OR known_until >= ?1"
	    " ORDER BY name",
	    known_at, give_domain, &domains, trouble);
}

struct origins {
	bool (*each)(
	    void *ctx, const char *name, const struct origin_record *record);
	void *ctx;
};

static bool
give_origin(void *arg, sqlite3_stmt *statement)
{
	struct origins *origins = arg;
	struct origin_record record;

	sqlite_read_origin(statement, 1, &record);
	return origins->each(
	    origins->ctx, (const char *)sqlite3_column_text(statement, 0), &record);
}

bool
sqlite_each_origin(struct view *view,
    bool (*each)(void *ctx, const char *name, const struct origin_record *record),
    void *ctx, struct trouble *trouble)
{
	struct origins origins = {each, ctx};

	return walk(view, "SELECT * FROM origin ORDER BY name", 0, give_origin,
	    &origins, trouble);
}

struct triplets {
	bool (*each)(void *ctx, int64_t hash, const struct grey_row *row,
	    const struct triplet_text *text);
	void *ctx;
};

static bool
give_triplet(
    struct triplets *triplets, sqlite3_stmt *statement, const struct grey_row *row)
{
	struct triplet_text text = {
	    .client = (const char *)sqlite3_column_text(statement, 0),
	    .sender = (const char *)sqlite3_column_text(statement, 1),
	    .recipient = (const char *)sqlite3_column_text(statement, 2),
	};

	return triplets->each(
	    triplets->ctx, sqlite3_column_int64(statement, 3), row, &text);
}

static bool
give_waiting(void *arg, sqlite3_stmt *statement)
{
	struct grey_row row;

	sqlite_read_waiting(statement, 5, sqlite3_column_int64(statement, 4), &row);
	return give_triplet(arg, statement, &row);
}

static bool
give_passed(void *arg, sqlite3_stmt *statement)
{
	struct grey_row row;

	sqlite_read_passed(statement, 4, &row);
	return give_triplet(arg, statement, &row);
}

bool
sqlite_each_triplet(struct view *view, bool has_passed,
    bool (*each)(void *ctx, int64_t hash, const struct grey_row *row,
        const struct triplet_text *text),
    void *ctx, struct trouble *trouble)
{
	struct triplets triplets = {each, ctx};

	if (has_passed)
		return walk(view,
		    "SELECT t.client, t.sender, t.recipient, p.hash, p.first,"
		    " p.last, p.last_try, p.passed, p.flags FROM passed_text AS t"
		    " CROSS JOIN passed AS p ON p.hash = t.hash",
		    0, give_passed, &triplets, trouble);
	return walk(view,
	    "SELECT t.client, t.sender, t.recipient, w.hash, w.bucket, w.first,"
	    " w.last, w.last_try, w.flags, w.mxs FROM waiting_text AS t CROSS JOIN"
	    " waiting AS w ON w.bucket = t.bucket AND w.hash = t.hash"
	    " ORDER BY t.id",
	    0, give_waiting, &triplets, trouble);
}

/* -------------------------------------------------------------------- drops */

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
sqlite_drop_triplet(struct view *view, int64_t hash, const struct grey_row *was,
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
