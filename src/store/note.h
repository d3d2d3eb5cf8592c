/* SPDX-License-Identifier: BSD-2-Clause */
/* A note on its way through the queue. */
#ifndef STORE_NOTE_H
#define STORE_NOTE_H

#include <stdatomic.h>

#include "store/store.h"

struct note {
	_Atomic unsigned references;
	_Atomic int state; /* enum note_state */
	/* Everything it points to follows it; NULL once the state is final. */
	struct note_spec *spec;
	int64_t queued_ms;
	struct note *next; /* in the queue; guarded by the queue's lock */
};

/* Sets the state, calls done, and drops the spec and the queue's reference. */
void note_finish(struct note *note, enum note_state state);

#endif
