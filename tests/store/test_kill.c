/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill -9 at random moments under load: every attempt that was reported as
 * committed is in the database afterwards, and the database is sound.
 *
 * usage: test_store_kill [KILLS [SEED]]
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "bed.h"
#include "query/query.h"

#define THREADS   8
#define PER_ROUND 10000 /* more than a round of 300 ms can make */
#define PROMISES  4000000

/* One bit an attempt: the child has said that it is committed. */
static unsigned char promised[PROMISES / 8];

struct child {
	struct bed *bed;
	int pipe;
	uint32_t next; /* of this thread: next, next + THREADS, ... */
};

static void
tell(void *ctx, uint64_t number, enum note_state state)
{
	const struct child *child = ctx;
	uint32_t word = (uint32_t)number;

	if (state == NOTE_COMMITTED && write(child->pipe, &word, sizeof word) < 0)
		_exit(1);
}

static struct note *
attempt(struct child *child, uint32_t number)
{
	char sender[32];
	struct triplet triplet = {sender, "b@example.jp"};
	struct note_spec spec = {
	    .now = BED_NOW,
	    .deed = DEED_ATTEMPT,
	    .triplets = &triplet,
	    .count = 1,
	    .done = tell,
	    .ctx = child,
	    .number = number,
	};

	ip_from_text("192.0.2.10", &spec.who.ip);
	snprintf(sender, sizeof sender, "%u@example.org", number);
	return note_new(&spec);
}

static void *
load(void *arg)
{
	struct child *child = arg;

	for (;; child->next += THREADS) {
		struct note *note = attempt(child, child->next);
		store_submit(child->bed->store, note);
		while (note_state(note) == NOTE_WAITING)
			usleep(50);
		note_drop(&note);
	}
	return NULL;
}

static void
run_child(struct bed *bed, int pipe, uint32_t first)
{
	struct child children[THREADS];
	pthread_t thread;
	struct error error;

	bed->store = store_open(&bed->settings, &bed_steps, &bed->clock, &error);
	if (bed->store == NULL) {
		fprintf(stderr, "%s\n", error.text);
		_exit(1);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		children[i] = (struct child){bed, pipe, first + i};
		pthread_create(&thread, NULL, load, &children[i]);
	}
	pause();
}

/* Reads what the child says until the moment of its death. */
static uint32_t
listen_and_kill(int pipe, pid_t pid, int ms)
{
	struct timespec start, now;
	uint32_t words[1024], count = 0;
	bool killed = false;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		long past = (now.tv_sec - start.tv_sec) * 1000 +
		            (now.tv_nsec - start.tv_nsec) / 1000000;
		if (!killed && past >= ms) {
			kill(pid, SIGKILL);
			killed = true;
		}
		struct pollfd poll_fd = {pipe, POLLIN, 0};
		if (poll(&poll_fd, 1, killed ? -1 : (int)(ms - past)) <= 0)
			continue;
		ssize_t length = read(pipe, words, sizeof words);
		if (length <= 0)
			return count;
		for (size_t i = 0; i < (size_t)length / sizeof *words; i++) {
			promised[words[i] / 8] |=
			    (unsigned char)(1 << words[i] % 8);
			count++;
		}
	}
}

static bool
print_finding(void *ctx, const char *finding)
{
	(void)ctx;
	fprintf(stderr, "integrity: %s\n", finding);
	return true;
}

static uint32_t
count_lost(struct bed *bed, uint32_t end)
{
	struct store_who who = {.domain = NULL};
	struct history history;
	struct grey_row row;
	char sender[32];
	uint32_t lost = 0;

	ip_from_text("192.0.2.10", &who.ip);
	history.rows = &row;
	for (uint32_t i = 0; i < end; i++) {
		if ((promised[i / 8] & 1 << i % 8) == 0)
			continue;
		snprintf(sender, sizeof sender, "%u@example.org", i);
		struct triplet triplet = {sender, "b@example.jp"};
		if (store_recall(bed->store, &who, &triplet, 1, BED_NOW,
		        &history) != STORE_OK ||
		    row.first == 0)
			lost++;
	}
	return lost;
}

static bool
look_after(struct bed *bed, uint32_t end, int round)
{
	struct error error;
	bool sound = false;
	struct query *query;

	bed->store = store_open(&bed->settings, &bed_steps, &bed->clock, &error);
	if (bed->store == NULL) {
		fprintf(stderr, "round %d: %s\n", round, error.text);
		return false;
	}
	uint32_t lost = count_lost(bed, end);
	query = query_open(bed->url, false, &error);
	if (query == NULL ||
	    !query_check(query, print_finding, NULL, &sound, &error))
		fprintf(stderr, "round %d: %s\n", round, error.text);
	query_close(&query);
	store_close(&bed->store);
	if (lost > 0)
		fprintf(stderr, "round %d: %u promised attempts are lost\n", round,
		    lost);
	return lost == 0 && sound;
}

int
main(int argc, char **argv)
{
	int kills = argc > 1 ? atoi(argv[1]) : 20;
	unsigned seed = argc > 2 ? (unsigned)atoi(argv[2]) : (unsigned)time(NULL);
	uint32_t first = 0, told = 0;
	struct bed bed;
	bool ok = true;

	printf("seed %u\n", seed);
	fflush(stdout);
	srandom(seed);
	bed_open(&bed, false);
	store_close(&bed.store);
	for (int round = 1; ok && round <= kills && first + PER_ROUND <= PROMISES;
	     round++) {
		int ends[2];
		if (pipe(ends) != 0)
			return 1;
		pid_t pid = fork();
		if (pid == 0) {
			close(ends[0]);
			run_child(&bed, ends[1], first);
		}
		close(ends[1]);
		told += listen_and_kill(ends[0], pid, (int)(random() % 300));
		close(ends[0]);
		waitpid(pid, NULL, 0);
		first += PER_ROUND;
		ok = look_after(&bed, first, round);
	}
	printf("%d kills, %u attempts promised: %s\n", kills, told,
	    ok ? "ok" : "FAILED");
	ok = ok && told > 0;
	bed_close(&bed);
	return ok ? 0 : 1;
}
