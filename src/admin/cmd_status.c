/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "admin/cmd.h"
#include "admin/live.h"

/* For monitors: the status codes of LSB init scripts. */
enum { EXIT_DEGRADED = 1, EXIT_NOT_RUNNING = 3 };

static void
put_numbers(struct doc *doc, const struct live *live)
{
	static const struct {
		const char *key, *title;
		bool is_number;
	} rows[] = {
	    {"version", "Version", false},
	    {"mode", "Mode", false},
	    {"pid", "Process", true},
	    {"sandbox", "Sandbox", false},
	    {"holds", "Holds now", true},
	    {"holds_peak", "Holds, peak", true},
	    {"max_sessions", "Holds allowed (max_sessions)", true},
	    {"connections", "Connections", true},
	    {"holds_begun", "Holds since start", true},
	    {"shed", "shortened or refused by the budget", true},
	    {"holds_refused", "refused by the budget", true},
	    {"gone", "clients gone from a hold", true},
	    {"accepted", "Connections since start", true},
	    {"timeouts", "Time-outs of our own answers", true},
	    {"store", "Store", false},
	    {"queued", "Notes waiting for the store", true},
	    {"commits", "Commits since start", true},
	    {"notes", "Notes written since start", true},
	    {"notes_refused", "Notes refused (queue full or too slow)", true},
	    {"notes_limited", "Notes over max_new_per_net", true},
	    {"notes_failed", "Notes that could not be written", true},
	    {"fault_store", "Faults: store", true},
	    {"fault_dns", "Faults: dns", true},
	    {"fault_limit", "Faults: limit", true},
	    {"fault_gate", "Faults: gate", true},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *value = live_value(live, rows[i].key);
		doc_fact(doc, rows[i].key, rows[i].title,
		    value == NULL ? cell_none()
		    : rows[i].is_number
		        ? cell_count((uint64_t)live_number(live, rows[i].key))
		        : cell_text(value));
	}
}

/* While it was away Postfix applied default_action: usually mail went unchecked. */
static void
put_away(struct doc *doc, const struct live *live)
{
	if (live_value(live, "away_week") == NULL)
		return;
	doc_fact(doc, "away_week", "Times away in 7 days",
	    cell_count((uint64_t)live_number(live, "away_week")));
	doc_fact(doc, "away_week_s", "Away in 7 days (mail unchecked)",
	    cell_seconds((double)live_number(live, "away_week_s")));
	if (live_value(live, "away_last") == NULL)
		return;
	doc_fact(doc, "away_last_until", "Last away until",
	    cell_time(live_number(live, "away_last_until")));
	doc_fact(doc, "away_last_s", "Last away for",
	    live_value(live, "away_last_s") == NULL
	        ? cell_text("unknown: the clock was set back")
	        : cell_seconds((double)live_number(live, "away_last_s")));
	doc_fact(doc, "away_last", "Last away because it",
	    cell_text(live_value(live, "away_last")));
}

static void
put_daemon(struct doc *doc, const struct live *live)
{
	int64_t started = live_number(live, "started"),
	        updated = live_number(live, "updated");
	const char *trouble = live_trouble(live, 0);

	doc_section(doc, "daemon", "Daemon");
	doc_fact(doc, "running", "State",
	    cell_text(live->state == LIVE_RUNNING && trouble != NULL
	                  ? "running, degraded"
	                  : live_state_words[live->state]));
	if (live->state != LIVE_RUNNING)
		return;
	doc_fact(doc, "started", "Started", cell_time(started));
	doc_fact(
	    doc, "uptime", "Up for", cell_seconds((double)(updated - started)));
	put_away(doc, live);
	put_numbers(doc, live);
}

static void
put_texts(struct doc *doc, const struct live *live, const char *key,
    const char *title, const char *(*nth)(const struct live *, unsigned))
{
	static const struct column columns[] = {{"text", "Text", 0, false}};
	const char *text;

	if (nth(live, 0) == NULL)
		return;
	doc_section(doc, key, title);
	doc_table(doc, columns, 1);
	for (unsigned i = 0; (text = nth(live, i)) != NULL; i++)
		doc_row(doc, (struct cell[]){cell_text(text)});
}

static int
code_of(const struct live *live)
{
	switch (live->state) {
	case LIVE_RUNNING:
		return live_trouble(live, 0) == NULL ? EXIT_OK : EXIT_DEGRADED;
	case LIVE_STOPPED:
	case LIVE_DIED:
		return EXIT_NOT_RUNNING;
	case LIVE_SILENT:
	case LIVE_UNKNOWN:
	case LIVE_STATES:
		break;
	}
	return EXIT_DEGRADED;
}

static void
put_store(struct doc *doc, const struct store_status_report *report)
{
	doc_section(doc, "store", "Store");
	doc_fact(doc, "schema", "Schema", cell_count((uint64_t)report->schema));
	doc_fact(doc, "file_bytes", "File, bytes", cell_count(report->file_bytes));
	doc_fact(doc, "wal_bytes", "Write-ahead log, bytes",
	    cell_count(report->wal_bytes));
	doc_fact(doc, "addresses", "Addresses", cell_count(report->addresses));
	doc_fact(doc, "domains", "SPF domains", cell_count(report->domains));
	doc_fact(doc, "triplets_waiting", "Triplets waiting",
	    cell_count(report->triplets_waiting));
	doc_fact(doc, "triplets_passed", "Triplets passed",
	    cell_count(report->triplets_passed));
	doc_fact(doc, "events", "Events", cell_count(report->events));
}

/* true: all is well; false: standard error says what is not */
static bool
put_database(struct admin *admin, struct doc *doc)
{
	struct query *query = admin_query(admin, false);
	struct store_status_report report;
	struct error error;

	if (query == NULL)
		return false;
	if (!query_report(query, &report, &error)) {
		failed(admin, &error);
		return false;
	}
	put_store(doc, &report);
	return true;
}

static int
run(struct admin *admin)
{
	const struct config *config = admin_config(admin);
	struct error error;
	struct live live;

	if (config == NULL)
		return EXIT_FAILED;
	live_ask(config, &live, &error);
	int code = code_of(&live);
	if (live.state == LIVE_UNKNOWN)
		failed(admin, &error);
	struct doc *doc = doc_new("targrey status");
	if (doc != NULL) {
		put_daemon(doc, &live);
		put_texts(doc, &live, "trouble", "What is wrong", live_trouble);
		put_texts(doc, &live, "advice", "What to change in the settings",
		    live_advice);
		if (!put_database(admin, doc) && code == EXIT_OK)
			code = EXIT_DEGRADED;
	}
	live_clear(&live);
	int written = admin_write(admin, &doc);
	return written == EXIT_OK ? code : written;
}

const struct command command_status = {
    .name = "status",
    .args = "",
    .help = "Show the state of the daemon and its store",
    .manual =
        "Version, mode, time since start, how often and how long it was away "
        "(Postfix then went by default_action: with \"accept\", mail unchecked), "
        "holds now and at most, budget, faults, "
        "rows and size of the store. The daemon itself is asked, on the socket "
        "\"SOCKET.status\" beside that for Postfix (with listen = \"inet:...\": "
        "beside the database), so the answer is of this moment and does not need "
        "the store.\n\n"
        "Exit status 0 when the daemon runs, 1 when it runs and something is wrong "
        "(it says what), does not answer, or the database cannot be read, 3 when "
        "it "
        "does not run.",
    .run = run,
};
