/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What surrounds the text of a log line: its time and program. Forms read:
 *
 *   Mar  7 11:00:00 mx postfix/smtpd[7]: ...       syslog, rsyslog, postlogd
 *   2025-03-07T11:00:00.123456+01:00 mx ...        rsyslog, journalctl -o short-iso
 *   1741341600.123456 mx ...                       journalctl -o short-unix
 *   Fri 2025-03-07 11:00:00 CET mx ...             journalctl -o short-full
 *   {"__REALTIME_TIMESTAMP":"...","MESSAGE":...}   journalctl -o json
 *   <22>1 2025-03-07T11:00:00Z mx app 7 - - ...    RFC 5424, with or without <22>
 *   name  | Mar 07 11:00:00 mx ...                 docker compose, docker -t
 *   Fri Mar  7 11:00:00 2025 [7] info: spamd: ...  spamd's own file
 *   2025-03-07 11:00:00 #7(normal) <tag>; ...      rspamd's own file
 *
 * with months in other languages (journalctl prints them by the locale), one
 * blank in front of a day below 10, FreeBSD's <mail.info> and Solaris'
 * [ID 7 mail.info]. Times without a zone are local time.
 */
#ifndef MAILLOG_ENVELOPE_H
#define MAILLOG_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>

/* What one line tells about the time of the next; zero to begin with. */
struct log_clock {
	int year,
	    month; /* the old form has no year: counted on from the first line */
	int64_t last;
	struct {
		int64_t hour; /* the local hour, as a number; 0: none */
		int64_t start;
	} hours[2];
};

struct log_envelope {
	int64_t time;
	const char *program; /* "postfix/smtpd", "" when there is none */
	unsigned long pid;
	char *text; /* what the program said; "" when nothing */
	char *own;  /* memory the texts point into, or NULL */
};

/*
 * line  taken apart in place; texts point into it or into own
 * Returns false when it is in none of the forms above.
 */
bool envelope_read(struct log_envelope *envelope, struct log_clock *clock,
    char *line, int64_t now_s);
/* Frees the memory of a JSON line; its texts are invalid afterwards. */
void envelope_clear(struct log_envelope *envelope);

#endif
