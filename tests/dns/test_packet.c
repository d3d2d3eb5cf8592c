/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns/packet.h"

/* A message under construction. */
struct message {
	uint8_t bytes[65536];
	size_t length;
};

static void
put(struct message *m, const void *data, size_t length)
{
	memcpy(m->bytes + m->length, data, length);
	m->length += length;
}

static void
put_16(struct message *m, unsigned value)
{
	put(m, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

/* Labels and the root; "@" is a pointer to the question's name. */
static void
put_name(struct message *m, const char *name)
{
	if (strcmp(name, "@") == 0) {
		put_16(m, 0xc00c);
		return;
	}
	while (*name != '\0') {
		size_t length = strcspn(name, ".");
		uint8_t size = (uint8_t)length;
		put(m, &size, 1);
		put(m, name, length);
		name += length + (name[length] == '.');
	}
	put(m, "", 1);
}

static void
begin(struct message *m, const char *name, enum dns_type type, unsigned flags,
    unsigned answers)
{
	m->length = 0;
	put_16(m, 0x1234);
	put_16(m, flags);
	put_16(m, 1);
	put_16(m, answers);
	put_16(m, 0);
	put_16(m, 0);
	put_name(m, name);
	put_16(m, type);
	put_16(m, 1);
}

static void
put_rr(struct message *m, const char *owner, enum dns_type type, uint32_t ttl,
    const void *data, size_t length)
{
	put_name(m, owner);
	put_16(m, type);
	put_16(m, 1);
	put_16(m, ttl >> 16);
	put_16(m, ttl & 0xffff);
	put_16(m, (unsigned)length);
	put(m, data, length);
}

static void
put_name_rr(
    struct message *m, const char *owner, enum dns_type type, const char *name)
{
	struct message data = {.length = 0};

	if (type == DNS_MX)
		put_16(&data, 10);
	put_name(&data, name);
	put_rr(m, owner, type, 60, data.bytes, data.length);
}

static struct message m;
static struct dns_answer answer;

static void
parse(const char *name, enum dns_type type)
{
	/* an exact copy, so that ASan sees a step too far */
	uint8_t *copy = malloc(m.length + (m.length == 0));

	memcpy(copy, m.bytes, m.length);
	dns_answer_clear(&answer);
	dns_packet_parse(copy, m.length, name, type, &answer);
	free(copy);
}

static void
every_type_is_read(void **state)
{
	char text[IP_TEXT_SIZE];

	(void)state;
	begin(&m, "Example.org", DNS_A, 0x8180, 2);
	put_rr(&m, "@", DNS_A, 300, "\xc0\x00\x02\x01", 4);
	put_rr(&m, "EXAMPLE.org", DNS_A, 60, "\xc0\x00\x02\x02", 4);
	parse("example.org", DNS_A);
	assert_int_equal(answer.status, DNS_OK);
	assert_int_equal(answer.count, 2);
	assert_string_equal(ip_to_text(&answer.records[1].ip, text), "192.0.2.2");

	begin(&m, "example.org", DNS_AAAA, 0x8180, 1);
	put_rr(
	    &m, "@", DNS_AAAA, 60, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	parse("example.org", DNS_AAAA);
	assert_string_equal(ip_to_text(&answer.records[0].ip, text), "2001:db8::1");

	begin(&m, "example.org", DNS_TXT, 0x8180, 1);
	put_rr(&m, "@", DNS_TXT, 60, "\x03v=s\x00\x04pf1\0", 10);
	parse("example.org", DNS_TXT);
	assert_int_equal(answer.records[0].length, 7);
	assert_memory_equal(answer.records[0].text, "v=spf1\0", 8);

	begin(&m, "example.org", DNS_MX, 0x8180, 2);
	put_name_rr(&m, "@", DNS_MX, "MX.example.org");
	put_name_rr(&m, "@", DNS_MX, "");
	parse("example.org", DNS_MX);
	assert_int_equal(answer.count, 2);
	assert_string_equal(answer.records[0].text, "mx.example.org");
	assert_string_equal(answer.records[1].text, "");
}

static void
cnames_are_followed_and_loops_fail(void **state)
{
	(void)state;
	begin(&m, "www.example.org", DNS_A, 0x8180, 3);
	put_rr(&m, "b.example.org", DNS_A, 60, "\xc0\x00\x02\x01", 4);
	put_name_rr(&m, "a.example.org", DNS_CNAME, "b.example.org");
	put_name_rr(&m, "@", DNS_CNAME, "a.example.org");
	parse("www.example.org", DNS_A);
	assert_int_equal(answer.status, DNS_OK);
	assert_int_equal(answer.count, 1);

	begin(&m, "a.example.org", DNS_A, 0x8180, 2);
	put_name_rr(&m, "@", DNS_CNAME, "b.example.org");
	put_name_rr(&m, "b.example.org", DNS_CNAME, "A.example.org");
	parse("a.example.org", DNS_A);
	assert_int_equal(answer.status, DNS_SERVFAIL);
}

static void
no_data_no_name_and_failure_differ(void **state)
{
	static const struct {
		unsigned flags;
		enum dns_status wanted;
	} cases[] = {
	    {0x8180, DNS_NODATA}, {0x8183, DNS_NXDOMAIN}, {0x8182, DNS_SERVFAIL},
	    {0x8185, DNS_SERVFAIL}, {0x8380, DNS_SERVFAIL}, /* still truncated */
	    {0x0100, DNS_SERVFAIL},                         /* a question */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(&m, "example.org", DNS_A, cases[i].flags, 1);
		put_rr(&m, "other.example", DNS_A, 60, "\xc0\x00\x02\x01", 4);
		parse("example.org", DNS_A);
		assert_int_equal(answer.status, cases[i].wanted);
		assert_null(answer.records);
	}
}

static void
names_that_no_text_can_hold_are_passed_over(void **state)
{
	(void)state;
	begin(&m, "1.2.0.192.in-addr.arpa", DNS_PTR, 0x8180, 3);
	put_rr(&m, "@", DNS_PTR, 60,
	    "\x03"
	    "a.b\x03org\0",
	    9);
	put_rr(&m, "@", DNS_PTR, 60,
	    "\x03"
	    "a\0b\x03org\0",
	    9);
	put_name_rr(&m, "@", DNS_PTR, "good.example.org");
	parse("1.2.0.192.in-addr.arpa", DNS_PTR);
	assert_int_equal(answer.count, 1);
	assert_string_equal(answer.records[0].text, "good.example.org");
}

static void
broken_messages_are_failures(void **state)
{
	size_t whole;

	(void)state;
	begin(&m, "example.org", DNS_MX, 0x8180, 1);
	put_name_rr(&m, "@", DNS_MX, "mx.example.org");
	whole = m.length;
	for (m.length = 0; m.length < whole; m.length++) {
		parse("example.org", DNS_MX);
		assert_int_equal(answer.status, DNS_SERVFAIL);
	}
	/* a pointer to itself */
	begin(&m, "example.org", DNS_MX, 0x8180, 1);
	uint8_t self[2] = {0xc0 | (uint8_t)(m.length >> 8), (uint8_t)m.length};
	put(&m, self, 2);
	put(&m, "\0\x0f\0\1\0\0\0\0\0\0", 10);
	parse("example.org", DNS_MX);
	assert_int_equal(answer.status, DNS_SERVFAIL);
	/* an address of three octets, a string longer than its record */
	begin(&m, "example.org", DNS_A, 0x8180, 1);
	put_rr(&m, "@", DNS_A, 60, "\xc0\x00\x02", 3);
	parse("example.org", DNS_A);
	assert_int_equal(answer.status, DNS_SERVFAIL);
	begin(&m, "example.org", DNS_TXT, 0x8180, 1);
	put_rr(&m, "@", DNS_TXT, 60, "\x09v=spf1", 7);
	parse("example.org", DNS_TXT);
	assert_int_equal(answer.status, DNS_SERVFAIL);
}

/* RFC 1035 3.1: 255 octets, the lengths and the root with them */
static void
a_name_over_255_octets_is_a_broken_message(void **state)
{
	static const char label[] =
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaa";
	char name[400];

	(void)state;
	for (int last = 60; last <= 63; last++) {
		snprintf(name, sizeof name, "%s.%s.%s.%.*s", label, label, label,
		    last, label);
		begin(&m, "example.org", DNS_MX, 0x8180, 1);
		put_name_rr(&m, "@", DNS_MX, name);
		parse("example.org", DNS_MX);
		/* 3 * 64 + 1 + last + 1 */
		assert_int_equal(answer.status, last <= 61 ? DNS_OK : DNS_SERVFAIL);
		/* the owner of a record that is passed over */
		begin(&m, "example.org", DNS_A, 0x8180, 2);
		put_rr(&m, name, DNS_TXT, 60, "", 0);
		put_rr(&m, "@", DNS_A, 60, "\xc0\x00\x02\x01", 4);
		parse("example.org", DNS_A);
		assert_int_equal(answer.status, last <= 61 ? DNS_OK : DNS_SERVFAIL);
	}
}

static void
a_pointer_forwards_is_a_broken_message(void **state)
{
	(void)state;
	begin(&m, "example.org", DNS_MX, 0x8180, 2);
	size_t next = m.length + 2 + 10 + 4;
	uint8_t data[4] = {0, 10, 0xc0 | (uint8_t)(next >> 8), (uint8_t)next};
	put_rr(&m, "@", DNS_MX, 60, data, 4);
	put_rr(&m, "mx.example.org", DNS_A, 60, "\xc0\x00\x02\x01", 4);
	parse("example.org", DNS_MX);
	assert_int_equal(answer.status, DNS_SERVFAIL);
}

/*
 * As many records as 64 KiB hold, each of whose owners is a name of 126 labels
 * behind a pointer: the most that reading can cost.
 */
static void
the_steps_of_one_answer_are_bounded(void **state)
{
	(void)state;
	begin(&m, "example.org", DNS_A, 0x8180, 0);
	size_t name = m.length;
	for (int i = 0; i < 126; i++)
		put(&m, "\1a", 2);
	put(&m, "\0\0\x10\0\1\0\0\0\0\0\0", 11);
	unsigned answers = 1;
	uint8_t pointer[2] = {0xc0 | (uint8_t)(name >> 8), (uint8_t)name};
	while (m.length + 12 <= 65535) {
		put(&m, pointer, 2);
		put(&m, "\0\x10\0\1\0\0\0\0\0\0", 10);
		answers++;
	}
	m.bytes[6] = (uint8_t)(answers >> 8);
	m.bytes[7] = (uint8_t)answers;
	struct dns_answer got;
	unsigned steps =
	    dns_packet_parse(m.bytes, m.length, "example.org", DNS_A, &got);
	assert_int_equal(got.status, DNS_SERVFAIL);
	assert_int_equal(steps, DNS_STEPS_MAX);
	/* an honest one as large is far below */
	begin(&m, "example.org", DNS_TXT, 0x8180, 1000);
	for (int i = 0; i < 1000; i++)
		put_rr(&m, "@", DNS_TXT, 60,
		    "\x2f"
		    "some text of forty-seven octets in one TXT rec.",
		    48);
	assert_true(m.length < 65536);
	steps = dns_packet_parse(m.bytes, m.length, "example.org", DNS_TXT, &got);
	assert_int_equal(got.count, 1000);
	assert_true(steps <= 10000);
	dns_answer_clear(&got);
}

static int
clear(void **state)
{
	(void)state;
	dns_answer_clear(&answer);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_type_is_read),
	    cmocka_unit_test(cnames_are_followed_and_loops_fail),
	    cmocka_unit_test(no_data_no_name_and_failure_differ),
	    cmocka_unit_test(names_that_no_text_can_hold_are_passed_over),
	    cmocka_unit_test(broken_messages_are_failures),
	    cmocka_unit_test(a_name_over_255_octets_is_a_broken_message),
	    cmocka_unit_test(a_pointer_forwards_is_a_broken_message),
	    cmocka_unit_test(the_steps_of_one_answer_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, clear);
}
