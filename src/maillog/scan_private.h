/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of a log line; private to the parsers in this folder. */
#ifndef MAILLOG_SCAN_PRIVATE_H
#define MAILLOG_SCAN_PRIVATE_H

#include "maillog/maillog.h"

/* Ends the text at the first of ends; returns what follows. */
char *scan_cut(char *at, const char *ends);
/* What follows prefix, or NULL when text does not begin with it. */
char *scan_after(char *text, const char *prefix);
/* How often part occurs in text; counting stops at 2. */
unsigned scan_count(const char *text, const char *part);

/* Length of a queue id at the start of text, 0 when there is none. */
size_t scan_queue_id(const char *text);
/* "-1.25" up to the first of ends, the end of the text included; false else */
bool scan_score(const char *text, const char *ends, double *score_r);

/*
 * "name[address]" or "name[address]:port" at the start of text; the line gets
 * name and ip. Returns what follows, or NULL.
 */
char *scan_client(struct log_line *line, char *text);

void scan_postfix(struct log_line *line, const char *service, char *text);
void scan_amavis(struct log_line *line, char *text);
void scan_spamd(struct log_line *line, char *text);
void scan_rspamd(struct log_line *line, char *text);

#endif
