/* SPDX-License-Identifier: BSD-2-Clause */
/* A week of hours: the darker the more. */
#include "report/escape.h"
#include "report/svg_private.h"

#define LEFT 30.0
#define CELL 13.5 /* across; 24 of them */
#define HIGH 16.0

double
svg_heat_height(void)
{
	return 7 * HIGH + 22;
}

static double
most_of(const struct section *section)
{
	double most = 1;

	for (size_t row = 0; row < section->rows_count; row++) {
		double number = svg_number(section, row, section->chart.values[0]);
		if (number > most)
			most = number;
	}
	return most;
}

void
svg_heat(const struct section *section, FILE *file)
{
	double most = most_of(section);
	char buf[CELL_TEXT_SIZE];

	for (size_t row = 0; row < section->rows_count && row < 7 * 24; row++) {
		double number = svg_number(section, row, section->chart.values[0]);
		double x = LEFT + CELL * (double)(row % 24);
		size_t day = row / 24;
		double y = HIGH * (double)day;
		if (row % 24 == 0) {
			svg_text(file, 3, y + 12, "start");
			escape_html(file, cell_for_people(section_cell(section, row,
			                                      section->chart.label),
			                      buf));
			fputs("</text>", file);
		}
		fprintf(file,
		    "<rect class=\"track\" x=\"%.1f\" y=\"%.1f\" width=\"12.5\" "
		    "height=\"15\"/>",
		    x, y);
		if (number > 0)
			fprintf(file,
			    "<rect class=\"a\" x=\"%.1f\" y=\"%.1f\" "
			    "width=\"12.5\" height=\"15\" opacity=\"%.2f\"/>",
			    x, y, 0.1 + 0.9 * number / most);
	}
	for (int hour = 0; hour < 24; hour += 6) {
		svg_text(file, LEFT + CELL * hour, 7 * HIGH + 14, "start");
		fprintf(file, "%02d:00</text>", hour);
	}
	fputc('\n', file);
}
