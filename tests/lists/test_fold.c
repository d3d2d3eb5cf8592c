/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "record/fold.h"

static const struct {
	const char *sender, *wanted;
} cases[] = {
    {"", ""},
    {"User@Example.COM", "user@example.com"},
    {"user", "user"},
    {"12345", "12345"},
    {"@example.com", "@example.com"},
    /* extensions and VERP */
    {"user+tag@example.com", "user@example.com"},
    {"list-bounces+john=example.org@lists.example.com",
        "list-bounces@lists.example.com"},
    {"bounce-12345-678@example.com", "bounce-#-#@example.com"},
    {"bounce-12345@lists7.example.com", "bounce-#@lists7.example.com"},
    {"abc123@example.com", "abc123@example.com"},
    {"a1b-22-c3@example.com", "a1b-#-c3@example.com"},
    {"12345@example.com", "#@example.com"},
    {"a_1@example.com", "a_1@example.com"},
    {"1.2.3@example.com", "#.#.#@example.com"},
    /* BATV, both orders */
    {"prvs=0123abcdef=user@example.com", "user@example.com"},
    {"prvs=user=0123abcdef@example.com", "user@example.com"},
    {"PRVS=0123ABCDEF=User+x@example.com", "user@example.com"},
    {"prvs=one=two@example.com", "two@example.com"},
    {"prvs=user@example.com", "prvs=user@example.com"},
    {"prvs=a=b=c@example.com", "prvs=a=b=c@example.com"},
    /* whose user looks like a tag */
    {"prvs=newsletter=1234567890@example.com", "newsletter@example.com"},
    {"prvs=newsletter=0123abcdef@example.com", "newsletter@example.com"},
    {"prvs=0123abcdef=newsletter@example.com", "newsletter@example.com"},
    {"prvs=postmaster=4587cf1d9e@example.com", "postmaster@example.com"},
    {"prvs=1890b1ddb=postmaster@example.com", "postmaster@example.com"},
    {"prvs=0123abcdef=1234567890@example.com", "#@example.com"},
    {"prvs=user/0123abcdef@example.com", "user@example.com"},
    {"prvs=newsletter/1234567890@example.com", "newsletter@example.com"},
    {"prvs=user/x@example.com", "prvs=user/x@example.com"},
    /* around VERP and SRS */
    {"prvs=0123abcdef=list-bounces+john=example.org@lists.example.com",
        "list-bounces@lists.example.com"},
    {"prvs=0123abcdef=bounce-7-john=example.org@lists.example.com",
        "bounce-#-john=example.org@lists.example.com"},
    {"prvs=0123abcdef=SRS0=HhHh=TT=origin.example=user@fwd.example",
        "srs0=#=#=origin.example=user@fwd.example"},
    {"SRS0=HhHh=TT=origin.example=prvs=0123abcdef=user@fwd.example",
        "srs0=#=#=origin.example=user@fwd.example"},
    {"SRS0=HhHh=TT=lists.example=list-bounces+john=d.example@fwd.example",
        "srs0=#=#=lists.example=list-bounces@fwd.example"},
    /* other makers' */
    {"msprvs1=17653TAGxyz_4BrJs=bounces-56831-18@bounces.example.com",
        "bounces-#-#@bounces.example.com"},
    {"msprvs1=x@example.com", "msprvs1=x@example.com"},
    {"btv1==027942e08c9==news@example.com", "news@example.com"},
    {"btv1==x@example.com", "btv1==x@example.com"},
    /* one mailbox, many spellings */
    {"<User@Example.com.>", "user@example.com"},
    {"\"user\"@example.com", "user@example.com"},
    {"\"us\\er\"@example.com", "user@example.com"},
    {"@relay.example,@b.example:user@example.com", "user@example.com"},
    {"user@CAF\xc3\x89.example", "user@xn--caf-dma.example"},
    {"user@caf\xc3\xa9.example", "user@xn--caf-dma.example"},
    {"user@cafe\xcc\x81.example", "user@xn--caf-dma.example"},
    {"user@XN--CAF-DMA.example", "user@xn--caf-dma.example"},
    {"<>", ""},
    /* SRS */
    {"SRS0=HhHh=TT=origin.example=user@fwd.example",
        "srs0=#=#=origin.example=user@fwd.example"},
    {"SRS0=abcd=UV=origin.example=user@fwd.example",
        "srs0=#=#=origin.example=user@fwd.example"},
    {"srs0+abcd=UV=origin.example=user@fwd.example",
        "srs0=#=#=origin.example=user@fwd.example"},
    {"SRS1=XxXx=first.example==HhHh=TT=origin.example=user@fwd.example",
        "srs1=#=first.example==#=#=origin.example=user@fwd.example"},
    {"SRS0=x@fwd.example", "srs0=x@fwd.example"},
    {"SRS0==@fwd.example", "srs0==@fwd.example"},
    {"SRS0===@fwd.example", "srs0===@fwd.example"},
    {"SRS1=a==b@fwd.example", "srs1=a==b@fwd.example"},
    {"srs05@fwd.example", "srs05@fwd.example"},
    /* odd ones */
    {"\"a@b\"@example.com", "\"a@b\"@example.com"},
    {"+@example.com", "@example.com"},
    {"\377\200@example.com", "\377\200@example.com"},
};

static void
senders_of_one_source_fold_to_one(void **state)
{
	(void)state;
	char buf[FOLD_SIZE];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *got = sender_fold(cases[i].sender, buf);
		assert_ptr_equal(got, buf);
		if (strcmp(got, cases[i].wanted) != 0)
			fail_msg("%s: %s, not %s", cases[i].sender, got,
			    cases[i].wanted);
	}
}

static void
folding_twice_changes_nothing_more(void **state)
{
	(void)state;
	char once[FOLD_SIZE], twice[FOLD_SIZE];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		sender_fold(cases[i].sender, once);
		assert_string_equal(sender_fold(once, twice), once);
	}
}

static void
senders_that_are_too_long_stay_different(void **state)
{
	(void)state;
	char long_a[1000], long_b[1000], a[FOLD_SIZE], b[FOLD_SIZE];
	memset(long_a, 'x', sizeof long_a);
	long_a[999] = '\0';
	memcpy(long_a + 500, "@example.com", 12);
	memcpy(long_b, long_a, sizeof long_b);
	long_b[998] = 'y';
	sender_fold(long_a, a);
	sender_fold(long_b, b);
	assert_int_equal(strlen(a), FOLD_SIZE - 1);
	assert_string_not_equal(a, b);
	assert_string_equal(recipient_fold(long_a, b), a);
}

static void
recipients_only_lose_their_case(void **state)
{
	(void)state;
	char buf[FOLD_SIZE];
	assert_string_equal(
	    recipient_fold("User+12@Example.Com", buf), "user+12@example.com");
}

/* Where a function that is called next finds its local variables, no NUL. */
__attribute__((noinline)) static void
leave_a_full_stack(void)
{
	volatile char full[16 * FOLD_SIZE];

	for (size_t i = 0; i < sizeof full; i++)
		full[i] = 'x';
}

static void
nothing_behind_a_short_address_is_read(void **state)
{
	char buf[FOLD_SIZE];

	(void)state;
	leave_a_full_stack();
	assert_string_equal(sender_fold("a@good.example", buf), "a@good.example");
	leave_a_full_stack();
	assert_string_equal(
	    sender_fold("prvs@good.example", buf), "prvs@good.example");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(senders_of_one_source_fold_to_one),
	    cmocka_unit_test(folding_twice_changes_nothing_more),
	    cmocka_unit_test(senders_that_are_too_long_stay_different),
	    cmocka_unit_test(recipients_only_lose_their_case),
	    cmocka_unit_test(nothing_behind_a_short_address_is_read),
	};
	return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
