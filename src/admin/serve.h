/* SPDX-License-Identifier: BSD-2-Clause */
/* What targreyctl serves: the output of its commands, as pages. */
#ifndef ADMIN_SERVE_H
#define ADMIN_SERVE_H

#include "admin/cmd.h"
#include "web/web.h"

struct serve {
	struct admin *admin; /* of the serve command; its database is open */
	/*
	 * Cached for some seconds: the report since midnight; mail that may be
	 * lost.
	 */
	struct doc *today, *lost;
	int64_t today_made;
};

/*
 * Runs a command with a command line: options, each with its value ("" leaves the
 * option out), then perhaps "--" and words; NULL at the end. Returns the doc that
 * it would have written, or NULL. *said_r: its messages on standard error, which
 * the caller frees; NULL when out of memory.
 */
struct doc *serve_command(struct serve *serve, const struct command *command,
    const char *const *line, bool is_change, char **said_r);

void serve_today(void *ctx, struct web_request *request, FILE *body);
void serve_find(void *ctx, struct web_request *request, FILE *body);
void serve_explain(void *ctx, struct web_request *request, FILE *body);
void serve_lost(void *ctx, struct web_request *request, FILE *body);
void serve_report(void *ctx, struct web_request *request, FILE *body);
void serve_allow(void *ctx, struct web_request *request, FILE *body);

#endif
