/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/doc.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const char *const doc_format_words[DOC_FORMATS + 1] = {
    [DOC_TEXT] = "text",
    [DOC_JSON] = "json",
    [DOC_CSV] = "csv",
    [DOC_HTML] = "html",
};

struct doc *
doc_new(const char *title)
{
	struct doc *doc = calloc(1, sizeof *doc);

	if (doc != NULL && (doc->title = text_dup(title)) == NULL)
		doc_free(&doc);
	return doc;
}

static void
free_section(struct section *section)
{
	for (size_t i = 0; i < section->says_count; i++)
		free(section->says[i]);
	for (size_t i = 0; i < section->facts_count; i++)
		free(section->facts[i].cell.text);
	for (size_t i = 0; i < section->rows_count * section->columns_count; i++)
		free(section->cells[i].text);
	free(section->says);
	free(section->facts);
	free(section->cells);
	free(section->key);
	free(section->title);
}

void
doc_free(struct doc **doc)
{
	if (*doc == NULL)
		return;
	for (size_t i = 0; i < (*doc)->sections_count; i++)
		free_section(&(*doc)->sections[i]);
	free((*doc)->sections);
	free((*doc)->title);
	free(*doc);
	*doc = NULL;
}

/*
 * The array with room for more elements after the first count; NULL: out of memory,
 * the array is unchanged.
 */
static void *
make_room(struct doc *doc, void *array, size_t *room, size_t count, size_t more,
    size_t size)
{
	if (array != NULL && count + more <= *room)
		return array;
	size_t wanted = *room * 2 > count + more ? *room * 2 : count + more + 7;
	void *grown = realloc(array, wanted * size);
	if (grown == NULL)
		doc->failed = true;
	else
		*room = wanted;
	return grown;
}

/* The section that is being written; NULL once out of memory. */
static struct section *
last(struct doc *doc)
{
	return !doc->failed && doc->sections_count > 0
	           ? &doc->sections[doc->sections_count - 1]
	           : NULL;
}

void
doc_section(struct doc *doc, const char *key, const char *title)
{
	size_t room = doc->sections_count;

	if (doc->failed)
		return;
	struct section *grown =
	    make_room(doc, doc->sections, &room, room, 1, sizeof *doc->sections);
	if (grown == NULL)
		return;
	doc->sections = grown;
	struct section *section = &doc->sections[doc->sections_count++];
	*section = (struct section){.key = text_dup(key), .title = text_dup(title)};
	if (section->key == NULL || section->title == NULL)
		doc->failed = true;
	doc->facts_room = doc->says_room = doc->cells_room = 0;
}

void
doc_headline(struct doc *doc)
{
	struct section *section = last(doc);

	if (section != NULL)
		section->is_headline = true;
}

void
doc_subtitle(struct doc *doc)
{
	struct section *section = last(doc);

	if (section != NULL)
		section->is_subtitle = true;
}

void
doc_front(struct doc *doc)
{
	struct section *section = last(doc);

	if (section != NULL)
		section->is_front = true;
}

void
doc_long(struct doc *doc)
{
	struct section *section = last(doc);

	if (section != NULL)
		section->is_long = true;
}

void
doc_say(struct doc *doc, const char *format, ...)
{
	struct section *section = last(doc);
	char *text = NULL;
	va_list args;

	if (section == NULL)
		return;
	char **grown = make_room(doc, section->says, &doc->says_room,
	    section->says_count, 1, sizeof *section->says);
	if (grown == NULL)
		return;
	section->says = grown;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		doc->failed = true;
	else
		section->says[section->says_count++] = text;
	va_end(args);
}

static struct doc_cell
keep(struct doc *doc, const struct cell *cell)
{
	struct doc_cell kept = {.kind = cell->kind, .number = cell->number};

	if (cell->kind == CELL_TEXT && (kept.text = text_dup(cell->text)) == NULL)
		doc->failed = true;
	return kept;
}

static void
add_fact(struct doc *doc, const char *key, const char *title,
    const struct cell *cell, bool is_detail)
{
	struct section *section = last(doc);

	if (section == NULL)
		return;
	struct doc_fact_row *grown = make_room(doc, section->facts,
	    &doc->facts_room, section->facts_count, 1, sizeof *section->facts);
	if (grown == NULL)
		return;
	section->facts = grown;
	section->facts[section->facts_count++] =
	    (struct doc_fact_row){key, title, keep(doc, cell), is_detail};
}

void
doc_fact(struct doc *doc, const char *key, const char *title, struct cell cell)
{
	add_fact(doc, key, title, &cell, false);
}

void
doc_detail(struct doc *doc, const char *key, const char *title, struct cell cell)
{
	add_fact(doc, key, title, &cell, true);
}

void
doc_table(struct doc *doc, const struct column *columns, size_t count)
{
	struct section *section = last(doc);

	if (section == NULL)
		return;
	section->columns = columns;
	section->columns_count = count;
	section->has_table = true;
}

void
doc_row(struct doc *doc, const struct cell *cells)
{
	struct section *section = last(doc);

	if (section == NULL)
		return;
	size_t filled = section->rows_count * section->columns_count;
	struct doc_cell *grown = make_room(doc, section->cells, &doc->cells_room,
	    filled, section->columns_count, sizeof *section->cells);
	if (grown == NULL)
		return;
	section->cells = grown;
	for (size_t i = 0; i < section->columns_count; i++)
		section->cells[filled + i] = keep(doc, &cells[i]);
	section->rows_count++;
	if (doc->stream.file != NULL && section->rows_count == STREAM_ROWS)
		stream_rows(doc);
}

void
doc_chart(struct doc *doc, const struct chart *chart)
{
	struct section *section = last(doc);

	if (section == NULL)
		return;
	section->chart = *chart;
	section->has_chart = true;
}

size_t
doc_rows(const struct doc *doc)
{
	return doc->sections_count > 0
	           ? doc->sections[doc->sections_count - 1].rows_count
	           : 0;
}

bool
doc_write(struct doc *doc, enum doc_format format, unsigned width, FILE *file)
{
	if (doc->failed)
		return false;
	if (doc->stream.file != NULL) {
		stream_end(doc);
		return fflush(file) == 0 && !ferror(file);
	}
	switch (format) {
	case DOC_TEXT:
		doc_write_text(doc, width, file);
		break;
	case DOC_JSON:
		doc_write_json(doc, file);
		break;
	case DOC_CSV:
		doc_write_csv(doc, file);
		break;
	case DOC_HTML:
		doc_write_html(doc, file);
		break;
	case DOC_FORMATS:
		return false;
	}
	return fflush(file) == 0 && !ferror(file);
}
