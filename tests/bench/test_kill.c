/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill -9 of targreyd at random moments under load over the milter protocol:
 * every attempt whose 450 the client got is in the database afterwards, and the
 * database is sound.
 *
 * usage: test_bench_kill TARGREYD RULES [KILLS [SEED]]
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store_fixture.h"
#include "daemon.h"
#include "figures.h"
#include "workload.h"
#include "query/query.h"

#define PER_ROUND 20000
#define KILLS_MAX 1000

/* One bit a session: its client has heard 450. */
static unsigned char told[PER_ROUND * (size_t)KILLS_MAX / 8];

struct test {
	char folder[64], config[128], log[128], url[160];
	const char *targreyd;
	struct filter filter;
	uint64_t promises;
};

static void
hear(void *ctx, uint64_t number, bool delayed)
{
	struct test *test = ctx;

	if (!delayed)
		return;
	told[number / 8] |= (unsigned char)(1 << number % 8);
	test->promises++;
}

static void *
kill_later(void *arg)
{
	struct test *test = arg;

	usleep((useconds_t)(random() % 400000));
	kill(test->filter.pid, SIGKILL);
	return NULL;
}

static void
play_round(struct test *test, uint64_t first)
{
	char f[] = "-f";
	char *const arguments[] = {
	    (char *)(uintptr_t)test->targreyd, f, test->config, NULL};
	struct load_spec spec = {
	    .socket = test->filter.socket,
	    .parallel = 32,
	    .first = first,
	    .count = PER_ROUND,
	    .ends_at_data = true,
	    .describe = load_suspect,
	    .ended = hear,
	    .ctx = test,
	};
	struct load_result result;
	pthread_t killer;

	filter_start(&test->filter, test->log, arguments);
	pthread_create(&killer, NULL, kill_later, test);
	(void)load_run(&spec, &result); /* ends when nobody listens any more */
	pthread_join(killer, NULL);
	waitpid(test->filter.pid, NULL, 0);
}

static bool
print_finding(void *ctx, const char *finding)
{
	(void)ctx;
	fprintf(stderr, "integrity: %s\n", finding);
	return true;
}

static uint64_t
count_lost(struct query *query, uint64_t first, uint64_t end)
{
	char text[WORKLOAD_SIZE];
	struct history history;
	struct grey_row row;
	struct error error;
	uint64_t lost = 0;

	history.rows = &row;
	for (uint64_t i = first; i < end; i++) {
		if ((told[i / 8] & 1 << i % 8) == 0)
			continue;
		struct store_who who = workload_client(i);
		struct triplet triplet = workload_triplet(i, text);
		if (!query_recall(query, &who, &triplet, 1, time(NULL), 2 * 86400,
		        &history, &error) ||
		    row.first == 0)
			lost++;
	}
	return lost;
}

static bool
look_after(const struct test *test, uint64_t first, uint64_t end)
{
	struct error error;
	bool sound = false;
	struct query *query = query_open(test->url, true, &error);

	if (query == NULL && test->promises == 0)
		return true; /* killed before it had made its database */
	if (query == NULL) {
		fprintf(stderr, "%s\n", error.text);
		return false;
	}
	uint64_t lost = count_lost(query, first, end);
	if (!query_check(query, print_finding, NULL, &sound, &error))
		fprintf(stderr, "%s\n", error.text);
	query_close(&query);
	if (lost > 0)
		fprintf(stderr, "%llu promised attempts are lost\n",
		    (unsigned long long)lost);
	return lost == 0 && sound;
}

static void
set_up(struct test *test, char **argv)
{
	strcpy(test->folder, "/tmp/targrey-kill-XXXXXX");
	if (mkdtemp(test->folder) == NULL)
		exit(1);
	test->targreyd = argv[1];
	snprintf(test->config, sizeof test->config, "%s/conf", test->folder);
	snprintf(test->log, sizeof test->log, "%s/log", test->folder);
	snprintf(test->url, sizeof test->url, "sqlite:%s/t.db", test->folder);
	snprintf(
	    test->filter.socket, sizeof test->filter.socket, "%s/s", test->folder);
	filter_config(
	    test->config, &(struct filter_config){.socket = test->filter.socket,
	                      .rules = argv[2],
	                      .url = test->url,
	                      .dns_port = dns_start(),
	                      .spf = false});
}

int
main(int argc, char **argv)
{
	static struct test test;
	int kills = argc > 3 ? atoi(argv[3]) : 20;
	unsigned seed = argc > 4 ? (unsigned)atoi(argv[4]) : (unsigned)time(NULL);
	bool ok = true;

	if (argc < 3 || kills > KILLS_MAX)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	printf("seed %u\n", seed);
	fflush(stdout);
	srandom(seed);
	set_up(&test, argv);
	for (int round = 0; ok && round < kills; round++) {
		uint64_t first = (uint64_t)round * PER_ROUND;
		play_round(&test, first);
		/* All of what was promised so far, not only of this round. */
		ok = look_after(&test, 0, first + PER_ROUND);
	}
	printf("%d kills, %llu times 450: %s\n", kills,
	    (unsigned long long)test.promises, ok ? "ok" : "FAILED");
	if (ok && test.promises > 0)
		folder_remove(test.folder);
	else
		printf("see %s\n", test.folder);
	return ok && test.promises > 0 ? 0 : 1;
}
