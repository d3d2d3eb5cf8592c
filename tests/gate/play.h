/* SPDX-License-Identifier: BSD-2-Clause */
/* One lean session at a time, as most tests of waits play it. */
#ifndef TESTS_GATE_PLAY_H
#define TESTS_GATE_PLAY_H

#include <stdatomic.h>

#include "gate/filter.h"
#include "gate/rig.h"

/* The moment of the last callback of each kind. */
extern struct gate_moment play_seen[FILTER_EVENTS];

/* For the hooks: keeps the moment; place: asks for one. */
struct gate_moment play_look(const struct filter_call *call, bool place);
/* The number and the ticket of the callback of that kind. */
uint64_t play_number(void);
uint64_t play_ticket(enum filter_event event);
/* For the hooks: looks, with a place, and tells a hold of so long. */
void play_hold(const struct filter_call *call, int64_t ms);

/* A session up to MAIL, its callbacks run hook. */
struct mta play_begin(sfsistat (*hook)(const struct filter_call *));
/* DATA and a message, both accepted. */
void play_deliver(struct mta *mta);
/* QUIT; all callbacks have run then. */
void play_end(struct mta *mta);

#endif
