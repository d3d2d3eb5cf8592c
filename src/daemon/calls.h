/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DAEMON_CALLS_H
#define DAEMON_CALLS_H

#include <stdbool.h>

#include "base/error.h"

/*
 * Limits this process for good to the system calls listed in calls.c (seccomp(2)).
 * Any other fails with ENOSYS, as on a kernel that lacks it, so that libraries
 * fall back to an older call, and is written to the audit log where there is one;
 * clone3 is not, as libc tries it for each thread. No process is killed. Must be
 * called before there is a second thread.
 */
bool calls_limit(struct error *error);

#endif
