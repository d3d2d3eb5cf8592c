/* SPDX-License-Identifier: BSD-2-Clause */
/* The page of past actions. */
#include <string.h>

#include "report/escape.h"
#include "review/pages.h"

struct logging {
	const struct web_request *request;
	FILE *body;
	size_t rows;
};

static bool
put_act(void *ctx, const struct act *act)
{
	struct logging *logging = ctx;
	struct doc_cell when = {.kind = CELL_TIME, .number = (double)act->time};
	FILE *body = logging->body;
	char buf[CELL_TEXT_SIZE];

	fputs("<li><span class=\"what\"><b>", body);
	escape_html(body, act->what);
	fputs("</b> by ", body);
	escape_html(body, act->who);
	fprintf(body, "<br><span class=\"soft\">%s &#183; ",
	    cell_for_people(&when, buf));
	escape_html(body, act->from);
	fputs("</span></span><span class=\"acts\">", body);
	if (act->undone) {
		fputs("undone", body);
	} else if (strcmp(act->to, "sent") == 0) {
		fputs("sent", body);
	} else {
		fputs("<form method=\"post\" action=\"/undo\">", body);
		web_form(logging->request, body);
		fprintf(body,
		    "<button name=\"id\" value=\"%s\" aria-label=\"Undo: ",
		    act->id);
		escape_html(body, act->what);
		fputs(" ", body);
		escape_html(body, act->from);
		fputs("\">Undo</button></form>", body);
	}
	fputs("</span></li>\n", body);
	logging->rows++;
	return true;
}

void
page_log(void *ctx, struct web_request *request, FILE *body)
{
	struct admin *admin = ctx;
	struct review *review = admin->more;
	struct logging logging = {request, body, 0};
	struct error error;

	fputs("<h1>What was done, newest first</h1><ul class=\"mails "
	      "done\">\n",
	    body);
	bool ok = index_acts(
	    review->index, "", web_user(request), 200, put_act, &logging, &error);
	fputs("</ul>\n", body);
	if (!ok || logging.rows == 0) {
		fputs("<p>", body);
		escape_html(body, ok ? "Nothing yet." : error.text);
		fputs("</p>\n", body);
	}
}
