/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that runs out in the middle of an evaluation: each allocation of ours
 * and of libspf2 (linked statically for that) fails once, and again all from
 * it on. The process lives, and the result is the right one or temperror.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "spf/table.h"

/* What libspf2 had in hand when it gave up is lost: said in spf/layer.c. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static bool is_armed, stays_out;
static unsigned calls, fails_at;

static bool
fails(void)
{
	if (!is_armed)
		return false;
	calls++;
	return calls == fails_at || (stays_out && calls > fails_at);
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *
__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *
__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

static unsigned lines;

static void
count_lines(void *ctx, enum log_level level, const char *text)
{
	(void)ctx, (void)level;
	lines += strstr(text, "libspf2 gave up") != NULL;
}

/* A record with an include, look-ups, a macro and a redirect. */
static struct table *
make_table(void)
{
	static const struct {
		const char *name, *text;
	} records[] = {
	    {"h.example", "v=spf1 include:i.example a:%{d}.a.example mx "
	                  "redirect=r.example"},
	    {"i.example", "v=spf1 ip4:198.51.100.1 ?all"},
	    {"r.example", "v=spf1 ip4:192.0.2.0/24 -all"},
	};
	struct table *table = table_new();
	for (size_t i = 0; i < sizeof records / sizeof *records; i++)
		table_add(table, records[i].name, DNS_TXT, records[i].text,
		    strlen(records[i].text));
	return table;
}

static struct spf_fact
check(struct table *table)
{
	struct spf_asker asker = table_asker(table);
	struct spf_query query = {.helo = "mx.example", .sender = "a@h.example"};
	struct spf_fact fact;
	ip_from_text("192.0.2.1", &query.ip);
	calls = 0;
	is_armed = true;
	spf_check(&asker, &query, &fact);
	is_armed = false;
	return fact;
}

static void
no_allocation_that_fails_ends_the_process(void **state)
{
	(void)state;
	struct table *table = make_table();
	assert_int_equal(check(table).result, SPF_PASS);
	unsigned whole = calls, temporary = 0;
	assert_true(whole > 20);
	log_to_sink(count_lines, NULL);
	for (int stays = 0; stays < 2; stays++) {
		stays_out = stays;
		for (fails_at = 1; fails_at <= whole; fails_at++) {
			struct spf_fact fact = check(table);
			if (fact.result != SPF_PASS && fact.result != SPF_TEMPERROR)
				fail_msg("allocation %u: %s", fails_at,
				    spf_result_words[fact.result]);
			temporary += fact.result == SPF_TEMPERROR;
		}
	}
	log_to_stderr("test");
	assert_true(temporary >= whole);
	assert_int_equal(lines, 1);
	fails_at = 0;
	stays_out = false;
	assert_int_equal(check(table).result, SPF_PASS);
	table_free(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_allocation_that_fails_ends_the_process),
	};
	return cmocka_run_group_tests_name("spf memory", tests, NULL, NULL);
}
