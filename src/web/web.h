/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small web server for pages made here: forms and links, no script. It knows
 * nothing of mail; targrey-review and targreyctl bring their pages as a table.
 *
 * What it takes care of: who may see it (the token of the start URL, or a
 * reverse proxy that has checked a password), that a form was ours (CSRF), the
 * Host field, and the headers that keep a browser from running or fetching
 * anything. One thread: that of web_run(). Pages run one after the other.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

struct web_request; /* of one page, while it is made */

/* A value of the query or of the form; the n-th of that name, or NULL. */
const char *web_value(const struct web_request *request, const char *name);
const char *web_nth(const struct web_request *request, const char *name, int n);
/* Who the reverse proxy says is there; NULL without one. */
const char *web_user(const struct web_request *request);

/* Puts the hidden field that makes a form ours. Every form of method post. */
void web_form(const struct web_request *request, FILE *file);
/* A value for a URL's query, percent-encoded. */
void web_escape(FILE *file, const char *value);

/* A sentence that the next page of this user shows once, on top. */
void web_say(struct web_request *request, bool is_error, const char *text);
/*
 * After a POST: go on there (303), a path of ours with its query; the body is
 * not used.
 */
void web_go(struct web_request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The status of the page, 200 unless set. */
void web_status(struct web_request *request, unsigned status);

struct web_page {
	const char *path;
	bool is_post;
	const char *title; /* NULL: no page of its own (it ends with web_go) */
	const char *link;  /* text in the navigation, or NULL */
	/* writes what stands between navigation and end */
	void (*show)(void *ctx, struct web_request *request, FILE *body);
};

struct web_settings {
	const char *name;   /* of the program */
	const char *listen; /* "ADDRESS:PORT", "[ADDRESS]:PORT", "unix:/path" */
	/* further names by which it may be called (Host), NULL-terminated, or NULL
	 */
	const char *const *hosts;
	/* the field of a reverse proxy, "" = none; heeded on a unix socket alone */
	const char *user_header;
	const struct web_page *pages; /* path NULL at the end */
	void *ctx;
	FILE *log; /* a line for what is refused */
};

struct web;
/* NULL with the reason. */
struct web *web_open(const struct web_settings *settings, struct error *error);
void web_close(struct web **web);
/* Where to begin, with the token; "" on a unix socket with a user_header. */
const char *web_url(const struct web *web);
/* Serves until SIGINT or SIGTERM. */
void web_run(struct web *web);

#endif
