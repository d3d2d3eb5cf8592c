/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/funnel.h"

#define AT(member) offsetof(struct funnel, member)

/* Rows of one family follow each other; new ones only at the end (the state). */
static const struct {
	const char *family, *help, *label, *value;
	size_t offset;
} rows[] = {
    {"events", "Transactions and sessions without one.", NULL, NULL, AT(events)},
    {"sessions", "SMTP sessions.", NULL, NULL, AT(sessions)},
    {"mails", "SMTP transactions with a recipient.", NULL, NULL, AT(mails)},
    {"clients", "Events by what the client was.", "kind", "exempt", AT(exempt)},
    {"clients", NULL, "kind", "ordinary", AT(ordinary)},
    {"clients", NULL, "kind", "suspect", AT(suspects)},
    {"clients", NULL, "kind", "warned", AT(warned)},
    {"suspects_passed", "Suspects let pass at once.", "why", "allowed",
        AT(by_allowed)},
    {"suspects_passed", NULL, "why", "tries", AT(by_tries)},
    {"holds", "Ended holds by how they ended.", "end", "elapsed",
        AT(holds[HOLD_ELAPSED])},
    {"holds", NULL, "end", "endured", AT(holds[HOLD_ENDURED])},
    {"holds", NULL, "end", "unproven", AT(holds[HOLD_UNPROVEN])},
    {"holds", NULL, "end", "held", AT(holds[HOLD_HELD])},
    {"holds", NULL, "end", "gone", AT(holds[HOLD_GONE])},
    {"holds", NULL, "end", "released", AT(holds[HOLD_RELEASED])},
    {"holds", NULL, "end", "shed", AT(holds[HOLD_SHED])},
    {"holds", NULL, "end", "stopped", AT(holds[HOLD_STOPPED])},
    {"holds", NULL, "end", "mta_gone", AT(holds[HOLD_MTA_GONE])},
    {"holds", NULL, "end", "fault", AT(holds[HOLD_FAULT])},
    {"greylisted", "Transactions that heard a 450.", NULL, NULL, AT(greylisted)},
    {"overflows", "Suspects that the budget had no room to hold.", NULL, NULL,
        AT(overflow)},
    {"returns", "Visits of suspects that had come before.", NULL, NULL,
        AT(came_back)},
    {"grey_passed", "Messages that passed after greylisting.", NULL, NULL,
        AT(passed)},
    {"delivered", "Messages accepted.", "kind", "all", AT(delivered)},
    {"delivered", NULL, "kind", "suspect", AT(delivered_suspects)},
    {"feedback", "Results of content filters.", "verdict", "ham", AT(ham)},
    {"feedback", NULL, "verdict", "spam", AT(spam)},
    {"faults", "Events with a fault of ours.", "kind", "store", AT(faults[0])},
    {"faults", NULL, "kind", "dns", AT(faults[1])},
    {"faults", NULL, "kind", "limit", AT(faults[2])},
    {"faults", NULL, "kind", "gate", AT(faults[3])},
};
#define ROWS (sizeof(rows) / sizeof(*rows))

_Static_assert(ROWS <= METRICS_COUNTS, "the state has no room for all");

void
metrics_add(struct metrics_state *state, const struct funnel *funnel)
{
	for (size_t i = 0; i < ROWS; i++) {
		uint64_t value;
		memcpy(
		    &value, (const char *)funnel + rows[i].offset, sizeof(value));
		state->count[i] += value;
	}
}

void
metrics_state_write(const struct metrics_state *state, FILE *file)
{
	fprintf(file, "targrey-metrics 1\nevent_id %" PRId64 "\n", state->event_id);
	for (size_t i = 0; i < ROWS; i++)
		fprintf(file, "%s%s%s %" PRIu64 "\n", rows[i].family,
		    rows[i].value == NULL ? "" : "/",
		    rows[i].value == NULL ? "" : rows[i].value, state->count[i]);
}

bool
metrics_state_read(struct metrics_state *state, FILE *file)
{
	char name[64];
	uint64_t value;

	*state = (struct metrics_state){0};
	if (fscanf(file, "targrey-metrics 1 event_id %" SCNd64, &state->event_id) !=
	    1)
		return false;
	for (size_t i = 0; i < ROWS; i++) {
		int read = fscanf(file, " %63s %" SCNu64, name, &value);
		if (read == EOF)
			return true; /* written by an earlier version */
		if (read != 2)
			return false;
		state->count[i] = value;
	}
	return true;
}

void
metrics_write(const struct metrics_state *state, FILE *file)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].help != NULL)
			fprintf(file,
			    "# TYPE targrey_%s counter\n# HELP targrey_%s %s\n",
			    rows[i].family, rows[i].family, rows[i].help);
		fprintf(file, "targrey_%s_total", rows[i].family);
		if (rows[i].label != NULL)
			fprintf(file, "{%s=\"%s\"}", rows[i].label, rows[i].value);
		fprintf(file, " %" PRIu64 "\n", state->count[i]);
	}
}

void
metrics_gauges(const struct metrics_gauge *gauges, size_t count, FILE *file)
{
	for (size_t i = 0; i < count; i++) {
		const struct metrics_gauge *gauge = &gauges[i];
		if (isnan(gauge->value))
			continue;
		if (i == 0 || strcmp(gauges[i - 1].name, gauge->name) != 0) {
			fprintf(file, "# TYPE targrey_%s %s\n", gauge->name,
			    gauge->is_counter ? "counter" : "gauge");
			if (gauge->unit != NULL)
				fprintf(file, "# UNIT targrey_%s %s\n", gauge->name,
				    gauge->unit);
			fprintf(file, "# HELP targrey_%s %s\n", gauge->name,
			    gauge->help);
		}
		fprintf(file, "targrey_%s%s", gauge->name,
		    gauge->is_counter ? "_total" : "");
		if (gauge->label != NULL) {
			fprintf(file, "{%s=\"", gauge->label);
			escape_label(file, gauge->label_value);
			fputs("\"}", file);
		}
		fprintf(file, " %.17g\n", gauge->value);
	}
}

void
metrics_end(FILE *file)
{
	fputs("# EOF\n", file);
}
