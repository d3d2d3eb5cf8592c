/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sqlite/sqlite.h"

#include "base/block.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

static void
sqlite_set_durable(struct backend *backend, bool durable)
{
	backend->durable = durable;
}

static bool
learn_buckets(struct backend *backend, struct trouble *trouble)
{
	struct connection *connection = &backend->writer.connection;
	sqlite3_stmt *statement =
	    connection_statement(connection, SQL_NEWEST_BUCKET, trouble);
	bool row;

	if (statement == NULL ||
	    !connection_step(connection, statement, &row, trouble))
		return false;
	atomic_store(&backend->newest_bucket,
	    row ? sqlite3_column_int64(statement, 0) : INT64_MAX);
	sqlite3_reset(statement);
	return true;
}

static bool
has_changed(struct backend *backend, bool *changed_r, struct trouble *trouble)
{
	struct connection *connection = &backend->writer.connection;
	sqlite3_stmt *statement =
	    connection_statement(connection, SQL_DATA_VERSION, trouble);
	bool row;

	if (statement == NULL ||
	    !connection_step(connection, statement, &row, trouble))
		return false;
	int64_t version = row ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_reset(statement);
	*changed_r = version != backend->data_version;
	if (*changed_r && !learn_buckets(backend, trouble))
		return false;
	backend->data_version = version;
	return true;
}

/* Either each commit waits for the disk, or only those of the checkpointer do. */
static bool
set_sync(struct backend *backend, bool wanted, struct trouble *trouble)
{
	if (backend->syncs == wanted)
		return true;
	backend->syncs = wanted;
	return connection_run(&backend->writer.connection,
	    wanted ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
	    trouble);
}

static struct view *
sqlite_begin(struct backend *backend, enum purpose purpose, int64_t until_ms,
    bool *changed_r, struct trouble *trouble)
{
	struct view *view = &backend->writer;
	bool syncs = backend->durable && purpose != FOR_HOUSEKEEPING;

	(void)until_ms;
	*changed_r = false;
	if (backend->is_attached)
		return connection_do(
		           &view->connection, SQL_BEGIN_IMMEDIATE, trouble)
		           ? view
		           : NULL;
	if (view->connection.db == NULL) {
		trouble->kind = TROUBLE_REOPEN;
		error_set(&trouble->error, "the database is not open");
		return NULL;
	}
	if (!sqlite_is_in_place(backend, trouble))
		return NULL;
	checkpoint_enter(&backend->checkpoint);
	if (set_sync(backend, syncs, trouble) &&
	    connection_do(&view->connection, SQL_BEGIN_IMMEDIATE, trouble)) {
		if (has_changed(backend, changed_r, trouble))
			return view;
		sqlite3_exec(view->connection.db, "ROLLBACK", NULL, NULL, NULL);
	}
	checkpoint_leave(&backend->checkpoint);
	return NULL;
}

static void
sqlite_rollback(struct view *view)
{
	if (!sqlite3_get_autocommit(view->connection.db))
		sqlite3_exec(view->connection.db, "ROLLBACK", NULL, NULL, NULL);
	checkpoint_leave(&view->backend->checkpoint);
}

static enum commit_end
sqlite_commit(struct view *view, struct trouble *trouble)
{
	block_declare("store: commit");
	if (!connection_do(&view->connection, SQL_COMMIT, trouble)) {
		sqlite_rollback(view);
		/* After a failed sync nobody knows whether it was kept. */
		return COMMIT_UNCERTAIN;
	}
	checkpoint_leave(&view->backend->checkpoint);
	return COMMITTED;
}

static const char *
sqlite_name(const struct backend *backend)
{
	return backend->path;
}

static void
sqlite_each_file(const char *url,
    void (*each)(void *ctx, const char *path, bool is_written), void *ctx)
{
	each(ctx, sqlite_path(url), true);
}

const struct backend_ops sqlite_ops = {
    .each_file = sqlite_each_file,
    .open = sqlite_open,
    .attach = sqlite_attach,
    .name = sqlite_name,
    .close = sqlite_close,
    .reopen = sqlite_reopen,
    .set_durable = sqlite_set_durable,
    .reader = sqlite_reader,
    .release = sqlite_release,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .find_address = sqlite_find_address,
    .find_domain = sqlite_find_domain,
    .find_origin = sqlite_find_origin,
    .find_triplet = sqlite_find_triplet,
    .keep_address = sqlite_keep_address,
    .keep_domain = sqlite_keep_domain,
    .keep_origin = sqlite_keep_origin,
    .keep_triplet = sqlite_keep_triplet,
    .find_pair = sqlite_find_pair,
    .keep_pair = sqlite_keep_pair,
    .count_network = sqlite_count_network,
    .add_event = sqlite_add_event,
    .probe = sqlite_probe,
    .expire = sqlite_expire,
    .report = sqlite_report,
    .each_address = sqlite_each_address,
    .each_domain = sqlite_each_domain,
    .each_origin = sqlite_each_origin,
    .each_network = sqlite_each_network,
    .each_triplet = sqlite_each_triplet,
    .each_event = sqlite_each_event,
    .drop_address = sqlite_drop_address,
    .drop_domain = sqlite_drop_domain,
    .drop_origin = sqlite_drop_origin,
    .drop_triplet = sqlite_drop_triplet,
    .rate_event = sqlite_rate_event,
    .refuse_event = sqlite_refuse_event,
    .make = sqlite_make,
    .claim = sqlite_claim,
    .find_mark = sqlite_find_mark,
    .keep_mark = sqlite_keep_mark,
    .check = sqlite_check,
    .backup = sqlite_backup,
};
