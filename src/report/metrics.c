/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/funnel.h"

#define AT(member) offsetof(struct funnel, member)

/* Rows of one family are adjacent; new ones go at the end, because of the state. */
static const struct {
	const char *family, *help, *label, *value;
	size_t offset;
} rows[] = {
    {"events", "Transactions, and sessions without one.", NULL, NULL, AT(events)},
    {"sessions", "SMTP sessions.", NULL, NULL, AT(sessions)},
    {"mails", "SMTP transactions with a recipient.", NULL, NULL, AT(mails)},
    {"clients", "Events, by what the client was.", "kind", "exempt", AT(exempt)},
    {"clients", NULL, "kind", "ordinary", AT(ordinary)},
    {"clients", NULL, "kind", "suspect", AT(suspects)},
    {"clients", NULL, "kind", "warned", AT(warned)},
    {"suspects_passed", "Suspects let through at once.", "why", "known",
        AT(by_known)},
    {"suspects_passed", NULL, "why", "tries", AT(by_tries)},
    {"holds", "Ended holds, by how they ended.", "end", "elapsed",
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
    {"greylisted", "Transactions answered with 450.", NULL, NULL, AT(greylisted)},
    {"overflows", "Suspects for whose hold the budget had no place.", NULL, NULL,
        AT(overflow)},
    {"returns", "Visits of suspects that had come before.", NULL, NULL,
        AT(came_back)},
    {"grey_passed", "Messages that passed after greylisting.", NULL, NULL,
        AT(passed)},
    {"delivered", "Messages accepted.", "kind", "all", AT(delivered)},
    {"delivered", NULL, "kind", "suspect", AT(delivered_suspects)},
    {"feedback", "Verdicts of content filters and people.", "verdict", "ham",
        AT(ham)},
    {"feedback", NULL, "verdict", "spam", AT(spam)},
    {"faults", "Events with a fault of targrey itself.", "kind", "store",
        AT(faults[FAULT_STORE])},
    {"faults", NULL, "kind", "dns", AT(faults[FAULT_DNS])},
    {"faults", NULL, "kind", "limit", AT(faults[FAULT_LIMIT])},
    {"faults", NULL, "kind", "gate", AT(faults[FAULT_GATE])},
};
#define ROWS (sizeof rows / sizeof *rows)

_Static_assert(ROWS <= METRICS_COUNTS, "the state has no room for all");

void
metrics_add(struct metrics_state *state, const struct funnel *funnel)
{
	for (size_t i = 0; i < ROWS; i++) {
		uint64_t value;
		memcpy(&value, (const char *)funnel + rows[i].offset, sizeof value);
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

size_t
metrics_counts(
    const struct metrics_state *state, struct metric row_r[static METRICS_COUNTS])
{
	for (size_t i = 0; i < ROWS; i++)
		row_r[i] = (struct metric){.name = rows[i].family,
		    .help = rows[i].help,
		    .value = (double)state->count[i],
		    .is_counter = true,
		    .label = rows[i].label,
		    .label_value = rows[i].value};
	return ROWS;
}

void
metrics_write(const struct metric *metrics, size_t count, FILE *file)
{
	const char *family = "";

	for (size_t i = 0; i < count; i++) {
		const struct metric *metric = &metrics[i];
		if (isnan(metric->value))
			continue;
		if (strcmp(family, metric->name) != 0) {
			fprintf(file, "# TYPE targrey_%s %s\n", metric->name,
			    metric->is_counter ? "counter" : "gauge");
			if (metric->unit != NULL)
				fprintf(file, "# UNIT targrey_%s %s\n",
				    metric->name, metric->unit);
			fprintf(file, "# HELP targrey_%s %s\n", metric->name,
			    metric->help);
			family = metric->name;
		}
		fprintf(file, "targrey_%s%s", metric->name,
		    metric->is_counter ? "_total" : "");
		if (metric->label != NULL) {
			fprintf(file, "{%s=\"", metric->label);
			escape_label(file, metric->label_value);
			fputs("\"}", file);
		}
		fprintf(file, " %.17g\n", metric->value);
	}
	fputs("# EOF\n", file);
}

void
metrics_doc(const struct metric *metrics, size_t count, struct doc *doc)
{
	static const struct column columns[] = {
	    {"name", "Name", 0, false},
	    {"label", "Label", 0, false},
	    {"label_value", "Label value", 0, false},
	    {"value", "Value", 0, false},
	};
	char name[64];

	doc_section(doc, "metrics", "Metrics");
	doc_table(doc, columns, 4);
	for (size_t i = 0; i < count; i++) {
		const struct metric *metric = &metrics[i];
		if (isnan(metric->value))
			continue;
		snprintf(name, sizeof name, "targrey_%s%s", metric->name,
		    metric->is_counter ? "_total" : "");
		doc_row(
		    doc, (struct cell[]){cell_text(name), cell_text(metric->label),
		             cell_text(metric->label_value),
		             cell_count((uint64_t)metric->value)});
	}
}
