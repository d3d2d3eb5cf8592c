/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal screen: shared by cmd_screen.c (keys) and screen_draw.c. */
#ifndef REVIEW_SCREEN_H
#define REVIEW_SCREEN_H

#include "review/cmds.h"

#define ROWS_MOST   5000 /* nearest first; deciding makes room for more */
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
	size_t count, at, top; /* rows, the selected one, the first shown */
	int band;              /* -1 = all */
	char search[128], said[OUTCOME_SIZE];
	bool is_over;
};

/* Lines available for the list. */
int screen_lines(void);
void screen_list(struct screen *screen);
/* Draws a full line, such as the last one. */
void screen_bar(int line, const char *text);
/* The mail as listed, then its text; the caller frees it, or NULL. */
char *screen_text(struct screen *screen, const struct mail *mail);
/* Shows the text; returns the key that closed it. */
int screen_read(const char *text);

#endif
