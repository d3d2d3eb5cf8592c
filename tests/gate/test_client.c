/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hang-up watch on real loopback TCP connections: "smtpd" is a socket of
 * the test, whose end points the connect callback hands to the gate.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "gate/filter.h"
#include "gate/rig.h"

struct tcp {
	int listener, client, server;
	struct sockaddr_storage client_name, mta_name;
};

static struct rig *rig;
static struct tcp *present; /* written before the connection that reads it */
static struct gate_outcome seen[FILTER_EVENTS];
static _Atomic unsigned rounds;
static _Atomic uint64_t number;
static _Atomic int64_t pending;
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

static sfsistat
hold(const struct filter_call *call)
{
	atomic_store(&number, call->number);
	gate_outcome(rig->gate, call->number, &seen[call->event]);
	if (call->event == FILTER_CONNECT && present != NULL)
		gate_endpoints(rig->gate, call->number,
		    (struct sockaddr *)&present->client_name,
		    (struct sockaddr *)&present->mta_name);
	if (call->event == FILTER_MAIL && atomic_load(&reset_at_mail))
		tcp_reset(present);
	if (call->event == FILTER_MAIL)
		atomic_store(&pending, gate_pending(rig->gate, call->number));
	if (call->event != atomic_load(&hold_at) ||
	    atomic_fetch_add(&rounds, 1) > 0)
		return SMFIS_CONTINUE;
	struct gate_wait wait = {
	    .kind = call->event == FILTER_RCPT ? GATE_ASK_AGAIN : GATE_WITHHOLD,
	    .until_ms = rig_now() + 60000,
	    .is_hold = true};
	gate_budget(rig->gate, call->number, 1);
	gate_wait(rig->gate, call->number, &wait);
	return SMFIS_CONTINUE;
}

static struct mta
begin(struct tcp *tcp, enum filter_event event)
{
	memset(seen, 0, sizeof seen);
	atomic_store(&rounds, 0);
	atomic_store(&hold_at, event);
	present = tcp;
	filter_protocol(RIG_LEAN);
	filter_hook(hold);
	struct mta mta = mta_connect(rig);
	mta_negotiate(&mta, MTA_OFFER);
	mta_greet(&mta);
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
	mta_close(mta);
	rig_await(FILTER_CLOSE, 1);
	rig_await_connections(0);
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
	rig_await(FILTER_CLOSE, 1);
	assert_int_equal(filter_count(FILTER_ABORT), 1);
	assert_int_equal(filter_count(FILTER_EOM), 0);
	for (int i = 0; i < 2; i++) {
		const struct gate_outcome *outcome =
		    &seen[i == 0 ? FILTER_ABORT : FILTER_CLOSE];
		assert_int_equal(outcome->end, GATE_END_GONE);
		assert_true(outcome->refused);
		assert_true(outcome->watched);
		assert_true(outcome->was_hold);
		assert_int_equal(outcome->waited_ms, waited_ms);
	}
	end(mta);
}

static void
leave_and_expect_gone(int family, int how, enum filter_event event)
{
	struct gate_report report;
	struct tcp tcp = tcp_open(family);
	struct mta mta = begin(&tcp, event);

	rig_await_held(1);
	for (int i = 0; i < 3; i++) {
		rig_advance(1000);
		assert_true(mta_silent(&mta, 30));
	}
	if (how == SHUT_RDWR)
		tcp_reset(&tcp);
	else
		shutdown(tcp.client, SHUT_WR);
	rig_advance(1000);
	expect_gone(&mta, 4000);
	gate_report(rig->gate, &report);
	assert_int_equal(report.holds, 0);
	tcp_close(&tcp);
}

static void
a_client_that_leaves_by_fin_is_gone_within_a_second(void **state)
{
	(void)state;
	leave_and_expect_gone(AF_INET, SHUT_WR, FILTER_RCPT);
}

static void
a_client_that_leaves_by_rst_is_gone_within_a_second(void **state)
{
	(void)state;
	leave_and_expect_gone(AF_INET, SHUT_RDWR, FILTER_RCPT);
}

static void
a_client_over_ipv6_is_watched_too(void **state)
{
	(void)state;
	leave_and_expect_gone(AF_INET6, SHUT_WR, FILTER_RCPT);
	leave_and_expect_gone(AF_INET6, SHUT_RDWR, FILTER_RCPT);
}

static void
a_client_that_leaves_a_hold_at_data_is_gone(void **state)
{
	(void)state;
	leave_and_expect_gone(AF_INET, SHUT_WR, FILTER_DATA);
	leave_and_expect_gone(AF_INET, SHUT_RDWR, FILTER_DATA);
}

static void
a_client_that_stays_is_let_through_as_watched(void **state)
{
	(void)state;
	struct tcp tcp = tcp_open(AF_INET);
	struct mta mta = begin(&tcp, FILTER_RCPT);

	rig_await_held(1);
	for (int i = 0; i < 60; i++) {
		rig_advance(1000);
		usleep(12000);
	}
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(seen[FILTER_RCPT].end, GATE_END_ELAPSED);
	assert_true(seen[FILTER_RCPT].watched);
	assert_false(seen[FILTER_RCPT].refused);
	end(&mta);
	tcp_close(&tcp);
}

static void
a_client_that_left_in_the_last_second_is_gone_not_through(void **state)
{
	(void)state;
	struct tcp tcp = tcp_open(AF_INET);
	struct mta mta = begin(&tcp, FILTER_RCPT);

	rig_await_held(1);
	tcp_reset(&tcp);
	rig_advance(60000);
	expect_gone(&mta, 60000);
	tcp_close(&tcp);
}

static void
a_client_that_left_before_the_hold_is_gone_at_once(void **state)
{
	(void)state;
	struct tcp tcp = tcp_open(AF_INET);

	shutdown(tcp.client, SHUT_WR);
	usleep(10000);
	struct mta mta = begin(&tcp, FILTER_RCPT);
	expect_gone(&mta, 0);
	tcp_close(&tcp);
}

static void
a_client_that_reset_before_the_hold_is_gone_at_once(void **state)
{
	(void)state;
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
	(void)state;
	struct tcp tcp = tcp_open(AF_INET);

	((struct sockaddr_in *)&tcp.client_name)->sin_addr.s_addr =
	    inet_addr("192.0.2.7");
	struct mta mta = begin(&tcp, FILTER_RCPT);
	rig_await_held(1);
	assert_int_equal(atomic_load(&pending), -1);
	rig_advance(60000);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(seen[FILTER_RCPT].end, GATE_END_ELAPSED);
	assert_false(seen[FILTER_RCPT].watched);
	end(&mta);
	tcp_close(&tcp);
}

static void
octets_that_wait_in_the_socket_are_counted(void **state)
{
	(void)state;
	struct tcp tcp = tcp_open(AF_INET);

	assert_int_equal(send(tcp.client, "EHLO early\r\n", 12, 0), 12);
	usleep(10000);
	struct mta mta = begin(&tcp, FILTER_RCPT);
	rig_await_held(1);
	assert_int_equal(atomic_load(&pending), 12);
	mta_close(&mta);
	rig_await_connections(0);
	tcp_close(&tcp);
}

static int
open_rig(void **state)
{
	(void)state;
	rig = rig_open();
	rig_gate(rig);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_client_that_leaves_by_fin_is_gone_within_a_second),
	    cmocka_unit_test(a_client_that_leaves_by_rst_is_gone_within_a_second),
	    cmocka_unit_test(a_client_over_ipv6_is_watched_too),
	    cmocka_unit_test(a_client_that_leaves_a_hold_at_data_is_gone),
	    cmocka_unit_test(a_client_that_stays_is_let_through_as_watched),
	    cmocka_unit_test(
	        a_client_that_left_in_the_last_second_is_gone_not_through),
	    cmocka_unit_test(a_client_that_left_before_the_hold_is_gone_at_once),
	    cmocka_unit_test(a_client_that_reset_before_the_hold_is_gone_at_once),
	    cmocka_unit_test(a_client_that_cannot_be_seen_is_held_without_a_watch),
	    cmocka_unit_test(octets_that_wait_in_the_socket_are_counted),
	};
	return cmocka_run_group_tests(tests, open_rig, rig_teardown);
}
