/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is going on right now, for `targreyctl status`: the holds in progress, the
 * faults so far, and settings that keep targrey from its work. One for the daemon,
 * shared by all sessions; its lock is never held longer than it takes to write them
 * out.
 */
#ifndef SESSION_ACTIVITY_H
#define SESSION_ACTIVITY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/queue.h>

#include "base/ip.h"
#include "record/words.h"

struct activity;

/* NULL when out of memory. */
struct activity *activity_new(void);
/* Accepts NULL; nulls. It must have no holds left. */
void activity_free(struct activity **activity);

/* The functions below, but for activity_write(), accept NULL and then do nothing.
 */

/* One hold in progress; owned by its session, which fills it before begin. */
struct activity_hold {
	LIST_ENTRY(activity_hold) others;
	struct ip ip;
	const char *sid,
	    *name;     /* name NULL: unknown; both live as long as the hold */
	int64_t since; /* wall clock, seconds */
	int64_t asked_s;
};
void activity_hold_begin(struct activity *activity, struct activity_hold *hold);
void activity_hold_end(struct activity *activity, struct activity_hold *hold);

void activity_fault(struct activity *activity, enum fault fault);
/* A message came without a DATA event; true the first time. */
bool activity_no_data(struct activity *activity);
/*
 * A session that sent MAIL has ended. private_ip: its address, if it is in an
 * exempt network and nobody authenticated; else NULL. Returns true when the last 50
 * sessions have had this one address and none so far came from outside; once,
 * unless another address comes in between.
 */
bool activity_client(struct activity *activity, const struct ip *private_ip);
/* Counts a hold that the budget shortened or refused. */
void activity_shed(struct activity *activity);

#define ACTIVITY_NO_DATA                                                           \
	"Postfix sends no DATA event (milter_protocol = 2 or 3): greylisting "     \
	"and the hold of a bounce wait for the whole message; remove "             \
	"milter_protocol from main.cf and run \"postfix reload\""
#define ACTIVITY_ONE_CLIENT                                                        \
	"all recent clients came from one exempt address, so none was checked: "   \
	"if NAT or a proxy hides their addresses, let these through, or remove "   \
	"that network from exempt_networks"

/*
 * now  wall clock, seconds: a hold that is due is not shown, though its session
 *      notes its end only with the client's next command
 * Writes lines "key TAB value": trouble (none to two), shed, fault_store,
 * fault_dns, fault_limit, fault_gate; then one line for each hold: "hold TAB ip TAB
 * sid TAB since TAB asked_s TAB name".
 */
void activity_write(struct activity *activity, int64_t now, FILE *file);

#endif
