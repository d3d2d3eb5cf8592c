/* SPDX-License-Identifier: BSD-2-Clause */
/* The serve command of a program that has pages. */
#ifndef ADMIN_SERVER_H
#define ADMIN_SERVER_H

#include "admin/cmd.h"
#include "web/web.h"

/* The option rows of the serve command. listen_at: the default, a string literal */
#define SERVE_OPTIONS(listen_at)                                                   \
	{"listen", "WHERE",                                                        \
	    "ADDRESS:PORT, [ADDRESS]:PORT or unix:/path (" listen_at ")", NULL,    \
	    false},                                                                \
	    {"host", "NAME", "also answer when called by this name (Host field)",  \
	        NULL, true},                                                       \
	{                                                                          \
		NULL, NULL, NULL, NULL, false                                      \
	}

/*
 * name  what is served, for people
 * Prints the address first and serves the pages until SIGINT or SIGTERM. The
 * configuration must have been read. Returns the exit code.
 */
int serve_pages(struct admin *admin, const char *name, const char *listen_at,
    const struct web_page *pages, void *ctx);

#endif
