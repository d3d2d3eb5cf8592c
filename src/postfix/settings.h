/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings of the Postfix on this host, as far as they matter to a filter:
 * asked of postconf(1), so that defaults, $names and continued lines are Postfix's
 * own. Called by one thread, at start and at reload.
 */
#ifndef POSTFIX_SETTINGS_H
#define POSTFIX_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/ip.h"

#define POSTFIX_UNREAD_SIZE 256

struct postfix_settings {
	int milter_protocol;          /* 2, 3, 4 or 6; -1: unknown */
	int milter_command_timeout_s; /* -1: unknown */
	bool offers_chunking;         /* smtpd announces BDAT */
	struct ipnet *networks;       /* mynetworks; owned */
	size_t networks_count;
	/* What of mynetworks only Postfix can read (a table, "!net"), or "". */
	char unread[POSTFIX_UNREAD_SIZE];
};

/* The folder that holds main.cf: $MAIL_CONFIG as for Postfix's own commands,
 * else /etc/postfix. Lives as long as the environment. */
const char *postfix_config_folder(void);

/*
 * (blocks) Runs postconf: for 5 s at most, or 8 s through the helper. NULL when
 * nothing is known: no main.cf in the folder, no postconf, or it failed.
 */
struct postfix_settings *postfix_settings_read(const char *folder);

/* The folder has a main.cf: where the above gives NULL, postconf is missing or
 * failed. */
bool postfix_is_here(const char *folder);
/*
 * From now on postconf is run by a process of its own, which is started here and
 * ends with this one: for a daemon that is about to lose the right to start
 * processes. Call before there is a second thread. folder must live as long as the
 * process.
 */
bool postfix_settings_helper(const char *folder, struct error *error);
/* Accepts NULL; nulls. */
void postfix_settings_free(struct postfix_settings **settings);

/*
 * Reads the lines "name = value" that postconf prints; for the above, and tests.
 * NULL when out of memory.
 */
struct postfix_settings *postfix_settings_parse(const char *text);

/*
 * The addresses of this host's interfaces, as networks of one address each.
 * Returns how many; *addresses_r is the caller's to free, NULL for none.
 */
size_t postfix_own_addresses(struct ipnet **addresses_r);

#endif
