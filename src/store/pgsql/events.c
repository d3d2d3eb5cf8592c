/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/event_row.h"
#include "store/pgsql/pgsql_private.h"

/* ------------------------------------------------------------------- writing */

static char *
text_of(const struct event_value *value)
{
	char number[40];

	switch (value->kind) {
	case EVENT_NUMBER:
		snprintf(number, sizeof number, "%lld", (long long)value->number);
		return utf8_copy(number);
	case EVENT_REAL:
		snprintf(number, sizeof number, "%.17g", value->real);
		return utf8_copy(number);
	case EVENT_TEXT:
		return utf8_copy(value->text);
	case EVENT_NULL:
		break;
	}
	return NULL;
}

/* Sent at once; its result is taken with the rest at the end. */
bool
pgsql_add_event(struct view *view, int64_t logged, const struct event *event,
    struct trouble *trouble)
{
	struct event_row row;
	char *values[EVENT_COLUMNS];
	bool ok = true;

	event_to_row(event, logged, &row);
	for (int i = 0; i < EVENT_COLUMNS; i++) {
		values[i] = text_of(&row.values[i]);
		ok = ok && (values[i] != NULL || row.values[i].kind == EVENT_NULL);
	}
	if (!ok) {
		trouble->kind = TROUBLE_NOTE;
		error_set(&trouble->error, "out of memory");
	}
	ok = ok && link_send(view->link, SQL_ADD_EVENT, EVENT_COLUMNS,
	               (const char *const *)values, trouble);
	for (int i = 0; i < EVENT_COLUMNS; i++)
		free(values[i]);
	return ok;
}

bool
pgsql_rate_event(struct view *view, int64_t id, double score, const char *verdict,
    bool by_person, struct trouble *trouble)
{
	char id_text[24], score_text[40];
	const char *const values[] = {id_text, isnan(score) ? NULL : score_text,
	    verdict, by_person ? "1" : NULL};

	snprintf(id_text, sizeof id_text, "%lld", (long long)id);
	snprintf(score_text, sizeof score_text, "%.17g", score);
	return link_send(view->link, SQL_RATE_EVENT, 4, values, trouble) &&
	       link_flush(view->link, trouble) && link_finish(view->link, trouble);
}

bool
pgsql_refuse_event(
    struct view *view, int64_t id, const char *reply, struct trouble *trouble)
{
	char id_text[24];
	const char *const values[] = {id_text, reply};

	snprintf(id_text, sizeof id_text, "%lld", (long long)id);
	return link_send(view->link, SQL_REFUSE_EVENT, 2, values, trouble) &&
	       link_flush(view->link, trouble) && link_finish(view->link, trouble);
}

/* ------------------------------------------------------------------- reading */

struct reading {
	const struct event_search *search;
	bool (*each)(void *ctx, const struct event *event);
	void *ctx;
};

static struct event_value
value_of(const PGresult *result, int row, int column)
{
	const char *text = libpq.PQgetvalue(result, row, column + 1);

	if (libpq.PQgetisnull(result, row, column + 1))
		return (struct event_value){.kind = EVENT_NULL};
	switch (event_column_kind(column)) {
	case EVENT_NUMBER:
		return (struct event_value){
		    .kind = EVENT_NUMBER, .number = strtoll(text, NULL, 10)};
	case EVENT_REAL:
		return (struct event_value){
		    .kind = EVENT_REAL, .real = strtod(text, NULL)};
	case EVENT_TEXT:
	case EVENT_NULL:
		break;
	}
	return (struct event_value){.kind = EVENT_TEXT, .text = text};
}

static bool
give_event(void *arg, const PGresult *result, int row)
{
	struct reading *reading = arg;
	struct event_value values[EVENT_COLUMNS];
	struct session_words words;
	struct event event;

	for (int i = 0; i < EVENT_COLUMNS; i++)
		values[i] = value_of(result, row, i);
	event_from_row(pgsql_number(result, row, 0), values, &event, &words,
	    reading->search->words);
	return reading->each(reading->ctx, &event);
}

static const char *
where_of(const struct event_search *search)
{
	if (search->net != NULL)
		return " AND ip::inet <<= $5::inet";
	switch (search->key) {
	case EVENT_KEY_SID:
		return " AND sid = $5::text";
	case EVENT_KEY_QUEUE_ID:
		return " AND queue_id = $5::text";
	case EVENT_KEY_MESSAGE_ID:
		return " AND message_id = $5::text";
	case EVENT_KEY_ADDRESS:
	case EVENT_KEY_NONE:
	case EVENT_KEYS:
		break;
	}
	return "";
}

#define WHERE                                                                      \
	" WHERE event_id > $1::bigint AND ($2::bigint = 0 OR event_id = "          \
	"$2::bigint)"                                                              \
	" AND time >= $3::bigint AND time <= $4::bigint"

bool
pgsql_each_event(struct view *view, const struct event_search *search,
    bool (*each)(void *ctx, const struct event *event), void *ctx,
    struct trouble *trouble)
{
	struct reading reading = {search, each, ctx};
	char sql[EVENT_SQL_SIZE + 400], numbers[4][24], net[IPNET_TEXT_SIZE];
	bool has_text = search->net != NULL || search->key != EVENT_KEY_NONE;
	const int64_t of[] = {search->after_id, search->id, search->since,
	    search->until == 0 ? INT64_MAX : search->until};
	const char *values[5];

	for (int i = 0; i < 4; i++) {
		snprintf(numbers[i], sizeof numbers[i], "%lld", (long long)of[i]);
		values[i] = numbers[i];
	}
	values[4] =
	    search->net != NULL ? ipnet_to_text(search->net, net) : search->text;
	event_sql_select(sql, EVENT_SQL_SIZE, search->words);
	strcat(sql, WHERE);
	strcat(sql, where_of(search));
	strcat(sql, search->newest_first ? " ORDER BY event_id DESC"
	                                 : " ORDER BY event_id");
	return pgsql_walk(
	    view, sql, has_text ? 5 : 4, values, give_event, &reading, trouble);
}
