/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts of the session against the verdicts of a content filter (targreyctl
 * learn-log): how much was spam and ham, and suspects that send good mail.
 */
#ifndef REPORT_LEARNED_H
#define REPORT_LEARNED_H

#include <stddef.h>
#include <stdint.h>

#include "report/doc.h"
#include "report/tally.h"
#include "report/view.h"

struct learned {
	struct tally *rules, *holds, *spf;
	struct tally *good; /* suspects, by verified site or address */
	uint64_t ham, spam;
};

bool learned_init(struct learned *learned);
void learned_clear(struct learned *learned);
void learned_add(struct learned *learned, const struct view *view);
void learned_write(struct learned *learned, size_t rows, struct doc *doc);

#endif
