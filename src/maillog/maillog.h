/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line of a mail log at a time: Postfix's smtpd, cleanup and qmgr, amavis,
 * spamd and rspamd, each in the form that this program writes.
 *
 * What strangers choose (addresses, Message-IDs, HELO names, headers) stands in
 * these lines. So every value is taken from its fixed place, quoted text is
 * read with its quoting, and a line that can be read in two ways, or is not
 * of the program's form, is LOG_DOUBTFUL: to be counted, never to be used.
 */
#ifndef MAILLOG_MAILLOG_H
#define MAILLOG_MAILLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "maillog/envelope.h"

enum log_kind {
	LOG_BROKEN,  /* no line of a log that is known here */
	LOG_OTHER,   /* another program, or nothing of use */
	LOG_CONNECT, /* a client was there; name and ip are set */
	LOG_LEFT,    /* a client is gone: by disconnect, error or time-out */
	LOG_ACCEPT,  /* a client's first recipient was taken; queue_id */
	LOG_REFUSE,  /* refused; code, sender, recipient; see is_end */
	LOG_WARNING, /* would have been refused (reject_warning) */
	LOG_MESSAGE, /* cleanup: queue_id and message_id */
	LOG_QUEUED,  /* qmgr: the message queue_id is in the queue */
	LOG_VERDICT, /* a content filter: score, verdict, queue_id or message_id */
	LOG_NO_RESULT, /* a content filter that did not judge the message */
	LOG_DOUBTFUL
};

/* Texts point into the line and are "" when not there. */
struct log_line {
	enum log_kind kind;
	int64_t time; /* seconds since 1970 */
	const char *program;
	unsigned long pid; /* 0: none */
	const char *queue_id, *message_id;
	const char *name; /* as logged, "unknown" when there is none */
	struct ip ip;     /* of the SMTP client */
	bool has_ip;
	bool has_mail; /* sender and recipient are known for certain */
	bool is_user;  /* authenticated, or at a service for users */
	bool is_end;   /* REFUSE: the message as a whole. LEFT: within its data */
	unsigned code; /* 450, 550, ...; 400, 500 where only 4.x.x, 5.x.x is told */
	char reply[12]; /* "450", "5.7.1", as logged */
	const char *sender, *recipient;
	double score;        /* NaN: none */
	const char *verdict; /* "ham", "spam" or NULL */
};

/*
 * Takes text apart in place.
 * now_s  today, for the year of the first line
 */
struct log_line maillog_parse(struct log_clock *clock,
    struct log_envelope *envelope, char *text, int64_t now_s);

#endif
