/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls to the system that fail: at the start they are told, later survived. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gate/failing.h"
#include "gate/gate_private.h"
#include "gate/script.h"

static const char *
front(void)
{
	return fixture->listen + 5;
}

/* ---------------------------------------------------------------- the start */

static const struct {
	const char *call;
	unsigned nth;
	int error;
	const char *listen; /* NULL: the fixture's */
	const char *told;
} opens[] = {
    {"calloc", 1, ENOMEM, NULL, "out of memory"},
    {"strdup", 1, ENOMEM, NULL, "out of memory"},
    {"calloc", 2, ENOMEM, NULL, "out of memory"},
    {"calloc", 3, ENOMEM, NULL, "out of memory"},
    {"calloc", 4, ENOMEM, NULL, "out of memory"},
    {"malloc", 1, ENOMEM, NULL, "out of memory"},
    {"strdup", 2, ENOMEM, NULL, "out of memory"},
    {"open", 1, EACCES, NULL, "belongs to another user"},
    {"open", 1, EROFS, NULL, "Read-only file system"},
    {"flock", 1, EWOULDBLOCK, NULL, "another instance is running"},
    {"flock", 1, ENOLCK, NULL, "No locks available"},
    {"socket", 1, EMFILE, NULL, "Too many open files"},
    {"fchmod", 1, EIO, NULL, "Input/output error"},
    {"bind", 1, EADDRINUSE, NULL, "Address already in use"},
    {"listen", 1, EOPNOTSUPP, NULL, "Operation not supported"},
    {"lchown", 1, EPERM, NULL, "cannot be given to group"},
    {"socket", 1, EMFILE, "inet:0@127.0.0.1", "Too many open files"},
    {"setsockopt", 1, ENOBUFS, "inet:0@127.0.0.1", "No buffer space"},
    {"bind", 1, EADDRINUSE, "inet:0@127.0.0.1", "Address already in use"},
    {"listen", 1, EADDRINUSE, "inet6:0@::1", "Address already in use"},
};

static void
what_fails_at_the_opening_is_told_and_leaves_no_socket(void **state)
{
	(void)state;
	fixture_gate(); /* an earlier start, which leaves its lock */
	fixture_gate_stop();
	fixture->settings.socket_group = 65533; /* not the folder's */
	for (size_t i = 0; i < sizeof opens / sizeof *opens; i++) {
		struct error error = {""};
		if (opens[i].listen != NULL)
			fixture->settings.listen = opens[i].listen;
		failing_arm(
		    opens[i].call, opens[i].nth, 1, opens[i].error, FAIL_HERE);
		struct gate *gate =
		    gate_open(&fixture->settings, &fixture->clock, &error);
		if (failing_stop() != 1 || gate != NULL ||
		    strstr(error.text, opens[i].told) == NULL)
			fail_msg("%s %u: \"%s\"", opens[i].call, opens[i].nth,
			    error.text);
		assert_int_equal(access(front(), F_OK), -1);
		fixture->settings.listen = fixture->listen;
	}
	fixture_reset();
}

static void
a_lock_that_cannot_be_made_is_not_taken_for_another_users(void **state)
{
	struct error error = {""};
	char lock[128];

	(void)state;
	snprintf(lock, sizeof lock, "%s.lock", front());
	unlink(lock);
	failing_arm("open", 1, 1, EACCES, FAIL_HERE);
	assert_null(gate_open(&fixture->settings, &fixture->clock, &error));
	assert_int_equal(failing_stop(), 1);
	assert_non_null(strstr(error.text, "Permission denied"));
	assert_null(strstr(error.text, "another user"));
}

static const struct {
	const char *call;
	unsigned nth;
	int error;
	const char *told;
} starts[] = {
    {"epoll_create1", 1, EMFILE, "gate: epoll: Too many open files"},
    {"eventfd", 1, EMFILE, "gate: epoll: Too many open files"},
    {"epoll_ctl", 1, ENOSPC, "gate: epoll: No space left"},
    {"pthread_create", 1, EAGAIN, "gate: thread: Resource temporarily"},
};

static void
what_fails_at_the_start_is_told_and_the_next_start_serves(void **state)
{
	struct gate *none = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		struct error error = {""};
		struct gate *gate =
		    gate_open(&fixture->settings, &fixture->clock, &error);
		assert_non_null(gate);
		failing_arm(
		    starts[i].call, starts[i].nth, 1, starts[i].error, FAIL_HERE);
		bool ok = gate_start(gate, &error);
		if (failing_stop() != 1 || ok ||
		    strstr(error.text, starts[i].told) == NULL)
			fail_msg("%s: \"%s\"", starts[i].call, error.text);
		gate_stop(gate, 0); /* it never started */
		gate_free(&gate);
		assert_null(gate);
		assert_int_equal(access(front(), F_OK), -1);
	}
	gate_free(&none);
	fixture_gate();
	struct mta mta = script_greet();
	script_rcpt(&mta);
	script_end(&mta);
	fixture_gate_stop();
}

static void
without_sock_diag_it_serves_and_says_that_hang_ups_are_not_seen(void **state)
{
	struct error error = {""};

	(void)state;
	fixture->gate = gate_open(&fixture->settings, &fixture->clock, &error);
	failing_arm("socket", 1, 1, EPROTONOSUPPORT, FAIL_HERE);
	assert_true(gate_start(fixture->gate, &error));
	assert_int_equal(failing_stop(), 1);
	assert_int_equal(fixture_said("hangs up during a hold is not noticed"), 1);
	struct mta mta = script_greet();
	script_rcpt(&mta);
	script_end(&mta);
	fixture_gate_stop();
}

static void
a_folder_that_gives_the_group_needs_no_lchown(void **state)
{
	struct error error = {""};
	struct stat status;

	(void)state;
	assert_int_equal(stat(fixture->folder, &status), 0);
	fixture->settings.socket_group = getgid();
	failing_arm("lchown", 1, 9, EPERM, FAIL_HERE);
	struct gate *gate = gate_open(&fixture->settings, &fixture->clock, &error);
	assert_int_equal(failing_stop(), 0);
	assert_non_null(gate);
	gate_free(&gate);
	/* where that cannot be seen, it is done */
	failing_arm("lstat", 2, 1, EIO, FAIL_HERE);
	gate = gate_open(&fixture->settings, &fixture->clock, &error);
	assert_int_equal(failing_stop(), 1);
	assert_non_null(gate);
	gate_free(&gate);
	fixture_reset();
}

/* Of the descriptors that are left, a third for each connection. */
static const struct {
	const char *claim;
	rlim_t limit;
	unsigned reserved;
	size_t most, wanted;
} caps[] = {
    {"half at least is for connections", 64, 60, 0, 10},
    {"32 at least are kept", 1000, 0, 0, 322},
    {"what DNS and the store need is kept", 1000, 400, 0, 200},
    {"never none", 1, 0, 0, 1},
    {"a setting above that changes nothing", 64, 60, 50, 10},
    {"the setting is a cap", 1000, 400, 7, 7},
    {"no more than numbers can tell apart", RLIM_INFINITY, 400, 0, 1 << SLOT_BITS},
};

static void
connections_are_capped_by_descriptors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
		struct error error;
		struct rlimit limit = {caps[i].limit, caps[i].limit};
		fixture->settings.reserved_descriptors = caps[i].reserved;
		fixture->settings.max_connections = caps[i].most;
		failing_limit(&limit);
		struct gate *gate =
		    gate_open(&fixture->settings, &fixture->clock, &error);
		failing_limit(NULL);
		assert_non_null(gate);
		if (gate->max_connections != caps[i].wanted)
			fail_msg("%s: %zu", caps[i].claim, gate->max_connections);
		gate_free(&gate);
	}
	fixture->settings.reserved_descriptors = 0;
	fixture->settings.max_connections = 5;
	struct error error;
	failing_arm("getrlimit", 1, 1, EINVAL, FAIL_HERE);
	struct gate *gate = gate_open(&fixture->settings, &fixture->clock, &error);
	assert_int_equal(failing_stop(), 1);
	assert_int_equal(gate->max_connections, 5);
	gate_free(&gate);
	fixture_reset();
}

static void
paths_that_are_too_long_are_told(void **state)
{
	char path[200], listen[210];
	struct error error = {""};
	const char *back = fixture->settings.back_path;

	(void)state;
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	fixture->settings.back_path = path;
	assert_null(gate_open(&fixture->settings, &fixture->clock, &error));
	assert_non_null(strstr(error.text, "too long for"));
	fixture->settings.back_path = back;
	snprintf(listen, sizeof listen, "local:%s", path);
	fixture->settings.listen = listen;
	assert_null(gate_open(&fixture->settings, &fixture->clock, &error));
	assert_non_null(strstr(error.text, "1 to 107 octets"));
	fixture->settings.listen = NULL;
	assert_null(gate_open(&fixture->settings, &fixture->clock, &error));
	assert_non_null(strstr(error.text, "expected unix:"));
	fixture_reset();
}

/* ------------------------------------------------------------------ sessions */

static const struct {
	const char *claim, *call;
	unsigned nth, row;
	int error;
	bool is_served; /* the session; else it ends and the next is served */
} sessions[] = {
    {"accept is interrupted", "accept4", 1, 3, EINTR, true},
    {"the client's connection was gone", "accept4", 1, 1, ECONNABORTED, true},
    {"no descriptor for a moment", "accept4", 1, 1, EMFILE, true},
    {"no memory for it", "calloc", 1, 1, ENOMEM, false},
    {"the MTA's socket cannot be observed", "epoll_ctl", 1, 1, ENOSPC, false},
    {"reading is interrupted", "recv", 1, 2, EINTR, true},
    {"reading fails", "recv", 1, 1, ECONNRESET, false},
    {"no descriptor for libmilter's end", "socket", 1, 1, EMFILE, false},
    {"libmilter's backlog is full", "connect", 1, 2, EAGAIN, true},
    {"connecting is interrupted", "connect", 1, 1, EINTR, true},
    {"nobody listens there", "connect", 1, 1, ECONNREFUSED, false},
    {"libmilter's socket cannot be observed", "epoll_ctl", 2, 1, ENOSPC, false},
    {"writing is interrupted", "send", 1, 2, EINTR, true},
    {"libmilter's end is gone", "send", 1, 1, EPIPE, false},
    {"the socket's buffer is full", "send", 1, 1, EAGAIN, true},
    {"the loop's eventfd cannot be read", "read", 1, 1, EIO, true},
    {"the loop's eventfd was read before", "read", 1, 1, EAGAIN, true},
};

/* A whole session; false: the gate ended it before. */
static bool
is_served(void)
{
	struct mta mta = mta_connect(fixture->listen);
	char hello[20];

	mta_send_raw(&mta, hello,
	    frame_put_negotiation(
	        hello, 0, FRAME_VERSION, FRAME_ACTIONS, MTA_OFFER));
	for (int i = 0; i < 3; i++)
		fixture_pass(10); /* it may try again */
	bool ok = mta_read(&mta).cmd == 'O';
	if (ok) {
		mta_greet(&mta);
		mta_rcpt(&mta, "<plain@example.org>");
		ok = mta_read(&mta).cmd == 'c';
	}
	mta_close(&mta);
	return ok;
}

static void
a_call_that_fails_costs_one_session_at_most(void **state)
{
	(void)state;
	filter_protocol(FILTER_PROTOCOL);
	fixture_gate();
	for (size_t i = 0; i < sizeof sessions / sizeof *sessions; i++) {
		print_message("  %s\n", sessions[i].claim);
		failing_arm(sessions[i].call, sessions[i].nth, sessions[i].row,
		    sessions[i].error, FAIL_IN_GATE);
		/* the eventfd is read when somebody writes to it */
		gate_turns(fixture->gate);
		bool was = is_served();
		failing_await();
		assert_true(failing_stop() >= 1);
		assert_int_equal(was, sessions[i].is_served);
		assert_true(is_served());
		fixture_await_connections(0);
	}
	fixture_gate_stop();
}

static void
a_wake_up_that_cannot_be_written_is_said_unless_there_is_one_already(void **state)
{
	(void)state;
	fixture_gate();
	unsigned before = fixture_said("gate: eventfd");
	failing_arm("write", 1, 1, EAGAIN, FAIL_HERE);
	gate_turns(fixture->gate);
	assert_int_equal(failing_stop(), 1);
	assert_int_equal(fixture_said("gate: eventfd"), before);
	failing_arm("write", 1, 1, EIO, FAIL_HERE);
	gate_turns(fixture->gate);
	assert_int_equal(failing_stop(), 1);
	assert_int_equal(fixture_said("gate: eventfd"), before + 1);
	assert_true(is_served());
	fixture_gate_stop();
}

static void
a_burst_that_waited_for_a_descriptor_is_served_in_turns(void **state)
{
	enum { ALL = 80 }; /* more than the loop accepts in one turn */
	struct mta mtas[ALL];

	fixture_gate();
	failing_arm("accept4", 1, 1, EMFILE, FAIL_IN_GATE);
	for (int i = 0; i < ALL; i++)
		mtas[i] = mta_connect(fixture->listen);
	failing_await();
	assert_int_equal(failing_stop(), 1);
	fixture_await_connections(ALL);
	for (int i = 0; i < ALL; i++)
		mta_close(&mtas[i]);
	fixture_await_connections(0);
	fixture_gate_stop();
}

static void
a_fault_that_lasts_is_said_once_in_a_while(void **state)
{
	fixture_gate();
	fixture_advance(3600000);
	unsigned before = fixture_said("gate: accept");
	failing_arm("accept4", 1, 2, EMFILE, FAIL_IN_GATE);
	assert_true(is_served());
	assert_int_equal(failing_stop(), 2);
	assert_int_equal(fixture_said("gate: accept"), before + 1);
	fixture_gate_stop();
}

static void
what_a_buffer_cannot_hold_fails_and_leaves_it(void **state)
{
	struct buf buf = {0};

	buf_append(&buf, "head", 4);
	buf_trim(&buf);
	buf_trim(&buf);
	assert_int_equal(buf.cap, 4);
	buf_append(&buf, "", (size_t)1 << 32);
	assert_true(buf.has_failed);
	assert_memory_equal(buf_head(&buf), "head", 4);
	buf_clear(&buf);
}

/* ------------------------------------------------------------------ TCP */

static int
connect_tcp(void)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(getsockname(fixture->gate->listen_fd,
	                     (struct sockaddr *)&address, &size),
	    0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
	return fd;
}

static void
an_mta_on_another_host_is_served_by_tcp(void **state)
{
	fixture->settings.listen = "inet:0@127.0.0.1";
	fixture_gate();
	gate_look_after(fixture->gate); /* no file to look after */
	struct mta mta = {connect_tcp()};
	assert_int_equal(mta_negotiate(&mta, MTA_OFFER), MTA_PROTOCOL);
	mta_greet(&mta);
	script_rcpt(&mta);
	script_end(&mta);
	fixture_gate_stop();
	fixture_reset();
}

/* ------------------------------------------------------- a socket that is gone */

static void
remove_files(void)
{
	char lock[128];

	snprintf(lock, sizeof lock, "%s.lock", front());
	unlink(front());
	unlink(lock);
}

static const struct {
	const char *call;
	unsigned nth;
	int error;
	const char *told;
} agains[] = {
    {"socket", 1, EMFILE, "cannot be made again"},
    {"bind", 1, EACCES, "cannot be made again"},
    {"listen", 1, EOPNOTSUPP, "cannot be made again"},
    {"fchmodat", 1, EIO, "cannot be made again: mode"},
    {"open", 1, EROFS, ".lock: Read-only file system"},
    {"flock", 1, ENOLCK, "lock: No locks available"},
    {"epoll_ctl", 1, ENOSPC, "made again"},
    {"epoll_ctl", 2, ENOSPC, "gate: epoll"},
};

static void
a_socket_that_was_removed_is_made_again_once_nothing_fails(void **state)
{
	(void)state;
	fixture_gate();
	gate_look_after(fixture->gate); /* it is there */
	unsigned made = fixture_said("made again");
	failing_arm("access", 1, 1, ENOENT, FAIL_HERE);
	gate_look_after(fixture->gate); /* it is there again */
	assert_int_equal(failing_stop(), 1);
	fixture_pass(0);
	assert_int_equal(fixture_said("made again"), made);
	for (size_t i = 0; i < sizeof agains / sizeof *agains; i++) {
		fixture_pass(3600000); /* the log may say it again */
		unsigned before = fixture_said(agains[i].told);
		remove_files();
		failing_arm(agains[i].call, agains[i].nth, 1, agains[i].error,
		    FAIL_IN_GATE);
		gate_look_after(fixture->gate);
		failing_await();
		fixture_pass(0); /* it has done what it does then */
		assert_int_equal(failing_stop(), 1);
		for (int n = 0; n < 60000 && access(front(), F_OK) != 0; n++) {
			gate_look_after(fixture->gate);
			usleep(1000);
		}
		fixture_pass(0); /* it listens */
		if (fixture_said(agains[i].told) == before)
			fail_msg("%s %u: not told", agains[i].call, agains[i].nth);
		assert_true(is_served());
	}
	fixture_gate_stop();
}

static void
remake(void)
{
	remove_files();
	for (int n = 0; n < 60000 && access(front(), F_OK) != 0; n++) {
		gate_look_after(fixture->gate);
		usleep(1000);
	}
}

static void
a_socket_that_cannot_be_made_for_long_is_said_once_in_a_while(void **state)
{
	fixture_gate();
	fixture_pass(3600000);
	unsigned before = fixture_said("cannot be made again");
	failing_arm("socket", 1, 3, EMFILE, FAIL_IN_GATE);
	remake();
	assert_int_equal(failing_stop(), 3);
	assert_int_equal(fixture_said("cannot be made again"), before + 1);
	/* the same for its lock */
	before = fixture_said(".lock: Read-only file system");
	failing_arm("open", 1, 2, EROFS, FAIL_IN_GATE);
	remake();
	remake();
	assert_int_equal(failing_stop(), 2);
	assert_int_equal(fixture_said(".lock: Read-only file system"), before + 1);
	/* the same when the loop cannot listen on it */
	fixture_pass(3600000);
	before = fixture_said("gate: epoll");
	failing_arm("epoll_ctl", 2, 2, ENOSPC, FAIL_IN_GATE);
	remove_files();
	gate_look_after(fixture->gate);
	failing_await();
	fixture_pass(0);
	assert_true(is_served());
	assert_int_equal(failing_stop(), 2);
	assert_int_equal(fixture_said("gate: epoll"), before + 1);
	fixture_gate_stop();
}

static void
what_cannot_be_looked_at_is_not_taken_for_removed(void **state)
{
	(void)state;
	fixture_gate();
	unsigned before = fixture_said("made again");
	failing_arm("access", 1, 1, EACCES, FAIL_IN_GATE);
	remove_files();
	gate_look_after(fixture->gate);
	failing_await();
	assert_int_equal(failing_stop(), 1);
	fixture_pass(0);
	assert_int_equal(fixture_said("made again"), before);
	fixture_gate_stop();
}

static void
at_the_cap_the_socket_is_made_again_and_a_stop_ends(void **state)
{
	fixture->settings.max_connections = 1;
	fixture_gate();
	struct mta one = script_greet();
	struct mta two = mta_connect(fixture->listen); /* waits in the backlog */
	fixture_pass(0);
	remake();
	mta_close(&two);
	gate_stop(fixture->gate, 500);
	mta_close(&one);
	fixture_gate_stop();
	gate_free(&fixture->gate);
	fixture_reset();
}

static void
a_socket_that_a_crash_left_is_replaced(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path, front(), strlen(front()) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	fixture_gate();
	assert_true(is_served());
	fixture_gate_stop();
}

static int
open_fixture(void **state)
{
	(void)state;
	fixture_open();
	filter_protocol(FILTER_PROTOCOL);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        what_fails_at_the_opening_is_told_and_leaves_no_socket),
	    cmocka_unit_test(
	        a_lock_that_cannot_be_made_is_not_taken_for_another_users),
	    cmocka_unit_test(
	        what_fails_at_the_start_is_told_and_the_next_start_serves),
	    cmocka_unit_test(
	        without_sock_diag_it_serves_and_says_that_hang_ups_are_not_seen),
	    cmocka_unit_test(a_folder_that_gives_the_group_needs_no_lchown),
	    cmocka_unit_test(connections_are_capped_by_descriptors),
	    cmocka_unit_test(paths_that_are_too_long_are_told),
	    cmocka_unit_test(a_call_that_fails_costs_one_session_at_most),
	    cmocka_unit_test(
	        a_burst_that_waited_for_a_descriptor_is_served_in_turns),
	    cmocka_unit_test(a_fault_that_lasts_is_said_once_in_a_while),
	    cmocka_unit_test(what_a_buffer_cannot_hold_fails_and_leaves_it),
	    cmocka_unit_test(an_mta_on_another_host_is_served_by_tcp),
	    cmocka_unit_test(
	        a_wake_up_that_cannot_be_written_is_said_unless_there_is_one_already),
	    cmocka_unit_test(
	        a_socket_that_was_removed_is_made_again_once_nothing_fails),
	    cmocka_unit_test(
	        a_socket_that_cannot_be_made_for_long_is_said_once_in_a_while),
	    cmocka_unit_test(what_cannot_be_looked_at_is_not_taken_for_removed),
	    cmocka_unit_test(at_the_cap_the_socket_is_made_again_and_a_stop_ends),
	    cmocka_unit_test(a_socket_that_a_crash_left_is_replaced),
	};

	return cmocka_run_group_tests(tests, open_fixture, NULL);
}
