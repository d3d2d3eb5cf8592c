/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/svg.h"

#include <math.h>
#include <string.h>

#include "report/escape.h"
#include "report/svg_private.h"

#define WIDTH SVG_WIDTH
#define LEFT  42.0 /* room for the numbers of the upright axis */
#define RIGHT 8.0
#define PLOT  150.0 /* height of an upright chart */
#define TOP   18.0

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
			sum += svg_number(section, row, section->chart.values[i]);
		if (sum > most)
			most = sum;
	}
	return most > 0 ? most : 1;
}

static bool
is_drawn(const struct section *section, size_t row)
{
	const struct chart *chart = &section->chart;

	return !chart->skips_zero || svg_number(section, row, chart->values[0]) > 0;
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
		    svg_number(section, row, chart->values[0]) / most * WIDTH;

		svg_text(file, 0, y, "start");
		svg_label(file,
		    cell_for_people(section_cell(section, row, chart->label), buf),
		    40);
		fputs("</text>", file);
		svg_text(file, WIDTH, y, "end");
		fputs(cell_for_page(
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

/* 1, 2 or 5 times a power of ten, so that at most four steps reach most. */
static double
round_step(double most)
{
	double power = pow(10, floor(log10(most / 4)));
	double step = power;

	if (step < 1)
		power = step = 1;
	for (int i = 0; step * 4 < most; i++)
		step = power * (i == 0 ? 2 : i == 1 ? 5 : 10);
	return step;
}

static void
write_line_at(FILE *file, double y)
{
	fprintf(file,
	    "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
	    "y2=\"%.1f\"/>",
	    LEFT, y, WIDTH - RIGHT, y);
	svg_text(file, LEFT - 4, y + 4, "end");
}

/* What stands at the top of the axis. */
static double
write_axis(FILE *file, double most)
{
	double step = round_step(most), top = ceil(most / step) * step;
	char buf[CELL_TEXT_SIZE];

	for (int i = 0; step * i <= top; i++) {
		double at = step * i;
		struct doc_cell cell = {.kind = CELL_COUNT, .number = at};
		write_line_at(file, TOP + PLOT - PLOT * at / top);
		fprintf(file, "%s</text>\n", cell_for_page(&cell, buf));
	}
	return top;
}

static void
write_legend(const struct section *section, double y, FILE *file)
{
	const struct chart *chart = &section->chart;
	double x = 0;

	for (size_t i = 0; i < chart->values_count; i++) {
		const char *title = section->columns[chart->values[i]].title;
		fprintf(file,
		    "<rect class=\"%c\" x=\"%.1f\" y=\"%.1f\" width=\"9\" "
		    "height=\"9\"/>",
		    "acb"[i], x, y - 8);
		svg_text(file, x + 13, y, "start");
		escape_html(file, title);
		fputs("</text>", file);
		x += 30 + 6.0 * (double)strlen(title);
	}
	fputc('\n', file);
}

/* "2026-01-31" is shown as "01-31". */
static const char *
short_label(const char *text)
{
	return strlen(text) == 10 && text[4] == '-' && text[7] == '-' ? text + 5
	                                                              : text;
}

static void
write_stacked(const struct section *section, FILE *file)
{
	const struct chart *chart = &section->chart;
	size_t rows = rows_shown(section);
	double step = (WIDTH - LEFT - RIGHT) / (double)(rows > 0 ? rows : 1);
	size_t every = rows <= 6 ? 1 : (rows + 5) / 6;
	double top = write_axis(file, highest(section));
	char buf[CELL_TEXT_SIZE];

	for (size_t row = 0; row < rows; row++) {
		double x = LEFT + step * (double)row, y = TOP + PLOT;
		for (size_t i = 0; i < chart->values_count; i++) {
			double height =
			    svg_number(section, row, chart->values[i]) / top * PLOT;
			y -= height;
			fprintf(file,
			    "<rect class=\"%c\" x=\"%.1f\" y=\"%.2f\" "
			    "width=\"%.1f\" "
			    "height=\"%.2f\"/>",
			    "acb"[i], x + step * 0.1, y, step * 0.8, height);
		}
		if (row % every == 0) {
			svg_text(file, x + step / 2, TOP + PLOT + 14, "middle");
			svg_label(file,
			    short_label(cell_for_people(
			        section_cell(section, row, chart->label), buf)),
			    (size_t)(step * (double)every / 7) + 2);
			fputs("</text>\n", file);
		}
	}
	write_legend(section, TOP + PLOT + 34, file);
}

/* Two marks that are near each other have their words on either side. */
static void
write_marks(const struct chart *chart, double last, FILE *file)
{
	static const char *const classes[CHART_MARKS] = {"now", "mark"};

	for (size_t i = 0; i < CHART_MARKS; i++) {
		double x =
		    LEFT + chart->marks[i].at / last * (WIDTH - LEFT - RIGHT);
		bool is_left = i == 0 ? chart->marks[0].at <= chart->marks[1].at
		                      : chart->marks[1].at < chart->marks[0].at;
		if (!(chart->marks[i].at > 0))
			continue;
		if (x < 120)
			is_left = false;
		if (x > WIDTH - 100)
			is_left = true;
		fprintf(file,
		    "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
		    "y2=\"%.1f\"/>",
		    classes[i], x, TOP - 6, x, TOP + PLOT);
		svg_text(file, is_left ? x - 3 : x + 3, i == 0 ? TOP + 10 : TOP - 6,
		    is_left ? "end" : "start");
		escape_html(file, chart->marks[i].text);
		fprintf(file, ": %.0f s</text>\n", chart->marks[i].at);
	}
}

/* Writes how many were under watch at the ticks of the axis. */
static void
write_risk(const struct section *section, double last, FILE *file)
{
	const struct chart *chart = &section->chart;
	char buf[CELL_TEXT_SIZE];
	size_t row = 0;

	if (chart->values_count < 2)
		return;
	fprintf(file,
	    "<text class=\"soft\" x=\"0\" y=\"%.1f\" text-anchor=\"start\">under "
	    "watch"
	    "</text>",
	    TOP + PLOT + 30);
	for (int i = 1; i <= 4; i++) {
		while (row + 1 < rows_shown(section) &&
		       svg_number(section, row, chart->label) < last * i / 4)
			row++;
		struct doc_cell cell = {.kind = CELL_COUNT,
		    .number = svg_number(section, row, chart->values[1])};
		if (svg_number(section, row, chart->label) < last * i / 4 - 1)
			cell.number = 0;
		svg_text(file, LEFT + (WIDTH - LEFT - RIGHT) * i / 4,
		    TOP + PLOT + 30, i == 4 ? "end" : "middle");
		fprintf(file, "%s</text>", cell_for_page(&cell, buf));
	}
	fputc('\n', file);
}

/* The share at the foot of the axis: most of a curve may be near its top. */
static double
foot_of(const struct section *section)
{
	double least = 1;

	for (size_t row = 0; row < rows_shown(section); row++)
		least =
		    fmin(least, svg_number(section, row, section->chart.values[0]));
	return least >= 0.84 ? 0.8 : least >= 0.52 ? 0.5 : 0;
}

static void
write_shares(FILE *file, double foot)
{
	for (int i = 0; i <= 4; i++) {
		write_line_at(file, TOP + PLOT - PLOT * i / 4);
		fprintf(file, "%.4g%%</text>\n", 100 * (foot + (1 - foot) * i / 4));
	}
}

static void
write_steps(const struct section *section, FILE *file)
{
	const struct chart *chart = &section->chart;
	size_t rows = rows_shown(section);
	double last = 20, y = TOP, foot = foot_of(section);

	for (size_t i = 0; i < CHART_MARKS; i++)
		last = fmax(last, chart->marks[i].at);
	if (rows > 0)
		last = fmax(last, svg_number(section, rows - 1, chart->label));
	last = ceil(last / 20) * 20;
	write_shares(file, foot);
	fprintf(file, "<path class=\"line\" d=\"M%.1f %.1f", LEFT, TOP);
	for (size_t row = 0; row < rows; row++) {
		double x = LEFT + svg_number(section, row, chart->label) / last *
		                      (WIDTH - LEFT - RIGHT);
		double share = svg_number(section, row, chart->values[0]);
		y = TOP + PLOT * (1 - (share - foot) / (1 - foot));
		fprintf(file, "H%.1fV%.1f", x, y);
	}
	fputs("\"/>\n", file);
	for (int i = 0; i <= 4; i++) {
		svg_text(file, LEFT + (WIDTH - LEFT - RIGHT) * i / 4,
		    TOP + PLOT + 14, i == 4 ? "end" : "middle");
		fprintf(file, "%.0f s</text>", last * i / 4);
	}
	fputc('\n', file);
	write_marks(chart, last, file);
	write_risk(section, last, file);
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
		return TOP + PLOT + 36;
	case CHART_FLOW:
		return svg_flow_height(section);
	case CHART_HEAT:
		return svg_heat_height();
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
	case CHART_FLOW:
		svg_flow(section, file);
		break;
	case CHART_HEAT:
		svg_heat(section, file);
		break;
	}
	fputs("</svg><figcaption>", file);
	escape_html(file, chart->title);
	fputs("</figcaption></figure>\n", file);
}
