/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Look-ups with one absolute deadline for a whole job. All questions of a job run
 * in parallel; the same question is sent once. A dead, slow, refusing or silent
 * server costs no more than the deadline.
 *
 * A resolver belongs to one thread at a time. No cache outlives a job: caching is
 * left to the operator's name server.
 */
#ifndef DNS_RESOLVER_H
#define DNS_RESOLVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "dns/answer.h"

struct resolver;
struct dns_question; /* belongs to a job; lives until it ends */

/* Of one job. */
struct dns_counters {
	unsigned answered; /* an answer of any kind came */
	unsigned timeouts; /* ended by the deadline or the last try */
};

/*
 * servers     "192.0.2.53,127.0.0.1:5353,[2001:db8::1]:53"; "" = the system's,
 *             read anew for each job
 * timeout_ms  how long a job is to take; its end is deadline_ms below. One question
 *             gives up after 3/5 of it, so that one dead name leaves time for
 *             others: two rounds over the servers, the second with twice the time
 *             of the first.
 * NULL: see error.
 */
struct resolver *resolver_open(const char *servers, int64_t timeout_ms,
    const struct clock *clock, struct error *error);
/* Accepts NULL; nulls. No job may be open. */
void resolver_close(struct resolver **resolver);

/*
 * deadline_ms  on clock_mono_ms(); if past, nothing is sent
 * called_off   ends the job early when it becomes true (checked five times a
 *              second); NULL: never. Borrowed until resolver_end().
 */
void resolver_begin(
    struct resolver *resolver, int64_t deadline_ms, const atomic_bool *called_off);

/*
 * Sends a question unless this job has asked it before. name is copied and
 * need not be clean. NULL only when out of memory.
 */
struct dns_question *resolver_ask(
    struct resolver *resolver, const char *name, enum dns_type type);

/*
 * (blocks) until the question is answered or the deadline has come. The answer
 * belongs to the job. question may be NULL (out of memory): DNS_SERVFAIL.
 */
const struct dns_answer *resolver_await(
    struct resolver *resolver, struct dns_question *question);

/* (blocks) until until_ms at most; false while the question is open. */
bool resolver_await_until(
    struct resolver *resolver, struct dns_question *question, int64_t until_ms);

/* The job was called off before its deadline. */
bool resolver_is_called_off(const struct resolver *resolver);

/* The job's deadline has come, or it was called off. */
bool resolver_is_over(const struct resolver *resolver);

struct dns_counters resolver_counters(const struct resolver *resolver);

/* Calls off what is open and frees every question and answer of the job. */
void resolver_end(struct resolver *resolver);

#endif
