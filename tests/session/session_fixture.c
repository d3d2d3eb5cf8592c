/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/session_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cases.h"

static void
decide(void *ctx, uint64_t ticket, bool other)
{
	struct session_fixture *fixture = ctx;

	if (ticket == fixture->ticket)
		fixture->decided = other;
}

static void
unused(void *ctx, struct snapshot *snapshot)
{
	(void)ctx;
	(void)snapshot;
}

static void *
must(void *pointer, const struct error *error)
{
	if (pointer == NULL) {
		fprintf(stderr, "fixture: %s\n", error->text);
		abort();
	}
	return pointer;
}

struct session_fixture *
fixture_new(enum mode mode)
{
	struct error error = {"out of memory"};
	struct session_fixture *fixture = must(calloc(1, sizeof *fixture), &error);
	struct store_settings settings = {.url = "memory:",
	    .events_s = DAY,
	    .retry_window_s = 2 * DAY,
	    .max_age_s = 35 * DAY,
	    .max_new_per_net = 1000};

	fixture->now_ms = (int64_t)T0 * 1000;
	clock_init_manual(&fixture->clock, &fixture->now_ms);
	fixture->store =
	    must(store_open(&settings, &fixture->clock, &error), &error);
	fixture->holds = 1;
	fixture->max_holds = 50;
	fixture->decided = -1;
	(void)ipnet_from_text("10.0.0.0/8", &fixture->exempt[0]);
	(void)ipnet_from_text("fe80::/10", &fixture->exempt[1]);
	fixture->snapshot = (struct snapshot){
	    .refs = 1,
	    .unused = unused,
	    .policy = defaults,
	    .hostname = "mx.example.jp",
	    .greylist_text = "Greylisted, please try again",
	    .fail_open = true,
	    .exempt_networks = fixture->exempt,
	    .exempt_count = 2,
	    .store = fixture->store,
	    .activity = activity_new(),
	    .decide = decide,
	    .decide_ctx = fixture,
	};
	fixture->snapshot.policy.mode = mode;
	fixture->snapshot.s25r = must(s25r_load(RULES, &error), &error);
	fixture->snapshot.allow = must(list_load(NULL, 0, &error), &error);
	fixture->snapshot.local = must(local_load(NULL, 0, &error), &error);
	return fixture;
}

static void
forget_edits(struct session_fixture *fixture)
{
	for (size_t i = 0; i < fixture->inserted; i++) {
		free(fixture->names[i]);
		free(fixture->values[i]);
	}
	fixture->inserted = 0;
	fixture->removed[0] = '\0';
}

void
fixture_free(struct session_fixture **fixture_ptr)
{
	struct session_fixture *fixture = *fixture_ptr;

	*fixture_ptr = NULL;
	fixture_close(fixture);
	forget_edits(fixture);
	store_close(&fixture->store);
	activity_free(&fixture->snapshot.activity);
	s25r_free(&fixture->snapshot.s25r);
	list_free(&fixture->snapshot.allow);
	local_free(&fixture->snapshot.local);
	free(fixture);
}

void
fixture_connect(struct session_fixture *fixture, const char *ip, const char *name)
{
	struct session_client client = {.port = 40000,
	    .name = name == NULL ? "unknown" : name,
	    .ptr = name == NULL ? "unknown" : name,
	    .resolve = name == NULL ? "FAIL" : "OK"};

	(void)ip_from_text(ip, &client.ip);
	(void)ip_from_text("192.0.2.25", &client.server_ip);
	fixture->last = (struct gate_delay){.end = GATE_END_NONE};
	fixture->session = session_new(&fixture->snapshot);
	struct gate_moment moment = fixture_moment(fixture);
	session_connect(fixture->session, &moment, &client);
	session_helo(fixture->session, "helo.example.net", false);
}

void
fixture_close(struct session_fixture *fixture)
{
	struct gate_moment moment = fixture_moment(fixture);

	session_close(&fixture->session, &moment);
	store_flush(fixture->store);
}

struct gate_moment
fixture_moment(struct session_fixture *fixture)
{
	struct gate_moment moment = {.wall = fixture->now_ms / 1000,
	    .mono_ms = fixture->now_ms,
	    .ticket = fixture->has_no_gate ? 0 : ++fixture->ticket,
	    .delayed_ms = fixture->delayed_ms,
	    .has_place = !fixture->has_no_place,
	    .holds = fixture->holds,
	    .max_holds = fixture->max_holds,
	    .early = fixture->talked_early ? GATE_EARLY_YES : GATE_EARLY_UNKNOWN,
	    .ahead = fixture->ahead,
	    .last = fixture->last};

	fixture->decided = -1;
	fixture->last = (struct gate_delay){.end = GATE_END_NONE};
	return moment;
}

struct answer
fixture_mail(struct session_fixture *fixture, const char *from)
{
	struct gate_moment moment = fixture_moment(fixture);

	return session_mail(fixture->session, &moment, from, false, false);
}

void
fixture_abort(struct session_fixture *fixture)
{
	struct gate_moment moment = fixture_moment(fixture);

	session_abort(fixture->session, &moment);
	store_flush(fixture->store);
}

/* What the gate does with an answer. */
static struct answer
take(struct session_fixture *fixture, struct answer answer)
{
	if (answer.wish.reply_until_ms != 0) {
		fixture->answer = answer;
		snprintf(fixture->other, sizeof fixture->other, "%s",
		    answer.wish.other != NULL ? answer.wish.other : "");
		fixture->waits++;
		store_flush(fixture->store);
	}
	return answer;
}

void
fixture_advance(struct session_fixture *fixture, int64_t seconds)
{
	fixture->now_ms += seconds * 1000;
}

struct answer
fixture_rcpt_alone(struct session_fixture *fixture, const char *recipient)
{
	struct gate_moment moment = fixture_moment(fixture);

	return take(
	    fixture, session_rcpt(fixture->session, &moment, recipient, false));
}

/* The delay is over, in this way. */
static bool
pass_time(
    struct session_fixture *fixture, const struct answer *answer, enum hold_end end)
{
	int64_t ms = answer->wish.reply_until_ms - fixture->now_ms;

	if (!answer->wish.is_hold) { /* its record is on disk at once */
		ms = 0;
	} else if (fixture->patience_ms != 0 && ms > fixture->patience_ms) {
		end = HOLD_GONE;
		ms = fixture->patience_ms;
	} else if (end != HOLD_ELAPSED)
		ms /= 3;
	fixture->now_ms += ms;
	fixture->last =
	    (struct gate_delay){.end = end == HOLD_GONE       ? GATE_END_GONE
	                               : end == HOLD_STOPPED  ? GATE_END_STOPPED
	                               : end == HOLD_MTA_GONE ? GATE_END_MTA_GONE
	                                                      : GATE_END_ELAPSED,
	        .waited_ms = ms,
	        .watched = true,
	        .other = end != HOLD_ELAPSED || fixture->decided == 1};
	return fixture->last.other || answer->refuse;
}

struct answer
fixture_rcpt(
    struct session_fixture *fixture, const char *recipient, enum hold_end end)
{
	struct answer answer = fixture_rcpt_alone(fixture, recipient);

	if (answer.wish.reply_until_ms != 0)
		answer.refuse = pass_time(fixture, &answer, end);
	return answer;
}

bool
fixture_data_refused(struct session_fixture *fixture)
{
	struct gate_moment moment = fixture_moment(fixture);
	struct answer answer =
	    take(fixture, session_data(fixture->session, &moment, "4Qx1"));

	return answer.wish.reply_until_ms == 0
	           ? answer.refuse
	           : pass_time(fixture, &answer, HOLD_ELAPSED);
}

static void
on_remove(void *ctx, const char *name, unsigned index)
{
	struct session_fixture *fixture = ctx;
	size_t used = strlen(fixture->removed);

	snprintf(fixture->removed + used, sizeof fixture->removed - used, "%s%s/%u",
	    used == 0 ? "" : " ", name, index);
}

static void
on_insert(void *ctx, const char *name, const char *value)
{
	struct session_fixture *fixture = ctx;

	if (fixture->inserted == FIXTURE_HEADERS)
		abort();
	memmove(fixture->names + 1, fixture->names,
	    fixture->inserted * sizeof *fixture->names);
	memmove(fixture->values + 1, fixture->values,
	    fixture->inserted * sizeof *fixture->values);
	fixture->names[0] = strdup(name);
	fixture->values[0] = strdup(value);
	fixture->inserted++;
}

struct answer
fixture_eom(struct session_fixture *fixture)
{
	struct session_edits edits = {fixture, on_remove, on_insert};

	forget_edits(fixture);
	session_header(fixture->session, "Message-ID", " <1@example.net>");
	struct gate_moment moment = fixture_moment(fixture);
	struct answer reply =
	    session_eom(fixture->session, &moment, "4Qx1", &edits);
	store_flush(fixture->store);
	return reply;
}

bool
fixture_message(struct session_fixture *fixture, const char *from, const char *to,
    enum hold_end end)
{
	fixture_mail(fixture, from);
	if (fixture_rcpt(fixture, to, end).refuse ||
	    fixture_data_refused(fixture)) {
		fixture_abort(fixture);
		return false;
	}
	return !fixture_eom(fixture).refuse;
}

const char *
fixture_header(const struct session_fixture *fixture, const char *name)
{
	for (size_t i = 0; i < fixture->inserted; i++) {
		if (strcmp(fixture->names[i], name) == 0)
			return fixture->values[i];
	}
	return NULL;
}

const char *
fixture_word(const struct session_fixture *fixture, const char *key)
{
	static _Thread_local char word[160];
	const char *text = fixture_header(fixture, "X-TaRgrey-Session");
	char wanted[40];

	word[0] = '\0';
	snprintf(wanted, sizeof wanted, "; %s=", key);
	const char *at = text == NULL ? NULL : strstr(text, wanted);
	if (at != NULL) {
		at += strlen(wanted);
		snprintf(word, sizeof word, "%.*s", (int)strcspn(at, ";"), at);
	}
	return word;
}
