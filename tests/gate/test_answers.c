/* SPDX-License-Identifier: BSD-2-Clause */
/* What the MTA hears, from the filter or from the gate itself, and what follows. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/script.h"

static struct {
	_Atomic enum filter_event event;
	_Atomic sfsistat status;
	const char *_Atomic refusal; /* told instead; NULL: none */
	_Atomic bool delays_next;    /* the command after MAIL waits */
	_Atomic bool decides;        /* for what was told instead */
	_Atomic bool is_blocked;
	_Atomic int blocked; /* callbacks */
} plan;

static sfsistat
by_plan(const struct filter_call *call)
{
	struct gate_moment moment = script_look(call, true);
	struct gate_wish wish = {.other = plan.refusal};

	if (call->event == FILTER_MAIL && atomic_load(&plan.delays_next)) {
		wish.command_until_ms = fixture_now() + 60000;
		gate_tell(fixture->gate, moment.ticket, &wish);
	}
	if (call->event != plan.event)
		return SMFIS_CONTINUE;
	atomic_fetch_add(&plan.blocked, 1);
	while (atomic_load(&plan.is_blocked))
		usleep(1000);
	if (atomic_load(&plan.decides)) {
		wish.reply_until_ms = fixture_now() + 60000;
		gate_tell(fixture->gate, moment.ticket, &wish);
		gate_decide(fixture->gate, moment.ticket, true);
	}
	return plan.status;
}

static struct mta
begin(enum filter_event event, sfsistat status)
{
	plan.event = event;
	plan.status = status;
	return script_begin(by_plan);
}

/* The same session takes another message, whole. */
static void
expect_next_message(struct mta *mta)
{
	plan.event = FILTER_EVENTS;
	mta_send(mta, 'A', NULL, 0);
	mta_send(mta, 'M', "<next@example.net>", 19);
	script_data(mta);
	mta_message(mta);
	assert_int_equal(mta_read(mta).cmd, 'c');
}

static const struct {
	const char *claim;
	enum filter_event event;
	sfsistat status;
	char heard;
} verdicts[] = {
    {"a recipient is refused for now", FILTER_RCPT, SMFIS_TEMPFAIL, 't'},
    {"a recipient is refused", FILTER_RCPT, SMFIS_REJECT, 'r'},
    {"the message is accepted as it is", FILTER_RCPT, SMFIS_ACCEPT, 'a'},
    {"the message is thrown away", FILTER_RCPT, SMFIS_DISCARD, 'd'},
    {"DATA is refused for now", FILTER_DATA, SMFIS_TEMPFAIL, 't'},
    {"the message is refused at its end", FILTER_EOM, SMFIS_TEMPFAIL, 't'},
    {"and accepted there", FILTER_EOM, SMFIS_ACCEPT, 'a'},
};

static void
whatever_the_filter_says_is_heard_and_the_next_message_is_served(void **state)
{
	fixture_gate();
	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
		print_message("  %s\n", verdicts[i].claim);
		struct mta mta = begin(verdicts[i].event, verdicts[i].status);
		mta_rcpt(&mta, "<a@example.org>");
		if (verdicts[i].event != FILTER_RCPT) {
			assert_int_equal(mta_read(&mta).cmd, 'c');
			mta_data(&mta);
		}
		if (verdicts[i].event == FILTER_EOM) {
			assert_int_equal(mta_read(&mta).cmd, 'c');
			mta_message(&mta);
		}
		assert_int_equal(mta_read(&mta).cmd, verdicts[i].heard);
		expect_next_message(&mta);
		script_end(&mta);
	}
	fixture_gate_stop();
}

#define X100                                                                       \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                       \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X500 X100 X100 X100 X100 X100

#define TROUBLE "451 4.3.0 Try again later"

/* smfi_setreply(3): a percent sign of a reply is doubled. */
static const struct {
	const char *told, *heard;
} refusals[] = {
    {"450 4.7.1 100% sure", "450 4.7.1 100%% sure"},
    {"450 4.7.1 a\tb\x7f\xc3\xa9\r\n", "450 4.7.1 a?b?????"},
    {"450 4.7.1 xy" X500 "z", "450 4.7.1 xy" X500},
    {NULL, TROUBLE}, /* nothing was told, or there was no memory for it */
};

static void
a_refusal_is_one_printable_line_of_512_octets_at_most(void **state)
{
	fixture_gate();
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		plan.refusal = refusals[i].told;
		atomic_store(&plan.decides, true);
		struct mta mta = begin(FILTER_RCPT, SMFIS_CONTINUE);
		mta_rcpt(&mta, "<a@example.org>");
		struct mta_frame frame = mta_read(&mta);
		assert_int_equal(frame.cmd, 'y');
		assert_string_equal(frame.data, refusals[i].heard);
		plan.refusal = NULL;
		atomic_store(&plan.decides, false);
		expect_next_message(&mta);
		script_end(&mta);
	}
	fixture_gate_stop();
}

static void *
stop_gate(void *arg)
{
	(void)arg;
	gate_stop(fixture->gate, 1000);
	return NULL;
}

static void
a_stop_answers_a_command_that_waits_to_be_handed_over(void **state)
{
	pthread_t thread;

	fixture_gate();
	atomic_store(&plan.delays_next, true);
	struct mta left = script_begin(by_plan), mta = begin(FILTER_EVENTS, 0);
	mta_close(&left); /* leaves a hole among the connections */
	fixture_await_connections(1);
	script_rcpt(&mta);
	mta_data(&mta);
	fixture_await_waiting(1);
	pthread_create(&thread, NULL, stop_gate, NULL);
	struct mta_frame frame = mta_read(&mta);
	assert_int_equal(frame.cmd, 'y');
	assert_memory_equal(frame.data, "451 4.3.2 ", 10);
	pthread_join(thread, NULL);
	atomic_store(&plan.delays_next, false);
	mta_close(&mta);
	fixture_await(FILTER_CLOSE, 2); /* callbacks look at the gate */
	gate_free(&fixture->gate);
}

/* A hold that is told late, and without a place among the holds. */
static sfsistat
hold_late(const struct filter_call *call)
{
	struct gate_moment moment = script_look(call, false);
	struct gate_wish wish = {
	    .reply_until_ms = fixture_now() + 60000, .is_hold = true};

	if (call->event != FILTER_RCPT)
		return SMFIS_CONTINUE;
	atomic_store(&plan.blocked, 1);
	while (atomic_load(&plan.is_blocked))
		usleep(1000);
	gate_tell(fixture->gate, moment.ticket, &wish);
	return SMFIS_CONTINUE;
}

static void
a_hold_that_is_told_when_all_is_over_holds_nobody(void **state)
{
	for (int is_stop = 0; is_stop < 2; is_stop++) {
		pthread_t thread;

		fixture_gate();
		atomic_store(&plan.blocked, 0);
		atomic_store(&plan.is_blocked, true);
		struct mta mta = script_begin(hold_late);
		mta_rcpt(&mta, "<a@example.org>");
		for (int n = 0; n < 60000 && atomic_load(&plan.blocked) == 0; n++)
			usleep(1000);
		if (is_stop)
			pthread_create(&thread, NULL, stop_gate, NULL);
		else
			shutdown(mta.fd, SHUT_WR);
		usleep(20000); /* it has begun to stop, or heard of the end */
		atomic_store(&plan.is_blocked, false);
		fixture_await(FILTER_RCPT, 1);
		if (is_stop)
			pthread_join(thread, NULL);
		mta_close(&mta);
		fixture_await(FILTER_CLOSE, 1);
		assert_int_equal(fixture_report().holds, 0);
		fixture_gate_stop();
		gate_free(&fixture->gate);
	}
}

static void
silence_is_answered_for_each_session_and_logged_once_in_a_while(void **state)
{
	enum { ALL = 3 };
	struct mta mtas[ALL];
	unsigned before = fixture_said("no answer to command R");

	fixture->settings.on_failure = GATE_TEMPFAIL;
	fixture_gate();
	atomic_store(&plan.blocked, 0);
	atomic_store(&plan.is_blocked, true);
	for (int i = 0; i < ALL; i++) {
		mtas[i] = begin(FILTER_RCPT, SMFIS_CONTINUE);
		mta_rcpt(&mtas[i], "<a@example.org>");
	}
	for (int n = 0; n < 60000 && atomic_load(&plan.blocked) < ALL; n++)
		usleep(1000);
	for (int i = 0; i < 60; i++)
		fixture_pass(1000);
	for (int i = 0; i < ALL; i++)
		assert_int_equal(mta_read(&mtas[i]).cmd, 't');
	assert_int_equal(fixture_said("no answer to command R"), before + 1);
	/* another connection of the MTA's may begin on the same socket */
	mta_send(&mtas[0], 'K', NULL, 0);
	assert_int_equal(mta_read(&mtas[0]).cmd, 0);
	assert_int_equal(mta_negotiate(&mtas[1], MTA_OFFER), 0);
	atomic_store(&plan.is_blocked, false);
	for (int i = 0; i < ALL; i++)
		mta_close(&mtas[i]);
	fixture_await_connections(0);
	fixture_await(FILTER_CLOSE, ALL);
	fixture_gate_stop();
	fixture_reset();
}

static void
a_number_that_no_connection_has_is_nobodys(void **state)
{
	struct gate_moment moment;

	fixture_gate();
	assert_false(gate_look(fixture->gate, 0, NULL, &moment));
	assert_false(gate_look(fixture->gate, (1 << 20) - 1, NULL, &moment));
	gate_decide(fixture->gate, UINT64_MAX, true);
	fixture_gate_stop();
}

static int
open_fixture(void **state)
{
	fixture_open();
	filter_protocol(FILTER_PROTOCOL);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        whatever_the_filter_says_is_heard_and_the_next_message_is_served),
	    cmocka_unit_test(a_refusal_is_one_printable_line_of_512_octets_at_most),
	    cmocka_unit_test(a_stop_answers_a_command_that_waits_to_be_handed_over),
	    cmocka_unit_test(a_hold_that_is_told_when_all_is_over_holds_nobody),
	    cmocka_unit_test(
	        silence_is_answered_for_each_session_and_logged_once_in_a_while),
	    cmocka_unit_test(a_number_that_no_connection_has_is_nobodys),
	};

	return cmocka_run_group_tests(tests, open_fixture, NULL);
}
