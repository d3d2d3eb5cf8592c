/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts that every chart is drawn with. */
#include <math.h>

#include "report/escape.h"
#include "report/svg_private.h"

double
svg_number(const struct section *section, size_t row, unsigned column)
{
	double number = section_cell(section, row, column)->number;

	return isfinite(number) && number > 0 ? number : 0;
}

void
svg_text(FILE *file, double x, double y, const char *anchor)
{
	fprintf(
	    file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
}

/* Cut as on a terminal, then escaped again. */
void
svg_label(FILE *file, const char *text, size_t columns)
{
	char label[200] = "";
	FILE *cut = fmemopen(label, sizeof label - 1, "w");

	if (cut == NULL)
		return;
	escape_terminal(cut, text, columns);
	fputc('\0', cut);
	fclose(cut);
	escape_html(file, label);
}
