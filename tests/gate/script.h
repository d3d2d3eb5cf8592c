/* SPDX-License-Identifier: BSD-2-Clause */
/* One session at a time, as most tests of waits play it. */
#ifndef TESTS_GATE_SCRIPT_H
#define TESTS_GATE_SCRIPT_H

#include <stdatomic.h>

#include "gate/delays.h"
#include "gate/filter.h"
#include "gate/gate_fixture.h"

/* The moment of the last callback of each kind. */
extern struct gate_moment script_seen[FILTER_EVENTS];

/* For the hooks: keeps the moment; place: asks for one. */
struct gate_moment script_look(const struct filter_call *call, bool place);
/* The number and the ticket of the callback of that kind. */
uint64_t script_number(void);
uint64_t script_ticket(enum filter_event event);
/* For the hooks: looks, with a place, and tells a hold of so long. */
void script_hold(const struct filter_call *call, int64_t ms);

/* A session up to MAIL, whatever runs. */
struct mta script_greet(void);
/* The same; its callbacks run hook. */
struct mta script_begin(sfsistat (*hook)(const struct filter_call *));
/* One recipient, accepted; and DATA. */
void script_rcpt(struct mta *mta);
void script_data(struct mta *mta);
/* DATA and a message, both accepted. */
void script_deliver(struct mta *mta);
/* QUIT, or the end of the connection alone; all callbacks have run then. */
void script_end(struct mta *mta);
void script_leave(struct mta *mta);

#endif
