/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <pthread.h>
#include <string.h>
#include <stdio.h>
#include <stdatomic.h>

#include "base/jobs.h"

/* Jobs that wait at a door until it is opened. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_open;
static unsigned begun, done;

static void
wait_at_door(void *arg)
{
	pthread_mutex_lock(&lock);
	begun++;
	pthread_cond_broadcast(&changed);
	while (!is_open)
		pthread_cond_wait(&changed, &lock);
	done += *(unsigned *)arg;
	pthread_mutex_unlock(&lock);
}

static void
await_begun(unsigned wanted)
{
	pthread_mutex_lock(&lock);
	while (begun < wanted)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void
open_door(void)
{
	pthread_mutex_lock(&lock);
	is_open = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void
a_full_queue_refuses_and_what_was_taken_runs_once(void **state)
{
	(void)state;
	struct error error;
	unsigned weights[5] = {1, 10, 100, 1000, 10000};
	struct jobs *jobs = jobs_start("test", 2, 2, &error);
	assert_non_null(jobs);
	assert_true(jobs_submit(jobs, wait_at_door, &weights[0]));
	assert_true(jobs_submit(jobs, wait_at_door, &weights[1]));
	await_begun(2); /* both workers are busy, the queue is empty */
	assert_true(jobs_submit(jobs, wait_at_door, &weights[2]));
	assert_true(jobs_submit(jobs, wait_at_door, &weights[3]));
	assert_false(jobs_submit(jobs, wait_at_door, &weights[4]));
	open_door();
	/* stopping runs what is queued */
	jobs_stop(&jobs);
	assert_null(jobs);
	assert_int_equal(done, 1111);
	assert_int_equal(begun, 4);
	jobs_stop(&jobs);
}

/* How many threads of this process have that name. */
static unsigned
threads_named(const char *name)
{
	DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		char path[300], comm[20] = "";
		snprintf(
		    path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
		FILE *file = fopen(path, "r");
		if (file == NULL)
			continue;
		count += fgets(comm, sizeof comm, file) != NULL &&
		         strncmp(comm, name, strlen(name)) == 0 &&
		         comm[strlen(name)] == '\n';
		fclose(file);
	}
	closedir(folder);
	return count;
}

static void
a_thread_begins_when_a_job_finds_none_idle(void **state)
{
	(void)state;
	struct error error;
	unsigned one = 1;
	is_open = false;
	begun = done = 0;
	struct jobs *jobs = jobs_start("few", 8, 8, &error);
	assert_non_null(jobs);
	for (unsigned i = 1; i <= 3; i++) {
		assert_true(jobs_submit(jobs, wait_at_door, &one));
		await_begun(i);
	}
	assert_in_range(threads_named("few"), 3, 4);
	open_door();
	jobs_stop(&jobs);
	assert_int_equal(done, 3);
	assert_int_equal(threads_named("few"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_queue_refuses_and_what_was_taken_runs_once),
	    cmocka_unit_test(a_thread_begins_when_a_job_finds_none_idle),
	};
	return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
