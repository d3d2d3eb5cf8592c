/* SPDX-License-Identifier: BSD-2-Clause */
/* The list page, and the confirmation before acting on a whole band. */
#include <stdlib.h>
#include <string.h>

#include "report/escape.h"
#include "review/head.h"
#include "review/pages.h"

#define PAGE_ROWS 50

/* "?text=...&band=...", leaving out empty values */
static void
put_query(const struct web_request *request, FILE *file, const char *band)
{
	const char *text = web_value(request, "text");
	const char *sign = "?";

	if (text != NULL && *text != '\0') {
		fputs("?text=", file);
		web_escape(file, text);
		sign = "&amp;";
	}
	if (band != NULL && *band != '\0')
		fprintf(file, "%sband=%s", sign, band);
}

static void
put_bands(const struct web_request *request, const uint64_t *counts, FILE *body)
{
	int asked = pages_band(request);
	uint64_t sum = 0;

	for (int i = 0; i < BANDS; i++)
		sum += counts[i];
	fputs("<ul class=\"bands\"><li><a href=\"/", body);
	put_query(request, body, NULL);
	fprintf(body, "\"%s>all <b>%llu</b></a></li>",
	    asked < 0 ? " aria-current=\"true\"" : "", (unsigned long long)sum);
	for (int i = 0; i < BANDS; i++) {
		int band = (i + 1) % BANDS; /* those without a score last */
		fputs("<li><a href=\"/", body);
		put_query(request, body, band_words[band]);
		fprintf(body, "\"%s>%s <b>%llu</b></a></li>",
		    asked == band ? " aria-current=\"true\"" : "",
		    band_titles[band], (unsigned long long)counts[band]);
	}
	fputs("</ul>\n", body);
}

static void
put_search(const struct web_request *request, FILE *body)
{
	int band = pages_band(request);

	fputs("<form method=\"get\" action=\"/\" role=\"search\"><label>From, "
	      "subject, client, recipient <input name=\"text\" type=\"search\" "
	      "value=\"",
	    body);
	escape_html(body, web_value(request, "text"));
	fputs("\"></label>", body);
	if (band >= 0)
		fprintf(body, "<input type=\"hidden\" name=\"band\" value=\"%s\">",
		    band_words[band]);
	fputs("<button>Search</button></form>\n", body);
}

struct listing {
	FILE *body;
	double mark;
	size_t rows;
};

/* The label tells users of a screen reader which mail a button acts on. */
static void
put_button(FILE *body, const char *name, const char *title, const struct mail *mail)
{
	fprintf(body, "<button name=\"%s\" value=\"%s\" aria-label=\"%s: ", name,
	    mail->id, title);
	escape_html(body, *mail->subject == '\0' ? "(no subject)" : mail->subject);
	fprintf(body, "\">%s</button>", title);
}

static void
put_buttons(FILE *body, const struct mail *mail)
{
	fputs("<span class=\"acts\">", body);
	put_button(body, "release", "Release", mail);
	put_button(body, "spam", "Spam", mail);
	fputs("</span>", body);
}

/* What is known about the mail, doubts first. */
static void
put_known(const struct mail *mail, double mark, FILE *body)
{
	struct doc_cell when = {.kind = CELL_TIME, .number = (double)mail->time};
	const char *const more[] = {mail->client, mail->flags};
	char near[64], notes[400], buf[CELL_TEXT_SIZE];

	fputs("<span class=\"soft\">", body);
	escape_html(body, certainty(mail, mark, near, sizeof near));
	fprintf(body, " &#183; %s", cell_for_people(&when, buf));
	for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
		if (*more[i] == '\0')
			continue;
		fputs(" &#183; ", body);
		escape_html(body, more[i]);
	}
	fputs("<br>", body);
	escape_html(body, mail->why);
	if (mail->notes != 0) {
		fputs("<br>Odd: ", body);
		escape_html(body, head_notes(mail->notes, notes, sizeof notes));
	}
	fputs("</span>", body);
}

static void
put_score(const struct mail *mail, FILE *body)
{
	if (mail->score_kind == SCORE_NONE)
		fputs("-", body);
	else
		fprintf(body, "%.2f", mail->score);
}

static bool
put_mail(void *ctx, const struct mail *mail)
{
	struct listing *listing = ctx;
	FILE *body = listing->body;

	listing->rows++;
	fprintf(body,
	    "<li><input type=\"checkbox\" name=\"id\" value=\"%s\" "
	    "aria-label=\"select ",
	    mail->id);
	escape_html(body, mail->subject);
	fputs("\"><span class=\"score\">", body);
	put_score(mail, body);
	fprintf(
	    body, "</span><span class=\"what\"><a href=\"/mail?id=%s\">", mail->id);
	escape_html(body, *mail->subject == '\0' ? "(no subject)" : mail->subject);
	fputs("</a><br>", body);
	escape_html(body, *mail->sender == '\0' ? "(no From)" : mail->sender);
	fputs("<br>", body);
	put_known(mail, listing->mark, body);
	fputs("</span>", body);
	put_buttons(body, mail);
	fputs("</li>\n", body);
	return true;
}

static void
put_pager(const struct web_request *request, size_t skip, size_t rows, FILE *body)
{
	int band = pages_band(request);
	const char *word = band < 0 ? NULL : band_words[band];
	char *query = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&query, &length);

	if (file == NULL)
		return;
	put_query(request, file, word);
	fclose(file);
	const char *sign = length > 0 ? "&amp;" : "?";
	fputs("<p class=\"acts\">", body);
	if (skip > 0)
		fprintf(body, "<a href=\"/%s%sskip=%zu\" rel=\"prev\">Back</a> ",
		    query, sign, skip > PAGE_ROWS ? skip - PAGE_ROWS : 0);
	if (rows == PAGE_ROWS)
		fprintf(body, "<a href=\"/%s%sskip=%zu\" rel=\"next\">Next</a>",
		    query, sign, skip + PAGE_ROWS);
	fputs("</p>\n", body);
	free(query);
}

static void
put_hidden(const struct web_request *request, FILE *body)
{
	int band = pages_band(request);
	const char *text = web_value(request, "text");

	web_form(request, body);
	if (text != NULL) {
		fputs("<input type=\"hidden\" name=\"text\" value=\"", body);
		escape_html(body, text);
		fputs("\">", body);
	}
	if (band >= 0)
		fprintf(body, "<input type=\"hidden\" name=\"band\" value=\"%s\">",
		    band_words[band]);
}

static void
put_list(struct admin *admin, struct web_request *request,
    const struct mail_filter *filter, FILE *body)
{
	struct review *review = admin->more;
	struct listing listing = {body, review->mark, 0};
	int band = pages_band(request);
	struct error error;

	fputs("<form method=\"post\" action=\"/act\" class=\"rows\">", body);
	put_hidden(request, body);
	fputs("<p class=\"acts\">With the selected messages:</p>", body);
	fputs(pages_bulk, body);
	fputs("<ul class=\"mails\">\n", body);
	if (!index_list(review->index, filter, put_mail, &listing, &error)) {
		fputs("<li>", body);
		escape_html(body, error.text);
		fputs("</li>", body);
	}
	fputs("</ul>\n", body);
	if (listing.rows == 0)
		fputs("<p>Nothing is left to look at here.</p>\n", body);
	else
		fputs(pages_bulk, body);
	fputs("</form>\n", body);
	put_pager(request, filter->skip, listing.rows, body);
	if (band < 0 || listing.rows == 0)
		return;
	fputs("<form method=\"get\" action=\"/sure\" class=\"acts\">", body);
	put_hidden(request, body);
	fprintf(body,
	    "All of \"%s\": <button name=\"do\" value=\"spam\">Spam</button> "
	    "<button name=\"do\" value=\"discard\">Discard</button></form>\n",
	    band_titles[band]);
}

void
page_list(void *ctx, struct web_request *request, FILE *body)
{
	struct admin *admin = ctx;
	struct review *review = admin->more;
	const char *skip = web_value(request, "skip");
	struct mail_filter filter;
	struct folders folders;
	uint64_t counts[BANDS];
	struct error error;

	if (!pages_begin(admin, request, body, &folders))
		return;
	pages_filter(admin, request, &folders, &filter);
	filter.limit = PAGE_ROWS;
	filter.skip = skip == NULL ? 0 : (size_t)strtoul(skip, NULL, 10);
	fputs("<h1>Mail, the most doubtful first</h1>\n", body);
	put_search(request, body);
	if (index_bands(review->index, &filter, counts, &error))
		put_bands(request, counts, body);
	put_list(admin, request, &filter, body);
}

void
page_sure(void *ctx, struct web_request *request, FILE *body)
{
	struct admin *admin = ctx;
	struct review *review = admin->more;
	const char *action = web_value(request, "do");
	int band = pages_band(request);
	struct mail_filter filter;
	struct folders folders;
	uint64_t counts[BANDS];
	struct error error;

	if (!pages_begin(admin, request, body, &folders))
		return;
	pages_filter(admin, request, &folders, &filter);
	if (band < 0 || action == NULL ||
	    (strcmp(action, "spam") != 0 && strcmp(action, "discard") != 0) ||
	    !index_bands(review->index, &filter, counts, &error)) {
		web_status(request, 400);
		fputs("<p>There is nothing to confirm.</p>", body);
		return;
	}
	fprintf(body,
	    "<h1>Are you sure?</h1><p>%llu message%s (%s) would be %s.</p><form "
	    "method=\"post\" action=\"/band\">",
	    (unsigned long long)counts[band], counts[band] == 1 ? "" : "s",
	    band_titles[band],
	    strcmp(action, "spam") == 0 ? "confirmed as spam" : "discarded");
	put_hidden(request, body);
	fprintf(body,
	    "<input type=\"hidden\" name=\"count\" value=\"%llu\"><button "
	    "class=\"main\" name=\"do\" value=\"%s\">Yes, all of them</button> <a "
	    "href=\"/\">No</a></form>\n",
	    (unsigned long long)counts[band], action);
}
