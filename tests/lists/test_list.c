/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <time.h>

#include "lists/list.h"
#include "lists/folder.h"

static struct list *
load_all(struct error *error)
{
	const char *pattern = folder_path("*");
	return list_load(&pattern, 1, error);
}

static struct list *
load_text(const char *name, const char *text)
{
	struct error error = {""};
	folder_write(name, text);
	struct list *list = load_all(&error);
	if (list == NULL)
		fail_msg("%s", error.text);
	return list;
}

static const char clients[] = "# clients, as postgrey writes them\n"
                              "\n"
                              "example.com\n"
                              "  mail.example.org   # with a remark\n"
                              "Upper.Example.NET#glued\n"
                              ".below.example\n"
                              "/^smtp\\d+\\.example\\.jp$/\n"
                              "/^(?:mx|out)[0-9]+.farm.example$/\t# a regex\n"
                              "192.0.2.1\n"
                              "198.51.100\n"
                              "203.0\n"
                              "10.1.2.3/8\n"
                              "148.105.0.0/16\n"
                              "2001:db8:4050:0400::/64\n"
                              "2001:db8:1::1\n";

static const struct {
	const char *ip, *name;
	unsigned line; /* 0: no match */
} client_cases[] = {
    {"192.0.2.9", "example.com", 3},
    {"192.0.2.9", "a.b.example.com", 3},
    {"192.0.2.9", "A.EXAMPLE.com", 3},
    {"192.0.2.9", "badexample.com", 0},
    {"192.0.2.9", "example.com.evil.example", 0},
    {"192.0.2.9", "mail.example.org", 4},
    {"192.0.2.9", "example.org", 0},
    {"192.0.2.9", "x.upper.example.net", 5},
    {"192.0.2.9", "below.example", 0},
    {"192.0.2.9", "a.below.example", 6},
    {"192.0.2.9", "smtp12.example.jp", 7},
    {"192.0.2.9", "SMTP12.example.jp", 7},
    {"192.0.2.9", "xsmtp12.example.jp", 0},
    {"192.0.2.9", "out3.farm.example", 8},
    {"192.0.2.9", NULL, 0},
    {"192.0.2.9", "", 0},
    {"192.0.2.9", ".", 0},
    {"192.0.2.1", NULL, 9},
    {"198.51.100.0", NULL, 10},
    {"198.51.100.255", NULL, 10},
    {"198.51.101.0", NULL, 0},
    {"203.0.255.1", NULL, 11},
    {"203.1.0.0", NULL, 0},
    {"10.255.255.255", NULL, 12},
    {"11.0.0.0", NULL, 0},
    {"148.105.200.1", NULL, 13},
    {"2001:db8:4050:400:1::", NULL, 14},
    {"2001:db8:4050:401::", NULL, 0},
    {"2001:db8:1::1", NULL, 15},
    {"2001:db8:1::2", NULL, 0},
    {"::1", NULL, 0},
};

static void
clients_match_as_in_postgrey_and_name_their_line(void **state)
{
	(void)state;
	struct list *list = load_text("10-clients", clients);
	assert_int_equal(list_count(list), 13);
	for (size_t i = 0; i < sizeof client_cases / sizeof *client_cases; i++) {
		struct ip ip;
		struct list_place where = {NULL, 0, NULL};
		assert_true(ip_from_text(client_cases[i].ip, &ip));
		bool got =
		    list_match_client(list, &ip, client_cases[i].name, &where);
		if (got != (client_cases[i].line != 0) ||
		    where.line != client_cases[i].line)
			fail_msg("%s %s: line %u", client_cases[i].ip,
			    client_cases[i].name, where.line);
		if (got)
			assert_string_equal(where.file, folder_path("10-clients"));
		assert_int_equal(
		    list_match_client(list, &ip, client_cases[i].name, NULL), got);
	}
	assert_false(list_match_recipient(list, "a@example.com", NULL));
	assert_false(list_match_sender(list, "a@example.com", NULL));
	list_free(&list);
	assert_null(list);
	list_free(&list);
}

static void
an_ipv4_network_does_not_hold_ipv6_addresses(void **state)
{
	(void)state;
	struct ip ip;
	struct list *list = load_text("clients", "32.0.0.0/8\n192.0.0.0/8\n");
	assert_true(ip_from_text("2001:db8::1", &ip));
	assert_false(list_match_client(list, &ip, NULL, NULL));
	assert_true(ip_from_text("192.0.2.1", &ip));
	assert_true(list_match_client(list, &ip, NULL, NULL));
	list_free(&list);
}

/* %s: what stands in front of each line */
static const char addresses[] = "%spostmaster@\n"
                                "%suser@example.com\n"
                                "%sexample.net\n"
                                "%s/^[a-z]+-owner@lists\\.example$/\n"
                                "%swho+ext@example.com\n"
                                "%sx@[192.0.2.1]\n";

static const struct {
	const char *address;
	unsigned line;
} address_cases[] = {
    {"postmaster@anything.example", 1},
    {"PostMaster+x@anything.example", 1},
    {"postmasters@anything.example", 0},
    {"user@example.com", 2},
    {"user+a+b@Example.com", 2},
    {"user@sub.example.com", 0},
    {"user1@example.com", 0},
    {"anyone@example.net", 3},
    {"anyone@sub.example.net", 3},
    {"anyone@badexample.net", 0},
    {"dev-owner@lists.example", 4},
    {"dev-owner@lists.example.evil", 0},
    {"who+ext@example.com", 5},
    {"who@example.com", 0},
    {"who+other@example.com", 0},
    {"x@[192.0.2.1]", 6},
    {"", 0},
    {"@", 0},
    {"@example.com", 0},
    {"+x@example.com", 0},
    {"nobody", 0},
    /* one mailbox, many spellings */
    {"postmaster", 1},
    {"<postmaster>", 1},
    {"postmaster+x", 1},
    {"\"postmaster\"@anything.example", 1},
    {"\"post\\master\"", 1},
    {"@relay.example:postmaster@anything.example", 1},
    {"@a.example,@[IPv6:2001:db8::1]:user@example.com", 2},
    {"<user@example.com.>", 2},
    {"\"user\"@EXAMPLE.com.", 2},
    {"\"user \"@example.com", 0},
    {"\"x@example.net\"@other.example", 0},
    {"any@example.net.", 3},
    {"\"dev-owner\"@lists.example.", 4},
};

static void
addresses_match_as_in_postgrey(void **state)
{
	(void)state;
	for (int senders = 0; senders < 2; senders++) {
		folder_empty(state);
		char text[1000];
		const char *p = senders ? "sender: " : "";
		snprintf(text, sizeof text, addresses, p, p, p, p, p, p);
		struct list *list = load_text(
		    senders ? "50-senders" : "whitelist_recipients.local", text);
		for (size_t i = 0; i < sizeof address_cases / sizeof *address_cases;
		     i++) {
			struct list_place where = {NULL, 0, NULL};
			const char *address = address_cases[i].address;
			bool got =
			    senders ? list_match_sender(list, address, &where)
			            : list_match_recipient(list, address, &where);
			if (got != (where.line != 0) ||
			    where.line != address_cases[i].line)
				fail_msg("%s: line %u", address, where.line);
			assert_false(senders
			                 ? list_match_recipient(list, address, NULL)
			                 : list_match_sender(list, address, NULL));
		}
		list_free(&list);
	}
}

/* The domain of a name, an address or a pattern in either form. */
static void
a_line_in_u_labels_and_one_in_a_labels_match_both(void **state)
{
	static const char *const forms[] = {
	    "caf\xc3\xa9.example", "xn--caf-dma.example", "CAF\xc3\x89.example."};
	static const struct {
		const char *before, *after;
		bool is_recipient;
	} lines[] = {
	    {"", "", false},
	    {"recipient: ", "", true},
	    {"recipient: user@", "", true},
	    {"/^(mx\\.)?", "$/", false},
	    {"recipient: /^user@", "$/", true},
	};

	for (size_t i = 0; i < sizeof lines / sizeof *lines * 3; i++) {
		const char *written = forms[i % 3];
		/* a pattern is written without a last dot */
		if (i / 3 > 2 && i % 3 == 2)
			written = "CAF\xc3\x89.example";
		char text[200], address[100];
		struct ip ip = {{0}};
		folder_empty(state);
		snprintf(text, sizeof text, "%s%s%s\n", lines[i / 3].before,
		    written, lines[i / 3].after);
		struct list *list = load_text("list", text);
		for (size_t form = 0; form < 3; form++) {
			snprintf(address, sizeof address, "user@%s", forms[form]);
			bool got =
			    lines[i / 3].is_recipient
			        ? list_match_recipient(list, address, NULL)
			        : list_match_client(list, &ip, forms[form], NULL);
			if (!got)
				fail_msg("%s does not match %s", text, forms[form]);
		}
		assert_false(list_match_recipient(list, "user@cafe.example", NULL));
		assert_false(list_match_client(list, &ip, "cafe.example", NULL));
		list_free(&list);
	}
}

static void
a_prefix_says_what_a_line_is_about(void **state)
{
	(void)state;
	struct ip ip;
	struct list_place where;
	struct list *list = load_text("mixed",
	    "recipient: "
	    "abuse@\nsender:news@example.com\nclient:192.0.2.7\nsender:/^a/\n");
	assert_true(ip_from_text("192.0.2.7", &ip));
	assert_true(list_match_client(list, &ip, NULL, NULL));
	assert_true(list_match_recipient(list, "abuse@example.org", &where));
	assert_string_equal(where.entry, "recipient: abuse@");
	assert_true(list_match_sender(list, "news@example.com", &where));
	assert_int_equal(where.line, 2);
	assert_true(list_match_sender(list, "any@example.com", NULL));
	assert_false(list_match_recipient(list, "news@example.com", NULL));
	list_free(&list);
}

static void
the_first_of_equal_entries_is_named(void **state)
{
	(void)state;
	struct ip ip;
	struct list_place where;
	folder_write("b", "twice.example\n192.0.2.1\n");
	struct list *list =
	    load_text("a", "x.example\ntwice.example\nTWICE.example\n");
	assert_true(ip_from_text("192.0.2.1", &ip));
	assert_true(list_match_client(list, &ip, NULL, &where));
	assert_true(ip_from_text("192.0.2.2", &ip));
	assert_true(list_match_client(list, &ip, "twice.example", &where));
	assert_int_equal(where.line, 2);
	assert_string_equal(where.file, folder_path("a"));
	list_free(&list);
}

static const struct {
	const char *file, *text, *wanted; /* behind the folder's name */
} mistakes[] = {
    {"c", "a.example\nb example\n",
        "c:2: \"b example\": more than one word on a line"},
    {"c", "user@example.com\n",
        "c:1: \"user@example.com\": a mail address in a list of clients; *"},
    {"c", "*.example.com\n", "c:1: \"*.example.com\": neither a name, *"},
    {"c", "192.0.2.0/33\n",
        "c:1: \"192.0.2.0/33\": neither an IP address nor a network"},
    {"c", "2001:db8::/129\n", "c:1: \"2001:db8::/129\": neither an IP address *"},
    {"c", "192.0.2.256\n", "c:1: \"192.0.2.256\": neither a name, *"},
    {"c", "192.0.2.\n", "c:1: \"192.0.2.\": neither a name, *"},
    {"c", "300.0.2\n", "c:1: \"300.0.2\": neither a name, *"},
    {"c", "10\n", "c:1: \"10\": neither a name, *"},
    {"c", "a..b\n", "c:1: \"a..b\": neither a name, *"},
    {"c", "\n\n/abc(/\n", "c:3: \"/abc(/\": offset 4: *"},
    {"c", "/abc\n", "c:1: \"/abc\": a regular expression must stand between *"},
    {"c", "//\n", "c:1: \"//\": a regular *"},
    {"c", "com\n", "c:1: \"com\": a name without a dot would let off a whole *"},
    {"c", ".com\n", "c:1: \".com\": a name without a dot *"},
    {"c", "sender: jp\n", "c:1: \"sender: jp\": a name without a dot *"},
    {"c", "/./\n", "c:1: \"/./\": matches everything, *"},
    {"c", "/^.*$/\n", "c:1: \"/^.*$/\": matches everything, *"},
    {"c", "/[a-z]/\n", "c:1: \"/[a-z]/\": matches everything, *"},
    {"recipients", "/@/\n", "recipients:1: \"/@/\": matches everything, *"},
    {"c", "0.0.0.0/0\n", "c:1: \"0.0.0.0/0\": wider than /8 *"},
    {"c", "128.0.0.0/7\n", "c:1: \"128.0.0.0/7\": wider than /8 *"},
    {"c", "2000::/3\n", "c:1: \"2000::/3\": wider than /8 (IPv6: /16)"},
    {"c", "sender:\n", "c:1: \"sender:\": nothing after the colon"},
    {"recipients", "@example.com\n",
        "recipients:1: \"@example.com\": nothing before *"},
    {"recipients", "a@b_c!\n", "recipients:1: \"a@b_c!\": what follows the @ *"},
    {"recipients", "a b@c\n",
        "recipients:1: \"a b@c\": more than one word on a line"},
    {"recipients", "exa mple\n", "recipients:1: *"},
};

static void
a_mistake_names_file_and_line(void **state)
{
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		struct error error = {""};
		folder_empty(state);
		folder_write(mistakes[i].file, mistakes[i].text);
		assert_null(load_all(&error));
		assert_said(error.text + strlen(folder) + 1, mistakes[i].wanted);
		assert_null(load_all(NULL));
	}
}

static void
files_are_found_by_pattern(void **state)
{
	(void)state;
	struct error error = {""};
	const char *none[] = {folder_path("*.none")};
	struct list *list = list_load(none, 1, &error);
	assert_non_null(list);
	assert_int_equal(list_count(list), 0);
	list_free(&list);

	const char *missing[] = {folder_path("missing")};
	assert_null(list_load(missing, 1, &error));
	assert_non_null(strstr(error.text, "missing: No such file"));

	folder_write("good", "a.example\n");
	folder_write("good~", "not readable as a list !\n");
	folder_write("good.bak", "not readable as a list !\n");
	folder_write("good.dpkg-old", "not readable as a list !\n");
	list = load_all(&error);
	assert_non_null(list);
	assert_int_equal(list_count(list), 1);
	list_free(&list);

	const char *itself[] = {folder};
	assert_null(list_load(itself, 1, &error));
	assert_non_null(strstr(error.text, "is a directory"));

	list = list_load(NULL, 0, &error);
	assert_int_equal(list_count(list), 0);
	list_free(&list);
}

static void
postgreys_own_files_load_when_they_are_here(void **state)
{
	(void)state;
	const char *patterns[] = {"/etc/postgrey/whitelist_*"};
	struct error error = {""};
	struct list *list = list_load(patterns, 1, &error);
	if (list == NULL)
		fail_msg("%s", error.text);
	if (list_count(list) == 0) {
		print_message(
		    "SKIPPED: no /etc/postgrey/whitelist_* on this host\n");
	} else {
		assert_true(list_count(list) > 100);
		assert_true(
		    list_match_recipient(list, "postmaster@example.com", NULL));
	}
	list_free(&list);
}

/* 10,000 names and 10,000 networks: right answers, and no walk through all. */
static void
large_lists_answer_right(void **state)
{
	(void)state;
	char *text = malloc(20000 * 40), *at = text;
	for (unsigned i = 0; i < 10000; i++)
		at += sprintf(at, "h%u.d%u.example\n%u.%u.%u.0/%u\n", i, i % 100,
		    11 + i % 100, i / 100 % 100, i % 50 * 4, 22 + i % 3);
	struct list *list = load_text("large", text);
	free(text);
	assert_int_equal(list_count(list), 20000);
	struct timespec start, end;
	unsigned hits = 0;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned i = 0; i < 10000; i++) {
		char name[64];
		struct ip ip;
		struct list_place where;
		snprintf(name, sizeof name, "mx.h%u.d%u.example", i, i % 100);
		ip_from_text("192.0.2.1", &ip);
		assert_true(list_match_client(list, &ip, name, &where));
		assert_int_equal(where.line, 2 * i + 1);
		snprintf(name, sizeof name, "%u.%u.%u.7", 11 + i % 100,
		    i / 100 % 100, i % 50 * 4);
		ip_from_text(name, &ip);
		hits += list_match_client(list, &ip, NULL, NULL);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_int_equal(hits, 10000);
	print_message("20,000 look-ups in 20,000 entries: %.1f ms\n",
	    (double)(end.tv_sec - start.tv_sec) * 1e3 +
	        (double)(end.tv_nsec - start.tv_nsec) / 1e6);
	list_free(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(
	        clients_match_as_in_postgrey_and_name_their_line, folder_empty),
	    cmocka_unit_test_teardown(
	        an_ipv4_network_does_not_hold_ipv6_addresses, folder_empty),
	    cmocka_unit_test_teardown(addresses_match_as_in_postgrey, folder_empty),
	    cmocka_unit_test_teardown(
	        a_line_in_u_labels_and_one_in_a_labels_match_both, folder_empty),
	    cmocka_unit_test_teardown(
	        a_prefix_says_what_a_line_is_about, folder_empty),
	    cmocka_unit_test_teardown(
	        the_first_of_equal_entries_is_named, folder_empty),
	    cmocka_unit_test_teardown(a_mistake_names_file_and_line, folder_empty),
	    cmocka_unit_test_teardown(files_are_found_by_pattern, folder_empty),
	    cmocka_unit_test(postgreys_own_files_load_when_they_are_here),
	    cmocka_unit_test_teardown(large_lists_answer_right, folder_empty),
	};
	return cmocka_run_group_tests_name(
	    "list", tests, folder_setup, folder_teardown);
}
