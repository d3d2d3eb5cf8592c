/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/doc.h"

const struct doc_cell *
section_cell(const struct section *section, size_t row, size_t column)
{
	return &section->cells[row * section->columns_count + column];
}

bool
section_is_right(const struct section *section, size_t column)
{
	for (size_t row = 0; row < section->rows_count; row++) {
		enum cell_kind kind = section_cell(section, row, column)->kind;
		if (kind != CELL_NONE)
			return kind != CELL_TEXT && kind != CELL_TIME;
	}
	return false;
}

/* Folding and leaving out are for reports, not for lists. */
#define SECTIONS_FEW 3

bool
doc_is_report(const struct doc *doc)
{
	return doc->sections_count > SECTIONS_FEW;
}

bool
section_is_zero(const struct section *section, size_t row)
{
	bool has_number = false;

	for (size_t i = 0; i < section->columns_count; i++) {
		const struct doc_cell *cell = section_cell(section, row, i);
		if (cell->kind == CELL_TEXT || cell->kind == CELL_NONE)
			continue;
		if (cell->kind == CELL_TIME || cell->number != 0)
			return false;
		has_number = true;
	}
	return has_number;
}

bool
section_shows_fact(const struct section *section, size_t fact)
{
	const struct doc_cell *cell = &section->facts[fact].cell;

	if (!section->facts[fact].is_detail)
		return true;
	return cell->kind == CELL_TEXT ||
	       (cell->kind != CELL_NONE && cell->number != 0);
}

bool
section_is_empty(const struct section *section)
{
	for (size_t row = 0; section->has_table && row < section->rows_count;
	     row++) {
		if (!section_is_zero(section, row))
			return false;
	}
	for (size_t i = 0; i < section->facts_count; i++) {
		if (section_shows_fact(section, i))
			return false;
	}
	return section->says_count == 0;
}
