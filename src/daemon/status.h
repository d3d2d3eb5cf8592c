/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's state as text, for targreyctl status, metrics and list held:
 * whoever connects to a socket beside Postfix's gets the present state. It needs
 * neither the store nor a disk, so it is right even when they fail, and nobody
 * answers once the daemon has ended.
 */
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "config/config.h"
#include "daemon/away.h"
#include "gate/gate.h"
#include "postfix/advice.h"
#include "session/activity.h"
#include "store/store.h"

/* The sources of the text; borrowed. */
struct status_sources {
	const struct config *config;
	struct gate *gate;
	struct store *store;
	struct activity *activity;
	const struct gatherer *gatherer; /* NULL: DNS is not used */
	const struct postfix_advice *advice;
	const struct away *away;
	const char *sandbox;  /* the parts in force, for people */
	int64_t started, now; /* wall clock, seconds */
};

/* For one thread. */
struct status_socket {
	int fd;                             /* -1: none */
	char path[CONFIG_STATUS_PATH_SIZE]; /* "": none */
	dev_t device;
	ino_t inode;
	bool is_failing; /* the last attempt to listen failed */
};

/*
 * Listens on config_status_path(). The gate's lock must be held, since an existing
 * file is removed. On failure (logged) fd is -1; status_look_after() tries again.
 */
void status_listen(struct status_socket *status, const struct config *config);

/*
 * Listens again when that failed, or the file has been removed or replaced, say by
 * a cleaner of /tmp. Call it now and then.
 */
void status_look_after(struct status_socket *status);

/* Answers one client; waits a second at most for one that does not read. */
void status_answer(
    const struct status_socket *status, const struct status_sources *sources);

/* Closes and removes it; does nothing if it was never opened. */
void status_close(struct status_socket *status);

#endif
