/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a hold costs. One figure a line, name<TAB>value<TAB>unit.
 *
 *   bench_held --quick|--memory|--full TARGREYD S25R_RULES
 */
#include "held.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GUARD_MS  60000
#define MOST      10000
#define PARALLEL  16
#define DESC_EACH 3 /* descriptors of the server's process a session */

#define FIRST_HOLDS 200

struct plan {
	double hold_s, load_s;
	int cost_rounds, bursts, leavers, stop_holds;
	int holds[6];   /* ends with 0 */
	int watched[3]; /* ends with 0 */
	int sizes[4];   /* of bursts; ends with 0 */
};

static const struct plan quick = {.hold_s = 0.5,
    .load_s = 0.3,
    .cost_rounds = 1,
    .bursts = 1,
    .leavers = 2,
    .stop_holds = 20,
    .holds = {50},
    .watched = {50},
    .sizes = {40}};
/* The memory alone, which no other process disturbs. */
static const struct plan memory = {.holds = {1000, 2000, 6000}};
static const struct plan full = {.hold_s = 6,
    .load_s = 3,
    .cost_rounds = 5,
    .bursts = 10,
    .leavers = 10,
    .stop_holds = 300,
    .holds = {100, 1000, 2000, 6000, 10000},
    .watched = {1000, 2000},
    .sizes = {40, 200, 1000}};

static const struct plan *plan;

static void
say(const char *kind, const char *name, int number, double value, const char *unit)
{
	if (number > 0)
		figure(value, unit, "", "%s_%s_%d", kind, name, number);
	else
		figure(value, unit, "", "%s_%s", kind, name);
}

static double
rate_of(const struct load_result *load)
{
	return (double)load->accepted / load->seconds;
}

static bool
has_descriptors(const char *kind, const char *name, int count, int mine)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	int needed =
	    (count + PARALLEL) * (mine > DESC_EACH ? mine : DESC_EACH) + 100;
	if (limit.rlim_max == RLIM_INFINITY || (rlim_t)needed <= limit.rlim_max)
		return true;
	fprintf(stderr,
	    "SKIPPED: %s_%s_%d needs %d descriptors per process, the limit is "
	    "%lu\n",
	    kind, name, count, needed, (unsigned long)limit.rlim_max);
	return false;
}

static double
idle_share(const struct server *server)
{
	double cpu = cpu_ms(server), from = now_ms();

	pause_s(plan->hold_s);
	return 100 * (cpu_ms(server) - cpu) / (now_ms() - from);
}

static struct load_result
measured_load(const struct server *server, double *cpu_us_r)
{
	double cpu = cpu_ms(server);
	struct load_result load =
	    session_load(server->path, PARALLEL, plan->load_s);

	if (load.broken + load.delayed > 0 || load.accepted == 0)
		fail("ordinary sessions failed");
	*cpu_us_r = (cpu_ms(server) - cpu) * 1e3 / (double)load.accepted;
	return load;
}

/*
 * On a process that has hardly served anybody yet: freed memory would hide the
 * holds'. The first few bring pages in that are no hold's.
 */
static void
measure_memory(const char *kind, int count)
{
	struct server server;

	server_start(&server, kind);
	session_load(server.path, 2, 0.02);
	hold_many(&server, FIRST_HOLDS, false);
	double before = rss_mib(server.pid);
	hold_many(&server, FIRST_HOLDS + count, false);
	say(kind, "memory_a_hold", count,
	    (rss_mib(server.pid) - before) * 1024 / count, "KB");
	if (plan->hold_s > 0)
		say(kind, "cpu_holding", count, idle_share(&server), "%");
	let_go();
	server_stop(&server);
}

static void
measure_company(const char *kind, int count)
{
	struct server server;
	double cpu_none, cpu_held;

	server_start(&server, kind);
	measured_load(&server, &cpu_none); /* to warm up */
	struct load_result none = measured_load(&server, &cpu_none);
	hold_many(&server, count, false);
	struct load_result with = measured_load(&server, &cpu_held);
	say(kind, "sessions_without_holds", count, rate_of(&none), "1/s");
	say(kind, "sessions_with_holds", count, rate_of(&with), "1/s");
	say(kind, "throughput_ratio", count, rate_of(&with) / rate_of(&none), "x");
	say(kind, "cpu_session_without_holds", count, cpu_none, "us");
	say(kind, "cpu_session_with_holds", count, cpu_held, "us");
	say(kind, "p99_without_holds", count, none.session_p99, "ms");
	say(kind, "p99_with_holds", count, with.session_p99, "ms");
	let_go();
	server_stop(&server);
}

static void
measure_watch(const char *kind, int count)
{
	struct server server;

	if (!has_descriptors(kind, "watched", count, 3))
		return;
	server_start(&server, kind);
	hold_many(&server, count, true);
	say(kind, "cpu_holding_watched", count, idle_share(&server), "%");
	let_go();
	server_stop(&server);
}

static void
measure_bursts(const char *kind, int size)
{
	static struct held free_ones[MOST];
	struct server server;
	double slowest[64];
	int rounds = size < 1000 ? plan->bursts : (plan->bursts + 2) / 3;

	server_start(&server, kind);
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < size / 2; i++) {
			struct visitor suspect = visitor_new(true);
			struct visitor plain = visitor_new(false);
			held[held_count++] = (struct held){
			    session_open(server.path, &suspect), -1, -1};
			free_ones[i].mta = session_open(server.path, &plain);
		}
		double from = now_ms();
		for (int i = 0; i < size / 2; i++) {
			session_rcpt(held[i].mta);
			session_rcpt(free_ones[i].mta);
		}
		for (int i = 0; i < size / 2; i++)
			if (session_read(free_ones[i].mta, GUARD_MS) != 'c')
				fail("an innocent was not answered");
		slowest[round] = now_ms() - from;
		for (int i = 0; i < size / 2; i++)
			close(free_ones[i].mta);
		let_go();
		pause_s(0.05);
	}
	say(kind, "burst_slowest_innocent_median", size,
	    median(slowest, (size_t)rounds), "ms");
	say(kind, "burst_slowest_innocent_worst", size,
	    quantile(slowest, (size_t)rounds, 1), "ms");
	server_stop(&server);
}

static void
measure_leaving(const char *kind)
{
	struct server server;
	double times[2][64];

	server_start(&server, kind);
	for (int i = 0; i < plan->leavers * 2; i++) {
		struct linger linger = {1, 0};
		hold_one(&server, true);
		struct held *one = &held[held_count - 1];
		pause_s(0.3 + 0.173 * (i % 8));
		double from = now_ms();
		if (i % 2 == 1)
			setsockopt(one->client, SOL_SOCKET, SO_LINGER, &linger,
			    sizeof linger);
		close(one->client);
		if (session_read(one->mta, GUARD_MS) != 'y')
			fail("a client that left was not refused");
		times[i % 2][i / 2] = now_ms() - from;
		close(one->mta);
		close(one->smtpd);
		held_count--;
	}
	for (int i = 0; i < 2; i++) {
		const char *name = i == 0 ? "gone_fin" : "gone_rst";
		char worst[32];
		snprintf(worst, sizeof worst, "%s_worst", name);
		say(kind, name, 0, median(times[i], (size_t)plan->leavers), "ms");
		say(kind, worst, 0, quantile(times[i], (size_t)plan->leavers, 1),
		    "ms");
	}
	server_stop(&server);
}

static void
measure_stop(const char *kind)
{
	struct server server;

	server_start(&server, kind);
	hold_many(&server, plan->stop_holds, false);
	double from = now_ms();
	server_signal(&server);
	for (int i = 0; i < held_count; i++) {
		if (session_read(held[i].mta, GUARD_MS) != 'y')
			fail("a held session was not answered at the stop");
		close(held[i].mta);
	}
	say(kind, "stop_all_answered", held_count, now_ms() - from, "ms");
	waitpid(server.pid, NULL, 0);
	say(kind, "stop_process_gone", held_count, now_ms() - from, "ms");
	held_count = 0;
}

/* The same filter without the gate and with it, in turns. */
static void
measure_cost(void)
{
	enum { KINDS = 2 };
	static const char *const kinds[KINDS] = {"direct", "gate"};
	double cpu[KINDS][16], rate[KINDS][16], p99[KINDS][16];
	struct server server;
	size_t rounds = (size_t)plan->cost_rounds;

	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < KINDS; i++) {
			server_start(&server, kinds[i]);
			measured_load(&server, &cpu[i][round]);
			struct load_result load =
			    measured_load(&server, &cpu[i][round]);
			rate[i][round] = rate_of(&load);
			p99[i][round] = load.session_p99;
			server_stop(&server);
		}
	for (size_t i = 0; i < KINDS; i++) {
		say(kinds[i], "cost_sessions", 0, median(rate[i], rounds), "1/s");
		say(kinds[i], "cost_p99", 0, median(p99[i], rounds), "ms");
		say(kinds[i], "cost_cpu_session", 0, median(cpu[i], rounds), "us");
	}
	/* quantile() has sorted; the medians may be of different rounds */
	for (size_t i = 1; i < KINDS; i++)
		say(kinds[i], "cost_cpu_session_added", 0,
		    median(cpu[i], rounds) - median(cpu[0], rounds), "us");
}

static void
measure_memories(const char *kind)
{
	for (const int *count = plan->holds; *count > 0; count++)
		if (has_descriptors(kind, "memory", *count, 1))
			measure_memory(kind, *count);
}

static void
measure_all(const char *kind)
{
	for (const int *count = plan->holds; *count > 0; count++)
		if (has_descriptors(kind, "holds", *count, 1))
			measure_company(kind, *count);
	for (const int *count = plan->watched; *count > 0; count++)
		measure_watch(kind, *count);
	for (const int *size = plan->sizes; *size > 0; size++)
		measure_bursts(kind, *size);
	measure_leaving(kind);
	measure_stop(kind);
}

static const struct plan *
plan_of(const char *word)
{
	if (strcmp(word, "--full") == 0)
		return &full;
	return strcmp(word, "--memory") == 0 ? &memory : &quick;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--serve") == 0)
		return serve(argv[2], argv[3]);
	if (argc != 4) {
		fprintf(stderr,
		    "usage: %s --quick|--memory|--full TARGREYD RULES\n", argv[0]);
		return 2;
	}
	plan = plan_of(argv[1]);
	server_prepare(argv[2], argv[3]);
	measure_memories("gate");
	measure_memories("targreyd");
	measure_memories("targreyd_spf");
	if (plan == &memory)
		return 0;
	measure_cost();
	measure_all("gate");
	measure_all("targreyd");
	return 0;
}
