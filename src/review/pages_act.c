/* SPDX-License-Identifier: BSD-2-Clause */
/* The forms that change something, and where they lead. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "review/pages.h"

/* The outcome for several mails, as one sentence. */
struct result {
	unsigned done, failed;
	char last[OUTCOME_SIZE], wrong[600];
};

static void
act_on(struct admin *admin, const struct folders *folders, enum action action,
    const char *id, struct result *result)
{
	struct review *review = admin->more;
	struct own_mail mail;
	struct error error;

	bool ok = pages_find(admin, folders, id, &mail, &error);
	if (ok) {
		ok = review_act(review, action, &mail.mail, result->last, &error);
		own_mail_clear(&mail);
	}
	result->done += ok;
	result->failed += !ok;
	if (!ok && *result->wrong == '\0')
		text_copy(result->wrong, sizeof result->wrong, error.text);
}

static void
tell(struct web_request *request, enum action action, const struct result *result)
{
	char text[OUTCOME_SIZE + 100];

	if (result->done == 1)
		snprintf(text, sizeof text, "%s: %s", action_words[action],
		    result->last);
	else
		snprintf(text, sizeof text, "%s: %u messages", action_words[action],
		    result->done);
	if (result->done > 0)
		web_say(request, false, text);
	if (result->failed > 0) {
		snprintf(text, sizeof text, "%u failed: %s", result->failed,
		    result->wrong);
		web_say(request, true, text);
	}
	if (result->done + result->failed == 0)
		web_say(request, true, "No message was selected.");
}

/* Back to the list with the same filter. */
static void
go_back(struct web_request *request)
{
	char *query = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&query, &length);
	const char *text = web_value(request, "text"),
	           *band = web_value(request, "band");

	if (file == NULL)
		return;
	fputs("/?text=", file);
	web_escape(file, text);
	fputs("&band=", file);
	web_escape(file, band);
	fclose(file);
	web_go(request, "%s", query);
	free(query);
}

static bool
action_of(const char *word, enum action *action_r)
{
	for (int i = 0; word != NULL && i < ACTIONS; i++) {
		if (strcmp(word, action_words[i]) == 0) {
			*action_r = (enum action)i;
			return true;
		}
	}
	return false;
}

void
page_act(void *ctx, struct web_request *request, FILE *body)
{
	struct admin *admin = ctx;
	struct result result = {0};
	struct folders folders;
	enum action action = ACTION_RELEASE;
	const char *id;

	go_back(request);
	if (!pages_begin(admin, request, body, &folders))
		return;
	/* a button in a row names one mail, those above the list name an action */
	for (int i = 0; i < ACTIONS; i++) {
		if ((id = web_value(request, action_words[i])) != NULL) {
			act_on(admin, &folders, (enum action)i, id, &result);
			tell(request, (enum action)i, &result);
			return;
		}
	}
	if (!action_of(web_value(request, "do"), &action))
		return;
	for (int i = 0; (id = web_nth(request, "id", i)) != NULL; i++)
		act_on(admin, &folders, action, id, &result);
	tell(request, action, &result);
}

struct ids {
	char (*id)[MAIL_ID_SIZE];
	size_t count, room;
};

static bool
keep_id(void *ctx, const struct mail *mail)
{
	struct ids *ids = ctx;

	if (ids->count == ids->room) {
		ids->room = ids->room * 2 + 256;
		void *grown = realloc(ids->id, ids->room * sizeof *ids->id);
		if (grown == NULL)
			return false;
		ids->id = grown;
	}
	text_copy(ids->id[ids->count++], MAIL_ID_SIZE, mail->id);
	return true;
}

/* Only as many as were confirmed: mails that came since need a new question. */
void
page_band(void *ctx, struct web_request *request, FILE *body)
{
	struct admin *admin = ctx;
	struct review *review = admin->more;
	const char *band = web_value(request, "band"),
	           *count = web_value(request, "count");
	struct result result = {0};
	struct ids ids = {NULL, 0, 0};
	struct mail_filter filter;
	struct folders folders;
	enum action action;
	struct error error;
	int64_t agreed;

	go_back(request);
	if (!pages_begin(admin, request, body, &folders))
		return;
	pages_filter(admin, request, &folders, &filter);
	if (!action_of(web_value(request, "do"), &action) ||
	    (action != ACTION_SPAM && action != ACTION_DISCARD) || band == NULL ||
	    count == NULL || !text_integer(count, 1, 10000000, &agreed))
		return;
	bool ok = index_list(review->index, &filter, keep_id, &ids, &error);
	if (!ok) {
		web_say(request, true, error.text);
	} else if (ids.count != (size_t)agreed) {
		web_say(request, true,
		    "Messages have come or gone since; nothing was done. Look "
		    "again.");
	} else {
		for (size_t i = 0; i < ids.count; i++)
			act_on(admin, &folders, action, ids.id[i], &result);
		tell(request, action, &result);
	}
	free(ids.id);
}

struct owner {
	const char *who;
	bool is_his;
};

static bool
check_owner(void *ctx, const struct act *act)
{
	struct owner *owner = ctx;

	owner->is_his = owner->who == NULL || strcmp(owner->who, act->who) == 0;
	return false;
}

void
page_undo(void *ctx, struct web_request *request, FILE *body)
{
	struct admin *admin = ctx;
	struct review *review = admin->more;
	const char *id = web_value(request, "id");
	struct owner owner = {web_user(request), false};
	char outcome[OUTCOME_SIZE];
	struct folders folders;
	struct error error;

	web_go(request, "/log");
	if (!pages_begin(admin, request, body, &folders))
		return;
	if (id == NULL || strlen(id) != MAIL_ID_SIZE - 1 ||
	    strspn(id, "0123456789abcdef") != MAIL_ID_SIZE - 1 ||
	    !index_acts(review->index, id, NULL, 1, check_owner, &owner, &error) ||
	    !owner.is_his)
		web_say(request, true, "There is nothing to undo.");
	else if (review_undo(review, id, outcome, &error))
		web_say(request, false, outcome);
	else
		web_say(request, true, error.text);
}
