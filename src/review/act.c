/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "report/escape.h"
#include "review/review.h"

const char *const action_words[ACTIONS + 1] = {
    [ACTION_RELEASE] = "release",
    [ACTION_SPAM] = "spam",
    [ACTION_HAM] = "ham",
    [ACTION_DISCARD] = "discard",
};

/* The action being carried out. */
struct doing {
	struct review *review;
	const struct mail *mail;
	enum action action;
	struct folder folder;
	int fd;
	char from[PATH_MAX + PLACE_NAME_SIZE], to[2 * PATH_MAX + PLACE_NAME_SIZE];
	bool moved, sent;
	char *outcome;
	size_t used;
};

static void say(struct doing *doing, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(struct doing *doing, const char *format, ...)
{
	size_t left = OUTCOME_SIZE - doing->used;
	va_list args;

	if (doing->used > 0 && left > 2)
		doing->used +=
		    (size_t)snprintf(doing->outcome + doing->used, left, "; ");
	va_start(args, format);
	int length = vsnprintf(
	    doing->outcome + doing->used, OUTCOME_SIZE - doing->used, format, args);
	va_end(args);
	doing->used += length > 0 ? (size_t)length : 0;
	if (doing->used >= OUTCOME_SIZE)
		doing->used = OUTCOME_SIZE - 1;
}

/* --------------------------------------------------------------- folders */

/* ROOT for ROOT/.sub, else the folder itself. */
static void
maildir_root(const char *folder, char root[static PATH_MAX])
{
	text_copy(root, PATH_MAX, folder);
	char *slash = strrchr(root, '/');
	if (slash == NULL || slash == root || slash[1] != '.')
		return;
	*slash = '\0';
	if (!is_maildir(root))
		*slash = '/';
}

bool
discarded_folder(
    const char *folder, enum folder_kind kind, char path[static PATH_MAX])
{
	char root[PATH_MAX];

	if (kind == FOLDER_MBOX)
		return false;
	if (kind == FOLDER_MAILDIR)
		maildir_root(folder, root);
	else
		text_copy(root, sizeof root, folder);
	return snprintf(path, PATH_MAX, "%s/%s", root, DISCARDED) < PATH_MAX;
}

static bool
find_inbox(
    const struct doing *doing, char inbox[static PATH_MAX], struct error *error)
{
	const char *folder = doing->folder.path;

	if (*doing->review->inbox != '\0') {
		if (realpath(doing->review->inbox, inbox) == NULL ||
		    !is_maildir(inbox)) {
			error_set(error, "%s: the inbox is not a Maildir",
			    doing->review->inbox);
			return false;
		}
	} else {
		maildir_root(folder, inbox);
	}
	if (strcmp(inbox, folder) != 0)
		return true;
	error_set(error,
	    "%s: not a subfolder of a Maildir, so it does not tell where the "
	    "inbox is; give --inbox FOLDER",
	    folder);
	return false;
}

/* ----------------------------------------------------------------- moving */

static const char *
file_of(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash == NULL ? name : slash + 1;
}

/* Also for an mbox, whose path is the file itself. */
static void
set_from(struct doing *doing, const char *name)
{
	snprintf(doing->from, sizeof doing->from, "%s%c%s", doing->folder.path,
	    doing->mail->kind == FOLDER_MBOX ? ':' : '/', name);
}

static bool
move_it(struct doing *doing, struct error *error)
{
	doing->moved = move_file(doing->from, doing->to, error);
	return doing->moved;
}

static bool
move_to_inbox(struct doing *doing, struct error *error)
{
	char inbox[PATH_MAX];
	const char *file = file_of(doing->from);

	if (!find_inbox(doing, inbox, error))
		return false;
	/* names in new/ carry no flags: the mail is unread again */
	snprintf(doing->to, sizeof doing->to, "%s/new/%.*s", inbox,
	    (int)maildir_base(file), file);
	if (!move_it(doing, error))
		return false;
	say(doing, "moved to the inbox %s", inbox);
	return true;
}

static bool
send_it(struct doing *doing, struct error *error)
{
	char answer[500];
	bool quarantined = doing->mail->kind == FOLDER_FILES &&
	                   *doing->mail->quarantine_id != '\0';

	if (!(quarantined
	            ? amavis_release(doing->review->amavis_socket, doing->mail,
	                  doing->review->to, answer, sizeof answer, error)
	            : reinject(doing->review, doing->mail, doing->fd, answer,
	                  sizeof answer, error)))
		return false;
	doing->sent = true;
	say(doing, "%s", answer);
	return true;
}

static bool
release(struct doing *doing, struct error *error)
{
	return doing->mail->kind == FOLDER_MAILDIR && doing->review->to == NULL
	           ? move_to_inbox(doing, error)
	           : send_it(doing, error);
}

static bool
keep_as_spam(struct doing *doing, struct error *error)
{
	char folder[PATH_MAX];
	const char *wanted = doing->review->spam_folder;

	if (doing->mail->kind != FOLDER_MAILDIR || *wanted == '\0') {
		say(doing, "stays where it is, as spam");
		return true;
	}
	if (realpath(wanted, folder) == NULL || !is_maildir(folder)) {
		error_set(
		    error, "%s: the folder for spam is not a Maildir", wanted);
		return false;
	}
	if (strcmp(folder, doing->folder.path) == 0) {
		say(doing, "stays where it is, as spam");
		return true;
	}
	snprintf(doing->to, sizeof doing->to, "%s/%s", folder,
	    doing->from + strlen(doing->folder.path) + 1);
	if (!move_it(doing, error))
		return false;
	say(doing, "moved to %s", folder);
	return true;
}

static bool
discard(struct doing *doing, struct error *error)
{
	char folder[PATH_MAX];
	const char *file = file_of(doing->from);

	if (!discarded_folder(doing->folder.path, doing->mail->kind, folder)) {
		say(doing,
		    "stays in the mbox, which is never changed, and is no longer "
		    "listed");
		return true;
	}
	if (strcmp(folder, doing->folder.path) == 0) {
		error_set(error, "%s: already discarded", doing->from);
		return false;
	}
	if (doing->mail->kind == FOLDER_MAILDIR) {
		if (!make_maildir(folder, doing->folder.path, error))
			return false;
		snprintf(doing->to, sizeof doing->to, "%s/%s", folder,
		    doing->from + strlen(doing->folder.path) + 1);
	} else {
		if (!make_folder_like(folder, doing->folder.path, error))
			return false;
		snprintf(doing->to, sizeof doing->to, "%s/%s", folder, file);
	}
	if (!move_it(doing, error))
		return false;
	say(doing, "moved to %s", folder);
	return true;
}

/* ------------------------------------------------------------------- act */

static bool
teach(struct doing *doing, const char *verdict, struct error *error)
{
	struct review *review = doing->review;
	char counted[600];

	if (!feed(review, doing->mail, verdict, counted, sizeof counted, error)) {
		error_prefix(error, "%s, but not counted", doing->outcome);
		return false;
	}
	say(doing, "%s", counted);
	if (review->learner == LEARN_NONE)
		return true;
	if (lseek(doing->fd,
	        doing->mail->kind == FOLDER_MBOX
	            ? strtoll(doing->mail->name, NULL, 10)
	            : 0,
	        SEEK_SET) < 0 ||
	    !learn(review->learner, verdict, doing->mail, doing->fd, error)) {
		error_prefix(error, "%s, but not learned", doing->outcome);
		return false;
	}
	say(doing, "learned as %s", verdict);
	return true;
}

/* Records the action for undo; the mail leaves the list. */
static bool
note(struct doing *doing, struct error *error)
{
	struct review *review = doing->review;
	struct act act = {.time = review->now,
	    .who = review->who,
	    .what = action_words[doing->action],
	    .id = doing->mail->id,
	    .from = doing->from,
	    .to = doing->moved  ? doing->to
	          : doing->sent ? "sent"
	                        : NULL,
	    .message_id = doing->mail->message_id};
	static const char *const decisions[] = {
	    "released", "spam", "ham", "discarded"};
	int64_t number;

	return index_note_act(review->index, &act, &number, error) &&
	       (doing->moved ? index_forget(review->index, doing->mail->id, error)
	                     : index_decide(review->index, doing->mail->id,
	                           decisions[doing->action], review->now, error));
}

static bool
do_it(struct doing *doing, struct error *error)
{
	struct error failure;
	bool ok;

	switch (doing->action) {
	case ACTION_RELEASE:
	case ACTION_HAM:
		ok = release(doing, error);
		break;
	case ACTION_SPAM:
		ok = keep_as_spam(doing, error);
		break;
	case ACTION_DISCARD:
		ok = discard(doing, error);
		break;
	case ACTIONS:
	default:
		ok = false;
		break;
	}
	if (!ok)
		return false;
	/* from here on something has been done, so it is always recorded */
	if (doing->action == ACTION_SPAM || doing->action == ACTION_HAM)
		ok = teach(doing, action_words[doing->action], error);
	if (!note(doing, &failure)) {
		*error = failure;
		ok = false;
	}
	return review_log(doing->review, action_words[doing->action],
	           doing->mail->id, doing->mail->message_id, doing->from,
	           doing->outcome, ok ? error : &failure) &&
	       ok;
}

bool
review_act(struct review *review, enum action action, const struct mail *mail,
    char outcome[static OUTCOME_SIZE], struct error *error)
{
	struct doing doing = {.review = review,
	    .mail = mail,
	    .action = action,
	    .outcome = outcome,
	    .fd = -1};
	char name[PLACE_NAME_SIZE];
	bool ok = false;

	*outcome = '\0';
	doing.fd = mail_open(mail, &doing.folder, name, error);
	if (doing.fd >= 0) {
		set_from(&doing, name);
		ok = do_it(&doing, error);
		close(doing.fd);
		folder_close(&doing.folder);
	}
	if (!ok && *outcome == '\0')
		review_log(review, action_words[action], mail->id, mail->message_id,
		    mail->folder, error->text, NULL);
	return ok;
}
