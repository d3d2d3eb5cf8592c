/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "figures.h"
#include "workload.h"
#include "query/query.h"

static void
die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

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

uint16_t
dns_start(void)
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

void
filter_start(struct filter *filter, const char *log, char *const *arguments)
{
	double begin = now_s();

	unlink(filter->socket);
	filter->pid = fork();
	if (filter->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a bench may fail */
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

double
filter_stop(struct filter *filter)
{
	double begin = now_s();

	kill(filter->pid, SIGTERM);
	waitpid(filter->pid, NULL, 0);
	return (now_s() - begin) * 1000;
}

void
filter_config(const char *path, const struct filter_config *config)
{
	FILE *file = fopen(path, "w");

	if (file == NULL)
		die("cannot write the configuration");
	fprintf(file,
	    "mode = \"rgrey\"\nsuspect = {\"s25r\"}\nlisten = \"unix:%s\"\n"
	    "user = \"\"\nsocket_group = \"\"\nhostname = \"mx.example.jp\"\n"
	    "exempt_networks = {}\nlog = \"stderr\"\n"
	    "greylist { delay = \"0s\" retry_count = 1 retry_gap = \"0s\""
	    " max_new_per_net = 1000000 }\n"
	    "known { successes = 0 } allow { files = {} }\n"
	    "suspects { s25r = \"%s\" files = {} }\n"
	    "dns { servers = {\"127.0.0.1:%u\"} timeout = \"2s\" }\n"
	    "spf { enabled = %s }\n"
	    "store { url = \"%s\" durability = \"full\" }\nsandbox = %s\n",
	    config->socket, config->rules, config->dns_port,
	    config->spf ? "yes" : "no", config->url,
	    config->is_counted ? "no" : "yes");
	fclose(file);
}

enum kind { SUSPECT, KNOWN, STRANGER, INNOCENT };

static void
describe_as(uint64_t number, enum kind kind, struct load_session *session_r)
{
	static _Thread_local char text[WORKLOAD_SIZE], name[64];

	session_r->ip = workload_client(number).ip;
	if (kind == KNOWN) {
		session_r->ip = workload_client(number % LOAD_KNOWN * 16).ip;
		session_r->ip.bytes[12] = 9;
	}
	if (kind == INNOCENT) {
		snprintf(name, sizeof name, "mail.o%llu.example",
		    (unsigned long long)number);
	} else {
		size_t used =
		    (size_t)snprintf(name, sizeof name, "p%u-%u-%u-%u.dyn.",
		        session_r->ip.bytes[12], session_r->ip.bytes[13],
		        session_r->ip.bytes[14], session_r->ip.bytes[15]);
		if (kind == STRANGER)
			snprintf(name + used, sizeof name - used, "o%llu.example",
			    (unsigned long long)number);
		else
			snprintf(name + used, sizeof name - used, "example.net");
	}
	session_r->name = session_r->ptr = name;
	session_r->helo = "friend.example.com";
	session_r->sender = workload_triplet(number, text).sender;
	session_r->recipient = WORKLOAD_RECIPIENT;
}

void
load_suspect(uint64_t number, struct load_session *session_r)
{
	describe_as(number, SUSPECT, session_r);
}

void
load_known(uint64_t number, struct load_session *session_r)
{
	describe_as(number, KNOWN, session_r);
}

void
load_stranger(uint64_t number, struct load_session *session_r)
{
	describe_as(number, STRANGER, session_r);
}

void
load_innocent(uint64_t number, struct load_session *session_r)
{
	describe_as(number, INNOCENT, session_r);
}

static bool
make_known(void *ctx, struct error *error)
{
	struct load_session session;
	int64_t now = time(NULL);
	bool ok = true;

	for (uint64_t i = 0; ok && i < LOAD_KNOWN; i++) {
		load_known(i, &session);
		ok = query_allow_address(
		    ctx, &session.ip, now, now + 30 * 86400, NULL, error);
	}
	return ok;
}

bool
load_make_known(const char *url, struct error *error)
{
	struct query *query = query_open(url, true, error);
	bool ok = query != NULL && query_change(query, make_known, query, error);

	query_close(&query);
	return ok;
}
