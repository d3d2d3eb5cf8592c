/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store alone: attempts with their commit, recalls, expiry, size, memory
 * and start, from 10^4 rows on. Run by tests/bench/store.
 *
 * usage: bench_store FOLDER ROUNDS ROWS...
 */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_fixture.h"
#include "figures.h"
#include "workload.h"
#include "shim.h"
#include "store/apply.h"
#include "store/keys.h"
#include "query/query.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

#define WINDOW_S (2 * 86400)
#define NOW      start_time

/* The attempts' time, while the clock itself runs on. */
static int64_t start_time;

struct bench {
	char path[256], url[300];
	struct store_settings settings;
	_Atomic int64_t shift_ms;
	struct clock clock;
	struct store *store;
	uint64_t rows;
};

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, why);
	exit(1);
}

/* -------------------------------------------------------------------- fill */

static void
open_bench(struct bench *bench)
{
	struct error error;

	bench->store = store_open(&bench->settings, &bench->clock, &error);
	if (bench->store == NULL)
		die("open", error.text);
}

static void
fill(struct bench *bench, uint64_t rows)
{
	struct error error;
	double start = now_s();

	if (!workload_fill(&bench->settings, rows, NOW, WINDOW_S, &error))
		die("fill", error.text);
	bench->rows = rows;
	figure((double)rows / (now_s() - start), "rows/s", "",
	    "raw batches of 20000, %.0e rows", (double)rows);
}

/* --------------------------------------------------- attempts with their commit */

#define SAMPLES 200000

struct load {
	struct bench *bench;
	_Atomic uint64_t next, end;
	sem_t over;
	_Atomic unsigned left; /* chains that still run */
	double started[4096];
	double *samples;
	_Atomic size_t samples_count;
	_Atomic unsigned failed;
};

static void send_next(struct load *load, uint64_t chain);

static void
committed(void *ctx, uint64_t chain, enum note_state state)
{
	struct load *load = ctx;
	size_t place = atomic_fetch_add(&load->samples_count, 1);

	if (state != NOTE_COMMITTED)
		atomic_fetch_add(&load->failed, 1);
	if (place < SAMPLES)
		load->samples[place] = (now_s() - load->started[chain]) * 1000;
	send_next(load, chain);
}

/* Each client sends its next attempt when the last one is committed. */
static void
send_next(struct load *load, uint64_t chain)
{
	uint64_t number = atomic_fetch_add(&load->next, 1);
	char text[WORKLOAD_SIZE];

	if (number >= load->end) {
		if (atomic_fetch_sub(&load->left, 1) == 1)
			sem_post(&load->over);
		return;
	}
	struct triplet triplet = workload_triplet(number, text);
	struct note_spec spec = {
	    .who = workload_client(number),
	    .now = NOW,
	    .outcome = OUTCOME_ATTEMPT,
	    .settings = &test_policy,
	    .triplets = &triplet,
	    .count = 1,
	    .done = committed,
	    .ctx = load,
	    .number = chain,
	};
	struct note *note = note_new(&spec);
	load->started[chain] = now_s();
	store_submit(load->bench->store, note);
	note_drop(&note);
}

struct attempts {
	double rate, cpu_us, p50, p99, max, commits;
};

static struct attempts
attempts(struct bench *bench, unsigned clients, uint64_t count)
{
	static double samples[SAMPLES];
	static struct load load;
	struct store_status_report before, after;

	load = (struct load){.bench = bench, .samples = samples};
	load.next = bench->rows;
	load.end = bench->rows + count;
	load.left = clients;
	sem_init(&load.over, 0, 0);
	store_report(bench->store, false, &before);
	double start = now_s(), cpu = cpu_self_s();
	for (unsigned i = 0; i < clients; i++)
		send_next(&load, i);
	while (sem_wait(&load.over) != 0)
		;
	double took = now_s() - start;
	cpu = cpu_self_s() - cpu;
	store_flush(bench->store);
	store_report(bench->store, false, &after);
	if (load.failed > 0)
		die("attempts", after.trouble);
	bench->rows += count;
	size_t n = load.samples_count < SAMPLES ? load.samples_count : SAMPLES;
	return (struct attempts){(double)count / took, cpu / (double)count * 1e6,
	    quantile(samples, n, 0.5), quantile(samples, n, 0.99),
	    quantile(samples, n, 1),
	    (double)(after.commits - before.commits) / (double)count * 1000};
}

static void
bench_attempts(struct bench *bench, unsigned rounds, bool durable, const char *what,
    const unsigned *clients, size_t clients_count, uint64_t count, const char *goal)
{
	struct attempts all[16];
	double values[16];

	bench->settings.durable = durable;
	open_bench(bench);
	attempts(bench, 16, 200); /* warm */
	for (size_t c = 0; c < clients_count; c++) {
		for (unsigned i = 0; i < rounds; i++)
			all[i] = attempts(bench, clients[c], count);
#define MEDIAN(member, unit, wanted)                                               \
	for (unsigned i = 0; i < rounds; i++)                                      \
		values[i] = all[i].member;                                         \
	figure(median(values, rounds), unit, wanted, "%s, %u clients, " #member,   \
	    what, clients[c])
		MEDIAN(rate, "attempts/s", goal);
		MEDIAN(cpu_us, "us", "");
		MEDIAN(p50, "ms", "");
		MEDIAN(p99, "ms", "");
		MEDIAN(max, "ms", "");
		MEDIAN(commits, "/1000", "");
#undef MEDIAN
	}
	store_close(&bench->store);
}

/* ------------------------------------------------------------------- recalls */

static void
bench_recalls(struct bench *bench, unsigned count)
{
	static double samples[SAMPLES];
	struct history history;
	struct grey_row row;
	char text[WORKLOAD_SIZE];
	unsigned found = 0;

	open_bench(bench);
	history.rows = &row;
	for (int known = 0; known < 2; known++) {
		double cpu = cpu_self_s();
		for (unsigned i = 0; i < count; i++) {
			uint64_t number = workload_mix(i * 77777 + 1) % bench->rows;
			if (!known)
				number += bench->rows + 1000000;
			struct store_who who = workload_client(number);
			struct triplet triplet = workload_triplet(number, text);
			double start = now_s();
			if (store_recall(bench->store, &who, &triplet, 1, NOW,
			        &history) != STORE_OK)
				die("recall", "failed");
			samples[i] = (now_s() - start) * 1e6;
			found += row.first != 0;
		}
		cpu = cpu_self_s() - cpu;
		figure(quantile(samples, count, 0.5), "us", "", "recall, %s, p50",
		    known ? "known" : "new");
		figure(quantile(samples, count, 0.99), "us", "", "recall, %s, p99",
		    known ? "known" : "new");
		figure(cpu / count * 1e6, "us", "", "recall, %s, CPU",
		    known ? "known" : "new");
	}
	store_close(&bench->store);
	if (found != count)
		fprintf(stderr, "bench_store: %u of %u known ones found\n", found,
		    count);
}

/* ------------------------------------------------------------------- expiry */

struct pacing {
	sem_t done;
	double started;
};

static void
note_done(void *ctx, uint64_t number, enum note_state state)
{
	double *sample = ctx;

	(void)number;
	(void)state;
	*sample = (now_s() - *sample) * 1000;
}

/* 500 attempts per second, each sent in time however long others take. */
static void
bench_expiry(struct bench *bench)
{
	static double samples[SAMPLES];
	struct store_status_report report;
	size_t sent = 0;
	char text[WORKLOAD_SIZE];

	bench->settings.durable = true;
	open_bench(bench);
	store_report(bench->store, true, &report);
	uint64_t before = report.triplets_waiting;
	/* So far on that 30 % of the rows are past their time. */
	int64_t later = (int64_t)(WINDOW_S * 0.3) + SCHEMA_BUCKET_S;
	atomic_store(&bench->shift_ms, later * 1000);
	double start = now_s(), cpu = cpu_self_s(), ended = 0, wal = 0;
	uint64_t left = before;
	while (sent < SAMPLES) {
		double due = start + (double)sent / 500;
		while (now_s() < due)
			usleep(200);
		struct triplet triplet = workload_triplet(bench->rows + sent, text);
		struct note_spec spec = {
		    .who = workload_client(bench->rows + sent),
		    .now = NOW + later,
		    .outcome = OUTCOME_ATTEMPT,
		    .settings = &test_policy,
		    .triplets = &triplet,
		    .count = 1,
		    .done = note_done,
		    .ctx = &samples[sent],
		};
		samples[sent] = now_s();
		struct note *note = note_new(&spec);
		store_submit(bench->store, note);
		note_drop(&note);
		sent++;
		if (sent % 250 != 0)
			continue;
		store_report(bench->store, false, &report);
		if ((double)report.wal_bytes > wal)
			wal = (double)report.wal_bytes;
		if (!report.expiring) {
			ended = now_s();
			break;
		}
	}
	cpu = cpu_self_s() - cpu;
	store_flush(bench->store);
	store_report(bench->store, true, &report);
	left = report.triplets_waiting;
	store_close(&bench->store);
	double removed = (double)(before + sent) - (double)left;
	figure(removed, "rows", "", "expiry, removed");
	figure(ended - start, "s", "", "expiry, took");
	figure(cpu / (removed + 1) * 1e6, "us", "",
	    "expiry, CPU a row (attempts included)");
	figure(
	    quantile(samples, sent, 0.5), "ms", "", "expiry, 500 attempts/s, p50");
	figure(quantile(samples, sent, 0.99), "ms", "<= 4",
	    "expiry, 500 attempts/s, p99");
	figure(quantile(samples, sent, 1), "ms", "<= 25",
	    "expiry, 500 attempts/s, max");
	figure(wal / 1048576, "MiB", "<= 64", "expiry, longest log");
	atomic_store(&bench->shift_ms, 0);
}

/* --------------------------------------------------- size, memory, start-up */

static void
bench_size(struct bench *bench)
{
	static const struct {
		const char *table, *goal;
	} tables[] = {{"waiting", "<= 40"}, {"waiting_text", ""}, {"address", ""}};
	struct trouble trouble = {0};
	struct connection connection;
	char sql[200];
	int64_t bytes, count;

	if (!connection_open(&connection, bench->path, SQLITE_OPEN_READWRITE, 2048,
	        1000, &trouble))
		die("size", trouble.error.text);
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		snprintf(sql, sizeof sql,
		    "SELECT sum(pgsize) FROM dbstat WHERE name = '%s'",
		    tables[i].table);
		if (!connection_number(&connection, sql, &bytes, &trouble))
			die("dbstat", trouble.error.text);
		snprintf(
		    sql, sizeof sql, "SELECT count(*) FROM %s", tables[i].table);
		if (!connection_number(&connection, sql, &count, &trouble))
			die("count", trouble.error.text);
		if (count > 0)
			figure((double)bytes / (double)count, "bytes/row",
			    tables[i].goal, "size of %s", tables[i].table);
	}
	connection_close(&connection);
}

/* In a child of its own, so that nothing of the filling is counted. */
static void
bench_start(struct bench *bench)
{
	int ends[2];
	double values[3] = {0};

	if (pipe(ends) != 0)
		die("start", "no pipe");
	pid_t pid = fork();
	if (pid == 0) {
		struct history history;
		struct grey_row row;
		char text[WORKLOAD_SIZE];
		double start = now_s();
		open_bench(bench);
		struct store_who who = workload_client(5);
		struct triplet triplet = workload_triplet(5, text);
		history.rows = &row;
		store_recall(bench->store, &who, &triplet, 1, NOW, &history);
		values[0] = (now_s() - start) * 1000;
		attempts(bench, 16, 20000);
		values[1] = rss_mib(getpid());
		start = now_s();
		store_close(&bench->store);
		values[2] = (now_s() - start) * 1000;
		_exit(write(ends[1], values, sizeof values) != sizeof values);
	}
	if (read(ends[0], values, sizeof values) != sizeof values)
		die("start", "the child failed");
	waitpid(pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	bench->rows += 20000;
	figure(values[0], "ms", "<= 50", "start and first recall");
	figure(
	    values[1], "MiB", "<= 24", "memory after 20000 attempts of 16 clients");
	figure(values[2], "ms", "", "stop");
}

/* ------------------------------------------------------------------ slow disk */

static void
bench_slow_disk(struct bench *bench, unsigned rounds)
{
	static const unsigned clients[] = {16, 256};

	shim_slow_sync(5000);
	bench_attempts(bench, rounds, true, "every sync 5 ms longer", clients, 2,
	    8000, ">= 8000 (256)");
	shim_slow_sync(0);
}

static void
bench_rows(struct bench *bench, const char *folder, uint64_t rows, unsigned rounds)
{
	static const unsigned clients[] = {1, 16, 64, 256};
	uint64_t count = rounds > 3 ? 20000 : 5000;
	double p50, p99;

	snprintf(
	    bench->path, sizeof bench->path, "%s/%.0e.db", folder, (double)rows);
	snprintf(bench->url, sizeof bench->url, "sqlite:%s", bench->path);
	bench->settings = (struct store_settings){
	    .url = bench->url,
	    .durable = true,
	    .events_s = 30 * 86400,
	    .retry_window_s = WINDOW_S,
	    .max_age_s = 35 * 86400,
	};
	printf("# %.0e rows\n", (double)rows);
	fill(bench, rows);
	measure_sync(folder, &p50, &p99);
	figure(p50, "ms", "", "fdatasync p50, %.0e rows", (double)rows);
	figure(p99, "ms", "", "fdatasync p99, %.0e rows", (double)rows);
	bench_start(bench);
	char what[64];
	snprintf(what, sizeof what, "full, %.0e rows", (double)rows);
	bench_attempts(bench, rounds, true, what, clients, 4, count, "");
	snprintf(what, sizeof what, "normal, %.0e rows", (double)rows);
	bench_attempts(bench, rounds, false, what, clients + 1, 1, count, "");
	bench_recalls(bench, 20000);
	bench_size(bench);
	bench_slow_disk(bench, rounds > 3 ? 3 : 1);
	bench_expiry(bench);
	unlink(bench->path);
}

int
main(int argc, char **argv)
{
	static struct bench bench;

	if (argc < 4) {
		fprintf(stderr, "usage: bench_store FOLDER ROUNDS ROWS...\n");
		return 2;
	}
	shim_install();
	bench.clock = (struct clock){.shift_ms = &bench.shift_ms};
	start_time = clock_wall(&bench.clock);
	for (int i = 3; i < argc; i++)
		bench_rows(&bench, argv[1], (uint64_t)atof(argv[i]),
		    (unsigned)atoi(argv[2]));
	figures_print("The store alone");
	return 0;
}
