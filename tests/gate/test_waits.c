/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking again, withholding, waking, settling: one connection, frozen clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "gate/filter.h"
#include "gate/rig.h"

#define LEAN                                                                       \
	(SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_HDR |            \
	    SMFIP_NR_EOH | SMFIP_NR_BODY)

static struct rig *rig;
static _Atomic uint64_t number;
static struct gate_outcome seen[FILTER_EVENTS];
static _Atomic unsigned rounds; /* of the RCPT callback */
static _Atomic unsigned missing_macro;

static void look(const struct filter_call *call)
{
	if (call->number == 0)
		atomic_fetch_add(&missing_macro, 1);
	else
		atomic_store(&number, call->number);
	gate_outcome(rig->gate, call->number, &seen[call->event]);
}

static struct mta begin(sfsistat (*hook)(const struct filter_call *))
{
	memset(seen, 0, sizeof seen);
	atomic_store(&rounds, 0);
	atomic_store(&missing_macro, 0);
	atomic_store(&number, 0);
	filter_protocol(LEAN);
	filter_hook(hook);
	struct mta mta = mta_connect(rig);
	assert_int_equal(mta_negotiate(&mta, MTA_OFFER), LEAN);
	mta_greet(&mta);
	return mta;
}

/* The clock stands still, so the callbacks are waited for by count. */
static void await(enum filter_event event, unsigned count)
{
	for (int i = 0; i < 60000 && filter_count(event) < count; i++)
		usleep(1000);
	assert_true(filter_count(event) >= count);
}

static void await_held(size_t count)
{
	struct gate_held row;

	for (int i = 0; i < 60000 && gate_held(rig->gate, &row, 1) != count; i++)
		usleep(1000);
	assert_int_equal(gate_held(rig->gate, &row, 1), count);
}

static sfsistat hold_once(const struct filter_call *call)
{
	look(call);
	if (call->event != FILTER_RCPT || atomic_fetch_add(&rounds, 1) > 0)
		return SMFIS_CONTINUE;
	struct gate_wait wait = {.kind = GATE_ASK_AGAIN,
	    .until_ms = rig_now() + 125000,
	    .is_hold = true};
	if (!gate_budget(rig->gate, call->number, 1).granted)
		return SMFIS_TEMPFAIL;
	return gate_wait(rig->gate, call->number, &wait) == GATE_WAITING
	           ? SMFIS_CONTINUE
	           : SMFIS_TEMPFAIL;
}

static void a_hold_at_rcpt_is_asked_again_when_due(void **state)
{
	(void)state;
	struct mta mta = begin(hold_once);

	mta_rcpt(&mta, "<a@example.org>");
	await_held(1);
	assert_true(mta_silent(&mta, 30));
	for (int i = 0; i < 12; i++) {
		rig_advance(10000);
		assert_int_equal(mta_read_any(&mta).cmd, 'p');
	}
	assert_int_equal(filter_count(FILTER_RCPT), 1);
	rig_advance(5000);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(filter_count(FILTER_RCPT), 2);
	assert_int_equal(seen[FILTER_RCPT].end, GATE_END_ELAPSED);
	assert_int_equal(seen[FILTER_RCPT].waited_ms, 125000);
	assert_int_equal(seen[FILTER_RCPT].asked, 2);
	assert_true(seen[FILTER_RCPT].was_hold);
	assert_false(seen[FILTER_RCPT].watched);
	await_held(0);
	mta_data(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_send(&mta, 'Q', NULL, 0);
	assert_int_equal(mta_read(&mta).cmd, 0);
	await(FILTER_CLOSE, 1);
	assert_int_equal(filter_count(FILTER_EOM), 1);
	assert_int_equal(atomic_load(&missing_macro), 0);
	mta_close(&mta);
}

static int open_rig(void **state)
{
	(void)state;
	rig = rig_open();
	rig_gate(rig);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_gate_stop(rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hold_at_rcpt_is_asked_again_when_due),
	};
	return cmocka_run_group_tests(tests, open_rig, close_rig);
}
