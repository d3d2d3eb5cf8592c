/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * {"title": ..., "SECTION": {"say": [...], "FACT": value, "rows": [{...}]}}
 */
#include "report/doc.h"
#include "report/escape.h"

static void
write_value(const struct doc_cell *cell, FILE *file)
{
	char buf[CELL_TEXT_SIZE];

	switch (cell->kind) {
	case CELL_NONE:
		fputs("null", file);
		break;
	case CELL_TEXT:
		escape_json(file, cell->text);
		break;
	case CELL_TIME:
		if ((long long)cell->number == 0)
			fputs("null", file);
		else
			escape_json(file, cell_for_programs(cell, buf));
		break;
	case CELL_COUNT:
	case CELL_REAL:
	case CELL_SHARE:
	case CELL_SECONDS:
		fputs(cell_for_programs(cell, buf), file);
		break;
	}
}

void
json_row(const struct section *section, size_t row, bool is_first, FILE *file)
{
	fputs(is_first ? "\n      {" : ",\n      {", file);
	for (size_t i = 0; i < section->columns_count; i++) {
		if (i > 0)
			fputs(", ", file);
		escape_json(file, section->columns[i].key);
		fputs(": ", file);
		write_value(section_cell(section, row, i), file);
	}
	fputc('}', file);
}

static void
write_rows(const struct section *section, FILE *file)
{
	fputs("\"rows\": [", file);
	for (size_t row = 0; row < section->rows_count; row++)
		json_row(section, row, row == 0, file);
	fputs("]", file);
}

static void
write_section(const struct section *section, FILE *file)
{
	const char *comma = "";

	escape_json(file, section->key);
	fputs(": {", file);
	if (section->says_count > 0) {
		fputs("\n    \"say\": [", file);
		for (size_t i = 0; i < section->says_count; i++) {
			fputs(i == 0 ? "" : ", ", file);
			escape_json(file, section->says[i]);
		}
		fputs("]", file);
		comma = ",";
	}
	for (size_t i = 0; i < section->facts_count; i++) {
		fprintf(file, "%s\n    ", comma);
		escape_json(file, section->facts[i].key);
		fputs(": ", file);
		write_value(&section->facts[i].cell, file);
		comma = ",";
	}
	if (section->has_table) {
		fprintf(file, "%s\n    ", comma);
		write_rows(section, file);
	}
	fputs("}", file);
}

void
doc_write_json(const struct doc *doc, FILE *file)
{
	fputs("{\n  \"title\": ", file);
	escape_json(file, doc->title);
	for (size_t i = 0; i < doc->sections_count; i++) {
		fputs(",\n  ", file);
		write_section(&doc->sections[i], file);
	}
	fputs("\n}\n", file);
}
