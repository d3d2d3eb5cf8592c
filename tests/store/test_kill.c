/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill -9 under load, after a random number of promises: every attempt that was
 * reported as committed is in the database afterwards, and the database is sound.
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
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "store_fixture.h"
#include "query/query.h"

#define THREADS   8
#define PER_ROUND 10000 /* more than a round can make */
#define MOST      1000  /* promises before a kill */
#define PROMISES  4000000

/* One bit an attempt: the child has said that it is committed. */
static unsigned char promised[PROMISES / 8];

struct child {
	struct store_fixture *fixture;
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
	    .now = TEST_NOW,
	    .outcome = OUTCOME_ATTEMPT,
	    .settings = &test_policy,
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
		store_submit(child->fixture->store, note);
		while (note_state(note) == NOTE_WAITING)
			usleep(50);
		note_drop(&note);
	}
	return NULL;
}

static void
run_child(struct store_fixture *fixture, int pipe, uint32_t first)
{
	struct child children[THREADS];
	pthread_t thread;
	struct error error;

	fixture->store = store_open(&fixture->settings, &fixture->clock, &error);
	if (fixture->store == NULL) {
		fprintf(stderr, "%s\n", error.text);
		_exit(1);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		children[i] = (struct child){fixture, pipe, first + i};
		pthread_create(&thread, NULL, load, &children[i]);
	}
	pause();
}

/* Reads what the child says until its death, which comes after so many promises. */
static uint32_t
listen_and_kill(int pipe, pid_t pid, uint32_t promises)
{
	uint32_t words[1024], count = 0;
	bool killed = false;

	for (;;) {
		struct pollfd poll_fd = {pipe, POLLIN, 0};
		if (!killed && count >= promises) {
			kill(pid, SIGKILL);
			killed = true;
		}
		if (poll(&poll_fd, 1, HUNG_S * 1000) <= 0) {
			fprintf(stderr, "no promise within %d s after %u\n", HUNG_S,
			    count);
			kill(pid, SIGKILL);
			return count;
		}
		ssize_t length = read(pipe, words, sizeof words);
		if (length <= 0)
			return count;
		for (size_t at = 0; at < (size_t)length / sizeof *words; at++) {
			promised[words[at] / 8] |=
			    (unsigned char)(1 << words[at] % 8);
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
count_lost(struct store_fixture *fixture, uint32_t end)
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
		if (store_recall(fixture->store, &who, &triplet, 1, TEST_NOW,
		        &history) != STORE_OK ||
		    row.first == 0)
			lost++;
	}
	return lost;
}

static bool
look_after(struct store_fixture *fixture, uint32_t end, int round)
{
	struct error error;
	bool sound = false;
	struct query *query;

	fixture->store = store_open(&fixture->settings, &fixture->clock, &error);
	if (fixture->store == NULL) {
		fprintf(stderr, "round %d: %s\n", round, error.text);
		return false;
	}
	uint32_t lost = count_lost(fixture, end);
	query = query_open(fixture->url, false, &error);
	if (query == NULL ||
	    !query_check(query, print_finding, NULL, &sound, &error))
		fprintf(stderr, "round %d: %s\n", round, error.text);
	query_close(&query);
	store_close(&fixture->store);
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
	struct store_fixture fixture;
	bool ok = true;

	printf("seed %u\n", seed);
	fflush(stdout);
	srandom(seed);
	fixture_open(&fixture, false);
	store_close(&fixture.store);
	for (int round = 1; ok && round <= kills && first + PER_ROUND <= PROMISES;
	     round++) {
		int ends[2];
		if (pipe(ends) != 0)
			return 1;
		pid_t pid = fork();
		if (pid == 0) {
			close(ends[0]);
			run_child(&fixture, ends[1], first);
		}
		close(ends[1]);
		told +=
		    listen_and_kill(ends[0], pid, 1 + (uint32_t)random() % MOST);
		close(ends[0]);
		waitpid(pid, NULL, 0);
		first += PER_ROUND;
		ok = look_after(&fixture, first, round);
	}
	printf("%d kills, %u attempts promised: %s\n", kills, told,
	    ok ? "ok" : "FAILED");
	ok = ok && told >= (uint32_t)kills;
	fixture_close(&fixture);
	return ok ? 0 : 1;
}
