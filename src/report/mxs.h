/* SPDX-License-Identifier: BSD-2-Clause */
/* What came to each of several MXs; writes nothing if there is only one. */
#ifndef REPORT_MXS_H
#define REPORT_MXS_H

#include "report/doc.h"
#include "report/tally.h"
#include "report/view.h"

struct mxs {
	struct tally *hosts;
};

/* false when out of memory; clear it in either case. */
bool mxs_init(struct mxs *mxs);
void mxs_clear(struct mxs *mxs);
void mxs_add(struct mxs *mxs, const struct event_view *view);
void mxs_write(struct mxs *mxs, struct doc *doc);

#endif
