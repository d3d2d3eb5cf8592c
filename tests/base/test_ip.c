/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "base/ip.h"

static const struct {
	const char *text, *wanted; /* NULL: no address */
} addresses[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"::ffff:c000:201", "192.0.2.1"},
    {"::1", "::1"},
    /* RFC 5952 4 */
    {"2001:DB8::0001", "2001:db8::1"},
    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
    {"", NULL},
    {"192.0.2", NULL},
    {"192.0.2.256", NULL},
    {"192.0.2.1.", NULL},
    {" 192.0.2.1", NULL},
    {"192.0.2.1/32", NULL},
    {"[::1]", NULL},
    {"fe80::1%lo", NULL},
    {"1:2:3:4:5:6:7:8:9", NULL},
};

static void
addresses_are_read_and_written_in_one_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		char buf[IP_TEXT_SIZE];
		struct ip ip;
		bool got = ip_from_text(addresses[i].text, &ip);
		if (got != (addresses[i].wanted != NULL))
			fail_msg("\"%s\": %d", addresses[i].text, got);
		if (got)
			assert_string_equal(
			    ip_to_text(&ip, buf), addresses[i].wanted);
	}
}

static void
both_families_come_from_sockets(void **state)
{
	(void)state;
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr other = {.sa_family = AF_UNIX};
	char buf[IP_TEXT_SIZE];
	struct ip ip;
	inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
	inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
	assert_true(ip_from_sockaddr((struct sockaddr *)&v4, &ip));
	assert_true(ip_is_v4(&ip));
	assert_string_equal(ip_to_text(&ip, buf), "192.0.2.1");
	assert_true(ip_from_sockaddr((struct sockaddr *)&v6, &ip));
	assert_false(ip_is_v4(&ip));
	assert_string_equal(ip_to_text(&ip, buf), "2001:db8::1");
	assert_false(ip_from_sockaddr(&other, &ip));
}

static const struct {
	const char *net, *written; /* NULL: no network */
	const char *inside, *outside;
} nets[] = {
    {"192.0.2.0/24", "192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
    {"192.0.2.128/25", "192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
    {"192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.6"},
    {"192.0.2.7/32", "192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1"},
    {"0.0.0.0/0", "0.0.0.0/0", "203.0.113.1", "::1"},
    {"2001:db8::/32", "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
    {"::1/128", "::1", "::1", "::2"},
    {"::/0", "::/0", "192.0.2.1", NULL},
    {"192.0.2.1/24", NULL, NULL, NULL},
    {"192.0.2.0/33", NULL, NULL, NULL},
    {"192.0.2.0/", NULL, NULL, NULL},
    {"192.0.2.0/-1", NULL, NULL, NULL},
    {"2001:db8::1/64", NULL, NULL, NULL},
    {"2001:db8::/129", NULL, NULL, NULL},
    {"example.com", NULL, NULL, NULL},
};

static void
networks_hold_their_addresses_and_no_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
		char buf[IPNET_TEXT_SIZE];
		struct ipnet net;
		struct ip ip;
		bool got = ipnet_from_text(nets[i].net, &net);
		if (got != (nets[i].written != NULL))
			fail_msg("\"%s\": %d", nets[i].net, got);
		if (!got)
			continue;
		assert_string_equal(ipnet_to_text(&net, buf), nets[i].written);
		assert_true(ip_from_text(nets[i].inside, &ip));
		assert_true(ipnet_has(&net, &ip));
		if (nets[i].outside != NULL) {
			assert_true(ip_from_text(nets[i].outside, &ip));
			assert_false(ipnet_has(&net, &ip));
		}
	}
}

static void
the_network_of_an_address_has_no_host_bits(void **state)
{
	(void)state;
	char buf[IPNET_TEXT_SIZE];
	struct ip ip;
	assert_true(ip_from_text("192.0.2.213", &ip));
	struct ipnet net = ip_network(&ip, 26, 64);
	assert_string_equal(ipnet_to_text(&net, buf), "192.0.2.192/26");
	assert_true(ip_from_text("2001:db8:1:2:3:4:5:6", &ip));
	net = ip_network(&ip, 26, 47);
	assert_string_equal(ipnet_to_text(&net, buf), "2001:db8::/47");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_are_read_and_written_in_one_form),
	    cmocka_unit_test(both_families_come_from_sockets),
	    cmocka_unit_test(networks_hold_their_addresses_and_no_others),
	    cmocka_unit_test(the_network_of_an_address_has_no_host_bits),
	};
	return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
