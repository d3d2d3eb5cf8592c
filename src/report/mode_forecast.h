/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What observe, rules on trial and other modes would have done, as far as the
 * events can tell.
 */
#ifndef REPORT_MODE_FORECAST_H
#define REPORT_MODE_FORECAST_H

#include <stdint.h>

#include "report/doc.h"
#include "report/tally.h"
#include "report/view.h"

struct mode_forecast {
	uint64_t would_hold, would_greylist;
	uint64_t in_mode[5];  /* visits of suspects while that mode was in force */
	uint64_t passes;      /* suspects known as good, or with enough tries */
	uint64_t rest;        /* the other suspects, whom a mode would delay */
	uint64_t rest_held;   /* of rest: really held */
	uint64_t rest_gone;   /* of rest_held: hung up */
	uint64_t rest_repeat; /* of rest: the address had hung up before */
	struct tally *warned;
};

/* false when out of memory; clear it in either case. */
bool mode_forecast_init(struct mode_forecast *forecast);
void mode_forecast_clear(struct mode_forecast *forecast);
void mode_forecast_add(
    struct mode_forecast *forecast, const struct event_view *view);
void mode_forecast_write(struct mode_forecast *forecast, struct doc *doc);

#endif
