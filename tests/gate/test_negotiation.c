/* SPDX-License-Identifier: BSD-2-Clause */
/* A negotiation that was made before is answered without libmilter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "gate/filter.h"
#include "gate/rig.h"

static struct rig *rig;

static sfsistat
go_on(const struct filter_call *call)
{
	(void)call;
	return SMFIS_CONTINUE;
}

static void
whole_session(uint32_t offer, uint32_t agreed)
{
	filter_hook(go_on);
	struct mta mta = mta_connect(rig);
	assert_int_equal(mta_negotiate(&mta, offer), agreed);
	mta_greet(&mta);
	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_data(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_send(&mta, 'Q', NULL, 0);
	assert_int_equal(mta_read(&mta).cmd, 0);
	mta_close(&mta);
	rig_await(FILTER_CLOSE, 1);
	rig_await_connections(0);
	assert_int_equal(filter_count(FILTER_CONNECT), 1);
	assert_int_equal(filter_count(FILTER_EOM), 1);
}

static void
sessions_after_the_first_work_as_the_first(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		whole_session(MTA_OFFER, RIG_LEAN);
}

static void
another_offer_is_negotiated_by_libmilter(void **state)
{
	(void)state;
	uint32_t less = MTA_OFFER & ~(uint32_t)SMFIP_SKIP;

	whole_session(less, RIG_LEAN);
	whole_session(MTA_OFFER, RIG_LEAN);
	whole_session(less, RIG_LEAN);
}

static void
libmilter_is_reached_with_the_first_command_that_counts(void **state)
{
	(void)state;
	filter_hook(go_on);
	struct mta mta = mta_connect(rig);
	assert_int_equal(mta_negotiate(&mta, MTA_OFFER), RIG_LEAN);
	mta_send(&mta, 'H', "helo", 5);
	usleep(50000);
	assert_int_equal(filter_count(FILTER_HELO), 0);
	mta_send(&mta, 'M', "<sender@example.net>", 21);
	rig_await(FILTER_MAIL, 1);
	assert_int_equal(filter_count(FILTER_HELO), 1);
	mta_close(&mta);
	rig_await(FILTER_CLOSE, 1);
	rig_await_connections(0);
}

static void
a_session_that_ends_before_mail_is_heard_of_too(void **state)
{
	(void)state;
	filter_hook(go_on);
	struct mta mta = mta_connect(rig);
	assert_int_equal(mta_negotiate(&mta, MTA_OFFER), RIG_LEAN);
	mta_send(&mta, 'C', "host\0U", 6);
	mta_send(&mta, 'H', "helo", 5);
	mta_close(&mta);
	rig_await(FILTER_CLOSE, 1);
	assert_int_equal(filter_count(FILTER_CONNECT), 1);
	assert_int_equal(filter_count(FILTER_HELO), 1);
	rig_await_connections(0);
}

/* Leaves the gate without a kept negotiation. */
static void
an_answer_that_differs_ends_the_connection_and_is_forgotten(void **state)
{
	(void)state;
	filter_hook(go_on);
	filter_protocol(0);
	struct mta mta = mta_connect(rig);
	assert_int_equal(mta_negotiate(&mta, MTA_OFFER), RIG_LEAN);
	mta_greet(&mta);
	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 0);
	mta_close(&mta);
	rig_await_connections(0);
	mta = mta_connect(rig);
	assert_int_equal(mta_negotiate(&mta, MTA_OFFER), 0);
	mta_close(&mta);
	rig_await_connections(0);
	filter_protocol(RIG_LEAN);
}

static int
open_rig(void **state)
{
	(void)state;
	rig = rig_open();
	rig->settings.keeps_negotiation = true;
	filter_protocol(RIG_LEAN);
	rig_gate(rig);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sessions_after_the_first_work_as_the_first),
	    cmocka_unit_test(another_offer_is_negotiated_by_libmilter),
	    cmocka_unit_test(
	        libmilter_is_reached_with_the_first_command_that_counts),
	    cmocka_unit_test(a_session_that_ends_before_mail_is_heard_of_too),
	    cmocka_unit_test(
	        an_answer_that_differs_ends_the_connection_and_is_forgotten),
	};
	return cmocka_run_group_tests(tests, open_rig, rig_teardown);
}
