/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts of the session beside the verdicts of content filters and people
 * (targreyctl learn-log, targrey-review): how much was spam and how much ham, and
 * which suspects send good mail.
 */
#ifndef REPORT_FEEDBACK_H
#define REPORT_FEEDBACK_H

#include <stddef.h>
#include <stdint.h>

#include "report/doc.h"
#include "report/tally.h"
#include "report/view.h"

struct feedback {
	struct tally *rules, *holds, *spf;
	struct tally *good; /* suspects, by organisation of the name, or address */
	uint64_t ham, spam;
};

/* false when out of memory; clear it in either case. */
bool feedback_init(struct feedback *feedback);
void feedback_clear(struct feedback *feedback);
void feedback_add(struct feedback *feedback, const struct event_view *view);
/* rows  proposals at most */
void feedback_write(struct feedback *feedback, size_t rows, struct doc *doc);

#endif
