/* SPDX-License-Identifier: BSD-2-Clause */
/* What the operator's files and words do to a session. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "session/visits.h"

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
allow(const char *name, const char *text)
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
local(const char *text)
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
rules(const char *text)
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
	fixture_new(MODE_STRICT);
	allow("clients", "example.net\n");
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_NONE));
	assert_int_equal(fixture->waits, 0);
	/* a name lets off, and the message says so like all mail from outside */
	word_is("verdict", "pass");
	word_is("why", "listed");
	word_is("would", "none");
	word_is("s25r", "match");
	assert_non_null(fixture_header("X-TaRgrey-Client"));
	fixture_close();

	struct session_client client = {
	    .name = "unknown", .ptr = "mail.example.net", .resolve = "FORGED"};
	assert_true(ip_from_text("198.51.100.9", &client.ip));
	struct gate_moment moment = fixture_moment();
	fixture->session = session_new(&fixture->snapshot);
	session_connect(fixture->session, &moment, &client);
	fixture_mail(FROM);
	fixture_rcpt_alone(TO);
	assert_int_equal(fixture->waits, 1);
}

static void
only_an_exempt_network_may_be_a_trusted_relay(void **state)
{
	static char relay[] = "mx2.example.jp";
	static char *relays[] = {relay};

	for (int inside = 0; inside < 2; inside++) {
		fixture_new(MODE_TARGREY);
		allow("clients", "example.net\n");
		fixture->snapshot.trusted_relays = relays;
		fixture->snapshot.trusted_count = 1;
		fixture_connect(inside ? "10.1.2.3" : SUSPECT, LINE);
		fixture_mail(FROM);
		assert_true(reaches_data(TO, HOLD_NONE));
		session_header(fixture->session, "X-TaRgrey-Session",
		    "v=1; id=mx2.example.jp; sid=00");
		fixture_eom();
		assert_string_equal(
		    fixture->removed, inside ? "" : "X-TaRgrey-Session/1");
	}
}

static void
an_exempt_recipient_is_not_delayed_and_another_beside_it_is_judged(void **state)
{
	fixture_new(MODE_RGREY);
	allow("recipients", "postmaster@\n");
	assert_true(
	    visit(SUSPECT, LINE, FROM, "<Postmaster@Example.JP>", HOLD_NONE));
	assert_int_equal(fixture->waits, 0);
	word_is("why", "listed");

	fixture_mail(FROM);
	assert_false(fixture_rcpt_alone("<postmaster@example.jp>").refuse);
	assert_false(fixture_rcpt_alone(TO).refuse);
	assert_true(fixture_data_refused());
}

/* Only what may be our own mail carries none, whatever the lists say. */
static void
outgoing_mail_carries_no_headers(void **state)
{
	for (int i = 0; i < 4; i++) {
		fixture_new(MODE_STRICT);
		struct session_client client = {
		    .name = LINE, .ptr = LINE, .resolve = "OK", .is_local = i == 3};
		allow("clients", "example.net\n");
		if (i == 3)
			fixture->snapshot.exempt_count = 0;
		assert_true(ip_from_text(i == 0   ? "10.1.2.3"
		                         : i == 3 ? "127.0.0.1"
		                                  : SUSPECT,
		    &client.ip));
		struct gate_moment moment = fixture_moment();
		fixture->session = session_new(&fixture->snapshot);
		session_connect(fixture->session, &moment, &client);
		session_helo(fixture->session, "pc", false);
		session_mail(fixture->session, &moment, FROM, i == 2, false);
		assert_true(reaches_data(TO, HOLD_NONE));
		fixture_eom();
		/* 1: the list's line alone */
		assert_int_equal(fixture->inserted == 0, i != 1);
	}
}

/* He may write what he likes, from his own network too. */
static void
an_authenticated_user_in_an_exempt_network_is_no_trusted_relay(void **state)
{
	static char relay[] = "mx2.example.jp";
	static char *relays[] = {relay};

	for (int login = 0; login < 2; login++) {
		fixture_new(MODE_TARGREY);
		fixture->snapshot.trusted_relays = relays;
		fixture->snapshot.trusted_count = 1;
		fixture_connect("10.1.2.3", LINE);
		struct gate_moment moment = fixture_moment();
		session_mail(fixture->session, &moment, FROM, login, true);
		assert_true(reaches_data(TO, HOLD_NONE));
		session_header(fixture->session, "X-TaRgrey-Session",
		    "v=1; id=mx2.example.jp; sid=00");
		fixture_eom();
		assert_string_equal(
		    fixture->removed, login ? "X-TaRgrey-Session/1" : "");
		assert_int_equal(fixture->inserted, 0);
	}
}

static size_t
count_events(void)
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
	fixture_new(MODE_TARGREY);
	size_t before = count_events();
	fixture_connect("10.1.2.3", NULL);
	fixture_close();
	assert_int_equal(count_events(), before);
	/* a stranger's is worth an event */
	fixture_connect(SUSPECT, LINE);
	fixture_close();
	assert_int_equal(count_events(), before + 1);
}

static void
a_sender_without_an_spf_pass_is_not_exempt(void **state)
{
	fixture_new(MODE_RGREY);
	allow("good", "sender: example.net\n");
	assert_false(visit(SUSPECT, LINE, FROM, TO, HOLD_NONE));
}

static void
local_rules_tag_and_make_suspects_only_where_they_are_chosen(void **state)
{
	fixture_new(MODE_TARGREY);
	local("helo ^helo\\. ODD\nfrom @bulk\\.example$ BULK warn\n");
	assert_true(visit("192.0.2.1", SERVER, "<x@bulk.example>", TO, HOLD_NONE));
	word_is("local", "ODD,BULK");
	word_is("verdict", "pass");
	assert_string_equal(fixture_header("X-TaRgrey-Flags"), "NO-SUCCESS LOCAL");

	fixture->snapshot.policy.suspect |= SELECT_LOCAL;
	assert_true(fixture_message("<x@bulk.example>", TO, HOLD_ELAPSED));
	word_is("why", "local");
	word_is("tarpit", "endured");
}

static void
a_name_that_holds_the_clients_address_is_tagged(void **state)
{
	static const struct {
		const char *ip, *name;
	} cases[] = {{SUSPECT, "198-51-100-7.example.net"},
	    {SUSPECT, "7.100.51.198.example.net"},
	    {SUSPECT, "c6336407.example.net"}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fixture_new(MODE_OBSERVE);
		assert_true(visit(cases[i].ip, cases[i].name, FROM, TO, HOLD_NONE));
		word_is("local", "addr-in-name");
		assert_true(has_flag("LOCAL"));
	}
}

static void
a_rule_on_trial_fills_would_and_delays_nobody(void **state)
{
	fixture_new(MODE_TARGREY);
	rules("trial\tdyn\tnames of lines [warn]\n");
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_NONE));
	assert_int_equal(fixture->waits, 0);
	word_is("s25r", "none");
	word_is("why", "warn");
	word_is("would", "hold");
	assert_true(has_flag("WOULD"));
}

static void
a_client_that_takes_our_name_or_a_recipients_domain_is_ours(void **state)
{
	static const struct {
		const char *helo, *word;
	} cases[] = {{"mx.example.jp", "ours"}, {"Example.JP", "ours"},
	    {"[192.0.2.25]", "ours"}, {"mail.example.jp", "fqdn"}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fixture_new(MODE_TARGREY);
		fixture_connect("192.0.2.1", SERVER);
		session_helo(fixture->session, cases[i].helo, false);
		assert_true(fixture_message("<a@example.org>", TO, HOLD_NONE));
		word_is("helo", cases[i].word);
	}
}

static char log_text[8192];

static void
keep_line(void *ctx, enum log_level level, const char *text)
{
	size_t used = strlen(log_text);

	if (level != LOG_LEVEL_DEBUG)
		snprintf(log_text + used, sizeof log_text - used, "%s\n", text);
}

static void
with_privacy_no_address_of_a_person_is_logged(void **state)
{
	log_to_sink(keep_line, NULL);
	for (int hash = 0; hash < 2; hash++) {
		fixture_new(MODE_TARGREY);
		fixture->snapshot.hash_people = hash;
		log_text[0] = '\0';
		fixture_connect(SUSPECT, LINE);
		fixture_message(
		    "<anna@example.net>", "<bert@example.jp>", HOLD_GONE);
		fixture_close();
		fixture_connect(SUSPECT, LINE);
		fixture_message(
		    "<anna@example.net>", "<bert@example.jp>", HOLD_GONE);
		fixture_free();
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
