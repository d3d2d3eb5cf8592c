/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a client is held, and what the end of a hold means. Pure. */
#ifndef POLICY_HOLD_H
#define POLICY_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "record/event.h"
#include "record/history.h"
#include "policy/policy.h"

/* A hold and the DNS wait before it never take longer than this together. */
#define HOLD_CEILING_MS 240000
/*
 * At DATA (null senders, as call-outs end before it; late DNS answers) clients wait
 * two minutes (RFC 5321 4.5.3.2.3) where RCPT has five.
 */
#define HOLD_AT_DATA_MS 90000
/* Including the time by which DATA was already delayed. */
#define HOLD_AT_DATA_SUM_MS 99000
/* The budget never shortens a hold below this. */
#define HOLD_FLOOR_MS 10000
/* A hold that the budget cut below this proves nothing. */
#define HOLD_SHED_MS 60000

struct hold_request {
	uint64_t
	    dice; /* keyed hash of the address: the same client, the same length */
	bool at_data;
	unsigned holds; /* in progress, this one included */
	unsigned max_holds;
	int64_t spent_ms; /* that this command was delayed already (DNS) */
};

struct hold_plan {
	int64_t ms;
	bool varied; /* a length other than the setting, for the survival figures */
	/* the budget shortened it to below HOLD_SHED_MS, or at all if planned below
	 */
	bool shed;
};

/*
 * The setting, or 5 s to twice the setting for vary_percent of the addresses;
 * from 70 % of max_holds on it shrinks linearly to HOLD_FLOOR_MS.
 */
struct hold_plan hold_plan(
    const struct policy_settings *settings, const struct hold_request *request);

/*
 * What an ended hold is recorded as once it is known whether the message came.
 * end      how the wait ended: HOLD_ELAPSED or anything else
 * watched  the client's connection was seen established at the end
 * arrived  end of message was reached
 */
enum hold_end hold_final_end(
    enum hold_end end, bool shed, bool watched, bool arrived);

/* The outcome to tell the store; false when there is none to tell. */
bool hold_outcome(enum hold_end end, enum outcome *outcome_r);

#endif
