/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounded set of worker threads with a bounded queue, for work that may
 * block (DNS). Submitting never blocks. Deadlines belong to the jobs
 * themselves: a job that starts late sees the clock.
 */
#ifndef BASE_JOBS_H
#define BASE_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct jobs;

/*
 * most 1..256 threads; one at first, another whenever a job finds none idle. At
 * most max_queued jobs wait. name: of the threads, up to 15 octets, not copied.
 * NULL: see error.
 */
struct jobs *jobs_start(
    const char *name, unsigned most, size_t max_queued, struct error *error);

/*
 * Runs run(arg) on a worker. false: the queue is full or stopping, and run is
 * never called. After true arg belongs to the job.
 */
bool jobs_submit(struct jobs *jobs, void (*run)(void *), void *arg);

/* (blocks) Runs what is queued, joins the workers, frees. Accepts NULL; nulls. */
void jobs_stop(struct jobs **jobs);

#endif
