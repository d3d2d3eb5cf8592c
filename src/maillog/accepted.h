/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mails for which Postfix accepted a recipient and whose outcome is not known yet:
 * the message may still be refused, or never come. Kept by queue id; a mail before
 * the queue ("NOQUEUE", with a proxy filter) by its smtpd process.
 */
#ifndef MAILLOG_ACCEPTED_H
#define MAILLOG_ACCEPTED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/siphash.h"
#include "maillog/maillog.h"

struct accepted_mail {
	uint64_t key; /* 0 = free */
	int64_t time;
	struct ip ip;
	bool has_content; /* cleanup has seen its header */
	char name[256];
};

struct log_accepted {
	uint8_t secret[SIPHASH_KEY_SIZE];
	struct accepted_mail *table;
	struct accepted_process *processes;
	/* Called for each mail that reached the queue or has no further lines. */
	void (*confirm)(void *ctx, const struct accepted_mail *mail);
	void *ctx;
};

/* ctx is passed to confirm(). false: out of memory; clear it in either case. */
bool accepted_init(struct log_accepted *accepted,
    void (*confirm)(void *ctx, const struct accepted_mail *mail), void *ctx);
/* Frees all; calls confirm() for none. */
void accepted_clear(struct log_accepted *accepted);

/* Postfix accepted a first recipient of it. */
void accepted_add(struct log_accepted *accepted, const struct log_line *line);
/* Its header has arrived. */
void accepted_content(struct log_accepted *accepted, const struct log_line *line);
/* It is in the queue. */
void accepted_confirm(struct log_accepted *accepted, const struct log_line *line);
/* It was refused as a whole. Returns true, and a copy, if it was known here. */
bool accepted_refuse(struct log_accepted *accepted, const struct log_line *line,
    struct accepted_mail *mail_r);
/*
 * The client is gone: the mail of its process was never received if the line says
 * so, or if has_messages (the log reports headers) and no header was seen.
 * Returns whether there was such a mail.
 */
bool accepted_leave(
    struct log_accepted *accepted, const struct log_line *line, bool has_messages);
/* Confirms all that is left. */
void accepted_end(struct log_accepted *accepted);

#endif
