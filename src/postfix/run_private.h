/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POSTFIX_RUN_PRIVATE_H
#define POSTFIX_RUN_PRIVATE_H

#include <stdbool.h>

#include "base/error.h"

#define POSTCONF_OUTPUT_MAX 65536

/*
 * What "postconf -c FOLDER -x NAME..." prints, for the caller to free. NULL when
 * there is no postconf, when it fails, takes more than 5 s or prints more than
 * 64 KiB. (blocks)
 */
char *postconf_start(const char *folder, const char *const *names);

/*
 * The same, through the helper once it runs, with the folder and names given to it.
 */
char *postconf_run(const char *folder, const char *const *names);

/*
 * Call before there is a second thread. Arguments must live as long as the process.
 */
bool postconf_helper_start(
    const char *folder, const char *const *names, struct error *error);

#endif
