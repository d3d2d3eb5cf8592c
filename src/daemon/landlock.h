/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DAEMON_LANDLOCK_H
#define DAEMON_LANDLOCK_H

#include <stdbool.h>

#include "base/error.h"
#include "daemon/places.h"

/*
 * This thread, and those that it starts from now on, open nothing but in these
 * places, and start no program; for good (landlock(7)). What is open already
 * stays open; sockets are connected to anywhere. Places that are not there are
 * left out.
 *
 * version_r  the kernel's version of Landlock; 0: it has none, nothing was done
 */
bool landlock_enter(
    const struct places *places, int *version_r, struct error *error);

#endif
