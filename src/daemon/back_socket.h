/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libmilter's own socket, behind the gate, in a folder of mode 0700: whoever
 * reaches it bypasses the gate.
 */
#ifndef DAEMON_BACK_SOCKET_H
#define DAEMON_BACK_SOCKET_H

#include <stdbool.h>

#include "base/error.h"

#define BACK_PATH_SIZE 108 /* of struct sockaddr_un */

struct back_socket {
	char folder[BACK_PATH_SIZE], path[BACK_PATH_SIZE];
};

/*
 * Makes the folder, "<socket>.private", or one in /tmp for an inet socket, and
 * the path of the socket in it. Called as the user that the daemon runs as.
 */
bool back_socket_make(
    struct back_socket *back, const char *listen, struct error *error);

/*
 * false, and logged: the socket's file has been removed. libmilter cannot make it
 * again, so the daemon exits for the service manager to restart it.
 */
bool back_socket_is_there(const struct back_socket *back);

/* Removes socket and folder; a missing one is no error. */
void back_socket_remove(const struct back_socket *back);

#endif
