/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POSTFIX_RUN_PRIVATE_H
#define POSTFIX_RUN_PRIVATE_H

/*
 * What "postconf -c FOLDER -x NAME..." prints, for the caller to free. NULL when
 * there is no postconf, when it fails, takes more than 5 s or prints more than
 * 64 KiB. (blocks)
 */
char *postconf_run(const char *folder, const char *const *names);

#endif
