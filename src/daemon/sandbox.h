/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon gives up for good before it listens to anybody: files outside
 * of its places (Landlock), system calls that it does not need (seccomp). The
 * setting "sandbox" switches it off.
 */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include <stdbool.h>

#include "config/config.h"
#include "daemon/places.h"

struct sandbox {
	char text[128]; /* what is in force, for people: "seccomp, Landlock 4" */
	struct places places; /* with Landlock in force */
};

/*
 * Before there is a second thread. A part that this kernel lacks, or that cannot
 * be set, is named in the log, and the daemon goes on without it.
 */
void sandbox_enter(
    struct sandbox *sandbox, const struct config *config, const char *back_folder);

/*
 * false: a folder that is written to was replaced by another one, which is not
 * ours by Landlock; the reason is logged. A new start takes it.
 */
bool sandbox_fits(const struct sandbox *sandbox);

/* What to add to an error that a reload met: "" or a remedy. */
const char *sandbox_remedy(
    const struct sandbox *sandbox, const struct error *error);

void sandbox_free(struct sandbox *sandbox);

#endif
