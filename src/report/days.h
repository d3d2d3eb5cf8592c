/* SPDX-License-Identifier: BSD-2-Clause */
/* Transactions day by day, and suspects by the hours of the week; local time. */
#ifndef REPORT_DAYS_H
#define REPORT_DAYS_H

#include <stdint.h>

#include "report/doc.h"
#include "report/view.h"

#define DAYS_MOST 128 /* the latest days, which are kept */

struct days {
	struct day {
		int64_t number;  /* days since 1970, local */
		uint64_t others; /* delivered from clients that are not suspects */
		uint64_t through, stopped; /* suspects: delivered, not delivered */
	} day[DAYS_MOST];
	int64_t last;         /* number of the last day, 0 = none */
	uint64_t week[7][24]; /* suspects; Monday is 0 */
	int64_t quarter;      /* quarter of an hour that hour and weekday are of */
	int64_t quarter_day;
	unsigned weekday, hour;
};

void days_add(struct days *days, const struct event_view *view);
void days_write(const struct days *days, struct doc *doc);
void week_write(const struct days *days, struct doc *doc);

#endif
