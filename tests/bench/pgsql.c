/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attempts of new triplets, each waited for, by some sessions in two stores on
 * one PostgreSQL.
 *
 * usage: bench_pgsql URL SESSIONS SECONDS
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "store_fixture.h"

#define STORES       2
#define SESSIONS_MAX 256

static _Atomic bool going = true;

struct load {
	struct store *store;
	unsigned number, count;
	pthread_t thread;
	sem_t decided;
};

static void
decide(void *ctx, uint64_t number, enum note_state state)
{
	(void)number;
	(void)state;
	sem_post(ctx);
}

static void *
work(void *arg)
{
	struct load *load = arg;
	char sender[64];

	for (; going; load->count++) {
		struct triplet triplet = {sender, "b@example.jp"};
		struct note_spec spec = {.now = time(NULL),
		    .outcome = OUTCOME_ATTEMPT,
		    .settings = &test_policy,
		    .triplets = &triplet,
		    .count = 1,
		    .done = decide,
		    .ctx = &load->decided};
		char ip[32];
		snprintf(ip, sizeof ip, "10.%u.%u.%u", load->number,
		    load->count / 250 % 250, load->count % 250);
		snprintf(sender, sizeof sender, "%u.%u@example.org", load->number,
		    load->count);
		ip_from_text(ip, &spec.who.ip);
		struct note *note = note_new(&spec);
		store_submit(load->store, note);
		sem_wait(&load->decided);
		if (note_state(note) != NOTE_COMMITTED) {
			fprintf(stderr, "an attempt was not kept\n");
			exit(1);
		}
		note_drop(&note);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	struct load loads[SESSIONS_MAX];
	struct store *stores[STORES];
	struct clock clock;
	struct error error;
	unsigned sessions = argc == 4 ? (unsigned)atoi(argv[2]) : 0, total = 0;

	if (sessions == 0 || sessions > SESSIONS_MAX) {
		fprintf(stderr, "usage: bench_pgsql URL SESSIONS SECONDS\n");
		return 2;
	}
	clock_init(&clock);
	struct store_settings settings = {.url = argv[1],
	    .durable = true,
	    .events_s = 86400,
	    .retry_window_s = 2 * 86400,
	    .max_age_s = 35 * 86400,
	    .timeout_ms = 10000};
	for (int i = 0; i < STORES; i++) {
		stores[i] = store_open(&settings, &clock, &error);
		if (stores[i] == NULL) {
			fprintf(stderr, "%s\n", error.text);
			return 1;
		}
	}
	for (unsigned i = 0; i < sessions; i++) {
		loads[i] = (struct load){.store = stores[i % STORES], .number = i};
		sem_init(&loads[i].decided, 0, 0);
		pthread_create(&loads[i].thread, NULL, work, &loads[i]);
	}
	sleep((unsigned)atoi(argv[3]));
	going = false;
	for (unsigned i = 0; i < sessions; i++) {
		pthread_join(loads[i].thread, NULL);
		total += loads[i].count;
	}
	printf("attempts of %u sessions in two stores\t%u\t/s\n", sessions,
	    total / (unsigned)atoi(argv[3]));
	for (int i = 0; i < STORES; i++)
		store_close(&stores[i]);
	return 0;
}
