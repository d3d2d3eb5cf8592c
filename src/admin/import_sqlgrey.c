/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An SQL dump of sqlgrey's tables: INSERT INTO NAME [(columns)] VALUES (...),
 * (...); of sqlite3 .dump, mysqldump or pg_dump --inserts. Times are seconds
 * since 1970 (SQLite), or local time, with a fraction from PostgreSQL;
 * mysqldump says SET TIME_ZONE='+00:00' where they are UTC.
 *
 * connect     sender_name, sender_domain, src, rcpt, first_seen
 * from_awl    sender_name, sender_domain, src, first_seen, last_seen
 * domain_awl  sender_domain, src, first_seen, last_seen
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/import.h"
#include "base/text.h"
#include "maillog/stamp.h"

#define FIELDS 8

/* Takes one value; text is rewritten in place. NULL: not a value. */
static char *
take_value(char *at, const char **value_r)
{
	at += strspn(at, " ");
	if (*at != '\'') {
		size_t length = strcspn(at, ",)");
		if (at[length] == '\0')
			return NULL;
		*value_r = at;
		return at + length;
	}
	char *to = ++at;
	*value_r = to;
	for (;; at++) {
		if (*at == '\0')
			return NULL;
		if (*at == '\'' && at[1] != '\'')
			break;
		if ((*at == '\'' || *at == '\\') && at[1] != '\0')
			at++;
		*to++ = *at;
	}
	at++;
	at += strspn(at, " ");
	/*
	 * the text became shorter or ends at its quote: there is room for the NUL
	 */
	*to = '\0';
	return *at == ',' || *at == ')' ? at : NULL;
}

/* "(a, b, c)"; returns what follows, or NULL */
static char *
take_row(char *at, const char *field[static FIELDS], unsigned *count_r)
{
	*count_r = 0;
	if (*at != '(')
		return NULL;
	while (*count_r < FIELDS) {
		char *end = take_value(at + 1, &field[*count_r]);
		if (end == NULL)
			return NULL;
		++*count_r;
		char what = *end;
		*end = '\0';
		if (what == ')')
			return end + 1;
		at = end;
	}
	return NULL;
}

static bool
time_of(const struct import *import, const char *text, int64_t *time_r)
{
	return text_integer(text, 1, CLOCK_LAST, time_r) ||
	       stamp_whole(text, import->is_utc, time_r);
}

static bool
take_connect(struct import *import, const char *const *field)
{
	char sender[1024];
	int64_t first;
	struct ip ip;
	char src[64];

	if (!time_of(import, field[4], &first)) {
		import_wrong(import, "the time cannot be read");
		return true;
	}
	/* "192.0.2": a triplet is kept by network anyway */
	snprintf(src, sizeof src, "%s", field[2]);
	if (!ip_from_text(src, &ip)) {
		snprintf(src, sizeof src, "%.58s.0", field[2]);
		if (!ip_from_text(src, &ip)) {
			import_wrong(import, "src is not an address");
			return true;
		}
	}
	bool is_null = strcmp(field[0], "-undef-") == 0;
	snprintf(sender, sizeof sender, "%s%s%s", is_null ? "" : field[0],
	    is_null ? "" : "@", is_null ? "" : field[1]);
	return import_triplet(import, &ip, sender, field[3], first, first, false);
}

static bool
take_awl(struct import *import, const char *src, const char *last_seen,
    uint32_t successes)
{
	int64_t last;
	struct ip ip;

	if (!time_of(import, last_seen, &last)) {
		import_wrong(import, "the time cannot be read");
		return true;
	}
	if (!ip_from_text(src, &ip)) {
		import->networks++;
		return true;
	}
	return import_address(import, &ip, successes, last);
}

static bool
take_fields(struct import *import, const char *table, const char *const *field,
    unsigned count)
{
	if (strcmp(table, "connect") == 0 && count == 5)
		return take_connect(import, field);
	if (strcmp(table, "from_awl") == 0 && count == 5)
		return take_awl(import, field[2], field[4], 1);
	if (strcmp(table, "domain_awl") == 0 && count == 4)
		return take_awl(
		    import, field[1], field[3], import->policy->known_successes);
	import_wrong(import, "a row does not have as many columns as sqlgrey's");
	return true;
}

/* The table's name as a string literal; NULL: another table. */
static const char *
our_table(const char *name)
{
	static const char *const tables[] = {"connect", "from_awl", "domain_awl"};

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		if (strcmp(name, tables[i]) == 0)
			return tables[i];
	}
	return NULL;
}

/* Reads a name, perhaps quoted or in schema "public", and terminates it. */
static char *
table_name(char *at)
{
	at += strspn(at, "\"`");
	if (strncmp(at, "public.", 7) == 0)
		at += 7;
	at[strcspn(at, "\"` (")] = '\0';
	return at;
}

/* Lines other than INSERT that say how to read the rest. */
static bool
read_statement(struct import *import, char *line)
{
	if (strstr(line, "SET TIME_ZONE='+00:00'") != NULL)
		import->is_utc = true;
	if (strncmp(line, "COPY ", 5) == 0 &&
	    our_table(table_name(line + 5)) != NULL) {
		error_set(import->error,
		    "%s: a dump with COPY cannot be read; use: pg_dump --inserts "
		    "DATABASE | targreyctl import sqlgrey -",
		    import->path);
		return false;
	}
	return true;
}

/* "(a, b), (c, d);": up to the semicolon, perhaps some lines later. */
static bool
take_rows(struct import *import, char *at)
{
	const char *field[FIELDS];
	unsigned count;

	for (;;) {
		at += strspn(at, " ,");
		if (*at == '\0')
			return true;
		if (*at == ';') {
			import->table = NULL;
			return true;
		}
		at = take_row(at, field, &count);
		if (at == NULL) {
			import_wrong(import, "a row cannot be read");
			return true;
		}
		if (!take_fields(import, import->table, field, count))
			return false;
	}
}

bool
import_sqlgrey_line(struct import *import, char *line)
{
	static const char insert[] = "INSERT INTO ";

	if (import->line == 1 && strncmp(line, "SQLite format 3", 15) == 0) {
		error_set(import->error,
		    "%s: this is the database itself; use: sqlite3 FILE .dump | "
		    "targreyctl "
		    "import sqlgrey -",
		    import->path);
		return false;
	}
	if (import->table != NULL && *line == '(')
		return take_rows(import, line);
	import->table = NULL;
	if (strncasecmp(line, insert, sizeof insert - 1) != 0)
		return read_statement(import, line);
	char *table = line + sizeof insert - 1;
	char *values = strcasestr(table, " VALUES");
	if (values == NULL) {
		import_wrong(import, "INSERT without VALUES");
		return true;
	}
	import->table = our_table(table_name(table));
	return import->table == NULL || take_rows(import, values + 7);
}
