/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is out, at each allocation of a session in turn: nobody is delayed
 * who would not have been, and nothing is written that is not so. And how much a
 * session takes while it is held.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "session/session_private.h"
#include "session/visits.h"

/*
 * Of the 3.5 KB that a hold may cost; the rest is the gate's connection,
 * libmilter's and what malloc() adds.
 */
enum { POINTS_MAX = 200, HELD_MAX = 1500 };

/* The linker puts these before the C library's. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
void __real_free(void *block);
void __wrap_free(void *block);

/* of this thread: until the one that fails; below 0: none */
static _Thread_local int left = -1;
static _Thread_local bool has_failed;
static _Atomic size_t in_use; /* octets, of all threads */

static bool
fails(void)
{
	if (left < 0 || left-- != 0)
		return false;
	has_failed = true;
	return true;
}

static void *
counted(void *block)
{
	in_use += malloc_usable_size(block);
	return block;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : counted(__real_malloc(size));
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : counted(__real_calloc(count, size));
}

void *
__wrap_realloc(void *old, size_t size)
{
	if (fails())
		return NULL;
	in_use -= malloc_usable_size(old);
	return counted(__real_realloc(old, size));
}

char *
__wrap_strdup(const char *text)
{
	return fails() ? NULL : counted(__real_strdup(text));
}

void
__wrap_free(void *block)
{
	in_use -= malloc_usable_size(block);
	__real_free(block);
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

/* The first one's note may be what fails, or the second's: neither may stay. */
static void
a_forged_field_that_cannot_be_noted_is_not_let_through(void **state)
{
	int refused = 0, point = 0;

	(void)state;
	fixture_new(MODE_TARGREY);
	do {
		has_failed = false;
		fixture_close();
		fixture->session = NULL;
		fixture_connect("192.0.2.1", SERVER);
		fixture_mail(FROM);
		assert_true(reaches_data(TO, HOLD_ELAPSED));
		left = point++;
		session_header(
		    fixture->session, "X-TaRgrey-Session", "v=1; s25r=none");
		session_header(
		    fixture->session, "X-TaRgrey-Session", "v=1; s25r=none");
		left = -1;
		struct answer answer = fixture_eom();
		if (answer.refuse)
			assert_string_equal(answer.text, "Out of memory");
		else
			assert_string_equal(fixture->removed,
			    "X-TaRgrey-Session/2 X-TaRgrey-Session/1");
		refused += answer.refuse;
	} while (has_failed);
	assert_int_equal(refused, 4); /* two of the list, two of the name */
}

static void
hold_with_spf(void)
{
	struct dns_facts facts;

	fixture_connect("192.0.2.7", LINE);
	fixture_mail(FROM);
	dns_facts_clear(&facts);
	facts.mailfrom.domain = "example.net";
	facts.helo.domain = "helo.example.net";
	struct session *session = fixture->session;
	session->facts.dns = session->mail->dns = dns_facts_copy(&facts);
	assert_true(fixture_rcpt_alone(TO).wish.is_hold);
}

static void
a_held_session_takes_little_memory(void **state)
{
	fixture_new(MODE_TARGREY);
	hold_with_spf(); /* the store's rows are there from then on */
	fixture_close();
	size_t before = in_use;
	hold_with_spf();
	assert_in_range(in_use - before, sizeof(struct session), HELD_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_server_whose_name_is_lost_is_no_client_without_one),
	    cmocka_unit_test(a_client_that_is_exempt_stays_so),
	    cmocka_unit_test(
	        a_forged_field_that_cannot_be_noted_is_not_let_through),
	    cmocka_unit_test(a_held_session_takes_little_memory),
	};
	log_to_sink(drop_line, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
