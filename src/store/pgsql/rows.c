/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/pgsql/pgsql_private.h"

/* --------------------------------------------------------- what has been read */

static struct row **
place_of(struct view *view, enum row_kind kind, int64_t key, int64_t day,
    const char *name)
{
	uint64_t hash = (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15) + kind;

	for (const char *c = name; c != NULL && *c != '\0'; c++)
		hash = hash * 31 + (unsigned char)*c;
	struct row **place = &view->chains[(hash ^ hash >> 32) % CHAINS];
	while (*place != NULL &&
	       ((*place)->kind != kind || (*place)->key != key ||
	           (kind == ROW_NETWORK && (*place)->day != day) ||
	           (name != NULL && strcmp((*place)->name, name) != 0)))
		place = &(*place)->next;
	return place;
}

struct row *
pgsql_row(struct view *view, enum row_kind kind, int64_t key, int64_t day,
    const char *name, struct trouble *trouble)
{
	struct row **place = place_of(view, kind, key, day, name);

	if (*place != NULL)
		return *place;
	struct row *row = calloc(1, sizeof *row);
	char *copy = text_dup(name);
	if (row == NULL || (name != NULL && copy == NULL)) {
		trouble->kind = TROUBLE_NOTE;
		error_set(&trouble->error, "out of memory");
		free(row);
		free(copy);
		return NULL;
	}
	row->kind = kind;
	row->key = key;
	row->day = day;
	row->name = copy;
	*place = row;
	return row;
}

void
pgsql_clear(struct view *view)
{
	for (int i = 0; i < CHAINS; i++) {
		while (view->chains[i] != NULL) {
			struct row *row = view->chains[i];
			view->chains[i] = row->next;
			free(row->name);
			free(row->client);
			free(row->sender);
			free(row->recipient);
			free(row);
		}
	}
}

/* -------------------------------------------------------------------- reading */

static bool
take_row(struct view *view, enum row_kind kind, const PGresult *result, int at,
    struct trouble *trouble)
{
	bool has_name = kind == ROW_DOMAIN || kind == ROW_ORIGIN;
	const char *name = has_name ? libpq.PQgetvalue(result, at, 0) : NULL;
	int64_t key = has_name ? 0 : pgsql_number(result, at, 0);
	int64_t day = kind == ROW_NETWORK ? pgsql_number(result, at, 1) : 0;
	struct row *row = pgsql_row(view, kind, key, day, name, trouble);

	if (row == NULL)
		return false;
	row->version = kind == ROW_NETWORK ? 1 : pgsql_number(result, at, 1);
	switch (kind) {
	case ROW_ADDRESS:
		pgsql_read_address(result, at, &row->address);
		break;
	case ROW_DOMAIN:
		pgsql_read_domain(result, at, &row->domain, &row->day);
		break;
	case ROW_ORIGIN:
		pgsql_read_origin(result, at, &row->origin);
		break;
	case ROW_TRIPLET:
		pgsql_read_triplet(result, at, &row->triplet);
		break;
	case ROW_NETWORK:
	case ROW_KINDS:
		break;
	}
	return true;
}

static bool
take_rows(struct view *view, enum row_kind kind, struct trouble *trouble)
{
	PGresult *result = link_result(view->link, trouble);
	bool ok = result != NULL;

	for (int i = 0; ok && i < libpq.PQntuples(result); i++)
		ok = take_row(view, kind, result, i, trouble);
	libpq.PQclear(result);
	return ok;
}

/* Marks what was asked for but not returned as not existing. */
static bool
mark_missing(
    struct view *view, const struct wanted *wanted, struct trouble *trouble)
{
	bool ok = true;

	for (size_t i = 0; ok && i < wanted->addresses_count; i++)
		ok = pgsql_row(view, ROW_ADDRESS, wanted->addresses[i], 0, NULL,
		         trouble) != NULL;
	for (size_t i = 0; ok && i < wanted->domains_count; i++)
		ok = pgsql_row(view, ROW_DOMAIN, 0, 0, wanted->domains[i],
		         trouble) != NULL;
	for (size_t i = 0; ok && i < wanted->origins_count; i++)
		ok = pgsql_row(view, ROW_ORIGIN, 0, 0, wanted->origins[i],
		         trouble) != NULL;
	for (size_t i = 0; ok && i < wanted->triplets_count; i++)
		ok = pgsql_row(view, ROW_TRIPLET, wanted->triplets[i], 0, NULL,
		         trouble) != NULL;
	for (size_t i = 0; ok && i < wanted->networks_count; i++)
		ok = pgsql_row(view, ROW_NETWORK, wanted->networks[i], wanted->day,
		         NULL, trouble) != NULL;
	return ok;
}

static void
add_numbers(struct array *array, const int64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		array_add_number(array, numbers[i]);
}

struct question {
	enum statement statement;
	enum row_kind kind;
	size_t count;
	struct array array;
};

static bool
ask(struct view *view, struct question *questions, size_t count, int64_t day,
    struct trouble *trouble)
{
	char day_text[24];
	bool ok = true;

	snprintf(day_text, sizeof day_text, "%lld", (long long)day);
	for (size_t i = 0; ok && i < count; i++) {
		const char *const values[] = {
		    day_text, array_text(&questions[i].array)};
		bool has_day = questions[i].kind == ROW_NETWORK;
		ok = questions[i].count == 0 ||
		     link_send(view->link, questions[i].statement, has_day ? 2 : 1,
		         has_day ? values : values + 1, trouble);
	}
	ok = ok && link_flush(view->link, trouble);
	if (!ok)
		return false;
	for (size_t i = 0; ok && i < count; i++)
		ok = questions[i].count == 0 ||
		     take_rows(view, questions[i].kind, trouble);
	return link_finish(view->link, trouble) && ok;
}

bool
pgsql_expect(
    struct view *view, const struct wanted *wanted, struct trouble *trouble)
{
	bool locks = view->locks;
	/* In the order in which the tables are written: see statements.c. */
	struct question questions[] = {
	    {locks ? SQL_LOCK_ADDRESSES : SQL_FIND_ADDRESSES, ROW_ADDRESS,
	        wanted->addresses_count, {0}},
	    {locks ? SQL_LOCK_DOMAINS : SQL_FIND_DOMAINS, ROW_DOMAIN,
	        wanted->domains_count, {0}},
	    {locks ? SQL_LOCK_ORIGINS : SQL_FIND_ORIGINS, ROW_ORIGIN,
	        wanted->origins_count, {0}},
	    {locks ? SQL_LOCK_TRIPLETS : SQL_FIND_TRIPLETS, ROW_TRIPLET,
	        wanted->triplets_count, {0}},
	    {SQL_FIND_PAIRS, ROW_TRIPLET, wanted->pairs_count, {0}},
	    {SQL_FIND_NETWORKS, ROW_NETWORK, wanted->networks_count, {0}},
	};
	size_t count = sizeof questions / sizeof *questions;
	bool ok = true;

	add_numbers(
	    &questions[0].array, wanted->addresses, wanted->addresses_count);
	for (size_t i = 0; i < wanted->domains_count; i++)
		array_add_text(&questions[1].array, wanted->domains[i]);
	for (size_t i = 0; i < wanted->origins_count; i++)
		array_add_text(&questions[2].array, wanted->origins[i]);
	add_numbers(&questions[3].array, wanted->triplets, wanted->triplets_count);
	add_numbers(&questions[4].array, wanted->pairs, wanted->pairs_count);
	add_numbers(&questions[5].array, wanted->networks, wanted->networks_count);
	for (size_t i = 0; i < count; i++)
		ok = ok && !questions[i].array.has_failed;
	if (!ok) {
		trouble->kind = TROUBLE_NOTE;
		error_set(&trouble->error, "out of memory");
	}
	ok = ok && ask(view, questions, count, wanted->day, trouble) &&
	     mark_missing(view, wanted, trouble);
	for (size_t i = 0; i < count; i++)
		array_clear(&questions[i].array);
	return ok;
}

/* The row; read now if it was not expected. */
static struct row *
find(struct view *view, enum row_kind kind, int64_t key, int64_t day,
    const char *name, struct trouble *trouble)
{
	struct row *row = *place_of(view, kind, key, day, name);
	struct wanted wanted = {.day = day};

	if (row != NULL)
		return row;
	if (view->link == NULL)
		return pgsql_row(view, kind, key, day, name, trouble);
	switch (kind) {
	case ROW_ADDRESS:
		wanted.addresses = &key;
		wanted.addresses_count = 1;
		break;
	case ROW_DOMAIN:
		wanted.domains = &name;
		wanted.domains_count = 1;
		break;
	case ROW_ORIGIN:
		wanted.origins = &name;
		wanted.origins_count = 1;
		break;
	case ROW_TRIPLET:
		wanted.triplets = &key;
		wanted.triplets_count = 1;
		break;
	case ROW_NETWORK:
	case ROW_KINDS:
		wanted.networks = &key;
		wanted.networks_count = 1;
		break;
	}
	return pgsql_expect(view, &wanted, trouble)
	           ? pgsql_row(view, kind, key, day, name, trouble)
	           : NULL;
}

bool
pgsql_find_address(struct view *view, int64_t key, struct address_record *record_r,
    struct trouble *trouble)
{
	struct row *row = find(view, ROW_ADDRESS, key, 0, NULL, trouble);

	*record_r = (struct address_record){0};
	if (row != NULL)
		*record_r = row->address;
	return row != NULL;
}

bool
pgsql_find_domain(struct view *view, const char *name, int64_t day,
    struct domain_record *record_r, struct trouble *trouble)
{
	struct row *row = find(view, ROW_DOMAIN, 0, 0, name, trouble);

	*record_r = (struct domain_record){0};
	if (row != NULL)
		*record_r = row->domain;
	if (row != NULL && row->day != day)
		record_r->networks = 0;
	return row != NULL;
}

bool
pgsql_find_origin(struct view *view, const char *name,
    struct origin_record *record_r, struct trouble *trouble)
{
	struct row *row = find(view, ROW_ORIGIN, 0, 0, name, trouble);

	*record_r = (struct origin_record){0};
	if (row != NULL)
		*record_r = row->origin;
	return row != NULL;
}

bool
pgsql_find_triplet(struct view *view, int64_t hash, int64_t since, int64_t until,
    struct grey_row *row_r, struct trouble *trouble)
{
	struct row *row = find(view, ROW_TRIPLET, hash, 0, NULL, trouble);

	*row_r = (struct grey_row){0};
	if (row != NULL)
		*row_r = row->triplet;
	int64_t waits_since = backend_waits_since(row_r);
	if (row_r->passed == 0 && (waits_since < since || waits_since > until))
		*row_r = (struct grey_row){0};
	return row != NULL;
}

/* -------------------------------------------------------------------- keeping */

bool
pgsql_keep_address(struct view *view, int64_t key,
    const struct address_record *record, struct trouble *trouble)
{
	struct row *row = find(view, ROW_ADDRESS, key, 0, NULL, trouble);

	if (row == NULL)
		return false;
	row->address = *record;
	row->is_changed = true;
	return true;
}

bool
pgsql_keep_domain(struct view *view, const char *name, int64_t day,
    const struct domain_record *record, struct trouble *trouble)
{
	struct row *row = find(view, ROW_DOMAIN, 0, 0, name, trouble);

	if (row == NULL)
		return false;
	row->domain = *record;
	row->day = day;
	row->is_changed = true;
	return true;
}

bool
pgsql_keep_origin(struct view *view, const char *name,
    const struct origin_record *record, struct trouble *trouble)
{
	struct row *row = find(view, ROW_ORIGIN, 0, 0, name, trouble);

	if (row == NULL)
		return false;
	row->origin = *record;
	row->is_changed = true;
	return true;
}

bool
pgsql_keep_triplet(struct view *view, int64_t hash, const struct grey_row *was,
    const struct grey_row *grey, const struct triplet_text *text,
    struct trouble *trouble)
{
	struct row *row = find(view, ROW_TRIPLET, hash, 0, NULL, trouble);

	(void)was;
	if (row == NULL)
		return false;
	row->triplet = *grey;
	row->pair = text->pair;
	row->is_changed = true;
	if (row->client != NULL)
		return true;
	row->client = text_dup(text->client);
	row->sender = text_dup(text->sender);
	row->recipient = text_dup(text->recipient);
	if (row->client != NULL && row->sender != NULL && row->recipient != NULL)
		return true;
	trouble->kind = TROUBLE_NOTE;
	error_set(&trouble->error, "out of memory");
	return false;
}

bool
pgsql_count_network(struct view *view, int64_t day, int64_t hash, bool *is_new_r,
    struct trouble *trouble)
{
	struct row *row = find(view, ROW_NETWORK, hash, day, NULL, trouble);

	if (row == NULL)
		return false;
	*is_new_r = row->version == 0 && !row->is_changed;
	row->is_changed = row->version == 0;
	return true;
}
