/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's state in words, as targreyctl status and metrics read it. */
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

#include <stdint.h>

#include "config/config.h"
#include "gate/gate.h"
#include "session/board.h"
#include "store/store.h"

/* What it is put together from; borrowed. */
struct status_sources {
	const struct config *config;
	struct gate *gate;
	struct store *store;
	struct board *board;
	int64_t started; /* wall clock, seconds */
};

/*
 * Lines "key TAB value", without the time; see targreyctl(8), status. The
 * caller frees; NULL when memory is out.
 */
char *status_text(const struct status_sources *sources);

#endif
