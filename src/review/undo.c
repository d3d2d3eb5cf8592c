/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "review/review.h"

struct undoing {
	struct review *review;
	char *outcome;
	struct error *error;
	int64_t number;
	bool ok;
};

static bool
put_back(struct undoing *undoing, const struct act *act)
{
	char found[PATH_MAX];

	if (!move_find(act->to, found)) {
		error_set(undoing->error,
		    "%s: is gone: it was moved or removed since", act->to);
		return false;
	}
	if (!move_file(found, act->from, undoing->error))
		return false;
	snprintf(undoing->outcome, OUTCOME_SIZE, "%s: moved back to %s", act->what,
	    act->from);
	return true;
}

static bool
forget_learned(struct undoing *undoing, const struct act *act)
{
	struct review *review = undoing->review;
	struct mail mail = {.kind = FOLDER_FILES, .name = act->from};
	struct error error;
	size_t used = strlen(undoing->outcome);

	if (strcmp(act->what, "spam") != 0 && strcmp(act->what, "ham") != 0)
		return true;
	FILE *file = fopen(act->from, "re");
	bool forgotten =
	    review->learner != LEARN_NONE && file != NULL &&
	    learn(review->learner, "forget", &mail, fileno(file), &error);
	if (file != NULL)
		fclose(file);
	snprintf(undoing->outcome + used, OUTCOME_SIZE - used,
	    "%s; whatever the record counted as %s stays counted",
	    forgotten ? "; forgotten by the filter" : "", act->what);
	return true;
}

static void
name_another(struct undoing *undoing, const struct act *act)
{
	size_t used = strlen(undoing->outcome);

	if (strcmp(act->who, undoing->review->who) != 0)
		snprintf(undoing->outcome + used, OUTCOME_SIZE - used,
		    "; it was done by %s", act->who);
}

static bool
undo_act(void *ctx, const struct act *act)
{
	struct undoing *undoing = ctx;
	struct review *review = undoing->review;

	undoing->number = act->number;
	if (strcmp(act->to, "sent") == 0) {
		error_set(undoing->error,
		    "%s of %s: the message was sent, and cannot be recalled",
		    act->what, act->id);
		return false;
	}
	if (*act->to != '\0') {
		undoing->ok = put_back(undoing, act);
	} else {
		undoing->ok =
		    index_decide(review->index, act->id, NULL, 0, undoing->error);
		snprintf(undoing->outcome, OUTCOME_SIZE, "%s: to be decided again",
		    act->what);
	}
	undoing->ok = undoing->ok && forget_learned(undoing, act);
	if (undoing->ok)
		name_another(undoing, act);
	undoing->ok =
	    undoing->ok && review_log(review, "undo", act->id, act->message_id,
	                       act->from, undoing->outcome, undoing->error);
	return false;
}

bool
review_undo(struct review *review, const char *id,
    char outcome[static OUTCOME_SIZE], struct error *error)
{
	struct undoing undoing = {review, outcome, error, 0, false};

	*outcome = '\0';
	if (!index_acts(review->index, id, id == NULL ? review->who : NULL, 1,
	        undo_act, &undoing, error))
		return false;
	if (undoing.number == 0 && id == NULL)
		error_set(
		    error, "nothing that %s has done can be undone", review->who);
	else if (undoing.number == 0)
		error_set(error, "%s: nothing to undo", id);
	if (undoing.number == 0)
		return false;
	return undoing.ok &&
	       index_mark_undone(review->index, undoing.number, error);
}
