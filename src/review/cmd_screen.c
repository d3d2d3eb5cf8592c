/* SPDX-License-Identifier: BSD-2-Clause */
/* screen: the list on a terminal, driven by keys; fits a slow line at 80x24. */
#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "review/screen.h"

/* --------------------------------------------------------------------- rows */

static void
forget_rows(struct screen *screen)
{
	for (size_t i = 0; i < screen->count; i++) {
		free(screen->rows[i].sender);
		free(screen->rows[i].subject);
	}
	screen->count = 0;
}

static bool
take_row(void *ctx, const struct mail *mail)
{
	struct screen *screen = ctx;
	struct row *row = &screen->rows[screen->count];

	*row = (struct row){.sender = text_dup(mail->sender),
	    .subject = text_dup(mail->subject),
	    .time = mail->time,
	    .score = mail->score,
	    .kind = mail->score_kind};
	text_copy(row->id, sizeof row->id, mail->id);
	screen->count++;
	return screen->count < ROWS_MOST;
}

static void
load(struct screen *screen)
{
	struct review *review = screen->review;
	struct mail_filter filter = {.mark = review->mark, .limit = ROWS_MOST};
	struct folders folders;
	struct error error;

	forget_rows(screen);
	if (!sync_folders(screen->admin, 0, false, &folders)) {
		text_copy(
		    screen->said, sizeof screen->said, "no folder can be read");
		return;
	}
	filter.folders = folders.ids;
	filter.folders_count = folders.count;
	filter.text = screen->search;
	filter.only_unscored = screen->band == BAND_NONE;
	if (screen->band > BAND_NONE)
		band_range((enum band)screen->band, review->mark, &filter.least,
		    &filter.most);
	if (!index_list(review->index, &filter, take_row, screen, &error))
		text_copy(screen->said, sizeof screen->said, error.text);
	if (screen->at >= screen->count)
		screen->at = screen->count > 0 ? screen->count - 1 : 0;
}

/* ------------------------------------------------------------------ actions */

static void
act(struct screen *screen, enum action action)
{
	char outcome[OUTCOME_SIZE];
	struct own_mail mail;
	struct error error;

	if (screen->count == 0)
		return;
	bool ok =
	    review_find(screen->review, screen->rows[screen->at].id, &mail, &error);
	if (ok) {
		ok =
		    review_act(screen->review, action, &mail.mail, outcome, &error);
		own_mail_clear(&mail);
	}
	snprintf(screen->said, sizeof screen->said, "%s: %.1100s",
	    action_words[action], ok ? outcome : error.text);
	load(screen);
}

static void
undo(struct screen *screen)
{
	struct error error;

	if (!review_undo(screen->review, NULL, screen->said, &error))
		text_copy(screen->said, sizeof screen->said, error.text);
	load(screen);
}

static void
search(struct screen *screen)
{
	char text[sizeof screen->search] = "";

	screen_bar(LINES - 1, "Search: ");
	echo();
	curs_set(1);
	mvgetnstr(LINES - 1, 8, text, (int)sizeof text - 1);
	curs_set(0);
	noecho();
	text_copy(screen->search, sizeof screen->search, text);
	screen->at = screen->top = 0;
	load(screen);
}

static bool
decide(struct screen *screen, int key)
{
	static const struct {
		int key;
		enum action action;
	} keys[] = {{'r', ACTION_RELEASE}, {'s', ACTION_SPAM}, {'h', ACTION_HAM},
	    {'d', ACTION_DISCARD}};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		if (keys[i].key == key) {
			act(screen, keys[i].action);
			return true;
		}
	}
	return false;
}

static void
open_chosen(struct screen *screen)
{
	struct own_mail mail;
	struct error error;

	if (screen->count == 0)
		return;
	if (!review_find(
	        screen->review, screen->rows[screen->at].id, &mail, &error)) {
		text_copy(screen->said, sizeof screen->said, error.text);
		load(screen);
		return;
	}
	char *text = screen_text(screen, &mail.mail);
	own_mail_clear(&mail);
	if (text != NULL)
		decide(screen, screen_read(text));
	free(text);
}

static void
move_to(struct screen *screen, int64_t to)
{
	int64_t last = (int64_t)screen->count - 1;

	screen->at = (size_t)(to > last ? last : to);
	if (to < 0 || last < 0)
		screen->at = 0;
}

static void
obey(struct screen *screen, int key)
{
	int64_t at = (int64_t)screen->at, lines = screen_lines();

	*screen->said = '\0';
	if (decide(screen, key))
		return;
	if (key == KEY_DOWN || key == 'j')
		move_to(screen, at + 1);
	else if (key == KEY_UP || key == 'k')
		move_to(screen, at - 1);
	else if (key == KEY_NPAGE || key == ' ')
		move_to(screen, at + lines);
	else if (key == KEY_PPAGE)
		move_to(screen, at - lines);
	else if (key == KEY_HOME || key == 'g')
		move_to(screen, 0);
	else if (key == KEY_END || key == 'G')
		move_to(screen, (int64_t)screen->count - 1);
	else if (key == '\n' || key == '\r' || key == KEY_ENTER)
		open_chosen(screen);
	else if (key == 'u')
		undo(screen);
	else if (key == '/')
		search(screen);
	else if (key == 'q')
		screen->is_over = true;
	else if (key == 'b' || key == '\t') {
		screen->band = screen->band + 1 == BANDS ? -1 : screen->band + 1;
		screen->at = screen->top = 0;
		load(screen);
	} else if (key == 12) { /* ^L */
		clear();
		load(screen);
	}
}

static void
show(struct screen *screen)
{
	initscr();
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	load(screen);
	while (!screen->is_over) {
		if (COLS < COLUMNS_MIN || LINES < LINES_MIN) {
			erase();
			mvaddstr(0, 0, "too small");
			refresh();
		} else {
			screen_list(screen);
		}
		int key = getch();
		if (key == ERR)
			break; /* the terminal is gone */
		obey(screen, key);
	}
	endwin();
}

static int
run_screen(struct admin *admin)
{
	int code = EXIT_OK;
	struct review *review = open_review(admin, &code);
	struct screen screen = {.admin = admin, .review = review, .band = -1};
	FILE *err = admin->err;
	char *warnings = NULL;
	size_t length = 0;

	if (review == NULL)
		return code;
	if (!isatty(0) || !isatty(1))
		return usage(
		    admin, "this is not a terminal; list and show need none");
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	screen.rows = calloc(ROWS_MOST, sizeof *screen.rows);
	/* warnings would spoil the screen; they are printed at the end */
	admin->err = open_memstream(&warnings, &length);
	if (screen.rows != NULL && admin->err != NULL)
		show(&screen);
	if (admin->err != NULL)
		fclose(admin->err);
	admin->err = err;
	if (warnings != NULL)
		fputs(warnings, err);
	free(warnings);
	forget_rows(&screen);
	free(screen.rows);
	return EXIT_OK;
}

const struct command command_screen = {
    .name = "screen",
    .args = "[FOLDER...]",
    .help = "Work through the list on a terminal, by keys",
    .manual =
        "This is also what targrey-review does alone on a terminal. Arrows, page "
        "up and down, j and k move; Enter opens; r releases, s confirms spam, h "
        "calls it good, d discards, u undoes the last action; / searches, b goes "
        "to the next band, q quits. The nearest 5000 are shown.",
    .words_most = WORDS_MAX,
    .run = run_screen,
};
