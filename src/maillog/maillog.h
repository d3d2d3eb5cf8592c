/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line of a mail log at a time: Postfix's smtpd and cleanup, amavis,
 * spamd, rspamd. Reads the traditional syslog form, that of Solaris
 * ("[ID n facility.level]") and RFC 3339 times. Holds no memory but the year.
 */
#ifndef MAILLOG_MAILLOG_H
#define MAILLOG_MAILLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

enum log_kind {
	LOG_BROKEN,  /* no line of a syslog at all */
	LOG_OTHER,   /* another program, or nothing that tells anything */
	LOG_CONNECT, /* a client was there; name and ip are set */
	LOG_ACCEPT,  /* a client's recipient was taken; queue_id */
	LOG_REFUSE,  /* a recipient or command was refused; code, sender, recipient
	              */
	LOG_WARNING, /* would have been refused (reject_warning) */
	LOG_MESSAGE, /* cleanup: queue_id and message_id */
	LOG_VERDICT  /* a content filter: score, verdict, queue_id or message_id */
};

/* Texts point into the line and are "" when not there. */
struct log_line {
	enum log_kind kind;
	int64_t time; /* seconds since 1970; local time taken as it stands */
	const char *program;
	const char *queue_id, *message_id;
	const char *name; /* as logged, "unknown" when there is none */
	struct ip ip;
	unsigned code; /* 450, 550, ... */
	const char *sender, *recipient, *helo;
	double score;        /* NaN: none */
	const char *verdict; /* "ham", "spam" or NULL */
};

/* The traditional form has no year: it is counted on from the first line. */
struct log_clock {
	int year, month;
};

/*
 * Takes line apart in place.
 * now_s  today, for the year of the first line
 */
struct log_line maillog_parse(struct log_clock *clock, char *line, int64_t now_s);

#endif
