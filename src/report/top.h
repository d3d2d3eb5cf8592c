/* SPDX-License-Identifier: BSD-2-Clause */
/* The most frequent suspects: networks, names, HELOs, addresses. */
#ifndef REPORT_TOP_H
#define REPORT_TOP_H

#include <stddef.h>

#include "report/doc.h"
#include "report/tally.h"
#include "report/view.h"

struct top {
	struct tally *networks, *names, *helos, *addresses;
	uint64_t suspects;
};

/* false when out of memory; clear it in either case. */
bool top_init(struct top *top);
void top_clear(struct top *top);
void top_add(struct top *top, const struct event_view *view);
/* rows  of each list at most */
void top_write(struct top *top, size_t rows, struct doc *doc);

/*
 * The part of a host name that its owner has registered, as far as labels alone can
 * tell: two labels, three below "co.uk" and the like. Points into name.
 */
const char *top_site(const char *name);

#endif
