/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon gives up for good before it accepts a connection: files outside
 * its places (Landlock) and system calls that it does not need (seccomp). The
 * setting "sandbox" can switch it off.
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
 * Call before there is a second thread. A part that the kernel lacks, or that
 * cannot be set up, is logged, and the daemon goes on without it.
 */
void sandbox_enter(
    struct sandbox *sandbox, const struct config *config, const char *back_folder);

/*
 * false, and logged: a folder that is written to was replaced by another, which
 * Landlock does not allow. The daemon must be restarted.
 */
bool sandbox_fits(const struct sandbox *sandbox);

/* What to append to an error of a reload: "" or a remedy. */
const char *sandbox_remedy(
    const struct sandbox *sandbox, const struct error *error);

void sandbox_free(struct sandbox *sandbox);

#endif
