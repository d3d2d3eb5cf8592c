/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_fixture.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef FIXTURE_PGSQL
#include "pgsql_server.h"
#endif

const struct policy_settings test_policy = {
    .mode = MODE_TARGREY,
    .delay_s = TEST_DELAY,
    .retry_gap_s = 60,
    .retry_window_s = 2 * 86400,
    .max_age_s = 35 * 86400,
    .retry_count = 2,
    .known_successes = 5,
};

static void
open_store(struct store_fixture *fixture)
{
	struct error error;

	fixture->store = store_open(&fixture->settings, &fixture->clock, &error);
	if (fixture->store == NULL) {
		fprintf(stderr, "cannot open the store: %s\n", error.text);
		abort();
	}
}

void
fixture_open(struct store_fixture *fixture, bool memory)
{
	memset(fixture, 0, sizeof *fixture);
	atomic_store(&fixture->now_ms, TEST_NOW * 1000);
	clock_init_manual(&fixture->clock, &fixture->now_ms);
	fixture->clock.wall_ms = &fixture->wall_ms;
	strcpy(fixture->folder, "/tmp/targrey-store-XXXXXX");
	if (mkdtemp(fixture->folder) == NULL)
		abort();
	snprintf(fixture->path, sizeof fixture->path, "%s/t.db", fixture->folder);
#ifdef FIXTURE_PGSQL
	if (!memory)
		pgsql_new_database(fixture->url, sizeof fixture->url);
#else
	snprintf(fixture->url, sizeof fixture->url, "sqlite:%s", fixture->path);
#endif
	fixture->settings = (struct store_settings){
	    .url = memory ? "memory:" : fixture->url,
	    .durable = true,
	    .events_s = 30 * 86400,
	    .retry_window_s = 2 * 86400,
	    .max_age_s = 35 * 86400,
	    .timeout_ms = 60000, /* a busy machine fails no test */
	};
	open_store(fixture);
}

void
fixture_reopen(struct store_fixture *fixture)
{
	store_close(&fixture->store);
	open_store(fixture);
}

void
fixture_close(struct store_fixture *fixture)
{
	char path[512];
	struct dirent *entry;

	store_close(&fixture->store);
	DIR *folder = opendir(fixture->folder);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		snprintf(
		    path, sizeof path, "%s/%s", fixture->folder, entry->d_name);
		(void)unlink(path);
	}
	if (folder != NULL)
		closedir(folder);
	(void)rmdir(fixture->folder);
}

void
fixture_sleep(struct store_fixture *fixture, int64_t seconds)
{
	atomic_fetch_add(&fixture->now_ms, seconds * 1000);
}

int64_t
fixture_time(const struct store_fixture *fixture)
{
	return clock_wall(&fixture->clock);
}

static struct ip
ip_of(const char *text)
{
	struct ip ip;

	if (!ip_from_text(text, &ip))
		abort();
	return ip;
}

static enum note_state
submit(struct store_fixture *fixture, const struct note_spec *spec)
{
	struct note *note = note_new(spec);

	if (note == NULL)
		abort();
	store_submit(fixture->store, note);
	store_flush(fixture->store);
	enum note_state state = note_state(note);
	note_drop(&note);
	return state;
}

enum note_state
fixture_note(struct store_fixture *fixture, enum outcome outcome, const char *ip,
    const char *domain, const char *sender, const char *recipient)
{
	struct triplet triplet = {sender, recipient};
	struct note_spec spec = {
	    .who = {.ip = ip_of(ip), .domain = domain},
	    .now = fixture_time(fixture),
	    .settings = &test_policy,
	    .outcome = outcome,
	    .secs = 41,
	    .triplets = &triplet,
	    .count = sender == NULL ? 0 : 1,
	};

	return submit(fixture, &spec);
}

void
fixture_make_known(struct store_fixture *fixture, const char *ip)
{
	for (uint32_t i = 0; i < test_policy.known_successes; i++)
		fixture_note(fixture, OUTCOME_ENDURED, ip, NULL, NULL, NULL);
}

enum note_state
fixture_note_event(struct store_fixture *fixture, const char *ip, const char *sid)
{
	static const struct session_words none;
	struct session_words words = none;
	struct event event = {
	    .time = fixture_time(fixture),
	    .ip = ip_of(ip),
	    .heloname = "friend",
	    .sender = "a@example.org",
	    .recipients = "b@example.jp c@example.jp",
	    .words = &words,
	    .score = NAN,
	    .reply = "450",
	};
	struct note_spec spec = {
	    .who = {.ip = ip_of(ip)},
	    .now = fixture_time(fixture),
	    .settings = &test_policy,
	    .outcome = OUTCOME_SEEN,
	    .event = &event,
	};

	snprintf(words.value[SK_SID], sizeof words.value[SK_SID], "%s", sid);
	return submit(fixture, &spec);
}

enum store_status
fixture_recall(struct store_fixture *fixture, const char *ip, const char *domain,
    const char *sender, const char *recipient, struct history *history_r,
    struct grey_row *row_r)
{
	struct store_who who = {.ip = ip_of(ip), .domain = domain};
	struct triplet triplet = {sender, recipient};

	history_r->rows = row_r;
	return store_recall(
	    fixture->store, &who, &triplet, 1, fixture_time(fixture), history_r);
}
