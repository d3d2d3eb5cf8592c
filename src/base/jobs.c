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
	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t work;
	struct job *ring;
	size_t size, first, count;
	bool stopping;
	unsigned workers, most, idle; /* threads: started, at most, waiting */
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
			jobs->idle++;
			pthread_cond_wait(&jobs->work, &jobs->lock);
			jobs->idle--;
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

/*
 * Call with the lock held, or before there is a second thread. Returns 0 or errno.
 */
static int
add_worker(struct jobs *jobs)
{
	int failed =
	    pthread_create(&jobs->threads[jobs->workers], NULL, worker, jobs);

	jobs->workers += failed == 0;
	return failed;
}

struct jobs *
jobs_start(const char *name, unsigned most, size_t max_queued, struct error *error)
{
	struct jobs *jobs = calloc(1, sizeof *jobs + most * sizeof(pthread_t));
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
	jobs->most = most;
	pthread_mutex_lock(&jobs->lock);
	int failed = add_worker(jobs);
	pthread_mutex_unlock(&jobs->lock);
	if (failed != 0) {
		error_set(
		    error, "cannot start a worker thread: %s", strerror(failed));
		jobs_stop(&jobs);
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
		/* If no thread can be started, the existing ones take the job. */
		if (jobs->count > jobs->idle && jobs->workers < jobs->most)
			add_worker(jobs);
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
