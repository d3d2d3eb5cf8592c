/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings and times that the tests of policy/ share: the defaults. */
#ifndef TESTS_POLICY_CASES_H
#define TESTS_POLICY_CASES_H

#include "policy/policy.h"

#define MINUTE 60
#define HOUR   3600
#define DAY    86400
#define T0     1700000000

static const struct policy_settings defaults = {
    .mode = MODE_TARGREY,
    .suspect = SELECT_S25R,
    .hold_s = 125,
    .overflow = OVERFLOW_GREYLIST,
    .delay_s = 30 * MINUTE,
    .retry_count = 2,
    .retry_gap_s = MINUTE,
    .retry_window_s = 2 * DAY,
    .max_age_s = 35 * DAY,
    .known_successes = 5,
    .known_gap_s = HOUR,
    .dnsbl_weight = 1,
};

#endif
