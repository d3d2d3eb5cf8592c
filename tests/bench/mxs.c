/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions of new clients at one or two targreyd on one database, each until its
 * reply to DATA. Run by tests/bench/pgsql.
 *
 * usage: bench_mxs FOLDER TARGREYD RULES URL DAEMONS SESSIONS COUNT RATE FIRST WHO
 *
 * WHO     suspect: all of one organisation; stranger: suspects, each of one of its
 *         own; innocent: nobody suspects them
 *
 * SESSIONS at a time over all daemons, COUNT in all, RATE of them begun a second
 * (0: as fast as they end), with clients from number FIRST on, which must be new.
 * Where FIRST is "dead" the database does not answer: sessions come first until
 * none waits for it any more, and are not counted.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "load.h"

#define DAEMONS_MAX 2
/* A store gives up after three failures of a second each. */
#define OPENING_S 8
#define SETTLE_US 1000000

struct mx {
	struct filter filter;
	struct load_spec spec;
	struct load_result result;
	bool has_run;
	pthread_t thread;
};

static void
die(const char *what)
{
	fprintf(stderr, "bench_mxs: %s\n", what);
	exit(1);
}

static const struct {
	const char *name;
	void (*describe)(uint64_t number, struct load_session *session_r);
} kinds[] = {
    {"suspect", load_suspect},
    {"stranger", load_stranger},
    {"innocent", load_innocent},
};

static void *
run(void *arg)
{
	struct mx *mx = arg;

	mx->has_run = load_run(&mx->spec, &mx->result);
	return NULL;
}

static void
start(struct mx *mx, int number, char **argv, uint16_t dns_port)
{
	char config[300], log[300], f[] = "-f";
	char *const arguments[] = {argv[2], f, config, NULL};

	snprintf(config, sizeof config, "%s/mx%d.conf", argv[1], number);
	snprintf(log, sizeof log, "%s/mx%d.log", argv[1], number);
	snprintf(mx->filter.socket, sizeof mx->filter.socket, "%s/mx%d.sock",
	    argv[1], number);
	filter_config(config, &(struct filter_config){.socket = mx->filter.socket,
	                          .rules = argv[3],
	                          .url = argv[4],
	                          .dns_port = dns_port});
	filter_start(&mx->filter, log, arguments);
	usleep(SETTLE_US); /* it opens the connections for its look-ups */
}

/* Sessions until the breaker is open; their replies wait, and are not counted. */
static void
let_open(struct mx *mx)
{
	struct load_spec spec = mx->spec;
	struct load_result ignored;

	spec.first = 900000000;
	spec.count = 20 * OPENING_S;
	spec.rate = 20;
	if (!load_run(&spec, &ignored))
		die("no session");
}

int
main(int argc, char **argv)
{
	struct mx mxs[DAEMONS_MAX] = {0};
	double seconds = 0;
	uint64_t done = 0, broken = 0;

	size_t kind = 0;

	if (argc != 11)
		die("usage: see above");
	while (kind < 3 && strcmp(kinds[kind].name, argv[10]) != 0)
		kind++;
	if (kind == 3)
		die("suspect, stranger or innocent");
	unsigned daemons = (unsigned)atoi(argv[5]),
	         sessions = (unsigned)atoi(argv[6]);
	uint64_t count = strtoull(argv[7], NULL, 10);
	bool is_dead = strcmp(argv[9], "dead") == 0;
	if (daemons < 1 || daemons > DAEMONS_MAX || sessions < daemons)
		die("one or two daemons");
	uint16_t dns_port = dns_start();
	for (unsigned i = 0; i < daemons; i++) {
		start(&mxs[i], (int)i, argv, dns_port);
		mxs[i].spec = (struct load_spec){.socket = mxs[i].filter.socket,
		    .parallel = sessions / daemons,
		    .rate = atof(argv[8]) / daemons,
		    .first = (is_dead ? 1 : strtoull(argv[9], NULL, 10)) +
		             i * (count / daemons),
		    .count = count / daemons,
		    .ends_at_data = true,
		    .describe = kinds[kind].describe};
		if (is_dead)
			let_open(&mxs[i]);
	}
	for (unsigned i = 0; i < daemons; i++) {
		if (pthread_create(&mxs[i].thread, NULL, run, &mxs[i]) != 0)
			die("no thread");
	}
	for (unsigned i = 0; i < daemons; i++) {
		pthread_join(mxs[i].thread, NULL);
		if (!mxs[i].has_run)
			die("no session");
		if (mxs[i].result.seconds > seconds)
			seconds = mxs[i].result.seconds;
		done += mxs[i].result.delayed + mxs[i].result.accepted;
		broken += mxs[i].result.broken;
		filter_stop(&mxs[i].filter);
	}
	printf("%u sessions at a time, %u targreyd\t%.0f\t/s\n", sessions, daemons,
	    (double)done / seconds);
	for (unsigned i = 0; i < daemons; i++)
		printf("mx%u: greylisted, let through, broken\t%llu %llu %llu\t\n",
		    i + 1, (unsigned long long)mxs[i].result.delayed,
		    (unsigned long long)mxs[i].result.accepted,
		    (unsigned long long)mxs[i].result.broken);
	for (unsigned i = 0; i < daemons; i++)
		printf("mx%u: reply to RCPT, p50 p99 max; to DATA, p50 p99 max\t"
		       "%.2f %.2f %.2f; %.2f %.2f %.2f\tms\n",
		    i + 1, mxs[i].result.rcpt_p50, mxs[i].result.rcpt_p99,
		    mxs[i].result.rcpt_max, mxs[i].result.data_p50,
		    mxs[i].result.data_p99, mxs[i].result.data_max);
	return broken == 0 ? 0 : 1;
}
