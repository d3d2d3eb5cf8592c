/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small real libmilter filter inside the test's process, listening on a
 * private socket for the gate. A test hangs its own functions in; they run on
 * libmilter's threads, marked as callbacks. libmilter can be started once a
 * process and is never stopped.
 */
#ifndef TESTS_GATE_FILTER_H
#define TESTS_GATE_FILTER_H

#include <libmilter/mfapi.h>
#include <stdbool.h>
#include <stdint.h>

enum filter_event {
	FILTER_NEGOTIATE, /* counted alone: no hook runs */
	FILTER_CONNECT,
	FILTER_HELO,
	FILTER_MAIL,
	FILTER_RCPT,
	FILTER_DATA,
	FILTER_HEADER,
	FILTER_EOH,
	FILTER_BODY,
	FILTER_EOM,
	FILTER_ABORT,
	FILTER_CLOSE,
	FILTER_EVENTS
};

struct filter_call {
	SMFICTX *smfi;
	enum filter_event event;
	uint64_t number; /* from the macro; 0: none */
	const char
	    *text; /* HELO name, sender, recipient, header's name; else NULL */
};

/* Returns an SMFIS_*. Set before a test's first connection. */
void filter_hook(sfsistat (*hook)(const struct filter_call *call));
/* How often each callback ran since filter_hook(). */
unsigned filter_count(enum filter_event event);
/* SMFIP_* that the filter asks for; 0 at start: a reply to everything. */
void filter_protocol(unsigned long wanted);
/* Returns the private socket's path. */
const char *filter_start(const char *folder);

#endif
