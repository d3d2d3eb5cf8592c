/* SPDX-License-Identifier: BSD-2-Clause */
/* session/port.h over gate/gate.h: the same calls, word for word. */
#include <stddef.h>

#include "milter/milter.h"

#define SAME(a, b) _Static_assert((int)(a) == (int)(b), #a)
SAME(PORT_ASK_AGAIN, GATE_ASK_AGAIN);
SAME(PORT_WITHHOLD, GATE_WITHHOLD);
SAME(PORT_WAITING, GATE_WAITING);
SAME(PORT_NOT_WAITING, GATE_NOT_WAITING);
SAME(PORT_FULL, GATE_FULL);
SAME(PORT_END_NONE, GATE_END_NONE);
SAME(PORT_END_WAITING, GATE_END_WAITING);
SAME(PORT_END_ELAPSED, GATE_END_ELAPSED);
SAME(PORT_END_WOKEN, GATE_END_WOKEN);
SAME(PORT_END_GONE, GATE_END_GONE);
SAME(PORT_END_STOPPED, GATE_END_STOPPED);
SAME(PORT_END_MTA_GONE, GATE_END_MTA_GONE);
SAME(PORT_EARLY_UNKNOWN, GATE_EARLY_UNKNOWN);
SAME(PORT_EARLY_NO, GATE_EARLY_NO);
SAME(PORT_EARLY_YES, GATE_EARLY_YES);
SAME(PORT_FORWARD_NOW, GATE_FORWARD_NOW);
SAME(PORT_REFUSE_NOW, GATE_REFUSE_NOW);
SAME(PORT_FORWARD_WHEN_DUE, GATE_FORWARD_WHEN_DUE);
SAME(PORT_REFUSE_WHEN_DUE, GATE_REFUSE_WHEN_DUE);

static enum port_answer
port_wait(void *ctx, uint64_t number, const struct port_wait *wait)
{
	struct gate_wait asked = {
	    .kind = (enum gate_wait_kind)wait->kind,
	    .until_ms = wait->until_ms,
	    .is_hold = wait->is_hold,
	    .refusal = wait->refusal,
	    .refuse_when_due = wait->refuse_when_due,
	    .settles_once = wait->settles_once,
	};

	return (enum port_answer)gate_wait(ctx, number, &asked);
}

static bool
port_wake(void *ctx, uint64_t number)
{
	return gate_wake(ctx, number);
}

static bool
port_settle(void *ctx, uint64_t number, enum port_settlement how)
{
	return gate_settle(ctx, number, (enum gate_settlement)how);
}

static bool
port_data_not_before(void *ctx, uint64_t number, int64_t until_ms)
{
	return gate_data_not_before(ctx, number, until_ms);
}

static struct port_grant
port_budget(void *ctx, uint64_t number, uint64_t key)
{
	struct gate_grant grant = gate_budget(ctx, number, key);

	return (struct port_grant){grant.granted, grant.holds, grant.max_holds};
}

static bool
port_outcome(void *ctx, uint64_t number, struct port_outcome *outcome_r)
{
	struct gate_outcome outcome;

	if (!gate_outcome(ctx, number, &outcome))
		return false;
	*outcome_r = (struct port_outcome){
	    .end = (enum port_end)outcome.end,
	    .waited_ms = outcome.waited_ms,
	    .was_hold = outcome.was_hold,
	    .watched = outcome.watched,
	    .refused = outcome.refused,
	    .asked = outcome.asked,
	};
	return true;
}

static int64_t
port_pending(void *ctx, uint64_t number)
{
	return gate_pending(ctx, number);
}

static enum port_early
port_early(void *ctx, uint64_t number)
{
	return (enum port_early)gate_early(ctx, number);
}

struct port
milter_port(struct gate *gate)
{
	return (struct port){
	    .ctx = gate,
	    .wait = port_wait,
	    .wake = port_wake,
	    .settle = port_settle,
	    .data_not_before = port_data_not_before,
	    .budget = port_budget,
	    .outcome = port_outcome,
	    .pending = port_pending,
	    .early = port_early,
	};
}
