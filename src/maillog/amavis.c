/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amavis' line for a message ($log_short_templ at the end of Amavis.pm):
 *
 *   (07-01) Passed CLEAN {RelayedInbound}, [192.0.2.1]:25 [192.0.2.1]
 *   <from> -> <to>,<to>, quarantine: q, Queue-ID: Q, Message-ID: <m>,
 *   Resent-Message-ID: <r>, mail_id: i, Hits: 1.2, size: 7, ..., 10 ms
 *
 * Addresses are quoted as in RFC 5321; Message-IDs hold no ">" but an escaped
 * one. Everything is logged with control characters and backslashes
 * escaped by a backslash (sanitize_str), so a backslash comes doubled.
 */
#include <math.h>
#include <string.h>

#include "maillog/scan_private.h"

/* One character as it was before it was logged; returns what follows. */
static char *
logged(char *at, char *c_r)
{
	*c_r = *at;
	return at + (at[0] == '\\' && at[1] == '\\' ? 2 : 1);
}

/*
 * Something in brackets; returns what follows ">", or NULL. An address may hold a
 * ">" in quotes, a Message-ID may have a quote without its other half.
 */
static char *
bracketed(char *at, bool has_quotes)
{
	bool is_quoted = false;
	char c;

	if (*at++ != '<')
		return NULL;
	while (*at != '\0') {
		at = logged(at, &c);
		if (c == '\\' && *at != '\0')
			at = logged(at, &c);
		else if (c == '"' && has_quotes)
			is_quoted = !is_quoted;
		else if (c == '>' && !is_quoted)
			return at;
	}
	return NULL;
}

/* What the class says of the message; NULL: nothing about spam. */
static const char *
class_verdict(const char *class)
{
	static const struct {
		const char *class, *verdict;
	} classes[] = {{"CLEAN", "ham"}, {"BAD-HEADER-", "ham"},
	    {"BAD-HEADER ", "ham"}, {"BAD-HEADER,", "ham"}, {"SPAMMY", "spam"},
	    {"SPAM", "spam"}};

	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		if (strncmp(class, classes[i].class, strlen(classes[i].class)) == 0)
			return classes[i].verdict;
	}
	return NULL;
}

/* "(07-01) Passed " or Blocked; returns the class, or NULL */
static char *
head(char *text)
{
	static const char *const words[] = {"Passed ", "Blocked "};

	if (*text != '(')
		return NULL;
	size_t id = strspn(text + 1, "0123456789-");
	char *at = scan_after(text + 1 + id, ") ");
	for (size_t i = 0; at != NULL && i < 2; i++) {
		char *class = scan_after(at, words[i]);
		if (class != NULL)
			return class;
	}
	return NULL;
}

/* "[192.0.2.1]:25 " among the words before the sender */
static void
take_client(struct log_line *line, const char *from, const char *to)
{
	char text[IP_TEXT_SIZE + 8];
	const char *open = memchr(from, '[', (size_t)(to - from));
	size_t length = open == NULL ? 0 : strcspn(open + 1, "]");

	if (open == NULL || length >= sizeof text)
		return;
	memcpy(text, open + 1, length);
	text[length] = '\0';
	const char *address = strncmp(text, "IPv6:", 5) == 0 ? text + 5 : text;
	line->has_ip = ip_from_text(address, &line->ip);
}

/* From the class to the end of the recipients; returns what follows, or NULL. */
static char *
skip_envelope(struct log_line *line, char *class)
{
	char *sender = class + strcspn(class, "<(");

	/* names of viruses and of banned files are strangers' text, too */
	if (*sender != '<')
		return NULL;
	take_client(line, class, sender);
	char *at = bracketed(sender, true);
	at = at == NULL ? NULL : scan_after(at, " -> ");
	while (at != NULL && (at = bracketed(at, true)) != NULL && at[0] == ',' &&
	       at[1] == '<')
		at++;
	return at;
}

/* ", KEY: " and its value; *at moves past it. "" when it is not there. */
static char *
take_plain(char **at, const char *key, const char *more)
{
	static char nothing[1];
	char *value = scan_after(*at, key);

	if (value == NULL)
		return nothing;
	size_t length = scan_queue_id(value);
	if (more != NULL)
		length = strcspn(value, more);
	if (length == 0)
		return nothing;
	*at = value + length;
	return value;
}

static char *
take_message_id(char **at, const char *key)
{
	static char nothing[1];
	char *value = scan_after(*at, key);
	char *end = value == NULL ? NULL : bracketed(value, false);

	if (end == NULL)
		return nothing;
	*at = end;
	return value;
}

void
scan_amavis(struct log_line *line, char *text)
{
	char *class = head(text);

	if (class == NULL)
		return;
	line->kind = LOG_DOUBTFUL;
	line->verdict = class_verdict(class);
	if (strncmp(class, "INFECTED", 8) == 0 ||
	    strncmp(class, "BANNED", 6) == 0) {
		line->kind = LOG_NO_RESULT;
		return;
	}
	char *at = skip_envelope(line, class);
	if (at == NULL)
		return;
	take_plain(&at, ", quarantine: ", ", <>\"");
	char *queue_id = take_plain(&at, ", Queue-ID: ", NULL);
	char *queue_end = at;
	char *message_id = take_message_id(&at, ", Message-ID: ");
	char *message_end = at;
	take_message_id(&at, ", Resent-Message-ID: ");
	take_plain(&at, ", mail_id: ", ", <>\"");
	char *hits = scan_after(at, ", Hits: ");
	/* the same key twice: an address or a subject holds it, too */
	if (hits == NULL || scan_count(at, ", Hits: ") != 1 ||
	    strstr(at, ", Queue-ID: ") != NULL)
		return;
	if (*queue_id == '\0' && *message_id == '\0') {
		/* $log_recip_templ: once more for each recipient, without ids */
		line->kind = LOG_OTHER;
		return;
	}
	if (hits[0] == '-' && (hits[1] == ',' || hits[1] == '\0')) {
		line->kind = LOG_NO_RESULT;
		line->verdict = NULL;
		return;
	}
	if (!scan_score(hits, ",/", &line->score))
		return;
	line->kind = LOG_VERDICT;
	if (*queue_id != '\0')
		*queue_end = '\0';
	if (*message_id != '\0')
		*message_end = '\0';
	line->queue_id = queue_id;
	line->message_id = message_id;
}
