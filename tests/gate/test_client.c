/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hang-up watch on real loopback TCP connections: "smtpd" is a socket of
 * the test, whose end points the MTA tells.
 */
#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gate/script.h"

struct tcp {
	int listener, client, server;
	struct sockaddr_storage client_name, mta_name;
};

static struct tcp *present; /* written before the connection that reads it */
static _Atomic enum filter_event hold_at;

static struct tcp
tcp_open(int family)
{
	struct tcp tcp;
	struct sockaddr_storage name = {.ss_family = (sa_family_t)family};
	socklen_t len = sizeof name;

	if (family == AF_INET)
		((struct sockaddr_in *)&name)->sin_addr.s_addr =
		    htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *)&name)->sin6_addr = in6addr_loopback;
	tcp.listener = socket(family, SOCK_STREAM, 0);
	tcp.client = socket(family, SOCK_STREAM, 0);
	assert_int_equal(bind(tcp.listener, (struct sockaddr *)&name, len), 0);
	assert_int_equal(listen(tcp.listener, 5), 0);
	len = sizeof tcp.mta_name;
	getsockname(tcp.listener, (struct sockaddr *)&tcp.mta_name, &len);
	assert_int_equal(
	    connect(tcp.client, (struct sockaddr *)&tcp.mta_name, len), 0);
	len = sizeof tcp.client_name;
	tcp.server =
	    accept(tcp.listener, (struct sockaddr *)&tcp.client_name, &len);
	assert_true(tcp.server >= 0);
	return tcp;
}

static void
tcp_reset(struct tcp *tcp)
{
	struct linger linger = {1, 0};

	setsockopt(tcp->client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close(tcp->client);
	tcp->client = -1;
}

static void
tcp_close(struct tcp *tcp)
{
	if (tcp->client >= 0)
		close(tcp->client);
	close(tcp->server);
	close(tcp->listener);
}

static _Atomic bool reset_at_mail;

/* What begin() plays otherwise than an MTA and a client that keep their turns. */
static bool is_mute; /* the MTA after the greeting */
static bool uses_tls;
static const char *at_helo; /* behind EHLO, before its reply */

static sfsistat
hold(const struct filter_call *call)
{
	if (call->event == FILTER_MAIL && atomic_load(&reset_at_mail))
		tcp_reset(present);
	if (call->event == atomic_load(&hold_at))
		script_hold(call, 60000);
	else
		script_look(call, false);
	return SMFIS_CONTINUE;
}

/* What the MTA says of the client's connection. */
static void
present_client(struct mta *mta, const struct tcp *tcp)
{
	char macros[200], connect[100], mta_name[60], client_name[60];
	bool is_v4 = tcp->mta_name.ss_family == AF_INET;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&tcp->mta_name;
	const struct sockaddr_in *from =
	    (const struct sockaddr_in *)&tcp->client_name;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)in;
	const struct sockaddr_in6 *from6 = (const struct sockaddr_in6 *)from;

	inet_ntop(tcp->mta_name.ss_family,
	    is_v4 ? (const void *)&in->sin_addr : (const void *)&in6->sin6_addr,
	    mta_name, sizeof mta_name);
	inet_ntop(tcp->mta_name.ss_family,
	    is_v4 ? (const void *)&from->sin_addr : (const void *)&from6->sin6_addr,
	    client_name, sizeof client_name);
	int len =
	    snprintf(macros, sizeof macros, "C{daemon_addr}%c%s%c{daemon_port}%c%d",
	        0, mta_name, 0, 0, ntohs(in->sin_port));
	mta_send(mta, 'D', macros, (size_t)len + 1);
	len = snprintf(connect, sizeof connect, "host%c%c__%s%s", 0,
	    is_v4 ? '4' : '6', is_v4 ? "" : "IPv6:", client_name);
	memcpy(connect + 6, &from->sin_port, 2);
	mta_send(mta, 'C', connect, (size_t)len + 1);
	assert_int_equal(mta_read(mta).cmd, 'c');
}

static void
mta_says(struct tcp *tcp, const char *line)
{
	char heard[80];
	size_t len = strlen(line);

	assert_true(len <= sizeof heard);
	assert_int_equal(send(tcp->server, line, len, 0), len);
	assert_int_equal(recv(tcp->client, heard, len, MSG_WAITALL), len);
}

/* Returns when it is there, unread. */
static void
client_says(struct tcp *tcp, const char *text)
{
	char seen[80];
	size_t len = strlen(text);

	assert_true(len <= sizeof seen);
	assert_int_equal(send(tcp->client, text, len, 0), len);
	assert_int_equal(recv(tcp->server, seen, len, MSG_PEEK | MSG_WAITALL), len);
}

static struct mta
begin(struct tcp *tcp, enum filter_event event)
{
	memset(script_seen, 0, sizeof script_seen);
	atomic_store(&hold_at, event);
	present = tcp;
	filter_protocol(FILTER_PROTOCOL);
	filter_hook(hold);
	struct mta mta = mta_connect(fixture->listen);
	mta_negotiate(&mta, MTA_OFFER);
	present_client(&mta, tcp);
	mta_says(tcp, "220 mx.example.jp ESMTP\r\n");
	if (at_helo != NULL)
		client_says(tcp, at_helo);
	if (uses_tls)
		mta_send(&mta, 'D', "H{tls_version}\0TLSv1.3", 23);
	mta_send(&mta, 'H', "client.example.net", 19);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	if (!is_mute)
		mta_says(tcp, "250 mx.example.jp\r\n");
	mta_send(&mta, 'M', "<sender@example.net>", 21);
	mta_rcpt(&mta, "<a@example.org>");
	if (event == FILTER_DATA) {
		assert_int_equal(mta_read(&mta).cmd, 'c');
		mta_data(&mta);
	}
	return mta;
}

static void
end(struct mta *mta)
{
	mta_send(mta, 'Q', NULL, 0);
	assert_int_equal(mta_read(mta).cmd, 0);
	script_leave(mta);
}

/* The refusal, and that it lasts: nothing gets past the gate any more. */
static void
expect_gone(struct mta *mta, int64_t waited_ms)
{
	struct mta_frame frame = mta_read(mta);

	assert_int_equal(frame.cmd, 'y');
	assert_memory_equal(frame.data, "450 4.", 6);
	mta_rcpt(mta, "<b@example.org>");
	assert_int_equal(mta_read(mta).cmd, 'y');
	mta_data(mta);
	assert_int_equal(mta_read(mta).cmd, 'y');
	mta_message(mta);
	frame = mta_read(mta);
	assert_int_equal(frame.cmd, 'y');
	assert_memory_equal(frame.data, "450 ", 4);
	mta_send(mta, 'A', NULL, 0);
	fixture_await(FILTER_CLOSE, 1);
	assert_int_equal(filter_count(FILTER_ABORT), 1);
	assert_int_equal(filter_count(FILTER_EOM), 0);
	for (int i = 0; i < 2; i++) {
		const struct gate_delay *last =
		    &script_seen[i == 0 ? FILTER_ABORT : FILTER_CLOSE].last;
		assert_int_equal(last->end, GATE_END_GONE);
		assert_int_equal(last->other, delay_others[GATE_END_GONE]);
		assert_true(last->watched);
		assert_int_equal(last->waited_ms, waited_ms);
	}
	end(mta);
}

static void
leave_and_expect_gone(int family, int how, enum filter_event event)
{
	struct tcp tcp = tcp_open(family);
	struct mta mta = begin(&tcp, event);

	fixture_await_waiting(1);
	for (int i = 0; i < 3; i++) {
		fixture_pass(1000);
		fixture_await_waiting(1);
	}
	if (how == SHUT_RDWR)
		tcp_reset(&tcp);
	else
		shutdown(tcp.client, SHUT_WR);
	fixture_advance(1000);
	expect_gone(&mta, 4000);
	assert_int_equal(fixture_report().holds, 0);
	tcp_close(&tcp);
}

static void
a_client_that_leaves_is_gone_within_a_second(void **state)
{
	static const int families[] = {AF_INET, AF_INET6}; /* by FIN, by RST: */
	static const int ways[] = {SHUT_WR, SHUT_RDWR};

	for (int i = 0; i < 4; i++) {
		leave_and_expect_gone(families[i / 2], ways[i % 2], FILTER_RCPT);
		leave_and_expect_gone(families[i / 2], ways[i % 2], FILTER_DATA);
	}
}

/* What the callback that follows the hold is told of it. */
static const struct gate_delay *
after_hold(struct mta *mta)
{
	assert_int_equal(mta_read(mta).cmd, 'c');
	mta_send(mta, 'A', NULL, 0);
	mta_send(mta, 'M', "<sender@example.net>", 21);
	fixture_await(FILTER_MAIL, 2);
	return &script_seen[FILTER_ABORT].last;
}

static void
a_client_that_stays_is_let_through_as_watched(void **state)
{
	struct tcp tcp = tcp_open(AF_INET);
	struct mta mta = begin(&tcp, FILTER_RCPT);

	fixture_await_waiting(1);
	for (int i = 0; i < 60; i++)
		fixture_pass(1000);
	const struct gate_delay *last = after_hold(&mta);
	assert_int_equal(last->end, GATE_END_ELAPSED);
	assert_true(last->watched);
	assert_false(last->other);
	end(&mta);
	tcp_close(&tcp);
}

static void
leave_in_the_last_second(enum filter_event event)
{
	struct tcp tcp = tcp_open(AF_INET);
	struct mta mta = begin(&tcp, event);

	fixture_await_waiting(1);
	tcp_reset(&tcp);
	fixture_advance(60000);
	expect_gone(&mta, 60000);
	tcp_close(&tcp);
}

static void
a_client_that_left_in_the_last_second_is_gone_not_through(void **state)
{
	leave_in_the_last_second(FILTER_RCPT);
	leave_in_the_last_second(FILTER_DATA);
}

static void
a_client_that_left_before_the_hold_is_gone_at_once(void **state)
{
	struct tcp tcp = tcp_open(AF_INET);

	char none;
	shutdown(tcp.client, SHUT_WR);
	assert_int_equal(recv(tcp.server, &none, 1, MSG_PEEK), 0);
	struct mta mta = begin(&tcp, FILTER_RCPT);
	expect_gone(&mta, 0);
	tcp_close(&tcp);
}

static void
a_client_that_reset_before_the_hold_is_gone_at_once(void **state)
{
	struct tcp tcp = tcp_open(AF_INET);

	atomic_store(&reset_at_mail, true);
	struct mta mta = begin(&tcp, FILTER_RCPT);
	expect_gone(&mta, 0);
	atomic_store(&reset_at_mail, false);
	tcp_close(&tcp);
}

static void
a_client_that_cannot_be_seen_is_held_without_a_watch(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct tcp tcp = tcp_open(AF_INET);
		((struct sockaddr_in *)&tcp.client_name)->sin_addr.s_addr =
		    inet_addr("192.0.2.7");
		struct mta mta = begin(&tcp, FILTER_RCPT);
		fixture_await_waiting(1);
		fixture_advance(60000);
		const struct gate_delay *last = after_hold(&mta);
		assert_int_equal(last->end, GATE_END_ELAPSED);
		assert_false(last->watched);
		end(&mta);
		tcp_close(&tcp);
	}
	assert_int_equal(fixture_said("cannot be seen from here"), 1);
}

static int64_t
real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* The clock stands still; it turns to look at it. */
static void
a_watched_hold_does_not_keep_the_loop_busy(void **state)
{
	struct tcp tcp = tcp_open(AF_INET);
	struct mta mta = begin(&tcp, FILTER_RCPT);

	fixture_await_waiting(1);
	unsigned before = gate_turns(fixture->gate);
	int64_t begin = real_ms();
	usleep(300000); /* or longer, on a busy machine */
	unsigned turns = gate_turns(fixture->gate) - before;
	int64_t took = real_ms() - begin;
	print_message("%u turns in %lld ms\n", turns, (long long)took);
	/* one that spins turns more often than once a millisecond by far */
	assert_in_range(turns, 0, took);
	mta_close(&mta);
	fixture_await_connections(0);
	tcp_close(&tcp);
}

static void
octets_that_wait_in_the_socket_are_seen(void **state)
{
	struct tcp tcp = tcp_open(AF_INET);

	client_says(&tcp, "EHLO early\r\n");
	struct mta mta = begin(&tcp, FILTER_DATA);
	fixture_await_waiting(1);
	assert_int_equal(script_seen[FILTER_DATA].ahead, GATE_EARLY_YES);
	assert_int_equal(script_seen[FILTER_DATA].early, GATE_EARLY_YES);
	assert_int_equal(script_seen[FILTER_RCPT].ahead, GATE_EARLY_UNKNOWN);
	script_leave(&mta);
	tcp_close(&tcp);
}

static void
a_client_that_waits_for_its_turn_is_not_early(void **state)
{
	struct tcp tcp = tcp_open(AF_INET6);
	struct mta mta = begin(&tcp, FILTER_DATA);

	fixture_await_waiting(1);
	assert_int_equal(script_seen[FILTER_DATA].ahead, GATE_EARLY_UNKNOWN);
	assert_int_equal(script_seen[FILTER_DATA].early, GATE_EARLY_NO);
	script_leave(&mta);
	tcp_close(&tcp);
}

/* How early the client is at RCPT. */
static enum gate_early
early_at_rcpt(bool mute, const char *text, bool leaves)
{
	struct tcp tcp = tcp_open(AF_INET);
	char none;

	is_mute = mute;
	at_helo = text;
	if (leaves) {
		shutdown(tcp.client, SHUT_WR);
		assert_int_equal(recv(tcp.server, &none, 1, MSG_PEEK), 0);
	}
	struct mta mta = begin(&tcp, FILTER_DATA);
	fixture_await_waiting(leaves ? 0 : 1);
	fixture_await(FILTER_RCPT, 1);
	enum gate_early early = script_seen[FILTER_RCPT].early;
	is_mute = false;
	at_helo = NULL;
	script_leave(&mta);
	tcp_close(&tcp);
	return early;
}

static void
a_client_that_talks_on_before_the_reply_to_helo_is_early(void **state)
{
	assert_int_equal(
	    early_at_rcpt(false, "MAIL FROM:<>\r\n", false), GATE_EARLY_YES);
	/* it was in the MTA's own buffer */
	assert_int_equal(early_at_rcpt(true, NULL, false), GATE_EARLY_YES);
	assert_int_equal(early_at_rcpt(false, NULL, false), GATE_EARLY_NO);
}

static void
records_of_tls_are_no_talk(void **state)
{
	uses_tls = true;
	assert_int_equal(
	    early_at_rcpt(false, "\x17\x03\x03", false), GATE_EARLY_NO);
	uses_tls = false;
}

static void
a_fin_is_no_talk(void **state)
{
	assert_int_equal(early_at_rcpt(false, NULL, true), GATE_EARLY_NO);
}

static void
expect_at_end(bool says_354, const char *text, enum gate_early ahead)
{
	struct tcp tcp = tcp_open(AF_INET);
	struct mta mta = begin(&tcp, FILTER_EVENTS);

	assert_int_equal(mta_read(&mta).cmd, 'c');
	if (text != NULL)
		client_says(&tcp, text);
	mta_data(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	if (says_354)
		mta_says(&tcp, "354 End data with <CR><LF>.<CR><LF>\r\n");
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(script_seen[FILTER_EOM].ahead, ahead);
	end(&mta);
	tcp_close(&tcp);
}

static void
a_message_that_ends_before_the_354_was_sent_came_ahead(void **state)
{
	expect_at_end(false, NULL, GATE_EARLY_YES);
	expect_at_end(true, "Subject: x\r\n", GATE_EARLY_YES);
	expect_at_end(true, NULL, GATE_EARLY_NO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_client_that_leaves_is_gone_within_a_second),
	    cmocka_unit_test(a_client_that_stays_is_let_through_as_watched),
	    cmocka_unit_test(
	        a_client_that_left_in_the_last_second_is_gone_not_through),
	    cmocka_unit_test(a_client_that_left_before_the_hold_is_gone_at_once),
	    cmocka_unit_test(a_client_that_reset_before_the_hold_is_gone_at_once),
	    cmocka_unit_test(a_client_that_cannot_be_seen_is_held_without_a_watch),
	    cmocka_unit_test(a_watched_hold_does_not_keep_the_loop_busy),
	    cmocka_unit_test(octets_that_wait_in_the_socket_are_seen),
	    cmocka_unit_test(a_client_that_waits_for_its_turn_is_not_early),
	    cmocka_unit_test(
	        a_client_that_talks_on_before_the_reply_to_helo_is_early),
	    cmocka_unit_test(records_of_tls_are_no_talk),
	    cmocka_unit_test(a_fin_is_no_talk),
	    cmocka_unit_test(
	        a_message_that_ends_before_the_354_was_sent_came_ahead),
	};
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
