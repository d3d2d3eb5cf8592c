/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lists/local.h"
#include "lists/folder.h"

static struct local *
load(const char *text, struct error *error)
{
	const char *pattern = folder_path("rules");
	folder_write("rules", text);
	return local_load(&pattern, 1, error);
}

static const char rules[] = "# FIELD PATTERN TAG [warn]\n"
                            "name\t^dyn\\.\tdyn\n"
                            "ptr /cable/ cable warn\n"
                            "helo ^friend$ friend # a remark\n"
                            "from @spam\\.example$ bad-from [warn]\n"
                            "from ^$ null\n"
                            "net 192.0.2.0/24 net-1\n"
                            "net 2001:db8::/32 net-6\n"
                            "name \\.example$ dyn\n"
                            "from @caf\xc3\xa9\\.test$ cafe\n";

static const struct {
	const char *ip, *name, *ptr, *helo, *from;
	const char *tags;
	unsigned rule, warn; /* lines; 0: none */
} cases[] = {
    {"198.51.100.1", NULL, NULL, NULL, NULL, "", 0, 0},
    {"198.51.100.1", "dyn.x.test", "dyn.x.test", "mx", "a@b.test", "dyn", 2, 0},
    {"198.51.100.1", "DYN.x.example", NULL, NULL, NULL, "dyn", 2, 0},
    {"198.51.100.1", "mx.example", NULL, NULL, NULL, "dyn", 9, 0},
    {"198.51.100.1", NULL, "my-cable.test", NULL, NULL, "cable", 0, 3},
    {"198.51.100.1", NULL, NULL, "Friend", "x@spam.example", "friend,bad-from", 4,
        5},
    {"198.51.100.1", NULL, NULL, NULL, "", "null", 6, 0},
    {"192.0.2.200", NULL, "cable", NULL, "", "cable,null,net-1", 6, 3},
    {"198.51.100.1", NULL, NULL, NULL, "x@xn--caf-dma.test", "cafe", 10, 0},
    {"198.51.100.1", NULL, NULL, NULL, "x@cafe.test", "", 0, 0},
    {"2001:db8:ff::1", NULL, NULL, "friend.test", "a@b.test", "net-6", 8, 0},
};

static void
rules_give_tags_and_name_their_line(void **state)
{
	(void)state;
	struct error error = {""};
	struct local *local = load(rules, &error);
	if (local == NULL)
		fail_msg("%s", error.text);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ip ip;
		struct local_fact fact;
		assert_true(ip_from_text(cases[i].ip, &ip));
		const struct local_subject subject = {
		    &ip, cases[i].name, cases[i].ptr, cases[i].helo, cases[i].from};
		local_match(local, &subject, &fact);
		assert_string_equal(fact.tags, cases[i].tags);
		assert_int_equal(
		    fact.rule == NULL ? 0 : fact.rule->line, cases[i].rule);
		assert_int_equal(
		    fact.warn == NULL ? 0 : fact.warn->line, cases[i].warn);
	}
	struct local_fact fact;
	local_match(local, &(struct local_subject){.helo = "friend"}, &fact);
	assert_string_equal(fact.rule->file, folder_path("rules"));
	assert_string_equal(fact.rule->field, "helo");
	assert_string_equal(fact.rule->pattern, "^friend$");
	assert_string_equal(fact.rule->tag, "friend");
	assert_false(fact.rule->warns);
	local_free(&local);
	assert_null(local);
	local_free(&local);
}

static void
tags_fill_a_header_value_and_no_more(void **state)
{
	(void)state;
	char text[4000] = "";
	for (int i = 0; i < 30; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text),
		    "helo . tag-of-many-letters-%05d\n", i);
	struct local *local = load(text, NULL);
	assert_null(local); /* 25 characters and more */

	text[0] = '\0';
	for (int i = 0; i < 30; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text),
		    "helo . tag-of-many-letters-%04d\n", i);
	local = load(text, NULL);
	assert_non_null(local);
	struct local_fact fact;
	local_match(local, &(struct local_subject){.helo = "x"}, &fact);
	assert_int_equal(strlen(fact.tags), 5 * 24 + 4);
	assert_string_equal(fact.tags + strlen(fact.tags) - 4, "0004");
	local_free(&local);
}

static const struct {
	const char *text, *wanted;
} mistakes[] = {
    {"nmae x y\n",
        ":1: \"nmae\" is not a field; allowed: name, ptr, helo, from, net"},
    {"\nname x\n", ":2: \"name\" must be followed by a pattern and a tag; *"},
    {"name\n", ":1: \"name\" must be followed by *"},
    {"name # x y\n", ":1: \"name\" must be followed by *"},
    {"helo ab( tag\n", ":1: pattern \"ab(\": offset 3: *"},
    {"helo /[z-a]/ tag\n", ":1: pattern \"[z-a]\": offset 3: *"},
    {"net 192.0.2.1/24 tag\n", ":1: \"192.0.2.1/24\" is neither an IP address *"},
    {"net example.com tag\n", ":1: \"example.com\" is neither an IP address *"},
    {"helo x a,b\n", ":1: \"a,b\" is not a tag; *"},
    {"helo x abcdefghijklmnopqrstuvwxy\n",
        ":1: \"abcdefghijklmnopqrstuvwxy\" is not a tag; *"},
    {"helo x none\n", ":1: \"none\" has a meaning of its own *"},
    {"helo x warn\n", ":1: \"warn\" has a meaning of its own *"},
    {"helo x tag off\n", ":1: \"off\" after the tag; allowed: warn, or nothing"},
    {"helo x tag warn more\n", ":1: \"more\" is one word too many"},
};

static void
a_mistake_names_file_line_and_offset(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		struct error error = {""};
		assert_null(load(mistakes[i].text, &error));
		assert_said(
		    error.text + strlen(folder_path("rules")), mistakes[i].wanted);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rules_give_tags_and_name_their_line),
	    cmocka_unit_test(tags_fill_a_header_value_and_no_more),
	    cmocka_unit_test(a_mistake_names_file_line_and_offset),
	};
	return cmocka_run_group_tests_name(
	    "local", tests, folder_setup, folder_teardown);
}
