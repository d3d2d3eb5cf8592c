/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct event as a row of values, the same for every backend, and the SQL with its
 * columns, for the backends.
 */
#ifndef STORE_EVENT_ROW_H
#define STORE_EVENT_ROW_H

#include <stddef.h>

#include "record/event.h"
#include "store/backend.h"

/* The columns of struct event itself; the header's words come after them. */
#define EVENT_OWN_COLUMNS 24
/* The header's version is not stored: changing it needs a schema step. */
#define EVENT_FIRST_WORD (SK_V + 1)
#define EVENT_COLUMNS    (EVENT_OWN_COLUMNS + SESSION_KEYS - EVENT_FIRST_WORD)

enum event_value_kind { EVENT_NULL, EVENT_NUMBER, EVENT_REAL, EVENT_TEXT };

struct event_value {
	enum event_value_kind kind;
	int64_t number;
	double real;
	const char *text; /* borrowed */
};

struct event_row {
	struct event_value values[EVENT_COLUMNS];
	char ip[IP_TEXT_SIZE]; /* what some of the values point to */
};

const char *event_column_name(int column);
enum event_value_kind event_column_kind(int column);

/* Texts belong to the event. logged: the time that it is filed under */
void event_to_row(
    const struct event *event, int64_t logged, struct event_row *row_r);
/*
 * Texts belong to the values; numbers are accepted where text is expected.
 * event_r->words is set to words; wanted as in event_sql_select()
 */
void event_from_row(int64_t id, const struct event_value *values,
    struct event *event_r, struct session_words *words, uint64_t wanted);

/* "INSERT INTO event (...) VALUES ($1, ...)" */
void event_sql_insert(char *sql, size_t size);
/*
 * "SELECT event_id, ... FROM event"; wanted: bits 1 << SK_ of the session keys to
 * read, 0 = all; the others are NULL
 */
void event_sql_select(char *sql, size_t size, uint64_t wanted);
#define EVENT_SQL_SIZE 2560

/* The event's text for a key; NULL or "" if it has none. */
const char *event_key_text(
    const struct event *event, enum event_key key, char ip[static IP_TEXT_SIZE]);

#endif
