/* SPDX-License-Identifier: BSD-2-Clause */
/* What a transaction has changed, one statement for each table. */
#include <stdlib.h>

#include "store/pgsql/pgsql_private.h"

#define COLUMNS_MAX 16

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
	    record->last_unproven, record->last_gaveup, record->allowed_until,
	    record->sessions, record->successes, record->counted, record->gaveup,
	    record->gaveup_secs, record->ham, record->spam};

	add(table, numbers, 16, 0);
}

static void
add_domain(struct table *table, const struct row *row)
{
	const struct domain_record *record = &row->domain;
	const int64_t numbers[] = {row->version + 1, record->first_seen,
	    record->last_seen, record->last_success, record->last_counted,
	    record->allowed_until, record->successes, record->counted, row->day,
	    record->networks};

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
	    grey->mxs, row->pair, backend_day(kept_by)};

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

/* Fewer rows than were sent: somebody has changed one since it was read. */
static bool
take_table(struct view *view, const struct table *table, struct trouble *trouble)
{
	PGresult *result = link_result(view->link, trouble);
	bool ok = result != NULL;

	if (ok && strtoul(PQcmdTuples(result), NULL, 10) != table->rows) {
		trouble->kind = TROUBLE_CONFLICT;
		error_set(&trouble->error, "another program was faster with a row");
		ok = false;
	}
	PQclear(result);
	return ok;
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
take_events(struct view *view, struct trouble *trouble)
{
	bool ok = true;

	for (; view->events > 0; view->events--) {
		PGresult *result = link_result(view->link, trouble);
		ok = ok && result != NULL;
		PQclear(result);
	}
	return ok;
}

bool
pgsql_flush(struct view *view, struct trouble *trouble)
{
	static const struct {
		enum statement statement;
		unsigned columns;
	} of[ROW_KINDS] = {
	    [ROW_ADDRESS] = {SQL_KEEP_ADDRESSES, 16},
	    [ROW_DOMAIN] = {SQL_KEEP_DOMAINS, 11},
	    [ROW_TRIPLET] = {SQL_KEEP_TRIPLETS, 14},
	    [ROW_NETWORK] = {SQL_KEEP_NETWORKS, 2},
	};
	struct table tables[ROW_KINDS] = {0};
	bool ok = true, is_sent = view->events > 0;

	fill(view, tables);
	for (int i = 0; ok && i < ROW_KINDS; i++) {
		tables[i].statement = of[i].statement;
		if (tables[i].rows == 0)
			continue;
		ok = send_table(view, &tables[i], of[i].columns, trouble);
		is_sent = true;
	}
	if (is_sent) {
		ok = link_flush(view->link, trouble) && ok;
		ok = take_events(view, trouble) && ok;
		for (int i = 0; ok && i < ROW_KINDS; i++)
			ok = tables[i].rows == 0 ||
			     take_table(view, &tables[i], trouble);
		ok = link_finish(view->link, trouble) && ok;
	}
	for (int i = 0; i < ROW_KINDS; i++) {
		for (int column = 0; column < COLUMNS_MAX; column++)
			array_free(&tables[i].columns[column]);
	}
	return ok;
}
