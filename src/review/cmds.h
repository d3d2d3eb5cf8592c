/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of targrey-review, and what they share. */
#ifndef REVIEW_CMDS_H
#define REVIEW_CMDS_H

#include "admin/cmd.h"
#include "review/review.h"

extern const struct command command_list, command_show, command_release,
    command_spam, command_ham, command_discard, command_undo, command_audit,
    command_purge, command_log, command_serve, command_screen;

/* table.c */
extern const struct program targrey_review;

/*
 * Opens the reviewer from the options and the configuration. On failure prints what
 * is wrong, sets the exit code and returns NULL.
 */
struct review *open_review(struct admin *admin, int *code_r);
void close_review(struct admin *admin);

/* The folders named, or those of the configuration, brought up to date. */
struct folders {
	int64_t ids[FOLDERS_MOST];
	size_t count;
	int64_t discarded[FOLDERS_MOST]; /* ids of their discard folders */
	size_t discarded_count;
};
/*
 * first: index of the first argument that is a folder. Prints each folder that
 * cannot be read; false when none is left.
 */
bool sync_folders(
    struct admin *admin, int first, bool with_discarded, struct folders *folders_r);

/* Reads --from, --subject, ...; on error prints what is allowed, returns false. */
bool read_filter(struct admin *admin, struct mail_filter *filter);
/* The options that read_filter() reads, as rows of an option table. */
#define FILTER_OPTIONS                                                             \
	{"from", "PART", "part of From", NULL, false},                             \
	    {"subject", "PART", "part of Subject", NULL, false},                   \
	    {"client", "PART", "part of the client's name or address", NULL,       \
	        false},                                                            \
	    {"flag", "FLAG", "with this flag, such as S25R", NULL, false},         \
	    {"text", "PART",                                                       \
	        "part of From, Subject, To, Message-ID or the client", NULL,       \
	        false},                                                            \
	    {"band", "BAND", "only this band", band_words, false},                 \
	    {"above", "SCORE", "with this score or more", NULL, false},            \
	    {"below", "SCORE", "with a lower score", NULL, false},                 \
	    {"since", "TIME", "received since then", NULL, false},                 \
	{                                                                          \
		"until", "TIME", "received until then", NULL, false                \
	}

/* Asks on a terminal whether to do it; elsewhere --yes must have been given. */
bool is_agreed(struct admin *admin, const char *what);

/* A table of messages; pass it as ctx to mails_row(). */
struct mails {
	struct doc *doc;
	double mark;
};
void mails_table(struct doc *doc);
bool mails_row(void *mails, const struct mail *mail);

/* Everything known about one mail, as a section. */
void show_facts(struct doc *doc, const struct mail *mail, double mark);

/* From now on, paths with %u are those of review->who. */
void apply_user(struct admin *admin, struct review *review);

/* The band, and the distance of the score from the mark. Returns buf. */
const char *certainty(const struct mail *mail, double mark, char *buf, size_t size);

#endif
