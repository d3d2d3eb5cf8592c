/* SPDX-License-Identifier: BSD-2-Clause */
/* What the operator's files and words do to a session. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "policy/cases.h"
#include "session/session_fixture.h"

#define LINE    "p7-dyn100.example.net"
#define SUSPECT "198.51.100.7"

/* A file of our own, named so that the list knows what its lines are about. */
static void
write_file(char path[static 80], const char *name, const char *text)
{
	char folder[] = "/tmp/targrey-test.XXXXXX";

	assert_non_null(mkdtemp(folder));
	snprintf(path, 80, "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	fclose(file);
}

static void
remove_file(char *path)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

static void
allow(struct session_fixture *fixture, const char *name, const char *text)
{
	struct error error;
	char path[80];
	const char *patterns[] = {path};

	write_file(path, name, text);
	list_free(&fixture->snapshot.allow);
	fixture->snapshot.allow = list_load(patterns, 1, &error);
	assert_non_null(fixture->snapshot.allow);
	remove_file(path);
}

static void
local(struct session_fixture *fixture, const char *text)
{
	struct error error;
	char path[80];
	const char *patterns[] = {path};

	write_file(path, "local", text);
	local_free(&fixture->snapshot.local);
	fixture->snapshot.local = local_load(patterns, 1, &error);
	assert_non_null(fixture->snapshot.local);
	remove_file(path);
}

static void
rules(struct session_fixture *fixture, const char *text)
{
	struct error error;
	char path[80];

	write_file(path, "rules", text);
	s25r_free(&fixture->snapshot.s25r);
	fixture->snapshot.s25r = s25r_load(path, &error);
	assert_non_null(fixture->snapshot.s25r);
	remove_file(path);
}

static void
a_client_on_an_allow_list_is_exempt_by_its_verified_name_only(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_STRICT);

	(void)state;
	allow(fixture, "clients", "example.net\n");
	fixture_connect(fixture, SUSPECT, LINE);
	assert_true(fixture_message(
	    fixture, "<a@example.net>", "<u@example.jp>", HOLD_NONE));
	assert_int_equal(fixture->waits, 0);
	/* a name lets off, and the message says so like all mail from outside */
	assert_string_equal(fixture_word(fixture, "verdict"), "pass");
	assert_string_equal(fixture_word(fixture, "why"), "listed");
	assert_string_equal(fixture_word(fixture, "would"), "none");
	assert_string_equal(fixture_word(fixture, "s25r"), "match");
	assert_non_null(fixture_header(fixture, "X-TaRgrey-Client"));
	fixture_close(fixture);

	struct session_client client = {
	    .name = "unknown", .ptr = "mail.example.net", .resolve = "FORGED"};
	assert_true(ip_from_text("198.51.100.9", &client.ip));
	struct gate_moment moment = fixture_moment(fixture);
	fixture->session = session_new(&fixture->snapshot);
	session_connect(fixture->session, &moment, &client);
	fixture_mail(fixture, "<a@example.net>");
	fixture_rcpt_alone(fixture, "<u@example.jp>");
	assert_int_equal(fixture->waits, 1);
	fixture_free(&fixture);
}

static void
only_an_exempt_network_may_be_a_trusted_relay(void **state)
{
	static char relay[] = "mx2.example.jp";
	static char *relays[] = {relay};

	(void)state;
	for (int inside = 0; inside < 2; inside++) {
		struct session_fixture *fixture = fixture_new(MODE_TARGREY);
		allow(fixture, "clients", "example.net\n");
		fixture->snapshot.trusted_relays = relays;
		fixture->snapshot.trusted_count = 1;
		fixture_connect(fixture, inside ? "10.1.2.3" : SUSPECT, LINE);
		fixture_mail(fixture, "<a@example.net>");
		assert_false(
		    fixture_rcpt(fixture, "<u@example.jp>", HOLD_NONE).refuse);
		assert_false(fixture_data_refused(fixture));
		session_header(fixture->session, "X-TaRgrey-Session",
		    "v=1; id=mx2.example.jp; sid=00");
		fixture_eom(fixture);
		assert_string_equal(
		    fixture->removed, inside ? "" : "X-TaRgrey-Session/1");
		fixture_free(&fixture);
	}
}

static void
an_exempt_recipient_is_not_delayed_and_another_beside_it_is_judged(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_RGREY);

	(void)state;
	allow(fixture, "recipients", "postmaster@\n");
	fixture_connect(fixture, SUSPECT, LINE);
	assert_true(fixture_message(
	    fixture, "<a@example.net>", "<Postmaster@Example.JP>", HOLD_NONE));
	assert_int_equal(fixture->waits, 0);
	assert_string_equal(fixture_word(fixture, "why"), "listed");

	fixture_mail(fixture, "<a@example.net>");
	assert_false(fixture_rcpt_alone(fixture, "<postmaster@example.jp>").refuse);
	assert_false(fixture_rcpt_alone(fixture, "<u@example.jp>").refuse);
	assert_true(fixture_data_refused(fixture));
	fixture_free(&fixture);
}

/* Only what may be our own mail carries none, whatever the lists say. */
static void
outgoing_mail_carries_no_headers(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct session_fixture *fixture = fixture_new(MODE_STRICT);
		struct session_client client = {
		    .name = LINE, .ptr = LINE, .resolve = "OK", .is_local = i == 3};
		allow(fixture, "clients", "example.net\n");
		if (i == 3)
			fixture->snapshot.exempt_count = 0;
		assert_true(ip_from_text(i == 0   ? "10.1.2.3"
		                         : i == 3 ? "127.0.0.1"
		                                  : SUSPECT,
		    &client.ip));
		struct gate_moment moment = fixture_moment(fixture);
		fixture->session = session_new(&fixture->snapshot);
		session_connect(fixture->session, &moment, &client);
		session_helo(fixture->session, "pc", false);
		session_mail(
		    fixture->session, &moment, "<a@example.net>", i == 2, false);
		assert_false(
		    fixture_rcpt(fixture, "<u@example.jp>", HOLD_NONE).refuse);
		assert_false(fixture_data_refused(fixture));
		fixture_eom(fixture);
		/* 1: the list's line alone */
		assert_int_equal(fixture->inserted == 0, i != 1);
		fixture_free(&fixture);
	}
}

/* He may write what he likes, from his own network too. */
static void
an_authenticated_user_in_an_exempt_network_is_no_trusted_relay(void **state)
{
	static char relay[] = "mx2.example.jp";
	static char *relays[] = {relay};

	(void)state;
	for (int login = 0; login < 2; login++) {
		struct session_fixture *fixture = fixture_new(MODE_TARGREY);
		fixture->snapshot.trusted_relays = relays;
		fixture->snapshot.trusted_count = 1;
		fixture_connect(fixture, "10.1.2.3", LINE);
		struct gate_moment moment = fixture_moment(fixture);
		session_mail(
		    fixture->session, &moment, "<a@example.net>", login, true);
		assert_false(
		    fixture_rcpt(fixture, "<u@example.jp>", HOLD_NONE).refuse);
		assert_false(fixture_data_refused(fixture));
		session_header(fixture->session, "X-TaRgrey-Session",
		    "v=1; id=mx2.example.jp; sid=00");
		fixture_eom(fixture);
		assert_string_equal(
		    fixture->removed, login ? "X-TaRgrey-Session/1" : "");
		assert_int_equal(fixture->inserted, 0);
		fixture_free(&fixture);
	}
}

static size_t
count_events(struct session_fixture *fixture)
{
	struct store_status_report report;

	store_flush(fixture->store);
	store_report(fixture->store, false, &report);
	return (size_t)report.notes;
}

/* HAProxy and monitors greet and quit every few seconds. */
static void
a_health_check_from_an_exempt_network_writes_no_event(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_TARGREY);

	(void)state;
	size_t before = count_events(fixture);
	fixture_connect(fixture, "10.1.2.3", NULL);
	fixture_close(fixture);
	assert_int_equal(count_events(fixture), before);
	/* a stranger's is worth an event */
	fixture_connect(fixture, SUSPECT, LINE);
	fixture_close(fixture);
	assert_int_equal(count_events(fixture), before + 1);
	fixture_free(&fixture);
}

static void
a_sender_without_an_spf_pass_is_not_exempt(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_RGREY);

	(void)state;
	allow(fixture, "good", "sender: example.net\n");
	fixture_connect(fixture, SUSPECT, LINE);
	assert_false(fixture_message(
	    fixture, "<a@example.net>", "<u@example.jp>", HOLD_NONE));
	fixture_free(&fixture);
}

static void
local_rules_tag_and_make_suspects_only_where_they_are_chosen(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_TARGREY);

	(void)state;
	local(fixture, "helo ^helo\\. ODD\nfrom @bulk\\.example$ BULK warn\n");
	fixture_connect(fixture, "192.0.2.1", "mail.example.org");
	assert_true(fixture_message(
	    fixture, "<x@bulk.example>", "<u@example.jp>", HOLD_NONE));
	assert_string_equal(fixture_word(fixture, "local"), "ODD,BULK");
	assert_string_equal(fixture_word(fixture, "verdict"), "pass");
	assert_string_equal(
	    fixture_header(fixture, "X-TaRgrey-Flags"), "NO-SUCCESS LOCAL");

	fixture->snapshot.policy.suspect |= SELECT_LOCAL;
	assert_true(fixture_message(
	    fixture, "<x@bulk.example>", "<u@example.jp>", HOLD_ELAPSED));
	assert_string_equal(fixture_word(fixture, "why"), "local");
	assert_string_equal(fixture_word(fixture, "tarpit"), "endured");
	fixture_free(&fixture);
}

static void
a_name_that_holds_the_clients_address_is_tagged(void **state)
{
	static const struct {
		const char *ip, *name;
	} cases[] = {{"198.51.100.7", "198-51-100-7.example.net"},
	    {"198.51.100.7", "7.100.51.198.example.net"},
	    {"198.51.100.7", "c6336407.example.net"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct session_fixture *fixture = fixture_new(MODE_OBSERVE);
		fixture_connect(fixture, cases[i].ip, cases[i].name);
		assert_true(fixture_message(
		    fixture, "<a@example.net>", "<u@example.jp>", HOLD_NONE));
		assert_string_equal(fixture_word(fixture, "local"), "addr-in-name");
		assert_non_null(
		    strstr(fixture_header(fixture, "X-TaRgrey-Flags"), "LOCAL"));
		fixture_free(&fixture);
	}
}

static void
a_rule_on_trial_fills_would_and_delays_nobody(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_TARGREY);

	(void)state;
	rules(fixture, "trial\tdyn\tnames of lines [warn]\n");
	fixture_connect(fixture, SUSPECT, LINE);
	assert_true(fixture_message(
	    fixture, "<a@example.net>", "<u@example.jp>", HOLD_NONE));
	assert_int_equal(fixture->waits, 0);
	assert_string_equal(fixture_word(fixture, "s25r"), "none");
	assert_string_equal(fixture_word(fixture, "why"), "warn");
	assert_string_equal(fixture_word(fixture, "would"), "hold");
	assert_non_null(
	    strstr(fixture_header(fixture, "X-TaRgrey-Flags"), "WOULD"));
	fixture_free(&fixture);
}

static void
a_client_that_takes_our_name_or_a_recipients_domain_is_ours(void **state)
{
	static const struct {
		const char *helo, *word;
	} cases[] = {{"mx.example.jp", "ours"}, {"Example.JP", "ours"},
	    {"[192.0.2.25]", "ours"}, {"mail.example.jp", "fqdn"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct session_fixture *fixture = fixture_new(MODE_TARGREY);
		fixture_connect(fixture, "192.0.2.1", "mail.example.org");
		session_helo(fixture->session, cases[i].helo, false);
		assert_true(fixture_message(
		    fixture, "<a@example.org>", "<u@example.jp>", HOLD_NONE));
		assert_string_equal(fixture_word(fixture, "helo"), cases[i].word);
		fixture_free(&fixture);
	}
}

static char log_text[8192];

static void
keep_line(void *ctx, enum log_level level, const char *text)
{
	size_t used = strlen(log_text);

	(void)ctx;
	if (level != LOG_LEVEL_DEBUG)
		snprintf(log_text + used, sizeof log_text - used, "%s\n", text);
}

static void
with_privacy_no_address_of_a_person_is_logged(void **state)
{
	(void)state;
	log_to_sink(keep_line, NULL);
	for (int hash = 0; hash < 2; hash++) {
		struct session_fixture *fixture = fixture_new(MODE_TARGREY);
		fixture->snapshot.hash_people = hash;
		log_text[0] = '\0';
		fixture_connect(fixture, SUSPECT, LINE);
		fixture_message(
		    fixture, "<anna@example.net>", "<bert@example.jp>", HOLD_GONE);
		fixture_close(fixture);
		fixture_connect(fixture, SUSPECT, LINE);
		fixture_message(
		    fixture, "<anna@example.net>", "<bert@example.jp>", HOLD_GONE);
		fixture_free(&fixture);
		assert_true(*log_text != '\0');
		assert_int_equal(strstr(log_text, "anna") == NULL, hash);
		assert_null(strstr(log_text, "bert"));
	}
	log_to_stderr("test");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        a_client_on_an_allow_list_is_exempt_by_its_verified_name_only),
	    cmocka_unit_test(only_an_exempt_network_may_be_a_trusted_relay),
	    cmocka_unit_test(
	        an_exempt_recipient_is_not_delayed_and_another_beside_it_is_judged),
	    cmocka_unit_test(outgoing_mail_carries_no_headers),
	    cmocka_unit_test(
	        an_authenticated_user_in_an_exempt_network_is_no_trusted_relay),
	    cmocka_unit_test(a_health_check_from_an_exempt_network_writes_no_event),
	    cmocka_unit_test(a_sender_without_an_spf_pass_is_not_exempt),
	    cmocka_unit_test(
	        local_rules_tag_and_make_suspects_only_where_they_are_chosen),
	    cmocka_unit_test(a_name_that_holds_the_clients_address_is_tagged),
	    cmocka_unit_test(
	        a_client_that_takes_our_name_or_a_recipients_domain_is_ours),
	    cmocka_unit_test(a_rule_on_trial_fills_would_and_delays_nobody),
	    cmocka_unit_test(with_privacy_no_address_of_a_person_is_logged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
