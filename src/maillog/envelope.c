/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "maillog/journal.h"
#include "maillog/stamp.h"

/* A docker or compose prefix is short: "postfix-1  | ". */
#define PREFIX_MOST 80

static char *
skip_blanks(char *at)
{
	return at + strspn(at, " ");
}

/* "[7]" at the end of a program's name; ends the name */
static unsigned long
take_pid(char *name)
{
	char *open = strchr(name, '[');

	if (open == NULL)
		return 0;
	*open = '\0';
	return strtoul(open + 1, NULL, 10);
}

/* "postfix/smtpd[7]: text" */
static bool
take_program(struct log_envelope *envelope, char *at)
{
	char *end = at + strcspn(at, ": ");

	if (*end != ':' || end == at)
		return false;
	*end++ = '\0';
	envelope->program = at;
	envelope->pid = take_pid(at);
	envelope->text = end + (*end == ' ');
	/* Solaris: "[ID 197553 mail.info] " */
	char *id_end = strncmp(envelope->text, "[ID ", 4) == 0
	                   ? strstr(envelope->text, "] ")
	                   : NULL;
	if (id_end != NULL)
		envelope->text = id_end + 2;
	return true;
}

/* "host postfix/smtpd[7]: text"; docker leaves the host out */
static void
take_syslog(struct log_envelope *envelope, char *at)
{
	/* FreeBSD: "<mail.info> " or "<2.6> " */
	if (*at == '<' && strcspn(at, ">") < strcspn(at, " "))
		at = skip_blanks(at + strcspn(at, ">") + 1);
	size_t first = strcspn(at, " ");
	if (first > 0 && at[first - 1] == ':') {
		take_program(envelope, at);
		return;
	}
	if (at[first] == ' ')
		take_program(envelope, skip_blanks(at + first));
}

/* "#7(normal) <tag>; task; ..." of rspamd's file */
static bool
take_rspamd(struct log_envelope *envelope, char *at)
{
	char *end;

	if (*at != '#')
		return false;
	envelope->pid = strtoul(at + 1, &end, 10);
	char *close = *end == '(' ? strstr(end, ") ") : NULL;
	if (end == at + 1 || close == NULL)
		return false;
	envelope->program = "rspamd";
	envelope->text = close + 2;
	return true;
}

/* "[7] info: spamd: ..." of spamd's file */
static bool
take_spamd(struct log_envelope *envelope, char *at)
{
	char *end;

	if (*at != '[')
		return false;
	envelope->pid = strtoul(at + 1, &end, 10);
	if (end == at + 1 || strncmp(end, "] ", 2) != 0)
		return false;
	char *text = strstr(end + 2, ": ");
	if (text == NULL)
		return false;
	envelope->program = "spamd";
	envelope->text = text + 2;
	return true;
}

/* RFC 5424 after the time: "host app procid msgid data text" */
static void
take_fields(struct log_envelope *envelope, char *at)
{
	char *field[4];

	for (unsigned i = 0; i < 4; i++) {
		field[i] = at;
		at += strcspn(at, " ");
		if (*at == '\0')
			return;
		*at++ = '\0';
	}
	if (*at == '-') {
		at++;
	} else {
		while (*at == '[') {
			for (at++; *at != '\0' && *at != ']'; at++)
				at += *at == '\\' && at[1] != '\0';
			at += *at == ']';
		}
	}
	envelope->program = field[1];
	envelope->pid = strtoul(field[2], NULL, 10);
	envelope->text = skip_blanks(at);
}

/* "<22>1 2025-..." and "1 2025-...": version 1 of RFC 5424 */
static bool
is_rfc5424(const char *at)
{
	return at[0] == '1' && at[1] == ' ' && at[2] >= '1' && at[2] <= '9';
}

static bool
read_text(struct log_envelope *envelope, struct log_clock *clock, char *line,
    int64_t now_s)
{
	size_t pri = *line == '<' ? strspn(line + 1, "0123456789") : 0;

	if (pri > 0 && line[pri + 1] == '>')
		line += pri + 2;
	if (is_rfc5424(line)) {
		char *at = stamp_read(clock, line + 2, now_s, &envelope->time);
		if (at != NULL)
			take_fields(envelope, at);
		return at != NULL;
	}
	char *at = stamp_read(clock, line, now_s, &envelope->time);
	if (at == NULL)
		return false;
	/* docker logs -t puts its own time before the program's */
	int64_t inner;
	char *behind = stamp_read(clock, at, now_s, &inner);
	if (behind != NULL)
		at = behind;
	if (!take_rspamd(envelope, at) && !take_spamd(envelope, at))
		take_syslog(envelope, at);
	return true;
}

bool
envelope_read(struct log_envelope *envelope, struct log_clock *clock, char *line,
    int64_t now_s)
{
	static char nothing[1];

	*envelope = (struct log_envelope){.program = "", .text = nothing};
	if (strncmp(line, "\xef\xbb\xbf", 3) == 0)
		line += 3;
	/* journalctl's own: "-- Boot 7 --" */
	if (strncmp(line, "-- ", 3) == 0)
		return true;
	if (*line == '{' && journal_read(envelope, line)) {
		if (*envelope->program != '\0')
			return true;
		/* docker's json-file driver: holds a whole line */
		return read_text(envelope, clock, envelope->text, now_s);
	}
	if (read_text(envelope, clock, line, now_s))
		return true;
	char *bar = strstr(line, "| ");
	return bar != NULL && bar - line < PREFIX_MOST &&
	       read_text(envelope, clock, skip_blanks(bar + 1), now_s);
}

void
envelope_clear(struct log_envelope *envelope)
{
	free(envelope->own);
	envelope->own = NULL;
}
