/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_POLICY_ROW_H
#define TESTS_POLICY_ROW_H

/* clang-format off: cmocka.h needs these before it */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "policy/cases.h"
#include "policy/grey.h"

/* What a course of visits has come to; claim says what it shows. */
static inline void
row_is(const char *claim, const struct grey_row *row, int64_t now, unsigned tries,
    bool passes, bool early)
{
	print_message("  %s\n", claim);
	assert_int_equal(row->tries, tries);
	assert_int_equal(grey_passes(&defaults, row, now), passes);
	assert_int_equal(row->early, early);
}

#endif
