/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/explain_event.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/lines.h"
#include "base/text.h"
#include "policy/judge.h"
#include "session/explain.h"

static const char *
word(const struct event *event, enum session_key key)
{
	return event->words->value[key];
}

static void
put_client(struct doc *doc, const struct event *event)
{
	char ip[IP_TEXT_SIZE];

	doc_section(doc, "client", "The client");
	doc_fact(doc, "time", "Time", cell_time(event->time));
	doc_fact(doc, "mx", "MX", cell_text(word(event, SK_ID)));
	doc_fact(doc, "ip", "Address", cell_text(ip_to_text(&event->ip, ip)));
	doc_fact(doc, "name", "Verified name", cell_text(event->name));
	doc_fact(doc, "ptr", "Unverified name", cell_text(event->ptr));
	doc_fact(doc, "heloname", "HELO", cell_text(event->heloname));
	doc_fact(doc, "sender", "Sender",
	    cell_text(event->sender != NULL && *event->sender == '\0'
	                  ? "<>"
	                  : event->sender));
	doc_fact(doc, "recipients", "Recipients", cell_text(event->recipients));
	doc_fact(doc, "rcpt_refused", "Recipients refused by others",
	    cell_count(event->rcpt_refused));
	doc_fact(doc, "queue_id", "Queue id", cell_text(event->queue_id));
	doc_fact(doc, "message_id", "Message-ID", cell_text(event->message_id));
	doc_fact(doc, "sid", "sid", cell_text(word(event, SK_SID)));
}

static void
put_step(struct doc *doc, const char *step, const char *said)
{
	doc_row(doc, (struct cell[]){cell_text(step), cell_text(said)});
}

static const char *
why_text(const char *word)
{
	for (enum why why = 0; why < WHYS; why++) {
		if (strcmp(why_words[why], word) == 0)
			return why_texts[why];
	}
	return word;
}

/* With a single MX there is nothing to say. */
static void
put_mx(struct doc *doc, const struct event *event)
{
	bool is_backwards =
	    strcmp(word(event, SK_MX_ORDER), "secondary-first") == 0;
	unsigned long count = strtoul(word(event, SK_MX), NULL, 10);
	char text[100];

	if (count < 2 && !is_backwards)
		return;
	snprintf(text, sizeof text, "tried at %lu MX%s so far%s", count,
	    count == 1 ? "" : "s", is_backwards ? ", at a secondary first" : "");
	put_step(doc, "mx", text);
}

/* Postfix or a later filter may still refuse it: only a log tells. */
static void
put_reply(struct doc *doc, const struct event *event)
{
	static const char others[] = "others ";
	const char *reply = event->reply == NULL ? "none" : event->reply;
	char text[100];

	if (strncmp(reply, others, sizeof others - 1) == 0)
		snprintf(text, sizeof text,
		    "let through by targrey, then refused by Postfix or another "
		    "filter: %.20s",
		    reply + sizeof others - 1);
	else
		snprintf(text, sizeof text, "%.20s%s", reply,
		    event->delivered ? ", let through by targrey" : "");
	put_step(doc, "reply", text);
}

static void
put_feedback(struct doc *doc, const struct event *event)
{
	char text[100];

	if (event->feedback == NULL)
		return;
	snprintf(
	    text, sizeof text, "%s, score %.2f", event->feedback, event->score);
	put_step(doc, "filter", text);
}

/* S25R comes before the others, unless it is on trial. */
static void
put_selector(struct doc *doc, const struct event *event)
{
	const char *detail = event->why_detail;
	bool matches = strcmp(word(event, SK_S25R), "match") == 0;
	bool is_of_s25r = matches && strcmp(word(event, SK_WHY), "record") != 0;

	put_step(doc, "s25r",
	    !matches                       ? "no rule matches the name"
	    : is_of_s25r && detail != NULL ? detail
	                                   : "a rule matches");
	if (!is_of_s25r && detail != NULL)
		put_step(doc, "detail", detail);
}

static void
put_event_steps(struct doc *doc, const struct event *event)
{
	static const struct column columns[] = {
	    {"step", "Step", 0, false},
	    {"said", "Said", 0, false},
	};
	char text[700];

	doc_section(doc, "steps", "What happened");
	doc_table(doc, columns, 2);
	if (event->exempt != NULL) {
		put_step(doc, "exempt", event->exempt);
	} else {
		put_selector(doc, event);
		snprintf(text, sizeof text,
		    "first seen %s days ago, %s sessions before, %s good, gave up "
		    "%s times",
		    word(event, SK_AGE), word(event, SK_SEEN),
		    word(event, SK_PASSED), word(event, SK_GAVEUP));
		put_step(doc, "record", text);
		snprintf(text, sizeof text, "%s: %s (mode %s)%s%s",
		    word(event, SK_VERDICT), why_text(word(event, SK_WHY)),
		    word(event, SK_MODE),
		    strcmp(word(event, SK_WOULD), "none") == 0
		        ? ""
		        : "; would otherwise: ",
		    strcmp(word(event, SK_WOULD), "none") == 0
		        ? ""
		        : word(event, SK_WOULD));
		put_step(doc, "verdict", text);
	}
	put_mx(doc, event);
	if (event->hold_end != HOLD_NONE) {
		snprintf(text, sizeof text,
		    "planned %.1f s, lasted %.1f s, ended: %s",
		    (double)event->hold_asked_ms / 1000,
		    (double)event->hold_ms / 1000, hold_end_words[event->hold_end]);
		put_step(doc, "hold", text);
	}
	if (strcmp(word(event, SK_GREY), "passed") == 0) {
		snprintf(text, sizeof text,
		    "%s tries, %s s after the first attempt",
		    word(event, SK_GREY_TRIES), word(event, SK_GREY_SECS));
		put_step(doc, "greylisting", text);
	}
	if (event->dns_ms >= 0) {
		snprintf(text, sizeof text, "%" PRId64 " ms, spf=%s", event->dns_ms,
		    word(event, SK_SPF));
		put_step(doc, "dns", text);
	}
	if (strcmp(word(event, SK_FAULT), "none") != 0)
		put_step(doc, "fault", word(event, SK_FAULT));
	put_reply(doc, event);
	put_feedback(doc, event);
}

/* What an allow list lets off comes from outside and carries its headers. */
static bool
has_headers(const struct event *event)
{
	return event->exempt == NULL ||
	       strcmp(word(event, SK_WHY), why_words[WHY_LISTED]) == 0;
}

static bool
tell(void *ctx, const struct event *event)
{
	struct doc *doc = ctx;
	char header[STAMP_SESSION_SIZE];

	put_client(doc, event);
	put_event_steps(doc, event);
	doc_section(doc, "header", "Header");
	if (!has_headers(event)) {
		doc_say(doc, "It was exempt and got no X-TaRgrey headers.");
	} else {
		stamp_session(event->words, header);
		doc_fact(doc, "session", "X-TaRgrey-Session:", cell_text(header));
	}
	return true;
}

/* found_r: false and no error when there is no such event */
static bool
look_up(struct admin *admin, const char *sid, const char *queue_id, struct doc *doc,
    struct error *error)
{
	struct event_filter filter = {.sid = sid,
	    .queue_id = queue_id,
	    .newest_first = true,
	    .limit = sid != NULL ? 50 : 1};

	return query_events(admin_query(admin, false), &filter, tell, doc, error);
}

int
explain_event(struct admin *admin, const char *sid, const char *queue_id)
{
	struct doc *doc;
	struct error error;

	if (admin_query(admin, false) == NULL)
		return EXIT_FAILED;
	doc = doc_new("targrey explain");
	if (doc == NULL)
		return admin_write(admin, &doc);
	bool ok = look_up(admin, sid, queue_id, doc, &error);
	if (ok && doc->sections_count == 0) {
		error_set(&error,
		    "no event has that %s; events are kept as long as store.events "
		    "says",
		    sid != NULL ? "sid" : "queue id");
		ok = false;
	}
	if (!ok) {
		doc_free(&doc);
		return failed(admin, &error);
	}
	return admin_write(admin, &doc);
}

struct header {
	char value[2048];
	bool found;
};

/* The topmost one counts: the client may have written those below it. */
static bool
take_line(void *ctx, char *line)
{
	static const char name[] = "X-TaRgrey-Session:";
	struct header *header = ctx;

	if (line == NULL || *line == '\0')
		return line == NULL;
	if (strncasecmp(line, name, sizeof name - 1) != 0)
		return true;
	text_copy(
	    header->value, sizeof header->value, text_trim(line + sizeof name - 1));
	header->found = true;
	return false;
}

static bool
value_of(const char *header, const char *key, char *buf, size_t size)
{
	size_t length = strlen(key);

	for (const char *at = header; *at != '\0';) {
		size_t end = strcspn(at, ";");
		if (strncmp(at, key, length) == 0 && at[length] == '=') {
			snprintf(buf, size, "%.*s", (int)(end - length - 1),
			    at + length + 1);
			return true;
		}
		at += end;
		at += strspn(at, "; ");
	}
	return false;
}

static int
tell_header(struct admin *admin, const struct header *header)
{
	struct doc *doc = doc_new("targrey explain");
	char value[SESSION_VALUE_SIZE];

	if (doc != NULL) {
		doc_section(doc, "header", "What the header says");
		doc_say(doc, "The event is not in the database, or no longer.");
		for (size_t i = 0; i < SESSION_KEYS; i++) {
			const char *key = session_keys[i].name;
			if (value_of(header->value, key, value, sizeof value))
				doc_fact(doc, key, key, cell_text(value));
		}
	}
	return admin_write(admin, &doc);
}

int
explain_message(struct admin *admin, const char *path)
{
	struct header header = {.found = false};
	char sid[SESSION_VALUE_SIZE];
	struct error error;

	if (!lines_each(admin, path, take_line, &header, &error))
		return failed(admin, &error);
	if (!header.found || !value_of(header.value, "sid", sid, sizeof sid)) {
		error_set(&error,
		    "%s: no X-TaRgrey-Session header: the mail was exempt, or did "
		    "not come "
		    "through targrey",
		    path);
		return failed(admin, &error);
	}
	if (admin_query(admin, false) == NULL)
		return EXIT_FAILED;
	struct doc *doc = doc_new("targrey explain");
	if (doc == NULL)
		return admin_write(admin, &doc);
	if (!look_up(admin, sid, NULL, doc, &error)) {
		doc_free(&doc);
		return failed(admin, &error);
	}
	if (doc->sections_count > 0)
		return admin_write(admin, &doc);
	doc_free(&doc);
	return tell_header(admin, &header);
}
