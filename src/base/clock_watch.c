/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock_watch.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"

static void
say(const struct clock_watch *watch, bool agreed)
{
	bool agrees = watch->since_ms == 0;

	if (agreed && !agrees)
		log_warnx("the clock has jumped by %+" PRId64
		          " s: nothing expires until it is back, or has run "
		          "steadily for a day",
		    (watch->jump_ms + (watch->jump_ms < 0 ? -500 : 500)) / 1000);
	else if (!agreed && agrees)
		log_info("the clock is believed again");
}

bool
clock_watch_look(struct clock_watch *watch, const struct clock *clock)
{
	int64_t mono_ms = clock_mono_ms(clock);
	int64_t offset_ms = clock_wall_ms(clock) - mono_ms;
	bool agreed = watch->since_ms == 0;

	if (!watch->is_started) {
		*watch = (struct clock_watch){
		    .is_started = true, .offset_ms = offset_ms};
		return true;
	}
	int64_t jump_ms = offset_ms - watch->offset_ms;
	if (!agreed && llabs(offset_ms - watch->jumped_ms) > CLOCK_WATCH_SLACK_MS)
		watch->since_ms = mono_ms; /* it jumped again */
	if (agreed && llabs(jump_ms) > CLOCK_WATCH_SLACK_MS)
		watch->since_ms = mono_ms;
	watch->jumped_ms = offset_ms;
	if (llabs(jump_ms) <= CLOCK_WATCH_SLACK_MS ||
	    mono_ms - watch->since_ms >= CLOCK_WATCH_BELIEF_MS) {
		watch->offset_ms = offset_ms;
		watch->since_ms = 0;
		jump_ms = 0;
	}
	watch->jump_ms = jump_ms;
	say(watch, agreed);
	return watch->since_ms == 0;
}

int64_t
clock_watch_wall(const struct clock_watch *watch, const struct clock *clock)
{
	return (clock_mono_ms(clock) + watch->offset_ms) / 1000;
}
