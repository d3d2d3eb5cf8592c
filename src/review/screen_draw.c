/* SPDX-License-Identifier: BSD-2-Clause */
#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "report/escape.h"
#include "review/screen.h"

/* ------------------------------------------------------------------ drawing */

/* A stranger's text, made harmless and cut to that many columns. */
static void
put(int line, int column, const char *text, int columns)
{
	char *safe = NULL;
	size_t length = 0;
	FILE *file = columns > 1 ? open_memstream(&safe, &length) : NULL;

	if (file == NULL)
		return;
	escape_terminal(file, text, (size_t)columns);
	if (fclose(file) == 0)
		mvaddstr(line, column, safe);
	free(safe);
}

static void
put_row(const struct screen *screen, size_t number, int line)
{
	const struct row *row = &screen->rows[number];
	int who = COLS / 3 < 30 ? COLS / 3 : 30;
	time_t time = (time_t)row->time;
	char text[32] = "";
	struct tm tm;

	if (number == screen->at)
		attron(A_REVERSE);
	mvhline(line, 0, ' ', COLS);
	if (row->kind == SCORE_NONE)
		text_copy(text, sizeof text, "      -");
	else
		snprintf(text, sizeof text, "%7.2f", row->score);
	put(line, 0, text, 8);
	if (localtime_r(&time, &tm) != NULL &&
	    strftime(text, sizeof text, "%m-%d %H:%M", &tm) > 0)
		put(line, 8, text, 12);
	put(line, 20, row->sender, who);
	put(line, 21 + who, row->subject, COLS - 21 - who);
	attroff(A_REVERSE);
}

void
screen_bar(int line, const char *text)
{
	attron(A_BOLD);
	mvhline(line, 0, ' ', COLS);
	put(line, 0, text, COLS);
	attroff(A_BOLD);
}

int
screen_lines(void)
{
	return LINES - 3;
}

void
screen_list(struct screen *screen)
{
	size_t lines = (size_t)screen_lines();
	char text[300];

	if (screen->at < screen->top)
		screen->top = screen->at;
	if (screen->at >= screen->top + lines)
		screen->top = screen->at - lines + 1;
	erase();
	snprintf(text, sizeof text, "targrey-review: %s%s%s, %zu of %zu, mark %g",
	    screen->band < 0 ? "all" : band_titles[screen->band],
	    *screen->search == '\0' ? "" : ", with ", screen->search,
	    screen->count > 0 ? screen->at + 1 : 0, screen->count,
	    screen->review->mark);
	screen_bar(0, text);
	for (size_t i = 0; i < lines && screen->top + i < screen->count; i++)
		put_row(screen, screen->top + i, (int)i + 1);
	if (screen->count == 0)
		put(1, 2, "Nothing is left to look at here.", COLS - 2);
	put(LINES - 2, 0, screen->said, COLS);
	screen_bar(LINES - 1, "Enter open  r release  s spam  h good  d discard  u "
	                      "undo  / find  b band "
	                      "q quit");
	refresh();
}

/* ----------------------------------------------------------------- one mail */

/* Wraps lines at the width; skips the first ones, which are scrolled past. */
static int
draw_text(const char *text, int skip)
{
	int line = 0, width = COLS > 1 ? COLS - 1 : 1;
	char part[1024];

	while (*text != '\0') {
		size_t length = strcspn(text, "\n"), used = 0;
		size_t columns = 0;
		/* as many octets as fit, at least one character */
		while (used < length && used < sizeof part - 8) {
			unsigned code;
			size_t step = escape_utf8(text + used, &code);
			size_t wide = step == 0 ? 4 : code >= 0x1100 ? 2 : 1;
			if (columns + wide > (size_t)width && used > 0)
				break;
			columns += wide;
			used += step == 0 ? 1 : step;
		}
		snprintf(part, sizeof part, "%.*s", (int)used, text);
		part[strcspn(part, "\r")] = '\0';
		if (line >= skip && line - skip < LINES - 2)
			put(line - skip + 1, 0, part, COLS);
		line++;
		text += used;
		if (*text == '\n')
			text++;
	}
	return line;
}

/* The mail as listed, then its text. */
char *
screen_text(struct screen *screen, const struct mail *mail)
{
	char near[64], score[32] = "";
	struct error error;
	char *text = mail_read(mail, &error), *whole = NULL;

	if (mail->score_kind != SCORE_NONE)
		snprintf(score, sizeof score, "%.2f, ", mail->score);
	if (asprintf(&whole,
	        "From: %s\nTo: %s\nSubject: %s\nScore: %s%s\nClient: %s\nWhy: "
	        "%s\n\n%s",
	        mail->sender, mail->recipients, mail->subject, score,
	        certainty(mail, screen->review->mark, near, sizeof near),
	        mail->client, mail->why, text != NULL ? text : error.text) < 0)
		whole = NULL;
	free(text);
	return whole;
}

int
screen_read(const char *text)
{
	int skip = 0, key;

	for (;;) {
		erase();
		int count = draw_text(text, skip);
		screen_bar(0, "The message, made harmless");
		screen_bar(LINES - 1,
		    "q back  r release  s spam  h good  d discard  "
		    "arrows, space move");
		refresh();
		key = getch();
		int most = count - (LINES - 2) > 0 ? count - (LINES - 2) : 0;
		if (key == KEY_DOWN || key == 'j')
			skip++;
		else if (key == KEY_UP || key == 'k')
			skip--;
		else if (key == KEY_NPAGE || key == ' ')
			skip += LINES - 3;
		else if (key == KEY_PPAGE)
			skip -= LINES - 3;
		else if (key != KEY_RESIZE)
			return key;
		skip = skip > most ? most : skip < 0 ? 0 : skip;
	}
}
