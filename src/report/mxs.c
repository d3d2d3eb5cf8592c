/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/mxs.h"

#include <string.h>

#define ROOM 64

enum { SUSPECTS, HELD, GREYLISTED, DELIVERED, SEVERAL, SECONDARY };

bool
mxs_init(struct mxs *mxs)
{
	mxs->hosts = tally_new(ROOM);
	return mxs->hosts != NULL;
}

void
mxs_clear(struct mxs *mxs)
{
	tally_free(&mxs->hosts);
}

void
mxs_add(struct mxs *mxs, const struct event_view *view)
{
	const char *host = view_word(view, SK_ID);
	struct tally_row *row =
	    *host == '\0' ? NULL
	                  : tally_add(mxs->hosts, host, 1, view->event->time);

	if (row == NULL)
		return;
	row->count[SUSPECTS] += view->is_suspect;
	row->count[HELD] += view->is_held;
	row->count[GREYLISTED] += view->is_greylisted;
	row->count[DELIVERED] += view->is_delivered;
	row->count[SEVERAL] += view_number(view, SK_MX) > 1;
	row->count[SECONDARY] +=
	    strcmp(view_word(view, SK_MX_ORDER), "secondary-first") == 0;
}

void
mxs_write(struct mxs *mxs, struct doc *doc)
{
	static const struct column columns[] = {
	    {"mx", "MX", 0, false},
	    {"visits", "Visits", 0, false},
	    {"suspects", "Suspects", 0, false},
	    {"held", "Held", 0, false},
	    {"greylisted", "Greylisted", 0, false},
	    {"delivered", "Delivered", 0, false},
	    {"several", "Tried at several", 0, false},
	    {"secondary_first", "Secondary first", 0, false},
	};
	size_t count;
	const struct tally_row *rows = tally_sort(mxs->hosts, &count);

	if (count < 2)
		return;
	doc_section(doc, "mxs", "By MX");
	doc_table(doc, columns, 8);
	for (size_t i = 0; i < count; i++) {
		const uint64_t *n = rows[i].count;
		doc_row(doc, (struct cell[]){cell_text(rows[i].name),
		                 cell_count(rows[i].rank), cell_count(n[SUSPECTS]),
		                 cell_count(n[HELD]), cell_count(n[GREYLISTED]),
		                 cell_count(n[DELIVERED]), cell_count(n[SEVERAL]),
		                 cell_count(n[SECONDARY])});
	}
}
