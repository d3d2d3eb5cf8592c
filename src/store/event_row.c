/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/event_row.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* The columns of struct event itself; those of the words come after them. */
enum column {
	COLUMN_LOGGED,
	COLUMN_TIME,
	COLUMN_QUEUE_ID,
	COLUMN_MESSAGE_ID,
	COLUMN_IP,
	COLUMN_NAME,
	COLUMN_PTR,
	COLUMN_HELONAME,
	COLUMN_SENDER,
	COLUMN_RECIPIENTS,
	COLUMN_ACCEPTED,
	COLUMN_REFUSED,
	COLUMN_EXEMPT,
	COLUMN_WHY_DETAIL,
	COLUMN_HOLD_ASKED,
	COLUMN_HOLD_MS,
	COLUMN_HOLD_END,
	COLUMN_DNS_MS,
	COLUMN_SPF_DOMAIN,
	COLUMN_REPLY,
	COLUMN_DELIVERED,
	COLUMN_SCORE,
	COLUMN_FEEDBACK,
	COLUMNS
};

static const char *const column_names[COLUMNS] = {
    [COLUMN_LOGGED] = "logged",
    [COLUMN_TIME] = "time",
    [COLUMN_QUEUE_ID] = "queue_id",
    [COLUMN_MESSAGE_ID] = "message_id",
    [COLUMN_IP] = "ip",
    [COLUMN_NAME] = "name",
    [COLUMN_PTR] = "ptr",
    [COLUMN_HELONAME] = "heloname",
    [COLUMN_SENDER] = "sender",
    [COLUMN_RECIPIENTS] = "recipients",
    [COLUMN_ACCEPTED] = "recipients_accepted",
    [COLUMN_REFUSED] = "recipients_refused",
    [COLUMN_EXEMPT] = "exempt",
    [COLUMN_WHY_DETAIL] = "why_detail",
    [COLUMN_HOLD_ASKED] = "hold_asked_ms",
    [COLUMN_HOLD_MS] = "hold_ms",
    [COLUMN_HOLD_END] = "hold_end",
    [COLUMN_DNS_MS] = "dns_ms",
    [COLUMN_SPF_DOMAIN] = "spf_domain",
    [COLUMN_REPLY] = "reply",
    [COLUMN_DELIVERED] = "delivered",
    [COLUMN_SCORE] = "score",
    [COLUMN_FEEDBACK] = "feedback",
};

/* The version of the header is not kept: a change of it is a step of the schema. */
#define FIRST_WORD (SK_V + 1)

static bool
is_wanted(uint64_t wanted, int key)
{
	return wanted == 0 || (wanted >> key & 1) != 0;
}

static size_t
add_columns(char *sql, size_t size, size_t used, uint64_t wanted)
{
	for (int i = 0; i < COLUMNS; i++)
		used += (size_t)snprintf(sql + used, size - used, "%s%s",
		    i > 0 ? "," : "", column_names[i]);
	for (int i = FIRST_WORD; i < SESSION_KEYS; i++)
		used += (size_t)snprintf(sql + used, size - used, ",%s%s%s",
		    is_wanted(wanted, i) ? "\"" : "",
		    is_wanted(wanted, i) ? session_keys[i].name : "NULL",
		    is_wanted(wanted, i) ? "\"" : "");
	return used;
}

void
event_sql_insert(char *sql, size_t size)
{
	size_t used = (size_t)snprintf(sql, size, "INSERT INTO event (");

	used = add_columns(sql, size, used, 0);
	used += (size_t)snprintf(sql + used, size - used, ") VALUES (?");
	for (int i = 1; i < COLUMNS + SESSION_KEYS - FIRST_WORD; i++)
		used += (size_t)snprintf(sql + used, size - used, ",?");
	snprintf(sql + used, size - used, ")");
}

void
event_sql_select(char *sql, size_t size, uint64_t words)
{
	size_t used = (size_t)snprintf(sql, size, "SELECT event_id,");

	used = add_columns(sql, size, used, words);
	snprintf(sql + used, size - used, " FROM event");
}

/* A statement and the first failure of its binds. */
struct binder {
	sqlite3_stmt *statement;
	int result;
};

static void
bind_text(struct binder *binder, int column, const char *text)
{
	if (text == NULL || binder->result != SQLITE_OK)
		return;
	binder->result = sqlite3_bind_text(
	    binder->statement, column + 1, text, -1, SQLITE_STATIC);
}

static void
bind_number(struct binder *binder, int column, int64_t number)
{
	if (binder->result == SQLITE_OK)
		binder->result =
		    sqlite3_bind_int64(binder->statement, column + 1, number);
}

static void
bind_words(struct binder *binder, const struct event *event)
{
	const char *packed = event->packed_words;
	int64_t number;

	for (int key = 0; key < SESSION_KEYS; key++) {
		const char *value =
		    packed != NULL ? packed : event->words->value[key];
		if (packed != NULL)
			packed += strlen(packed) + 1;
		if (key < FIRST_WORD)
			continue;
		int column = COLUMNS + key - FIRST_WORD;
		if (value[0] == '\0')
			continue;
		if (session_keys[key].is_number &&
		    text_integer(value, INT64_MIN / 2, INT64_MAX / 2, &number))
			bind_number(binder, column, number);
		else
			bind_text(binder, column, value);
	}
}

static void
bind_client(struct binder *binder, const struct event *event)
{
	char ip[IP_TEXT_SIZE];

	ip_to_text(&event->ip, ip);
	if (binder->result == SQLITE_OK)
		binder->result = sqlite3_bind_text(
		    binder->statement, COLUMN_IP + 1, ip, -1, SQLITE_TRANSIENT);
	bind_text(binder, COLUMN_NAME, event->name);
	bind_text(binder, COLUMN_PTR, event->ptr);
	bind_text(binder, COLUMN_HELONAME, event->heloname);
}

int
event_bind(sqlite3_stmt *statement, int64_t logged, const struct event *event)
{
	struct binder binder = {statement, sqlite3_clear_bindings(statement)};

	bind_number(&binder, COLUMN_LOGGED, logged);
	bind_number(&binder, COLUMN_TIME, event->time);
	bind_text(&binder, COLUMN_QUEUE_ID, event->queue_id);
	bind_text(&binder, COLUMN_MESSAGE_ID, event->message_id);
	bind_client(&binder, event);
	bind_text(&binder, COLUMN_SENDER, event->sender);
	bind_text(&binder, COLUMN_RECIPIENTS, event->recipients);
	bind_number(&binder, COLUMN_ACCEPTED, event->rcpt_accepted);
	bind_number(&binder, COLUMN_REFUSED, event->rcpt_refused);
	bind_text(&binder, COLUMN_EXEMPT, event->exempt);
	bind_text(&binder, COLUMN_WHY_DETAIL, event->why_detail);
	bind_number(&binder, COLUMN_HOLD_ASKED, event->hold_asked_ms);
	bind_number(&binder, COLUMN_HOLD_MS, event->hold_ms);
	bind_text(&binder, COLUMN_HOLD_END, hold_end_words[event->hold_end]);
	bind_number(&binder, COLUMN_DNS_MS, event->dns_ms);
	bind_text(&binder, COLUMN_SPF_DOMAIN, event->spf_domain);
	bind_text(&binder, COLUMN_REPLY, event->reply);
	bind_number(&binder, COLUMN_DELIVERED, event->delivered);
	if (binder.result == SQLITE_OK && !isnan(event->score))
		binder.result =
		    sqlite3_bind_double(statement, COLUMN_SCORE + 1, event->score);
	bind_text(&binder, COLUMN_FEEDBACK, event->feedback);
	if (event->words != NULL || event->packed_words != NULL)
		bind_words(&binder, event);
	return binder.result;
}

static const char *
read_text(sqlite3_stmt *statement, int column)
{
	return (const char *)sqlite3_column_text(statement, column + 1);
}

static int64_t
read_number(sqlite3_stmt *statement, int column)
{
	return sqlite3_column_int64(statement, column + 1);
}

static void
read_words(sqlite3_stmt *statement, struct session_words *words, uint64_t wanted)
{
	text_copy(words->value[SK_V], sizeof words->value[SK_V], "1");
	for (int key = FIRST_WORD; key < SESSION_KEYS; key++) {
		words->value[key][0] = '\0';
		if (!is_wanted(wanted, key))
			continue;
		const char *value =
		    read_text(statement, COLUMNS + key - FIRST_WORD);
		if (value != NULL)
			text_copy(
			    words->value[key], sizeof words->value[key], value);
	}
}

static enum hold_end
read_hold_end(sqlite3_stmt *statement)
{
	const char *word = read_text(statement, COLUMN_HOLD_END);

	for (int i = 0; word != NULL && i < HOLD_ENDS; i++) {
		if (strcmp(word, hold_end_words[i]) == 0)
			return (enum hold_end)i;
	}
	return HOLD_NONE;
}

static double
read_score(sqlite3_stmt *statement)
{
	if (sqlite3_column_type(statement, COLUMN_SCORE + 1) == SQLITE_NULL)
		return NAN;
	return sqlite3_column_double(statement, COLUMN_SCORE + 1);
}

void
event_read(sqlite3_stmt *statement, struct event *event_r,
    struct session_words *words, uint64_t wanted)
{
	const char *ip = read_text(statement, COLUMN_IP);

	*event_r = (struct event){
	    .id = sqlite3_column_int64(statement, 0),
	    .logged = read_number(statement, COLUMN_LOGGED),
	    .time = read_number(statement, COLUMN_TIME),
	    .queue_id = read_text(statement, COLUMN_QUEUE_ID),
	    .message_id = read_text(statement, COLUMN_MESSAGE_ID),
	    .name = read_text(statement, COLUMN_NAME),
	    .ptr = read_text(statement, COLUMN_PTR),
	    .heloname = read_text(statement, COLUMN_HELONAME),
	    .sender = read_text(statement, COLUMN_SENDER),
	    .recipients = read_text(statement, COLUMN_RECIPIENTS),
	    .rcpt_accepted = (uint32_t)read_number(statement, COLUMN_ACCEPTED),
	    .rcpt_refused = (uint32_t)read_number(statement, COLUMN_REFUSED),
	    .words = words,
	    .exempt = read_text(statement, COLUMN_EXEMPT),
	    .why_detail = read_text(statement, COLUMN_WHY_DETAIL),
	    .hold_asked_ms = read_number(statement, COLUMN_HOLD_ASKED),
	    .hold_ms = read_number(statement, COLUMN_HOLD_MS),
	    .hold_end = read_hold_end(statement),
	    .dns_ms = read_number(statement, COLUMN_DNS_MS),
	    .spf_domain = read_text(statement, COLUMN_SPF_DOMAIN),
	    .reply = read_text(statement, COLUMN_REPLY),
	    .delivered = read_number(statement, COLUMN_DELIVERED) != 0,
	    .score = read_score(statement),
	    .feedback = read_text(statement, COLUMN_FEEDBACK),
	};
	if (ip == NULL || !ip_from_text(ip, &event_r->ip))
		memset(&event_r->ip, 0, sizeof event_r->ip);
	read_words(statement, words, wanted);
}
