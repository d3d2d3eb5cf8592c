/* SPDX-License-Identifier: BSD-2-Clause */
/* release, spam, ham, discard, undo: the commands that decide. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "report/escape.h"
#include "review/cmds.h"

static void
say_outcome(FILE *file, const char *id, const char *outcome)
{
	fprintf(file, "%s%s", id, *id == '\0' ? "" : ": ");
	escape_terminal(file, outcome, 0);
	fputc('\n', file);
}

/* When one mail fails, the others are still processed. */
static bool
act_on(struct admin *admin, enum action action, const char *id)
{
	struct review *review = admin->more;
	char outcome[OUTCOME_SIZE];
	struct own_mail mail;
	struct error error;

	bool ok = review_find(review, id, &mail, &error);
	if (ok) {
		ok = review_act(review, action, &mail.mail, outcome, &error);
		own_mail_clear(&mail);
	}
	if (ok)
		say_outcome(admin->out, id, outcome);
	else
		say_outcome(admin->err, "targrey-review", error.text);
	return ok;
}

static int
act_on_words(struct admin *admin, enum action action)
{
	bool ok = true;
	int code;

	if (open_review(admin, &code) == NULL)
		return code;
	for (int i = 0; i < admin->words_count; i++)
		ok = act_on(admin, action, admin->words[i]) && ok;
	return ok ? EXIT_OK : EXIT_FAILED;
}

static int
run_release(struct admin *admin)
{
	return act_on_words(admin, ACTION_RELEASE);
}

static int
run_spam(struct admin *admin)
{
	return act_on_words(admin, ACTION_SPAM);
}

static int
run_ham(struct admin *admin)
{
	return act_on_words(admin, ACTION_HAM);
}

/* ------------------------------------------------------- discard by score */

struct picked {
	char (*ids)[MAIL_ID_SIZE];
	size_t count, room;
	bool failed;
};

static bool
pick(void *ctx, const struct mail *mail)
{
	struct picked *picked = ctx;

	if (picked->count == picked->room) {
		picked->room = picked->room * 2 + 256;
		void *grown =
		    realloc(picked->ids, picked->room * sizeof *picked->ids);
		if (grown == NULL) {
			picked->failed = true;
			return false;
		}
		picked->ids = grown;
	}
	text_copy(picked->ids[picked->count++], MAIL_ID_SIZE, mail->id);
	return true;
}

bool
is_agreed(struct admin *admin, const char *what)
{
	char answer[16] = "";

	if (args_value(admin, "yes") != NULL)
		return true;
	if (!isatty(0)) {
		fprintf(admin->err,
		    "targrey-review: %s: nothing was done; give --yes to do it\n",
		    what);
		return false;
	}
	fprintf(admin->err, "%s? [y/N] ", what);
	return fgets(answer, sizeof answer, stdin) != NULL &&
	       (*answer == 'y' || *answer == 'Y');
}

static int
discard_picked(struct admin *admin, const struct picked *picked)
{
	char what[80];
	bool ok = true;

	snprintf(what, sizeof what, "Discard %zu message%s", picked->count,
	    picked->count == 1 ? "" : "s");
	if (picked->count == 0) {
		fputs("nothing to discard\n", admin->out);
		return EXIT_OK;
	}
	if (!is_agreed(admin, what))
		return EXIT_FAILED;
	for (size_t i = 0; i < picked->count; i++)
		ok = act_on(admin, ACTION_DISCARD, picked->ids[i]) && ok;
	return ok ? EXIT_OK : EXIT_FAILED;
}

static int
discard_by_score(struct admin *admin)
{
	int code = EXIT_OK;
	struct review *review = open_review(admin, &code);
	struct mail_filter filter = {0};
	struct picked picked = {NULL, 0, 0, false};
	struct folders folders;
	struct error error;
	int64_t older;

	error_set(&error, "out of memory");
	if (review == NULL)
		return code;
	filter.mark = review->mark;
	if (!read_filter(admin, &filter))
		return EXIT_USAGE;
	if (!text_duration(args_value(admin, "older"), &older))
		return usage(admin,
		    "--older: \"%.40s\" is not allowed; allowed: a span such as "
		    "30d",
		    args_value(admin, "older"));
	filter.until = review->now - older;
	filter.only_discardable = args_value(admin, "any") == NULL;
	if (!sync_folders(admin, 0, false, &folders))
		return EXIT_FAILED;
	filter.folders = folders.ids;
	filter.folders_count = folders.count;
	bool ok = index_list(review->index, &filter, pick, &picked, &error);
	code = ok && !picked.failed ? discard_picked(admin, &picked)
	                            : failed(admin, &error);
	free(picked.ids);
	return code;
}

static int
run_discard(struct admin *admin)
{
	bool above = args_value(admin, "above") != NULL,
	     older = args_value(admin, "older") != NULL;

	if (above != older)
		return usage(admin, "--above and --older go together");
	if (above)
		return discard_by_score(admin);
	if (admin->words_count == 0)
		return usage(admin, "give IDs, or --above SCORE --older SPAN");
	return act_on_words(admin, ACTION_DISCARD);
}

static int
run_undo(struct admin *admin)
{
	const char *id = admin->words_count > 0 ? admin->words[0] : NULL;
	int code = EXIT_OK;
	struct review *review = open_review(admin, &code);
	char outcome[OUTCOME_SIZE];
	struct error error;

	if (review == NULL)
		return code;
	if (id != NULL &&
	    (strlen(id) < 4 || strspn(id, "0123456789abcdef") != strlen(id)))
		return usage(admin, "\"%.40s\" is not an id", id);
	if (!review_undo(review, id, outcome, &error))
		return failed(admin, &error);
	say_outcome(admin->out, id == NULL ? "" : id, outcome);
	return EXIT_OK;
}

/* ------------------------------------------------------------------ table */

#define TO_OPTION                                                                  \
	{                                                                          \
		"to", "ADDRESS",                                                   \
		    "send it there, not to the envelope's recipients", NULL, false \
	}
static const struct option_row send_options[] = {
    TO_OPTION,
    {NULL, NULL, NULL, NULL, false},
};
static const struct option_row discard_options[] = {
    FILTER_OPTIONS,
    {"older", "SPAN", "with --above: received longer ago than that (30d)", NULL,
        false},
    {"any", NULL, "with --above: even without TARGREY_DISCARD_OK", NULL, false},
    {"yes", NULL, "do not ask", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};
const struct command command_release = {
    .name = "release",
    .args = "ID... [--to ADDRESS]",
    .help = "Deliver a message after all",
    .manual =
        "A message in a Maildir is moved to the inbox (review.inbox, else the "
        "Maildir that the folder is in), as new mail. Amavis is asked to release "
        "what is in its quarantine. A message in an mbox or in another folder of "
        "files is sent again with sendmail, with the envelope it came with "
        "(Return-Path or X-Envelope-From; X-Envelope-To or Delivered-To), and "
        "stays where it is.",
    .options = send_options,
    .words_least = 1,
    .words_most = WORDS_MAX,
    .run = run_release,
};

const struct command command_spam = {
    .name = "spam",
    .args = "ID...",
    .help = "Confirm that a message is spam",
    .manual = "It is counted as spam from its client's address in targrey's "
              "record, found by the sid in its header, in place of what the "
              "filter's log said; given to sa-learn or spamc if review.learn says "
              "so; and moved to review.spam_folder if that is set.",
    .words_least = 1,
    .words_most = WORDS_MAX,
    .run = run_spam,
};

const struct command command_ham = {
    .name = "ham",
    .args = "ID... [--to ADDRESS]",
    .help = "Say that a message is good: release it and learn it as ham",
    .manual = "As release; then it is counted and learned as ham, as the command "
              "spam does "
              "with spam.",
    .options = send_options,
    .words_least = 1,
    .words_most = WORDS_MAX,
    .run = run_ham,
};

const struct command command_discard = {
    .name = "discard",
    .args = "ID... | --above SCORE --older SPAN [FOLDER...]",
    .help = "Put messages away, to be removed later",
    .manual =
        "They are moved to the folder .discarded of the same Maildir or "
        "quarantine; "
        "undo brings them back, audit draws from them, and purge removes them.\n\n"
        "With --above and --older: all messages of that score and age in the "
        "folders that have TARGREY_DISCARD_OK among their tests. On a terminal it "
        "asks first; elsewhere nothing is done without --yes.",
    .options = discard_options,
    .words_most = WORDS_MAX,
    .run = run_discard,
};

const struct command command_undo = {
    .name = "undo",
    .args = "[ID]",
    .help = "Undo the last action, or the last one on that message",
    .manual =
        "A message that was moved is moved back; a decision is taken back. What "
        "was "
        "sent cannot be recalled. What the record counted stays counted; a filter "
        "that learned it is told to forget it.",
    .words_most = 1,
    .run = run_undo,
};
