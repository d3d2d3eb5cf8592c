/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/top.h"

#include <stdio.h>
#include <string.h>

#include "record/history.h"

/* Counters kept for each list; see tally_error(). */
#define ROOM 8192

bool
top_init(struct top *top)
{
	top->networks = tally_new(ROOM);
	top->names = tally_new(ROOM);
	top->helos = tally_new(ROOM);
	top->addresses = tally_new(ROOM);
	top->suspects = 0;
	return top->networks != NULL && top->names != NULL && top->helos != NULL &&
	       top->addresses != NULL;
}

void
top_clear(struct top *top)
{
	tally_free(&top->networks);
	tally_free(&top->names);
	tally_free(&top->helos);
	tally_free(&top->addresses);
}

const char *
top_site(const char *name)
{
	const char *dot[3] = {NULL, NULL, NULL}; /* the last ones, from the right */
	size_t length = strlen(name);

	for (const char *at = name + length; at-- > name && dot[2] == NULL;) {
		if (*at != '.')
			continue;
		dot[dot[0] == NULL ? 0 : dot[1] == NULL ? 1 : 2] = at;
	}
	if (dot[1] == NULL)
		return name;
	bool is_country = name + length - dot[0] == 3;
	if (!is_country || dot[0] - dot[1] > 4)
		return dot[1] + 1;
	return dot[2] != NULL ? dot[2] + 1 : name;
}

enum { SUSPECTS, HELD, GONE, DELIVERED, SEEN, AGE };

static struct tally_row *
count(struct tally *tally, const char *name, const struct event_view *view)
{
	struct tally_row *row = tally_add(tally, name, 1, view->event->time);

	if (row == NULL)
		return NULL;
	row->count[SUSPECTS]++;
	row->count[HELD] += view->is_held;
	row->count[GONE] += view->is_gone;
	row->count[DELIVERED] += view->is_delivered;
	return row;
}

void
top_add(struct top *top, const struct event_view *view)
{
	const struct event *event = view->event;
	struct ipnet net = key_network(&event->ip);
	char text[IPNET_TEXT_SIZE];

	if (!view->is_suspect)
		return;
	top->suspects++;
	count(top->networks, ipnet_to_text(&net, text), view);
	count(top->names,
	    event->name == NULL ? "(no verified name)" : top_site(event->name),
	    view);
	count(
	    top->helos, event->heloname == NULL ? "(none)" : event->heloname, view);
	struct ip address = key_address(&event->ip);
	struct tally_row *row =
	    count(top->addresses, ip_to_text(&address, text), view);
	if (row != NULL) {
		uint32_t seen = view_number(view, SK_SEEN) + 1;
		uint32_t age = view_number(view, SK_AGE);
		if (seen > row->count[SEEN])
			row->count[SEEN] = seen;
		if (age > row->count[AGE])
			row->count[AGE] = age;
	}
}

static void
write_one(struct top *top, struct tally *tally, size_t most, bool has_chart,
    const char *title, struct doc *doc)
{
	static const struct column columns[] = {
	    {"name", "Which", 0, false},
	    {"suspects", "Suspects", 0, false},
	    {"share", "Share", 0, false},
	    {"held", "Held", 0, false},
	    {"gave_up", "Gave up", 0, false},
	    {"delivered", "Delivered", 0, false},
	};
	struct chart chart = {.kind = CHART_BARS,
	    .title = title,
	    .label = 0,
	    .values = {1},
	    .values_count = 1,
	    .rows = 12};
	size_t rows_count;
	const struct tally_row *rows = tally_sort(tally, &rows_count);

	doc_table(doc, columns, 6);
	for (size_t i = 0; i < rows_count && i < most; i++) {
		const uint64_t *n = rows[i].count;
		doc_row(
		    doc, (struct cell[]){cell_text(rows[i].name),
		             cell_count(n[SUSPECTS]),
		             cell_share((double)n[SUSPECTS], (double)top->suspects),
		             cell_count(n[HELD]), cell_count(n[GONE]),
		             cell_count(n[DELIVERED])});
	}
	if (tally_error(tally) > 0)
		doc_say(doc,
		    "There were too many to keep all: a number may be too low by "
		    "at most %llu.",
		    (unsigned long long)tally_error(tally));
	if (rows_count == 0 || !has_chart)
		return;
	snprintf(chart.alternative, sizeof chart.alternative,
	    "First: %.100s with %llu of %llu suspects.", rows[0].name,
	    (unsigned long long)rows[0].count[SUSPECTS],
	    (unsigned long long)top->suspects);
	doc_chart(doc, &chart);
}

static void
write_addresses(struct top *top, size_t most, struct doc *doc)
{
	static const struct column columns[] = {
	    {"address", "Address", 0, false},
	    {"suspects", "Suspects", 0, false},
	    {"first", "First here", 0, true},
	    {"last", "Last here", 0, true},
	    {"coming_for", "Coming for", 0, false},
	    {"sessions", "Sessions ever", 0, false},
	    {"held", "Held", 0, false},
	    {"gave_up", "Gave up", 0, false},
	    {"delivered", "Delivered", 0, false},
	};
	size_t rows_count;
	const struct tally_row *rows = tally_sort(top->addresses, &rows_count);

	doc_section(doc, "addresses", "Addresses: how long, how often");
	doc_table(doc, columns, 9);
	for (size_t i = 0; i < rows_count && i < most; i++) {
		const uint64_t *n = rows[i].count;
		double span = (double)(rows[i].last - rows[i].first);
		if ((double)n[AGE] * 86400 > span)
			span = (double)n[AGE] * 86400;
		doc_row(doc,
		    (struct cell[]){cell_text(rows[i].name),
		        cell_count(n[SUSPECTS]), cell_time(rows[i].first),
		        cell_time(rows[i].last), cell_seconds(span),
		        cell_count(n[SEEN] > n[SUSPECTS] ? n[SEEN] : n[SUSPECTS]),
		        cell_count(n[HELD]), cell_count(n[GONE]),
		        cell_count(n[DELIVERED])});
	}
	if (tally_error(top->addresses) > 0)
		doc_say(doc,
		    "There were too many to keep all: a number may be too low by "
		    "at most %llu.",
		    (unsigned long long)tally_error(top->addresses));
}

void
top_write(struct top *top, size_t rows, struct doc *doc)
{
	doc_section(doc, "networks", "Networks with the most suspects");
	write_one(top, top->networks, rows, true, "Suspects by network", doc);
	doc_section(doc, "names", "Names with the most suspects");
	write_one(top, top->names, rows, true, "Suspects by site", doc);
	doc_section(doc, "helos", "HELO names of suspects");
	write_one(top, top->helos, rows, false, "Suspects by HELO", doc);
	write_addresses(top, rows, doc);
}
