/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/event.h"

#include <string.h>

const char *const hold_end_words[HOLD_ENDS] = {
    [HOLD_NONE] = "none",
    [HOLD_ELAPSED] = "elapsed",
    [HOLD_ENDURED] = "endured",
    [HOLD_UNPROVEN] = "unproven",
    [HOLD_HELD] = "held",
    [HOLD_GONE] = "gone",
    [HOLD_RELEASED] = "released",
    [HOLD_SHED] = "shed",
    [HOLD_STOPPED] = "stopped",
    [HOLD_MTA_GONE] = "mta-gone",
    [HOLD_FAULT] = "fault",
};

const char *
event_word(const struct event *event, enum session_key key)
{
	const char *packed = event->packed_words;

	if (event->words != NULL)
		return event->words->value[key];
	for (unsigned i = 0; packed != NULL && i < (unsigned)key; i++)
		packed += strlen(packed) + 1;
	return packed;
}
