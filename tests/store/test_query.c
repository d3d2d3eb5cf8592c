/* SPDX-License-Identifier: BSD-2-Clause */
/* What targreyctl reads and changes beside a daemon that has the database open. */
#include "query_fixture.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static bool
keep_id(void *ctx, const struct event *event)
{
	*(int64_t *)ctx = event->id;
	return true;
}

static void
feedback_counts_once_and_spam_ends_what_was_allowed(void **state)
{
	struct query_fixture *f = *state;
	struct history history;
	struct grey_row row;
	int64_t id = 0;

	for (int i = 0; i < 5; i++)
		fixture_note(&f->daemon, OUTCOME_ENDURED, IP, NULL, NULL, NULL);
	fixture_note_event(&f->daemon, IP, "s1");
	assert_true(query_events(f->query, &(struct event_filter){.sid = "s1"},
	    keep_id, &id, &f->error));
	assert_int_not_equal(id, 0);
	fixture_recall(&f->daemon, IP, NULL, FROM, TO, &history, &row);
	assert_true(history.address.known_until > TEST_NOW);
	for (int i = 0; i < 2; i++)
		assert_true(
		    query_feedback(f->query, id, 12.5, "spam", false, &f->error));
	let_notice(f);
	fixture_recall(&f->daemon, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(history.address.spam, COUNT_UNIT);
	assert_int_equal(history.address.ham, 0);
	assert_int_equal(history.address.known_until, 0);
	assert_int_equal(history.address.counted, 0);
}

static bool
count_address(void *ctx, const struct address_row *row)
{
	(void)row;
	++*(int *)ctx;
	return true;
}

static int
addresses(struct query_fixture *f, const char *net_text, int64_t known_at)
{
	struct ipnet net;
	int count = 0;

	if (net_text != NULL)
		assert_true(ipnet_from_text(net_text, &net));
	assert_true(query_addresses(f->query, net_text == NULL ? NULL : &net,
	    known_at, count_address, &count, &f->error));
	return count;
}

static void
what_is_known_for_ever_outlasts_every_step(void **state)
{
	struct query_fixture *f = *state;
	struct ip ip = ip_of(IP);
	struct history history;
	struct grey_row row;
	bool found;

	assert_true(query_allow_address(
	    f->query, &ip, TEST_NOW, KNOWN_FOREVER, &found, &f->error));
	assert_false(found);
	fixture_sleep(&f->daemon, 2);
	fixture_note(&f->daemon, OUTCOME_KNOWN, IP, NULL, NULL, NULL);
	fixture_recall(&f->daemon, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(history.address.known_until, KNOWN_FOREVER);
	assert_int_equal(addresses(f, NULL, TEST_NOW), 1);
	assert_true(
	    query_allow_address(f->query, &ip, TEST_NOW, 0, &found, &f->error));
	assert_true(found);
	assert_int_equal(addresses(f, NULL, TEST_NOW), 0);
	assert_int_equal(addresses(f, NULL, 0), 1);
	let_notice(f);
	fixture_recall(&f->daemon, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(history.address.known_until, 0);
}

static void
change_is_noticed_without_mail(void **state)
{
	struct query_fixture *f = *state;
	struct ip ip = ip_of(IP);
	struct history history;
	struct grey_row row;

	assert_true(query_allow_address(
	    f->query, &ip, TEST_NOW, KNOWN_FOREVER, NULL, &f->error));
	fixture_note(&f->daemon, OUTCOME_KNOWN, IP, NULL, NULL, NULL);
	assert_true(
	    query_allow_address(f->query, &ip, TEST_NOW, 0, NULL, &f->error));
	history.address.known_until = 1;
	for (int i = 0; i < HUNG_S * 100 && history.address.known_until != 0; i++) {
		fixture_sleep(&f->daemon, 1);
		usleep(10000);
		fixture_recall(&f->daemon, IP, NULL, FROM, TO, &history, &row);
	}
	assert_int_equal(history.address.known_until, 0);
}

static void
spam_leaves_what_the_admin_has_allowed(void **state)
{
	struct query_fixture *f = *state;
	struct ip ip = ip_of(IP);
	struct history history;
	struct grey_row row;
	int64_t id = 0;

	fixture_note_event(&f->daemon, IP, "s1");
	assert_true(query_allow_address(
	    f->query, &ip, TEST_NOW, KNOWN_FOREVER, NULL, &f->error));
	assert_true(query_events(f->query, &(struct event_filter){.sid = "s1"},
	    keep_id, &id, &f->error));
	assert_true(query_feedback(f->query, id, 12.5, "spam", false, &f->error));
	let_notice(f);
	fixture_recall(&f->daemon, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(history.address.spam, COUNT_UNIT);
	assert_int_equal(history.address.known_until, KNOWN_FOREVER);
}

static bool
note_domain(void *ctx, const struct domain_row *row)
{
	strcat(ctx, row->name);
	return true;
}

static void
domain_is_made_known_and_listed(void **state)
{
	struct query_fixture *f = *state;
	struct history history;
	struct grey_row row;
	char names[256] = "";

	assert_true(query_allow_domain(
	    f->query, "example.org", TEST_NOW, KNOWN_FOREVER, NULL, &f->error));
	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, "example.com", FROM, TO);
	fixture_note(&f->daemon, OUTCOME_KNOWN, IP, "example.org", NULL, NULL);
	fixture_recall(&f->daemon, IP, "example.org", FROM, TO, &history, &row);
	assert_int_equal(history.domain.known_until, KNOWN_FOREVER);
	assert_true(query_domains(
	    f->query, TEST_NOW, TEST_NOW, note_domain, names, &f->error));
	assert_string_equal(names, "example.org");
}

/* What lies in which network; the whole list, filtered here, is the judge. */
static const char *const hosts[] = {"192.0.2.10", "192.0.2.255", "192.0.3.1",
    "192.1.2.1", "1.2.3.4", "255.255.255.255", "2001:db8:1:2::3", "2001:db8:1:2::4",
    "2001:db8:1:3::1", "2001:db8::1", "2001:db8:0:1::1", "2001:db8:ffff::1",
    "fe80::1", "::1:2:0:0:0:0"};
#define HOSTS (sizeof hosts / sizeof *hosts)
static const char *const nets[] = {"192.0.2.10", "192.0.2.0/24", "192.0.2.0/25",
    "192.0.2.0/23", "192.0.0.0/16", "192.0.0.0/14", "0.0.0.0/0", "128.0.0.0/1",
    "2001:db8:1:2::3", "2001:db8:1:2::/64", "2001:db8:1:2::/63", "2001:db8:1::/48",
    "2001:db8::/48", "2001:db8::/47", "2001:db8::/32", "2000::/3", "fe80::/10",
    "::/0", "::/16"};

struct seen {
	const struct ipnet *net;
	char rows[2 * HOSTS][IPNET_TEXT_SIZE];
	int count;
};

static void
keep_row(struct seen *seen, const char *text)
{
	snprintf(seen->rows[seen->count++], IPNET_TEXT_SIZE, "%s", text);
}

static bool
see_address(void *ctx, const struct address_row *row)
{
	struct seen *seen = ctx;
	char text[IP_TEXT_SIZE];

	if (seen->net == NULL || ipnet_has(seen->net, &row->ip))
		keep_row(seen, ip_to_text(&row->ip, text));
	return true;
}

static bool
see_triplet(void *ctx, const struct triplet_row *row)
{
	struct seen *seen = ctx;
	struct ipnet of;

	if (strcmp(row->client, "*") == 0) /* of any network */
		return true;
	assert_true(ipnet_from_text(row->client, &of));
	if (seen->net == NULL || ipnet_has(seen->net, &of.ip) ||
	    ipnet_has(&of, &seen->net->ip))
		keep_row(seen, row->client);
	return true;
}

static bool
see_event(void *ctx, const struct event *event)
{
	struct seen *seen = ctx;
	char text[IP_TEXT_SIZE];

	if (seen->net == NULL || ipnet_has(seen->net, &event->ip))
		keep_row(seen, ip_to_text(&event->ip, text));
	return true;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* By way of the index, and all of it filtered by the callbacks above. */
static void
read_net(struct query_fixture *f, int what, const struct ipnet *net, bool by_index,
    struct seen *seen)
{
	const struct ipnet *asked = by_index ? net : NULL;
	struct triplet_filter triplets = {.net = asked};
	struct event_filter events = {.net = asked, .newest_first = what == 3};
	bool ok;

	*seen = (struct seen){.net = by_index ? NULL : net};
	if (what == 0)
		ok = query_addresses(
		    f->query, asked, 0, see_address, seen, &f->error);
	else if (what == 1)
		ok = query_triplets(
		    f->query, &triplets, see_triplet, seen, &f->error);
	else
		ok = query_events(f->query, &events, see_event, seen, &f->error);
	if (!ok)
		fail_msg("%s", f->error.text);
	if (what == 1) /* those that have passed come in no order */
		qsort(seen->rows, (size_t)seen->count, sizeof *seen->rows, by_text);
}

static void
a_network_is_found_by_the_index_as_by_reading_all(void **state)
{
	struct query_fixture *f = *state;
	static struct seen found, wanted;
	int rows[4] = {0};

	for (size_t i = 0; i < HOSTS; i++) {
		fixture_note_event(&f->daemon, hosts[i], hosts[i]);
		fixture_note(&f->daemon, OUTCOME_ATTEMPT, hosts[i], NULL, FROM, TO);
		if (i % 3 == 0)
			fixture_note(
			    &f->daemon, OUTCOME_PASSED, hosts[i], NULL, FROM, TO);
		fixture_sleep(&f->daemon, i == 7 ? 86400 : 1);
	}
	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
		struct ipnet net;
		assert_true(ipnet_from_text(nets[i], &net));
		for (int what = 0; what < 4; what++) {
			read_net(f, what, &net, true, &found);
			read_net(f, what, &net, false, &wanted);
			if (found.count != wanted.count)
				fail_msg("%s, %d: %d, wanted %d", nets[i], what,
				    found.count, wanted.count);
			for (int row = 0; row < found.count; row++)
				assert_string_equal(
				    found.rows[row], wanted.rows[row]);
			rows[what] += found.count;
		}
	}
	for (int what = 0; what < 4; what++)
		assert_true(rows[what] > 40);
}

static bool
note_triplet(void *ctx, const struct triplet_row *row)
{
	char *text = ctx;

	snprintf(text + strlen(text), 1000 - strlen(text), "%s %s %s %s\n",
	    row->client, row->sender, row->recipient,
	    row->row.passed != 0 ? "passed" : "waiting");
	return true;
}

static void
triplets_are_listed_with_their_text(void **state)
{
	struct query_fixture *f = *state;
	char text[1000] = "";

	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_note(
	    &f->daemon, OUTCOME_ATTEMPT, "2001:db8::1", "example.org", FROM, TO);
	fixture_sleep(&f->daemon, TEST_DELAY);
	fixture_note(&f->daemon, OUTCOME_PASSED, IP, NULL, FROM, TO);
	assert_true(query_triplets(
	    f->query, &(struct triplet_filter){0}, note_triplet, text, &f->error));
	static const char *const lines[] = {
	    "2001:db8::/64 a@example.org b@example.jp waiting\n",
	    "example.org a@example.org b@example.jp waiting\n",
	    "* a@example.org b@example.jp waiting\n",
	    "192.0.2.0/24 a@example.org b@example.jp passed\n"};
	size_t length = 0;
	for (int i = 0; i < 4; i++) {
		assert_non_null(strstr(text, lines[i]));
		length += strlen(lines[i]);
	}
	assert_int_equal(strlen(text), length);
	text[0] = '\0';
	assert_true(query_triplets(f->query,
	    &(struct triplet_filter){
	        .client = "example.org", .state = TRIPLETS_WAITING},
	    note_triplet, text, &f->error));
	assert_string_equal(
	    text, "example.org a@example.org b@example.jp waiting\n");
	text[0] = '\0';
	assert_true(query_triplets(f->query,
	    &(struct triplet_filter){.since = TEST_NOW + 1, .sender = "A@EX"},
	    note_triplet, text, &f->error));
	assert_non_null(
	    strstr(text, "192.0.2.0/24 a@example.org b@example.jp passed\n"));
	assert_null(strstr(text, "2001:db8::/64"));
}

static void
forgotten_network_leaves_its_neighbours(void **state)
{
	struct query_fixture *f = *state;
	struct store_counts counts;
	struct history history;
	struct grey_row row;
	struct ipnet net;

	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_note(&f->daemon, OUTCOME_ATTEMPT, "198.51.100.1", NULL, FROM, TO);
	assert_true(ipnet_from_text("192.0.2.0/24", &net));
	assert_true(query_forget(
	    f->query, &(struct forget_filter){.net = &net}, &counts, &f->error));
	assert_int_equal(counts.addresses, 1);
	assert_int_equal(counts.triplets, 1);
	fixture_recall(&f->daemon, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, 0);
	assert_int_equal(history.address.first_seen, 0);
	fixture_recall(&f->daemon, "198.51.100.1", NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	assert_int_equal(history.address.first_seen, TEST_NOW);
	assert_false(
	    query_forget(f->query, &(struct forget_filter){0}, &counts, &f->error));
}

static void
forgotten_address_leaves_what_its_network_shares(void **state)
{
	struct query_fixture *f = *state;
	struct store_counts counts;
	struct history history;
	struct grey_row row;
	struct ipnet one;

	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_note(
	    &f->daemon, OUTCOME_ATTEMPT, "192.0.2.99", NULL, "b@example.org", TO);
	assert_true(ipnet_from_text(IP, &one));
	assert_true(query_forget(
	    f->query, &(struct forget_filter){.net = &one}, &counts, &f->error));
	assert_int_equal(counts.addresses, 1);
	assert_int_equal(counts.triplets, 0);
	assert_int_equal(counts.shared, 2);
	fixture_recall(&f->daemon, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(history.address.first_seen, 0);
	assert_int_equal(row.first, TEST_NOW);
	fixture_recall(&f->daemon, "192.0.2.99", NULL, FROM, TO, &history, &row);
	assert_int_equal(history.address.first_seen, TEST_NOW);
}

static void
dry_forgetting_counts_the_same_and_removes_nothing(void **state)
{
	struct query_fixture *f = *state;
	struct store_counts dry, counts;
	struct ipnet net;

	fixture_note(&f->daemon, OUTCOME_PASSED, IP, "example.org", FROM, TO);
	assert_true(ipnet_from_text("192.0.2.0/24", &net));
	struct forget_filter by_net = {.net = &net, .is_dry = true},
	                     by_domain = {.domain = "example.org", .is_dry = true};
	assert_true(query_forget(f->query, &by_net, &dry, &f->error));
	assert_true(query_forget(f->query, &by_net, &counts, &f->error));
	assert_memory_equal(&dry, &counts, sizeof dry);
	assert_int_equal(dry.addresses, 1);
	assert_int_equal(dry.triplets, 1);
	by_net.is_dry = false;
	assert_true(query_forget(f->query, &by_net, &counts, &f->error));
	assert_memory_equal(&dry, &counts, sizeof dry);

	assert_true(query_forget(f->query, &by_domain, &dry, &f->error));
	assert_int_equal(dry.domains, 1);
	assert_int_equal(dry.triplets, 1);
	by_domain.is_dry = false;
	assert_true(query_forget(f->query, &by_domain, &counts, &f->error));
	assert_memory_equal(&dry, &counts, sizeof dry);
}

static void
forgotten_sender_is_exact(void **state)
{
	struct query_fixture *f = *state;
	struct store_counts counts;

	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, "aa@example.org", TO);
	assert_true(query_forget(
	    f->query, &(struct forget_filter){.sender = FROM}, &counts, &f->error));
	assert_int_equal(counts.triplets, 2); /* of its network, and of any */
	assert_int_equal(counts.addresses, 0);
}

static void
expire_removes_all_that_is_past_at_once(void **state)
{
	struct query_fixture *f = *state;
	struct store_counts counts;
	char from[32];

	for (int i = 0; i < 50; i++) {
		snprintf(from, sizeof from, "%d@example.org", i);
		fixture_note(
		    &f->daemon, OUTCOME_ATTEMPT, IP, "example.org", from, TO);
		fixture_note_event(&f->daemon, IP, from);
	}
	assert_true(query_expire(
	    f->query, &f->daemon.settings, TEST_NOW + 86400, &counts, &f->error));
	assert_int_equal(counts.triplets + counts.events + counts.addresses, 0);
	assert_true(query_expire(f->query, &f->daemon.settings,
	    TEST_NOW + 40 * 86400, &counts, &f->error));
	assert_int_equal(counts.triplets, 100);
	assert_int_equal(counts.events, 50);
	assert_int_equal(counts.addresses, 1);
	assert_int_equal(counts.domains, 1);
}

static void
hashed_people_are_found_but_not_shown(void **state)
{
	struct query_fixture *f = *state;
	char text[1000] = "";

	f->daemon.settings.hash_people = true;
	store_configure(f->daemon.store, &f->daemon.settings);
	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_note_event(&f->daemon, IP, "s1");
	assert_true(
	    query_triplets(f->query, &(struct triplet_filter){.sender = FROM},
	        note_triplet, text, &f->error));
	assert_non_null(strstr(text, "192.0.2.0/24 #"));
	assert_null(strstr(text, "example"));
	assert_string_equal(
	    sids(f, (struct event_filter){.recipient = "C@example.jp"}), "s1");
	assert_string_equal(
	    sids(f, (struct event_filter){.recipient = "d@example.jp"}), "");
	assert_string_equal(
	    sids(f, (struct event_filter){.sender = "example"}), "");
}

static bool
import_two(void *ctx, struct error *error)
{
	struct query_fixture *f = ctx;
	struct ip ip = ip_of(IP), other = ip_of("198.51.100.1");
	struct grey_row old = {.first = TEST_NOW - 5000, .last = TEST_NOW - 4000};
	struct grey_row passed = {.first = TEST_NOW - 90000,
	    .last = TEST_NOW - 80000,
	    .passed = TEST_NOW - 80000};

	return query_import_triplet(f->query, &ip, FROM, TO, &old, error) &&
	       query_import_triplet(f->query, &other, FROM, TO, &passed, error);
}

static void
import_keeps_what_is_newer(void **state)
{
	struct query_fixture *f = *state;
	struct history history;
	struct grey_row row;

	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	assert_true(query_change(f->query, import_two, f, &f->error));
	fixture_recall(&f->daemon, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	fixture_recall(&f->daemon, "198.51.100.1", NULL, FROM, TO, &history, &row);
	assert_int_equal(row.passed, TEST_NOW - 80000);
}

#ifndef FIXTURE_PGSQL
static bool
print_finding(void *ctx, const char *finding)
{
	print_message("%s\n", finding);
	++*(int *)ctx;
	return true;
}

static void
backup_of_a_running_store_is_whole(void **state)
{
	struct query_fixture *f = *state;
	struct store_status_report report;
	char path[256];
	bool sound;
	int findings = 0;

	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	snprintf(path, sizeof path, "%s/copy.db", f->daemon.folder);
	assert_true(query_backup(f->query, path, NULL, NULL, &f->error));
	assert_false(query_backup(f->query, path, NULL, NULL, &f->error));
	struct query *copy = query_open(path, false, &f->error);
	assert_non_null(copy);
	assert_true(query_report(copy, &report, &f->error));
	assert_int_equal(report.triplets_waiting, 2);
	assert_true(query_check(copy, print_finding, &findings, &sound, &f->error));
	assert_true(sound);
	assert_int_equal(findings, 0);
	assert_memory_equal(query_secret(copy), store_secret(f->daemon.store), 16);
	query_close(&copy);
}

static void
reading_query_changes_nothing(void **state)
{
	struct query_fixture *f = *state;
	struct ip ip = ip_of(IP);
	struct query *reader = query_open(f->daemon.url, false, &f->error);

	assert_non_null(reader);
	assert_false(
	    query_allow_address(reader, &ip, TEST_NOW, 1, NULL, &f->error));
	query_close(&reader);
	assert_int_equal(addresses(f, NULL, 0), 0);
}

static void
missing_and_foreign_files_are_named(void **state)
{
	struct query_fixture *f = *state;
	char path[256];

	snprintf(path, sizeof path, "%s/none.db", f->daemon.folder);
	assert_null(query_open(path, false, &f->error));
	assert_non_null(
	    strstr(f->error.text, "none.db: cannot open: No such file"));
	FILE *file = fopen(path, "w");
	for (int i = 0; i < 2000; i++)
		fputs("not a database at all\n", file);
	fclose(file);
	assert_null(query_open(path, false, &f->error));
	assert_non_null(strstr(f->error.text, "not a database"));
}

#endif

static const char *exempt_by;

/* An event of a host with a verified name, let through. */
static int64_t
deliver(
    struct query_fixture *f, const char *ip, const char *domain, const char *sid)
{
	struct session_words words = {0};
	struct event event = {.time = TEST_NOW,
	    .ip = ip_of(ip),
	    .name = "Mail.Example.NET",
	    .spf_domain = domain,
	    .words = &words,
	    .score = (double)NAN,
	    .exempt = exempt_by,
	    .delivered = true};
	struct note_spec spec = {.who = {.ip = event.ip,
	                             .domain = domain,
	                             .organisation = "example.net",
	                             .sender_domain = "example.org"},
	    .now = TEST_NOW,
	    .outcome = OUTCOME_SEEN,
	    .settings = &test_policy,
	    .event = &event};
	int64_t id = 0;

	strcpy(words.value[SK_SID], sid);
	struct note *note = note_new(&spec);
	store_submit(f->daemon.store, note);
	store_flush(f->daemon.store);
	assert_int_equal(note_state(note), NOTE_COMMITTED);
	note_drop(&note);
	assert_true(query_events(
	    f->query, &(struct event_filter){.sid = sid}, keep_id, &id, &f->error));
	assert_int_not_equal(id, 0);
	return id;
}

static void
look(struct query_fixture *f, const char *ip, const char *domain, int64_t now,
    struct history *history)
{
	struct query *reader = query_open(f->daemon.url, false, &f->error);
	static struct grey_row row;
	struct store_who who = {.ip = ip_of(ip),
	    .domain = domain,
	    .organisation = "example.net",
	    .sender_domain = "example.org"};
	struct triplet triplet = {FROM, TO};

	history->rows = &row;
	query_fade(reader, 30 * 86400, now);
	if (!query_recall(
	        reader, &who, &triplet, 1, now, 86400, history, &f->error))
		fail_msg("%s", f->error.text);
	query_close(&reader);
}

static void
a_verdict_counts_for_address_network_and_organisation(void **state)
{
	struct query_fixture *f = *state;
	struct history history;

	query_fade(f->query, 30 * 86400, TEST_NOW);
	int64_t one = deliver(f, "192.0.2.10", NULL, "one");
	int64_t two = deliver(f, "192.0.2.77", NULL, "two");
	int64_t far = deliver(f, "198.51.100.5", NULL, "far");
	assert_true(query_feedback(f->query, one, 12, "spam", false, &f->error));
	assert_true(query_feedback(f->query, two, 1, "ham", false, &f->error));
	assert_true(query_feedback(f->query, far, 9, "spam", true, &f->error));
	assert_true(query_feedback(f->query, far, 9, "spam", true, &f->error));
	assert_true(query_feedback(f->query, far, 9, NULL, true, &f->error));
	look(f, "192.0.2.10", NULL, TEST_NOW, &history);
	assert_int_equal(history.address.spam, COUNT_UNIT);
	assert_int_equal(history.address.ham, 0);
	assert_int_equal(history.network.spam, COUNT_UNIT);
	assert_int_equal(history.network.ham, COUNT_UNIT);
	assert_int_equal(history.organisation.spam, 5 * COUNT_UNIT);
	assert_int_equal(history.organisation.ham, COUNT_UNIT);
}

static void
a_person_s_word_takes_the_place_of_a_filter_s_once(void **state)
{
	struct query_fixture *f = *state;
	struct history history;

	query_fade(f->query, 30 * 86400, TEST_NOW);
	int64_t one = deliver(f, IP, NULL, "one");
	assert_true(query_feedback(f->query, one, 12, "spam", false, &f->error));
	look(f, IP, NULL, TEST_NOW, &history);
	assert_int_equal(history.site.spam, COUNT_UNIT);
	assert_true(query_feedback(f->query, one, 12, "ham", true, &f->error));
	assert_true(query_feedback(f->query, one, 12, "spam", true, &f->error));
	assert_true(query_feedback(f->query, one, 12, "spam", false, &f->error));
	look(f, IP, NULL, TEST_NOW, &history);
	assert_int_equal(history.address.spam, 0);
	assert_int_equal(history.address.ham, 4 * COUNT_UNIT);
	assert_int_equal(history.network.spam, 0);
	assert_int_equal(history.network.ham, 4 * COUNT_UNIT);
	assert_int_equal(history.organisation.spam, 0);
	assert_int_equal(history.organisation.ham, 4 * COUNT_UNIT);
	assert_int_equal(history.site.ham, 4 * COUNT_UNIT);

	/* what was counted a half-life ago is half gone by itself */
	int64_t two = deliver(f, IP, NULL, "two");
	assert_true(query_feedback(f->query, two, 12, "spam", false, &f->error));
	query_fade(f->query, 30 * 86400, TEST_NOW + 30 * 86400);
	assert_true(query_feedback(f->query, two, 12, "ham", true, &f->error));
	look(f, IP, NULL, TEST_NOW + 30 * 86400, &history);
	assert_int_equal(history.network.spam, 0);
	assert_int_equal(history.network.ham, 6 * COUNT_UNIT);
}

static void
a_verdict_on_mail_of_an_exempt_client_counts_for_nobody(void **state)
{
	struct query_fixture *f = *state;
	struct history history;

	query_fade(f->query, 0, TEST_NOW);
	deliver(f, IP, NULL, "one");
	exempt_by = "allow.d/mine:1";
	int64_t id = deliver(f, IP, NULL, "listed");
	exempt_by = NULL;
	assert_true(query_feedback(f->query, id, 12, "spam", true, &f->error));
	look(f, IP, NULL, TEST_NOW, &history);
	assert_int_equal(history.address.spam, 0);
	assert_int_equal(history.network.spam, 0);
	assert_int_equal(history.organisation.spam, 0);
}

static void
a_verdict_counts_for_the_narrow_domain_in_place_of_the_name(void **state)
{
	struct query_fixture *f = *state;
	struct history history;

	int64_t id = deliver(f, "192.0.2.10", "example.com", "one");
	query_fade(f->query, 0, TEST_NOW);
	assert_true(query_feedback(f->query, id, 12, "spam", false, &f->error));
	look(f, "203.0.113.9", "example.com", TEST_NOW, &history);
	assert_int_equal(history.organisation.spam, COUNT_UNIT);
	look(f, "203.0.113.9", NULL, TEST_NOW, &history);
	assert_int_equal(history.organisation.spam, 0);
}

static void
a_verdict_on_what_is_not_on_record_changes_nothing(void **state)
{
	struct query_fixture *f = *state;
	struct history history;
	int64_t id = 0;

	query_fade(f->query, 0, TEST_NOW);
	assert_true(query_feedback(f->query, 4711, 12, "spam", true, &f->error));
	fixture_note_event(&f->daemon, IP, "s1");
	assert_true(query_events(f->query, &(struct event_filter){.sid = "s1"},
	    keep_id, &id, &f->error));
	look(f, "203.0.113.9", NULL, TEST_NOW, &history);
	assert_int_equal(history.network.first_seen, 0);
	assert_int_equal(history.organisation.first_seen, 0);
	assert_true(query_feedback(f->query, id, 12, "spam", false, &f->error));
	look(f, IP, NULL, TEST_NOW, &history);
	assert_int_equal(history.organisation.first_seen, 0);
	assert_int_equal(history.organisation.spam, 0);
}

static void
verdicts_fade_where_they_are_listed_and_counted(void **state)
{
	struct query_fixture *f = *state;
	struct history history;

	query_fade(f->query, 30 * 86400, TEST_NOW);
	int64_t one = deliver(f, IP, NULL, "one");
	int64_t two = deliver(f, IP, NULL, "two");
	assert_true(query_feedback(f->query, one, 12, "spam", false, &f->error));
	query_fade(f->query, 30 * 86400, TEST_NOW + 30 * 86400);
	assert_true(query_feedback(f->query, two, 12, "spam", false, &f->error));
	look(f, IP, NULL, TEST_NOW + 30 * 86400, &history);
	assert_int_equal(history.address.spam, COUNT_UNIT + COUNT_UNIT / 2);
	assert_int_equal(history.network.spam, COUNT_UNIT + COUNT_UNIT / 2);
}

static void
forgotten_networks_and_domains_take_their_verdicts_with_them(void **state)
{
	struct query_fixture *f = *state;
	struct store_counts counts;
	struct history history;
	struct ipnet one, net;
	struct forget_filter by_one = {.net = &one}, by_net = {.net = &net};

	deliver(f, "192.0.2.10", NULL, "one");
	deliver(f, "198.51.100.5", NULL, "far");
	assert_true(ipnet_from_text("192.0.2.10", &one));
	assert_true(ipnet_from_text("192.0.0.0/16", &net));
	assert_true(query_forget(f->query, &by_one, &counts, &f->error));
	assert_int_equal(counts.origins, 0);
	by_net.is_dry = true;
	assert_true(query_forget(f->query, &by_net, &counts, &f->error));
	assert_int_equal(counts.origins, 1);
	look(f, "192.0.2.10", NULL, TEST_NOW, &history);
	assert_int_not_equal(history.network.first_seen, 0);
	by_net.is_dry = false;
	assert_true(query_forget(f->query, &by_net, &counts, &f->error));
	assert_int_equal(counts.origins, 1);
	look(f, "192.0.2.10", NULL, TEST_NOW, &history);
	assert_int_equal(history.network.first_seen, 0);
	assert_int_not_equal(history.organisation.first_seen, 0);
	assert_true(query_forget(f->query,
	    &(struct forget_filter){.domain = "example.net"}, &counts, &f->error));
	assert_int_equal(counts.origins, 1);
	assert_true(query_forget(f->query,
	    &(struct forget_filter){.domain = "example.org"}, &counts, &f->error));
	assert_int_equal(counts.origins, 1);
	look(f, "198.51.100.5", NULL, TEST_NOW, &history);
	assert_int_not_equal(history.network.first_seen, 0);
	assert_int_equal(history.organisation.first_seen, 0);
	assert_int_equal(history.sender_domain_seen, 0);
}

static void
origins_expire_when_they_were_not_seen_for_max_age(void **state)
{
	struct query_fixture *f = *state;
	struct store_counts counts;
	struct history history;

	deliver(f, IP, NULL, "one");
	for (int days = 34; days <= 40; days += 6) {
		bool is_there = days < 35;
		assert_true(query_expire(f->query, &f->daemon.settings,
		    TEST_NOW + days * 86400, &counts, &f->error));
		look(f, IP, NULL, TEST_NOW, &history);
		assert_int_equal(history.network.first_seen != 0, is_there);
		assert_int_equal(history.organisation.first_seen != 0, is_there);
		assert_int_equal(history.sender_domain_seen != 0, is_there);
	}
}

/* As targreyctl's page does it: one after the other on one connection. */
static void
record_is_recalled_after_a_change(void **state)
{
	struct query_fixture *f = *state;
	const struct store_who who = {.ip = ip_of(IP)};
	const struct triplet triplet = {FROM, TO};
	struct grey_row row;
	struct history history = {.rows = &row};

	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	assert_true(query_allow_address(
	    f->query, &who.ip, TEST_NOW, TEST_NOW + 60, NULL, &f->error));
	if (!query_recall(f->query, &who, &triplet, 1, TEST_NOW, 2 * 86400,
	        &history, &f->error))
		fail_msg("%s", f->error.text);
	assert_int_equal(history.address.known_until, TEST_NOW + 60);
	assert_int_equal(row.first, TEST_NOW);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(feedback_counts_once_and_spam_ends_what_was_allowed),
	    TEST(a_verdict_counts_for_address_network_and_organisation),
	    TEST(a_person_s_word_takes_the_place_of_a_filter_s_once),
	    TEST(a_verdict_on_mail_of_an_exempt_client_counts_for_nobody),
	    TEST(a_verdict_counts_for_the_narrow_domain_in_place_of_the_name),
	    TEST(a_verdict_on_what_is_not_on_record_changes_nothing),
	    TEST(origins_expire_when_they_were_not_seen_for_max_age),
	    TEST(forgotten_networks_and_domains_take_their_verdicts_with_them),
	    TEST(verdicts_fade_where_they_are_listed_and_counted),
	    TEST(what_is_known_for_ever_outlasts_every_step),
	    TEST(spam_leaves_what_the_admin_has_allowed),
	    TEST(change_is_noticed_without_mail),
	    TEST(domain_is_made_known_and_listed),
	    TEST(a_network_is_found_by_the_index_as_by_reading_all),
	    TEST(triplets_are_listed_with_their_text),
	    TEST(forgotten_network_leaves_its_neighbours),
	    TEST(forgotten_address_leaves_what_its_network_shares),
	    TEST(dry_forgetting_counts_the_same_and_removes_nothing),
	    TEST(forgotten_sender_is_exact),
	    TEST(expire_removes_all_that_is_past_at_once),
	    TEST(hashed_people_are_found_but_not_shown),
	    TEST(import_keeps_what_is_newer),
	    TEST(record_is_recalled_after_a_change),
#ifndef FIXTURE_PGSQL
	    TEST(backup_of_a_running_store_is_whole),
	    TEST(reading_query_changes_nothing),
	    TEST(missing_and_foreign_files_are_named),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
