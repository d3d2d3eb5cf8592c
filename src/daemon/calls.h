/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DAEMON_CALLS_H
#define DAEMON_CALLS_H

#include <stdbool.h>

#include "base/error.h"

/*
 * From now on this process makes only the system calls of the list in calls.c
 * (seccomp(2)); for good. Any other is answered as by a kernel that does not have
 * it, with ENOSYS, so that libraries take the older call that they know for it,
 * and is written to the kernel's log (audit) where that takes it; clone3 is not,
 * as libc asks for it at each thread. Nothing is ended. No second thread may be
 * there yet.
 */
bool calls_limit(struct error *error);

#endif
