/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate/script.h"

#include <pthread.h>
#include <string.h>

struct gate_moment script_seen[FILTER_EVENTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t number, tickets[FILTER_EVENTS];

struct gate_moment
script_look(const struct filter_call *call, bool place)
{
	uint64_t key = 1;
	struct gate_moment moment;

	gate_look(fixture->gate, call->number, place ? &key : NULL, &moment);
	pthread_mutex_lock(&lock); /* several sessions: the last one is seen */
	script_seen[call->event] = moment;
	pthread_mutex_unlock(&lock);
	atomic_store(&number, call->number);
	atomic_store(&tickets[call->event], moment.ticket);
	return moment;
}

uint64_t
script_number(void)
{
	return atomic_load(&number);
}

uint64_t
script_ticket(enum filter_event event)
{
	return atomic_load(&tickets[event]);
}

void
script_hold(const struct filter_call *call, int64_t ms)
{
	struct gate_moment moment = script_look(call, true);
	struct gate_wish wish = {
	    .reply_until_ms = fixture_now() + ms, .is_hold = true};

	gate_tell(fixture->gate, moment.ticket, &wish);
}

struct mta
script_greet(void)
{
	struct mta mta = mta_connect(fixture->listen);

	assert_int_equal(mta_negotiate(&mta, MTA_OFFER), MTA_PROTOCOL);
	mta_greet(&mta);
	return mta;
}

struct mta
script_begin(sfsistat (*hook)(const struct filter_call *))
{
	memset(script_seen, 0, sizeof script_seen);
	atomic_store(&number, 0);
	filter_protocol(FILTER_PROTOCOL);
	filter_hook(hook);
	return script_greet();
}

void
script_rcpt(struct mta *mta)
{
	mta_rcpt(mta, "<a@example.org>");
	assert_int_equal(mta_read(mta).cmd, 'c');
}

void
script_data(struct mta *mta)
{
	script_rcpt(mta);
	mta_data(mta);
	assert_int_equal(mta_read(mta).cmd, 'c');
}

void
script_deliver(struct mta *mta)
{
	mta_data(mta);
	assert_int_equal(mta_read(mta).cmd, 'c');
	mta_message(mta);
	assert_int_equal(mta_read(mta).cmd, 'c');
	assert_int_equal(filter_count(FILTER_EOM), 1);
}

void
script_end(struct mta *mta)
{
	mta_send(mta, 'Q', NULL, 0);
	assert_int_equal(mta_read(mta).cmd, 0);
	script_leave(mta);
}

void
script_leave(struct mta *mta)
{
	mta_close(mta);
	fixture_await_connections(0);
	fixture_await(FILTER_CLOSE, filter_count(FILTER_NEGOTIATE));
}
