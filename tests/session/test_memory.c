/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is out, at each allocation of a session in turn: nobody is delayed
 * who would not have been, and nothing is written that is not so.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "session/visits.h"

enum { POINTS_MAX = 200 };

/* The linker puts these before the C library's. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

/* of this thread: until the one that fails; below 0: none */
static _Thread_local int left = -1;
static _Thread_local bool has_failed;

static bool
fails(void)
{
	if (left < 0 || left-- != 0)
		return false;
	has_failed = true;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *
__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

static void
drop_line(void *ctx, enum log_level level, const char *text)
{
}

/* All but the snapshot, which is there; false: no allocation was left to fail. */
static bool
pass_once(int point, const char *ip, const char *name)
{
	has_failed = false;
	fixture_close();
	left = point;
	fixture->session = NULL;
	fixture_connect(ip, name);
	fixture_mail(FROM);
	assert_true(reaches_data(TO, HOLD_ELAPSED));
	left = -1;
	assert_int_equal(fixture->waits, 0);
	assert_false(fixture_eom().refuse);
	return has_failed;
}

static void
sweep(const char *ip, const char *name, const char *rdns)
{
	fixture_new(MODE_STRICT);
	int points = 0, lost = 0;

	fixture_connect(ip, name);
	/* the first is the session itself, without which there is none */
	for (int point = 1; pass_once(point, ip, name); point++) {
		assert_in_range(++points, 1, POINTS_MAX);
		bool is_there = fixture_header("X-TaRgrey-Session") != NULL;
		lost += !is_there;
		if (is_there)
			word_is("rdns", rdns);
	}
	assert_in_range(points, 5, POINTS_MAX);
	if (*rdns != '\0')
		assert_in_range(lost, 3, points);
}

static void
a_server_whose_name_is_lost_is_no_client_without_one(void **state)
{
	sweep("192.0.2.1", SERVER, "pass");
}

static void
a_client_that_is_exempt_stays_so(void **state)
{
	sweep("10.0.0.1", NULL, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_server_whose_name_is_lost_is_no_client_without_one),
	    cmocka_unit_test(a_client_that_is_exempt_stays_so),
	};
	log_to_sink(drop_line, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
