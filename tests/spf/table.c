/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dns/name.h"

#define MAX_CHAIN 8

struct row {
	struct row *next;
	char *name; /* lower case */
	unsigned type;
	struct dns_answer answer;
};

struct table {
	struct row *rows;
	unsigned asked;
};

static void *
need(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

struct table *
table_new(void)
{
	return need(calloc(1, sizeof(struct table)));
}

void
table_clear(struct table *table)
{
	while (table->rows != NULL) {
		struct row *row = table->rows;
		table->rows = row->next;
		for (size_t i = 0; i < row->answer.count; i++)
			free((char *)row->answer.records[i].text);
		free(row->answer.records);
		free(row->name);
		free(row);
	}
	table->asked = 0;
}

void
table_free(struct table **table)
{
	if (*table == NULL)
		return;
	table_clear(*table);
	free(*table);
	*table = NULL;
}

static struct row *
find(const struct table *table, const char *name, unsigned type)
{
	struct row *row = table->rows;

	while (row != NULL && (row->type != type || strcmp(row->name, name) != 0))
		row = row->next;
	return row;
}

void
table_set(
    struct table *table, const char *name, unsigned type, enum dns_status status)
{
	struct row *row = need(calloc(1, sizeof *row));

	row->name = need(text_dup(name));
	text_lower(row->name);
	row->type = type;
	row->answer.status = status;
	row->next = table->rows;
	table->rows = row;
}

void
table_add(struct table *table, const char *name, unsigned type, const char *text,
    size_t length)
{
	char *lower = need(text_dup(name));

	text_lower(lower);
	if (find(table, lower, type) == NULL)
		table_set(table, lower, type, DNS_OK);
	struct dns_answer *answer = &find(table, lower, type)->answer;
	free(lower);
	answer->records = need(realloc(
	    answer->records, (answer->count + 1) * sizeof *answer->records));
	struct dns_record *record = &answer->records[answer->count++];
	*record = (struct dns_record){.length = 0};
	char *copy = need(calloc(1, length + 1));
	memcpy(copy, text, length);
	record->text = copy;
	record->length = length;
	if (type == DNS_A || type == DNS_AAAA)
		ip_from_text(copy, &record->ip);
}

static bool
is_known(const struct table *table, const char *name)
{
	const struct row *row = table->rows;

	while (row != NULL && !dns_name_is_below(row->name, name))
		row = row->next;
	return row != NULL;
}

static const struct dns_answer *
ask(void *ctx, const char *asked, enum dns_type type)
{
	static const struct dns_answer nodata = {.status = DNS_NODATA};
	static const struct dns_answer nxdomain = {.status = DNS_NXDOMAIN};
	static const struct dns_answer servfail = {.status = DNS_SERVFAIL};
	struct table *table = ctx;
	char name[DNS_NAME_SIZE];

	table->asked++;
	strcpy(name, asked);
	for (unsigned step = 0; step < MAX_CHAIN; step++) {
		const struct row *row = find(table, name, type);
		if (row != NULL)
			return &row->answer;
		const struct row *alias = find(table, name, DNS_CNAME);
		if (alias != NULL) {
			dns_name_clean(name, alias->answer.records[0].text);
			continue;
		}
		row = find(table, name, 0);
		if (row != NULL)
			return &row->answer;
		return is_known(table, name) ? &nodata : &nxdomain;
	}
	return &servfail;
}

struct spf_asker
table_asker(struct table *table)
{
	return (struct spf_asker){ask, NULL, table};
}

unsigned
table_asked(const struct table *table)
{
	return table->asked;
}
