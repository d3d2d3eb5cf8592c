/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Postfix's lines (smtpd.c, smtpd_check.c, cleanup_message.c, cleanup_milter.c,
 * qmgr_active.c). The queue id and the client precede everything that strangers
 * choose, except in cleanup's header_checks lines.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "maillog/scan_private.h"

/* What follows an address and its ">": quoted as in RFC 5321. NULL: none. */
static char *
address_end(char *at)
{
	while (*at != '\0' && *at != '>' && *at != '<') {
		if (*at == '"') {
			for (at++; *at != '\0' && *at != '"'; at++)
				at += *at == '\\' && at[1] != '\0';
			if (*at == '\0')
				return NULL;
		}
		at++;
	}
	return *at == '>' ? at + 1 : NULL;
}

/* " proto=ESMTP helo=<x> sasl_username=<u>" to the end; each may be missing */
static bool
is_tail(char *at)
{
	static const char *const keys[] = {" helo=<", " sasl_username=<"};
	char *value = scan_after(at, " proto=");

	if (value != NULL)
		at = value + strcspn(value, " ");
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		value = scan_after(at, keys[i]);
		if (value == NULL)
			continue;
		at = value + strcspn(value, "<>");
		if (*at++ != '>')
			return false;
	}
	return *at == '\0';
}

/* "; from=<a> to=<b> proto=..." to the end, if it can be read in one way only */
static void
take_mail(struct log_line *line, char *text)
{
	char *sender = NULL, *sender_end = NULL, *recipient = NULL;
	char *recipient_end = NULL;
	unsigned found = 0;

	for (char *at = text; (at = strstr(at, "; from=<")) != NULL; at++) {
		char *from = at + strlen("; from=<");
		char *end = address_end(from);
		char *to = end == NULL ? NULL : scan_after(end, " to=<");
		char *to_end = to == NULL ? end : address_end(to);
		if (to_end == NULL || !is_tail(to_end))
			continue;
		found++;
		sender = from;
		sender_end = end - 1;
		recipient = to;
		recipient_end = to_end - 1;
	}
	line->has_mail = found == 1;
	if (!line->has_mail)
		return;
	*sender_end = '\0';
	line->sender = sender;
	if (recipient == NULL)
		return;
	*recipient_end = '\0';
	line->recipient = recipient;
}

/* "450 4.7.1 ...", or cleanup's "4.7.1 ..."; false when it is neither */
static bool
take_reply(struct log_line *line, const char *at)
{
	size_t length = strspn(at, "0123456789.");

	if ((*at != '4' && *at != '5') || length >= sizeof line->reply ||
	    (length != 3 && at[1] != '.'))
		return false;
	line->code = at[1] == '.' ? (unsigned)(*at - '0') * 100
	                          : (unsigned)strtoul(at, NULL, 10);
	memcpy(line->reply, at, length);
	line->reply[length] = '\0';
	return true;
}

/* "RCPT from name[address]: 450 ...; from=<a> to=<b> ..." */
static void
take_refusal(struct log_line *line, enum log_kind kind, char *at)
{
	static const char *const ends[] = {"DATA", "BDAT", "END-OF-MESSAGE"};
	char *where = at;

	at += strcspn(at, " ");
	if (strncmp(at, " from ", 6) != 0)
		return;
	*at = '\0';
	at = scan_client(line, at + 6);
	if (at == NULL || strncmp(at, ": ", 2) != 0)
		return;
	if (!take_reply(line, at + 2))
		return;
	take_mail(line, at + 2);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		line->is_end |= strcmp(where, ends[i]) == 0;
	line->kind = kind;
}

static bool
take_presence(struct log_line *line, char *at)
{
	char *rest = scan_after(at, "connect from ");

	if (rest != NULL) {
		if (scan_client(line, rest) != NULL)
			line->kind = LOG_CONNECT;
		return true;
	}
	rest = scan_after(at, "disconnect from ");
	char *after = rest == NULL ? strstr(at, " after ") : NULL;
	if (after != NULL && (size_t)(after - at) <= strlen("lost connection")) {
		line->is_end = strncmp(after + 7, "DATA", 4) == 0 ||
		               strncmp(after + 7, "BDAT", 4) == 0;
		rest = strstr(after, " from ");
		rest = rest == NULL ? NULL : rest + 6;
	}
	if (rest == NULL)
		return false;
	if (scan_client(line, rest) != NULL)
		line->kind = LOG_LEFT;
	return true;
}

/* "550 5.7.1 ...; from=<a> ..." of a filter that Postfix asks before the queue */
static void
take_proxy(struct log_line *line, char *at)
{
	if (!take_reply(line, at))
		return;
	take_mail(line, at);
	line->is_end = true;
	line->kind = LOG_REFUSE;
}

static void
scan_smtpd(struct log_line *line, char *at)
{
	char *rest = scan_after(at, "proxy-reject: END-OF-MESSAGE: ");

	if (rest != NULL) {
		take_proxy(line, rest);
		return;
	}
	if (take_presence(line, at))
		return;
	size_t length = scan_queue_id(at);
	if (length == 0 || strncmp(at + length, ": ", 2) != 0)
		return;
	at[length] = '\0';
	line->queue_id = at;
	at += length + 2;
	if ((rest = scan_after(at, "client=")) != NULL) {
		if ((rest = scan_client(line, rest)) == NULL)
			return;
		line->is_user |= strstr(rest, ", sasl_method=") != NULL;
		line->kind = LOG_ACCEPT;
	} else if ((rest = scan_after(at, "reject: ")) != NULL ||
	           (rest = scan_after(at, "milter-reject: ")) != NULL ||
	           (rest = scan_after(at, "proxy-reject: ")) != NULL) {
		take_refusal(line, LOG_REFUSE, rest);
	} else if ((rest = scan_after(at, "reject_warning: ")) != NULL) {
		take_refusal(line, LOG_WARNING, rest);
	}
}

/*
 * "header Subject: anything from name[address]; ...: 5.7.1 text". A header may
 * imitate the rest, so the line is doubtful when replies of two classes are found,
 * and the client is taken only when " from " occurs once.
 */
static void
take_check(struct log_line *line, char *at)
{
	char *client = NULL;

	for (char *found = at; (found = strstr(found, ": ")) != NULL; found++) {
		unsigned before = line->code;
		if (found[2] == '\0' || found[3] != '.' ||
		    !take_reply(line, found + 2))
			continue;
		if (before != 0 && before != line->code) {
			line->kind = LOG_DOUBTFUL;
			return;
		}
	}
	if (line->code == 0)
		take_reply(line, "5.7.1");
	if (scan_count(at, " from ") == 1)
		client = strstr(at, " from ") + strlen(" from ");
	if (client != NULL)
		scan_client(line, client);
	line->is_end = true;
	line->kind = LOG_REFUSE;
}

/* "info: header X-Spam-Status: Yes, score=7.5 ... from name[address]; ..." */
static void
take_milter_header(struct log_line *line, char *at)
{
	at += strspn(at, "abcdefghijklmnopqrstuvwxyz");
	if ((at = scan_after(at, ": header X-Spam-Status: ")) == NULL)
		return;
	if (strncmp(at, "Yes,", 4) != 0 && strncmp(at, "No,", 3) != 0)
		return;
	line->verdict = *at == 'Y' ? "spam" : "ham";
	char *score = at + strcspn(at, ",") + 1;
	/* Postfix logs the newline of a folded header as "?" */
	score += strspn(score, " ?\t");
	score = strncmp(score, "hits=", 5) == 0 ? score + 5
	                                        : scan_after(score, "score=");
	if (score == NULL || !scan_score(score, " ?\t", &line->score))
		line->score = (double)NAN;
	char *from = strstr(at, " from ");
	if (from != NULL)
		scan_client(line, from + 6);
	line->kind = LOG_VERDICT;
}

static void
scan_cleanup(struct log_line *line, char *at)
{
	char *rest;

	if ((rest = scan_after(at, "message-id=")) != NULL) {
		line->message_id = rest;
		line->kind = LOG_MESSAGE;
	} else if ((rest = scan_after(at, "milter-reject: ")) != NULL) {
		take_refusal(line, LOG_REFUSE, rest);
	} else if ((rest = scan_after(at, "reject: ")) != NULL) {
		take_check(line, rest);
	} else if ((rest = scan_after(at, "milter-header-")) != NULL) {
		take_milter_header(line, rest);
	}
}

/* "from=<a>, size=1, nrcpt=1 (queue active)", "removed" */
static void
scan_qmgr(struct log_line *line, char *at)
{
	static const char active[] = " (queue active)";
	size_t length = strlen(at);

	if (strcmp(at, "removed") == 0 ||
	    (strncmp(at, "from=<", 6) == 0 && length > sizeof active &&
	        strcmp(at + length + 1 - sizeof active, active) == 0))
		line->kind = LOG_QUEUED;
}

void
scan_postfix(struct log_line *line, const char *service, char *text)
{
	if (strcmp(service, "smtpd") == 0) {
		line->is_user = strstr(line->program, "/submission") != NULL ||
		                strstr(line->program, "/smtps/") != NULL;
		scan_smtpd(line, text);
		return;
	}
	size_t length = scan_queue_id(text);
	if (length == 0 || strncmp(text + length, ": ", 2) != 0)
		return;
	text[length] = '\0';
	line->queue_id = text;
	if (strcmp(service, "cleanup") == 0)
		scan_cleanup(line, text + length + 2);
	else
		scan_qmgr(line, text + length + 2);
}
