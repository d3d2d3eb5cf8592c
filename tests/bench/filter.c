/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * targreyd against a filter that does nothing, over the milter protocol, as
 * Postfix would speak it. Run by tests/bench/filter.
 *
 * usage: bench_filter FOLDER TARGREYD NOOP RULES ROUNDS SESSIONS ROWS...
 *
 * A round is: no-op, new suspects (450 at DATA), their second try (accepted),
 * known clients (accepted), no-op; ratios are to the mean of the round's two
 * no-ops, on the same path.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "figures.h"
#include "load.h"
#include "workload.h"

#define PARALLEL   16
#define ROUNDS_MAX 16
#define RATE       1000

static void
die(const char *what)
{
	fprintf(stderr, "bench_filter: %s\n", what);
	exit(1);
}

struct bench {
	const char *folder, *targreyd, *noop_path, *rules;
	unsigned rounds;
	uint64_t sessions;
	uint16_t dns_port;
	struct filter noop, targrey;
	char url[300], config[300], log[300];
	uint64_t next; /* numbers that no session had yet */
};

static void
start_targrey(struct bench *bench)
{
	char f[] = "-f";
	char *const arguments[] = {
	    (char *)(uintptr_t)bench->targreyd, f, bench->config, NULL};

	filter_start(&bench->targrey, bench->log, arguments);
}

static void
start_noop(struct bench *bench)
{
	char *const arguments[] = {
	    (char *)(uintptr_t)bench->noop_path, bench->noop.socket, NULL};

	filter_start(&bench->noop, bench->log, arguments);
}

/* ------------------------------------------------------------------- sessions */

enum path { PATH_NEW, PATH_SECOND, PATH_KNOWN, PATHS };
static const char *const path_names[PATHS] = {
    "new suspect -> 450", "second try -> accepted", "known client -> accepted"};

struct sample {
	double rate, cpu_us, rcpt_p99, data_p50, data_p99, session_p99, session_max;
};

static struct sample
measure(struct bench *bench, const struct filter *filter, enum path path,
    uint64_t first, double rate)
{
	struct load_spec spec = {
	    .socket = filter->socket,
	    .parallel = rate > 0 ? 256 : PARALLEL,
	    .rate = rate,
	    .first = first,
	    .count = bench->sessions,
	    .ends_at_data = path == PATH_NEW,
	    .describe = path == PATH_KNOWN ? load_known : load_suspect,
	};
	struct load_result result;
	double cpu = cpu_of_s(filter->pid);

	if (!load_run(&spec, &result))
		die("a filter is gone; see its log in the folder");
	cpu = cpu_of_s(filter->pid) - cpu;
	uint64_t wanted = result.accepted;
	if (filter == &bench->targrey && path == PATH_NEW)
		wanted = result.delayed;
	if (wanted != spec.count) {
		fprintf(stderr,
		    "bench_filter: %s: %llu accepted, %llu delayed, %llu broken\n",
		    path_names[path], (unsigned long long)result.accepted,
		    (unsigned long long)result.delayed,
		    (unsigned long long)result.broken);
		exit(1);
	}
	return (struct sample){(double)spec.count / result.seconds,
	    cpu / (double)spec.count * 1e6, result.rcpt_p99, result.data_p50,
	    result.data_p99, result.session_p99, result.session_max};
}

static double
median_of(const double *values, unsigned count)
{
	double copy[ROUNDS_MAX];

	memcpy(copy, values, count * sizeof *copy);
	return median(copy, count);
}

struct column {
	double rate[ROUNDS_MAX], cpu[ROUNDS_MAX], data_p99[ROUNDS_MAX],
	    rate_ratio[ROUNDS_MAX], cpu_ratio[ROUNDS_MAX];
};

static void
put(struct column *column, unsigned round, const struct sample *sample,
    const struct sample *before, const struct sample *after)
{
	column->rate[round] = sample->rate;
	column->cpu[round] = sample->cpu_us;
	column->data_p99[round] = sample->data_p99;
	column->rate_ratio[round] =
	    sample->rate / ((before->rate + after->rate) / 2);
	column->cpu_ratio[round] =
	    sample->cpu_us / ((before->cpu_us + after->cpu_us) / 2);
}

static void
one_round(struct bench *bench, unsigned round, struct column *columns,
    struct column *noops)
{
	uint64_t first = bench->next;
	struct sample before[PATHS], sample[PATHS], after[PATHS];

	bench->next += bench->sessions;
	for (int path = 0; path < PATHS; path++) {
		if (path != PATH_SECOND)
			before[path] =
			    measure(bench, &bench->noop, (enum path)path, first, 0);
	}
	before[PATH_SECOND] = before[PATH_KNOWN];
	for (int path = 0; path < PATHS; path++)
		sample[path] =
		    measure(bench, &bench->targrey, (enum path)path, first, 0);
	for (int path = 0; path < PATHS; path++) {
		if (path != PATH_SECOND)
			after[path] =
			    measure(bench, &bench->noop, (enum path)path, first, 0);
	}
	after[PATH_SECOND] = after[PATH_KNOWN];
	for (int path = 0; path < PATHS; path++) {
		put(&columns[path], round, &sample[path], &before[path],
		    &after[path]);
		put(&noops[path], round, &after[path], &before[path], &after[path]);
	}
}

static void
print_columns(const struct bench *bench, const char *what,
    const struct column *columns, const struct column *noops)
{
	static const char *const rate_goals[PATHS] = {
	    ">= 0.33", ">= 1.0", ">= 1.0"};
	static const char *const cpu_goals[PATHS] = {"", "", "<= 1.25"};

	for (int path = 0; path < PATHS; path++) {
		const struct column *column = &columns[path];
		const char *name = path_names[path];
		figure(median_of(noops[path].rate, bench->rounds), "sessions/s", "",
		    "%s, %s, no-op", what, name);
		figure(median_of(noops[path].cpu, bench->rounds), "us CPU", "",
		    "%s, %s, no-op", what, name);
		figure(median_of(column->rate, bench->rounds), "sessions/s", "",
		    "%s, %s", what, name);
		figure(median_of(column->cpu, bench->rounds), "us CPU", "",
		    "%s, %s", what, name);
		figure(median_of(column->data_p99, bench->rounds), "ms DATA p99",
		    "", "%s, %s", what, name);
		figure(median_of(column->rate_ratio, bench->rounds), "x rate",
		    rate_goals[path], "%s, %s", what, name);
		figure(median_of(column->cpu_ratio, bench->rounds), "x CPU",
		    cpu_goals[path], "%s, %s", what, name);
	}
}

/* New suspects at a fixed rate: what a stall would do to them. */
static void
open_loop(struct bench *bench, const char *what)
{
	uint64_t sessions = bench->sessions;

	bench->sessions = sessions < 5000 ? sessions : 5000;
	struct sample sample =
	    measure(bench, &bench->targrey, PATH_NEW, bench->next, RATE);
	bench->next += bench->sessions;
	bench->sessions = sessions;
	figure(
	    sample.data_p50, "ms", "", "%s, %d new a second, DATA p50", what, RATE);
	figure(
	    sample.data_p99, "ms", "", "%s, %d new a second, DATA p99", what, RATE);
	figure(sample.session_max, "ms", "", "%s, %d new a second, session max",
	    what, RATE);
}

static void
bench_rows(struct bench *bench, uint64_t rows, bool spf)
{
	static struct column columns[PATHS], noops[PATHS];
	struct store_settings settings = workload_settings(bench->url);
	struct error error;
	char what[64];
	double p50, p99;

	snprintf(
	    what, sizeof what, "%.0e rows%s", (double)rows, spf ? ", SPF" : "");
	printf("# %s\n", what);
	if (!workload_fill(&settings, rows, time(NULL), 86400, &error))
		die(error.text);
	if (!load_make_known(bench->url, &error))
		die(error.text);
	bench->next = rows + 1000;
	filter_config(
	    bench->config, &(struct filter_config){.socket = bench->targrey.socket,
	                       .rules = bench->rules,
	                       .url = bench->url,
	                       .dns_port = bench->dns_port,
	                       .spf = spf});
	start_noop(bench);
	start_targrey(bench);
	figure(
	    bench->targrey.ready_ms, "ms", "<= 50", "%s, ready after exec", what);
	measure_sync(bench->folder, &p50, &p99);
	figure(p50, "ms", "", "%s, fdatasync p50", what);
	figure(p99, "ms", "", "%s, fdatasync p99", what);
	for (unsigned round = 0; round < bench->rounds; round++)
		one_round(bench, round, columns, noops);
	print_columns(bench, what, columns, noops);
	open_loop(bench, what);
	figure(rss_mib(bench->targrey.pid), "MiB", "<= 24", "%s, memory", what);
	figure(filter_stop(&bench->targrey), "ms", "", "%s, stop", what);
	(void)filter_stop(&bench->noop);
	unlink(bench->url + strlen("sqlite:"));
}

int
main(int argc, char **argv)
{
	static struct bench bench;

	if (argc < 8) {
		fprintf(stderr,
		    "usage: bench_filter FOLDER TARGREYD NOOP RULES ROUNDS "
		    "SESSIONS ROWS...\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	bench.folder = argv[1];
	bench.targreyd = argv[2];
	bench.noop_path = argv[3];
	bench.rules = argv[4];
	bench.rounds = (unsigned)atoi(argv[5]);
	bench.sessions = (uint64_t)atol(argv[6]);
	if (bench.rounds < 1 || bench.rounds > ROUNDS_MAX)
		die("1 to 16 rounds");
	snprintf(
	    bench.noop.socket, sizeof bench.noop.socket, "%s/noop", bench.folder);
	snprintf(bench.targrey.socket, sizeof bench.targrey.socket, "%s/targrey",
	    bench.folder);
	snprintf(bench.url, sizeof bench.url, "sqlite:%s/t.db", bench.folder);
	snprintf(
	    bench.config, sizeof bench.config, "%s/targrey.conf", bench.folder);
	snprintf(bench.log, sizeof bench.log, "%s/log", bench.folder);
	bench.dns_port = dns_start();
	for (int i = 7; i < argc; i++)
		bench_rows(&bench, (uint64_t)atof(argv[i]), false);
	if (argc > 8)
		bench_rows(&bench, 10000, true);
	figures_print("targreyd against a filter that does nothing");
	return 0;
}
