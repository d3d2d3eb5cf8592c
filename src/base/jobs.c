/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/jobs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/block.h"

struct job {
	void (*run)(void *);
	void *arg;
};

struct jobs {
	const char *name;
	pthread_mutex_t lock; /* guards everything below but workers and threads */
	pthread_cond_t work;
	struct job *ring;
	size_t size, first, count;
	bool stopping;
	unsigned workers;
	pthread_t threads[];
};

static void *
worker(void *arg)
{
	struct jobs *jobs = arg;

	pthread_setname_np(pthread_self(), jobs->name);
	pthread_mutex_lock(&jobs->lock);
	for (;;) {
		while (jobs->count == 0 && !jobs->stopping) {
			block_declare("jobs: condition wait");
			pthread_cond_wait(&jobs->work, &jobs->lock);
		}
		if (jobs->count == 0)
			break;
		struct job job = jobs->ring[jobs->first];
		jobs->first = (jobs->first + 1) % jobs->size;
		jobs->count--;
		pthread_mutex_unlock(&jobs->lock);
		job.run(job.arg);
		pthread_mutex_lock(&jobs->lock);
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

struct jobs *
jobs_start(
    const char *name, unsigned workers, size_t max_queued, struct error *error)
{
	struct jobs *jobs = calloc(1, sizeof *jobs + workers * sizeof(pthread_t));
	struct job *ring = calloc(max_queued, sizeof *ring);

	if (jobs == NULL || ring == NULL) {
		error_set(error, "out of memory");
		free(ring);
		free(jobs);
		return NULL;
	}
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->work, NULL);
	jobs->name = name;
	jobs->ring = ring;
	jobs->size = max_queued;
	for (; jobs->workers < workers; jobs->workers++) {
		int failed = pthread_create(
		    &jobs->threads[jobs->workers], NULL, worker, jobs);
		if (failed != 0) {
			error_set(error, "cannot start a worker thread: %s",
			    strerror(failed));
			jobs_stop(&jobs);
			return NULL;
		}
	}
	return jobs;
}

bool
jobs_submit(struct jobs *jobs, void (*run)(void *), void *arg)
{
	bool taken = false;

	pthread_mutex_lock(&jobs->lock);
	if (!jobs->stopping && jobs->count < jobs->size) {
		size_t last = (jobs->first + jobs->count) % jobs->size;
		jobs->ring[last] = (struct job){run, arg};
		jobs->count++;
		taken = true;
		pthread_cond_signal(&jobs->work);
	}
	pthread_mutex_unlock(&jobs->lock);
	return taken;
}

void
jobs_stop(struct jobs **jobs_ptr)
{
	struct jobs *jobs = *jobs_ptr;

	if (jobs == NULL)
		return;
	*jobs_ptr = NULL;
	block_declare("jobs: join");
	pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	pthread_cond_broadcast(&jobs->work);
	pthread_mutex_unlock(&jobs->lock);
	for (unsigned i = 0; i < jobs->workers; i++)
		pthread_join(jobs->threads[i], NULL);
	pthread_cond_destroy(&jobs->work);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs->ring);
	free(jobs);
}
