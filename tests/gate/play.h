/* SPDX-License-Identifier: BSD-2-Clause */
/* One lean session at a time, as most tests of waits play it. */
#ifndef TESTS_GATE_PLAY_H
#define TESTS_GATE_PLAY_H

#include <stdatomic.h>

#include "gate/filter.h"
#include "gate/rig.h"

/* What gate_outcome() said in the last callback of each kind. */
extern struct gate_outcome play_seen[FILTER_EVENTS];
extern _Atomic unsigned play_rounds; /* for the hooks; 0 at play_begin() */

/* For the hooks: notes the number and the outcome. */
void play_look(const struct filter_call *call);
uint64_t play_number(void);
enum gate_wait_answer play_wait(const struct filter_call *call,
    enum gate_wait_kind kind, int64_t ms, bool is_hold);

/* A session up to MAIL, its callbacks run hook. */
struct mta play_begin(sfsistat (*hook)(const struct filter_call *));
/* DATA and a message, both accepted. */
void play_deliver(struct mta *mta);
/* QUIT; all callbacks have run then. */
void play_end(struct mta *mta);

#endif
