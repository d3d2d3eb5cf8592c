/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/cmd.h"
#include "admin/live.h"
#include "report/funnel.h"
#include "report/metrics.h"
#include "report/view.h"

struct counting {
	struct funnel *funnel;
	int64_t last_id;
};

static bool
add_event(void *ctx, const struct event *event)
{
	struct counting *counting = ctx;
	struct view view = view_of(event);

	funnel_add(counting->funnel, &view);
	if (event->id > counting->last_id)
		counting->last_id = event->id;
	return true;
}

/* What came after the state; the state goes on to the last event. */
static bool
count_new(struct query *query, struct metrics_state *state, struct error *error)
{
	struct event_filter filter = {.after_id = state->event_id};
	struct counting counting = {
	    .last_id = state->event_id, .funnel = calloc(1, sizeof(struct funnel))};
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
		error_set(error, "%s: is not a state of targreyctl metrics", path);
	fclose(file);
	return ok;
}

/* Never half written: a new file takes the old one's place. */
static bool
write_state(
    const char *path, const struct metrics_state *state, struct error *error)
{
	char next[4096];

	if (path == NULL)
		return true;
	snprintf(next, sizeof(next), "%s.new", path);
	FILE *file = fopen(next, "we");
	if (file == NULL) {
		error_set_errno(error, "%s", next);
		return false;
	}
	metrics_state_write(state, file);
	bool ok = fflush(file) == 0 && fsync(fileno(file)) == 0;
	ok = fclose(file) == 0 && ok && rename(next, path) == 0;
	if (!ok)
		error_set_errno(error, "%s", path);
	return ok;
}

static double
said(const struct live *live, const char *key)
{
	return live_value(live, key) == NULL ? (double)NAN
	                                     : (double)live_number(live, key);
}

static void
write_gauges(
    const struct live *live, const struct store_status_report *report, FILE *file)
{
	const char *mode = live_value(live, "mode"),
	           *version = live_value(live, "version");
	const struct metrics_gauge gauges[] = {
	    {"up", NULL, "1 when the daemon runs.", live->is_running, false, NULL,
	        NULL},
	    {"start_time_seconds", "seconds", "When the daemon was started.",
	        said(live, "started"), false, NULL, NULL},
	    {"mode", NULL, "1 for the mode in force.",
	        mode == NULL ? (double)NAN : 1, false, "mode", mode},
	    {"version", NULL, "1 for the version that runs.",
	        version == NULL ? (double)NAN : 1, false, "version", version},
	    {"holds_now", NULL, "Clients that are held.",
	        live->is_running ? said(live, "holds") : 0, false, NULL, NULL},
	    {"holds_peak", NULL, "Most clients held at once since start.",
	        said(live, "holds_peak"), false, NULL, NULL},
	    {"holds_allowed", NULL, "Holds that the budget allows.",
	        said(live, "max_sessions"), false, NULL, NULL},
	    {"connections", NULL, "Connections of Postfix.",
	        live->is_running ? said(live, "connections") : 0, false, NULL,
	        NULL},
	    {"daemon_holds", NULL, "Holds begun since start.",
	        said(live, "holds_begun"), true, NULL, NULL},
	    {"daemon_holds_refused", NULL,
	        "Holds that the budget refused since start.",
	        said(live, "holds_refused"), true, NULL, NULL},
	    {"daemon_gone", NULL, "Clients gone from a hold since start.",
	        said(live, "gone"), true, NULL, NULL},
	    {"daemon_connections", NULL, "Connections of Postfix since start.",
	        said(live, "accepted"), true, NULL, NULL},
	    {"daemon_timeouts", NULL,
	        "Answers of ours that came too late, since start.",
	        said(live, "timeouts"), true, NULL, NULL},
	    {"daemon_faults", NULL, "Faults since start.",
	        said(live, "fault_store"), true, "kind", "store"},
	    {"daemon_faults", NULL, "Faults since start.", said(live, "fault_dns"),
	        true, "kind", "dns"},
	    {"daemon_faults", NULL, "Faults since start.",
	        said(live, "fault_limit"), true, "kind", "limit"},
	    {"daemon_faults", NULL, "Faults since start.", said(live, "fault_gate"),
	        true, "kind", "gate"},
	    {"store_commits", NULL, "Commits since start.", said(live, "commits"),
	        true, NULL, NULL},
	    {"store_notes", NULL, "Notes written since start.", said(live, "notes"),
	        true, NULL, NULL},
	    {"store_queued", NULL, "Notes that wait for the store.",
	        said(live, "queued"), false, NULL, NULL},
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

	metrics_gauges(gauges, sizeof(gauges) / sizeof(*gauges), file);
}

static int
run(struct admin *admin)
{
	const char *path = args_value(admin, "state"),
	           *out = args_value(admin, "output");
	struct query *query = admin_query(admin, false);
	struct store_status_report report;
	struct metrics_state state;
	struct error error;
	struct live live = {0};

	if (query == NULL)
		return EXIT_FAILED;
	bool ok = read_state(path, &state, &error) &&
	          query_report(query, &report, &error) &&
	          live_read(query, admin_now(admin), &live, &error) &&
	          count_new(query, &state, &error);
	FILE *file = !ok || out == NULL ? admin->out : fopen(out, "we");
	if (ok && file == NULL) {
		error_set_errno(&error, "%s", out);
		ok = false;
	}
	if (ok) {
		metrics_write(&state, file);
		write_gauges(&live, &report, file);
		metrics_end(file);
		if (file != admin->out && fclose(file) != 0) {
			error_set_errno(&error, "%s", out);
			ok = false;
		}
	}
	live_free(&live);
	ok = ok && write_state(path, &state, &error);
	return ok ? EXIT_OK : failed(admin, &error);
}

static const struct option_row options[] = {
    {"state", "FILE", "keep the counts there and read only what is new", NULL,
        false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_metrics = {
    .name = "metrics",
    .args = "[--state FILE] [--output FILE]",
    .help = "Write OpenMetrics text, for a textfile collector",
    .manual =
        "With --state, counters go on from run to run although old events go away, "
        "and only new events are read; without it they tell of the events that are "
        "kept, and fall when old ones go. Names are stable; new ones may be added.",
    .options = options,
    .run = run,
};
