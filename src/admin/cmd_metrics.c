/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/cmd.h"
#include "admin/live.h"
#include "report/funnel.h"
#include "report/metrics.h"
#include "report/view.h"

#define GAUGES_MOST 40

struct counting {
	struct funnel *funnel;
	int64_t last_id;
	int64_t settled; /* events logged up to then are complete */
};

static bool
add_event(void *ctx, const struct event *event)
{
	struct counting *counting = ctx;
	struct event_view view = view_of(event);

	if (event->logged > counting->settled)
		return false;
	funnel_add(counting->funnel, &view);
	if (event->id > counting->last_id)
		counting->last_id = event->id;
	return true;
}

/* Counts the events after the state and moves the state on to the last one. */
static bool
count_new(struct query *query, struct metrics_state *state, int64_t now,
    struct error *error)
{
	struct event_filter filter = {.after_id = state->event_id};
	struct counting counting = {.last_id = state->event_id,
	    .settled = query_is_shared(query) ? now - QUERY_SETTLED_S : INT64_MAX,
	    .funnel = calloc(1, sizeof(struct funnel))};
	bool ok = counting.funnel != NULL && funnel_init(counting.funnel);

	if (!ok)
		error_set(error, "out of memory");
	else
		ok = query_events(query, &filter, add_event, &counting, error);
	if (ok) {
		metrics_add(state, counting.funnel);
		state->event_id = counting.last_id;
	}
	if (counting.funnel != NULL)
		funnel_clear(counting.funnel);
	free(counting.funnel);
	return ok;
}

static bool
read_state(const char *path, struct metrics_state *state, struct error *error)
{
	FILE *file = path == NULL ? NULL : fopen(path, "re");

	*state = (struct metrics_state){0};
	if (path == NULL || (file == NULL && errno == ENOENT))
		return true;
	if (file == NULL) {
		error_set_errno(error, "%s", path);
		return false;
	}
	bool ok = metrics_state_read(state, file);
	if (!ok)
		error_set(
		    error, "%s: is not a state file of targreyctl metrics", path);
	fclose(file);
	return ok;
}

/* Never leaves half a file: writes a new one and renames it over the old. */
static FILE *
replace_begin(const char *path, char next[static PATH_MAX], struct error *error)
{
	snprintf(next, PATH_MAX, "%s.new", path);
	FILE *file = fopen(next, "we");
	if (file == NULL)
		error_set_errno(error, "%s", next);
	return file;
}

static bool
replace_end(FILE *file, const char *path, const char *next, struct error *error)
{
	bool ok = fflush(file) == 0 && fsync(fileno(file)) == 0;

	ok = fclose(file) == 0 && ok && rename(next, path) == 0;
	if (!ok)
		error_set_errno(error, "%s", path);
	return ok;
}

static bool
write_state(
    const char *path, const struct metrics_state *state, struct error *error)
{
	char next[PATH_MAX];
	FILE *file = path == NULL ? NULL : replace_begin(path, next, error);

	if (file == NULL)
		return path == NULL;
	metrics_state_write(state, file);
	return replace_end(file, path, next, error);
}

static double
gauge_value(const struct live *live, const char *key)
{
	return live_value(live, key) == NULL ? (double)NAN
	                                     : (double)live_number(live, key);
}

#define COUNT(gauges) (sizeof gauges / sizeof(*(gauges)))

/* The daemon's present state. */
static size_t
add_state(const struct live *live, struct metric *metrics)
{
	const char *mode = live_value(live, "mode"),
	           *version = live_value(live, "version");
	const struct metric gauges[] = {
	    {"up", NULL, "1 when the daemon runs.", live->state == LIVE_RUNNING,
	        false, NULL, NULL},
	    {"start_time_seconds", "seconds", "When the daemon was started.",
	        gauge_value(live, "started"), false, NULL, NULL},
	    {"degraded", NULL, "1 when the daemon says that something is wrong.",
	        live->state != LIVE_RUNNING ? (double)NAN
	                                    : live_trouble(live, 0) != NULL,
	        false, NULL, NULL},
	    {"mode", NULL, "1 for the mode in force.",
	        mode == NULL ? (double)NAN : 1, false, "mode", mode},
	    {"version", NULL, "1 for the version that runs.",
	        version == NULL ? (double)NAN : 1, false, "version", version},
	    {"holds_now", NULL, "Clients that are held.",
	        gauge_value(live, "holds"), false, NULL, NULL},
	    {"holds_peak", NULL, "Most clients held at once since start.",
	        gauge_value(live, "holds_peak"), false, NULL, NULL},
	    {"holds_allowed", NULL, "Holds that the budget allows.",
	        gauge_value(live, "max_sessions"), false, NULL, NULL},
	    {"connections", NULL, "Connections of Postfix.",
	        gauge_value(live, "connections"), false, NULL, NULL},
	    {"away", NULL, "Times that the daemon was away, over its restarts.",
	        gauge_value(live, "away"), true, NULL, NULL},
	    {"away_seconds", "seconds",
	        "How long it was away, and mail unchecked, over its restarts.",
	        gauge_value(live, "away_s"), true, NULL, NULL},
	};

	memcpy(metrics, gauges, sizeof gauges);
	return COUNT(gauges);
}

/* The daemon's own counters. */
static size_t
add_counts(const struct live *live, struct metric *metrics)
{
	const struct metric gauges[] = {
	    {"daemon_holds", NULL, "Holds begun since start.",
	        gauge_value(live, "holds_begun"), true, NULL, NULL},
	    {"daemon_holds_refused", NULL,
	        "Holds that the budget refused since start.",
	        gauge_value(live, "holds_refused"), true, NULL, NULL},
	    {"daemon_gone", NULL, "Clients gone from a hold since start.",
	        gauge_value(live, "gone"), true, NULL, NULL},
	    {"daemon_connections", NULL, "Connections of Postfix since start.",
	        gauge_value(live, "accepted"), true, NULL, NULL},
	    {"daemon_timeouts", NULL,
	        "Answers of ours that came too late, since start.",
	        gauge_value(live, "timeouts"), true, NULL, NULL},
	    {"daemon_faults", NULL, "Faults since start.",
	        gauge_value(live, "fault_store"), true, "kind", "store"},
	    {"daemon_faults", NULL, "Faults since start.",
	        gauge_value(live, "fault_dns"), true, "kind", "dns"},
	    {"daemon_faults", NULL, "Faults since start.",
	        gauge_value(live, "fault_limit"), true, "kind", "limit"},
	    {"daemon_faults", NULL, "Faults since start.",
	        gauge_value(live, "fault_gate"), true, "kind", "gate"},
	    {"store_commits", NULL, "Commits since start.",
	        gauge_value(live, "commits"), true, NULL, NULL},
	    {"store_notes", NULL, "Notes written since start.",
	        gauge_value(live, "notes"), true, NULL, NULL},
	    {"store_queued", NULL, "Notes that wait for the store.",
	        gauge_value(live, "queued"), false, NULL, NULL},
	    {"store_notes_refused", NULL,
	        "Notes refused because the queue was full or too slow.",
	        gauge_value(live, "notes_refused"), true, NULL, NULL},
	    {"store_notes_limited", NULL, "Notes over max_new_per_net.",
	        gauge_value(live, "notes_limited"), true, NULL, NULL},
	    {"store_notes_failed", NULL, "Notes that could not be written.",
	        gauge_value(live, "notes_failed"), true, NULL, NULL},
	};

	memcpy(metrics, gauges, sizeof gauges);
	return COUNT(gauges);
}

static size_t
add_database(const struct store_status_report *report, struct metric *metrics)
{
	const struct metric gauges[] = {
	    {"store_file_bytes", "bytes", "Size of the database.",
	        (double)report->file_bytes, false, NULL, NULL},
	    {"store_wal_bytes", "bytes", "Size of its write-ahead log.",
	        (double)report->wal_bytes, false, NULL, NULL},
	    {"store_rows", NULL, "Rows by table.", (double)report->addresses, false,
	        "table", "address"},
	    {"store_rows", NULL, "Rows by table.", (double)report->domains, false,
	        "table", "domain"},
	    {"store_rows", NULL, "Rows by table.", (double)report->triplets_waiting,
	        false, "table", "waiting"},
	    {"store_rows", NULL, "Rows by table.", (double)report->triplets_passed,
	        false, "table", "passed"},
	    {"store_rows", NULL, "Rows by table.", (double)report->events, false,
	        "table", "event"},
	};

	memcpy(metrics, gauges, sizeof gauges);
	return COUNT(gauges);
}

/* report NULL: the database could not be read. */
static size_t
add_gauges(const struct live *live, const struct store_status_report *report,
    struct metric metrics[static GAUGES_MOST])
{
	size_t count = add_state(live, metrics);

	count += add_counts(live, metrics + count);
	if (report != NULL)
		count += add_database(report, metrics + count);
	return count;
}

static bool
write_text(const char *path, const struct metric *metrics, size_t count, FILE *out,
    struct error *error)
{
	char next[PATH_MAX];
	FILE *file = path == NULL ? out : replace_begin(path, next, error);

	if (file == NULL)
		return false;
	metrics_write(metrics, count, file);
	return path == NULL || replace_end(file, path, next, error);
}

static bool
write_all(struct admin *admin, const struct metric *metrics, size_t count,
    struct error *error)
{
	if (admin_format(admin) == DOC_TEXT)
		return write_text(
		    args_value(admin, "output"), metrics, count, admin->out, error);
	struct doc *doc = doc_new("targrey metrics");
	if (doc != NULL)
		metrics_doc(metrics, count, doc);
	*error = (struct error){0};
	return admin_write(admin, &doc) == EXIT_OK;
}

/*
 * When the database cannot be read only its own numbers are missing: the daemon's
 * are still written, and the exit status tells.
 */
static int
run(struct admin *admin)
{
	const char *path = args_value(admin, "state");
	const struct config *config = admin_config(admin);
	struct metric metrics[METRICS_COUNTS + GAUGES_MOST];
	struct store_status_report report;
	struct metrics_state state;
	struct error error = {0};
	struct live live;
	size_t count = 0;

	if (config == NULL)
		return EXIT_FAILED;
	if (!read_state(path, &state, &error))
		return failed(admin, &error);
	live_ask(config, &live, &error);
	if (live.state == LIVE_UNKNOWN)
		failed(admin, &error);
	struct query *query = admin_query(admin, false);
	bool has_store = query != NULL && query_report(query, &report, &error) &&
	                 count_new(query, &state, admin_now(admin), &error);
	if (query != NULL && !has_store)
		failed(admin, &error);
	if (has_store)
		count = metrics_counts(&state, metrics);
	count += add_gauges(&live, has_store ? &report : NULL, metrics + count);
	bool ok = write_all(admin, metrics, count, &error) &&
	          (!has_store || write_state(path, &state, &error));
	live_clear(&live);
	if (!ok && *error.text != '\0')
		return failed(admin, &error);
	return ok && has_store ? EXIT_OK : EXIT_FAILED;
}

static const struct option_row options[] = {
    {"state", "FILE", "keep the counts there and read only what is new", NULL,
        false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_metrics = {
    .name = "metrics",
    .args = "[--state FILE] [--output FILE] [--json]",
    .help = "Write OpenMetrics text, for a textfile collector",
    .manual =
        "With --state, counters go on from run to run although old events go away, "
        "and only new events are read; without it they tell of the events that are "
        "kept, and fall when old ones go. --output replaces the file in one step. "
        "Names "
        "are stable; new ones may be added.\n\n"
        "Where several daemons share a database counters are a minute late: until "
        "then an event with a lower number than the last may still be written.",
    .options = options,
    .run = run,
};
