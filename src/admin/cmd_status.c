/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "admin/cmd.h"
#include "admin/live.h"

static void
put_daemon(struct doc *doc, const struct live *live, int64_t now)
{
	static const struct {
		const char *key, *title;
		bool is_number;
	} rows[] = {
	    {"version", "Version", false},
	    {"mode", "Mode", false},
	    {"pid", "Process", true},
	    {"holds", "Holds now", true},
	    {"holds_peak", "Holds, peak", true},
	    {"max_sessions", "Holds allowed (max_sessions)", true},
	    {"connections", "Connections", true},
	    {"holds_begun", "Holds since start", true},
	    {"holds_refused", "refused by the budget", true},
	    {"gone", "clients gone from a hold", true},
	    {"accepted", "Connections since start", true},
	    {"timeouts", "Time-outs of our own answers", true},
	    {"store", "Store", false},
	    {"queued", "Notes waiting for the store", true},
	    {"commits", "Commits since start", true},
	    {"notes", "Notes since start", true},
	    {"fault_store", "Faults: store", true},
	    {"fault_dns", "Faults: dns", true},
	    {"fault_limit", "Faults: limit", true},
	    {"fault_gate", "Faults: gate", true},
	};
	int64_t started = live_number(live, "started");

	doc_section(doc, "daemon", "Daemon");
	doc_fact(doc, "running", "State",
	    cell_text(live->is_running     ? "running"
	              : live->updated != 0 ? "not running"
	                                   : "has never run on this database"));
	doc_fact(doc, "updated", live->is_running ? "As of" : "Last heard of",
	    cell_time(live->updated));
	if (live->updated == 0)
		return;
	doc_fact(doc, "started", "Started", cell_time(started));
	doc_fact(doc, "uptime", "Up for",
	    cell_seconds(
	        (double)((live->is_running ? now : live->updated) - started)));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *value = live_value(live, rows[i].key);
		doc_fact(doc, rows[i].key, rows[i].title,
		    value == NULL ? cell_none()
		    : rows[i].is_number
		        ? cell_count((uint64_t)live_number(live, rows[i].key))
		        : cell_text(value));
	}
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

static int
run(struct admin *admin)
{
	struct query *query = admin_query(admin, false);
	struct store_status_report report;
	struct error error;
	struct live live;
	int64_t now = admin_now(admin);

	if (query == NULL)
		return EXIT_FAILED;
	if (!query_report(query, &report, &error))
		return failed(admin, &error);
	if (!live_read(query, now, &live, &error)) {
		live_free(&live);
		return failed(admin, &error);
	}
	struct doc *doc = doc_new("targrey status");
	if (doc != NULL) {
		put_daemon(doc, &live, now);
		put_store(doc, &report);
	}
	live_free(&live);
	return admin_write(admin, &doc);
}

const struct command command_status = {
    .name = "status",
    .args = "",
    .help = "Say how the daemon and its store are",
    .manual = "Version, mode, time since start, holds now and at most, budget, "
              "faults, rows "
              "and size of the store. The daemon writes its part down every few "
              "seconds; it "
              "counts as not running when it has been silent for 150 seconds.",
    .run = run,
};
