/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What strangers write into a mail log changes nothing but the mail that it is
 * about: lines are written as Postfix, amavis, spamd and rspamd write them, with
 * hostile addresses, Message-IDs, headers and HELO names, and what is read from
 * them must be that mail's own queue id, Message-ID, address, verdict and code.
 *
 * input  one octet that chooses the line, then two hostile texts, parted by NUL
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "maillog/maillog.h"

#define QUEUE_ID "4bOwnId7z"
#define IP       "192.0.2.1"
#define CLIENT   "mail.example[" IP "]"
#define ROOM     2000

struct line {
	char text[8 * ROOM];
	char message_id[ROOM * 2]; /* "": any or none may be read */
	enum log_kind kind;        /* or LOG_NO_RESULT, LOG_DOUBTFUL, LOG_OTHER */
	const char *verdict;
	unsigned code;
	const char *one, *two;
};

/* As Postfix logs: what cannot be printed becomes "?". */
static void
printable(const char *from, char *to)
{
	for (; *from != '\0'; from++)
		*to++ = (unsigned char)*from < ' ' || *from == 127 ? '?' : *from;
	*to = '\0';
}

/* A local part as RFC 5321 has it: a quoted string where it is no atom. */
static void
quoted(const char *from, char *to)
{
	bool is_atom = *from != '\0';

	for (const char *c = from; *c != '\0'; c++)
		is_atom &= strchr("()<>[]:;@\\,\" ", *c) == NULL &&
		           (unsigned char)*c > ' ' && *c != 127;
	if (is_atom) {
		strcpy(to, from);
		return;
	}
	*to++ = '"';
	for (; *from != '\0'; from++) {
		if (*from == '"' || *from == '\\')
			*to++ = '\\';
		*to++ = *from;
	}
	strcpy(to, "\"");
}

static void
address(const char *local, char *to)
{
	char text[ROOM * 2], clean[ROOM * 2];

	printable(local, clean);
	quoted(clean, text);
	sprintf(to, "%s@evil.example", text);
}

/* amavis' sanitize_str(): control characters and backslashes escaped. */
static void
sanitized(const char *from, char *to)
{
	for (; *from != '\0'; from++) {
		if (*from == '\\')
			to += sprintf(to, "\\\\");
		else if ((unsigned char)*from < ' ' || *from == 127)
			to +=
			    sprintf(to, "\\x%02X", (unsigned)(unsigned char)*from);
		else
			*to++ = *from;
	}
	*to = '\0';
}

/* amavis' parse_message_id(): a quoted string, or anything without ">". */
static void
amavis_id(const char *from, char *to)
{
	char text[ROOM * 2], *end = text;

	*end++ = '<';
	if (*from == '"') {
		*end++ = '"';
		for (from++; *from != '\0'; from++) {
			if (*from == '"' || *from == '\\' || *from == '>')
				*end++ = '\\';
			*end++ = *from;
		}
		*end++ = '"';
	} else {
		for (; *from != '\0'; from++)
			*end++ = *from == '>' ? '_' : *from;
	}
	strcpy(end, ">");
	sanitized(text, to);
}

static void
write_amavis(struct line *line)
{
	char sender[ROOM * 2], local[ROOM * 2], recipient[ROOM * 2];

	quoted(line->one, sender);
	sanitized(sender, local);
	quoted(line->two, sender);
	sanitized(sender, recipient);
	amavis_id(line->two, line->message_id);
	line->kind = LOG_VERDICT;
	line->verdict = "spam";
	snprintf(line->text, sizeof line->text,
	    "Jan 26 00:57:38 h amavis[7]: (7-1) Passed SPAM {RelayedTagged}, [" IP
	    "]:25 <%s@evil.example> -> <%s@d.example>, Queue-ID: " QUEUE_ID
	    ", Message-ID: %s, mail_id: i, Hits: 8.5, size: 7, 10 ms",
	    local, recipient, line->message_id);
}

static void
write_spamd(struct line *line)
{
	char id[ROOM];
	size_t i = 0;

	for (const char *c = line->one; *c != '\0'; c++)
		id[i++] = (unsigned char)*c <= ' ' || *c == ','               ? '_'
		          : *c == '<' || *c == '>' || (unsigned char)*c > 126 ? '?'
		                                                              : *c;
	id[i] = '\0';
	snprintf(line->message_id, sizeof line->message_id, "<%s>", id);
	line->kind = LOG_VERDICT;
	line->verdict = "spam";
	snprintf(line->text, sizeof line->text,
	    "Jan 26 00:57:38 h spamd[9]: spamd: result: Y  9 - X "
	    "scantime=1.0,size=2,user=u,uid=1,required_score=5.0,rhost=::1,raddr=::"
	    "1,"
	    "rport=1,mid=%s,autolearn=no",
	    line->message_id);
}

/* is_old: blanks in a Message-ID stay */
static void
write_rspamd(struct line *line, bool is_old)
{
	char id[ROOM], from[ROOM];
	size_t i = 0;

	printable(line->two, from);
	for (const char *c = line->one; *c != '\0'; c++)
		id[i++] =
		    (*c == ' ' && is_old) || (*c > ' ' && *c < 127) ? *c : '?';
	id[i] = '\0';
	if (!is_old)
		snprintf(line->message_id, sizeof line->message_id, "<%s>", id);
	line->kind = LOG_VERDICT;
	line->verdict = "spam";
	snprintf(line->text, sizeof line->text,
	    "Jan 26 00:57:38 h rspamd[3]: <94f35d>; proxy; rspamd_task_write_log: "
	    "id: "
	    "<%s>, qid: <" QUEUE_ID ">, ip: " IP
	    ", from: <%s>, (default: T (reject): "
	    "[8.50/15.00] [FROM(1.00){%s;}]), len: 7, rcpts: <%s>",
	    id, from, from, from);
}

/* Nothing of it is a verdict, nor a refusal. */
static void
write_header_check(struct line *line)
{
	char header[ROOM], sender[ROOM * 2];

	printable(line->one, header);
	address(line->two, sender);
	line->kind = LOG_OTHER;
	snprintf(line->text, sizeof line->text,
	    "Jan 26 00:57:38 h postfix/cleanup[3]: " QUEUE_ID ": info: header "
	    "%s: %.200s from " CLIENT "; from=<%s> to=<c@d> proto=ESMTP helo=<x>",
	    strlen(header) % 2 == 0 ? "Subject" : "X-Spam-Status", header, sender);
}

static void
write_header_reject(struct line *line)
{
	char header[ROOM], sender[ROOM * 2];

	printable(line->one, header);
	address(line->two, sender);
	line->kind = LOG_REFUSE;
	line->code = 500;
	snprintf(line->text, sizeof line->text,
	    "Jan 26 00:57:38 h postfix/cleanup[3]: " QUEUE_ID ": reject: header "
	    "Subject: %.200s from " CLIENT "; from=<%s> to=<c@d> proto=ESMTP "
	    "helo=<x>: 5.7.1 no",
	    header, sender);
}

static void
write_end(struct line *line)
{
	char sender[ROOM * 2], recipient[ROOM * 2];

	address(line->one, sender);
	address(line->two, recipient);
	line->kind = LOG_REFUSE;
	line->code = 400;
	snprintf(line->text, sizeof line->text,
	    "Jan 26 00:57:38 h postfix/cleanup[3]: " QUEUE_ID ": milter-reject: "
	    "END-OF-MESSAGE from " CLIENT ": 4.7.1 Try again; from=<%s> to=<%s> "
	    "proto=ESMTP helo=<x>",
	    sender, recipient);
}

static void
write_reject(struct line *line)
{
	char sender[ROOM * 2], recipient[ROOM * 2];

	address(line->one, sender);
	address(line->two, recipient);
	line->kind = LOG_REFUSE;
	line->code = 450;
	snprintf(line->text, sizeof line->text,
	    "Jan 26 00:57:38 h postfix/smtpd[3]: " QUEUE_ID
	    ": reject: RCPT from " CLIENT
	    ":7: 450 4.1.1 <%s>: Recipient address rejected; from=<%s> to=<%s> "
	    "proto=ESMTP helo=<x>",
	    recipient, sender, recipient);
}

static void
write_milter_header(struct line *line)
{
	char sender[ROOM * 2], recipient[ROOM * 2];

	address(line->one, sender);
	address(line->two, recipient);
	line->kind = LOG_VERDICT;
	line->verdict = "spam";
	snprintf(line->text, sizeof line->text,
	    "Jan 26 00:57:38 h postfix/cleanup[3]: " QUEUE_ID
	    ": milter-header-info: "
	    "header X-Spam-Status: Yes, score=8.5 required=5.0 tests=X from " CLIENT
	    "; from=<%s> to=<%s> proto=ESMTP helo=<x>",
	    sender, recipient);
}

static void
write_message_id(struct line *line)
{
	char id[ROOM];

	printable(line->one, id);
	snprintf(line->message_id, sizeof line->message_id, "%s", id);
	line->kind = LOG_MESSAGE;
	snprintf(line->text, sizeof line->text,
	    "Jan 26 00:57:38 h postfix/cleanup[3]: " QUEUE_ID ": message-id=%s",
	    id);
}

static void
write_line(unsigned which, struct line *line)
{
	switch (which % 10) {
	case 0:
		write_amavis(line);
		break;
	case 1:
		write_spamd(line);
		break;
	case 2:
		write_rspamd(line, false);
		break;
	case 3:
		write_rspamd(line, true);
		break;
	case 4:
		write_header_check(line);
		break;
	case 5:
		write_header_reject(line);
		break;
	case 6:
		write_end(line);
		break;
	case 7:
		write_reject(line);
		break;
	case 8:
		write_milter_header(line);
		break;
	default:
		write_message_id(line);
		break;
	}
}

static void
check(const struct line *line, const struct log_line *read)
{
	struct ip own;

	demand(read->kind == line->kind || read->kind == LOG_DOUBTFUL ||
	           read->kind == LOG_NO_RESULT || read->kind == LOG_OTHER,
	    "another kind", line->text);
	if (read->kind != line->kind)
		return;
	demand(strcmp(read->queue_id, QUEUE_ID) == 0 ||
	           (*read->queue_id == '\0' && *read->message_id != '\0'),
	    "another queue id", line->text);
	if (*line->message_id != '\0' && *read->message_id != '\0')
		demand(strcmp(read->message_id, line->message_id) == 0,
		    "another Message-ID", line->text);
	ip_from_text(IP, &own);
	if (read->has_ip)
		demand(ip_equal(&read->ip, &own), "another client", line->text);
	demand(read->code == line->code, "another code", line->text);
	if (line->kind == LOG_VERDICT)
		demand(read->verdict != NULL &&
		           strcmp(read->verdict, line->verdict) == 0 &&
		           (read->score > 8.4 && read->score < 9.1),
		    "another verdict", line->text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char one[ROOM / 2], two[ROOM / 2];
	static struct line line;
	struct log_envelope envelope;
	struct log_clock clock = {0};

	if (size < 1 || size > sizeof one)
		return 0;
	memset(&line, 0, sizeof line);
	size_t length = strnlen((const char *)data + 1, size - 1);
	memcpy(one, data + 1, length);
	one[length] = '\0';
	size_t rest = length + 2 <= size ? size - length - 2 : 0;
	size_t second =
	    rest == 0 ? 0 : strnlen((const char *)data + length + 2, rest);
	memcpy(two, data + size - rest, second);
	two[second] = '\0';
	line.one = one;
	line.two = two;
	write_line(data[0], &line);
	char *copy = strdup(line.text);
	struct log_line read = maillog_parse(&clock, &envelope, copy, 1780272000);
	check(&line, &read);
	envelope_clear(&envelope);
	free(copy);
	return 0;
}
