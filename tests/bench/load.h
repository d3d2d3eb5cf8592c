/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes SMTP sessions as Postfix tells a filter of them: milter protocol on a
 * unix socket, so many at a time in one thread, or at a fixed rate.
 */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

/* What one session says. Texts are borrowed until describe is called again. */
struct load_session {
	struct ip ip;
	const char *name; /* verified name, or "unknown" */
	const char *ptr;  /* or "unknown" */
	const char *helo, *sender, *recipient;
};

struct load_spec {
	const char *socket;
	unsigned parallel; /* connections at most, 1..1024 */
	double rate;       /* sessions begun a second; 0: as fast as they end */
	double seconds;    /* none begins after that; 0: count says how many */
	uint64_t first, count;
	bool ends_at_data; /* hangs up after the reply to DATA, whatever it is */
	void (*describe)(uint64_t number, struct load_session *session_r);
	/* told when a session has ended as it should; may be NULL */
	void (*ended)(void *ctx, uint64_t number, bool delayed);
	void *ctx;
};

struct load_result {
	double seconds;
	uint64_t accepted, delayed, broken; /* sessions: 250, 4xx, anything else */
	uint64_t ours; /* headers that were inserted, X-TaRgrey-Session only */
	/* In ms; of the reply to RCPT, to DATA, and of whole sessions. */
	double rcpt_p50, rcpt_p99, rcpt_max;
	double data_p50, data_p99, data_max;
	double session_p50, session_p99, session_max;
};

/* false: the socket could not be reached at all. */
bool load_run(const struct load_spec *spec, struct load_result *result_r);

#endif
