/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's state in words, as targreyctl status, metrics and list held read
 * it: whoever connects to a socket beside that for Postfix gets the text of the
 * moment. Neither the store nor a disk is in between, so it tells the truth
 * while they fail, and nobody answers once the daemon has ended.
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

/* What it is put together from; borrowed. */
struct status_sources {
	const struct config *config;
	struct gate *gate;
	struct store *store;
	struct activity *activity;
	const struct gatherer *gatherer; /* NULL: nothing is asked of DNS */
	const struct postfix_advice *advice;
	const struct away *away;
	const char *sandbox;  /* what is in force */
	int64_t started, now; /* wall clock, seconds */
};

/* Used by one thread. */
struct status_socket {
	int fd; /* -1: none */
	char path[CONFIG_STATUS_PATH_SIZE];
	dev_t device;
	ino_t inode;
};

/*
 * Listens on config_status_path(). The gate's lock must be held, since what
 * lies there is removed. Without one (the reason is logged) fd is -1.
 */
void status_listen(struct status_socket *status, const struct config *config);

/* Listens anew when the file has been removed, by a cleaner of /tmp say. */
void status_look_after(struct status_socket *status, const struct config *config);

/* Answers one who has connected; waits a second at most. */
void status_answer(
    const struct status_socket *status, const struct status_sources *sources);

/* Closes and removes it; for one that was never opened, too. */
void status_close(struct status_socket *status);

#endif
