/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of every shape: cut, joined, huge, wrong; and the macro in all of them. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "gate/gate_private.h"
#include "gate/script.h"

static _Atomic unsigned without_macro, with_macro;
static _Atomic unsigned rounds;

static sfsistat
check_macro(const struct filter_call *call)
{
	struct gate_moment moment;

	if (gate_look(fixture->gate, call->number, NULL, &moment))
		atomic_fetch_add(&with_macro, 1);
	else
		atomic_fetch_add(&without_macro, 1);
	return SMFIS_CONTINUE;
}

static sfsistat
hold_first(const struct filter_call *call)
{
	check_macro(call);
	if (call->event != FILTER_RCPT || atomic_fetch_add(&rounds, 1) > 0)
		return SMFIS_CONTINUE;
	script_hold(call, 60000);
	return SMFIS_CONTINUE;
}

static struct mta
begin(sfsistat (*hook)(const struct filter_call *), unsigned long protocol)
{
	atomic_store(&without_macro, 0);
	atomic_store(&with_macro, 0);
	atomic_store(&rounds, 0);
	filter_protocol(protocol);
	filter_hook(hook);
	struct mta mta = mta_connect(fixture->listen);
	assert_int_equal(mta_negotiate(&mta, MTA_OFFER),
	    (protocol & ~(unsigned long)(SMFIP_NR_CONN | SMFIP_NR_HELO)) |
	        SMFIP_NR_MAIL);
	return mta;
}

static void
step(struct mta *mta, char cmd, const char *data, size_t len)
{
	mta_send(mta, cmd, data, len);
	assert_int_equal(mta_read(mta).cmd, 'c');
}

static void
whole_session(struct mta *mta, const char *macros, size_t len, bool connects)
{
	if (len > 0)
		mta_send(mta, 'D', macros, len);
	if (connects)
		step(mta, 'C',
		    "host\0"
		    "4\0\0"
		    "192.0.2.7",
		    18);
	step(mta, 'H', "helo", 5);
	mta_send(mta, 'M', "<s@example.net>", 16);
	step(mta, 'R', "<a@example.org>", 16);
	step(mta, 'T', NULL, 0);
	step(mta, 'L', "Subject\0x", 10);
	step(mta, 'N', NULL, 0);
	step(mta, 'B', "body", 4);
	step(mta, 'E', NULL, 0);
	mta_send(mta, 'M', "<s@example.net>", 16);
	mta_send(mta, 'A', NULL, 0);
}

static void
finish(struct mta *mta, unsigned closes)
{
	mta_send(mta, 'Q', NULL, 0);
	assert_int_equal(mta_read(mta).cmd, 0);
	mta_close(mta);
	fixture_await(FILTER_CLOSE, closes);
	fixture_await_connections(0);
}

static void
the_macro_is_readable_in_every_callback(void **state)
{
	static const struct {
		const char *macros;
		size_t len;
		bool connects;
		unsigned callbacks;
	} cases[] = {
	    {"Cj\0mx\0_\0host", 13, true, 12},
	    {"C", 1, true, 12},
	    {"", 0, true, 12},
	    {"", 0, false, 11},
	    {"H{tls_version}\0x", 17, false, 11},
	    {"Cj\0mx\0odd", 9, true, 12},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mta mta = begin(check_macro, 0);
		whole_session(
		    &mta, cases[i].macros, cases[i].len, cases[i].connects);
		finish(&mta, 1);
		assert_int_equal(atomic_load(&without_macro), 0);
		assert_int_equal(atomic_load(&with_macro), cases[i].callbacks);
	}
}

/* What a connection with these frames at its beginning comes to. */
struct oddity {
	char cmd;
	const char *data;
	size_t len;
};

static bool
ends_the_connection(const struct oddity *oddity)
{
	struct mta mta = begin(check_macro, 0);

	mta_send(&mta, oddity->cmd, oddity->data, oddity->len);
	mta_send(&mta, SMFIC_HELO, "helo", 5);
	bool ends = mta_read(&mta).cmd == 0;
	script_leave(&mta);
	return ends;
}

/* libmilter would read past their end, or never answer. */
static void
frames_that_the_protocol_does_not_know_end_the_connection(void **state)
{
	static const struct oddity oddities[] = {{SMFIC_CONNECT, "host", 4},
	    {SMFIC_CONNECT, "host", 5}, {SMFIC_CONNECT, "host\0004", 6},
	    {SMFIC_CONNECT, "host\0004\0\000192.0.2.7", 17},
	    {SMFIC_CONNECT, NULL, 0}, {SMFIC_HELO, "helo", 4},
	    {SMFIC_HELO, NULL, 0}, {SMFIC_MAIL, "<a@example.org>", 15},
	    {SMFIC_RCPT, "<a@example.org>", 15}, {SMFIC_HEADER, "Subject", 8},
	    {SMFIC_HEADER, "Subject\0x", 9}, {SMFIC_HEADER, "\0x", 3},
	    {SMFIC_HEADER, NULL, 0}, {SMFIC_OPTNEG, "\0\0\0\006", 4},
	    {SMFIC_QUIT_NC, NULL, 0}, {'?', NULL, 0}, {0, NULL, 0}};

	for (size_t i = 0; i < sizeof oddities / sizeof oddities[0]; i++)
		assert_true(ends_the_connection(&oddities[i]));
	assert_false(ends_the_connection(&(struct oddity){SMFIC_HELO, "helo", 5}));
}

static void
a_connection_that_does_not_begin_with_a_negotiation_ends(void **state)
{
	struct mta mta = mta_connect(fixture->listen);

	mta_send(&mta, SMFIC_HELO, "helo", 5);
	assert_int_equal(mta_read(&mta).cmd, 0);
	script_leave(&mta);
}

/* An odd number of strings makes smfi_getsymval() read past the end. */
static void
macros_that_are_not_whole_are_left_out_at_every_stage(void **state)
{
	static const char stages[] = "CHMRTNE?";
	static const struct oddity oddities[] = {{0, "{auth_type}", 12},
	    {0, "a\0b\0c", 6}, {0, "a\0b", 3}, {0, "a", 1},
	    {0, GATE_MACRO "\0001", sizeof GATE_MACRO + 2},
	    {0, "a\0b\0" GATE_MACRO "\0001", sizeof GATE_MACRO + 6}};

	for (size_t i = 0; i < sizeof oddities / sizeof oddities[0]; i++) {
		struct mta mta = begin(check_macro, 0);
		for (size_t stage = 0; stage < sizeof stages; stage++) {
			char frame[100] = {stages[stage]};
			memcpy(frame + 1, oddities[i].data, oddities[i].len);
			mta_send(&mta, SMFIC_MACRO, frame, oddities[i].len + 1);
			mta_send(&mta, SMFIC_MACRO, frame, stage % 2);
		}
		whole_session(&mta, "", 0, true);
		finish(&mta, 1);
		assert_int_equal(atomic_load(&without_macro), 0);
		assert_int_equal(atomic_load(&with_macro), 12);
	}
}

static size_t
lean_session(char *buf, size_t at)
{
	at = frame_put(buf, at, 'D', "Cj\0mx", 6);
	at = frame_put(buf, at, 'C', "host\0U", 6);
	at = frame_put(buf, at, 'H', "helo", 5);
	at = frame_put(buf, at, 'M', "<s@example.net>", 16);
	at = frame_put(buf, at, 'R', "<a@example.org>", 16);
	at = frame_put(buf, at, 'R', "<b@example.org>", 16);
	at = frame_put(buf, at, 'T', NULL, 0);
	at = frame_put(buf, at, 'L', "Subject\0x", 10);
	at = frame_put(buf, at, 'N', NULL, 0);
	at = frame_put(buf, at, 'B', "body", 4);
	at = frame_put(buf, at, 'E', NULL, 0);
	return frame_put(buf, at, 'Q', NULL, 0);
}

static void
expect_replies(struct mta *mta, int count)
{
	for (int i = 0; i < count; i++)
		assert_int_equal(mta_read(mta).cmd, 'c');
	assert_int_equal(mta_read(mta).cmd, 0);
	script_leave(mta);
	assert_int_equal(filter_count(FILTER_EOM), 1);
	assert_int_equal(atomic_load(&without_macro), 0);
}

static void
a_session_in_one_write_waits_for_its_first_recipient(void **state)
{
	char buf[1024];
	struct mta mta = begin(hold_first, FILTER_PROTOCOL);

	mta_send_raw(&mta, buf, lean_session(buf, 0));
	fixture_await_waiting(1);
	assert_int_equal(mta_read(&mta).cmd, 'c'); /* to CONNECT */
	assert_int_equal(mta_read(&mta).cmd, 'c'); /* to HELO */
	assert_true(mta_silent(&mta, 30));
	assert_int_equal(filter_count(FILTER_RCPT), 1);
	fixture_advance(60000);
	expect_replies(&mta, 4);
	assert_int_equal(filter_count(FILTER_RCPT), 2);
}

static void
a_session_byte_by_byte_goes_through(void **state)
{
	char buf[1024];
	struct mta mta = begin(hold_first, FILTER_PROTOCOL);
	size_t len = lean_session(buf, 0);

	for (size_t i = 0; i < len; i++)
		mta_send_raw(&mta, buf + i, 1);
	fixture_await_waiting(1);
	fixture_advance(60000);
	expect_replies(&mta, 6);
}

static void
large_frames_go_through(void **state)
{
	enum { BODIES = 100, SIZE = 65535 };
	char *body = calloc(1, SIZE);
	struct mta mta = begin(check_macro, FILTER_PROTOCOL);

	assert_non_null(body);
	mta_greet(&mta);
	script_data(&mta);
	mta_send(&mta, 'N', NULL, 0);
	for (int i = 0; i < BODIES; i++)
		mta_send(&mta, 'B', body, SIZE);
	mta_send(&mta, 'E', NULL, 0);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(filter_count(FILTER_BODY), BODIES);
	finish(&mta, 1);
	free(body);
}

static void
a_recipient_of_60000_octets_is_held(void **state)
{
	char *name = malloc(60000);
	struct mta mta = begin(hold_first, FILTER_PROTOCOL);

	assert_non_null(name);
	memset(name, 'a', 59999);
	name[59999] = '\0';
	mta_greet(&mta);
	mta_send(&mta, 'R', name, 60000);
	fixture_await_waiting(1);
	fixture_advance(60000);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(filter_count(FILTER_RCPT), 1);
	finish(&mta, 1);
	free(name);
}

static void
frames_of_no_length_and_of_four_gigabytes_end_the_connection(void **state)
{
	static const char wrong[][5] = {"\0\0\0\0\0",
	    "\xff\xff\xff\xff"
	    "B",
	    "\x00\x20\x00\x00"
	    "B"};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct mta mta = begin(check_macro, FILTER_PROTOCOL);
		mta_greet(&mta);
		mta_send_raw(&mta, wrong[i], 5);
		assert_int_equal(mta_read(&mta).cmd, 0);
		script_leave(&mta);
	}
}

static void
a_frame_that_libmilter_refuses_ends_the_connection(void **state)
{
	char *name = calloc(1, 70000);
	struct mta mta = begin(check_macro, 0);

	assert_non_null(name);
	mta_send(&mta, 'H', name, 70000);
	assert_int_equal(mta_read(&mta).cmd, 0);
	script_leave(&mta);
	free(name);
}

static void
a_session_cut_anywhere_leaves_no_connection_behind(void **state)
{
	char buf[1024];
	size_t len = lean_session(buf, 0);

	for (size_t cut = 0; cut < len; cut += 3) {
		struct mta mta = begin(hold_first, FILTER_PROTOCOL);
		mta_send_raw(&mta, buf, cut);
		if (cut % 2 == 0)
			usleep(200);
		script_leave(&mta);
	}
}

static sfsistat
mark_message(const struct filter_call *call)
{
	check_macro(call);
	if (call->event == FILTER_EOM)
		for (int i = 0; i < 5; i++)
			smfi_insheader(call->smfi, 0, (char *)(uintptr_t) "X-Test",
			    (char *)(uintptr_t) "value");
	return SMFIS_CONTINUE;
}

static void
edits_at_end_of_message_pass_before_the_reply(void **state)
{
	struct mta mta = begin(mark_message, FILTER_PROTOCOL);

	mta_greet(&mta);
	script_rcpt(&mta);
	mta_message(&mta);
	for (int i = 0; i < 5; i++)
		assert_int_equal(mta_read(&mta).cmd, 'i');
	assert_int_equal(mta_read(&mta).cmd, 'c');
	finish(&mta, 1);
}

static void
an_mta_that_closes_its_writing_half_still_gets_its_replies(void **state)
{
	char buf[1024];
	struct mta mta = begin(check_macro, FILTER_PROTOCOL);

	mta_send_raw(&mta, buf, lean_session(buf, 0));
	shutdown(mta.fd, SHUT_WR);
	expect_replies(&mta, 6);
}

/* The first DATA of the connection is refused. */
static sfsistat
refuse_data(const struct filter_call *call)
{
	return call->event == FILTER_DATA && atomic_fetch_add(&rounds, 1) == 0
	           ? SMFIS_TEMPFAIL
	           : SMFIS_CONTINUE;
}

/* libmilter ignores what follows a refused DATA: the gate may not wait for it. */
static void
a_data_that_was_refused_stays_refused_until_the_transaction_ends(void **state)
{
	static const char again[] = "RTRTE";
	struct mta mta = begin(refuse_data, FILTER_PROTOCOL);

	mta_greet(&mta);
	script_rcpt(&mta);
	mta_data(&mta);
	assert_int_equal(mta_read(&mta).cmd, 't');
	for (const char *cmd = again; *cmd != '\0'; cmd++) {
		mta_send(&mta, *cmd, "<b@example.org>", *cmd == 'R' ? 16 : 0);
		struct mta_frame reply = mta_read(&mta);
		assert_int_equal(reply.cmd, 'y');
		assert_memory_equal(reply.data, "450 4.7.1 ", 10);
	}
	mta_send(&mta, 'A', NULL, 0);
	mta_send(&mta, 'M', "<s@example.net>", 16);
	script_data(&mta);
	script_leave(&mta);
}

/* The reply to each command; "-" before one: without a reply. */
static void
expect_answers(sfsistat (*hook)(const struct filter_call *), const char *commands,
    const char *replies)
{
	struct mta mta = begin(hook, FILTER_PROTOCOL);

	mta_greet(&mta);
	for (const char *cmd = commands; *cmd != '\0'; cmd++) {
		bool has_text = *cmd == SMFIC_MAIL || *cmd == SMFIC_RCPT;
		mta_send(&mta, *cmd, "<b@example.org>", has_text ? 16 : 0);
		if (*cmd == SMFIC_MAIL || *cmd == SMFIC_ABORT || *cmd == SMFIC_EOH)
			continue;
		struct mta_frame reply = mta_read(&mta);
		assert_int_equal(reply.cmd, *replies++);
		if (reply.cmd == SMFIR_REPLYCODE)
			assert_memory_equal(reply.data, "450 4.7.1 ", 10);
	}
	script_leave(&mta);
}

static sfsistat
refuse_recipients(const struct filter_call *call)
{
	return call->event == FILTER_RCPT ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
}

/* A Postfix that shows such a DATA crashes when it is answered "continue". */
static void
data_without_an_accepted_recipient_is_refused(void **state)
{
	expect_answers(check_macro, "T", "y"); /* behind MAIL */
	expect_answers(check_macro, "AT", "y");
	expect_answers(check_macro, "RATRT", "cyyy");
	expect_answers(check_macro, "RTNEATT", "cccyy");
	expect_answers(check_macro, "RTNETMRT", "cccycc");
	expect_answers(check_macro, "TRT", "ycc");
	expect_answers(check_macro, "AENRT", "yyy");
	expect_answers(refuse_recipients, "RTRT", "tyty");
	expect_answers(refuse_data, "RTATMRT", "ctycc");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_macro_is_readable_in_every_callback),
	    cmocka_unit_test(
	        frames_that_the_protocol_does_not_know_end_the_connection),
	    cmocka_unit_test(
	        a_connection_that_does_not_begin_with_a_negotiation_ends),
	    cmocka_unit_test(macros_that_are_not_whole_are_left_out_at_every_stage),
	    cmocka_unit_test(data_without_an_accepted_recipient_is_refused),
	    cmocka_unit_test(a_session_in_one_write_waits_for_its_first_recipient),
	    cmocka_unit_test(a_session_byte_by_byte_goes_through),
	    cmocka_unit_test(large_frames_go_through),
	    cmocka_unit_test(a_recipient_of_60000_octets_is_held),
	    cmocka_unit_test(
	        frames_of_no_length_and_of_four_gigabytes_end_the_connection),
	    cmocka_unit_test(a_frame_that_libmilter_refuses_ends_the_connection),
	    cmocka_unit_test(a_session_cut_anywhere_leaves_no_connection_behind),
	    cmocka_unit_test(edits_at_end_of_message_pass_before_the_reply),
	    cmocka_unit_test(
	        an_mta_that_closes_its_writing_half_still_gets_its_replies),
	    cmocka_unit_test(
	        a_data_that_was_refused_stays_refused_until_the_transaction_ends),
	};
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
