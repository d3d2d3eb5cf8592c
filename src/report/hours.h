/* SPDX-License-Identifier: BSD-2-Clause */
/* Suspects and others by the hour of the day; local time. */
#ifndef REPORT_HOURS_H
#define REPORT_HOURS_H

#include <stdint.h>

#include "report/doc.h"
#include "report/view.h"

struct hours {
	uint64_t others[24], suspects[24], gone[24];
	int64_t quarter; /* the quarter of an hour whose hour is known */
	unsigned hour;
};

void hours_add(struct hours *hours, const struct event_view *view);
void hours_write(const struct hours *hours, struct doc *doc);

#endif
