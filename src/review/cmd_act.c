/* SPDX-License-Identifier: BSD-2-Clause */
/* release, spam, ham, discard, undo, purge: the commands that change something. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* Asks on a terminal; elsewhere --yes must have been given. */
static bool
is_agreed(struct admin *admin, const char *what)
{
	char answer[16] = "";

	if (args_value(admin, "yes") != NULL)
		return true;
	if (!isatty(0)) {
		fprintf(admin->err,
		    "targrey-review: %s: nothing was done; --yes does "
		    "it\n",
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

	snprintf(what, sizeof what, "Discard %zu mails", picked->count);
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
		return usage(
		    admin, "which? Give IDs, or --above SCORE --older SPAN");
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
		return usage(admin, "\"%.40s\" is no id", id);
	if (!review_undo(review, id, outcome, &error))
		return failed(admin, &error);
	say_outcome(admin->out, id == NULL ? "" : id, outcome);
	return EXIT_OK;
}

/* ------------------------------------------------------------------ purge */

struct purging {
	struct admin *admin;
	int64_t until; /* purge what was discarded before this time */
	bool really;
	uint64_t count, octets;
	bool ok;
};

/* A file's change time is the time it was moved here. */
static void
purge_file(struct purging *purging, int fd, const char *name)
{
	struct stat stat;

	if (fstatat(fd, name, &stat, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(stat.st_mode) || stat.st_ctim.tv_sec > purging->until ||
	    strcmp(name, "maildirfolder") == 0 || strncmp(name, "dovecot", 7) == 0)
		return;
	if (purging->really && unlinkat(fd, name, 0) != 0) {
		fprintf(purging->admin->err,
		    "targrey-review: cannot remove a mail: "
		    "%s\n",
		    strerror(errno));
		purging->ok = false;
		return;
	}
	purging->count++;
	purging->octets += (uint64_t)stat.st_size;
}

static void
purge_folder(struct purging *purging, const char *path, const char *part)
{
	char name[PATH_MAX + 8];

	snprintf(name, sizeof name, "%s%s", path, part);
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			purge_file(purging, dirfd(dir), entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
}

static bool
purge_word(struct purging *purging, const char *path)
{
	char discarded[PATH_MAX];
	struct folder folder;
	struct error error;

	if (!folder_open(&folder, path, &error)) {
		failed(purging->admin, &error);
		return false;
	}
	if (discarded_folder(folder.path, folder.kind, discarded)) {
		bool maildir = folder.kind == FOLDER_MAILDIR;
		purge_folder(purging, discarded, maildir ? "/cur" : "");
		if (maildir)
			purge_folder(purging, discarded, "/new");
	}
	folder_close(&folder);
	return true;
}

static bool
purge_words(struct purging *purging)
{
	struct admin *admin = purging->admin;

	purging->count = purging->octets = 0;
	for (int i = 0; i < admin->words_count; i++) {
		if (!purge_word(purging, admin->words[i]))
			return false;
	}
	return true;
}

static int
run_purge(struct admin *admin)
{
	const char *span = args_value(admin, "older");
	struct purging purging = {.admin = admin, .ok = true};
	char what[120];
	int64_t older;

	if (span == NULL || !text_duration(span, &older))
		return usage(admin, "--older SPAN is needed, such as --older 30d");
	purging.until = admin_now(admin) - older;
	if (!purge_words(&purging))
		return EXIT_FAILED;
	snprintf(what, sizeof what,
	    "Remove %llu discarded mails (%.1f MB) for ever",
	    (unsigned long long)purging.count, (double)purging.octets / 1e6);
	if (purging.count == 0) {
		fputs("nothing to remove\n", admin->out);
		return EXIT_OK;
	}
	if (!is_agreed(admin, what))
		return EXIT_FAILED;
	purging.really = true;
	bool ok = purge_words(&purging) && purging.ok;
	fprintf(
	    admin->out, "%llu mails removed\n", (unsigned long long)purging.count);
	return ok ? EXIT_OK : EXIT_FAILED;
}

/* ------------------------------------------------------------------ table */

#define TO_OPTION                                                                  \
	{                                                                          \
		"to", "ADDRESS", "send it there, not to those of the envelope",    \
		    NULL, false                                                    \
	}
static const struct option_row send_options[] = {
    TO_OPTION,
    {NULL, NULL, NULL, NULL, false},
};
static const struct option_row discard_options[] = {
    FILTER_OPTIONS,
    {"older", "SPAN", "with --above: come longer ago than that (30d)", NULL, false},
    {"any", NULL, "with --above: also without TARGREY_DISCARD_OK", NULL, false},
    {"yes", NULL, "do not ask", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};
static const struct option_row purge_options[] = {
    {"older", "SPAN", "discarded longer ago than that (30d)", NULL, false},
    {"yes", NULL, "do not ask", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_release = {
    .name = "release",
    .args = "ID... [--to ADDRESS]",
    .help = "Deliver a mail after all",
    .manual =
        "Out of a Maildir it is moved to the inbox (review.inbox, else the Maildir "
        "that the folder is in), as new mail. Amavis is asked to release what lies "
        "in its quarantine. What lies in an mbox or another folder of files is "
        "sent "
        "again by sendmail, with the envelope it came with (Return-Path or "
        "X-Envelope-From; X-Envelope-To or Delivered-To), and stays where it is.",
    .options = send_options,
    .words_least = 1,
    .words_most = WORDS_MAX,
    .run = run_release,
};

const struct command command_spam = {
    .name = "spam",
    .args = "ID...",
    .help = "Confirm that a mail is spam",
    .manual = "It is counted as spam of its client's address in the record of "
              "targrey, by "
              "the sid of its header, in place of what the filter's log told; "
              "given to sa-learn or spamc when review.learn says so; and "
              "moved to review.spam_folder when that is set.",
    .words_least = 1,
    .words_most = WORDS_MAX,
    .run = run_spam,
};

const struct command command_ham = {
    .name = "ham",
    .args = "ID... [--to ADDRESS]",
    .help = "Say that a mail is good: release it, and let it be learned",
    .manual = "As release; then it is counted as ham and learned as spam does it.",
    .options = send_options,
    .words_least = 1,
    .words_most = WORDS_MAX,
    .run = run_ham,
};

const struct command command_discard = {
    .name = "discard",
    .args = "ID... | --above SCORE --older SPAN [FOLDER...]",
    .help = "Put mails away, to be removed later",
    .manual =
        "They are moved to the folder .discarded of the same Maildir or "
        "quarantine; "
        "undo brings them back, audit draws from them, and purge removes them.\n\n"
        "With --above and --older: all of that score and age in the folders that "
        "have TARGREY_DISCARD_OK among their tests. A person is asked on a "
        "terminal; elsewhere nothing is done without --yes.",
    .options = discard_options,
    .words_most = WORDS_MAX,
    .run = run_discard,
};

const struct command command_undo = {
    .name = "undo",
    .args = "[ID]",
    .help = "Take back the last act, or the last on that mail",
    .manual =
        "A mail that was moved is moved back, a decision is taken back. What was "
        "sent again cannot be called back. What the record counted stays counted; "
        "the filter that learned it is told to forget it.",
    .words_most = 1,
    .run = run_undo,
};

const struct command command_purge = {
    .name = "purge",
    .args = "--older SPAN FOLDER...",
    .help = "Remove for ever what was discarded long ago",
    .manual = "Looks into the .discarded folder of each FOLDER alone.",
    .options = purge_options,
    .words_least = 1,
    .words_most = WORDS_MAX,
    .run = run_purge,
};
