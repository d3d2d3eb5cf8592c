/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate, libmilter, the callbacks and sessions in this process, with the
 * memory store and a clock that is set by hand: everything but Postfix, DNS and
 * the disk. One a process, as libmilter; what goes wrong at its start aborts.
 */
#ifndef TESTS_MILTER_STAND_H
#define TESTS_MILTER_STAND_H

#include <stdint.h>

extern _Atomic int64_t stand_now_ms;

void stand_start(void);
void stand_stop(void);
/* "unix:/path", where an MTA connects */
const char *stand_listen(void);

#endif
