/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct gate_outcome play_seen[FILTER_EVENTS];
_Atomic unsigned play_rounds;
static _Atomic uint64_t number;

void
play_look(const struct filter_call *call)
{
	atomic_store(&number, call->number);
	gate_outcome(rig_open()->gate, call->number, &play_seen[call->event]);
}

uint64_t
play_number(void)
{
	return atomic_load(&number);
}

enum gate_wait_answer
play_wait(const struct filter_call *call, enum gate_wait_kind kind, int64_t ms,
    bool is_hold)
{
	struct gate_wait wait = {
	    .kind = kind, .until_ms = rig_now() + ms, .is_hold = is_hold};
	return gate_wait(rig_open()->gate, call->number, &wait);
}

struct mta
play_begin(sfsistat (*hook)(const struct filter_call *))
{
	memset(play_seen, 0, sizeof play_seen);
	atomic_store(&play_rounds, 0);
	atomic_store(&number, 0);
	filter_protocol(RIG_LEAN);
	filter_hook(hook);
	struct mta mta = mta_connect(rig_open());
	assert_int_equal(mta_negotiate(&mta, MTA_OFFER), RIG_TOLD);
	mta_greet(&mta);
	return mta;
}

void
play_deliver(struct mta *mta)
{
	mta_data(mta);
	assert_int_equal(mta_read(mta).cmd, 'c');
	mta_message(mta);
	assert_int_equal(mta_read(mta).cmd, 'c');
	assert_int_equal(filter_count(FILTER_EOM), 1);
}

void
play_end(struct mta *mta)
{
	mta_send(mta, 'Q', NULL, 0);
	assert_int_equal(mta_read(mta).cmd, 0);
	rig_await(FILTER_CLOSE, 1);
	mta_close(mta);
	rig_await_connections(0);
}
