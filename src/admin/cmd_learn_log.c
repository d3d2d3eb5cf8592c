/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <string.h>

#include "admin/cmd.h"
#include "admin/lines.h"
#include "admin/rules.h"
#include "base/text.h"
#include "maillog/maillog.h"
#include "maillog/unread.h"

/* Verdicts per transaction: few, so that the daemon never waits for long. */
#define BATCH 64

/* What to write about one event. */
struct lesson {
	int64_t event_id;
	double score;
	const char *verdict;
	char reply[12]; /* "": a verdict; else others refused it with this */
	bool is_final;
};

struct learning {
	struct query *query;
	const struct config *config;
	struct log_clock clock;
	struct success_rules rules;
	struct lesson batch[BATCH];
	size_t batch_count;
	struct log_unread unread;
	uint64_t too_long, verdicts, no_result, unknown, ambiguous, ham, spam,
	    scores, known;
	uint64_t refused_for_good, refused_for_now;
	bool is_dry;
	struct error *error;
	bool failed;
};

static bool
write_lesson(
    struct learning *learning, const struct lesson *lesson, struct error *error)
{
	if (*lesson->reply != '\0')
		return query_refusal(learning->query, lesson->event_id,
		    lesson->reply, lesson->is_final, &learning->rules, error);
	return query_feedback(learning->query, lesson->event_id, lesson->score,
	    lesson->verdict, false, error);
}

static bool
write_lessons(void *ctx, struct error *error)
{
	struct learning *learning = ctx;
	bool ok = true;

	for (size_t i = 0; ok && i < learning->batch_count; i++)
		ok = write_lesson(learning, &learning->batch[i], error);
	return ok;
}

static bool
write_batch(struct learning *learning)
{
	bool ok =
	    learning->batch_count == 0 || learning->is_dry ||
	    query_change(learning->query, write_lessons, learning, learning->error);

	learning->batch_count = 0;
	return ok;
}

static bool
add_lesson(struct learning *learning, const struct lesson *lesson)
{
	learning->batch[learning->batch_count++] = *lesson;
	return learning->batch_count < BATCH || write_batch(learning);
}

/* An earlier line already said the same about this event. */
static bool
is_in_batch(const struct learning *learning, int64_t event_id, bool is_verdict)
{
	for (size_t i = 0; i < learning->batch_count; i++) {
		const struct lesson *lesson = &learning->batch[i];
		if (lesson->event_id == event_id &&
		    (*lesson->reply == '\0') == is_verdict)
			return true;
	}
	return false;
}

/* A filter behind our own relay may see the relay, not the client. */
static const struct ip *
client_of(const struct learning *learning, const struct log_line *line)
{
	static const char *const loopback[] = {"127.0.0.0/8", "::1"};
	struct ipnet net;

	if (!line->has_ip)
		return NULL;
	for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++) {
		if (ipnet_from_text(loopback[i], &net) &&
		    ipnet_has(&net, &line->ip))
			return NULL;
	}
	return ipnet_find(learning->config->exempt, learning->config->exempt_count,
	           &line->ip) != NULL
	           ? NULL
	           : &line->ip;
}

static bool
find_event(struct learning *learning, const struct log_line *line,
    struct message_found *found)
{
	struct message_ref message = {.queue_id = line->queue_id,
	    .message_id = line->message_id,
	    .time = line->time,
	    .ip = client_of(learning, line)};

	return query_find_message(
	    learning->query, &message, found, learning->error);
}

static bool
learn_verdict(struct learning *learning, const struct log_line *line)
{
	struct message_found found;

	learning->verdicts++;
	if (!find_event(learning, line, &found))
		return false;
	if (found.event_id == 0) {
		learning->unknown++;
		return true;
	}
	if (found.is_ambiguous) {
		learning->ambiguous++;
		return true;
	}
	if (found.has_feedback || is_in_batch(learning, found.event_id, true)) {
		learning->known++;
		return true;
	}
	learning->ham += line->verdict != NULL && strcmp(line->verdict, "ham") == 0;
	learning->spam +=
	    line->verdict != NULL && strcmp(line->verdict, "spam") == 0;
	learning->scores += isnan(line->score) ? 0 : 1;
	return add_lesson(learning, &(struct lesson){.event_id = found.event_id,
	                                .score = line->score,
	                                .verdict = line->verdict});
}

/* What targrey refused itself needs no correction. */
static bool
learn_refusal(struct learning *learning, const struct log_line *line)
{
	struct message_found found;
	bool is_final = line->code >= 500;

	if (!find_event(learning, line, &found))
		return false;
	if (found.event_id == 0 || found.is_ambiguous || !found.is_delivered ||
	    is_in_batch(learning, found.event_id, false))
		return true;
	learning->refused_for_good += is_final;
	learning->refused_for_now += !is_final;
	struct lesson lesson = {.event_id = found.event_id, .is_final = is_final};
	text_copy(lesson.reply, sizeof lesson.reply, line->reply);
	return add_lesson(learning, &lesson);
}

static bool
learn(struct learning *learning, const struct log_line *line)
{
	if (line->kind == LOG_VERDICT)
		return learn_verdict(learning, line);
	learning->no_result += line->kind == LOG_NO_RESULT;
	if (line->kind == LOG_REFUSE && line->is_end && *line->queue_id != '\0' &&
	    strcmp(line->queue_id, "NOQUEUE") != 0)
		return learn_refusal(learning, line);
	return true;
}

static bool
add_line(void *ctx, char *text)
{
	struct learning *learning = ctx;
	struct log_envelope envelope;
	char copy[200];

	if (text == NULL) {
		learning->unread.lines++;
		learning->too_long++;
		return true;
	}
	unread_keep(&learning->unread, text, copy);
	struct log_line line =
	    maillog_parse(&learning->clock, &envelope, text, learning->rules.now);
	unread_count(&learning->unread, &line, copy);
	learning->failed = !learn(learning, &line);
	envelope_clear(&envelope);
	return !learning->failed;
}

static struct doc *
tell(const struct learning *learning)
{
	struct doc *doc = doc_new("targrey learn-log");

	if (doc == NULL)
		return NULL;
	doc_section(doc, "learned", "Learned");
	doc_fact(doc, "lines", "Lines", cell_count(learning->unread.lines));
	doc_fact(doc, "skipped", "not understood or too long (skipped)",
	    cell_count(learning->unread.broken + learning->too_long));
	doc_fact(doc, "verdicts", "Results of content filters",
	    cell_count(learning->verdicts));
	doc_fact(doc, "unknown", "of mail without an event",
	    cell_count(learning->unknown));
	doc_fact(doc, "ambiguous", "of one of several mails with that Message-ID",
	    cell_count(learning->ambiguous));
	doc_fact(doc, "known", "learned already", cell_count(learning->known));
	doc_fact(doc, "no_result", "Mail that a filter did not judge",
	    cell_count(learning->no_result));
	doc_fact(doc, "doubtful", "Lines of filters not used",
	    cell_count(learning->unread.doubtful));
	doc_fact(doc, "scores", "Scores added", cell_count(learning->scores));
	doc_fact(doc, "ham", "Ham added", cell_count(learning->ham));
	doc_fact(doc, "spam", "Spam added", cell_count(learning->spam));
	doc_fact(doc, "refused_for_good",
	    "Let through by targrey, then refused by others (5xx)",
	    cell_count(learning->refused_for_good));
	doc_fact(doc, "refused_for_now", "the same for now (4xx)",
	    cell_count(learning->refused_for_now));
	unread_write(&learning->unread, "learn-log", doc);
	if (learning->is_dry)
		doc_say(doc, "Nothing was written (--dry-run).");
	return doc;
}

static int
run(struct admin *admin)
{
	struct error error;
	struct learning learning = {
	    .is_dry = args_value(admin, "dry-run") != NULL, .error = &error};
	const struct config *config = admin_config_or_defaults(admin);

	if (config == NULL)
		return EXIT_FAILED;
	learning.config = config;
	learning.rules = (struct success_rules){.now = admin_now(admin),
	    .known_successes = config->policy.known_successes,
	    .trust_eom = config->policy.trust_eom};
	learning.query = admin_query(admin, !learning.is_dry);
	if (learning.query == NULL)
		return EXIT_FAILED;
	for (int i = 0; i < admin->words_count; i++) {
		bool ok =
		    lines_each(admin, admin->words[i], add_line, &learning, &error);
		if (!ok || learning.failed || !write_batch(&learning))
			return failed(admin, &error);
	}
	struct doc *doc = tell(&learning);
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
    .manual =
        "Debian 12 keeps the log in the journal: journalctl --facility=mail --all "
        "-o short-iso --since -1d | targreyctl learn-log -. rspamd writes a file "
        "of "
        "its own: targreyctl learn-log /var/log/rspamd/rspamd.log.\n\n"
        "Reads the results of amavis, spamd and rspamd from a syslog, the journal "
        "or "
        "their own files, and SpamAssassin's X-Spam-Status where a milter adds it "
        "and Postfix logs it: milter_header_checks = "
        "regexp:/etc/postfix/milter_header_checks "
        "in main.cf, with the line /^X-Spam-Status:/ INFO. Lines of header_checks "
        "are never used: what those see is what the sender wrote.\n\n"
        "The event is found by queue id, and where the line has none by Message-ID "
        "within 15 minutes; the one nearest in time is meant, and a client address "
        "in the line must be its own. A Message-ID that came from several clients "
        "within that time is not used. A line that can be read in two ways is not "
        "used, and counted. The first result of an event counts: ham and spam of "
        "its "
        "address, and spam ends what the address has earned as known. What a "
        "filter did not judge (amavis' Hits: -, rspamd's greylist and soft reject) "
        "is no result.\n\n"
        "What others refused after targrey had let it through (milter-reject, "
        "reject at the end of a message) is corrected as well: the event is no "
        "longer "
        "a delivered one, and for a 5xx the success of its client is taken "
        "back.\n\n"
        "The same log may be read again; nothing is counted twice. What was "
        "learned "
        "is shown by report, with proposals for allow.d.",
    .options = options,
    .words_least = 1,
    .words_most = WORDS_MAX,
    .run = run,
};
