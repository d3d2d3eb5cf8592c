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
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "figures.h"
#include "load.h"
#include "made.h"
#include "store/query.h"

#define KNOWN      256 /* clients that are allowed */
#define PARALLEL   16
#define ROUNDS_MAX 16
#define RATE       1000

static void
die(const char *what)
{
	fprintf(stderr, "bench_filter: %s\n", what);
	exit(1);
}

/* ---------------------------------------------------------------- a DNS server */

/* Knows no name: answers NXDOMAIN to everything, on a port of its own. */
static void *
answer_dns(void *arg)
{
	int fd = *(int *)arg;
	unsigned char packet[1500];
	struct sockaddr_in from;

	for (;;) {
		socklen_t size = sizeof from;
		ssize_t length = recvfrom(
		    fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &size);
		if (length < 12)
			continue;
		packet[2] = 0x85; /* answer, authoritative, recursion desired */
		packet[3] = 0x83; /* recursion available, NXDOMAIN */
		packet[10] = packet[11] = 0; /* no additional section */
		/* The question ends at its root label and four octets. */
		ssize_t end = 12;
		while (end < length && packet[end] != 0)
			end += packet[end] + 1;
		end += 5;
		if (end <= length)
			(void)sendto(fd, packet, (size_t)end, 0,
			    (struct sockaddr *)&from, size);
	}
	return NULL;
}

static uint16_t
start_dns(void)
{
	static int fd;
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	pthread_t thread;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
	    pthread_create(&thread, NULL, answer_dns, &fd) != 0)
		die("no DNS server");
	return ntohs(address.sin_port);
}

/* ----------------------------------------------------------------- the filters */

struct filter {
	char socket[108];
	pid_t pid;
	double ready_ms; /* from exec to the first connection */
};

static bool
can_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	bool ok = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
	close(fd);
	return ok;
}

static void
start(struct filter *filter, const char *log, char *const *arguments)
{
	double begin = now_s();

	unlink(filter->socket);
	filter->pid = fork();
	if (filter->pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
		dup2(fd, 1);
		dup2(fd, 2);
		execv(arguments[0], arguments);
		_exit(127);
	}
	while (!can_connect(filter->socket)) {
		if (waitpid(filter->pid, NULL, WNOHANG) != 0 ||
		    now_s() - begin > 30)
			die("a filter did not start; see its log in the folder");
		usleep(500);
	}
	filter->ready_ms = (now_s() - begin) * 1000;
}

static double
stop(struct filter *filter)
{
	double begin = now_s();

	kill(filter->pid, SIGTERM);
	waitpid(filter->pid, NULL, 0);
	return (now_s() - begin) * 1000;
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
write_config(struct bench *bench, bool spf)
{
	FILE *file = fopen(bench->config, "w");

	if (file == NULL)
		die("cannot write the configuration");
	fprintf(file,
	    "mode = \"rgrey\"\nsuspect = {\"s25r\"}\nlisten = \"unix:%s\"\n"
	    "user = \"\"\nsocket_group = \"\"\nhostname = \"mx.example.jp\"\n"
	    "exempt_networks = {}\nlog = \"stderr\"\n"
	    "greylist { delay = \"0s\" retry_count = 1 retry_gap = \"0s\""
	    " max_new_per_net = 1000000 }\n"
	    "allow { auto_allow = 0 files = {} }\n"
	    "suspects { s25r = \"%s\" files = {} }\n"
	    "dns { servers = {\"127.0.0.1:%u\"} timeout = \"2s\" }\n"
	    "spf { enabled = %s }\n"
	    "store { url = \"%s\" durability = \"full\" }\n",
	    bench->targrey.socket, bench->rules, bench->dns_port,
	    spf ? "yes" : "no", bench->url);
	fclose(file);
}

static void
start_targrey(struct bench *bench)
{
	char f[] = "-f";
	char *const arguments[] = {
	    (char *)(uintptr_t)bench->targreyd, f, bench->config, NULL};

	start(&bench->targrey, bench->log, arguments);
}

static void
start_noop(struct bench *bench)
{
	char *const arguments[] = {
	    (char *)(uintptr_t)bench->noop_path, bench->noop.socket, NULL};

	start(&bench->noop, bench->log, arguments);
}

/* ------------------------------------------------------------------- sessions */

static void
describe_as(uint64_t number, bool known, struct load_session *session_r)
{
	static char text[MADE_SIZE], name[64];

	session_r->ip = made_client(number).ip;
	if (known) {
		session_r->ip = made_client(number % KNOWN * 16).ip;
		session_r->ip.bytes[12] = 9;
	}
	snprintf(name, sizeof name, "p%u-%u-%u-%u.dyn.example.net",
	    session_r->ip.bytes[12], session_r->ip.bytes[13],
	    session_r->ip.bytes[14], session_r->ip.bytes[15]);
	session_r->name = session_r->ptr = name;
	session_r->helo = "friend.example.com";
	session_r->sender = made_triplet(number, text).sender;
	session_r->recipient = MADE_RECIPIENT;
}

static void
suspect(uint64_t number, struct load_session *session_r)
{
	describe_as(number, false, session_r);
}

static void
known(uint64_t number, struct load_session *session_r)
{
	describe_as(number, true, session_r);
}

static void
allow_known(struct bench *bench)
{
	struct error error;
	struct query *query = query_open(bench->url, true, &error);
	struct load_session session;

	if (query == NULL || !query_begin(query, &error))
		die(error.text);
	for (uint64_t i = 0; i < KNOWN; i++) {
		known(i, &session);
		if (!query_allow_address(query, &session.ip, time(NULL),
		        time(NULL) + 30 * 86400, NULL, &error))
			die(error.text);
	}
	if (!query_commit(query, &error))
		die(error.text);
	query_close(&query);
}

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
	    .describe = path == PATH_KNOWN ? known : suspect,
	};
	struct load_result result;
	double cpu = cpu_of_s(filter->pid);

	if (!load_run(&spec, &result))
		die("a filter is gone; see its log in the folder");
	cpu = cpu_of_s(filter->pid) - cpu;
	uint64_t wanted = result.accepted;
	if (filter == &bench->targrey && path == PATH_NEW)
		wanted = result.delayed;
	if (wanted != spec.count)
		fprintf(stderr,
		    "bench_filter: %s: %llu accepted, %llu delayed, %llu broken\n",
		    path_names[path], (unsigned long long)result.accepted,
		    (unsigned long long)result.delayed,
		    (unsigned long long)result.broken);
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
	static const char *const rate_goals[PATHS] = {">= 0.6", ">= 1.0", ">= 1.1"};
	static const char *const cpu_goals[PATHS] = {"", "<= 1.05", "<= 0.9"};

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
	struct store_settings settings = {
	    .url = bench->url,
	    .durable = true,
	    .events_s = 30 * 86400,
	    .retry_window_s = 2 * 86400,
	    .max_age_s = 35 * 86400,
	};
	struct error error;
	char what[64];
	double p50, p99;

	snprintf(
	    what, sizeof what, "%.0e rows%s", (double)rows, spf ? ", SPF" : "");
	printf("# %s\n", what);
	if (!made_fill(&settings, rows, time(NULL), 86400, &error))
		die(error.text);
	allow_known(bench);
	bench->next = rows + 1000;
	write_config(bench, spf);
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
	figure(stop(&bench->targrey), "ms", "", "%s, stop", what);
	(void)stop(&bench->noop);
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
	bench.dns_port = start_dns();
	for (int i = 7; i < argc; i++)
		bench_rows(&bench, (uint64_t)atof(argv[i]), false);
	if (argc > 8)
		bench_rows(&bench, 10000, true);
	figures_print("targreyd against a filter that does nothing");
	return 0;
}
