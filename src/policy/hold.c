/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/hold.h"

#define VARY_LEAST_MS 5000

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

struct hold_plan
hold_plan(
    const struct policy_settings *settings, const struct hold_request *request)
{
	struct hold_plan plan = {.ms = settings->hold_s * 1000};

	if (request->dice % 100 < settings->vary_percent && plan.ms > 0) {
		int64_t most = 2 * plan.ms;
		int64_t from = least(VARY_LEAST_MS, plan.ms);
		uint64_t span = (uint64_t)(most - from) + 1;
		plan.ms = from + (int64_t)(request->dice / 100 % span);
		plan.varied = true;
	}
	if (request->at_data)
		plan.ms =
		    least(plan.ms, least(HOLD_AT_DATA_MS,
		                       HOLD_AT_DATA_SUM_MS - request->spent_ms));
	plan.ms = least(plan.ms, HOLD_CEILING_MS - request->spent_ms);

	int64_t limit = request->max_holds,
	        over = 10 * (int64_t)request->holds - 7 * limit;
	if (over > 0 && plan.ms > HOLD_FLOOR_MS) {
		int64_t cut = (plan.ms - HOLD_FLOOR_MS) * least(over, 3 * limit) /
		              (3 * limit);
		int64_t shortened = plan.ms - cut;
		plan.shed = shortened < least(HOLD_SHED_MS, plan.ms);
		plan.ms = shortened;
	}
	if (plan.ms < 0)
		plan.ms = 0;
	return plan;
}

enum hold_end
hold_final_end(enum hold_end end, bool shed, bool watched, bool arrived)
{
	if (end != HOLD_ELAPSED)
		return end;
	if (shed)
		return HOLD_SHED;
	if (!arrived)
		return HOLD_HELD;
	return watched ? HOLD_ENDURED : HOLD_UNPROVEN;
}

bool
hold_outcome(enum hold_end end, enum outcome *outcome_r)
{
	switch (end) {
	case HOLD_ENDURED:
		*outcome_r = OUTCOME_ENDURED;
		return true;
	case HOLD_UNPROVEN:
		*outcome_r = OUTCOME_UNPROVEN;
		return true;
	case HOLD_GONE:
		*outcome_r = OUTCOME_GONE;
		return true;
	case HOLD_NONE:
	case HOLD_ELAPSED:
	case HOLD_HELD:
	case HOLD_RELEASED:
	case HOLD_SHED:
	case HOLD_STOPPED:
	case HOLD_MTA_GONE:
	case HOLD_FAULT:
	case HOLD_ENDS:
		break;
	}
	return false;
}
