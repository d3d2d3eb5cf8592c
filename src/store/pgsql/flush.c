/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes what a transaction has changed, one statement per table. COMMIT is sent
 * only after all of them have shown that nobody else changed a row meanwhile, not
 * behind them in the same pipeline: there only an error would prevent it, and the
 * server logs every error.
 */
#include <stdlib.h>
#include <string.h>

#include "store/pgsql/pgsql_private.h"

#define COLUMNS_MAX 17

struct table {
	enum statement statement;
	struct array columns[COLUMNS_MAX];
	unsigned rows;
};

static void
add(struct table *table, const int64_t *numbers, unsigned count, unsigned first)
{
	for (unsigned i = 0; i < count; i++)
		array_add_number(&table->columns[first + i], numbers[i]);
}

static void
add_address(struct table *table, const struct row *row)
{
	const struct address_record *record = &row->address;
	const int64_t numbers[] = {row->key, row->version + 1, record->first_seen,
	    record->last_seen, record->last_success, record->last_counted,
	    record->last_unproven, record->last_gaveup, record->known_until,
	    record->sessions, record->successes, record->counted, record->gaveup,
	    record->gaveup_secs, record->ham, record->spam, record->rated};

	add(table, numbers, 17, 0);
}

static void
add_domain(struct table *table, const struct row *row)
{
	const struct domain_record *record = &row->domain;
	const int64_t numbers[] = {row->version + 1, record->first_seen,
	    record->last_seen, record->last_success, record->last_counted,
	    record->known_until, record->successes, record->counted, row->day,
	    record->networks};

	array_add_text(&table->columns[0], row->name);
	add(table, numbers, 10, 1);
}

static void
add_origin(struct table *table, const struct row *row)
{
	const struct origin_record *record = &row->origin;
	const int64_t numbers[] = {row->version + 1, record->first_seen,
	    record->last_seen, record->decayed, record->sessions, record->successes,
	    record->gaveup, record->ham, record->spam, (int64_t)record->people};

	array_add_text(&table->columns[0], row->name);
	add(table, numbers, 10, 1);
}

static void
add_triplet(struct table *table, const struct row *row)
{
	const struct grey_row *grey = &row->triplet;
	int64_t kept_by =
	    grey->passed != 0 ? grey->passed : backend_waits_since(grey);
	const int64_t numbers[] = {row->key, row->version + 1, grey->first,
	    grey->last, grey->last_try, grey->passed, grey->tries, grey->early,
	    row->pair, backend_day(kept_by), (int64_t)grey->mxs};

	add(table, numbers, 11, 0);
	array_add_text(&table->columns[11], row->client);
	array_add_text(&table->columns[12], row->sender);
	array_add_text(&table->columns[13], row->recipient);
}

static void
add_row(struct table *table, const struct row *row)
{
	const int64_t network[] = {row->key, row->day};

	table->rows++;
	switch (row->kind) {
	case ROW_ADDRESS:
		add_address(table, row);
		break;
	case ROW_DOMAIN:
		add_domain(table, row);
		break;
	case ROW_ORIGIN:
		add_origin(table, row);
		break;
	case ROW_TRIPLET:
		add_triplet(table, row);
		break;
	case ROW_NETWORK:
	case ROW_KINDS:
		add(table, network, 2, 0);
		break;
	}
}

static bool
send_table(struct view *view, struct table *table, unsigned columns,
    struct trouble *trouble)
{
	const char *values[COLUMNS_MAX];

	for (unsigned i = 0; i < columns; i++) {
		values[i] = array_text(&table->columns[i]);
		if (table->columns[i].has_failed) {
			trouble->kind = TROUBLE_NOTE;
			error_set(&trouble->error, "out of memory");
			return false;
		}
	}
	return link_send(
	    view->link, table->statement, (int)columns, values, trouble);
}

static void
fill(struct view *view, struct table *tables)
{
	for (int i = 0; i < CHAINS; i++) {
		for (struct row *row = view->chains[i]; row != NULL;
		     row = row->next) {
			if (row->is_changed)
				add_row(&tables[row->kind], row);
		}
	}
}

static bool
send_tables(struct view *view, struct table *tables, struct trouble *trouble)
{
	static const struct {
		enum statement statement;
		unsigned columns;
	} of[ROW_KINDS] = {
	    [ROW_ADDRESS] = {SQL_KEEP_ADDRESSES, 17},
	    [ROW_DOMAIN] = {SQL_KEEP_DOMAINS, 11},
	    [ROW_ORIGIN] = {SQL_KEEP_ORIGINS, 11},
	    [ROW_TRIPLET] = {SQL_KEEP_TRIPLETS, 14},
	    [ROW_NETWORK] = {SQL_KEEP_NETWORKS, 2},
	};
	bool ok = true;

	for (int i = 0; ok && i < ROW_KINDS; i++) {
		tables[i].statement = of[i].statement;
		ok = tables[i].rows == 0 ||
		     send_table(view, &tables[i], of[i].columns, trouble);
	}
	return ok;
}

/* Each table must have changed as many rows as it was given: nobody was faster. */
static bool
take_tables(struct link *link, const struct table *tables, struct trouble *trouble)
{
	bool ok = true;

	for (int i = 0; ok && i < ROW_KINDS; i++) {
		if (tables[i].rows == 0)
			continue;
		PGresult *result = link_result(link, trouble);
		ok = result != NULL;
		if (ok &&
		    strtoul(libpq.PQcmdTuples(result), NULL, 10) < tables[i].rows) {
			trouble->kind = TROUBLE_CONFLICT;
			error_set(&trouble->error,
			    "another program changed the same rows first");
			ok = false;
		}
		libpq.PQclear(result);
	}
	return ok;
}

/* Results of what was sent before the tables: BEGIN, and events. */
static bool
take_events(struct link *link, unsigned count, struct trouble *trouble)
{
	bool ok = true;

	for (unsigned i = 0; ok && i < count; i++) {
		PGresult *result = link_result(link, trouble);
		ok = result != NULL;
		libpq.PQclear(result);
	}
	return ok;
}

static bool
take_rows(struct link *link, const struct table *tables, unsigned events,
    struct trouble *trouble)
{
	struct trouble rest = {0};
	bool ok = take_events(link, events, trouble) &&
	          take_tables(link, tables, trouble);

	if (link_finish(link, &rest))
		return ok;
	if (ok)
		*trouble = rest;
	return false;
}

static bool
write_rows(struct view *view, struct trouble *trouble)
{
	struct table tables[ROW_KINDS] = {0};
	struct link *link = view->link;
	unsigned events = link->due - link->quiet, rows = 0;

	fill(view, tables);
	for (int i = 0; i < ROW_KINDS; i++)
		rows += tables[i].rows;
	bool ok = rows == 0 || (send_tables(view, tables, trouble) &&
	                           link_flush(link, trouble) &&
	                           take_rows(link, tables, events, trouble));
	for (int i = 0; i < ROW_KINDS; i++) {
		for (int column = 0; column < COLUMNS_MAX; column++)
			array_clear(&tables[i].columns[column]);
	}
	return ok;
}

/* The server answers COMMIT, or ROLLBACK if the transaction had failed. */
static bool
take_commit(struct link *link, struct trouble *trouble)
{
	bool ok = false;

	while (link->conn != NULL && link->due > 0) {
		PGresult *result = link_result(link, trouble);
		if (link->due == 0)
			ok = result != NULL &&
			     strcmp(libpq.PQcmdStatus(result), "COMMIT") == 0;
		libpq.PQclear(result);
	}
	return link_finish(link, trouble) && ok;
}

enum commit_end
pgsql_flush(struct view *view, struct trouble *trouble)
{
	struct link *link = view->link;

	if (!write_rows(view, trouble) ||
	    !link_send(link, SQL_COMMIT, 0, NULL, trouble))
		return NOT_COMMITTED;
	if (link_flush(link, trouble) && take_commit(link, trouble))
		return COMMITTED;
	/* Without an answer nobody knows whether it was committed. */
	return link->conn == NULL ? COMMIT_UNCERTAIN : NOT_COMMITTED;
}
