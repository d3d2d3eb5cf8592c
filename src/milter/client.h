/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_CLIENT_H
#define MILTER_CLIENT_H

#include <libmilter/mfapi.h>

#include "session/session.h"

/* A macro of the MTA, borrowed from libmilter for the callback; NULL: none. */
const char *client_macro(SMFICTX *ctx, const char *name);

/*
 * What the MTA shows of the client at CONNECT; its strings are libmilter's.
 * hostname  used when there is no {client_name}
 * peer      may be NULL
 */
void client_read(SMFICTX *ctx, const char *hostname, const struct sockaddr *peer,
    struct session_client *client_r);

#endif
