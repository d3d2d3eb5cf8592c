/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of any octets to a page that shows what it was sent. The answer is
 * HTTP, and no markup of the request's stands in it; without the token nothing
 * is shown, and no form is taken that was not ours.
 *
 * input  a connection; \001 stands for the token, \002 for the token of a form
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "report/escape.h"
#include "web/web_private.h"

enum { ROOM = 1 << 18, ROUNDS = 2000 };

static char folder[] = "/tmp/targrey-web-XXXXXX", path[80];
static struct web *web;
static struct web_settings settings = {
    .name = "fuzz", .listen = path, .user_header = ""};
static char form_token[TOKEN_SIZE];
static char sent[ROOM], answer[ROOM];
static bool has_token, has_form_token;

static void
show(void *ctx, struct web_request *request, FILE *body)
{
	const char *value;

	(void)ctx;
	demand(has_token, "shown without the token", answer);
	for (int i = 0; (value = web_nth(request, "q", i)) != NULL; i++) {
		fputs("<p>", body);
		escape_html(body, value);
		fputs("<a href=\"?q=", body);
		web_escape(body, value);
		fputs("\">x</a>", body);
	}
	if (web_value(request, "say") != NULL)
		web_say(request, true, web_value(request, "say"));
	web_form(request, body);
}

static void
act(void *ctx, struct web_request *request, FILE *body)
{
	(void)ctx;
	(void)body;
	demand(has_token && has_form_token, "a form that is not ours", answer);
	web_go(request, "/?q=%s", web_value(request, "n") == NULL ? "" : "1");
}

static const struct web_page pages[] = {{"/", false, "Start", "Start", show},
    {"/act", true, NULL, NULL, act}, {NULL, false, NULL, NULL, NULL}};

static void
stop(void)
{
	web_close(&web);
	rmdir(folder);
}

static void
start(void)
{
	struct error error;

	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(path, sizeof path, "unix:%s/s", folder);
	settings.pages = pages;
	settings.log = fopen("/dev/null", "w");
	web = web_open(&settings, &error);
	if (web == NULL)
		abort();
	struct web_request request = {.web = web};
	web_csrf(&request, form_token);
	atexit(stop);
}

static size_t
write_request(const uint8_t *data, size_t size)
{
	size_t used = 0;

	has_token = has_form_token = false;
	for (size_t i = 0; i < size && used + TOKEN_SIZE < ROOM; i++) {
		const char *token = data[i] == 1 ? web->token : form_token;
		if (data[i] != 1 && data[i] != 2) {
			sent[used++] = (char)data[i];
			continue;
		}
		has_token = has_token || data[i] == 1;
		has_form_token = has_form_token || data[i] == 2;
		memcpy(sent + used, token, TOKEN_SIZE - 1);
		used += TOKEN_SIZE - 1;
	}
	return used;
}

static size_t
ask(size_t length)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	size_t used = 0, done = 0;

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path + 5);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		abort();
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t wrote = done == length ? 0
		                               : send(fd, sent + done,
		                                     length - done, MSG_NOSIGNAL);
		done += wrote > 0 ? (size_t)wrote : 0;
		if (done == length)
			shutdown(fd, SHUT_WR);
		MHD_run_wait(web->daemon, 0);
		ssize_t got = recv(fd, answer + used, ROOM - 1 - used, 0);
		if (got == 0 || used == ROOM - 1)
			break;
		used += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	MHD_run_wait(web->daemon, 0);
	answer[used] = '\0';
	return used;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (web == NULL)
		start();
	*answer = '\0';
	size_t used = ask(write_request(data, size));
	demand(used == 0 || strncmp(answer, "HTTP/1.", 7) == 0, "no HTTP", answer);
	demand(strstr(answer, "<script") == NULL, "markup of the request", answer);
	demand(strlen(answer) == used, "a NUL", answer);
	return 0;
}
