/* SPDX-License-Identifier: BSD-2-Clause */
/* A libmilter that answers wrongly, unasked, or slowly: a socket of the test's. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gate/gate_private.h"
#include "gate/script.h"

static struct back {
	char path[80];
	int listener;
} back;

static void
start(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(back.path, sizeof back.path, "%s/odd.sock", fixture->folder);
	unlink(back.path);
	memcpy(address.sun_path, back.path, strlen(back.path) + 1);
	back.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(back.listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(back.listener, 5), 0);
	fixture->settings.back_path = back.path;
	fixture_gate();
}

static void
stop(struct mta *mta, struct mta *us)
{
	mta_close(mta);
	mta_close(us);
	fixture_await_connections(0);
	fixture_gate_stop();
	close(back.listener);
	unlink(back.path);
}

/* The MTA has asked for a negotiation; returns libmilter's end. */
static struct mta
accept_offer(struct mta *mta)
{
	char hello[20];

	mta_send_raw(mta, hello,
	    frame_put_negotiation(
	        hello, 0, FRAME_VERSION, FRAME_ACTIONS, MTA_OFFER));
	struct mta us = {accept(back.listener, NULL, NULL)};
	assert_int_equal(mta_read(&us).cmd, 'O');
	return us;
}

static struct mta
negotiate_steps(struct mta *mta, uint32_t steps)
{
	char told[20];
	struct mta us = accept_offer(mta);

	mta_send_raw(&us, told,
	    frame_put_negotiation(told, 0, FRAME_VERSION, FRAME_ACTIONS, steps));
	assert_int_equal(mta_read(mta).cmd, 'O');
	return us;
}

static struct mta
negotiate(struct mta *mta)
{
	return negotiate_steps(mta, FILTER_PROTOCOL);
}

/* Up to the headers of a message; libmilter has answered what it must. */
static void
greet(struct mta *mta, struct mta *us)
{
	mta_greet(mta);
	while (mta_read(us).cmd != 'M')
		continue;
	mta_send(us, 'c', NULL, 0);
	mta_rcpt(mta, "<a@example.org>");
	while (mta_read(us).cmd != 'R')
		continue;
	mta_send(us, 'c', NULL, 0);
	assert_int_equal(mta_read(mta).cmd, 'c');
	mta_data(mta);
	assert_int_equal(mta_read(us).cmd, 'T');
	mta_send(us, 'c', NULL, 0);
	assert_int_equal(mta_read(mta).cmd, 'c');
}

static void
a_negotiation_that_is_too_short_ends_the_session(void **state)
{
	start();
	struct mta mta = mta_connect(fixture->listen), us = accept_offer(&mta);
	mta_send(&us, 'O', "\0\0\0\6", 4);
	assert_int_equal(mta_read(&mta).cmd, 0);
	stop(&mta, &us);
}

static void
a_frame_of_a_wrong_length_ends_the_session(void **state)
{
	static const struct {
		const char *octets;
	} wrong[] = {{"\0\0\0\0c"}, {"\xff\xff\xff\xff\x63"}};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		start();
		struct mta mta = mta_connect(fixture->listen), us = negotiate(&mta);
		mta_send_raw(&us, wrong[i].octets, 5);
		assert_int_equal(mta_read(&mta).cmd, 0);
		stop(&mta, &us);
	}
}

static void
what_nobody_asked_for_is_not_passed_on(void **state)
{
	start();
	struct mta mta = mta_connect(fixture->listen), us = negotiate(&mta);
	mta_send(&us, 'c', NULL, 0);
	mta_send(&us, 'r', NULL, 0);
	fixture_pass(0);
	assert_true(mta_silent(&mta, 30));
	greet(&mta, &us);
	stop(&mta, &us);
}

static void
progress_is_passed_on_to_an_mta_that_waits(void **state)
{
	start();
	struct mta mta = mta_connect(fixture->listen), us = negotiate(&mta);
	mta_greet(&mta);
	while (mta_read(&us).cmd != 'M')
		continue;
	/* the MTA does not wait for MAIL: neither for libmilter's progress nor ours
	 */
	mta_send(&us, 'p', NULL, 0);
	fixture_pass(3000);
	assert_true(mta_silent(&mta, 30));
	mta_send(&us, 'c', NULL, 0);
	mta_rcpt(&mta, "<a@example.org>");
	while (mta_read(&us).cmd != 'R')
		continue;
	mta_send(&us, 'p', NULL, 0);
	assert_int_equal(mta_read_any(&mta).cmd, 'p');
	mta_send(&us, 'c', NULL, 0);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	stop(&mta, &us);
}

static void
a_message_that_is_refused_at_the_end_of_its_headers_is_over(void **state)
{
	start();
	struct mta mta = mta_connect(fixture->listen),
	           us = negotiate_steps(&mta, FILTER_PROTOCOL & ~SMFIP_NR_EOH);
	greet(&mta, &us);
	mta_send(&mta, 'N', NULL, 0);
	assert_int_equal(mta_read(&us).cmd, 'N');
	mta_send(&us, 't', NULL, 0);
	assert_int_equal(mta_read(&mta).cmd, 't');
	mta_send(&mta, 'A', NULL, 0);
	mta_send(&mta, 'M', "<next@example.net>", 19);
	assert_int_equal(mta_read(&us).cmd, 'A');
	assert_int_equal(mta_read(&us).cmd, 'M');
	stop(&mta, &us);
}

/* What the MTA tells of the connection; family 0: it is not watched. */
#define MACROS(address, port)         "C{daemon_addr}\0" address "\0{daemon_port}\0" port
#define CLIENT(family, port, address) "host\0" family port address
#define TOLD(macros, client)          macros, sizeof macros, client, sizeof client
static const struct {
	const char *claim, *macros;
	size_t macros_size;
	const char *client;
	size_t client_size;
	int family;
} told[] = {
    {"IPv4", TOLD(MACROS("127.0.0.1", "25"), CLIENT("4", "\1\1", "127.0.0.2")),
        AF_INET},
    {"IPv6", TOLD(MACROS("IPv6:::1", "25"), CLIENT("6", "\1\1", "IPv6:::2")),
        AF_INET6},
    {"two families", TOLD(MACROS("::1", "25"), CLIENT("4", "\1\1", "127.0.0.2")),
        0},
    {"no address", TOLD(MACROS("localhost", "25"), CLIENT("4", "\1\1", "host")), 0},
    {"no port of the MTA's",
        TOLD(MACROS("127.0.0.1", "none"), CLIENT("4", "\1\1", "127.0.0.2")), 0},
    {"no port of the client's",
        TOLD(MACROS("127.0.0.1", "25"), CLIENT("4", "\0\0", "127.0.0.2")), 0},
    {"a client of an unknown family",
        TOLD(MACROS("127.0.0.1", "25"), CLIENT("U", "\1\1", "127.0.0.2")), 0},
    {"macros without a port",
        TOLD("C{daemon_addr}\000127.0.0.1", CLIENT("4", "\1\1", "127.0.0.2")), 0},
    {"macros without an address",
        TOLD("C{daemon_port}\00025", CLIENT("4", "\1\1", "127.0.0.2")), 0},
};

static void
a_client_is_watched_where_all_of_its_socket_is_told(void **state)
{
	start();
	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		struct mta mta = mta_connect(fixture->listen), us = negotiate(&mta);
		mta_send(&mta, 'D', told[i].macros, told[i].macros_size);
		mta_send(&mta, 'C', told[i].client, told[i].client_size);
		assert_int_equal(mta_read(&mta).cmd, 'c');
		pthread_mutex_lock(&fixture->gate->lock);
		int family = fixture->gate->slots[0]->client.socket.family;
		pthread_mutex_unlock(&fixture->gate->lock);
		if (family != told[i].family)
			fail_msg("%s: %d", told[i].claim, family);
		mta_close(&mta);
		mta_close(&us);
		fixture_await_connections(0);
	}
	struct mta mta = mta_connect(fixture->listen), us = negotiate(&mta);
	stop(&mta, &us);
}

/* Sends body frames until nobody takes any more, or most; how many went whole. */
static unsigned
fill(struct mta *mta, unsigned most)
{
	static char frame[FRAME_HEAD + 30000];
	size_t size = frame_put(frame, 0, 'B', frame + FRAME_HEAD, 30000), sent = 0;
	unsigned whole = 0;

	fcntl(mta->fd, F_SETFL, O_NONBLOCK);
	while (whole < most) {
		struct pollfd one = {.fd = mta->fd, .events = POLLOUT};
		if (poll(&one, 1, 100) == 0)
			return whole;
		ssize_t now =
		    send(mta->fd, frame + sent, size - sent, MSG_NOSIGNAL);
		if (now < 0)
			continue;
		sent += (size_t)now;
		if (sent == size) {
			sent = 0;
			whole++;
		}
	}
	return whole;
}

static unsigned
count_bodies(struct mta *us)
{
	static char octets[65536];
	size_t all = 0;

	while (mta_ready(us, 60000)) {
		ssize_t got = recv(us->fd, octets, sizeof octets, 0);
		if (got <= 0)
			break;
		all += (size_t)got;
	}
	return (unsigned)(all / (FRAME_HEAD + 30000)); /* the rest is small */
}

/* So many frames of a body, the end of the MTA, then libmilter reads. */
static unsigned
pass_bodies(unsigned most, bool is_half, unsigned *sent_r)
{
	start();
	struct mta mta = mta_connect(fixture->listen), us = negotiate(&mta);
	greet(&mta, &us);
	mta_send(&mta, 'L', "Subject\0hello", 14);
	mta_send(&mta, 'N', NULL, 0);
	*sent_r = fill(&mta, most);
	shutdown(mta.fd, SHUT_WR);
	fixture_pass(0);
	if (!is_half)
		mta_close(&mta);
	fixture_pass(0);
	unsigned got = count_bodies(&us);
	stop(&mta, &us);
	return got;
}

/* Postfix: "unexpected reply in initial handshake", and the mail goes unchecked. */
static void
a_slow_negotiation_hears_nothing_before_its_answer(void **state)
{
	char answer[20];

	(void)state;
	start();
	struct mta mta = mta_connect(fixture->listen);
	struct mta us = accept_offer(&mta);
	for (int i = 0; i < 10; i++)
		fixture_pass(1000);
	mta_send_raw(&us, answer,
	    frame_put_negotiation(
	        answer, 0, FRAME_VERSION, FRAME_ACTIONS, FILTER_PROTOCOL));
	assert_int_equal(mta_read_any(&mta).cmd, 'O');
	stop(&mta, &us);
}

static void
a_slow_libmilter_slows_the_mta_and_loses_nothing(void **state)
{
	unsigned whole, sent, got = pass_bodies(10000, true, &whole);

	assert_in_range(whole, 2, 500);
	assert_int_equal(got, whole);
	for (unsigned less = 1; less < 6 && less < whole; less += 2) {
		got = pass_bodies(whole - less, true, &sent);
		assert_int_equal(got, sent);
		/* what nobody has read is gone with the connection */
		got = pass_bodies(whole - less, false, &sent);
		assert_true(got <= sent);
	}
}

static const char *real;

static void
the_real_one_is_served_as_ever(void **state)
{
	fixture->settings.back_path = real;
	filter_protocol(FILTER_PROTOCOL);
	fixture_gate();
	struct mta mta = script_greet();
	script_rcpt(&mta);
	script_end(&mta);
	fixture_gate_stop();
}

static int
open_fixture(void **state)
{
	fixture_open();
	real = fixture->settings.back_path;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_negotiation_that_is_too_short_ends_the_session),
	    cmocka_unit_test(a_frame_of_a_wrong_length_ends_the_session),
	    cmocka_unit_test(what_nobody_asked_for_is_not_passed_on),
	    cmocka_unit_test(progress_is_passed_on_to_an_mta_that_waits),
	    cmocka_unit_test(
	        a_message_that_is_refused_at_the_end_of_its_headers_is_over),
	    cmocka_unit_test(a_client_is_watched_where_all_of_its_socket_is_told),
	    cmocka_unit_test(a_slow_negotiation_hears_nothing_before_its_answer),
	    cmocka_unit_test(a_slow_libmilter_slows_the_mta_and_loses_nothing),
	    cmocka_unit_test(the_real_one_is_served_as_ever),
	};

	return cmocka_run_group_tests(tests, open_fixture, NULL);
}
