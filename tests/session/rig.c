/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cases.h"

static void
decide(void *ctx, uint64_t ticket, bool other)
{
	struct rig *rig = ctx;

	if (ticket == rig->ticket)
		rig->decided = other;
}

static void
unused(void *ctx, struct world *world)
{
	(void)ctx;
	(void)world;
}

static void *
must(void *pointer, const struct error *error)
{
	if (pointer == NULL) {
		fprintf(stderr, "rig: %s\n", error->text);
		abort();
	}
	return pointer;
}

struct rig *
rig_new(enum mode mode)
{
	struct error error = {"out of memory"};
	struct rig *rig = must(calloc(1, sizeof *rig), &error);
	struct store_settings settings = {.url = "memory:",
	    .events_s = DAY,
	    .retry_window_s = 2 * DAY,
	    .max_age_s = 35 * DAY,
	    .max_new_per_net = 1000};

	rig->now_ms = (int64_t)T0 * 1000;
	clock_init_manual(&rig->clock, &rig->now_ms);
	rig->store = must(store_open(&settings, &rig->clock, &error), &error);
	rig->holds = 1;
	rig->max_holds = 50;
	rig->decided = -1;
	(void)ipnet_from_text("10.0.0.0/8", &rig->exempt[0]);
	(void)ipnet_from_text("fe80::/10", &rig->exempt[1]);
	rig->world = (struct world){
	    .refs = 1,
	    .unused = unused,
	    .policy = defaults,
	    .hostname = "mx.example.jp",
	    .greylist_text = "Greylisted, please try again",
	    .fail_open = true,
	    .exempt_networks = rig->exempt,
	    .exempt_count = 2,
	    .store = rig->store,
	    .board = board_new(),
	    .decide = decide,
	    .decide_ctx = rig,
	};
	rig->world.policy.mode = mode;
	rig->world.s25r = must(s25r_load(RULES, &error), &error);
	rig->world.allow = must(list_load(NULL, 0, &error), &error);
	rig->world.local = must(local_load(NULL, 0, &error), &error);
	return rig;
}

static void
forget_edits(struct rig *rig)
{
	for (size_t i = 0; i < rig->inserted; i++) {
		free(rig->names[i]);
		free(rig->values[i]);
	}
	rig->inserted = 0;
	rig->removed[0] = '\0';
}

void
rig_free(struct rig **rig_ptr)
{
	struct rig *rig = *rig_ptr;

	*rig_ptr = NULL;
	rig_close(rig);
	forget_edits(rig);
	store_close(&rig->store);
	board_free(&rig->world.board);
	s25r_free(&rig->world.s25r);
	list_free(&rig->world.allow);
	local_free(&rig->world.local);
	free(rig);
}

void
rig_connect(struct rig *rig, const char *ip, const char *name)
{
	struct session_client client = {.port = 40000,
	    .name = name == NULL ? "unknown" : name,
	    .ptr = name == NULL ? "unknown" : name,
	    .resolve = name == NULL ? "FAIL" : "OK"};

	(void)ip_from_text(ip, &client.ip);
	(void)ip_from_text("192.0.2.25", &client.server_ip);
	rig->last = (struct gate_delay){.end = GATE_END_NONE};
	rig->session = session_new(&rig->world);
	struct gate_moment moment = rig_moment(rig);
	session_connect(rig->session, &moment, &client);
	session_helo(rig->session, "helo.example.net", false);
}

void
rig_close(struct rig *rig)
{
	struct gate_moment moment = rig_moment(rig);

	session_close(&rig->session, &moment);
	store_flush(rig->store);
}

struct gate_moment
rig_moment(struct rig *rig)
{
	struct gate_moment moment = {.wall = rig->now_ms / 1000,
	    .mono_ms = rig->now_ms,
	    .ticket = rig->has_no_gate ? 0 : ++rig->ticket,
	    .delayed_ms = rig->delayed_ms,
	    .has_place = !rig->has_no_place,
	    .holds = rig->holds,
	    .max_holds = rig->max_holds,
	    .early = rig->talked_early ? GATE_EARLY_YES : GATE_EARLY_UNKNOWN,
	    .ahead = rig->ahead,
	    .last = rig->last};

	rig->decided = -1;
	rig->last = (struct gate_delay){.end = GATE_END_NONE};
	return moment;
}

struct answer
rig_mail(struct rig *rig, const char *from)
{
	struct gate_moment moment = rig_moment(rig);

	return session_mail(rig->session, &moment, from, false, false);
}

void
rig_abort(struct rig *rig)
{
	struct gate_moment moment = rig_moment(rig);

	session_abort(rig->session, &moment);
	store_flush(rig->store);
}

/* What the gate does with an answer. */
static struct answer
take(struct rig *rig, struct answer answer)
{
	if (answer.wish.reply_until_ms != 0) {
		rig->answer = answer;
		snprintf(rig->other, sizeof rig->other, "%s",
		    answer.wish.other != NULL ? answer.wish.other : "");
		rig->waits++;
		store_flush(rig->store);
	}
	return answer;
}

void
rig_advance(struct rig *rig, int64_t seconds)
{
	rig->now_ms += seconds * 1000;
}

struct answer
rig_rcpt_alone(struct rig *rig, const char *recipient)
{
	struct gate_moment moment = rig_moment(rig);

	return take(rig, session_rcpt(rig->session, &moment, recipient, false));
}

/* The delay is over, in this way. */
static bool
pass_time(struct rig *rig, const struct answer *answer, enum hold_end end)
{
	int64_t ms = answer->wish.reply_until_ms - rig->now_ms;

	if (!answer->wish.is_hold) { /* its record is on disk at once */
		ms = 0;
	} else if (rig->patience_ms != 0 && ms > rig->patience_ms) {
		end = HOLD_GONE;
		ms = rig->patience_ms;
	} else if (end != HOLD_ELAPSED)
		ms /= 3;
	rig->now_ms += ms;
	rig->last =
	    (struct gate_delay){.end = end == HOLD_GONE       ? GATE_END_GONE
	                               : end == HOLD_STOPPED  ? GATE_END_STOPPED
	                               : end == HOLD_MTA_GONE ? GATE_END_MTA_GONE
	                                                      : GATE_END_ELAPSED,
	        .waited_ms = ms,
	        .watched = true,
	        .other = end != HOLD_ELAPSED || rig->decided == 1};
	return rig->last.other || answer->refuse;
}

struct answer
rig_rcpt(struct rig *rig, const char *recipient, enum hold_end end)
{
	struct answer answer = rig_rcpt_alone(rig, recipient);

	if (answer.wish.reply_until_ms != 0)
		answer.refuse = pass_time(rig, &answer, end);
	return answer;
}

bool
rig_data_refused(struct rig *rig)
{
	struct gate_moment moment = rig_moment(rig);
	struct answer answer =
	    take(rig, session_data(rig->session, &moment, "4Qx1"));

	return answer.wish.reply_until_ms == 0
	           ? answer.refuse
	           : pass_time(rig, &answer, HOLD_ELAPSED);
}

static void
on_remove(void *ctx, const char *name, unsigned index)
{
	struct rig *rig = ctx;
	size_t used = strlen(rig->removed);

	snprintf(rig->removed + used, sizeof rig->removed - used, "%s%s/%u",
	    used == 0 ? "" : " ", name, index);
}

static void
on_insert(void *ctx, const char *name, const char *value)
{
	struct rig *rig = ctx;

	if (rig->inserted == RIG_HEADERS)
		abort();
	memmove(rig->names + 1, rig->names, rig->inserted * sizeof *rig->names);
	memmove(rig->values + 1, rig->values, rig->inserted * sizeof *rig->values);
	rig->names[0] = strdup(name);
	rig->values[0] = strdup(value);
	rig->inserted++;
}

struct answer
rig_eom(struct rig *rig)
{
	struct session_edits edits = {rig, on_remove, on_insert};

	forget_edits(rig);
	session_header(rig->session, "Message-ID", " <1@example.net>");
	struct gate_moment moment = rig_moment(rig);
	struct answer reply = session_eom(rig->session, &moment, "4Qx1", &edits);
	store_flush(rig->store);
	return reply;
}

bool
rig_message(struct rig *rig, const char *from, const char *to, enum hold_end end)
{
	rig_mail(rig, from);
	if (rig_rcpt(rig, to, end).refuse || rig_data_refused(rig)) {
		rig_abort(rig);
		return false;
	}
	return !rig_eom(rig).refuse;
}

const char *
rig_header(const struct rig *rig, const char *name)
{
	for (size_t i = 0; i < rig->inserted; i++) {
		if (strcmp(rig->names[i], name) == 0)
			return rig->values[i];
	}
	return NULL;
}

const char *
rig_word(const struct rig *rig, const char *key)
{
	static _Thread_local char word[160];
	const char *text = rig_header(rig, "X-TaRgrey-Session");
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
