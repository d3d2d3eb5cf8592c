/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams between named places in three columns: places that nothing flows
 * into, those in between, those that nothing flows out of. What flows past the
 * middle goes straight from the first to the last. Widths are numbers.
 */
#include <string.h>

#include "report/svg_private.h"

#define PLACES 24
#define BAR    9.0
#define HIGH   190.0 /* of all streams together */
#define GAP    18.0  /* between places, room for a label */
#define TOP    14.0

struct place {
	const char *name;
	double in, out; /* sums */
	int column;
	double y, in_used, out_used;
};

struct flow {
	struct place place[PLACES];
	size_t count;
	double most; /* the largest sum of a column */
};

static struct place *
place_of(struct flow *flow, const char *name)
{
	for (size_t i = 0; i < flow->count; i++) {
		if (strcmp(flow->place[i].name, name) == 0)
			return &flow->place[i];
	}
	if (flow->count == PLACES)
		return &flow->place[PLACES - 1];
	flow->place[flow->count] = (struct place){.name = name};
	return &flow->place[flow->count++];
}

static const char *
name_at(const struct section *section, size_t row, unsigned column)
{
	const struct doc_cell *cell = section_cell(section, row, column);

	return cell->kind == CELL_TEXT ? cell->text : "";
}

static double
size_of(const struct place *place)
{
	return place->in > place->out ? place->in : place->out;
}

/* Measures, and stacks the places of each column. */
static void
lay_out(const struct section *section, struct flow *flow)
{
	const struct chart *chart = &section->chart;

	memset(flow, 0, sizeof *flow);
	for (size_t row = 0; row < section->rows_count; row++) {
		double number = svg_number(section, row, chart->values[1]);
		place_of(flow, name_at(section, row, chart->label))->out += number;
		place_of(flow, name_at(section, row, chart->values[0]))->in +=
		    number;
	}
	double sum = 0;
	for (size_t i = 0; i < flow->count; i++) {
		struct place *place = &flow->place[i];
		place->column = place->in == 0 ? 0 : place->out == 0 ? 2 : 1;
		if (place->column == 0)
			sum += place->out;
	}
	flow->most = sum > 0 ? sum : 1;
	for (int column = 0; column < 3; column++) {
		double y = TOP;
		for (size_t i = 0; i < flow->count; i++) {
			struct place *place = &flow->place[i];
			if (place->column != column)
				continue;
			place->y = y;
			y += size_of(place) / flow->most * HIGH + GAP;
		}
	}
}

static double
x_of(int column)
{
	return column == 0 ? 0 : column == 1 ? 130 : SVG_WIDTH - 100;
}

double
svg_flow_height(const struct section *section)
{
	struct flow flow;
	double most = 0;

	lay_out(section, &flow);
	for (size_t i = 0; i < flow.count; i++) {
		const struct place *place = &flow.place[i];
		double end = place->y + size_of(place) / flow.most * HIGH;
		if (end > most)
			most = end;
	}
	return most + 6;
}

static void
draw_stream(struct flow *flow, struct place *from, struct place *to, double number,
    FILE *file)
{
	double width = number / flow->most * HIGH;
	double x1 = x_of(from->column) + BAR, x2 = x_of(to->column);
	double y1 = from->y + from->out_used, y2 = to->y + to->in_used;
	double middle = (x1 + x2) / 2;

	from->out_used += width;
	to->in_used += width;
	fprintf(file,
	    "<path class=\"%s\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f"
	    "V%.1fC%.1f %.1f %.1f %.1f %.1f %.1fZ\"/>\n",
	    strncmp(to->name, "not ", 4) == 0 ? "lost" : "flow", x1, y1, middle, y1,
	    middle, y2, x2, y2, y2 + width, middle, y2 + width, middle, y1 + width,
	    x1, y1 + width);
}

static void
draw_place(const struct flow *flow, const struct place *place, FILE *file)
{
	struct doc_cell cell = {.kind = CELL_COUNT, .number = size_of(place)};
	double x = x_of(place->column);
	char buf[CELL_TEXT_SIZE];

	fprintf(file,
	    "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"9\" "
	    "height=\"%.1f\"/>",
	    strncmp(place->name, "not ", 4) == 0 && place->column == 2 ? "b" : "a",
	    x, place->y, size_of(place) / flow->most * HIGH + 0.5);
	/* words at the right end would leave the picture */
	if (place->column == 2)
		svg_text(file, SVG_WIDTH, place->y - 3, "end");
	else
		svg_text(file, x, place->y - 3, "start");
	svg_label(file, place->name, 14);
	fprintf(file, " %s</text>\n", cell_for_page(&cell, buf));
}

void
svg_flow(const struct section *section, FILE *file)
{
	const struct chart *chart = &section->chart;
	struct flow flow;

	lay_out(section, &flow);
	for (size_t row = 0; row < section->rows_count; row++)
		draw_stream(&flow,
		    place_of(&flow, name_at(section, row, chart->label)),
		    place_of(&flow, name_at(section, row, chart->values[0])),
		    svg_number(section, row, chart->values[1]), file);
	for (size_t i = 0; i < flow.count; i++)
		draw_place(&flow, &flow.place[i], file);
}
