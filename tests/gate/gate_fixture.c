/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate/gate_fixture.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "gate/filter.h"

static _Atomic int64_t now_ms = 1000000;
static struct gate_fixture the_fixture;
struct gate_fixture *const fixture = &the_fixture;

/* When something is taken to hang. A mutant hangs often, and need not for long. */
static int
hang_ms(void)
{
	const char *less = getenv("TARGREY_TEST_HANG_MS");

	return less != NULL ? atoi(less) : 60000;
}

static char said[1 << 16];
static pthread_mutex_t said_lock = PTHREAD_MUTEX_INITIALIZER;

static void
keep(void *ctx, enum log_level level, const char *text)
{
	if (getenv("TARGREY_TEST_VERBOSE") != NULL)
		fprintf(stderr, "log: %s\n", text);
	pthread_mutex_lock(&said_lock);
	strncat(said, text, sizeof said - strlen(said) - 1);
	pthread_mutex_unlock(&said_lock);
}

unsigned
fixture_said(const char *text)
{
	unsigned count = 0;

	pthread_mutex_lock(&said_lock);
	for (const char *at = said; (at = strstr(at, text)) != NULL; at++)
		count++;
	pthread_mutex_unlock(&said_lock);
	return count;
}

static void
clean(void)
{
	char name[128];
	static const char *const files[] = {
	    "back.sock", "front.sock", "front.sock.lock"};

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(name, sizeof name, "%s/%s", fixture->folder, files[i]);
		unlink(name);
	}
	rmdir(fixture->folder);
}

void
fixture_reset(void)
{
	fixture->settings.listen = fixture->listen;
	fixture->settings.socket_mode = 0600;
	fixture->settings.socket_group = (gid_t)-1;
	fixture->settings.answer_timeout_ms = 20000;
	fixture->settings.on_failure = GATE_ACCEPT;
	fixture->settings.max_holds = 1000;
	fixture->settings.max_holds_per_key = 0;
	fixture->settings.max_connections = 0;
	fixture->settings.headers = NULL;
}

void
fixture_open(void)
{
	if (fixture->folder[0] != '\0')
		return;
	log_to_sink(keep, NULL);
	char folder[] = "/tmp/targrey-gate-XXXXXX";
	if (mkdtemp(folder) == NULL)
		abort();
	memcpy(fixture->folder, folder, sizeof folder);
	atexit(clean);
	snprintf(
	    fixture->listen, sizeof fixture->listen, "unix:%s/front.sock", folder);
	fixture->settings.back_path = filter_start(fixture->folder);
	clock_init_manual(&fixture->clock, &now_ms);
	fixture_reset();
}

void
fixture_gate(void)
{
	struct error error;

	fixture->gate = gate_open(&fixture->settings, &fixture->clock, &error);
	if (fixture->gate == NULL || !gate_start(fixture->gate, &error)) {
		fprintf(stderr, "gate: %s\n", error.text);
		abort();
	}
}

void
fixture_gate_stop(void)
{
	if (fixture->gate == NULL)
		return;
	gate_stop(fixture->gate, 1000);
	gate_free(&fixture->gate);
}

int
fixture_setup(void **state)
{
	fixture_open();
	filter_protocol(FILTER_PROTOCOL);
	fixture_gate();
	return 0;
}

int
fixture_teardown(void **state)
{
	fixture_gate_stop();
	return 0;
}

void
fixture_advance(int64_t ms)
{
	atomic_fetch_add(&now_ms, ms);
}

void
fixture_pass(int64_t ms)
{
	fixture_advance(ms);
	unsigned from = gate_turns(fixture->gate);
	/* Of three turns one has begun and ended since. */
	for (int i = 0; i < hang_ms() && gate_turns(fixture->gate) - from < 3; i++)
		usleep(1000);
	if (gate_turns(fixture->gate) - from < 3)
		fail_msg("the gate's loop did not turn within %d ms", hang_ms());
}

int64_t
fixture_now(void)
{
	return atomic_load(&now_ms);
}

struct mta
mta_connect(const char *listen)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct mta mta = {socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	memcpy(address.sun_path, listen + 5, strlen(listen + 5) + 1);
	if (connect(mta.fd, (struct sockaddr *)&address, sizeof address) != 0) {
		perror("connect to the gate");
		abort();
	}
	return mta;
}

void
mta_close(struct mta *mta)
{
	if (mta->fd >= 0)
		close(mta->fd);
	mta->fd = -1;
}

void
mta_send_raw(struct mta *mta, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t sent = send(mta->fd, at, len, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return;
		at += sent;
		len -= (size_t)sent;
	}
}

void
mta_send(struct mta *mta, char cmd, const void *data, size_t len)
{
	char *buf = malloc(len + FRAME_HEAD);

	if (buf == NULL)
		abort();
	mta_send_raw(mta, buf, frame_put(buf, 0, cmd, data, len));
	free(buf);
}

bool
mta_ready(struct mta *mta, int ms)
{
	struct pollfd one = {.fd = mta->fd, .events = POLLIN};
	return poll(&one, 1, ms) > 0;
}

bool
mta_silent(struct mta *mta, int ms)
{
	return !mta_ready(mta, ms);
}

/* 1: all there; 0: closed; -1: nothing for a minute */
static int
read_all(struct mta *mta, void *data, size_t len)
{
	char *at = data;

	while (len > 0) {
		if (!mta_ready(mta, hang_ms()))
			return -1;
		ssize_t got = recv(mta->fd, at, len, 0);
		if (got <= 0)
			return 0;
		at += got;
		len -= (size_t)got;
	}
	return 1;
}

struct mta_frame
mta_read_any(struct mta *mta)
{
	struct mta_frame frame = {0};
	char head[FRAME_HEAD];
	char byte;
	int all = read_all(mta, head, sizeof head);

	if (all <= 0) {
		frame.cmd = all == 0 ? 0 : '?';
		return frame;
	}
	frame.len = frame_number(head) - 1;
	frame.cmd = head[4];
	for (uint32_t i = 0; i < frame.len; i++) {
		if (read_all(mta, &byte, 1) <= 0)
			break;
		if (i < sizeof frame.data - 1)
			frame.data[i] = byte;
	}
	return frame;
}

struct mta_frame
mta_read(struct mta *mta)
{
	struct mta_frame frame;

	do
		frame = mta_read_any(mta);
	while (frame.cmd == 'p');
	return frame;
}

uint32_t
mta_negotiate(struct mta *mta, uint32_t protocol)
{
	char hello[20];

	mta_send_raw(mta, hello,
	    frame_put_negotiation(
	        hello, 0, FRAME_VERSION, FRAME_ACTIONS, protocol));
	struct mta_frame frame = mta_read(mta);
	if (frame.cmd != 'O')
		return 0xffffffffU;
	return frame_number(frame.data + FRAME_STEPS_AT);
}

void
mta_greet(struct mta *mta)
{
	static const char macros[] = "Cj\0mx.example.org\0{daemon_name}\0mx";
	static const char client[] = "client.example.net\0"
	                             "4\0\0"
	                             "192.0.2.7";

	mta_send(mta, 'D', macros, sizeof macros);
	mta_send(mta, 'C', client, sizeof client);
	assert_int_equal(mta_read(mta).cmd, 'c');
	mta_send(mta, 'H', "client.example.net", 19);
	assert_int_equal(mta_read(mta).cmd, 'c');
	mta_send(mta, 'M', "<sender@example.net>", 21);
}

void
mta_rcpt(struct mta *mta, const char *recipient)
{
	mta_send(mta, 'D', "R{rcpt_addr}\0who@example.org", 29);
	mta_send(mta, 'R', recipient, strlen(recipient) + 1);
}

void
mta_data(struct mta *mta)
{
	mta_send(mta, 'T', NULL, 0);
}

void
mta_message(struct mta *mta)
{
	mta_send(mta, 'L', "Subject\0hello", 14);
	mta_send(mta, 'N', NULL, 0);
	mta_send(mta, 'B', "body\r\n", 6);
	mta_send(mta, 'E', NULL, 0);
}

void
fixture_await(int event, unsigned count)
{
	for (int i = 0;
	     i < hang_ms() && filter_count((enum filter_event)event) < count; i++)
		usleep(1000);
	assert_true(filter_count((enum filter_event)event) >= count);
}

struct gate_report
fixture_report(void)
{
	struct gate_report now;

	gate_report(fixture->gate, &now);
	return now;
}

void
fixture_await_waiting(unsigned count)
{
	for (int i = 0; i < hang_ms() && fixture_report().waiting != count; i++)
		usleep(1000);
	assert_int_equal(fixture_report().waiting, count);
}

void
fixture_await_connections(unsigned count)
{
	for (int i = 0; i < hang_ms() && fixture_report().connections != count; i++)
		usleep(1000);
	assert_int_equal(fixture_report().connections, count);
}
