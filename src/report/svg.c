/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/svg.h"

#include <math.h>

#include "report/escape.h"

#define WIDTH 360.0
#define LEFT  42.0 /* room for the numbers of the upright axis */
#define RIGHT 8.0
#define PLOT  150.0 /* height of an upright chart */
#define TOP   18.0

static double
number_at(const struct section *section, size_t row, unsigned column)
{
	double number = section_cell(section, row, column)->number;

	return isfinite(number) && number > 0 ? number : 0;
}

static size_t
rows_shown(const struct section *section)
{
	size_t rows = section->chart.rows;

	return rows == 0 || rows > section->rows_count ? section->rows_count : rows;
}

static double
highest(const struct section *section)
{
	double most = 0;

	for (size_t row = 0; row < rows_shown(section); row++) {
		double sum = 0;
		for (size_t i = 0; i < section->chart.values_count; i++)
			sum += number_at(section, row, section->chart.values[i]);
		if (sum > most)
			most = sum;
	}
	return most > 0 ? most : 1;
}

static void
text_open(FILE *file, double x, double y, const char *anchor)
{
	fprintf(
	    file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
}

static bool
is_drawn(const struct section *section, size_t row)
{
	const struct chart *chart = &section->chart;

	return !chart->skips_zero || number_at(section, row, chart->values[0]) > 0;
}

static void
write_bars(const struct section *section, FILE *file)
{
	const struct chart *chart = &section->chart;
	double most = highest(section);
	char buf[CELL_TEXT_SIZE];

	double y = 12 - 26;
	for (size_t row = 0; row < rows_shown(section); row++) {
		if (!is_drawn(section, row))
			continue;
		y += 26;
		double length =
		    number_at(section, row, chart->values[0]) / most * WIDTH;
		char label[64];
		FILE *cut = fmemopen(label, sizeof(label), "w");

		text_open(file, 0, y, "start");
		if (cut != NULL) {
			/* the label is cut as on a terminal, then escaped again */
			escape_terminal(cut,
			    cell_for_people(
			        section_cell(section, row, chart->label), buf),
			    40);
			fputc('\0', cut);
			fclose(cut);
			label[sizeof(label) - 1] = '\0';
			escape_html(file, label);
		}
		fputs("</text>", file);
		text_open(file, WIDTH, y, "end");
		fputs(cell_for_people(
		          section_cell(section, row, chart->values[0]), buf),
		    file);
		fprintf(file,
		    "</text><rect class=\"track\" x=\"0\" y=\"%.1f\" width=\"360\" "
		    "height=\"7\"/><rect class=\"a\" x=\"0\" y=\"%.1f\" "
		    "width=\"%.1f\" "
		    "height=\"7\"/>\n",
		    y + 4, y + 4, length);
	}
}

static void
write_grid(FILE *file, double most, bool percent)
{
	for (int i = 0; i <= 2; i++) {
		double y = TOP + PLOT - PLOT * i / 2;
		fprintf(file,
		    "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
		    "y2=\"%.1f\"/>",
		    LEFT, y, WIDTH - RIGHT, y);
		text_open(file, LEFT - 4, y + 4, "end");
		if (percent)
			fprintf(file, "%d%%</text>\n", 50 * i);
		else if (most * i / 2 >= 10000)
			fprintf(file, "%.0fk</text>\n", most * i / 2000);
		else
			fprintf(file, "%.4g</text>\n", most * i / 2);
	}
}

static void
write_legend(const struct section *section, double y, FILE *file)
{
	const struct chart *chart = &section->chart;
	double x = LEFT;

	for (size_t i = 0; i < chart->values_count; i++) {
		const char *title = section->columns[chart->values[i]].title;
		fprintf(file,
		    "<rect class=\"%c\" x=\"%.1f\" y=\"%.1f\" width=\"9\" "
		    "height=\"9\"/>",
		    "abc"[i], x, y - 8);
		text_open(file, x + 13, y, "start");
		escape_html(file, title);
		fputs("</text>", file);
		x += 106;
	}
	fputc('\n', file);
}

static void
write_stacked(const struct section *section, FILE *file)
{
	const struct chart *chart = &section->chart;
	size_t rows = rows_shown(section);
	double most = highest(section);
	double step = (WIDTH - LEFT - RIGHT) / (double)(rows > 0 ? rows : 1);
	char buf[CELL_TEXT_SIZE];

	write_grid(file, most, false);
	for (size_t row = 0; row < rows; row++) {
		double x = LEFT + step * (double)row, y = TOP + PLOT;
		for (size_t i = 0; i < chart->values_count; i++) {
			double height =
			    number_at(section, row, chart->values[i]) / most * PLOT;
			y -= height;
			fprintf(file,
			    "<rect class=\"%c\" x=\"%.1f\" y=\"%.2f\" "
			    "width=\"%.1f\" "
			    "height=\"%.2f\"/>",
			    "abc"[i], x + step * 0.1, y, step * 0.8, height);
		}
		if (rows <= 8 || row % 6 == 0) {
			text_open(file, x + step / 2, TOP + PLOT + 14, "middle");
			escape_html(file,
			    cell_for_people(
			        section_cell(section, row, chart->label), buf));
			fputs("</text>\n", file);
		}
	}
	write_legend(section, TOP + PLOT + 34, file);
}

static void
write_mark(const struct chart *chart, double last, FILE *file)
{
	double x = LEFT + chart->mark / last * (WIDTH - LEFT - RIGHT);

	fprintf(file,
	    "<line class=\"mark\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
	    "y2=\"%.1f\"/>",
	    x, TOP - 6, x, TOP + PLOT);
	text_open(file, x < WIDTH / 2 ? x + 3 : x - 3, TOP - 6,
	    x < WIDTH / 2 ? "start" : "end");
	escape_html(file, chart->mark_text);
	fputs("</text>\n", file);
}

static void
write_steps(const struct section *section, FILE *file)
{
	const struct chart *chart = &section->chart;
	size_t rows = rows_shown(section);
	double last = chart->mark > 1 ? chart->mark : 1;
	double y = TOP;

	if (rows > 0 && number_at(section, rows - 1, chart->label) > last)
		last = number_at(section, rows - 1, chart->label);
	write_grid(file, 1, true);
	fprintf(file, "<path class=\"line\" d=\"M%.1f %.1f", LEFT, TOP);
	for (size_t row = 0; row < rows; row++) {
		double x = LEFT + number_at(section, row, chart->label) / last *
		                      (WIDTH - LEFT - RIGHT);
		y = TOP + PLOT * (1 - number_at(section, row, chart->values[0]));
		fprintf(file, "H%.1fV%.1f", x, y);
	}
	fprintf(file, "H%.1f\"/>\n", WIDTH - RIGHT);
	for (int i = 0; i <= 4; i++) {
		text_open(file, LEFT + (WIDTH - LEFT - RIGHT) * i / 4,
		    TOP + PLOT + 14, i == 4 ? "end" : "middle");
		fprintf(file, "%.0f s</text>", last * i / 4);
	}
	fputc('\n', file);
	if (chart->mark > 0)
		write_mark(chart, last, file);
}

static double
height_of(const struct section *section)
{
	size_t bars = 0;

	for (size_t row = 0; row < rows_shown(section); row++)
		bars += is_drawn(section, row);
	switch (section->chart.kind) {
	case CHART_BARS:
		return 26 * (double)bars + 4;
	case CHART_STACKED:
		return TOP + PLOT + 42;
	case CHART_STEPS:
		return TOP + PLOT + 22;
	}
	return PLOT;
}

void
svg_write(const struct section *section, unsigned number, FILE *file)
{
	const struct chart *chart = &section->chart;

	fprintf(file,
	    "<figure><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
	    "aria-labelledby=\"t%u d%u\"><title id=\"t%u\">",
	    WIDTH, height_of(section), number, number, number);
	escape_html(file, chart->title);
	fprintf(file, "</title><desc id=\"d%u\">", number);
	escape_html(file, chart->alternative);
	fputs("</desc>\n", file);
	switch (chart->kind) {
	case CHART_BARS:
		write_bars(section, file);
		break;
	case CHART_STACKED:
		write_stacked(section, file);
		break;
	case CHART_STEPS:
		write_steps(section, file);
		break;
	}
	fputs("</svg><figcaption>", file);
	escape_html(file, chart->title);
	fputs("</figcaption></figure>\n", file);
}
