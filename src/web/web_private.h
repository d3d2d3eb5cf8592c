/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEB_WEB_PRIVATE_H
#define WEB_WEB_PRIVATE_H

#include <microhttpd.h>
#include <stdint.h>

#include "web/web.h"

#define TOKEN_SIZE 33 /* 128 bits in hex, and NUL */
#define USER_SIZE  100
#define SAID_MOST  64
#define VALUES     4096      /* fields of one form */
#define FORM_MOST  (1 << 20) /* octets of one form */

struct web {
	struct web_settings settings;
	struct MHD_Daemon *daemon;
	int fd;
	bool is_unix;
	char token[TOKEN_SIZE], secret[TOKEN_SIZE];
	char cookie[32];   /* its name */
	char url[256];     /* the start URL */
	char host[4][128]; /* names for us, besides settings.hosts */
	char socket_path[108];
	/* a message for a user's next page */
	struct said {
		char user[USER_SIZE], text[1600];
		bool is_error;
	} said[SAID_MOST];
	unsigned said_next;
};

struct value {
	char *name, *text;
	size_t length;
};

struct web_request {
	struct web *web;
	struct MHD_Connection *connection;
	const char *method;
	char *path;
	char user[USER_SIZE]; /* "" = none */
	struct MHD_PostProcessor *form;
	struct value values[VALUES];
	size_t values_count, octets;
	bool is_too_large;
	char *location;
	unsigned status;
};

/* request.c; NULL when out of memory. */
struct web_request *web_request_new(struct web *web,
    struct MHD_Connection *connection, const char *path, const char *method);
void web_request_free(struct web_request *request);

void web_random(char hex[static TOKEN_SIZE]);
/* The token of this user's forms. */
void web_csrf(const struct web_request *request, char hex[static TOKEN_SIZE]);

enum access { ACCESS_GRANTED, ACCESS_BEGIN, ACCESS_REFUSED };
/*
 * May this request be answered? ACCESS_BEGIN: it came with the token of the start
 * URL, and gets its cookie. Fills request->user. reason_r: of a refusal.
 */
enum access web_access(struct web_request *request, const char **reason_r);
/* Was the form ours? */
bool web_form_is_ours(const struct web_request *request, const char **reason_r);

/* The listening socket, by settings.listen; -1 with the reason. */
int web_listen(struct web *web, struct error *error);

/* Sends the page, or whatever replaces it. */
enum MHD_Result web_answer(struct web_request *request);
enum MHD_Result web_send_note(
    struct web_request *request, unsigned status, const char *text);

#endif
