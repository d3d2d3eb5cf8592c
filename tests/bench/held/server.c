/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes that are measured, and the sessions that they hold. */
#include "held.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct held held[MOST_HELD];
int held_count;

static const char *targreyd;
static char *rules;
static char folder[64];
static int listener = -1;
static uint16_t listener_port;

void
fail(const char *what)
{
	fprintf(stderr, "bench_held: %s\n", what);
	exit(1);
}

void
pause_s(double seconds)
{
	struct timespec time = {
	    (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
	nanosleep(&time, NULL);
}

static bool
is_daemon(const char *kind)
{
	return strncmp(kind, "targreyd", strlen("targreyd")) == 0;
}

static void
write_config(const struct server *server)
{
	bool wants_spf = strcmp(server->kind, "targreyd_spf") == 0;
	char name[128];

	snprintf(name, sizeof name, "%s/targrey.conf", folder);
	FILE *file = fopen(name, "w");
	if (file == NULL)
		fail("no configuration");
	fprintf(file,
	    "mode = \"targrey\"\nlisten = \"unix:%s\"\nuser = \"\"\n"
	    "socket_group = \"\"\nhostname = \"mx.example.jp\"\n"
	    "exempt_networks = {}\nlog = \"stderr\"\n"
	    "tarpit { hold = \"230s\" max_sessions = 10000 max_per_net = 10000 "
	    "vary = 0 }\n"
	    "allow { files = {} }\nsuspects { s25r = \"%s\" files = {} }\n"
	    "dns { servers = {\"127.0.0.1:9\"} timeout = \"1s\" }\n"
	    "spf { enabled = %s }\nstore { url = \"sqlite:%s/targrey.db\" }\n",
	    server->path, rules, wants_spf ? "yes" : "no", folder);
	fclose(file);
}

static void
run_child(const struct server *server)
{
	char conf[128], log[128];

	snprintf(log, sizeof log, "%s/log", folder);
	if (freopen(log, "a", stderr) == NULL)
		_exit(1);
	if (!is_daemon(server->kind)) {
		execl("/proc/self/exe", "bench_held", "--serve", server->kind,
		    folder, (char *)NULL);
		_exit(1);
	}
	snprintf(conf, sizeof conf, "%s/targrey.conf", folder);
	execl(targreyd, targreyd, "-f", conf, (char *)NULL);
	_exit(1);
}

static void
remove_files(void)
{
	static const char *const files[] = {"front.sock", "front.sock.lock",
	    "front.sock.away", "back.sock", "log", "targrey.conf", "targrey.db",
	    "targrey.db-wal", "targrey.db-shm", "targrey.db.lock"};
	char name[128];

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(name, sizeof name, "%s/%s", folder, files[i]);
		unlink(name);
	}
}

void
server_start(struct server *server, const char *kind)
{
	struct visitor visitor = visitor_new(false);

	/* each with an empty database */
	remove_files();
	server->kind = kind;
	snprintf(server->path, sizeof server->path, "%s/front.sock", folder);
	if (is_daemon(kind))
		write_config(server);
	server->pid = fork();
	if (server->pid == 0)
		run_child(server);
	for (double until = now_ms() + GUARD_MS; now_ms() < until;) {
		int fd = session_open(server->path, &visitor);
		if (fd >= 0) {
			close(fd);
			return;
		}
		if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
			break;
		pause_s(0.01);
	}
	fail("the server did not start; run with KEEP=1 and read the log");
}

void
server_signal(const struct server *server)
{
	kill(server->pid, is_daemon(server->kind) ? SIGTERM : SIGUSR1);
}

void
server_stop(struct server *server)
{
	server_signal(server);
	waitpid(server->pid, NULL, 0);
	unlink(server->path);
}

double
cpu_ms(const struct server *server)
{
	clockid_t clock;
	struct timespec time;

	if (clock_getcpuclockid(server->pid, &clock) != 0 ||
	    clock_gettime(clock, &time) != 0)
		return 0;
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* ------------------------------------------------------------------ holds */

static void
listen_for_clients(void)
{
	struct sockaddr_in name = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof name;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&name, len) != 0 ||
	    listen(listener, 1024) != 0 ||
	    getsockname(listener, (struct sockaddr *)&name, &len) != 0)
		fail("no listener for clients");
	listener_port = ntohs(name.sin_port);
}

/* A client of 127.64.0.0/10 on a real connection that the gate can see. */
static void
real_client(struct held *one, struct visitor *visitor)
{
	static uint32_t next;
	struct sockaddr_in name = {.sin_family = AF_INET};
	struct sockaddr_in mta = {.sin_family = AF_INET,
	    .sin_port = htons(listener_port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof name;

	visitor->ip = (127U << 24 | 64U << 16) + ++next;
	name.sin_addr.s_addr = htonl(visitor->ip);
	one->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(one->client, (struct sockaddr *)&name, len) != 0 ||
	    connect(one->client, (struct sockaddr *)&mta, sizeof mta) != 0)
		fail("no client");
	one->smtpd = accept(listener, (struct sockaddr *)&name, &len);
	visitor->port = ntohs(name.sin_port);
	visitor->mta_port = listener_port;
}

void
hold_one(const struct server *server, bool real)
{
	struct held *one = &held[held_count++];
	struct visitor visitor = visitor_new(true);

	one->client = one->smtpd = -1;
	if (real)
		real_client(one, &visitor);
	one->mta = session_open(server->path, &visitor);
	if (one->mta < 0)
		fail("a session to be held was not served");
	session_rcpt(one->mta);
}

void
hold_many(const struct server *server, int count, bool real)
{
	while (held_count < count)
		hold_one(server, real);
	pause_s(1);
	for (int i = 0; i < held_count; i++)
		if (session_read(held[i].mta, 0) != '?')
			fail("a session was not held");
}

void
let_go(void)
{
	for (int i = 0; i < held_count; i++) {
		close(held[i].mta);
		if (held[i].client >= 0) {
			close(held[i].client);
			close(held[i].smtpd);
		}
	}
	held_count = 0;
}

static void
clean(void)
{
	if (getenv("KEEP") != NULL)
		return;
	remove_files();
	if (rmdir(folder) != 0)
		fprintf(stderr, "bench_held: %s is not empty\n", folder);
}

void
server_prepare(const char *daemon, const char *rules_file)
{
	struct rlimit limit;
	char made[] = "/var/tmp/targrey-held-XXXXXX";

	if (mkdtemp(made) == NULL)
		fail("no folder");
	memcpy(folder, made, sizeof made);
	atexit(clean);
	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	targreyd = daemon;
	rules = realpath(rules_file, NULL);
	if (rules == NULL)
		fail("no rules");
	listen_for_clients();
}
