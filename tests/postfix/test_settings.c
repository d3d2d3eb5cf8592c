/* SPDX-License-Identifier: BSD-2-Clause */
/* What postconf(1) prints, made by hand and by the real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "postfix/advice.h"
#include "postfix/settings.h"
#include "lists/folder.h"

/* The networks as text, joined by blanks. */
static const char *
networks(const struct postfix_settings *settings)
{
	static char text[2000];
	text[0] = '\0';
	for (size_t i = 0; i < settings->networks_count; i++) {
		char net[IPNET_TEXT_SIZE];
		size_t used = strlen(text);
		snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? " " : "",
		    ipnet_to_text(&settings->networks[i], net));
	}
	return text;
}

static const struct {
	const char *printed, *networks, *unread;
	int protocol, timeout_s;
	bool chunking;
} cases[] = {
    {"", "", "", -1, -1, false},
    {"mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128\n"
     "milter_protocol = 6\nmilter_command_timeout = 30s\n"
     "smtpd_discard_ehlo_keywords =\n",
        "127.0.0.0/8 127.0.0.0/8 ::1", "", 6, 30, true},
    {"mynetworks = 192.0.2.0/24,203.0.113.7\t[2001:db8::]/32\n"
     "milter_protocol = 2\nmilter_command_timeout = 5s\n"
     "smtpd_discard_ehlo_keywords = chunking, silent-discard\n",
        "192.0.2.0/24 203.0.113.7 2001:db8::/32", "", 2, 5, false},
    {"mynetworks = 192.0.2.0/24 !192.0.2.7 cidr:/etc/postfix/nets\n"
     "milter_command_timeout = 1m\n"
     "smtpd_discard_ehlo_keywords = DSN,CHUNKING\n",
        "192.0.2.0/24", "!192.0.2.7, cidr:/etc/postfix/nets", -1, 60, false},
    {"mynetworks = 192.0.2.1/24 nonsense /nonexistent/nets\n"
     "milter_protocol = six\nmilter_command_timeout = soon\n",
        "", "192.0.2.1/24, nonsense, /nonexistent/nets", -1, -1, false},
    {"no equals sign\n=\n= x\nmynetworks=\n", "", "", -1, -1, false},
};

static void
what_postconf_prints_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct postfix_settings *settings =
		    postfix_settings_parse(cases[i].printed);
		assert_non_null(settings);
		assert_string_equal(networks(settings), cases[i].networks);
		assert_string_equal(settings->unread, cases[i].unread);
		assert_int_equal(settings->milter_protocol, cases[i].protocol);
		assert_int_equal(
		    settings->milter_command_timeout_s, cases[i].timeout_s);
		assert_int_equal(settings->offers_chunking, cases[i].chunking);
		postfix_settings_free(&settings);
		assert_null(settings);
		postfix_settings_free(&settings);
	}
}

static void
the_real_postconf_resolves_names_lines_and_defaults(void **state)
{
	char text[1000];
	(void)state;
	assert_null(postfix_settings_read(folder)); /* no main.cf there */
	assert_null(postfix_settings_read("/nonexistent"));
	if (access("/usr/sbin/postconf", X_OK) != 0) {
		fprintf(stderr, "SKIPPED: there is no postconf: its output is not "
		                "read\n");
		skip();
	}
	folder_write("nets", "# ours\n198.51.100.0/24\n  [2001:db8:7::]/48\n");
	snprintf(text, sizeof text,
	    "compatibility_level = 3.6\noffice = 192.0.2.0/24\n"
	    "mynetworks = 127.0.0.0/8,\n  $office\n# remark\n %s\n"
	    "milter_protocol = 3\n",
	    folder_path("nets"));
	folder_write("main.cf", text);
	struct postfix_settings *settings = postfix_settings_read(folder);
	assert_non_null(settings);
	assert_string_equal(networks(settings),
	    "127.0.0.0/8 192.0.2.0/24 198.51.100.0/24 2001:db8:7::/48");
	assert_string_equal(settings->unread, "");
	assert_int_equal(settings->milter_protocol, 3);
	assert_int_equal(settings->milter_command_timeout_s, 30);
	assert_true(settings->offers_chunking);
	postfix_settings_free(&settings);

	/* by mynetworks_style alone */
	folder_write("main.cf", "compatibility_level = 3.6\n"
	                        "mynetworks_style = host\n"
	                        "inet_interfaces = 127.0.0.1\n");
	settings = postfix_settings_read(folder);
	assert_non_null(settings);
	assert_string_equal(networks(settings), "127.0.0.1");
	assert_int_equal(settings->milter_protocol, 6);
	postfix_settings_free(&settings);

	/* what postconf refuses */
	folder_write("main.cf", "mynetworks = ${broken\n");
	assert_null(postfix_settings_read(folder));
	assert_true(postfix_is_here(folder));
	assert_false(postfix_is_here("/nonexistent"));
}

static void
the_hosts_own_addresses_are_known(void **state)
{
	(void)state;
	struct ipnet *own;
	struct ip loopback;
	size_t count = postfix_own_addresses(&own);
	bool found = false;
	assert_true(ip_from_text("127.0.0.1", &loopback));
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(own[i].prefix, 128);
		found = found || ip_equal(&own[i].ip, &loopback);
	}
	assert_true(found);
	free(own);
}

static const struct {
	const char *printed;
	const char *exempt; /* one network */
	unsigned max_sessions;
	int limit;
	const char *said[3]; /* parts, in order */
	bool lacks_networks;
} advised[] = {
    {"mynetworks = 127.0.0.0/8\nmilter_protocol = 6\n"
     "milter_command_timeout = 30s\nsmtpd_discard_ehlo_keywords = chunking\n",
        "127.0.0.0/8", 50, 100, {NULL}, false},
    {"mynetworks = 127.0.0.0/8 203.0.113.0/24\n", "127.0.0.0/8", 50, 100,
        {"203.0.113.0/24"}, false},
    {"mynetworks = 10.1.0.0/16\n", "10.0.0.0/8", 50, 100, {NULL}, false},
    {"mynetworks = 10.0.0.0/8\n", "10.1.0.0/16", 50, 100, {"10.0.0.0/8"}, false},
    {"mynetworks = hash:/x\n", "127.0.0.0/8", 50, 100, {"(hash:/x)"}, false},
    {"milter_protocol = 2\nmilter_command_timeout = 9s\n", "127.0.0.0/8", 50, -1,
        {"milter_protocol = 2", "milter_command_timeout = 9s"}, false},
    {"milter_protocol = 3\n", "127.0.0.0/8", 50, -1, {"milter_protocol = 3"},
        false},
    {"milter_protocol = 4\nmilter_command_timeout = 10s\n", "127.0.0.0/8", 50, -1,
        {NULL}, false},
    {"smtpd_discard_ehlo_keywords = dsn\n", "127.0.0.0/8", 50, -1,
        {"chunking, silent-discard"}, false},
    {"", "127.0.0.0/8", 71, 100, {"tarpit.max_sessions is 71"}, false},
    {"", "127.0.0.0/8", 70, 100, {NULL}, false},
    {NULL, "127.0.0.0/8", 71, 100, {"tarpit.max_sessions is 71"}, false},
    /* a postconf that failed; it may do better the second time */
    {NULL, "127.0.0.0/8", 50, -1, {"exempt_networks lacks"}, true},
    {"mynetworks = 203.0.113.0/24\n", "127.0.0.0/8", 50, -1,
        {"exempt_networks lacks"}, true},
};

static void
each_trap_in_the_settings_is_named_with_its_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof advised / sizeof *advised; i++) {
		struct postfix_settings *settings =
		    advised[i].printed == NULL
		        ? NULL
		        : postfix_settings_parse(advised[i].printed);
		struct postfix_advice advice;
		struct ipnet exempt;
		assert_true(ipnet_from_text(advised[i].exempt, &exempt));
		const struct postfix_asked asked = {&exempt, 1,
		    advised[i].lacks_networks, advised[i].max_sessions,
		    advised[i].limit};
		postfix_advise(settings, &asked, &advice);
		size_t wanted = 0;
		for (; wanted < 3 && advised[i].said[wanted] != NULL; wanted++) {
			if (wanted >= advice.count ||
			    strstr(advice.text[wanted], advised[i].said[wanted]) ==
			        NULL)
				fail_msg("case %zu lacks \"%s\"", i,
				    advised[i].said[wanted]);
		}
		if (advice.count != wanted)
			fail_msg("case %zu: %s", i, advice.text[wanted]);
		postfix_settings_free(&settings);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_postconf_prints_is_read),
	    cmocka_unit_test(the_real_postconf_resolves_names_lines_and_defaults),
	    cmocka_unit_test(the_hosts_own_addresses_are_known),
	    cmocka_unit_test(each_trap_in_the_settings_is_named_with_its_remedy),
	};
	return cmocka_run_group_tests_name(
	    "postfix settings", tests, folder_setup, folder_teardown);
}
