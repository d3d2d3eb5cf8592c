/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One reviewer at work: settings, index, log; and what can be done with a mail.
 * Used by the commands, the terminal screen and the page alike, so that each
 * does the same. Belongs to one thread.
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
	char state[PATH_MAX]; /* folder of index and log */
	char who[128];        /* on whose behalf */
	double mark;
	const char *inbox, *spam_folder; /* "" = none */
	enum learner learner;
	const char *amavis_socket, *sendmail;
	const char
	    *to; /* recipients of a release instead of the envelope's, or NULL */
	/* the daemon's record; NULL: cannot be opened, for the reason in no_query
	 */
	struct query *query;
	char no_query[sizeof(struct error)];
	const char *hostname; /* id= of our own headers */
	int64_t now;
};

/* path "": the user's own. false with the reason. */
bool review_open_state(
    struct review *review, const char *path, struct error *error);
void review_close(struct review *review);

/* A copy of a row of the index that outlives it. */
struct own_mail {
	struct mail mail;
	char *text; /* all its strings */
};
/* The one mail of that id; false with the reason. */
bool review_find(struct review *review, const char *id, struct own_mail *mail_r,
    struct error *error);
void own_mail_clear(struct own_mail *mail);

enum action { ACTION_RELEASE, ACTION_SPAM, ACTION_HAM, ACTION_DISCARD, ACTIONS };
extern const char *const action_words[ACTIONS + 1]; /* NULL at the end */

#define OUTCOME_SIZE 1200
/*
 * Does it, writes it into the log and keeps what undo needs. outcome: one
 * sentence of what was done. false: nothing was done, or what outcome says and
 * then failed.
 */
bool review_act(struct review *review, enum action action, const struct mail *mail,
    char outcome[static OUTCOME_SIZE], struct error *error);
/*
 * id: of a mail, whoever did something with it; NULL: the last act of the same
 * user. What another did is never undone without his name in outcome.
 */
bool review_undo(struct review *review, const char *id,
    char outcome[static OUTCOME_SIZE], struct error *error);

/* The folder for what is discarded from there; false: mbox */
bool discarded_folder(
    const char *folder, enum folder_kind kind, char path[static PATH_MAX]);

/* --- parts of it, each in a file of its own --- */

/* Writes one line of the log, at once; place: path of the mail. */
bool review_log(struct review *review, const char *what, const char *id,
    const char *message_id, const char *place, const char *outcome,
    struct error *error);

/*
 * Moves without ever losing: renames, or copies, syncs, links and only then
 * unlinks. Nothing is overwritten. folder: made when missing (0700).
 */
bool move_file(const char *from, const char *to, struct error *error);
/* The file, also when its Maildir flags changed since; path_r of PATH_MAX */
bool move_find(const char *path, char path_r[static PATH_MAX]);
/* Folders with the rights and the owner of another; true when they are there. */
bool make_folder_like(const char *path, const char *like, struct error *error);
bool make_maildir(const char *path, const char *like, struct error *error);

/* Asks amavis to release by its AM.PDP socket; its answer in outcome. */
bool amavis_release(const char *socket_path, const struct mail *mail,
    const char *recipients, char *outcome, size_t size, struct error *error);
/* Sends the mail again by sendmail(1), with the envelope it came with. */
bool reinject(const struct review *review, const struct mail *mail, int fd,
    char *outcome, size_t size, struct error *error);
/* what: "spam", "ham", "forget" */
bool learn(enum learner learner, const char *what, const struct mail *mail, int fd,
    struct error *error);
/*
 * Counts ham or spam of the session's address in the daemon's record. outcome:
 * what became of it, in words; false only when the database failed.
 */
bool feed(struct review *review, const struct mail *mail, const char *verdict,
    char *outcome, size_t size, struct error *error);

/* The whole mail opened, and where its text begins. */
int mail_open(const struct mail *mail, struct folder *folder, char *name_r,
    struct error *error);

/* The text of a mail for people: plain text parts, else HTML without markup. */
char *mail_text(int fd, bool is_gzip, int64_t limit);
/* The same of a mail that lies in its folder; NULL with the reason. */
char *mail_read(const struct mail *mail, struct error *error);

#endif
