/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "report/doc.h"
#include "report/escape.h"

/* Two columns stand between neighbours. */
#define GAP 2

static bool
is_shown(const struct section *section, size_t column, unsigned width)
{
	return width == 0 || !section->columns[column].is_minor;
}

/* Only text that may be cut gives way; COLUMNS_MAX when there is none. */
static size_t
widest_text(const struct section *section, unsigned width, const size_t *wide)
{
	size_t widest = COLUMNS_MAX;

	for (size_t i = 0; i < section->columns_count; i++) {
		if (is_shown(section, i, width) && section->columns[i].width > 0 &&
		    (widest == COLUMNS_MAX || wide[i] > wide[widest]))
			widest = i;
	}
	return widest;
}

static void
measure(
    const struct section *section, unsigned width, size_t wide[static COLUMNS_MAX])
{
	char buf[CELL_TEXT_SIZE];
	size_t total = 0;

	for (size_t i = 0; i < section->columns_count; i++) {
		wide[i] = strlen(section->columns[i].title);
		for (size_t row = 0; row < section->rows_count; row++) {
			size_t used = escape_terminal(NULL,
			    cell_for_people(section_cell(section, row, i), buf), 0);
			if (used > wide[i])
				wide[i] = used;
		}
		unsigned most = section->columns[i].width;
		if (width > 0 && most > 0 && wide[i] > most)
			wide[i] = most;
		if (is_shown(section, i, width))
			total += wide[i] + GAP;
	}
	while (width > 0 && total > width + GAP) {
		size_t widest = widest_text(section, width, wide);
		if (widest == COLUMNS_MAX || wide[widest] <= 8)
			break;
		wide[widest]--;
		total--;
	}
}

static void
pad(FILE *file, size_t columns)
{
	while (columns-- > 0)
		fputc(' ', file);
}

/* owed: blanks that the field before leaves to the next one; the last has none. */
static void
write_field(const struct section *section, size_t column, const char *text,
    size_t wide, size_t *owed, FILE *file)
{
	size_t used = escape_terminal(NULL, text, wide);
	bool right = section_is_right(section, column);

	pad(file, *owed + (right ? wide - used : 0));
	escape_terminal(file, text, wide);
	*owed = GAP + (right ? 0 : wide - used);
}

void
text_row(const struct section *section, size_t row, unsigned width,
    const size_t *wide, FILE *file)
{
	char buf[CELL_TEXT_SIZE];
	size_t owed = 0;

	for (size_t i = 0; i < section->columns_count; i++) {
		if (is_shown(section, i, width))
			write_field(section, i,
			    cell_for_people(section_cell(section, row, i), buf),
			    wide[i], &owed, file);
	}
	fputc('\n', file);
}

void
text_head(const struct section *section, unsigned width,
    size_t wide[static COLUMNS_MAX], FILE *file)
{
	size_t owed = 0;

	measure(section, width, wide);
	for (size_t i = 0; i < section->columns_count; i++) {
		if (is_shown(section, i, width))
			write_field(section, i, section->columns[i].title, wide[i],
			    &owed, file);
	}
	fputc('\n', file);
}

static size_t
rows_shown(const struct doc *doc, const struct section *section)
{
	size_t shown = 0;

	for (size_t row = 0; row < section->rows_count; row++)
		shown += !(doc_is_report(doc) && section_is_zero(section, row));
	return shown;
}

static void
write_table(const struct doc *doc, const struct section *section, unsigned width,
    FILE *file)
{
	size_t wide[COLUMNS_MAX] = {0};

	if (rows_shown(doc, section) == 0) {
		if (section->facts_count == 0)
			fputs("(nothing)\n", file);
		return;
	}
	text_head(section, width, wide, file);
	for (size_t row = 0; row < section->rows_count; row++) {
		if (!(doc_is_report(doc) && section_is_zero(section, row)))
			text_row(section, row, width, wide, file);
	}
}

/* A sentence, folded at blanks to the width. */
static void
write_say(const char *text, unsigned width, FILE *file)
{
	size_t at = 0;

	while (*text != '\0') {
		size_t length = strcspn(text, " ");
		char *word = strndup(text, length);
		if (word == NULL)
			return;
		size_t used = escape_terminal(NULL, word, 0);
		if (width > 0 && at > 0 && at + 1 + used > width) {
			fputc('\n', file);
			at = 0;
		} else if (at > 0) {
			fputc(' ', file);
			at++;
		}
		at += escape_terminal(file, word, 0);
		free(word);
		text += length;
		if (*text == ' ')
			text++;
	}
	fputc('\n', file);
}

static void
write_facts(const struct section *section, FILE *file)
{
	char buf[CELL_TEXT_SIZE];
	size_t widest = 0;

	for (size_t i = 0; i < section->facts_count; i++) {
		size_t length = strlen(section->facts[i].title);
		if (length > widest && section_shows_fact(section, i))
			widest = length;
	}
	for (size_t i = 0; i < section->facts_count; i++) {
		const struct doc_fact_row *fact = &section->facts[i];
		if (!section_shows_fact(section, i))
			continue;
		fprintf(file, "%s", fact->title);
		pad(file, widest - strlen(fact->title) + GAP);
		escape_terminal(file, cell_for_people(&fact->cell, buf), 0);
		fputc('\n', file);
	}
}

static void
write_title(const struct section *section, FILE *file)
{
	fputs("\n", file);
	size_t used = escape_terminal(file, section->title, 0);
	fputc('\n', file);
	while (used-- > 0)
		fputc('-', file);
	fputc('\n', file);
}

void
doc_write_text(const struct doc *doc, unsigned width, FILE *file)
{
	bool titled = doc->sections_count > 1;

	if (titled) {
		escape_terminal(file, doc->title, 0);
		fputc('\n', file);
	}
	for (size_t i = 0; i < doc->sections_count; i++) {
		const struct section *section = &doc->sections[i];
		if (doc_is_report(doc) && section_is_empty(section))
			continue;
		if (titled)
			write_title(section, file);
		write_facts(section, file);
		if (section->has_table && !section->is_long)
			write_table(doc, section, width, file);
		for (size_t k = 0; k < section->says_count; k++)
			write_say(section->says[k], width, file);
	}
}
