/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What targreyd does as root before it becomes the user of the configuration.
 * Called by main, before there is a second thread.
 */
#ifndef DAEMON_PRIVILEGES_H
#define DAEMON_PRIVILEGES_H

#include <pwd.h>
#include <stdbool.h>

#include "base/error.h"

#define BACK_PATH_SIZE 108 /* of struct sockaddr_un */

/* An empty name leaves *gid_r as it is. */
bool privileges_find_group(const char *name, gid_t *gid_r, struct error *error);

/*
 * The user to run as, in getpwnam()'s buffer. NULL without an error (its text
 * stays empty) when there is nothing to change: not root, or no name.
 */
const struct passwd *privileges_find_user(const char *name, struct error *error);

/* libmilter's own socket, behind the gate. */
struct back_socket {
	char folder[BACK_PATH_SIZE], path[BACK_PATH_SIZE];
};

/*
 * Makes the folder: "<socket>.private", or one in /tmp for an inet socket;
 * mode 0700, since whoever reaches the socket goes past the gate. It becomes
 * the user's (NULL: it stays ours).
 */
bool privileges_make_back(struct back_socket *back, const char *listen,
    const struct passwd *user, struct error *error);

/* For good; NULL: nothing to drop. */
bool privileges_drop(const struct passwd *user, struct error *error);

/* Soft limit = hard limit. */
void privileges_raise_descriptor_limit(void);

#endif
