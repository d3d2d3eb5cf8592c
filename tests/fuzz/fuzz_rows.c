/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows read back from a database that somebody else has written: values of any
 * type, size and number, where ours has texts and times. What targreyctl lists and
 * reports, and what the daemon decides and would write next, must bear them.
 *
 * input  rows: one octet for the table, then one for each column that says what it
 *        holds, followed by the value; see take_value()
 */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "fuzz/fuzz.h"
#include "policy/cases.h"
#include "policy/grey.h"
#include "policy/judge.h"
#include "policy/origin.h"
#include "query/query.h"
#include "report/report.h"
#include "store/backend.h"
#include "store/store.h"
#ifdef WITH_PGSQL
#include "store/pgsql/pgsql_private.h"
#endif

enum { NOW = T0, THE_KEY = 0xc0000201, TEXT_MOST = 100000 };

static const char *const tables[] = {"address", "domain", "waiting", "waiting_text",
    "passed", "passed_text", "event", "event_key", "domain_network", "origin"};
enum { TABLES = sizeof tables / sizeof *tables };

struct input {
	const uint8_t *data;
	size_t size;
};

/* A value as both databases would give it. */
struct value {
	enum { NONE, NUMBER, REAL, TEXT, BLOB } kind;
	int64_t number;
	double real;
	const char *text;
	int length;
};

static char url[128], path[120];
static sqlite3 *base; /* writes as a stranger would, without any care */
static sqlite3_stmt *inserts[TABLES];
static struct query *query;
static const struct backend_ops *ops;
static struct backend *backend;

static void
tidy(void)
{
	char more[128];

	for (size_t i = 0; i < TABLES; i++)
		sqlite3_finalize(inserts[i]);
	query_close(&query);
	ops->close(backend);
	sqlite3_close(base);
	for (size_t i = 0; i < 4; i++) {
		static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
		snprintf(more, sizeof more, "%s%s", path, ends[i]);
		unlink(more);
	}
}

static void
quiet(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

static sqlite3_stmt *
insert_into(const char *table)
{
	sqlite3_stmt *all, *insert = NULL;
	char sql[400];

	snprintf(sql, sizeof sql, "SELECT * FROM %s", table);
	demand(sqlite3_prepare_v2(base, sql, -1, &all, NULL) == SQLITE_OK,
	    sqlite3_errmsg(base), "");
	int used =
	    snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO %s VALUES(?", table);
	for (int i = sqlite3_column_count(all); i > 1; i--)
		used += snprintf(sql + used, sizeof sql - (size_t)used, ",?");
	snprintf(sql + used, sizeof sql - (size_t)used, ")");
	sqlite3_finalize(all);
	demand(sqlite3_prepare_v2(base, sql, -1, &insert, NULL) == SQLITE_OK,
	    sqlite3_errmsg(base), "");
	return insert;
}

static void
set_up(void)
{
	const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	struct store_settings settings = {.url = url,
	    .events_s = 90 * DAY,
	    .retry_window_s = 2 * DAY,
	    .max_age_s = 35 * DAY};
	uint8_t secret[SIPHASH_KEY_SIZE];
	struct error error = {""};
	struct clock clock;

	snprintf(
	    path, sizeof path, "%s/targrey-rows.%ld.db", memory, (long)getpid());
	snprintf(url, sizeof url, "sqlite:%s", path);
	log_to_sink(quiet, NULL);
	clock_init(&clock);
	struct store *store = store_open(&settings, &clock, &error);
	demand(store != NULL, error.text, "");
	store_close(&store);
	query = query_open(url, true, &error);
	demand(query != NULL, error.text, "");
#ifdef WITH_PGSQL
	demand(libpq_load(&error), error.text, "");
#endif
	ops = backend_of_url(url, &error);
	backend = ops->attach(url, false, secret, &error);
	demand(backend != NULL, error.text, "");
	demand(sqlite3_open(path, &base) == SQLITE_OK &&
	           sqlite3_exec(base, "PRAGMA synchronous=OFF", NULL, NULL, NULL) ==
	               SQLITE_OK,
	    "cannot open the file once more", "");
	for (size_t i = 0; i < TABLES; i++)
		inserts[i] = insert_into(tables[i]);
	atexit(tidy);
}

/* ---------------------------------------------------------------- the input */

static uint8_t
take_octet(struct input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

static int64_t
take_number(struct input *input, size_t octets)
{
	uint64_t number = 0;

	for (size_t i = 0; i < octets; i++)
		number = number << 8 | take_octet(input);
	return (int64_t)number;
}

static struct value
take_text(struct input *input, bool is_blob)
{
	size_t length = take_octet(input);

	if (length > input->size)
		length = input->size;
	struct value value = {.kind = is_blob ? BLOB : TEXT,
	    .text = (const char *)input->data,
	    .length = (int)length};
	input->data += length;
	input->size -= length;
	return value;
}

static struct value
take_value(struct input *input)
{
	static char long_text[TEXT_MOST];
	static const int64_t odd[] = {0, -1, 1, NOW, -NOW, INT64_MAX, INT64_MIN,
	    INT64_MIN + 1, INT64_MAX - 1, UINT32_MAX, INT32_MAX, INT32_MIN,
	    NOW - 31 * MINUTE, NOW + DAY, INT64_C(1) << 53, THE_KEY};
	union {
		int64_t number;
		double real;
	} bits;
	uint8_t what = take_octet(input);

	switch (what % 10) {
	case 0:
		return (struct value){.kind = NONE};
	case 1:
		return (struct value){
		    .kind = NUMBER, .number = take_number(input, 8)};
	case 2:
		bits.number = take_number(input, 8);
		return (struct value){.kind = REAL, .real = bits.real};
	case 3:
	case 4:
		return take_text(input, what % 10 == 4);
	case 5:
		memset(long_text, 'a' + what % 26, sizeof long_text);
		return (struct value){.kind = what & 128 ? BLOB : TEXT,
		    .text = long_text,
		    .length = (int)(take_number(input, 2) * 3 / 2)};
	case 6:
		return (struct value){
		    .kind = NUMBER, .number = NOW - take_number(input, 3)};
	case 7:
		return (struct value){.kind = NUMBER, .number = THE_KEY};
	case 8:
		return (struct value){
		    .kind = TEXT, .text = "example.com", .length = 11};
	default:
		return (struct value){
		    .kind = NUMBER, .number = odd[take_octet(input) % 16]};
	}
}

static void
bind_value(sqlite3_stmt *statement, int column, const struct value *value)
{
	switch (value->kind) {
	case NONE:
		break;
	case NUMBER:
		sqlite3_bind_int64(statement, column, value->number);
		break;
	case REAL:
		sqlite3_bind_double(statement, column, value->real);
		break;
	case TEXT:
		sqlite3_bind_text(statement, column, value->text, value->length,
		    SQLITE_TRANSIENT);
		break;
	case BLOB:
		sqlite3_bind_blob(statement, column, value->text, value->length,
		    SQLITE_TRANSIENT);
		break;
	}
}

/* A row that the table itself refuses is none. */
static void
write_row(struct input *input)
{
	size_t which = take_octet(input) % TABLES;
	sqlite3_stmt *statement = inserts[which];

	sqlite3_clear_bindings(statement);
	for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
		struct value value = take_value(input);
		bind_value(statement, i, &value);
	}
	(void)sqlite3_step(statement);
	sqlite3_reset(statement);
}

static void
write_rows(struct input *input)
{
	char sql[64];

	sqlite3_exec(base, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	for (size_t i = 0; i < TABLES; i++) {
		snprintf(sql, sizeof sql, "DELETE FROM %s", tables[i]);
		demand(sqlite3_exec(base, sql, NULL, NULL, NULL) == SQLITE_OK,
		    sqlite3_errmsg(base), "");
	}
	for (int i = 0; i < 8 && input->size > 0; i++)
		write_row(input);
	demand(sqlite3_exec(base, "COMMIT", NULL, NULL, NULL) == SQLITE_OK,
	    sqlite3_errmsg(base), "");
}

/* ------------------------------------------------------ targreyctl reads it */

struct seen {
	struct report *report;
	size_t octets; /* reads every text to its end */
	int64_t event_id;
};

static void
read_text(struct seen *seen, const char *text)
{
	if (text != NULL)
		seen->octets += strlen(text);
}

static bool
see_event(void *ctx, const struct event *event)
{
	struct seen *seen = ctx;

	read_text(seen, event->queue_id);
	read_text(seen, event->sender);
	read_text(seen, event->recipients);
	read_text(seen, event->name);
	demand(event->hold_end < HOLD_ENDS, "an event's hold has no such end", "");
	for (int key = 0; key < SESSION_KEYS; key++)
		demand(strlen(event_word(event, (enum session_key)key)) <
		           sizeof event->words->value[0],
		    "a word of an event is too long", "");
	report_add(seen->report, event);
	seen->event_id = event->id;
	return true;
}

static bool
see_address(void *ctx, const struct address_row *row)
{
	char text[IP_TEXT_SIZE];

	read_text(ctx, ip_to_text(&row->ip, text));
	return true;
}

static bool
see_domain(void *ctx, const struct domain_row *row)
{
	read_text(ctx, row->name);
	return true;
}

static bool
see_triplet(void *ctx, const struct triplet_row *row)
{
	read_text(ctx, row->client);
	read_text(ctx, row->sender);
	read_text(ctx, row->recipient);
	return true;
}

/* Read or refused with a reason. */
static void
bear(bool ok, const struct error *error)
{
	demand(ok || error->text[0] != '\0', "refused without a word", "");
}

static void
list_and_report(void)
{
	const struct report_settings settings = {
	    .hold_s = 125, .retry_window_s = 2 * DAY, .top = 5, .made = NOW};
	const struct event_filter all = {.limit = 100},
	                          some = {.since = NOW - DAY, .until = NOW},
	                          one = {.sid = "0123456789", .newest_first = true};
	const struct triplet_filter triplets = {.state = TRIPLETS_ALL};
	struct seen seen = {.report = report_new(&settings)};
	struct error error = {""};

	bear(query_events(query, &all, see_event, &seen, &error), &error);
	bear(query_events(query, &some, see_event, &seen, &error), &error);
	bear(query_events(query, &one, see_event, &seen, &error), &error);
	bear(query_addresses(query, NULL, 0, see_address, &seen, &error), &error);
	bear(query_domains(query, NOW, 0, see_domain, &seen, &error), &error);
	bear(query_triplets(query, &triplets, see_triplet, &seen, &error), &error);
	struct doc *doc = report_finish(seen.report);
	if (doc != NULL) {
		FILE *null = fopen("/dev/null", "w");
		doc_write_json(doc, null);
		fclose(null);
	}
	doc_free(&doc);
	report_free(&seen.report);
	if (seen.event_id != 0) {
		const struct success_rules rules = {NOW, 5, false};
		bear(query_feedback(
		         query, seen.event_id, 3.5, "spam", false, &error),
		    &error);
		bear(query_refusal(
		         query, seen.event_id, "550", true, &rules, &error),
		    &error);
	}
}

/* -------------------------------------------------- the daemon decides by it */

static void
decide(const struct history *history, const struct grey_row *row)
{
	const struct facts facts = {.name = "p7-dyn100.example.net",
	    .local = "",
	    .helo = "x",
	    .sender = "a@example.com",
	    .s25r = {.state = S25R_MATCH}};
	struct judgement judgement = judge(&defaults, &facts, history, NOW);

	demand(judgement.verdict < VERDICTS && judgement.why < WHYS,
	    "a judgement that is none", "");
	for (enum outcome outcome = OUTCOME_NONE; outcome <= OUTCOME_DOMAIN_FOUND;
	     outcome++) {
		(void)grey_step(&defaults, *row, outcome, NOW);
		(void)address_step(&defaults, history->address, outcome, 3, NOW);
		(void)domain_step(&defaults, history->domain, outcome, NOW);
		(void)origin_step(history->network, outcome, false, 90 * DAY, NOW);
	}
	(void)grey_passes(&defaults, row, NOW);
	(void)grey_better(*row, *row);
	(void)address_is_gone(&defaults, &history->address, NOW);
	(void)judge_overflow(&defaults, history);
}

static void
recall(void)
{
	struct trouble trouble = {TROUBLE_NONE, {""}};
	struct grey_row row = {0};
	struct history history = {.rows = &row, .rows_count = 1};
	struct view *view = ops->reader(backend, &trouble);

	if (view == NULL)
		return;
	bool ok =
	    ops->find_address(view, THE_KEY, &history.address, &trouble) &&
	    ops->find_domain(
	        view, "example.com", NOW / DAY, &history.domain, &trouble) &&
	    ops->find_origin(view, "example.com", &history.network, &trouble) &&
	    ops->find_triplet(view, THE_KEY, NOW - 2 * DAY, NOW, &row, &trouble);
	ops->release(view);
	demand(ok || trouble.kind != TROUBLE_NONE, "failed without trouble", "");
	history.organisation = history.network;
	history.origins_known = history.has_organisation = ok;
	if (ok)
		decide(&history, &row);
}

#ifdef WITH_PGSQL
/* The same values as a server would answer; no server is needed for that. */
static void
read_answer(struct input input)
{
	enum { COLUMNS_ANSWERED = 24 };
	static char anonymous[] = "c";
	PGresAttDesc columns[COLUMNS_ANSWERED] = {0};
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	char number[32];
	struct history history = {.rows_count = 0};
	struct grey_row row;
	int64_t day;

	for (int i = 0; i < COLUMNS_ANSWERED; i++) {

		columns[i].name = anonymous;
	}
	demand(result != NULL &&
	           PQsetResultAttrs(result, COLUMNS_ANSWERED, columns) == 1,
	    "no result", "");
	for (int i = 0; i < COLUMNS_ANSWERED; i++) {
		struct value value = take_value(&input);
		char *given = (char *)(uintptr_t)value.text;
		if (value.kind == NUMBER || value.kind == REAL) {
			snprintf(number, sizeof number, "%.17g",
			    value.kind == REAL ? value.real : (double)value.number);
			if (value.kind == NUMBER)
				snprintf(number, sizeof number, "%lld",
				    (long long)value.number);
			given = number;
			value.length = (int)strlen(number);
		}
		PQsetvalue(
		    result, 0, i, given, value.kind == NONE ? -1 : value.length);
	}
	pgsql_read_address(result, 0, &history.address);
	pgsql_read_domain(result, 0, &history.domain, &day);
	pgsql_read_triplet(result, 0, &row);
	PQclear(result);
	history.rows = &row;
	history.rows_count = 1;
	decide(&history, &row);
}
#endif

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};

	if (query == NULL)
		set_up();
#ifdef WITH_PGSQL
	read_answer(input);
#endif
	write_rows(&input);
	recall();
	list_and_report();
	return 0;
}
