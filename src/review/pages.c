/* SPDX-License-Identifier: BSD-2-Clause */
/* Code shared by the pages, and the page of one mail. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/escape.h"
#include "report/page.h"
#include "review/head.h"
#include "review/pages.h"
#include "review/users.h"

/* Uses the folders and settings of the user named by a proxy. */
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
			fputs("<p>This user name is not allowed in a path.</p>",
			    body);
		return false;
	}
	if (sync_folders(admin, 0, false, folders_r))
		return true;
	if (body != NULL)
		fputs("<p>There is no folder to look into: name one on the command "
		      "line, or in review.folders.</p>",
		    body);
	return false;
}

bool
pages_find(struct admin *admin, const struct folders *folders, const char *id,
    struct own_mail *mail_r, struct error *error)
{
	struct review *review = admin->more;
	int64_t folder;

	if (!review_find(review, id, mail_r, error)) {
		if (mail_r->unknown)
			error_set(
			    error, "%.12s: no such message in your folders", id);
		return false;
	}
	if (!index_folder_id(review->index, mail_r->mail.folder, &folder, error)) {
		own_mail_clear(mail_r);
		return false;
	}
	for (size_t i = 0; i < folders->count; i++) {
		if (folders->ids[i] == folder)
			return true;
	}
	own_mail_clear(mail_r);
	/* does not reveal whether it exists elsewhere */
	error_set(error, "%.12s: no such message in your folders", id);
	return false;
}

int
pages_band(const struct web_request *request)
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
	int band = pages_band(request);

	*filter_r = (struct mail_filter){.folders = folders->ids,
	    .folders_count = folders->count,
	    .mark = review->mark,
	    .text = web_value(request, "text"),
	    .only_unscored = band == BAND_NONE};
	if (band > BAND_NONE)
		band_range((enum band)band, review->mark, &filter_r->least,
		    &filter_r->most);
}

const char pages_bulk[] =
    "<p class=\"acts\"><button name=\"do\" value=\"release\">Release"
    "</button> <button name=\"do\" value=\"spam\">Spam</button> <button "
    "name=\"do\" "
    "value=\"ham\">Good (release and learn)</button> <button name=\"do\" "
    "value=\"discard\">Discard</button></p>\n";

/* --------------------------------------------------------------- one mail */

static void
put_text(const struct mail *mail, FILE *body)
{
	struct error error;
	char *text = mail_read(mail, &error);

	fputs("<pre>", body);
	/* keeps line ends; escapes everything else that is not text */
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
	fputs(pages_bulk, body);
	fputs("</form>\n", body);
	put_facts(&mail.mail, review->mark, body);
	put_text(&mail.mail, body);
	own_mail_clear(&mail);
}
