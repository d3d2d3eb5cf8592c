/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One reviewer at work: settings, index, log, and the actions on a mail. The
 * commands, the terminal screen and the web page all use it, so they behave alike.
 * Belongs to one thread.
 */
#ifndef REVIEW_REVIEW_H
#define REVIEW_REVIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "query/query.h"
#include "review/index.h"

enum learner { LEARN_NONE, LEARN_SA_LEARN, LEARN_SPAMC };

struct review {
	struct index *index;
	int log_fd;
	char state[PATH_MAX]; /* folder holding index and log */
	char who[128];        /* on whose behalf */
	double mark;
	const char *inbox, *spam_folder; /* "" = none */
	enum learner learner;
	const char *amavis_socket, *sendmail;
	const char
	    *to; /* recipients of a release instead of the envelope's, or NULL */
	/* the daemon's record; NULL: cannot be opened, reason in no_query */
	struct query *query;
	char no_query[sizeof(struct error)];
	const char *hostname; /* the id= in our own headers */
	int64_t now;
};

/* path "": the user's own. Returns false with the reason. */
bool review_open_state(
    struct review *review, const char *path, struct error *error);
void review_close(struct review *review);

/* A copy of an index row, independent of the index. */
struct own_mail {
	struct mail mail;
	char *text;   /* all its strings */
	bool unknown; /* not found for the id alone: none has it, or several do */
};
/* Finds the one mail with that id; false with the reason. */
bool review_find(struct review *review, const char *id, struct own_mail *mail_r,
    struct error *error);
void own_mail_clear(struct own_mail *mail);

enum action { ACTION_RELEASE, ACTION_SPAM, ACTION_HAM, ACTION_DISCARD, ACTIONS };
extern const char *const action_words[ACTIONS + 1]; /* NULL at the end */

#define OUTCOME_SIZE 1200
/*
 * Carries out the action, logs it and keeps what undo needs. outcome: one sentence
 * on what was done. false: nothing was done, or what outcome says was done before
 * the failure.
 */
bool review_act(struct review *review, enum action action, const struct mail *mail,
    char outcome[static OUTCOME_SIZE], struct error *error);
/*
 * id: of a mail, whoever acted on it; NULL: the last action of this user. When
 * another user's action is undone, outcome names that user.
 */
bool review_undo(struct review *review, const char *id,
    char outcome[static OUTCOME_SIZE], struct error *error);

/* The folder for mail discarded from there; false: it is an mbox */
bool discarded_folder(
    const char *folder, enum folder_kind kind, char path[static PATH_MAX]);

/* --- parts, each in a file of its own --- */

/* Writes one line to the log, at once; place: path of the mail. */
bool review_log(struct review *review, const char *what, const char *id,
    const char *message_id, const char *place, const char *outcome,
    struct error *error);

/*
 * Moves without risk of loss: renames, or copies, syncs, links and only then
 * unlinks. Never overwrites. The folder of to must exist.
 */
bool move_file(const char *from, const char *to, struct error *error);
/* Finds the file even if its Maildir flags have changed; path_r of PATH_MAX */
bool move_find(const char *path, char path_r[static PATH_MAX]);
/* Create a folder, or a Maildir, with another's mode and owner; true if it exists.
 */
bool make_folder_like(const char *path, const char *like, struct error *error);
bool make_maildir(const char *path, const char *like, struct error *error);

/*
 * Asks amavis to release the mail over its AM.PDP socket; outcome: its answer.
 * recipients: separated by blanks or commas; NULL: those that amavis kept.
 */
bool amavis_release(const char *socket_path, const struct mail *mail,
    const char *recipients, char *outcome, size_t size, struct error *error);
/*
 * Sends the mail again through sendmail(1), with its original envelope; refuses if
 * a recipient of that would be left out.
 */
bool reinject(const struct review *review, const struct mail *mail, int fd,
    char *outcome, size_t size, struct error *error);
/* what: "spam", "ham", "forget" */
bool learn(enum learner learner, const char *what, const struct mail *mail, int fd,
    struct error *error);
/*
 * Counts ham or spam for the session's address in the daemon's record. outcome: the
 * result in words; false only when the database failed.
 */
bool feed(struct review *review, const struct mail *mail, const char *verdict,
    char *outcome, size_t size, struct error *error);

/*
 * Opens the mail's folder and the mail, at its beginning; -1 with the reason. The
 * caller closes both. name_r: its name now, PLACE_NAME_SIZE octets.
 */
int mail_open(const struct mail *mail, struct folder *folder, char *name_r,
    struct error *error);

/*
 * The readable text of a mail, at most 128 KiB: plain text parts, else HTML without
 * markup. limit: octets in an mbox, 0 = all. The caller frees; NULL: out of memory.
 */
char *mail_text(int fd, bool is_gzip, int64_t limit);
/* The same for a mail in its folder; NULL with the reason. */
char *mail_read(const struct mail *mail, struct error *error);

#endif
