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
