/* SPDX-License-Identifier: BSD-2-Clause */
/* struct event and its row in the table; private to this folder. */
#ifndef STORE_EVENT_ROW_H
#define STORE_EVENT_ROW_H

#include <sqlite3.h>
#include <stddef.h>

#include "record/event.h"

/* "INSERT INTO event (...) VALUES (...)"; parameters as event_bind() gives them. */
void event_sql_insert(char *sql, size_t size);
/*
 * "SELECT event_id, ... FROM event", for event_read() with the same words: bits
 * 1 << SK_ of the session keys that are wanted; 0 = all
 */
void event_sql_select(char *sql, size_t size, uint64_t words);
#define EVENT_SQL_SIZE 2048

/* id, if not NULL, is the event_id to use; texts must live until the step. */
int event_bind(sqlite3_stmt *statement, int64_t logged, const struct event *event);

/*
 * The row that the statement stands on. Texts are SQLite's and live until the
 * next step; event_r->words is set to words.
 */
void event_read(sqlite3_stmt *statement, struct event *event_r,
    struct session_words *words, uint64_t wanted);

#endif
