/* SPDX-License-Identifier: BSD-2-Clause */
/* The page of what was done. */
#include <string.h>

#include "report/escape.h"
#include "review/pages.h"

struct logging {
	const struct web_request *request;
	FILE *body;
};

static bool
put_act(void *ctx, const struct act *act)
{
	struct logging *logging = ctx;
	struct doc_cell when = {.kind = CELL_TIME, .number = (double)act->time};
	FILE *body = logging->body;
	char buf[CELL_TEXT_SIZE];

	fprintf(body, "<tr><td>%s</td><td>", cell_for_people(&when, buf));
	escape_html(body, act->who);
	fputs("</td><td>", body);
	escape_html(body, act->what);
	fputs("</td><td class=\"s\">", body);
	escape_html(body, act->from);
	fputs("</td><td>", body);
	if (act->undone) {
		fputs("undone", body);
	} else if (strcmp(act->to, "sent") == 0) {
		fputs("sent", body);
	} else {
		fputs("<form method=\"post\" action=\"/undo\">", body);
		web_form(logging->request, body);
		fprintf(body,
		    "<button name=\"id\" value=\"%s\">Undo</button></form>",
		    act->id);
	}
	fputs("</td></tr>\n", body);
	return true;
}

void
page_log(void *ctx, struct web_request *request, FILE *body)
{
	struct admin *admin = ctx;
	struct review *review = admin->more;
	struct logging logging = {request, body};
	struct error error;

	fputs("<h1>What was done, the newest first</h1><div class=\"wide\"><table>"
	      "<thead><tr><th>When</th><th>Who</th><th>What</th><th>Mail</th><th>"
	      "</th></tr></thead><tbody>\n",
	    body);
	if (!index_acts(review->index, "", web_user(request), 200, put_act,
	        &logging, &error)) {
		fputs("<tr><td>", body);
		escape_html(body, error.text);
		fputs("</td></tr>", body);
	}
	fputs("</tbody></table></div>\n", body);
}
