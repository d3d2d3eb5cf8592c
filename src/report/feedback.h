/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts of the session against the verdicts of a content filter (targreyctl
 * learn-log): how much was spam and ham, and suspects that send good mail.
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
	struct tally *good; /* suspects, by verified site or address */
	uint64_t ham, spam;
};

/* false when out of memory; clear it in either case. */
bool feedback_init(struct feedback *feedback);
void feedback_clear(struct feedback *feedback);
void feedback_add(struct feedback *feedback, const struct event_view *view);
void feedback_write(struct feedback *feedback, size_t rows, struct doc *doc);

#endif
