/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many smtpd processes Postfix runs at most, read from its configuration
 * files, for a warning when tarpit.max_sessions is more than 70 % of them.
 */
#ifndef POSTFIX_PROCESS_LIMIT_H
#define POSTFIX_PROCESS_LIMIT_H

/* No limit is set ("0" in master.cf). */
#define POSTFIX_UNLIMITED 1000000

/*
 * The process limit of the smtpd that takes mail from outside: the service
 * "smtp" (or port 25) of type inet, or "smtpd" of type pass behind postscreen;
 * its maxproc column, else default_process_limit of main.cf, else 100.
 *
 * folder   holds main.cf and master.cf
 * Returns  1 or more; -1 when unknown: a file cannot be read, no such service,
 *          a value that is not a number after $name was followed
 * Source   master(5), postconf(5)
 */
int postfix_process_limit(const char *folder);

#endif
