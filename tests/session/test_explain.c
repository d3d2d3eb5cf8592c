/* SPDX-License-Identifier: BSD-2-Clause */
/* What explain says beforehand is what the daemon's session then does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/explain.h"
#include "session/visits.h"
#include "session/session_private.h"

struct visitor {
	const char *ip, *name, *helo, *from, *to;
	enum spf_result spf;
};

/* "helo.example.jp" is in the domain of the recipient. */
static const struct visitor visitors[] = {
    {"192.0.2.1", SERVER, SERVER, "<a@example.org>", TO, SPF_PASS},
    {SUSPECT, LINE, "friend", FROM, TO, SPF_SKIPPED},
    {"198.51.100.8", NULL, "[198.51.100.8]", "<>", TO, SPF_NONE},
    {"203.0.113.9", "mail.example.com", "example.jp", "<a@example.com>", TO,
        SPF_FAIL},
    {"203.0.113.10", "mail.example.com", "mx.example.jp", TO, TO, SPF_SOFTFAIL},
    {"2001:db8:1::25", NULL, "mail.example.com", "<a@example.com>",
        "<v@example.jp>", SPF_PASS},
    {"10.1.2.3", LINE, "pc", FROM, TO, SPF_NONE},
};
static const unsigned selectors[] = {
    SELECT_S25R, SELECT_HELO, SELECT_SPF, SELECT_ALL, SELECT_S25R | SELECT_HELO};

static bool
recall(void *ctx, const struct store_who *who, const struct triplet *triplets,
    size_t count, int64_t now, struct history *history_r)
{
	return store_recall(ctx, who, triplets, count, now, history_r) == STORE_OK;
}

/* Nothing but spam has come from the client's network. */
static bool
recall_bad_network(void *ctx, const struct store_who *who,
    const struct triplet *triplets, size_t count, int64_t now,
    struct history *history_r)
{
	history_r->origins_known = true;
	history_r->network = (struct origin_record){
	    .first_seen = now - 90 * 86400, .spam = 50 * COUNT_UNIT};
	return true;
}

static void
clean(char *text, const char *address)
{
	size_t length = strlen(address);

	snprintf(text, 80, "%.*s", (int)length - 2, address + 1);
}

static struct explained
explain_with(const struct visitor *visitor, const struct dns_facts *dns,
    const struct explain_memory *memory)
{
	struct snapshot twin = fixture->snapshot;
	char from[80], to[80];
	struct explain_visit visit = {.helo = visitor->helo,
	    .sender = from,
	    .recipient = to,
	    .dns = dns,
	    .now = fixture->now_ms / 1000,
	    .client = {.port = 40000,
	        .name = visitor->name == NULL ? "unknown" : visitor->name,
	        .ptr = visitor->name == NULL ? "unknown" : visitor->name,
	        .resolve = visitor->name == NULL ? "FAIL" : "OK"}};
	struct explained explained;

	clean(from, visitor->from);
	clean(to, visitor->to);
	(void)ip_from_text(visitor->ip, &visit.client.ip);
	(void)ip_from_text("192.0.2.25", &visit.client.server_ip);
	twin.store = NULL;
	twin.activity = NULL;
	assert_true(session_explain(&twin, &visit, memory, &explained));
	return explained;
}

static struct explained
explain(const struct visitor *visitor, const struct dns_facts *dns)
{
	struct explain_memory memory = {.secret = store_secret(fixture->store),
	    .recall = recall,
	    .ctx = fixture->store};

	return explain_with(visitor, dns, &memory);
}

/* The daemon's header, with explain's session id. */
static void
header_is(const char *name, const char *wanted)
{
	char text[EXPLAIN_TEXT_SIZE];

	assert_non_null(fixture_header(name));
	snprintf(text, sizeof text, "%s", fixture_header(name));
	char *sid = strstr(text, "; sid=");
	if (sid != NULL)
		memset(sid + 6, '0', SID_SIZE - 1);
	assert_string_equal(text, wanted);
}

/* The session that explain has told of; true: the message arrived. */
static bool
play(const struct visitor *visitor, const struct dns_facts *dns)
{
	fixture_connect(visitor->ip, visitor->name);
	session_helo(fixture->session, visitor->helo, false);
	fixture_mail(visitor->from);
	struct transaction *mail = fixture->session->mail;
	mail->dns = dns_facts_copy(dns);
	assert_non_null(mail->dns);
	fixture->session->facts.dns = mail->dns;
	return !fixture_rcpt(visitor->to, HOLD_ELAPSED).refuse &&
	       !fixture_data_refused();
}

static void
compare(const struct visitor *visitor)
{
	struct dns_facts dns;

	dns_facts_clear(&dns);
	dns.mailfrom.result = visitor->spf;
	dns.mailfrom.domain = "example.org";
	struct explained told = explain(visitor, &dns);
	bool arrives = play(visitor, &dns);
	bool is_greylisted = told.judgement.verdict == VERDICT_GREYLIST ||
	                     (told.judgement.verdict == VERDICT_HOLD &&
	                         told.judgement.then_greylist);

	assert_int_equal(
	    fixture->session->hold.begun, told.judgement.verdict == VERDICT_HOLD);
	if (fixture->session->hold.begun)
		assert_int_equal(fixture->session->hold.asked_ms, told.hold.ms);
	assert_int_equal(arrives, !is_greylisted);
	if (!arrives) {
		const struct judgement *judgement =
		    &fixture->session->mail->judgement;
		assert_int_equal(judgement->why, told.judgement.why);
		assert_int_equal(judgement->early, told.judgement.early);
	} else {
		fixture_eom();
		if (*told.exempt != '\0') {
			assert_int_equal(fixture->inserted, 0);
		} else {
			header_is("X-TaRgrey-Session", told.session_header);
			header_is("X-TaRgrey-Client", told.client_header);
			header_is("X-TaRgrey-Flags", told.flags_header);
		}
	}
	fixture_close();
}

static void
explain_says_what_the_session_then_does(void **state)
{
	for (int mode = 0; mode < MODES; mode++)
		for (size_t i = 0; i < sizeof selectors / sizeof *selectors; i++) {
			fixture_new((enum mode)mode);
			fixture->snapshot.policy.suspect = selectors[i];
			for (int visit = 0; visit < 6; visit++) {
				for (size_t v = 0;
				     v < sizeof visitors / sizeof *visitors; v++)
					compare(&visitors[v]);
				fixture_advance(31 * MINUTE);
			}
		}
}

/* The copy that explain had of this decision said "pass, none". */
static void
a_helo_of_the_recipients_domain_is_bad_for_both(void **state)
{
	fixture_new(MODE_TARGREY);
	struct dns_facts dns;

	dns_facts_clear(&dns);
	fixture->snapshot.policy.suspect = SELECT_HELO;
	struct explained told = explain(&visitors[3], &dns);
	assert_int_equal(told.judgement.verdict, VERDICT_HOLD);
	assert_int_equal(told.judgement.why, WHY_HELO);
	assert_non_null(strstr(told.session_header, "; helo=ours;"));
}

/* There is no rule behind it, and so no tag to show. */
static void
a_suspect_by_its_record_is_explained_by_the_verdicts(void **state)
{
	struct explain_memory memory = {.recall = recall_bad_network};
	struct dns_facts dns;

	dns_facts_clear(&dns);
	for (int warns = 0; warns <= 1; warns++) {
		fixture_new(MODE_TARGREY);
		struct policy_settings *policy = &fixture->snapshot.policy;
		policy->suspect = warns ? SELECT_S25R : SELECT_RECORD;
		policy->warn = warns ? SELECT_RECORD : 0;
		policy->record_least = 10;
		policy->record_threshold = 80;
		policy->record_people = 10;
		struct explained told = explain_with(&visitors[0], &dns, &memory);
		assert_int_equal(told.judgement.why, warns ? WHY_WARN : WHY_RECORD);
		assert_string_equal(told.detail,
		    "network 192.0.2.0/24: 0 ham, 50 spam, at least 94 % spam");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(explain_says_what_the_session_then_does),
	    cmocka_unit_test(a_helo_of_the_recipients_domain_is_bad_for_both),
	    cmocka_unit_test(a_suspect_by_its_record_is_explained_by_the_verdicts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
