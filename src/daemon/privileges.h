/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From root to the user of the configuration. Called by main, before there is a
 * second thread and before anything is made in a file system: the folders of
 * the socket and the database are that user's, and what root did there by path
 * could be led elsewhere.
 */
#ifndef DAEMON_PRIVILEGES_H
#define DAEMON_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Becomes user for good, and a member of group too, so that the daemon can give
 * its socket to it. Not root, or no user: stays what it is. The limit of
 * descriptors is raised to what is allowed first.
 *
 * user, group  names; "" is none
 * group_r      (gid_t)-1 without a group
 */
bool privileges_become(
    const char *user, const char *group, gid_t *group_r, struct error *error);

#endif
