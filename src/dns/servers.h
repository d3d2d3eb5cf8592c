/* SPDX-License-Identifier: BSD-2-Clause */
/* The operator's list of name servers. No state. */
#ifndef DNS_SERVERS_H
#define DNS_SERVERS_H

#include <stdbool.h>

#include "base/error.h"

/*
 * "" (the system's), or ADDRESS, IPV4:PORT, [IPV6]:PORT separated by commas.
 * c-ares passes over what it cannot read, so it is not the one to ask.
 */
bool dns_servers_check(const char *servers, struct error *error);

#endif
