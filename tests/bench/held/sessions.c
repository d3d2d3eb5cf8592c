/* SPDX-License-Identifier: BSD-2-Clause */
#include "held.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define OFFER       0x1fffffU
#define NO_BODY     0x10U
#define NR_CONNECT  0x1000U
#define NR_HELO     0x2000U
#define BODY_SIZE   2048
#define MOST_LOAD   64
#define MOST_TIMES  2000000
#define BUFFER_SIZE 8192

double
now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double
quantile(double *samples, size_t count, double part)
{
	if (count == 0)
		return 0;
	qsort(samples, count, sizeof *samples, by_value);
	return samples[(size_t)(part * (double)(count - 1) + 0.5)];
}

double
median(double *samples, size_t count)
{
	return quantile(samples, count, 0.5);
}

struct visitor
visitor_new(bool suspect)
{
	static uint32_t next;

	next++;
	/* 10.0.0.0/9 for suspects, the upper half for the others */
	uint32_t ip = 10U << 24 | (suspect ? 0 : 1U << 23) | (next & 0x7fffff);
	return (struct visitor){ip, (uint16_t)(1024 + next % 60000), 25, suspect};
}

static size_t
put(char *buf, size_t at, char cmd, const void *data, size_t len)
{
	size_t size = len + 1;

	for (int i = 0; i < 4; i++)
		buf[at + (size_t)i] = (char)(size >> (24 - 8 * i));
	buf[at + 4] = cmd;
	if (len > 0)
		memcpy(buf + at + 5, data, len);
	return at + 5 + len;
}

static size_t
put_negotiation(char *buf)
{
	uint32_t body[3] = {htonl(6), htonl(0x1ff), htonl(OFFER)};
	return put(buf, 0, 'O', body, sizeof body);
}

static size_t
put_connect(char *buf, const struct visitor *visitor)
{
	char data[512], address[INET_ADDRSTRLEN];
	struct in_addr ip = {htonl(visitor->ip)};
	const char *name = visitor->suspect ? "unknown" : "mail.example.com";
	uint16_t port = htons(visitor->port);
	size_t at;

	inet_ntop(AF_INET, &ip, address, sizeof address);
	at = (size_t)snprintf(data, sizeof data,
	    "Cj%cmx.example.org%c{daemon_addr}%c127.0.0.1%c{daemon_port}%c%u%c"
	    "{client_name}%c%s%c{client_ptr}%c%s%c{client_resolve}%c%s",
	    0, 0, 0, 0, 0, visitor->mta_port, 0, 0, name, 0, 0, name, 0, 0,
	    visitor->suspect ? "FAIL" : "OK");
	size_t out = put(buf, 0, 'D', data, at + 1);
	at = (size_t)snprintf(data, sizeof data, visitor->suspect ? "[%s]" : "%s",
	    visitor->suspect ? address : name);
	data[at + 1] = '4';
	memcpy(data + at + 2, &port, sizeof port);
	memcpy(data + at + 4, address, strlen(address) + 1);
	return put(buf, out, 'C', data, at + 4 + strlen(address) + 1);
}

static size_t
put_helo(char *buf)
{
	return put(buf, 0, 'H', "mail.example.com", 17);
}

static size_t
put_mail(char *buf, const struct visitor *visitor)
{
	char sender[64];
	int len = snprintf(sender, sizeof sender, "<s%u@example.com>", visitor->ip);

	return put(buf, 0, 'M', sender, (size_t)len + 1);
}

static size_t
put_rcpt(char *buf)
{
	static const char macros[] = "R{rcpt_addr}\0user@example.org\0"
	                             "{rcpt_mailer}\0local";
	size_t at = put(buf, 0, 'D', macros, sizeof macros);
	return put(buf, at, 'R', "<user@example.org>", 19);
}

static size_t
put_message(char *buf, bool body)
{
	static const char text[BODY_SIZE];
	char header[64];
	size_t at = put(buf, 0, 'D', "Ei\0QUEUEID", 11);

	for (int i = 0; i < 10; i++) {
		int len = snprintf(
		    header, sizeof header, "X-Header-%d%cvalue %d", i, 0, i);
		at = put(buf, at, 'L', header, (size_t)len + 1);
	}
	at = put(buf, at, 'N', NULL, 0);
	if (body)
		at = put(buf, at, 'B', text, sizeof text);
	return put(buf, at, 'E', NULL, 0);
}

static bool
send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		data += sent;
		len -= (size_t)sent;
	}
	return true;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* One whole frame into data; its command, 0 when closed, '?' when none came. */
static char
read_frame(int fd, int ms, unsigned char data[static 64])
{
	unsigned char head[5], rest;
	struct pollfd one = {.fd = fd, .events = POLLIN};

	if (poll(&one, 1, ms) <= 0)
		return '?';
	if (recv(fd, head, sizeof head, MSG_WAITALL) != (ssize_t)sizeof head)
		return 0;
	uint32_t size = ((uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 |
	                    (uint32_t)head[2] << 8 | head[3]) -
	                1;
	for (uint32_t i = 0; i < size; i++) {
		if (recv(fd, &rest, 1, MSG_WAITALL) != 1)
			return 0;
		if (i < 64)
			data[i] = rest;
	}
	return (char)head[4];
}

char
session_read(int fd, int ms)
{
	unsigned char data[64];
	char cmd;

	do
		cmd = read_frame(fd, ms, data);
	while (cmd == 'p');
	return cmd;
}

static uint32_t
steps_of(const unsigned char *data)
{
	return (uint32_t)data[8] << 24 | (uint32_t)data[9] << 16 |
	       (uint32_t)data[10] << 8 | data[11];
}

int
session_open(const char *path, const struct visitor *visitor)
{
	char buf[BUFFER_SIZE];
	unsigned char data[64] = {0};
	int fd = connect_to(path);

	if (fd < 0)
		return -1;
	bool ok = send_all(fd, buf, put_negotiation(buf)) &&
	          read_frame(fd, GUARD_MS, data) == 'O' &&
	          send_all(fd, buf, put_connect(buf, visitor)) &&
	          ((steps_of(data) & NR_CONNECT) != 0 ||
	              session_read(fd, GUARD_MS) == 'c') &&
	          send_all(fd, buf, put_helo(buf)) &&
	          ((steps_of(data) & NR_HELO) != 0 ||
	              session_read(fd, GUARD_MS) == 'c') &&
	          send_all(fd, buf, put_mail(buf, visitor));
	if (ok)
		return fd;
	close(fd);
	return -1;
}

void
session_rcpt(int fd)
{
	char buf[BUFFER_SIZE];
	send_all(fd, buf, put_rcpt(buf));
}

/* ------------------------------------------------------------------- load */

enum stage { NEGOTIATED, CONNECTED, GREETED, RECIPIENT, DATA, MESSAGE };

struct running {
	int fd;
	enum stage stage;
	uint32_t steps;
	double began;
	struct visitor visitor;
	size_t len;
	unsigned char in[BUFFER_SIZE];
};

static struct {
	const char *path;
	int epoll;
	double *times;
	size_t count;
	unsigned long failed;
} load;

static void
begin(struct running *one)
{
	char buf[64];
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};

	one->visitor = visitor_new(false);
	one->stage = NEGOTIATED;
	one->len = 0;
	one->began = now_ms();
	one->fd = connect_to(load.path);
	if (one->fd < 0) {
		load.failed++;
		return;
	}
	epoll_ctl(load.epoll, EPOLL_CTL_ADD, one->fd, &event);
	send_all(one->fd, buf, put_negotiation(buf));
}

static void
end(struct running *one, bool good)
{
	char buf[8];

	if (good && load.count < MOST_TIMES)
		load.times[load.count++] = now_ms() - one->began;
	if (!good)
		load.failed++;
	send_all(one->fd, buf, put(buf, 0, 'Q', NULL, 0));
	close(one->fd);
	one->fd = -1;
}

/* false: the session is over */
static bool
step(struct running *one, char cmd, const unsigned char *data)
{
	char buf[BUFFER_SIZE];
	size_t len = 0;

	if (cmd == 'p' || strchr("ihm+-2beq", cmd) != NULL)
		return true;
	if (cmd != (one->stage == NEGOTIATED ? 'O' : 'c') ||
	    one->stage == MESSAGE) {
		end(one, cmd == 'c');
		return false;
	}
	switch (one->stage) {
	case NEGOTIATED:
		one->steps = steps_of(data);
		len = put_connect(buf, &one->visitor);
		one->stage = CONNECTED;
		if ((one->steps & NR_CONNECT) == 0)
			break;
		send_all(one->fd, buf, len);
		/* fall through */
	case CONNECTED:
		len = put_helo(buf);
		one->stage = GREETED;
		if ((one->steps & NR_HELO) == 0)
			break;
		send_all(one->fd, buf, len);
		/* fall through */
	case GREETED:
		len = put_mail(buf, &one->visitor);
		len += put_rcpt(buf + len);
		one->stage = RECIPIENT;
		break;
	case RECIPIENT:
		len = put(buf, 0, 'T', NULL, 0);
		one->stage = DATA;
		break;
	case DATA:
		len = put_message(buf, (one->steps & NO_BODY) == 0);
		one->stage = MESSAGE;
		break;
	case MESSAGE:
		break;
	}
	send_all(one->fd, buf, len);
	return true;
}

/* false: the session is over */
static bool
take(struct running *one)
{
	ssize_t got =
	    recv(one->fd, one->in + one->len, sizeof one->in - one->len, 0);

	if (got <= 0) {
		end(one, false);
		return false;
	}
	one->len += (size_t)got;
	size_t at = 0;
	while (one->len - at >= 5) {
		size_t size = ((size_t)one->in[at + 2] << 8 | one->in[at + 3]) + 4;
		if (one->len - at < size)
			break;
		if (!step(one, (char)one->in[at + 4], one->in + at + 5))
			return false;
		at += size;
	}
	one->len -= at;
	memmove(one->in, one->in + at, one->len);
	return true;
}

struct load
session_load(const char *path, int parallel, double seconds)
{
	static struct running running[MOST_LOAD];
	struct epoll_event events[MOST_LOAD];
	double from = now_ms(), until = from + seconds * 1e3;
	struct load result = {0};
	int alive = parallel;

	load.path = path;
	load.count = load.failed = 0;
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load.times == NULL)
		load.times = malloc(MOST_TIMES * sizeof *load.times);
	if (load.times == NULL || load.epoll < 0)
		abort();
	for (int i = 0; i < parallel; i++)
		begin(&running[i]);
	while (alive > 0 && load.failed < 1000) {
		int count = epoll_wait(load.epoll, events, MOST_LOAD, GUARD_MS);
		if (count <= 0)
			break;
		for (int i = 0; i < count; i++) {
			struct running *one = events[i].data.ptr;
			if (take(one))
				continue;
			if (now_ms() < until)
				begin(one);
			else
				alive--;
		}
	}
	close(load.epoll);
	result.sessions = load.count;
	result.failed = load.failed;
	result.sessions_per_s = (double)load.count / (now_ms() - from) * 1e3;
	result.p50_ms = quantile(load.times, load.count, 0.5);
	result.p99_ms = quantile(load.times, load.count, 0.99);
	return result;
}
