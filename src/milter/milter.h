/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libmilter's callbacks: translate, call the session, translate back. The only
 * folder that knows libmilter. Process-wide, as libmilter is; it starts once.
 */
#ifndef MILTER_MILTER_H
#define MILTER_MILTER_H

#include <stdbool.h>

#include "base/error.h"
#include "gate/gate.h"
#include "session/snapshot.h"

struct milter_settings {
	const char *back_path; /* private socket that the gate connects to */
	/* A reference to the current snapshot, for a new session; never NULL. */
	struct snapshot *(*current)(void *ctx);
	void *ctx;
};

/* gate_decide(), as struct snapshot wants it. */
void milter_decide(void *gate, uint64_t ticket, bool other);

/*
 * Opens the private socket and runs libmilter in a thread of its own. It is never
 * stopped; once the gate has closed its connections it is idle. What settings point
 * to must live as long as the process.
 */
bool milter_start(
    const struct milter_settings *settings, struct gate *gate, struct error *error);

/*
 * false, and logged: libmilter has ended, as it does when it cannot open a pipe or
 * repeatedly fails to accept a connection. It cannot be started again in this
 * process.
 */
bool milter_is_running(void);

#endif
