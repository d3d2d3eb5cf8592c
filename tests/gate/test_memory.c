/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is out ends the one session, and nothing else. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gate/script.h"
#include "gate/protocol.h"

enum { REFUSALS = 120 };

/* The linker puts these before the C library's, for the gate's objects. */
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__real_strndup(const char *text, size_t size);
char *__wrap_strndup(const char *text, size_t size);

static _Atomic int left = -1; /* allocations until the one that fails; -1: none */
static _Atomic bool has_failed;

static bool
fails(void)
{
	if (atomic_load(&left) < 0 || atomic_fetch_sub(&left, 1) != 0)
		return false;
	atomic_store(&has_failed, true);
	return true;
}

void *
__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

char *
__wrap_strndup(const char *text, size_t size)
{
	return fails() ? NULL : __real_strndup(text, size);
}

/* A hold at RCPT, at once decided; a 450 at DATA, likewise. */
static sfsistat
wait_twice(const struct filter_call *call)
{
	uint64_t key = call->number;
	struct gate_moment moment;
	bool is_rcpt = call->event == FILTER_RCPT;
	struct gate_wish wish = {
	    .reply_until_ms = fixture_now() + (is_rcpt ? 0 : 5000),
	    .is_hold = is_rcpt,
	    .other = "450 4.7.1 other"};

	if (!is_rcpt && call->event != FILTER_DATA)
		return SMFIS_CONTINUE;
	gate_look(fixture->gate, call->number, is_rcpt ? &key : NULL, &moment);
	gate_tell(fixture->gate, moment.ticket, &wish);
	if (!is_rcpt)
		gate_decide(fixture->gate, moment.ticket, true);
	return SMFIS_CONTINUE;
}

/* true: every answer came, and was the right one; false: the end came before */
static bool
whole_session(void)
{
	struct mta mta = mta_connect(fixture->listen);
	static const struct {
		char cmd;
		const char *data;
		size_t len;
		char reply;
	} steps[] = {{SMFIC_MACRO, "C{daemon_addr}\0001", 16, 0},
	    {SMFIC_CONNECT, "host\0U", 6, 'c'}, {SMFIC_HELO, "helo", 5, 'c'},
	    {SMFIC_MAIL, "<a@example.net>", 16, 0},
	    {SMFIC_RCPT, "<u@example.org>", 16, 'c'}, {SMFIC_DATA, NULL, 0, 'y'},
	    {SMFIC_ABORT, NULL, 0, 0}, {SMFIC_MAIL, "<a@example.net>", 16, 0},
	    {SMFIC_RCPT, "<u@example.org>", 16, 'c'}};
	bool is_whole = mta_negotiate(&mta, MTA_OFFER) == MTA_PROTOCOL;

	for (size_t i = 0; i < sizeof steps / sizeof steps[0] && is_whole; i++) {
		mta_send(&mta, steps[i].cmd, steps[i].data, steps[i].len);
		if (steps[i].reply == 0)
			continue;
		char got = mta_read(&mta).cmd;
		/* without the text of the 450 it is a 451 of the gate's own */
		assert_true(got == steps[i].reply || got == 0);
		is_whole = got != 0;
	}
	mta_close(&mta);
	return is_whole;
}

static void
any_allocation_that_fails_ends_one_session_at_most(void **state)
{
	unsigned ended = 0, refused = 0;

	for (int n = 0; n < REFUSALS; n++) {
		atomic_store(&has_failed, false);
		atomic_store(&left, n);
		bool is_whole = whole_session();
		fixture_await_connections(0);
		atomic_store(&left, -1);
		bool was_refused = atomic_load(&has_failed);
		refused += was_refused;
		ended += !is_whole;
		if (!was_refused)
			assert_true(is_whole);
		assert_true(whole_session());
		fixture_await_connections(0);
	}
	assert_in_range(refused, 5, REFUSALS);
	assert_in_range(ended, 5, refused);
}

static int
open_fixture(void **state)
{
	fixture_open();
	filter_hook(wait_twice);
	return fixture_setup(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(any_allocation_that_fails_ends_one_session_at_most),
	};
	return cmocka_run_group_tests(tests, open_fixture, fixture_teardown);
}
