/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small web server for pages generated here: forms and links, no script. It knows
 * nothing about mail; targrey-review and targreyctl pass their pages as a table.
 *
 * It takes care of: who may see the pages (the token in the start URL, or a reverse
 * proxy that has checked a password), that a form was ours (CSRF), the Host field,
 * and the headers that keep a browser from running or fetching anything. One
 * thread: that of web_run(). Requests are handled one after the other.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

struct web_request; /* one request, valid while its page is made */

/* The first value of that name in query or form, or the n-th, from 0; or NULL. */
const char *web_value(const struct web_request *request, const char *name);
const char *web_nth(const struct web_request *request, const char *name, int n);
/* The user named by the reverse proxy; NULL without one. */
const char *web_user(const struct web_request *request);

/* Writes the hidden field that proves a form ours. Every POST form needs it. */
void web_form(const struct web_request *request, FILE *file);
/* Writes a value for a URL's query, percent-encoded. */
void web_escape(FILE *file, const char *value);

/* A message that this user's next page shows once, at the top. */
void web_say(struct web_request *request, bool is_error, const char *text);
/* After a POST: redirects (303) to a path of ours; the body is not used. */
void web_go(struct web_request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Sets the status of the page; 200 unless set. */
void web_status(struct web_request *request, unsigned status);

struct web_page {
	const char *path;
	bool is_post;
	const char *title; /* NULL: shows no page (it ends with web_go) */
	const char *link;  /* text in the navigation, or NULL */
	/* writes what goes between navigation and end */
	void (*show)(void *ctx, struct web_request *request, FILE *body);
};

struct web_settings {
	const char *name;   /* the program's */
	const char *listen; /* "ADDRESS:PORT", "[ADDRESS]:PORT", "unix:/path" */
	/* other names accepted in Host, NULL-terminated; or NULL */
	const char *const *hosts;
	/* the reverse proxy's field, "" = none; used only on a unix socket */
	const char *user_header;
	const struct web_page *pages; /* ends with path NULL */
	void *ctx;
	FILE *log; /* gets a line for each refusal; NULL: none */
};

struct web;
/*
 * Listens. What settings points to must outlive it. NULL with the reason.
 */
struct web *web_open(const struct web_settings *settings, struct error *error);
/* Accepts NULL; nulls. Removes a unix socket. */
void web_close(struct web **web);
/* The start URL, with the token; "" on a unix socket with a user_header. */
const char *web_url(const struct web *web);
/* Serves until SIGINT or SIGTERM. */
void web_run(struct web *web);

#endif
