/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DAEMON_LANDLOCK_H
#define DAEMON_LANDLOCK_H

#include <stdbool.h>

#include "base/error.h"
#include "daemon/places.h"

/*
 * From now on this thread, and those that it starts, can open files only in these
 * places and start no program (landlock(7)); this cannot be undone. Open files
 * stay open; sockets may connect anywhere. Places that do not exist are left out.
 *
 * version_r  the kernel's version of Landlock; 0: it has none and nothing was done
 */
bool landlock_enter(
    const struct places *places, int *version_r, struct error *error);

#endif
