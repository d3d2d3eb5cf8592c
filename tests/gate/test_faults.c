/* SPDX-License-Identifier: BSD-2-Clause */
/* Stops, second instances, silent callbacks, no descriptors; and nothing spins. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include <unistd.h>

#include "gate/script.h"

static _Atomic bool blocked;

static atomic_uint stopped; /* sessions whose hold ended so, as it should */

static sfsistat
hold_everyone(const struct filter_call *call)
{
	struct gate_moment moment = script_look(call, true);
	struct gate_wish wish = {
	    .reply_until_ms = fixture_now() + 60000, .is_hold = true};

	if (call->event == FILTER_RCPT && call->text[1] == 'h')
		gate_tell(fixture->gate, moment.ticket, &wish);
	if (call->event == FILTER_CLOSE && moment.last.end == GATE_END_STOPPED &&
	    moment.last.other == delay_others[GATE_END_STOPPED])
		atomic_fetch_add(&stopped, 1);
	return SMFIS_CONTINUE;
}

static atomic_bool is_inside; /* block() is at its work */

static void
await_blocked(void)
{
	for (int i = 0; i < 60000 && !atomic_load(&is_inside); i++)
		usleep(1000);
	if (!atomic_exchange(&is_inside, false))
		fail_msg("no callback blocked within a minute");
}

static sfsistat
block(const struct filter_call *call)
{
	struct gate_moment moment = script_look(call, true);
	struct gate_wish wish = {.reply_until_ms = fixture_now() + 60000};

	if (call->event != FILTER_RCPT || call->text[1] != 'b')
		return SMFIS_CONTINUE;
	atomic_store(&is_inside, true);
	while (atomic_load(&blocked))
		usleep(1000);
	/* It comes too late: nobody waits for it, and nothing is kept. */
	gate_tell(fixture->gate, moment.ticket, &wish);
	return SMFIS_CONTINUE;
}

static struct mta
begin(const char *recipient)
{
	struct mta mta = script_greet();

	mta_rcpt(&mta, recipient);
	return mta;
}

static void
start(sfsistat (*hook)(const struct filter_call *))
{
	memset(script_seen, 0, sizeof script_seen);
	filter_protocol(FILTER_PROTOCOL);
	filter_hook(hook);
	fixture_gate();
}

static void *
stop_gate(void *arg)
{
	gate_stop(fixture->gate, 1000);
	return NULL;
}

static void
a_stop_answers_the_held_and_refuses_what_follows(void **state)
{
	enum { HELD = 20 };
	struct mta mtas[HELD], plain, content;
	pthread_t thread;

	atomic_store(&stopped, 0);
	start(hold_everyone);
	plain = begin("<plain@example.org>");
	assert_int_equal(mta_read(&plain).cmd, 'c');
	content = begin("<content@example.org>");
	assert_int_equal(mta_read(&content).cmd, 'c');
	mta_data(&content);
	assert_int_equal(mta_read(&content).cmd, 'c');
	for (int i = 0; i < HELD; i++)
		mtas[i] = begin("<held@example.org>");
	fixture_await_waiting(HELD);
	pthread_create(&thread, NULL, stop_gate, NULL);
	for (int i = 0; i < HELD; i++) {
		struct mta_frame frame = mta_read(&mtas[i]);
		assert_int_equal(frame.cmd, 'y');
		assert_memory_equal(frame.data, "451 4.3.2 ", 10);
	}
	mta_rcpt(&mtas[0], "<again@example.org>");
	assert_memory_equal(mta_read(&mtas[0]).data, "421 4.3.2 ", 10);
	mta_rcpt(&plain, "<next@example.org>");
	assert_memory_equal(mta_read(&plain).data, "451 4.3.2 ", 10);
	/* A message that is past its tests may end. */
	mta_message(&content);
	assert_int_equal(mta_read(&content).cmd, 'c');
	pthread_join(thread, NULL);
	assert_int_equal(filter_count(FILTER_CLOSE), HELD + 2);
	assert_int_equal(filter_count(FILTER_EOM), 1);
	assert_int_equal(atomic_load(&stopped), HELD + 1); /* and plain */
	assert_int_equal(access(fixture->listen + 5, F_OK), -1);
	for (int i = 0; i < HELD; i++)
		mta_close(&mtas[i]);
	mta_close(&plain);
	mta_close(&content);
	gate_free(&fixture->gate);
}

static void
a_second_instance_is_refused_and_harms_nothing(void **state)
{
	struct error error = {""};

	start(hold_everyone);
	assert_null(gate_open(&fixture->settings, &fixture->clock, &error));
	assert_non_null(strstr(error.text, "another instance"));
	struct mta mta = begin("<plain@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_close(&mta);
	fixture_gate_stop();
	start(hold_everyone);
	fixture_gate_stop();
}

static void
a_stale_socket_is_replaced_and_another_file_is_not(void **state)
{
	struct error error = {""};
	struct stat status;
	const char *path = fixture->listen + 5;

	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_null(gate_open(&fixture->settings, &fixture->clock, &error));
	assert_non_null(strstr(error.text, "not a socket"));
	assert_int_equal(unlink(path), 0);
	fixture->settings.socket_mode = 0660;
	start(hold_everyone);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0660);
	fixture_gate_stop();
	fixture_reset();
}

static void
wrong_addresses_are_told(void **state)
{
	static const char *const wrong[] = {"", "tcp:25@localhost",
	    "unix:", "inet:25", "inet:25@", "inet:@127.0.0.1",
	    "inet:99999999@127.0.0.1", "inet:x@127.0.0.1", "inet6:0@127.0.0.1"};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct error error = {""};
		fixture->settings.listen = wrong[i];
		assert_null(gate_open(&fixture->settings, &fixture->clock, &error));
		assert_string_not_equal(error.text, "");
	}
	fixture_reset();
}

static void
answer_timeout(enum gate_failure on_failure, const char *wanted)
{
	atomic_store(&blocked, true);
	fixture->settings.on_failure = on_failure;
	start(block);
	struct mta mta = begin("<blocked@example.org>");
	struct mta innocent = begin("<innocent@example.org>");
	assert_int_equal(mta_read(&innocent).cmd, 'c');
	mta_close(&innocent);
	/* a clock that jumps, as after a suspend, takes nothing off the time */
	await_blocked();
	fixture_advance(100000);
	assert_int_equal(mta_read_any(&mta).cmd, 'p');
	assert_true(mta_silent(&mta, 50));
	for (int i = 0; i < 60; i++)
		fixture_pass(1000);
	assert_int_equal(mta_read(&mta).cmd, wanted[0]);
	mta_data(&mta);
	assert_int_equal(mta_read(&mta).cmd, wanted[0]);
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, wanted[0]);
	assert_int_equal(filter_count(FILTER_DATA), 0);
	atomic_store(&blocked, false);
	fixture_await(FILTER_CLOSE, 2);
	assert_int_equal(
	    script_seen[FILTER_CLOSE].last.other, on_failure == GATE_TEMPFAIL);
	assert_int_equal(script_seen[FILTER_CLOSE].last.waited_ms, 0);
	mta_send(&mta, 'Q', NULL, 0);
	assert_int_equal(mta_read(&mta).cmd, 0);
	script_leave(&mta);
	fixture_gate_stop();
	fixture_reset();
}

static void
a_silent_callback_is_answered_for_by_accept(void **state)
{
	answer_timeout(GATE_ACCEPT, "c");
}

static void
a_silent_callback_is_answered_for_by_tempfail(void **state)
{
	answer_timeout(GATE_TEMPFAIL, "t");
}

static void
a_stop_does_not_wait_for_a_callback_that_never_ends(void **state)
{
	atomic_store(&blocked, true);
	start(block);
	struct mta mta = begin("<blocked@example.org>");
	await_blocked();
	gate_stop(fixture->gate, 300);
	assert_int_equal(fixture_report().connections, 0);
	assert_int_equal(fixture_report().abandoned, 1);
	assert_int_equal(mta_read(&mta).cmd, 0);
	mta_close(&mta);
	/* The callback's late calls must find a gate: free it after them. */
	atomic_store(&blocked, false);
	fixture_await(FILTER_CLOSE, 1);
	gate_free(&fixture->gate);
}

static void
no_libmilter_closes_the_connection(void **state)
{
	const char *back = fixture->settings.back_path;

	fixture->settings.back_path = "/nonexistent/back.sock";
	start(hold_everyone);
	struct mta mta = mta_connect(fixture->listen);
	mta_send(&mta, 'H', "helo", 5);
	mta_send(&mta, 'M', "<sender@example.net>", 21);
	assert_int_equal(mta_read(&mta).cmd, 0);
	script_leave(&mta);
	fixture_gate_stop();
	fixture->settings.back_path = back;
}

/* A listener that accepts nobody, its backlog filled by filler_r. */
static int
listen_without_room(const char *path, int *filler_r)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	*filler_r = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(
	    connect(*filler_r, (struct sockaddr *)&address, sizeof address), 0);
	return listener;
}

static void
a_session_that_libmilter_has_no_room_for_ends(void **state)
{
	static const char offer[12] = {[3] = 6};
	const char *back = fixture->settings.back_path;
	char path[80];
	int filler;

	snprintf(path, sizeof path, "%s/full.sock", fixture->folder);
	int listener = listen_without_room(path, &filler);
	fixture->settings.back_path = path;
	start(hold_everyone);
	struct mta mta = mta_connect(fixture->listen);
	mta_send(&mta, 'O', offer, sizeof offer);
	for (int i = 0; i < 30; i++)
		fixture_pass(1000);
	assert_int_equal(mta_read(&mta).cmd, 'O');
	mta_close(&mta);
	fixture_await_connections(0);
	fixture_gate_stop();
	fixture->settings.back_path = back;
	close(filler);
	close(listener);
	unlink(path);
}

static int64_t
cpu_ms(clockid_t of)
{
	struct timespec used;

	clock_gettime(of, &used);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

/* This thread spins for a while. A loop that spins beside it gets as much of the
 * CPU, however busy the machine is; an idle one, with slices of 10 ms, little. */
static void
expect_idle(const char *when)
{
	int64_t before = cpu_ms(CLOCK_PROCESS_CPUTIME_ID);
	int64_t begin = cpu_ms(CLOCK_THREAD_CPUTIME_ID), spun;

	do
		spun = cpu_ms(CLOCK_THREAD_CPUTIME_ID) - begin;
	while (spun < 300);
	int64_t used = cpu_ms(CLOCK_PROCESS_CPUTIME_ID) - before - spun;
	print_message("%s: %lld ms of CPU beside %lld\n", when, (long long)used,
	    (long long)spun);
	assert_true(used <= spun / 2); /* may be below 0: two clocks */
}

static void
nothing_spins_while_idle_held_full_or_hung_up(void **state)
{
	static char body[65000];
	struct mta idle, held, half, full;

	start(hold_everyone);
	idle = begin("<plain@example.org>");
	held = begin("<held@example.org>");
	half = begin("<held@example.org>");
	fixture_await_waiting(2);
	expect_idle("two holds");
	/* frames and a half one behind a hold, more than fit */
	fcntl(held.fd, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 100; i++)
		mta_send(&held, 'B', body, sizeof body);
	mta_send_raw(&idle, "\0\0", 2);
	expect_idle("full buffers");
	shutdown(half.fd, SHUT_WR);
	shutdown(idle.fd, SHUT_WR);
	fixture_await_waiting(1);
	expect_idle("half closed");
	/* an MTA that does not read its replies */
	filter_protocol(0);
	full = mta_connect(fixture->listen);
	mta_negotiate(&full, MTA_OFFER);
	fcntl(full.fd, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 20000; i++)
		mta_send(&full, 'H', "helo", 5);
	expect_idle("an MTA that does not read");
	mta_close(&idle);
	mta_close(&held);
	mta_close(&half);
	mta_close(&full);
	fixture_await_connections(0);
	expect_idle("all gone");
	fixture_gate_stop();
}

static void
connections_above_the_cap_wait_in_the_backlog(void **state)
{
	enum { ALL = 40, CAP = 8 };
	struct mta mtas[ALL];

	fixture->settings.max_connections = CAP;
	start(hold_everyone);
	for (int i = 0; i < ALL; i++)
		mtas[i] = mta_connect(fixture->listen);
	fixture_await_connections(CAP);
	expect_idle("at the cap");
	assert_int_equal(fixture_report().accepted, CAP);
	for (int i = 0; i < ALL; i++) {
		mta_negotiate(&mtas[i], MTA_OFFER);
		mta_greet(&mtas[i]);
		mta_rcpt(&mtas[i], "<plain@example.org>");
		assert_int_equal(mta_read(&mtas[i]).cmd, 'c');
		mta_close(&mtas[i]);
	}
	fixture_await_connections(0);
	fixture_gate_stop();
	fixture_reset();
}

static void
no_descriptor_left_is_survived_without_spinning(void **state)
{
	struct rlimit before, tight;
	struct mta first;

	start(hold_everyone);
	first = begin("<held@example.org>");
	fixture_await_waiting(1);
	int lowest = dup(0);
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &before);
	tight = before;
	/* one more for the test's own end, none for the gate's */
	tight.rlim_cur = (rlim_t)lowest + 1;
	setrlimit(RLIMIT_NOFILE, &tight);
	struct mta mta = mta_connect(fixture->listen);
	expect_idle("no descriptor");
	assert_true(mta_silent(&mta, 0));
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(mta_negotiate(&mta, MTA_OFFER), MTA_PROTOCOL);
	mta_close(&mta);
	fixture_advance(60000);
	assert_int_equal(mta_read(&first).cmd, 'c');
	mta_close(&first);
	fixture_await_connections(0);
	fixture_gate_stop();
}

static int
open_fixture(void **state)
{
	fixture_open();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_stop_answers_the_held_and_refuses_what_follows),
	    cmocka_unit_test(a_second_instance_is_refused_and_harms_nothing),
	    cmocka_unit_test(a_stale_socket_is_replaced_and_another_file_is_not),
	    cmocka_unit_test(wrong_addresses_are_told),
	    cmocka_unit_test(a_silent_callback_is_answered_for_by_accept),
	    cmocka_unit_test(a_silent_callback_is_answered_for_by_tempfail),
	    cmocka_unit_test(a_stop_does_not_wait_for_a_callback_that_never_ends),
	    cmocka_unit_test(no_libmilter_closes_the_connection),
	    cmocka_unit_test(a_session_that_libmilter_has_no_room_for_ends),
	    cmocka_unit_test(nothing_spins_while_idle_held_full_or_hung_up),
	    cmocka_unit_test(connections_above_the_cap_wait_in_the_backlog),
	    cmocka_unit_test(no_descriptor_left_is_survived_without_spinning),
	};
	return cmocka_run_group_tests(tests, open_fixture, NULL);
}
