/* SPDX-License-Identifier: BSD-2-Clause */
/* What targreyctl serves: the answers of its commands, as pages. */
#ifndef ADMIN_SERVE_H
#define ADMIN_SERVE_H

#include "admin/cmd.h"
#include "web/web.h"

struct serve {
	struct admin *admin; /* of the serve command; its database is open */
	/* Kept for some seconds: the report since midnight, and what may be lost.
	 */
	struct doc *today, *lost;
	int64_t today_made;
};

/*
 * Runs a command as if that line had been given: options, each with its value
 * ("" leaves it out), then perhaps "--" and words; NULL at the end. The doc
 * that it would have written, or NULL with what it said in said_r, which is
 * the caller's to free.
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
