/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What share of clients is still there after N seconds of a hold. Holds end at
 * different times (vary, the budget, a stop), so the share is estimated from those
 * still under watch in each second (Kaplan and Meier, 1958).
 */
#ifndef REPORT_SURVIVAL_H
#define REPORT_SURVIVAL_H

#include <stdint.h>

#include "report/doc.h"
#include "report/view.h"

#define SURVIVAL_SECONDS 256 /* holds end by second 240: policy/hold.h */

struct survival {
	uint64_t gone[SURVIVAL_SECONDS];  /* left in that second */
	uint64_t ended[SURVIVAL_SECONDS]; /* hold ended, client still there */
};

void survival_add(struct survival *survival, const struct event_view *view);

/* With fewer holds there is no proposal. */
#define SURVIVAL_LEAST 50

struct survival_advice {
	int64_t hold_s;   /* proposed, up to 240; 0: none */
	char reason[320]; /* why, or why there is none */
};
/* now_s  the present setting of tarpit.hold, in seconds */
struct survival_advice survival_advise(
    const struct survival *survival, int64_t now_s);

/* hold_s  the present setting */
void survival_write(
    const struct survival *survival, int64_t hold_s, struct doc *doc);

#endif
