/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/web.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "report/escape.h"
#include "web/web_private.h"

#define IDLE_S      30 /* for a connection that sends nothing */
#define CONNECTIONS 64

void
web_form(const struct web_request *request, FILE *file)
{
	char token[TOKEN_SIZE];

	web_csrf(request, token);
	fprintf(file, "<input type=\"hidden\" name=\"csrf\" value=\"%s\">", token);
}

void
web_escape(FILE *file, const char *value)
{
	for (; value != NULL && *value != '\0'; value++) {
		unsigned char octet = (unsigned char)*value;
		if ((octet >= 'a' && octet <= 'z') ||
		    (octet >= 'A' && octet <= 'Z') ||
		    (octet >= '0' && octet <= '9') || strchr("-_.~", octet) != NULL)
			fputc(octet, file);
		else
			fprintf(file, "%%%02X", octet);
	}
}

void
web_say(struct web_request *request, bool is_error, const char *text)
{
	struct web *web = request->web;
	struct said *said = &web->said[web->said_next++ % SAID_MOST];

	text_copy(said->user, sizeof said->user, request->user);
	text_copy(said->text, sizeof said->text, text);
	said->is_error = is_error;
}

void
web_go(struct web_request *request, const char *format, ...)
{
	va_list args;

	free(request->location);
	va_start(args, format);
	if (vasprintf(&request->location, format, args) < 0)
		request->location = NULL;
	va_end(args);
}

void
web_status(struct web_request *request, unsigned status)
{
	request->status = status;
}

/* --------------------------------------------------------------- requests */

static enum MHD_Result
handle(void *ctx, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **request_r)
{
	struct web_request *request = *request_r;

	(void)version;
	if (request == NULL) {
		request = web_request_new(ctx, connection, url, method);
		*request_r = request;
		return request == NULL ? MHD_NO : MHD_YES;
	}
	request->method = method;
	if (*upload_size > 0) {
		if (request->form != NULL && !request->is_too_large)
			MHD_post_process(request->form, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 &&
	    strcmp(method, "POST") != 0)
		return web_send_note(request, MHD_HTTP_METHOD_NOT_ALLOWED,
		    "Only GET, HEAD and POST are supported.");
	/* the last field is only reported now */
	if (request->form != NULL) {
		MHD_destroy_post_processor(request->form);
		request->form = NULL;
	}
	return web_answer(request);
}

static void
completed(void *ctx, struct MHD_Connection *connection, void **request,
    enum MHD_RequestTerminationCode code)
{
	(void)ctx;
	(void)connection;
	(void)code;
	if (*request != NULL)
		web_request_free(*request);
	*request = NULL;
}

/* ------------------------------------------------------------------- life */

struct web *
web_open(const struct web_settings *settings, struct error *error)
{
	struct web *web = calloc(1, sizeof *web);

	if (web == NULL) {
		error_set(error, "out of memory");
		return NULL;
	}
	web->settings = *settings;
	web_random(web->token);
	web_random(web->secret);
	snprintf(web->cookie, sizeof web->cookie, "targrey");
	web->fd = web_listen(web, error);
	if (web->fd < 0) {
		free(web);
		return NULL;
	}
	if (web->is_unix && *settings->user_header == '\0')
		snprintf(web->url, sizeof web->url, "/?token=%s", web->token);
	web->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, web,
	    MHD_OPTION_LISTEN_SOCKET, web->fd, MHD_OPTION_NOTIFY_COMPLETED,
	    completed, NULL, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_END);
	if (web->daemon != NULL)
		return web;
	error_set(error, "%s: the server cannot be started", settings->listen);
	web_close(&web);
	return NULL;
}

void
web_close(struct web **web)
{
	if (*web == NULL)
		return;
	if ((*web)->daemon != NULL)
		MHD_stop_daemon((*web)->daemon);
	else
		close((*web)->fd);
	if (*(*web)->socket_path != '\0')
		unlink((*web)->socket_path);
	free(*web);
	*web = NULL;
}

const char *
web_url(const struct web *web)
{
	return web->url;
}

static volatile sig_atomic_t is_over;

static void
end(int number)
{
	(void)number;
	is_over = 1;
}

void
web_run(struct web *web)
{
	struct sigaction action = {.sa_handler = end};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	while (!is_over)
		MHD_run_wait(web->daemon, 200);
}
