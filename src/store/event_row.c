/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/event_row.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

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
	COLUMN_BY_PERSON,
	COLUMNS
};

static const struct {
	const char *name;
	enum event_value_kind kind;
} columns[EVENT_OWN_COLUMNS] = {
    [COLUMN_LOGGED] = {"logged", EVENT_NUMBER},
    [COLUMN_TIME] = {"time", EVENT_NUMBER},
    [COLUMN_QUEUE_ID] = {"queue_id", EVENT_TEXT},
    [COLUMN_MESSAGE_ID] = {"message_id", EVENT_TEXT},
    [COLUMN_IP] = {"ip", EVENT_TEXT},
    [COLUMN_NAME] = {"name", EVENT_TEXT},
    [COLUMN_PTR] = {"ptr", EVENT_TEXT},
    [COLUMN_HELONAME] = {"heloname", EVENT_TEXT},
    [COLUMN_SENDER] = {"sender", EVENT_TEXT},
    [COLUMN_RECIPIENTS] = {"recipients", EVENT_TEXT},
    [COLUMN_ACCEPTED] = {"recipients_accepted", EVENT_NUMBER},
    [COLUMN_REFUSED] = {"recipients_refused", EVENT_NUMBER},
    [COLUMN_EXEMPT] = {"exempt", EVENT_TEXT},
    [COLUMN_WHY_DETAIL] = {"why_detail", EVENT_TEXT},
    [COLUMN_HOLD_ASKED] = {"hold_asked_ms", EVENT_NUMBER},
    [COLUMN_HOLD_MS] = {"hold_ms", EVENT_NUMBER},
    [COLUMN_HOLD_END] = {"hold_end", EVENT_TEXT},
    [COLUMN_DNS_MS] = {"dns_ms", EVENT_NUMBER},
    [COLUMN_SPF_DOMAIN] = {"spf_domain", EVENT_TEXT},
    [COLUMN_REPLY] = {"reply", EVENT_TEXT},
    [COLUMN_DELIVERED] = {"delivered", EVENT_NUMBER},
    [COLUMN_SCORE] = {"score", EVENT_REAL},
    [COLUMN_FEEDBACK] = {"feedback", EVENT_TEXT},
    [COLUMN_BY_PERSON] = {"by_person", EVENT_NUMBER},
};

static_assert(EVENT_OWN_COLUMNS == COLUMNS, "a column has no name");

const char *
event_column_name(int column)
{
	return column < COLUMNS
	           ? columns[column].name
	           : session_keys[column - COLUMNS + EVENT_FIRST_WORD].name;
}

enum event_value_kind
event_column_kind(int column)
{
	if (column < COLUMNS)
		return columns[column].kind;
	return session_keys[column - COLUMNS + EVENT_FIRST_WORD].is_number
	           ? EVENT_NUMBER
	           : EVENT_TEXT;
}

/* ---------------------------------------------------------------------- SQL */

static bool
is_wanted(uint64_t wanted, int key)
{
	return wanted == 0 || (wanted >> key & 1) != 0;
}

static size_t
add_columns(char *sql, size_t size, size_t used, uint64_t wanted)
{
	for (int i = 0; i < EVENT_COLUMNS; i++) {
		const char *quote = i < COLUMNS ? "" : "\"";
		bool is_read = i < COLUMNS ||
		               is_wanted(wanted, i - COLUMNS + EVENT_FIRST_WORD);
		used += (size_t)snprintf(sql + used, size - used, "%s%s%s%s",
		    i > 0 ? "," : "", is_read ? quote : "",
		    is_read ? event_column_name(i) : "NULL", is_read ? quote : "");
	}
	return used;
}

void
event_sql_insert(char *sql, size_t size)
{
	size_t used = (size_t)snprintf(sql, size, "INSERT INTO event (");

	used = add_columns(sql, size, used, 0);
	used += (size_t)snprintf(sql + used, size - used, ") VALUES (");
	for (int i = 0; i < EVENT_COLUMNS; i++)
		used += (size_t)snprintf(
		    sql + used, size - used, "%s$%d", i > 0 ? "," : "", i + 1);
	snprintf(sql + used, size - used, ")");
}

void
event_sql_select(char *sql, size_t size, uint64_t wanted)
{
	size_t used = (size_t)snprintf(sql, size, "SELECT event_id,");

	used = add_columns(sql, size, used, wanted);
	snprintf(sql + used, size - used, " FROM event");
}

/* ------------------------------------------------------------------- writing */

static struct event_value
text_value(const char *text)
{
	return (struct event_value){
	    .kind = text == NULL ? EVENT_NULL : EVENT_TEXT, .text = text};
}

static struct event_value
number_value(int64_t number)
{
	return (struct event_value){.kind = EVENT_NUMBER, .number = number};
}

static struct event_value
score_value(double score)
{
	if (isnan(score))
		return (struct event_value){.kind = EVENT_NULL};
	return (struct event_value){.kind = EVENT_REAL, .real = score};
}

static struct event_value
word_value(int key, const char *word)
{
	int64_t number;

	if (word[0] == '\0')
		return (struct event_value){.kind = EVENT_NULL};
	if (session_keys[key].is_number &&
	    text_integer(word, INT64_MIN / 2, INT64_MAX / 2, &number))
		return number_value(number);
	return text_value(word);
}

static void
put_words(const struct event *event, struct event_value *values)
{
	const char *packed = event->packed_words;

	for (int key = 0; key < SESSION_KEYS; key++) {
		const char *word = "";
		if (packed != NULL) {
			word = packed;
			packed += strlen(packed) + 1;
		} else if (event->words != NULL) {
			word = event->words->value[key];
		}
		if (key >= EVENT_FIRST_WORD)
			values[COLUMNS + key - EVENT_FIRST_WORD] =
			    word_value(key, word);
	}
}

void
event_to_row(const struct event *event, int64_t logged, struct event_row *row_r)
{
	struct event_value *values = row_r->values;

	values[COLUMN_LOGGED] = number_value(logged);
	values[COLUMN_TIME] = number_value(event->time);
	values[COLUMN_QUEUE_ID] = text_value(event->queue_id);
	values[COLUMN_MESSAGE_ID] = text_value(event->message_id);
	values[COLUMN_IP] = text_value(ip_to_text(&event->ip, row_r->ip));
	values[COLUMN_NAME] = text_value(event->name);
	values[COLUMN_PTR] = text_value(event->ptr);
	values[COLUMN_HELONAME] = text_value(event->heloname);
	values[COLUMN_SENDER] = text_value(event->sender);
	values[COLUMN_RECIPIENTS] = text_value(event->recipients);
	values[COLUMN_ACCEPTED] = number_value(event->rcpt_accepted);
	values[COLUMN_REFUSED] = number_value(event->rcpt_refused);
	values[COLUMN_EXEMPT] = text_value(event->exempt);
	values[COLUMN_WHY_DETAIL] = text_value(event->why_detail);
	values[COLUMN_HOLD_ASKED] = number_value(event->hold_asked_ms);
	values[COLUMN_HOLD_MS] = number_value(event->hold_ms);
	values[COLUMN_HOLD_END] = text_value(hold_end_words[event->hold_end]);
	values[COLUMN_DNS_MS] = number_value(event->dns_ms);
	values[COLUMN_SPF_DOMAIN] = text_value(event->spf_domain);
	values[COLUMN_REPLY] = text_value(event->reply);
	values[COLUMN_DELIVERED] = number_value(event->delivered);
	values[COLUMN_SCORE] = score_value(event->score);
	values[COLUMN_FEEDBACK] = text_value(event->feedback);
	values[COLUMN_BY_PERSON] = number_value(event->by_person);
	put_words(event, values);
}

/* ------------------------------------------------------------------- reading */

static void
take_words(
    const struct event_value *values, struct session_words *words, uint64_t wanted)
{
	text_copy(words->value[SK_V], sizeof words->value[SK_V], "1");
	for (int key = EVENT_FIRST_WORD; key < SESSION_KEYS; key++) {
		const struct event_value *value =
		    &values[COLUMNS + key - EVENT_FIRST_WORD];
		char *word = words->value[key];
		word[0] = '\0';
		if (!is_wanted(wanted, key))
			continue;
		if (value->kind == EVENT_NUMBER)
			snprintf(word, sizeof words->value[key], "%" PRId64,
			    value->number);
		else if (value->kind == EVENT_TEXT)
			text_copy(word, sizeof words->value[key], value->text);
	}
}

static enum hold_end
hold_end_of(const char *word)
{
	for (int i = 0; word != NULL && i < HOLD_ENDS; i++) {
		if (strcmp(word, hold_end_words[i]) == 0)
			return (enum hold_end)i;
	}
	return HOLD_NONE;
}

void
event_from_row(int64_t id, const struct event_value *values, struct event *event_r,
    struct session_words *words, uint64_t wanted)
{
	const char *ip = values[COLUMN_IP].text;

	*event_r = (struct event){
	    .id = id,
	    .logged = backend_time(values[COLUMN_LOGGED].number),
	    .time = backend_time(values[COLUMN_TIME].number),
	    .queue_id = values[COLUMN_QUEUE_ID].text,
	    .message_id = values[COLUMN_MESSAGE_ID].text,
	    .name = values[COLUMN_NAME].text,
	    .ptr = values[COLUMN_PTR].text,
	    .heloname = values[COLUMN_HELONAME].text,
	    .sender = values[COLUMN_SENDER].text,
	    .recipients = values[COLUMN_RECIPIENTS].text,
	    .rcpt_accepted = backend_count(values[COLUMN_ACCEPTED].number),
	    .rcpt_refused = backend_count(values[COLUMN_REFUSED].number),
	    .words = words,
	    .exempt = values[COLUMN_EXEMPT].text,
	    .why_detail = values[COLUMN_WHY_DETAIL].text,
	    .hold_asked_ms = backend_span(values[COLUMN_HOLD_ASKED].number),
	    .hold_ms = backend_span(values[COLUMN_HOLD_MS].number),
	    .hold_end = hold_end_of(values[COLUMN_HOLD_END].text),
	    .dns_ms = backend_span(values[COLUMN_DNS_MS].number),
	    .spf_domain = values[COLUMN_SPF_DOMAIN].text,
	    .reply = values[COLUMN_REPLY].text,
	    .delivered = values[COLUMN_DELIVERED].number != 0,
	    .score = values[COLUMN_SCORE].kind == EVENT_REAL
	                 ? values[COLUMN_SCORE].real
	                 : NAN,
	    .feedback = values[COLUMN_FEEDBACK].text,
	    .by_person = values[COLUMN_BY_PERSON].number != 0,
	};
	if (ip == NULL || !ip_from_text(ip, &event_r->ip))
		memset(&event_r->ip, 0, sizeof event_r->ip);
	take_words(values, words, wanted);
}

const char *
event_key_text(
    const struct event *event, enum event_key key, char ip[static IP_TEXT_SIZE])
{
	struct ip address = key_address(&event->ip);

	switch (key) {
	case EVENT_KEY_SID:
		return event_word(event, SK_SID);
	case EVENT_KEY_QUEUE_ID:
		return event->queue_id;
	case EVENT_KEY_MESSAGE_ID:
		return event->message_id;
	case EVENT_KEY_ADDRESS:
		return ip_to_text(&address, ip);
	case EVENT_KEY_NONE:
	case EVENT_KEYS:
		break;
	}
	return NULL;
}
