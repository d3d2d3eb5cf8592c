/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/live.h"
#include "admin/serve.h"
#include "base/text.h"
#include "report/escape.h"
#include "report/page.h"

/* How long today's numbers are shown before they are counted again. */
#define TODAY_S 15

static const struct page_link links[] = {
    {"sid", "/explain?sid="},
    {"ip", "/explain?ip="},
    {"address", "/explain?ip="},
    {NULL, NULL},
};

static const char *
given(const struct web_request *request, const char *name)
{
	const char *value = web_value(request, name);

	return value == NULL ? "" : value;
}

/* Writes the answer of a command and frees it. */
static void
put_answer(struct doc *doc, char *said, const char *const *keys, FILE *body)
{
	if (said != NULL && *said != '\0') {
		fputs("<p class=\"said wrong\">", body);
		escape_html(body, text_trim(said));
		fputs("</p>\n", body);
	}
	if (doc != NULL)
		page_sections(doc, keys, links, body);
	doc_free(&doc);
	free(said);
}

/* ------------------------------------------------------------------- today */

static int64_t
midnight(int64_t now)
{
	time_t time = (time_t)now;
	struct tm tm;

	if (localtime_r(&time, &tm) == NULL)
		return now - 86400;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	return mktime(&tm);
}

static void
count_today(struct serve *serve, FILE *body)
{
	int64_t now = admin_now(serve->admin);
	char since[32], *said;

	if (serve->today != NULL && now - serve->today_made < TODAY_S &&
	    now >= serve->today_made)
		return;
	snprintf(since, sizeof since, "@%lld", (long long)midnight(now));
	doc_free(&serve->today);
	serve->today = serve_command(serve, &command_report,
	    (const char *const[]){"--since", since, "--top", "10", NULL}, false,
	    &said);
	put_answer(NULL, said, NULL, body);
	/* Today's clients may still come back, so look at the last seven days. */
	doc_free(&serve->lost);
	serve->lost = serve_command(serve, &command_lost,
	    (const char *const[]){"--limit", "10", "--likely", NULL}, false, &said);
	put_answer(NULL, said, NULL, body);
	serve->today_made = now;
}

static void
put_held(struct doc *doc, const struct live *live, int64_t now)
{
	static const struct column columns[] = {
	    {"address", "Address", 0, false},
	    {"name", "Name", 0, false},
	    {"held_for", "Held for", 0, false},
	    {"of", "of", 0, false},
	    {"sid", "sid", 0, false},
	};

	doc_section(doc, "held", "Held right now");
	doc_table(doc, columns, 5);
	for (unsigned i = 0; i < live->holds_count; i++) {
		const struct live_hold *hold = &live->holds[i];
		int64_t since = now - hold->since;
		doc_row(doc,
		    (struct cell[]){cell_text(hold->ip), cell_text(hold->name),
		        cell_seconds((double)(since < 0 ? 0 : since)),
		        cell_seconds((double)hold->seconds), cell_text(hold->sid)});
	}
}

static void
put_daemon(struct serve *serve, FILE *body)
{
	struct doc *doc = doc_new("daemon");
	struct error error = {.text = ""};
	struct live live;
	const char *trouble;

	live_ask(serve->admin->config, &live, &error);
	if (doc != NULL) {
		doc_section(doc, "daemon", "Daemon");
		doc_subtitle(doc);
		doc_fact(doc, "state", "Daemon",
		    cell_text(live_state_words[live.state]));
		doc_fact(doc, "version", "Version",
		    cell_text(live_value(&live, "version")));
		doc_fact(doc, "mode", "Mode", cell_text(live_value(&live, "mode")));
		doc_fact(doc, "holds", "Held now",
		    live.state == LIVE_RUNNING ? cell_count(live.holds_count)
		                               : cell_none());
		doc_fact(doc, "most", "of at most",
		    cell_text(live_value(&live, "max_sessions")));
		for (unsigned i = 0; (trouble = live_trouble(&live, i)) != NULL;
		     i++)
			doc_say(doc, "%s", trouble);
		if (live.state == LIVE_UNKNOWN)
			doc_say(doc, "%s", error.text);
		put_held(doc, &live, admin_now(serve->admin));
	}
	live_clear(&live);
	put_answer(doc, NULL, NULL, body);
}

void
serve_today(void *ctx, struct web_request *request, FILE *body)
{
	static const char *const first[] = {"range", "headline", "delay", NULL};
	static const char *const rest[] = {"lateness", "flow", "hours", NULL};
	struct serve *serve = ctx;

	(void)request;
	fputs("<h1>Today at a glance</h1>\n", body);
	put_daemon(serve, body);
	count_today(serve, body);
	if (serve->today != NULL)
		page_sections(serve->today, first, links, body);
	if (serve->lost != NULL)
		page_sections(serve->lost, NULL, links, body);
	if (serve->today != NULL)
		page_sections(serve->today, rest, links, body);
}

/* ------------------------------------------------------------------ search */

static void
put_input(FILE *body, const struct web_request *request, const char *name,
    const char *label)
{
	fprintf(body, "<label>%s <input name=\"%s\" value=\"", label, name);
	escape_html(body, given(request, name));
	fputs("\"></label>\n", body);
}

void
serve_find(void *ctx, struct web_request *request, FILE *body)
{
	const char *text = given(request, "text");
	struct serve *serve = ctx;
	char *said;

	fputs("<h1>Search</h1><form method=\"get\" role=\"search\">", body);
	put_input(body, request, "text",
	    "Address, name, sender, recipient, queue id or Message-ID");
	fputs("<button class=\"main\">Search</button></form>\n", body);
	if (*text == '\0')
		return;
	struct doc *doc = serve_command(serve, &command_find,
	    (const char *const[]){"--", text, NULL}, false, &said);
	put_answer(doc, said, NULL, body);
}

/* ----------------------------------------------------------------- explain */

static void
put_allow(const struct web_request *request, const char *who, FILE *body)
{
	fputs("<form method=\"post\" action=\"/allow\">", body);
	web_form(request, body);
	fputs("<label>Allow <input name=\"who\" required value=\"", body);
	escape_html(body, who);
	fputs("\"></label><label>for <select name=\"for\"><option "
	      "value=\"30d\">30 days</option><option value=\"365d\">a year</option>"
	      "<option value=\"\">ever</option></select></label><button>Allow"
	      "</button></form>\n",
	    body);
}

static void
put_what_if(const struct web_request *request, FILE *body)
{
	fputs("<form method=\"get\">", body);
	put_input(body, request, "ip", "Client's address");
	put_input(body, request, "name", "its name");
	put_input(body, request, "helo", "HELO");
	put_input(body, request, "from", "from");
	put_input(body, request, "to", "to");
	fputs("<button class=\"main\">What would it get?</button></form>\n", body);
}

/* The address of the event that was shown. */
static const char *
address_of(const struct doc *doc)
{
	for (size_t i = 0; doc != NULL && i < doc->sections_count; i++) {
		const struct section *section = &doc->sections[i];
		for (size_t k = 0; k < section->facts_count; k++) {
			if (strcmp(section->facts[k].key, "ip") == 0 &&
			    section->facts[k].cell.kind == CELL_TEXT)
				return section->facts[k].cell.text;
		}
	}
	return NULL;
}

void
serve_explain(void *ctx, struct web_request *request, FILE *body)
{
	const char *ip = given(request, "ip"), *sid = given(request, "sid");
	struct serve *serve = ctx;
	struct doc *doc = NULL;
	char *said = NULL;

	fputs("<h1>Why, or what if</h1>\n", body);
	put_what_if(request, body);
	if (*ip != '\0')
		doc = serve_command(serve, &command_explain,
		    (const char *const[]){"--ip", ip, "--name",
		        given(request, "name"), "--helo", given(request, "helo"),
		        "--from", given(request, "from"), "--to",
		        given(request, "to"), NULL},
		    false, &said);
	else if (*sid != '\0')
		doc = serve_command(serve, &command_explain,
		    (const char *const[]){"--sid", sid, NULL}, false, &said);
	else
		return;
	const char *who = *ip != '\0' ? ip : address_of(doc);
	if (who != NULL)
		put_allow(request, who, body);
	put_answer(doc, said, NULL, body);
}

void
serve_allow(void *ctx, struct web_request *request, FILE *body)
{
	const char *who = given(request, "who"), *span = given(request, "for");
	const char *user = web_user(request);
	struct serve *serve = ctx;
	char text[400], *said;

	(void)body;
	struct doc *doc = serve_command(serve, &command_allow,
	    (const char *const[]){"--for", span, "--", who, NULL}, true, &said);
	if (doc == NULL) {
		web_say(request, true, said == NULL ? "out of memory" : said);
	} else {
		snprintf(text, sizeof text, "%.200s is allowed %s%s", who,
		    *span == '\0' ? "for ever" : "for ", span);
		web_say(request, false, text);
		fputs("targreyctl: serve: ", serve->admin->err);
		escape_terminal(serve->admin->err, text, 0);
		fputs(", by ", serve->admin->err);
		escape_terminal(
		    serve->admin->err, user == NULL ? "the page" : user, 0);
		fputc('\n', serve->admin->err);
		fflush(serve->admin->err);
	}
	doc_free(&doc);
	free(said);
	web_go(request, "/explain");
}

/* -------------------------------------------------------------- lost, report */

void
serve_lost(void *ctx, struct web_request *request, FILE *body)
{
	struct serve *serve = ctx;
	char *said;

	fputs("<h1>Mail that may be lost</h1><form method=\"get\">", body);
	put_input(body, request, "from", "From");
	put_input(body, request, "to", "to");
	fputs("<button class=\"main\">Search</button></form>\n", body);
	struct doc *doc = serve_command(serve, &command_lost,
	    (const char *const[]){"--from", given(request, "from"), "--to",
	        given(request, "to"), NULL},
	    false, &said);
	put_answer(doc, said, NULL, body);
}

void
serve_report(void *ctx, struct web_request *request, FILE *body)
{
	static const char *const spans[] = {"1d", "7d", "30d"};
	static const char *const names[] = {"a day", "a week", "30 days"};
	const char *since = given(request, "since");
	struct serve *serve = ctx;
	size_t chosen = 1;
	char *said;

	fputs("<h1>Report</h1><ul class=\"bands\">", body);
	for (size_t i = 0; i < 3; i++) {
		if (strcmp(since, spans[i]) == 0)
			chosen = i;
	}
	for (size_t i = 0; i < 3; i++)
		fprintf(body, "<li><a href=\"/report?since=%s\"%s>%s</a></li>",
		    spans[i], i == chosen ? " aria-current=\"true\"" : "",
		    names[i]);
	fputs("</ul>\n", body);
	struct doc *doc = serve_command(serve, &command_report,
	    (const char *const[]){"--since", spans[chosen], NULL}, false, &said);
	put_answer(doc, said, NULL, body);
}
