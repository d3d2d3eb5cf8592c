/* SPDX-License-Identifier: BSD-2-Clause */
/* The budget of places for holds. */
#include <stdlib.h>

#include "gate/gate_private.h"

static struct budget_row **
find(struct gate *gate, uint64_t key)
{
	struct budget_row **row = &gate->budget[(key ^ key >> 32) % BUDGET_ROWS];
	while (*row != NULL && (*row)->key != key)
		row = &(*row)->next;
	return row;
}

bool
budget_book(struct gate *gate, struct conn *conn, uint64_t key)
{
	if (conn->shared.is_booked)
		return true;
	struct budget_row **place = find(gate, key);
	unsigned of_key = *place == NULL ? 0 : (*place)->holds;

	if (gate->report.holds >= gate->max_holds ||
	    (gate->max_holds_per_key > 0 && of_key >= gate->max_holds_per_key)) {
		gate->report.holds_refused++;
		return false;
	}
	if (*place == NULL) {
		struct budget_row *row = calloc(1, sizeof *row);
		if (row == NULL)
			return false;
		row->key = key;
		*place = row;
	}
	(*place)->holds++;
	conn->shared.is_booked = true;
	conn->shared.place = key;
	gate->report.holds++;
	if (gate->report.holds > gate->report.holds_peak)
		gate->report.holds_peak = gate->report.holds;
	return true;
}

void
budget_release(struct gate *gate, struct conn *conn)
{
	if (!conn->shared.is_booked)
		return;
	struct budget_row **place = find(gate, conn->shared.place);
	struct budget_row *row = *place;

	conn->shared.is_booked = false;
	gate->report.holds--;
	/* it was booked, so the row exists */
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	if (--row->holds == 0) {
		*place = row->next;
		free(row);
	}
}
