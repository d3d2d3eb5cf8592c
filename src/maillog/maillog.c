/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog/maillog.h"

#include <math.h>
#include <string.h>

#include "maillog/scan_private.h"

/*
 * What follows "<tag>; task; rspamd_task_write_log: ", which time, process and
 * worker precede when rspamd logs to syslog or the journal. Up to the first "<",
 * all of it is rspamd's own text.
 */
static char *
rspamd_text(char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
	char *at = strchr(text, '<');

	if (at == NULL || at - text > 64)
		return NULL;
	at += strcspn(at, ">;");
	if ((at = scan_after(at, ">; ")) == NULL)
		return NULL;
	at += strspn(at, letters);
	return scan_after(at, "; rspamd_task_write_log: ");
}

static void
scan_program(struct log_line *line, char *text)
{
	const char *slash = strrchr(line->program, '/');
	const char *last = slash == NULL ? line->program : slash + 1;

	if (strcmp(last, "smtpd") == 0 || strcmp(last, "cleanup") == 0 ||
	    strcmp(last, "qmgr") == 0) {
		scan_postfix(line, last, text);
	} else if (strncmp(last, "amavis", 6) == 0) {
		scan_amavis(line, text);
	} else if (strcmp(last, "spamd") == 0) {
		scan_spamd(line, text);
	} else if (strncmp(last, "rspamd", 6) == 0) {
		text = rspamd_text(text);
		if (text != NULL)
			scan_rspamd(line, text);
	}
}

struct log_line
maillog_parse(struct log_clock *clock, struct log_envelope *envelope, char *text,
    int64_t now_s)
{
	struct log_line line = {.kind = LOG_BROKEN,
	    .program = "",
	    .queue_id = "",
	    .message_id = "",
	    .name = "",
	    .sender = "",
	    .recipient = "",
	    .score = (double)NAN};

	if (!envelope_read(envelope, clock, text, now_s))
		return line;
	line.kind = LOG_OTHER;
	line.time = envelope->time;
	line.program = envelope->program;
	line.pid = envelope->pid;
	scan_program(&line, envelope->text);
	return line;
}
