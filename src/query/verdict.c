/* SPDX-License-Identifier: BSD-2-Clause */
/* What became of a message, and what that teaches the record. */
#include <math.h>
#include <string.h>

#include "query/query_private.h"
#include "store/apply.h"
#include "store/keys.h"
#include "store/schema.h"

static struct view *
view_of(struct query *query)
{
	return &query->backend.writer;
}

/* ------------------------------------------------------------------ feedback */

static bool
count_verdict(
    struct query *query, const char *ip_text, bool is_spam, struct trouble *trouble)
{
	struct address_record record;
	struct ip ip;

	if (ip_text == NULL || !ip_from_text(ip_text, &ip))
		return true;
	int64_t key = key_from_ip(&ip);
	if (!sqlite_find_address(view_of(query), key, &record, trouble))
		return false;
	if (record.first_seen == 0)
		return true;
	if (is_spam) {
		record.spam++;
		record.counted = 0;
		if (record.allowed_until < ALLOWED_FOREVER)
			record.allowed_until = 0;
	} else {
		record.ham++;
	}
	return sqlite_keep_address(view_of(query), key, &record, trouble);
}

static bool
write_feedback(struct query *query, int64_t id, double score, const char *verdict,
    struct trouble *trouble)
{
	struct connection *connection = &query->backend.writer.connection;
	sqlite3_stmt *statement = query_prepare(query,
	    "UPDATE event SET score = coalesce(?2, score), feedback = coalesce(?3, "
	    "feedback)"
	    " WHERE event_id = ?1",
	    trouble);
	bool ok = statement != NULL;

	if (ok) {
		sqlite3_bind_int64(statement, 1, id);
		if (!isnan(score))
			sqlite3_bind_double(statement, 2, score);
		sqlite3_bind_text(statement, 3, verdict, -1, SQLITE_STATIC);
		ok = connection_step(connection, statement, NULL, trouble);
	}
	sqlite3_finalize(statement);
	return ok;
}

static bool
feed_back(struct query *query, int64_t id, double score, const char *verdict,
    struct trouble *trouble)
{
	struct connection *connection = &query->backend.writer.connection;
	sqlite3_stmt *statement = query_prepare(
	    query, "SELECT ip, feedback FROM event WHERE event_id = ?1", trouble);
	bool row = false, ok = statement != NULL;

	if (ok) {
		sqlite3_bind_int64(statement, 1, id);
		ok = connection_step(connection, statement, &row, trouble);
	}
	if (ok && row && verdict != NULL &&
	    sqlite3_column_type(statement, 1) == SQLITE_NULL)
		ok = count_verdict(query,
		    (const char *)sqlite3_column_text(statement, 0),
		    strcmp(verdict, "spam") == 0, trouble);
	sqlite3_finalize(statement);
	return ok && (!row || write_feedback(query, id, score, verdict, trouble));
}

bool
query_feedback(struct query *query, int64_t event_id, double score,
    const char *verdict, struct error *error)
{
	struct trouble trouble = {0};

	if (query_enter_change(query, &trouble) &&
	    query_leave_change(query,
	        feed_back(query, event_id, score, verdict, &trouble), &trouble))
		return true;
	return query_failed(query, &trouble, error);
}

/* ------------------------------------------------------------------- refusal */

/* One success less; what it made allowed is so no longer. */
static void
take_back(uint32_t auto_allow, uint32_t *successes, uint32_t *counted,
    int64_t *last_success, int64_t *last_counted, int64_t *allowed_until)
{
	if (*successes > 0)
		--*successes;
	if (*counted > *successes)
		*counted = *successes;
	if (*successes == 0)
		*last_success = *last_counted = 0;
	if (*counted < auto_allow && *allowed_until < ALLOWED_FOREVER)
		*allowed_until = 0;
}

struct refusal {
	int64_t id;
	const char *reply;
	bool is_final;
	const struct success_rules *rules;
};

/* What one event was counted as; see session/record.c, deed_of(). */
enum counted { COUNTED_NOTHING, COUNTED_SUCCESS, COUNTED_UNPROVEN };

/* Of the unproven ones of a day only the first is counted. */
static bool
is_counted(const struct refusal *refusal, enum counted counted, int64_t logged,
    const struct address_record *record)
{
	if (counted != COUNTED_UNPROVEN || refusal->rules->trust_eom)
		return true;
	return record->last_unproven >= logged - 1 &&
	       record->last_unproven <= logged + 1;
}

static bool
address_loses(struct query *query, const char *ip_text, int64_t logged,
    enum counted counted, const struct refusal *refusal, struct trouble *trouble)
{
	struct address_record record;
	struct ip ip;

	if (ip_text == NULL || !ip_from_text(ip_text, &ip))
		return true;
	int64_t key = key_from_ip(&ip);
	if (!sqlite_find_address(view_of(query), key, &record, trouble))
		return false;
	if (record.first_seen == 0 ||
	    !is_counted(refusal, counted, logged, &record))
		return true;
	take_back(refusal->rules->auto_allow, &record.successes, &record.counted,
	    &record.last_success, &record.last_counted, &record.allowed_until);
	return sqlite_keep_address(view_of(query), key, &record, trouble);
}

static bool
domain_loses(struct query *query, const char *name, enum counted counted,
    const struct refusal *refusal, struct trouble *trouble)
{
	struct domain_record record;
	int64_t day = schema_day(refusal->rules->now);

	if (name == NULL ||
	    (counted == COUNTED_UNPROVEN && !refusal->rules->trust_eom))
		return true;
	if (!sqlite_find_domain(view_of(query), name, day, &record, trouble))
		return false;
	if (record.first_seen == 0)
		return true;
	take_back(refusal->rules->auto_allow, &record.successes, &record.counted,
	    &record.last_success, &record.last_counted, &record.allowed_until);
	return sqlite_keep_domain(view_of(query), name, day, &record, trouble);
}

static const char *
text_at(sqlite3_stmt *statement, int column)
{
	return (const char *)sqlite3_column_text(statement, column);
}

static bool
is_word(sqlite3_stmt *statement, int column, const char *word)
{
	const char *text = text_at(statement, column);

	return text != NULL && strcmp(text, word) == 0;
}

/* row: exempt, mode, why, hold_end from column 2 on */
static enum counted
counted_as(sqlite3_stmt *row)
{
	if (text_at(row, 2) != NULL || is_word(row, 3, "observe"))
		return COUNTED_NOTHING;
	if (is_word(row, 4, "tries") || is_word(row, 5, "endured"))
		return COUNTED_SUCCESS;
	return is_word(row, 5, "unproven") ? COUNTED_UNPROVEN : COUNTED_NOTHING;
}

static bool
lose_success(struct query *query, sqlite3_stmt *row, const struct refusal *refusal,
    struct trouble *trouble)
{
	enum counted counted = counted_as(row);
	int64_t logged = sqlite3_column_int64(row, 6);

	if (!refusal->is_final || counted == COUNTED_NOTHING)
		return true;
	return address_loses(
	           query, text_at(row, 0), logged, counted, refusal, trouble) &&
	       domain_loses(query, text_at(row, 1), counted, refusal, trouble);
}

static bool
write_refusal(
    struct query *query, int64_t id, const char *reply, struct trouble *trouble)
{
	struct connection *connection = &query->backend.writer.connection;
	sqlite3_stmt *statement = query_prepare(query,
	    "UPDATE event SET delivered = 0, reply = 'others ' || ?2"
	    " WHERE event_id = ?1",
	    trouble);
	bool ok = statement != NULL;

	if (ok) {
		sqlite3_bind_int64(statement, 1, id);
		sqlite3_bind_text(statement, 2, reply, -1, SQLITE_STATIC);
		ok = connection_step(connection, statement, NULL, trouble);
	}
	sqlite3_finalize(statement);
	return ok;
}

static bool
refuse(struct query *query, const struct refusal *refusal, struct trouble *trouble)
{
	struct connection *connection = &query->backend.writer.connection;
	sqlite3_stmt *row = query_prepare(query,
	    "SELECT ip, spf_domain, exempt, mode, why, hold_end, logged FROM event"
	    " WHERE event_id = ?1 AND delivered <> 0",
	    trouble);
	bool found = false, ok = row != NULL;

	if (ok) {
		sqlite3_bind_int64(row, 1, refusal->id);
		ok = connection_step(connection, row, &found, trouble);
	}
	if (ok && found)
		ok = lose_success(query, row, refusal, trouble);
	sqlite3_finalize(row);
	return ok && (!found || write_refusal(
	                            query, refusal->id, refusal->reply, trouble));
}

bool
query_refusal(struct query *query, int64_t event_id, const char *reply,
    bool is_final, const struct success_rules *rules, struct error *error)
{
	struct trouble trouble = {0};
	struct refusal refusal = {event_id, reply, is_final, rules};

	if (query_enter_change(query, &trouble) &&
	    query_leave_change(query, refuse(query, &refusal, &trouble), &trouble))
		return true;
	return query_failed(query, &trouble, error);
}
