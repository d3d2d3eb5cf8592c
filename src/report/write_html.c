/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One file that needs nothing else: no script, no picture to fetch, no font.
 */
#include <stdlib.h>
#include <string.h>

#include "report/doc.h"
#include "report/escape.h"
#include "report/page.h"
#include "report/svg.h"

/* A table without a picture is folded when it has more rows. */
#define ROWS_PLAIN 12
/* One that is not folded and has this many columns takes the whole width. */
#define COLUMNS_WIDE 5

/* Sentences and lists of words are broken, addresses are not. */
static bool
is_sentence(const struct doc_cell *cell, const struct column *of)
{
	return cell->kind == CELL_TEXT &&
	       (of->width > 0 ||
	           (strlen(cell->text) > 40 && strchr(cell->text, ' ') != NULL));
}

/* A time, or some words without a name among them: broken where room is short. */
static bool
is_loose(const struct doc_cell *cell)
{
	return cell->kind == CELL_TIME ||
	       (cell->kind == CELL_TEXT && strchr(cell->text, ' ') != NULL &&
	           strpbrk(cell->text, ".@-") == NULL);
}

/* n: number, s: sentence, w: loose words; m: minor, which paper has no room for. */
static void
write_class(const struct section *section, const struct doc_cell *cell,
    size_t column, FILE *file)
{
	const struct column *of = &section->columns[column];
	const char *kind = "";

	if (section_is_right(section, column))
		kind = "n";
	else if (cell != NULL && is_sentence(cell, of))
		kind = "s";
	else if (cell != NULL && is_loose(cell))
		kind = "w";
	if (*kind != '\0' || of->is_minor)
		fprintf(file, " class=\"%s%s%s\"", kind,
		    *kind != '\0' && of->is_minor ? " " : "",
		    of->is_minor ? "m" : "");
}

static void
write_head(const struct section *section, const bool *has_value, FILE *file)
{
	fputs("<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"",
	    file);
	escape_html(file, section->title);
	fputs("\"><table><thead><tr>", file);
	for (size_t i = 0; i < section->columns_count; i++) {
		if (!has_value[i])
			continue;
		fputs("<th scope=\"col\"", file);
		write_class(section, NULL, i, file);
		fputc('>', file);
		escape_html(file, section->columns[i].title);
		fputs("</th>", file);
	}
	fputs("</tr></thead><tbody>\n", file);
}

/* What may stand in a URL's query as it is. */
static void
write_query(FILE *file, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                            "abcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL)
			fputc(*text, file);
		else
			fprintf(file, "%%%02X", (unsigned char)*text);
	}
}

static void
write_cell(const struct column *column, const struct doc_cell *cell,
    const struct page_link *links, FILE *file)
{
	char buf[CELL_TEXT_SIZE];

	while (links != NULL && links->key != NULL &&
	       strcmp(links->key, column->key) != 0)
		links++;
	bool linked =
	    links != NULL && links->key != NULL && cell->kind == CELL_TEXT;
	if (linked) {
		fprintf(file, "<a href=\"%s", links->prefix);
		write_query(file, cell->text);
		fputs("\">", file);
	}
	escape_html(file, cell_for_page(cell, buf));
	fputs(linked ? "</a>" : "", file);
}

static size_t
facts_shown(const struct section *section)
{
	size_t shown = 0;

	for (size_t i = 0; i < section->facts_count; i++)
		shown += section_shows_fact(section, i);
	return shown;
}

/* "Nothing" where the section says nothing else. */
static void
write_nothing(const struct section *section, FILE *file)
{
	if (section->says_count == 0 && facts_shown(section) == 0)
		fputs("<p>(nothing)</p>\n", file);
}

static void
write_row(const struct section *section, size_t row, const bool *has_value,
    const struct page_link *links, FILE *file)
{
	fputs("<tr>", file);
	for (size_t i = 0; i < section->columns_count; i++) {
		const struct doc_cell *cell = section_cell(section, row, i);
		if (!has_value[i])
			continue;
		fputs("<td", file);
		write_class(section, cell, i, file);
		fputc('>', file);
		write_cell(&section->columns[i], cell, links, file);
		fputs("</td>", file);
	}
	fputs("</tr>\n", file);
}

static void
write_table(
    const struct section *section, const struct page_link *links, FILE *file)
{
	bool has_value[COLUMNS_MAX] = {false};
	size_t shown = 0;

	for (size_t row = 0; row < section->rows_count; row++) {
		if (section_is_zero(section, row))
			continue;
		shown++;
		for (size_t i = 0; i < section->columns_count; i++)
			has_value[i] |=
			    section_cell(section, row, i)->kind != CELL_NONE;
	}
	if (shown == 0) {
		write_nothing(section, file);
		return;
	}
	write_head(section, has_value, file);
	for (size_t row = 0; row < section->rows_count; row++) {
		if (!section_is_zero(section, row))
			write_row(section, row, has_value, links, file);
	}
	fputs("</tbody></table></div>\n", file);
	if (shown < section->rows_count)
		fputs(
		    "<p class=\"screen\">Rows of zeros are left out.</p>\n", file);
}

/*
 * Up to this length text without blanks fits a phone, and is not broken at hyphens.
 */
#define WHOLE_MOST 36

static void
write_words(FILE *file, const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, " ");
		char *word = strndup(text, length);
		bool is_whole =
		    length <= WHOLE_MOST && memchr(text, '-', length) != NULL;

		fputs(is_whole ? "<span class=\"whole\">" : "", file);
		escape_html(file, word);
		fputs(is_whole ? "</span>" : "", file);
		free(word);
		text += length;
		for (; *text == ' '; text++)
			fputc(' ', file);
	}
}

/* Characters that fit beside a title on a phone. */
#define BESIDE_MOST 18

static void
write_fact(const struct doc_fact_row *fact, bool is_headline, FILE *file)
{
	char buf[CELL_TEXT_SIZE];
	const char *text = cell_for_page(&fact->cell, buf);
	const char *kind =
	    fact->cell.kind == CELL_TEXT && strlen(text) > BESIDE_MOST
	        ? " class=\"long\""
	        : "";

	fprintf(file, is_headline ? "<div><dt>" : "<dt%s>", kind);
	escape_html(file, fact->title);
	fprintf(file, "</dt><dd%s>", is_headline ? "" : kind);
	write_words(file, text);
	fputs(is_headline ? "</dd></div>\n" : "</dd>\n", file);
}

static void
write_facts(const struct section *section, FILE *file)
{
	if (facts_shown(section) == 0)
		return;
	fputs(section->is_headline ? "<dl class=\"big\">" : "<dl>", file);
	for (size_t i = 0; i < section->facts_count; i++) {
		const struct doc_cell *cell = &section->facts[i].cell;
		if (section_shows_fact(section, i) &&
		    (cell->kind != CELL_TEXT || *cell->text != '\0'))
			write_fact(&section->facts[i], section->is_headline, file);
	}
	fputs("</dl>\n", file);
}

static bool
is_folded(const struct doc *doc, const struct section *section)
{
	return doc_is_report(doc) &&
	       (section->has_chart || section->rows_count > ROWS_PLAIN);
}

static bool
is_wide(const struct doc *doc, const struct section *section)
{
	return section->has_table && !is_folded(doc, section) &&
	       section->rows_count > 0 && section->columns_count >= COLUMNS_WIDE;
}

/* Does the chart have anything to draw? */
static bool
is_drawn(const struct section *section)
{
	const struct chart *chart = &section->chart;
	unsigned column =
	    chart->kind == CHART_FLOW ? chart->values[1] : chart->values[0];

	for (size_t row = 0; section->has_chart && row < section->rows_count;
	     row++) {
		for (size_t i = 0; i < chart->values_count; i++) {
			if (chart->kind == CHART_STACKED)
				column = chart->values[i];
			if (section_cell(section, row, column)->number > 0)
				return true;
		}
	}
	return false;
}

static void
write_section(const struct doc *doc, const struct section *section, unsigned number,
    const struct page_link *links, FILE *file)
{
	bool folded = is_folded(doc, section);

	fputs("<section id=\"", file);
	escape_html(file, section->key);
	/* Paper shows no folds: a section that is nothing else has no place there.
	 */
	fputs(folded && facts_shown(section) == 0 && section->says_count == 0 &&
	              !is_drawn(section)
	          ? "\" class=\"fold\"><h2>"
	          : "\"><h2>",
	    file);
	escape_html(file, section->title);
	fputs("</h2>\n", file);
	if (is_drawn(section))
		svg_write(section, number, file);
	write_facts(section, file);
	for (size_t i = 0; i < section->says_count; i++) {
		fputs("<p>", file);
		escape_html(file, section->says[i]);
		fputs("</p>\n", file);
	}
	if (section->has_table) {
		fputs(folded ? "<details><summary>Table</summary>\n" : "", file);
		write_table(section, links, file);
		fputs(folded ? "</details>\n" : "", file);
	}
	fputs("</section>\n", file);
}

static void
write_subtitle(const struct section *section, FILE *file)
{
	char buf[CELL_TEXT_SIZE];
	bool is_first = true;

	fputs("<p class=\"sub\">", file);
	for (size_t i = 0; i < section->facts_count; i++) {
		const struct doc_fact_row *fact = &section->facts[i];
		if (fact->cell.kind == CELL_NONE)
			continue;
		fputs(is_first ? "" : " &#183; ", file);
		is_first = false;
		escape_html(file, fact->title);
		fputs(" <b>", file);
		escape_html(file, cell_for_page(&fact->cell, buf));
		fputs("</b>", file);
	}
	fputs("</p>\n", file);
	for (size_t i = 0; i < section->says_count; i++) {
		fputs("<p>", file);
		escape_html(file, section->says[i]);
		fputs("</p>\n", file);
	}
}

enum part { PART_TOP, PART_FRONT, PART_CARDS, PART_WIDE, PARTS };

static enum part
part_of(const struct doc *doc, const struct section *section)
{
	return section->is_headline || section->is_subtitle ? PART_TOP
	       : section->is_front                          ? PART_FRONT
	       : is_wide(doc, section)                      ? PART_WIDE
	                                                    : PART_CARDS;
}

static bool
is_wanted(const struct section *section, const char *const *keys)
{
	if (keys == NULL)
		return true;
	while (*keys != NULL && strcmp(*keys, section->key) != 0)
		keys++;
	return *keys != NULL;
}

/* Writes the sections of that part; begin stands before the first. */
static bool
write_part(const struct doc *doc, enum part part, const char *const *keys,
    const struct page_link *links, const char *begin, FILE *file)
{
	bool is_begun = false;

	for (size_t i = 0; i < doc->sections_count; i++) {
		const struct section *section = &doc->sections[i];
		if (part_of(doc, section) != part || !is_wanted(section, keys) ||
		    (doc_is_report(doc) && section_is_empty(section)))
			continue;
		fputs(is_begun ? "" : begin, file);
		is_begun = true;
		if (section->is_subtitle)
			write_subtitle(section, file);
		else
			write_section(doc, section, (unsigned)i + 1, links, file);
	}
	return is_begun;
}

/*
 * In order: the subtitle, front sections, the rest, wide tables that are not
 * folded.
 */
void
page_sections(const struct doc *doc, const char *const *keys,
    const struct page_link *links, FILE *file)
{
	static const char *const begins[PARTS] = {"", "<div class=\"pair\">\n",
	    "<div class=\"cards\">\n", "<div class=\"pair\">\n"};

	for (int part = 0; part < PARTS; part++) {
		if (write_part(
		        doc, (enum part)part, keys, links, begins[part], file) &&
		    part != PART_TOP)
			fputs("</div>\n", file);
	}
}

void
doc_write_html(const struct doc *doc, FILE *file)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta name=\"viewport\" "
	      "content=\"width=device-width,initial-scale=1\">"
	      "<meta http-equiv=\"Content-Security-Policy\" "
	      "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
	      "<title>",
	    file);
	escape_html(file, doc->title);
	fprintf(
	    file, "</title><style>\n%s</style></head><body><main><h1>", page_style);
	escape_html(file, doc->title);
	fputs("</h1>\n", file);
	page_sections(doc, NULL, NULL, file);
	fputs("</main></body></html>\n", file);
}
