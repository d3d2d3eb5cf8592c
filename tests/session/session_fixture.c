/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/session_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/delays.h"
#include "policy/cases.h"

struct session_fixture *fixture;

static void
decide(void *ctx, uint64_t ticket, bool other)
{
	if (ticket == fixture->ticket)
		fixture->decided = other;
}

static void
unused(void *ctx, struct snapshot *snapshot)
{
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

void
fixture_new(enum mode mode)
{
	struct error error = {"out of memory"};
	struct store_settings settings = {.url = "memory:",
	    .events_s = DAY,
	    .retry_window_s = 2 * DAY,
	    .max_age_s = 35 * DAY,
	    .max_new_per_net = 1000};

	static bool is_first = true;

	if (is_first)
		atexit(fixture_free);
	is_first = false;
	fixture_free();
	fixture = must(calloc(1, sizeof *fixture), &error);
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
	};
	fixture->snapshot.policy.mode = mode;
	fixture->snapshot.s25r = must(s25r_load(RULES, &error), &error);
	fixture->snapshot.allow = must(list_load(NULL, 0, &error), &error);
	fixture->snapshot.local = must(local_load(NULL, 0, &error), &error);
}

static void
forget_edits(void)
{
	for (size_t i = 0; i < fixture->inserted; i++) {
		free(fixture->names[i]);
		free(fixture->values[i]);
	}
	fixture->inserted = 0;
	fixture->removed[0] = '\0';
}

void
fixture_free(void)
{
	if (fixture == NULL)
		return;
	fixture_close();
	forget_edits();
	store_close(&fixture->store);
	activity_free(&fixture->snapshot.activity);
	s25r_free(&fixture->snapshot.s25r);
	list_free(&fixture->snapshot.allow);
	local_free(&fixture->snapshot.local);
	free(fixture);
	fixture = NULL;
}

void
fixture_connect(const char *ip, const char *name)
{
	struct session_client client = {.port = 40000,
	    .name = name == NULL ? "unknown" : name,
	    .ptr = name == NULL ? "unknown" : name,
	    .resolve = name == NULL ? "FAIL" : "OK"};

	(void)ip_from_text(ip, &client.ip);
	(void)ip_from_text("192.0.2.25", &client.server_ip);
	fixture->last = (struct gate_delay){.end = GATE_END_NONE};
	fixture->session = session_new(&fixture->snapshot);
	struct gate_moment moment = fixture_moment();
	session_connect(fixture->session, &moment, &client);
	session_helo(fixture->session, "helo.example.net", false);
}

void
fixture_close(void)
{
	struct gate_moment moment = fixture_moment();

	session_close(&fixture->session, &moment);
	store_flush(fixture->store);
}

struct gate_moment
fixture_moment(void)
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
fixture_mail(const char *from)
{
	struct gate_moment moment = fixture_moment();

	return session_mail(fixture->session, &moment, from, false, false);
}

void
fixture_abort(void)
{
	struct gate_moment moment = fixture_moment();

	session_abort(fixture->session, &moment);
	store_flush(fixture->store);
}

/* What the gate does with an answer. */
static struct answer
take(struct answer answer)
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
fixture_advance(int64_t seconds)
{
	fixture->now_ms += seconds * 1000;
}

struct answer
fixture_rcpt_alone(const char *recipient)
{
	struct gate_moment moment = fixture_moment();

	return take(session_rcpt(fixture->session, &moment, recipient, false));
}

static enum gate_end
gate_end_of(enum hold_end end)
{
	return end == HOLD_GONE       ? GATE_END_GONE
	       : end == HOLD_STOPPED  ? GATE_END_STOPPED
	       : end == HOLD_MTA_GONE ? GATE_END_MTA_GONE
	                              : GATE_END_ELAPSED;
}

/* The delay is over, in this way; true: no "go on" was heard. */
static bool
pass_time(const struct answer *answer, enum hold_end end)
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
	enum delay_other other = delay_others[gate_end_of(end)];
	fixture->last = (struct gate_delay){.end = gate_end_of(end),
	    .waited_ms = ms,
	    .watched = true,
	    .other = other == OTHER_IF_DECIDED ? fixture->decided == 1
	                                       : other == OTHER_HEARD};
	return end == HOLD_MTA_GONE || fixture->last.other || answer->refuse;
}

struct answer
fixture_rcpt(const char *recipient, enum hold_end end)
{
	struct answer answer = fixture_rcpt_alone(recipient);

	if (answer.wish.reply_until_ms != 0)
		answer.refuse = pass_time(&answer, end);
	return answer;
}

bool
fixture_data_refused(void)
{
	struct gate_moment moment = fixture_moment();
	struct answer answer =
	    take(session_data(fixture->session, &moment, "4Qx1"));

	return answer.wish.reply_until_ms == 0 ? answer.refuse
	                                       : pass_time(&answer, HOLD_ELAPSED);
}

static void
on_remove(void *ctx, const char *name, unsigned index)
{
	size_t used = strlen(fixture->removed);

	snprintf(fixture->removed + used, sizeof fixture->removed - used, "%s%s/%u",
	    used == 0 ? "" : " ", name, index);
}

static void
on_insert(void *ctx, const char *name, const char *value)
{
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
fixture_eom(void)
{
	struct session_edits edits = {NULL, on_remove, on_insert};

	forget_edits();
	session_header(fixture->session, "Message-ID", " <1@example.net>");
	struct gate_moment moment = fixture_moment();
	struct answer reply =
	    session_eom(fixture->session, &moment, "4Qx1", &edits);
	store_flush(fixture->store);
	return reply;
}

bool
fixture_message(const char *from, const char *to, enum hold_end end)
{
	fixture_mail(from);
	if (fixture_rcpt(to, end).refuse || fixture_data_refused()) {
		fixture_abort();
		return false;
	}
	return !fixture_eom().refuse;
}

const char *
fixture_header(const char *name)
{
	for (size_t i = 0; i < fixture->inserted; i++) {
		if (strcmp(fixture->names[i], name) == 0)
			return fixture->values[i];
	}
	return NULL;
}

const char *
fixture_word(const char *key)
{
	static _Thread_local char word[160];
	const char *text = fixture_header("X-TaRgrey-Session");
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
