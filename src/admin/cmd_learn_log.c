/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <string.h>

#include "admin/cmd.h"
#include "admin/lines.h"
#include "maillog/maillog.h"

/* Verdicts written in one short transaction: the daemon never waits for long. */
#define BATCH 64
/* A log line and its event are at most so far apart (time zones included). */
#define APART_S (3 * 86400)

struct learning {
	struct query *query;
	struct log_clock clock;
	int64_t now;
	struct {
		int64_t event_id;
		double score;
		const char *verdict;
	} batch[BATCH];
	size_t batch_count;
	uint64_t lines, skipped, verdicts, unknown, ham, spam, scores, known;
	bool is_dry;
	struct error *error;
	bool failed;
};

struct found {
	int64_t id;
	bool has_feedback;
};

static bool
take_event(void *ctx, const struct event *event)
{
	struct found *found = ctx;

	found->id = event->id;
	found->has_feedback = event->feedback != NULL;
	return false;
}

static bool
find_event(
    struct learning *learning, const struct log_line *line, struct found *found)
{
	struct event_filter filter = {.since = line->time - APART_S,
	    .until = line->time + APART_S,
	    .newest_first = true,
	    .limit = 1};
	char id[300];

	*found = (struct found){0};
	if (*line->queue_id != '\0') {
		filter.queue_id = line->queue_id;
		if (!query_events(learning->query, &filter, take_event, found,
		        learning->error))
			return false;
	}
	filter.queue_id = NULL;
	filter.message_id = line->message_id;
	for (int i = 0; i < 2 && found->id == 0 && *line->message_id != '\0'; i++) {
		if (!query_events(learning->query, &filter, take_event, found,
		        learning->error))
			return false;
		/* once more with, or without, the brackets */
		size_t length = strlen(line->message_id);
		if (*line->message_id != '<')
			snprintf(id, sizeof(id), "<%s>", line->message_id);
		else
			snprintf(id, sizeof(id), "%.*s", (int)(length - 2),
			    line->message_id + 1);
		filter.message_id = id;
	}
	return true;
}

static bool
write_batch(struct learning *learning)
{
	size_t count = learning->batch_count;

	learning->batch_count = 0;
	if (count == 0 || learning->is_dry)
		return true;
	if (!query_begin(learning->query, learning->error))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!query_feedback(learning->query, learning->batch[i].event_id,
		        learning->batch[i].score, learning->batch[i].verdict,
		        learning->error))
			return false;
	}
	return query_commit(learning->query, learning->error);
}

static bool
learn(struct learning *learning, const struct log_line *line)
{
	struct found found;

	learning->verdicts++;
	if (!find_event(learning, line, &found))
		return false;
	if (found.id == 0) {
		learning->unknown++;
		return true;
	}
	learning->known += found.has_feedback;
	if (found.has_feedback)
		return true;
	learning->ham += line->verdict != NULL && strcmp(line->verdict, "ham") == 0;
	learning->spam +=
	    line->verdict != NULL && strcmp(line->verdict, "spam") == 0;
	learning->scores += isnan(line->score) ? 0 : 1;
	learning->batch[learning->batch_count].event_id = found.id;
	learning->batch[learning->batch_count].score = line->score;
	learning->batch[learning->batch_count].verdict = line->verdict;
	return ++learning->batch_count < BATCH || write_batch(learning);
}

static bool
add_line(void *ctx, char *text)
{
	struct learning *learning = ctx;

	learning->lines++;
	if (text == NULL) {
		learning->skipped++;
		return true;
	}
	struct log_line line = maillog_parse(&learning->clock, text, learning->now);
	learning->skipped += line.kind == LOG_BROKEN;
	if (line.kind != LOG_VERDICT)
		return true;
	learning->failed = !learn(learning, &line);
	return !learning->failed;
}

static int
run(struct admin *admin)
{
	struct error error;
	struct learning learning = {.now = admin_now(admin),
	    .is_dry = args_value(admin, "dry-run") != NULL,
	    .error = &error};

	learning.query = admin_query(admin, !learning.is_dry);
	if (learning.query == NULL)
		return EXIT_FAILED;
	for (int i = 0; i < admin->words_count; i++) {
		bool ok =
		    lines_each(admin, admin->words[i], add_line, &learning, &error);
		if (!ok || learning.failed || !write_batch(&learning))
			return failed(admin, &error);
	}
	struct doc *doc = doc_new("targrey learn-log");
	if (doc != NULL) {
		doc_section(doc, "learned", "Learned");
		doc_fact(doc, "lines", "Lines", cell_count(learning.lines));
		doc_fact(doc, "skipped", "broken or too long (skipped)",
		    cell_count(learning.skipped));
		doc_fact(doc, "verdicts", "Results of content filters",
		    cell_count(learning.verdicts));
		doc_fact(doc, "unknown", "of mail without an event",
		    cell_count(learning.unknown));
		doc_fact(
		    doc, "known", "learned already", cell_count(learning.known));
		doc_fact(
		    doc, "scores", "Scores added", cell_count(learning.scores));
		doc_fact(doc, "ham", "Ham added", cell_count(learning.ham));
		doc_fact(doc, "spam", "Spam added", cell_count(learning.spam));
		if (learning.is_dry)
			doc_say(doc, "Nothing was written (--dry-run).");
	}
	return admin_write(admin, &doc);
}

static const struct option_row options[] = {
    {"dry-run", NULL, "write nothing", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_learn_log = {
    .name = "learn-log",
    .args = "FILE... [--dry-run]",
    .help = "Add the results of content filters from mail logs to the events",
    .manual = "Reads results of amavis, spamd, rspamd and of SpamAssassin's "
              "X-Spam-Status where "
              "Postfix logs it (header_checks with INFO), and finds the event by "
              "queue id, else "
              "by Message-ID. The first result of an event counts: ham and spam of "
              "its address, "
              "and spam ends what the address has earned as allowed. The same log "
              "may be read "
              "again; nothing is counted twice. - is standard input. What was "
              "learned is shown "
              "by report, with proposals for allow.d.",
    .options = options,
    .words_least = 1,
    .words_most = WORDS_MAX,
    .run = run,
};
