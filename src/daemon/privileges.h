/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From root to the configured user. Called by main, before there is a second
 * thread and before any file is made: the folders of the socket and the database
 * belong to that user, who could redirect root by a symbolic link.
 */
#ifndef DAEMON_PRIVILEGES_H
#define DAEMON_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * First raises the descriptor limit as far as allowed. Then becomes user for good,
 * and a member of group too, so that it can give its socket to that group. Stays
 * as it is when not root or with no user.
 *
 * user, group  names; "" = none
 * group_r      (gid_t)-1 without a group
 */
bool privileges_become(
    const char *user, const char *group, gid_t *group_r, struct error *error);

#endif
