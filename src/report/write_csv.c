/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A doc of one table and nothing else is that table. Everything else becomes
 * one table of four columns, section, row, column, value, so that any reader
 * of CSV takes the whole of it.
 */
#include "report/doc.h"
#include "report/escape.h"

static void
write_cell(const struct doc_cell *cell, FILE *file)
{
	char buf[CELL_TEXT_SIZE];
	const char *text = cell_for_programs(cell, buf);

	if (cell->kind == CELL_TEXT)
		escape_csv(file, text);
	else
		fputs(text, file);
}

void
csv_head(const struct section *section, FILE *file)
{
	for (size_t i = 0; i < section->columns_count; i++)
		fprintf(file, "%s%s", i == 0 ? "" : ",", section->columns[i].key);
	fputs("\r\n", file);
}

void
csv_row(const struct section *section, size_t row, FILE *file)
{
	for (size_t i = 0; i < section->columns_count; i++) {
		if (i > 0)
			fputc(',', file);
		write_cell(section_cell(section, row, i), file);
	}
	fputs("\r\n", file);
}

static void
write_table(const struct section *section, FILE *file)
{
	csv_head(section, file);
	for (size_t row = 0; row < section->rows_count; row++)
		csv_row(section, row, file);
}

static void
write_section(const struct section *section, FILE *file)
{
	for (size_t i = 0; i < section->facts_count; i++) {
		fprintf(file, "%s,,%s,", section->key, section->facts[i].key);
		write_cell(&section->facts[i].cell, file);
		fputs("\r\n", file);
	}
	for (size_t row = 0; row < section->rows_count; row++) {
		for (size_t i = 0; i < section->columns_count; i++) {
			fprintf(file, "%s,%zu,%s,", section->key, row + 1,
			    section->columns[i].key);
			write_cell(section_cell(section, row, i), file);
			fputs("\r\n", file);
		}
	}
	for (size_t i = 0; i < section->says_count; i++) {
		fprintf(file, "%s,,say,", section->key);
		escape_csv(file, section->says[i]);
		fputs("\r\n", file);
	}
}

void
doc_write_csv(const struct doc *doc, FILE *file)
{
	if (doc->sections_count == 1 && doc->sections[0].has_table &&
	    doc->sections[0].facts_count == 0) {
		write_table(&doc->sections[0], file);
		return;
	}
	fputs("section,row,column,value\r\n", file);
	for (size_t i = 0; i < doc->sections_count; i++)
		write_section(&doc->sections[i], file);
}
