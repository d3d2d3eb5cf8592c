/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate, libmilter, the callbacks and sessions in this process, with the
 * memory store and a clock that is set by hand: everything but Postfix, DNS and
 * the disk. One a process, as libmilter; what goes wrong at its start aborts.
 */
#ifndef TESTS_MILTER_STACK_H
#define TESTS_MILTER_STACK_H

#include <stdint.h>

extern _Atomic int64_t stack_now_ms;

void stack_start(void);
void stack_stop(void);
/* "unix:/path", where an MTA connects */
const char *stack_listen(void);

#endif
