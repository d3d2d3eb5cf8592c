/* SPDX-License-Identifier: BSD-2-Clause */
/* The shipped files: conf/allow.d, conf/suspect.d, against conf/s25r.rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>

#include "lists/list.h"
#include "lists/local.h"
#include "lists/s25r.h"
#include "lists/folder.h"

#define ALLOW SOURCE_FOLDER "/conf/allow.d/big-senders"

static void
every_allowed_farm_is_a_suspect_by_name_and_let_off_by_its_own_line(void **state)
{
	(void)state;
	struct error error = {""};
	const char *path = ALLOW;
	struct list *list = list_load(&path, 1, &error);
	struct s25r *rules = s25r_load(SOURCE_FOLDER "/conf/s25r.rules", &error);
	if (list == NULL || rules == NULL)
		fail_msg("%s", error.text);

	FILE *file = fopen(ALLOW, "r");
	assert_non_null(file);
	char text[1024];
	unsigned line = 0, entries = 0;
	while (fgets(text, sizeof text, file) != NULL) {
		line++;
		text[strcspn(text, "\n")] = '\0';
		if (text[0] == '#' || text[0] == '\0')
			continue;
		const char *name = strrchr(text, '#');
		if (name == NULL)
			fail_msg("line %u has no name behind #", line);
		name += 2;
		struct ip ip = {{0}};
		struct list_place where = {NULL, 0, NULL};
		if (s25r_match(rules, name, false).state != S25R_MATCH)
			fail_msg("line %u: %s is no suspect", line, name);
		if (!list_match_client(list, &ip, name, &where) ||
		    where.line != line)
			fail_msg("line %u: %s is let off by line %u", line, name,
			    where.line);
		char below[300];
		snprintf(below, sizeof below, "%s.evil.example", name);
		assert_false(list_match_client(list, &ip, below, NULL));
		entries++;
	}
	fclose(file);
	assert_int_equal(entries, list_count(list));
	assert_true(entries > 30);
	list_free(&list);
	s25r_free(&rules);
}

/* Each client of such a name is let off by the shipped list, or is not. */
static void
expect_each(const char *const *names, size_t count, bool is_let_off)
{
	struct error error = {""};
	const char *path = ALLOW;
	struct list *list = list_load(&path, 1, &error);

	assert_non_null(list);
	for (size_t i = 0; i < count; i++) {
		struct ip ip = {{0}};
		if (list_match_client(list, &ip, names[i], NULL) != is_let_off)
			fail_msg("%s is %slet off", names[i] ? names[i] : "none",
			    is_let_off ? "not " : "");
	}
	list_free(&list);
}

/* More of one farm's names than the one that stands in the file. */
static void
the_other_forms_of_a_farms_names_are_let_off_too(void **state)
{
	(void)state;
	static const char *const names[] = {"mta-86-90.sparkpostmail.com",
	    "mta-203-32-122.sparkpostmail.com",
	    "mta-174-81-113.atlassian.net.sparkpostmail.com",
	    "mta-65-225.flowmailer.net", "mx1-us1.ppe-hosted.com",
	    "out1-37.antispamcloud.com", "smtpcmd11116.aruba.it",
	    "sv14631.xserver.jp", "mailrelay2-3.pub.mailoutpod1-cph3.one.com",
	    "mailrelay-egress16.pub.mailoutpod3-cph3.one.com",
	    "new-01-3.privateemail.com", "hm1480-10.locaweb.com.br",
	    "hm3562-145.email.locaweb.com.br", "mail4987.hm1479.locaweb.com.br",
	    "smtp-3-0000.mail.infomaniak.ch", "smtp-8fab.mail.infomaniak.ch",
	    "mta202a-ord.mtasv.net", "smtp02-ia6-sp4.mta.salesforce.com",
	    "mx4-dfw-sp3.mta.salesforce.com", "nwk-aaemail-lapp01.apple.com",
	    "rn1-mailsvcp-mx-lapp03.apple.com", "mail-107161.simplelogin.co",
	    "mxb-1-b02.seznam.cz", "so254-31.mailgun.net", "m42-5.mailgun.net",
	    "sender3-pp-o92.zoho.com.cn", "sender4-of-o52.zoho.com",
	    "mail-m3274.qiye.163.com", "mail-m127165.xmail.ntesmail.com",
	    "zg8tmja2lje4os43os4xodqa.icoremail.net",
	    "fralinode-sdnproxy-1.icoremail.net", "server252-4.web-hosting.com"};
	expect_each(names, sizeof names / sizeof *names, true);
}

/* Names of lines and of rented servers, in the domains of the farms. */
static void
lines_and_rented_servers_of_the_same_owners_are_not_let_off(void **state)
{
	(void)state;
	static const char *const names[] = {"c-73-1-2-3.hsd1.ca.comcast.net",
	    "ec2-3-4-5-6.compute-1.amazonaws.com",
	    "1.2.3.4.bc.googleusercontent.com", "ip-1-2-3-4.ip.secureserver.net",
	    "host-1-2-3-4.cust.free.fr", "vps-1a2b3c4d.vps.ovh.net",
	    "ns123456.ip-1-2-3.eu", "mail-1-2.example.com",
	    "mail-yw1-f172.google.com.example.net", "p5b0a1b2c.dip0.t-ipconnect.de",
	    "ppp-1-2-3-4.mail.example.yahoo.com.example",
	    "ip197-132-198-217.pool-bba.aruba.it", "host-1-2-3-4.aruba.it",
	    "x162-43-1-2.static.xvps.ne.jp", "vps12345.publiccloud.com.br",
	    "dsl-1-2-3.home.pl", "server1-2.web-hosting.com.example.net",
	    "1-2-3-4.customer.salesforce.com", "kencur2-3.apple.com",
	    "mta-1-2.evil.sparkpostmail.com.example.net"};
	expect_each(names, sizeof names / sizeof *names, false);
	expect_each((const char *const[]){NULL}, 1, false);
}

static void
the_example_of_local_rules_sets_none_until_its_marks_are_taken(void **state)
{
	(void)state;
	struct error error = {""};
	const char *path = SOURCE_FOLDER "/conf/suspect.d/example";
	FILE *file = fopen(path, "r"), *bare = fopen(folder_path("rules"), "w");
	char text[1024];
	size_t taken = 0;
	while (fgets(text, sizeof text, file) != NULL) {
		if (text[0] == '#' && islower((unsigned char)text[1])) {
			fputs(text + 1, bare);
			taken++;
		}
		assert_true(text[0] == '#' || text[0] == '\n');
	}
	fclose(file);
	fclose(bare);
	path = folder_path("rules");
	struct local *local = local_load(&path, 1, &error);
	if (local == NULL)
		fail_msg("%s", error.text);
	assert_true(taken >= 5);
	local_free(&local);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        every_allowed_farm_is_a_suspect_by_name_and_let_off_by_its_own_line),
	    cmocka_unit_test(the_other_forms_of_a_farms_names_are_let_off_too),
	    cmocka_unit_test(
	        lines_and_rented_servers_of_the_same_owners_are_not_let_off),
	    cmocka_unit_test(
	        the_example_of_local_rules_sets_none_until_its_marks_are_taken),
	};
	return cmocka_run_group_tests_name(
	    "shipped lists", tests, folder_setup, folder_teardown);
}
