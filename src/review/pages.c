/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages that show something. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/escape.h"
#include "report/page.h"
#include "review/head.h"
#include "review/pages.h"
#include "review/users.h"

#define PAGE_ROWS 50

/* Folders and settings of the user that a proxy names. */
static bool
become(struct admin *admin, const char *user)
{
	struct review *review = admin->more;

	if (user == NULL)
		return true;
	if (!is_user(user))
		return false;
	text_copy(review->who, sizeof review->who, user);
	apply_user(admin, review);
	return true;
}

bool
pages_begin(struct admin *admin, struct web_request *request, FILE *body,
    struct folders *folders_r)
{
	struct review *review = admin->more;

	*folders_r = (struct folders){.count = 0};
	review->now = admin_now(admin);
	if (!become(admin, web_user(request))) {
		web_status(request, 403);
		if (body != NULL)
			fputs("<p>This user's name may not stand in a path.</p>",
			    body);
		return false;
	}
	if (sync_folders(admin, 0, false, folders_r))
		return true;
	if (body != NULL)
		fputs("<p>There is no folder to look into: name it on the line, or "
		      "in "
		      "review.folders.</p>",
		    body);
	return false;
}

bool
pages_find(struct admin *admin, const struct folders *folders, const char *id,
    struct own_mail *mail_r, struct error *error)
{
	struct review *review = admin->more;
	int64_t folder;

	if (!review_find(review, id, mail_r, error))
		return false;
	if (!index_folder_id(review->index, mail_r->mail.folder, &folder, error)) {
		own_mail_clear(mail_r);
		return false;
	}
	for (size_t i = 0; i < folders->count; i++) {
		if (folders->ids[i] == folder)
			return true;
	}
	own_mail_clear(mail_r);
	/* no word on whether there is one elsewhere */
	error_set(error, "%.12s: no such mail in your folders", id);
	return false;
}

static int
band_asked(const struct web_request *request)
{
	const char *word = web_value(request, "band");

	for (int i = 0; word != NULL && i < BANDS; i++) {
		if (strcmp(word, band_words[i]) == 0)
			return i;
	}
	return -1;
}

void
pages_filter(struct admin *admin, const struct web_request *request,
    const struct folders *folders, struct mail_filter *filter_r)
{
	struct review *review = admin->more;
	int band = band_asked(request);

	*filter_r = (struct mail_filter){.folders = folders->ids,
	    .folders_count = folders->count,
	    .mark = review->mark,
	    .text = web_value(request, "text"),
	    .only_unscored = band == BAND_NONE};
	if (band > BAND_NONE)
		band_range((enum band)band, review->mark, &filter_r->least,
		    &filter_r->most);
}

/* "?text=...&band=...", of what is not empty */
static void
pages_query(const struct web_request *request, FILE *file, const char *band)
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

/* ------------------------------------------------------------------- list */

static void
put_bands(const struct web_request *request, const uint64_t *counts, FILE *body)
{
	int asked = band_asked(request);
	uint64_t sum = 0;

	for (int i = 0; i < BANDS; i++)
		sum += counts[i];
	fputs("<ul class=\"bands\"><li><a href=\"/", body);
	pages_query(request, body, NULL);
	fprintf(body, "\"%s>all <b>%llu</b></a></li>",
	    asked < 0 ? " aria-current=\"true\"" : "", (unsigned long long)sum);
	for (int i = 0; i < BANDS; i++) {
		int band = (i + 1) % BANDS; /* those without a score last */
		fputs("<li><a href=\"/", body);
		pages_query(request, body, band_words[band]);
		fprintf(body, "\"%s>%s <b>%llu</b></a></li>",
		    asked == band ? " aria-current=\"true\"" : "",
		    band_titles[band], (unsigned long long)counts[band]);
	}
	fputs("</ul>\n", body);
}

static void
put_search(const struct web_request *request, FILE *body)
{
	int band = band_asked(request);

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

static void
put_buttons(FILE *body, const char *id)
{
	fprintf(body,
	    "<span class=\"acts\"><button name=\"release\" value=\"%s\">Release"
	    "</button> <button name=\"spam\" value=\"%s\">Spam</button></span>",
	    id, id);
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
	struct doc_cell when = {.kind = CELL_TIME, .number = (double)mail->time};
	char near[64], notes[400], buf[CELL_TEXT_SIZE];

	listing->rows++;
	fprintf(body,
	    "<li><input type=\"checkbox\" name=\"id\" value=\"%s\" "
	    "aria-label=\"choose ",
	    mail->id);
	escape_html(body, mail->subject);
	fputs("\"><span class=\"score\">", body);
	put_score(mail, body);
	fprintf(
	    body, "</span><span class=\"what\"><a href=\"/mail?id=%s\">", mail->id);
	escape_html(body, *mail->subject == '\0' ? "(no subject)" : mail->subject);
	fputs("</a><br>", body);
	escape_html(body, *mail->sender == '\0' ? "(no From)" : mail->sender);
	fputs("<br><span class=\"soft\">", body);
	escape_html(body, certainty(mail, listing->mark, near, sizeof near));
	fprintf(body, " &#183; %s", cell_for_people(&when, buf));
	if (*mail->client != '\0') {
		fputs(" &#183; ", body);
		escape_html(body, mail->client);
	}
	fputs("<br>", body);
	escape_html(body, mail->why);
	if (mail->notes != 0) {
		fputs("<br>Odd: ", body);
		escape_html(body, head_notes(mail->notes, notes, sizeof notes));
	}
	fputs("</span></span>", body);
	put_buttons(body, mail->id);
	fputs("</li>\n", body);
	return true;
}

static void
put_pager(const struct web_request *request, size_t skip, size_t rows, FILE *body)
{
	int band = band_asked(request);
	const char *word = band < 0 ? NULL : band_words[band];
	char *query = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&query, &length);

	if (file == NULL)
		return;
	pages_query(request, file, word);
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
	int band = band_asked(request);
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

static const char bulk[] =
    "<p class=\"acts\"><button name=\"do\" value=\"release\">Release"
    "</button> <button name=\"do\" value=\"spam\">Spam</button> <button "
    "name=\"do\" "
    "value=\"ham\">Good (release and learn)</button> <button name=\"do\" "
    "value=\"discard\">Discard</button></p>\n";

static void
put_list(struct admin *admin, struct web_request *request,
    const struct mail_filter *filter, FILE *body)
{
	struct review *review = admin->more;
	struct listing listing = {body, review->mark, 0};
	int band = band_asked(request);
	struct error error;

	fputs("<form method=\"post\" action=\"/act\" class=\"rows\">", body);
	put_hidden(request, body);
	fputs("<p class=\"acts\">With those that are chosen:</p>", body);
	fputs(bulk, body);
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
		fputs(bulk, body);
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
	fputs("<h1>Mail, the doubtful first</h1>\n", body);
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
	int band = band_asked(request);
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
		fputs("<p>There is nothing to be sure of.</p>", body);
		return;
	}
	fprintf(body,
	    "<h1>Are you sure?</h1><p>%llu mails (%s) would be %s.</p><form "
	    "method=\"post\" action=\"/band\">",
	    (unsigned long long)counts[band], band_titles[band],
	    strcmp(action, "spam") == 0 ? "called spam" : "discarded");
	put_hidden(request, body);
	fprintf(body,
	    "<input type=\"hidden\" name=\"count\" value=\"%llu\"><button "
	    "class=\"main\" name=\"do\" value=\"%s\">Yes, all of them</button> <a "
	    "href=\"/\">No</a></form>\n",
	    (unsigned long long)counts[band], action);
}

/* --------------------------------------------------------------- one mail */

static void
put_text(const struct mail *mail, FILE *body)
{
	struct error error;
	char *text = mail_read(mail, &error);

	fputs("<pre>", body);
	/* line ends are kept, all else that is no text is written out */
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n")) != NULL) {
		line[strcspn(line, "\r")] = '\0';
		escape_html(body, line);
		fputc('\n', body);
	}
	if (text == NULL)
		escape_html(body, error.text);
	fputs("</pre>\n", body);
	free(text);
}

static void
put_facts(const struct mail *mail, double mark, FILE *body)
{
	struct doc *doc = doc_new("mail");

	if (doc != NULL) {
		show_facts(doc, mail, mark);
		page_sections(doc, NULL, NULL, body);
	}
	doc_free(&doc);
}

void
page_mail(void *ctx, struct web_request *request, FILE *body)
{
	struct admin *admin = ctx;
	struct review *review = admin->more;
	const char *id = web_value(request, "id");
	struct folders folders;
	struct own_mail mail;
	struct error error;

	if (!pages_begin(admin, request, body, &folders))
		return;
	if (!pages_find(admin, &folders, id == NULL ? "" : id, &mail, &error)) {
		web_status(request, 404);
		fputs("<p>", body);
		escape_html(body, error.text);
		fputs("</p>", body);
		return;
	}
	fputs("<h1>", body);
	escape_html(
	    body, *mail.mail.subject == '\0' ? "(no subject)" : mail.mail.subject);
	fputs("</h1><form method=\"post\" action=\"/act\">", body);
	web_form(request, body);
	fprintf(
	    body, "<input type=\"hidden\" name=\"id\" value=\"%s\">", mail.mail.id);
	fputs(bulk, body);
	fputs("</form>\n", body);
	put_facts(&mail.mail, review->mark, body);
	put_text(&mail.mail, body);
	own_mail_clear(&mail);
}
