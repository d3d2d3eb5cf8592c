/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages, and the header fields that keep browsers from running or fetching. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/escape.h"
#include "report/page.h"
#include "web/web_private.h"

static const char more_style[] =
    "nav{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline;"
    "margin-bottom:.6rem}nav b{font-size:1.1rem}nav .who{margin-left:auto;"
    "color:var(--soft)}a{color:inherit}"
    ".said{border:1px solid var(--rule);border-left:6px solid var(--a);"
    "background:var(--card);padding:.5rem .8rem;margin:0 0 .6rem;"
    "overflow-wrap:anywhere}.said.wrong{border-left-color:var(--b)}"
    "form{margin:0 0 .6rem}label{display:inline-block;margin:0 .6rem .4rem 0}"
    "input,select,button{font:inherit;color:inherit;background:var(--card);"
    "border:1px solid var(--rule);border-radius:4px;padding:.25rem .5rem;"
    "max-width:100%}button{cursor:pointer}button:hover{border-color:var(--soft)}"
    "button.main{background:var(--a);color:var(--page)}"
    ":focus-visible{outline:3px solid var(--b);outline-offset:1px}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--card);"
    "border:1px solid var(--rule);border-radius:6px;padding:.8rem;"
    "font:.85rem/1.4 ui-monospace,monospace;margin:0}"
    ".bands{display:flex;flex-wrap:wrap;gap:.3rem .5rem;margin:0 0 .6rem;"
    "padding:0;list-style:none}.bands a{display:block;padding:.25rem .6rem;"
    "border:1px solid var(--rule);border-radius:4px;background:var(--card);"
    "text-decoration:none}.bands a[aria-current]{border-color:var(--a);"
    "box-shadow:inset 0 -3px var(--a)}"
    ".mails{list-style:none;margin:0 0 .6rem;padding:0}"
    ".mails li{background:var(--card);border:1px solid var(--rule);"
    "border-radius:6px;margin:0 0 6px;padding:.5rem .7rem;display:grid;"
    "grid-template-columns:1.6rem 4.6rem minmax(0,1fr) auto;gap:.1rem .6rem;"
    "align-items:start}.mails .score{font-weight:600;text-align:right;"
    "font-variant-numeric:tabular-nums}.mails .what{min-width:0;"
    "overflow-wrap:anywhere}.mails .what a{font-weight:600}"
    ".mails .soft{color:var(--soft);font-size:.85rem}"
    "@media(max-width:40rem){.mails li{grid-template-columns:1.6rem "
    "minmax(0,1fr)}.mails .score{text-align:left}.mails .what,.mails .acts{"
    "grid-column:1/-1}}\n"
    ".skip{position:absolute;left:-99rem}.skip:focus{left:0}\n"
    ".acts{display:flex;flex-wrap:wrap;gap:.35rem;align-items:center}"
    ".done li{grid-template-columns:minmax(0,1fr) auto}"
    "@media print{nav,form:not(.rows),.acts,.mails input{display:none}"
    ".mails .soft{font-size:9px}.mails{columns:2;column-gap:8px}.mails "
    "li{display:block;padding:3px 6px;"
    "margin:0 0 4px;break-inside:avoid}.mails .score{float:left;min-width:3.4rem;"
    "text-align:left}.mails .what{display:block}}\n";

static void
add_header(struct MHD_Response *response, const char *name, const char *value)
{
	MHD_add_response_header(response, name, value);
}

static enum MHD_Result
send_body(struct web_request *request, unsigned status, char *body, size_t length,
    const char *type)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE);
	bool is_style = strncmp(type, "text/css", 8) == 0;

	if (response == NULL) {
		free(body);
		return MHD_NO;
	}
	add_header(response, "Content-Type", type);
	add_header(response, "Content-Security-Policy",
	    "default-src 'none'; style-src 'self'; img-src data:; form-action "
	    "'self'; "
	    "base-uri 'none'; frame-ancestors 'none'");
	add_header(response, "X-Content-Type-Options", "nosniff");
	add_header(response, "X-Frame-Options", "DENY");
	add_header(response, "Referrer-Policy", "same-origin");
	add_header(response, "Cross-Origin-Opener-Policy", "same-origin");
	add_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	add_header(response, "Cache-Control",
	    is_style ? "private, max-age=60" : "no-store");
	if (request->location != NULL)
		add_header(response, "Location", request->location);
	enum MHD_Result result =
	    MHD_queue_response(request->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* Without the style sheet, which is also only for those let in. */
enum MHD_Result
web_send_note(struct web_request *request, unsigned status, const char *text)
{
	char *body = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&body, &length);

	if (file == NULL)
		return MHD_NO;
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta name=\"viewport\" "
	      "content=\"width=device-width,initial-scale=1\">"
	      "<meta name=\"color-scheme\" content=\"light dark\">"
	      "<link rel=\"icon\" href=\"data:,\"><title>",
	    file);
	escape_html(file, request->web->settings.name);
	fputs("</title></head><body><main><h1>", file);
	escape_html(file, request->web->settings.name);
	fputs("</h1><p>", file);
	escape_html(file, text);
	fputs(
	    "</p><p><a href=\"/\">First page</a></p></main></body></html>\n", file);
	if (fclose(file) == 0)
		return send_body(
		    request, status, body, length, "text/html; charset=utf-8");
	free(body);
	return MHD_NO;
}

static enum MHD_Result
send_style(struct web_request *request)
{
	char *body = NULL;
	int length = asprintf(&body, "%s%s", page_style, more_style);

	return length < 0 ? MHD_NO
	                  : send_body(request, MHD_HTTP_OK, body, (size_t)length,
	                        "text/css; charset=utf-8");
}

static void
put_said(struct web_request *request, FILE *file)
{
	struct web *web = request->web;

	for (unsigned i = 0; i < SAID_MOST; i++) {
		struct said *said = &web->said[i];
		if (*said->text == '\0' || strcmp(said->user, request->user) != 0)
			continue;
		fprintf(file, "<p class=\"said%s\" role=\"status\">",
		    said->is_error ? " wrong" : "");
		escape_html(file, said->text);
		fputs("</p>\n", file);
		*said->text = '\0';
	}
}

static void
put_begin(struct web_request *request, const struct web_page *page, FILE *file)
{
	const struct web_settings *settings = &request->web->settings;

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta name=\"viewport\" "
	      "content=\"width=device-width,initial-scale=1\">"
	      "<link rel=\"stylesheet\" href=\"/style.css\"><link rel=\"icon\" "
	      "href=\"data:,\"><title>",
	    file);
	escape_html(file, page->title);
	fputs(" - ", file);
	escape_html(file, settings->name);
	fputs("</title></head><body><a class=\"skip\" href=\"#main\">To the "
	      "content</a><nav aria-label=\"Pages\"><b>",
	    file);
	escape_html(file, settings->name);
	fputs("</b>", file);
	for (const struct web_page *at = settings->pages; at->path != NULL; at++) {
		if (at->link == NULL)
			continue;
		fprintf(file, "<a href=\"%s\"%s>%s</a>", at->path,
		    at == page ? " aria-current=\"page\"" : "", at->link);
	}
	if (*request->user != '\0') {
		fputs("<span class=\"who\">", file);
		escape_html(file, request->user);
		fputs("</span>", file);
	}
	fputs("</nav>\n<main id=\"main\">", file);
	put_said(request, file);
}

static enum MHD_Result
send_page(struct web_request *request, const struct web_page *page)
{
	char *inside = NULL, *body = NULL;
	size_t inside_length = 0, length = 0;
	FILE *file = open_memstream(&inside, &inside_length);

	request->status = MHD_HTTP_OK;
	if (file == NULL)
		return MHD_NO;
	page->show(request->web->settings.ctx, request, file);
	bool ok = fclose(file) == 0;
	file = ok ? open_memstream(&body, &length) : NULL;
	if (file != NULL && request->location == NULL && page->title != NULL) {
		put_begin(request, page, file);
		fwrite(inside, 1, inside_length, file);
		fputs("</main></body></html>\n", file);
	}
	free(inside);
	if (file == NULL || fclose(file) != 0) {
		free(body);
		return MHD_NO;
	}
	return send_body(request,
	    request->location != NULL ? MHD_HTTP_SEE_OTHER : request->status, body,
	    length, "text/html; charset=utf-8");
}

static enum MHD_Result
refuse(struct web_request *request, unsigned status, const char *reason)
{
	char text[400];

	if (request->web->settings.log != NULL) {
		fprintf(request->web->settings.log,
		    "%s: refused: ", request->web->settings.name);
		escape_terminal(request->web->settings.log, request->path, 100);
		fprintf(request->web->settings.log, ": %s\n", reason);
		fflush(request->web->settings.log);
	}
	snprintf(text, sizeof text, "Not shown: %s.", reason);
	return web_send_note(request, status, text);
}

/* Moves the token from the address line into a cookie. */
static enum MHD_Result
begin(struct web_request *request)
{
	const struct web *web = request->web;
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	char cookie[128];

	if (response == NULL)
		return MHD_NO;
	snprintf(cookie, sizeof cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict",
	    web->cookie, web->token);
	add_header(response, "Set-Cookie", cookie);
	add_header(response, "Referrer-Policy", "no-referrer");
	add_header(response, "Cache-Control", "no-store");
	add_header(response, "Location", "/");
	enum MHD_Result result =
	    MHD_queue_response(request->connection, MHD_HTTP_SEE_OTHER, response);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result
web_answer(struct web_request *request)
{
	bool is_post = strcmp(request->method, "POST") == 0;
	const char *reason = "";
	bool is_known = false;

	enum access access = web_access(request, &reason);
	if (access == ACCESS_REFUSED)
		return refuse(request, MHD_HTTP_FORBIDDEN, reason);
	if (access == ACCESS_BEGIN && !is_post)
		return begin(request);
	if (access != ACCESS_GRANTED)
		return refuse(request, MHD_HTTP_FORBIDDEN,
		    "a form cannot be sent to the start address");
	if (!is_post && strcmp(request->path, "/style.css") == 0)
		return send_style(request);
	if (request->is_too_large)
		return refuse(
		    request, MHD_HTTP_CONTENT_TOO_LARGE, "the form is too large");
	if (is_post && !web_form_is_ours(request, &reason))
		return refuse(request, MHD_HTTP_FORBIDDEN, reason);
	for (const struct web_page *page = request->web->settings.pages;
	     page->path != NULL; page++) {
		if (strcmp(page->path, request->path) != 0)
			continue;
		is_known = true;
		if (page->is_post == is_post)
			return send_page(request, page);
	}
	return is_known ? web_send_note(request, MHD_HTTP_METHOD_NOT_ALLOWED,
	                      "This page does not take that method.")
	                : web_send_note(request, MHD_HTTP_NOT_FOUND,
	                      "There is no such page.");
}
