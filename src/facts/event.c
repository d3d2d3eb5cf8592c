/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts/event.h"

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
