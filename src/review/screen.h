/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal screen: what cmd_screen.c (keys) and screen_draw.c share. */
#ifndef REVIEW_SCREEN_H
#define REVIEW_SCREEN_H

#include "review/cmds.h"

#define ROWS_MOST   5000 /* the nearest; what is decided makes room for more */
#define COLUMNS_MIN 40
#define LINES_MIN   6

struct row {
	char id[MAIL_ID_SIZE];
	char *sender, *subject;
	int64_t time;
	double score;
	enum score_kind kind;
};

struct screen {
	struct admin *admin;
	struct review *review;
	struct row *rows;
	size_t count, at, top; /* rows, the chosen one, the first shown */
	int band;              /* -1 = all */
	char search[128], said[OUTCOME_SIZE];
	bool is_over;
};

/* Lines that the list has. */
int screen_lines(void);
void screen_list(struct screen *screen);
/* A line of its own, such as the last one. */
void screen_bar(int line, const char *text);
/* What the list says of a mail, then its text; the caller's to free, or NULL. */
char *screen_text(struct screen *screen, const struct mail *mail);
/* Shows that text; the key that ended it. */
int screen_read(const char *text);

#endif
