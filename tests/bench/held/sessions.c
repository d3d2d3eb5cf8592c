/* SPDX-License-Identifier: BSD-2-Clause */
#include "held.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <libmilter/mfdef.h>

#include "support/frame.h"

#define BUFFER_SIZE 1024

#define MOST_SESSIONS 2000000

static uint32_t next_visitor;

/* 10.0.0.0/9 for suspects, the upper half for the others. */
static uint32_t
address_of(uint32_t number, bool suspect)
{
	return 10U << 24 | (suspect ? 0 : 1U << 23) | (number & 0x7fffff);
}

struct visitor
visitor_new(bool suspect)
{
	uint32_t number = ++next_visitor;

	return (struct visitor){address_of(number, suspect),
	    (uint16_t)(1024 + number % 60000), 25, suspect};
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
	size_t out = frame_put(buf, 0, 'D', data, at + 1);
	at = (size_t)snprintf(data, sizeof data, visitor->suspect ? "[%s]" : "%s",
	    visitor->suspect ? address : name);
	data[at + 1] = '4';
	memcpy(data + at + 2, &port, sizeof port);
	memcpy(data + at + 4, address, strlen(address) + 1);
	return frame_put(buf, out, 'C', data, at + 4 + strlen(address) + 1);
}

static size_t
put_helo(char *buf)
{
	return frame_put(buf, 0, 'H', "mail.example.com", 17);
}

static size_t
put_mail(char *buf, const struct visitor *visitor)
{
	char sender[64];
	int len = snprintf(sender, sizeof sender, "<s%u@example.com>", visitor->ip);

	return frame_put(buf, 0, 'M', sender, (size_t)len + 1);
}

static size_t
put_rcpt(char *buf)
{
	static const char macros[] = "R{rcpt_addr}\0user@example.org\0"
	                             "{rcpt_mailer}\0local";
	size_t at = frame_put(buf, 0, 'D', macros, sizeof macros);
	return frame_put(buf, at, 'R', "<user@example.org>", 19);
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
	unsigned char head[FRAME_HEAD], rest;
	struct pollfd one = {.fd = fd, .events = POLLIN};

	if (poll(&one, 1, ms) <= 0)
		return '?';
	if (recv(fd, head, sizeof head, MSG_WAITALL) != (ssize_t)sizeof head)
		return 0;
	uint32_t size = frame_number(head) - 1;
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

int
session_open(const char *path, const struct visitor *visitor)
{
	char buf[BUFFER_SIZE];
	unsigned char data[64] = {0};
	int fd = connect_to(path);

	if (fd < 0)
		return -1;
	size_t hello = frame_put_negotiation(
	    buf, 0, FRAME_VERSION, FRAME_ACTIONS, FRAME_STEPS);
	bool ok = send_all(fd, buf, hello) &&
	          read_frame(fd, GUARD_MS, data) == 'O' &&
	          send_all(fd, buf, put_connect(buf, visitor)) &&
	          ((frame_number(data + FRAME_STEPS_AT) & SMFIP_NR_CONN) != 0 ||
	              session_read(fd, GUARD_MS) == 'c') &&
	          send_all(fd, buf, put_helo(buf)) &&
	          ((frame_number(data + FRAME_STEPS_AT) & SMFIP_NR_HELO) != 0 ||
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

static void
describe(uint64_t number, struct load_session *session_r)
{
	static char sender[64];
	struct in_addr ip = {htonl(address_of((uint32_t)number, false))};

	memset(session_r, 0, sizeof *session_r);
	memcpy(session_r->ip.bytes + 10, "\xff\xff", 2);
	memcpy(session_r->ip.bytes + 12, &ip, 4);
	snprintf(sender, sizeof sender, "s%u@example.com", ntohl(ip.s_addr));
	session_r->name = session_r->ptr = session_r->helo = "mail.example.com";
	session_r->sender = sender;
	session_r->recipient = "user@example.org";
}

struct load_result
session_load(const char *path, unsigned parallel, double seconds)
{
	struct load_spec spec = {.socket = path,
	    .parallel = parallel,
	    .seconds = seconds,
	    .first = next_visitor + 1,
	    .count = MOST_SESSIONS,
	    .describe = describe};
	struct load_result result;

	if (!load_run(&spec, &result))
		fail("the server cannot be reached");
	next_visitor +=
	    (uint32_t)(result.accepted + result.delayed + result.broken);
	return result;
}
