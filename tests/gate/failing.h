/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System and library calls of the gate that fail when a test wants it. The
 * linker puts these functions before the C library's: failing_wraps of
 * CMakeLists.txt names them all.
 */
#ifndef TESTS_GATE_FAILING_H
#define TESTS_GATE_FAILING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

/* Of this thread, or of the gate's own ("gate"). */
enum failing_where { FAIL_HERE, FAIL_IN_GATE };

/* The nth call of that name from now on, and so many after it, fail with error. */
void failing_arm(const char *call, unsigned nth, unsigned row, int error,
    enum failing_where where);
/* No call fails any more; how many have failed. */
unsigned failing_stop(void);
/* Waits, a minute at most, until a call has failed. */
void failing_await(void);

/* What getrlimit() tells; NULL: the truth. */
void failing_limit(const struct rlimit *limit);
/* What the next recv() of this thread gives; length 0: the truth. */
void failing_receive(const void *octets, size_t length);

#endif
