/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cases.h"

static enum port_answer
port_wait(void *ctx, uint64_t number, const struct port_wait *wait)
{
	struct rig *rig = ctx;

	(void)number;
	rig->wait = *wait;
	rig->waits++;
	snprintf(rig->refusal, sizeof rig->refusal, "%s",
	    wait->refusal != NULL ? wait->refusal : "");
	return rig->answer;
}

static bool
port_wake(void *ctx, uint64_t number)
{
	(void)ctx;
	(void)number;
	return true;
}

static bool
port_settle(void *ctx, uint64_t number, enum port_settlement how)
{
	struct rig *rig = ctx;

	(void)number;
	rig->settled = (int)how;
	return true;
}

static bool
port_data_not_before(void *ctx, uint64_t number, int64_t until_ms)
{
	(void)ctx;
	(void)number;
	(void)until_ms;
	return true;
}

static struct port_grant
port_budget(void *ctx, uint64_t number, uint64_t key)
{
	struct rig *rig = ctx;

	(void)number;
	(void)key;
	return (struct port_grant){!rig->budget_full, rig->holds, rig->max_holds};
}

static bool
port_outcome(void *ctx, uint64_t number, struct port_outcome *outcome_r)
{
	struct rig *rig = ctx;

	(void)number;
	*outcome_r = rig->outcome;
	return true;
}

static int64_t
port_pending(void *ctx, uint64_t number)
{
	struct rig *rig = ctx;

	(void)number;
	return rig->pending;
}

static enum port_early
port_early(void *ctx, uint64_t number)
{
	struct rig *rig = ctx;

	(void)number;
	return rig->early;
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
	rig->store = must(
	    store_open(&settings, &rig->clock, &error), &error);
	rig->port = (struct port){rig, port_wait, port_wake, port_settle,
	    port_data_not_before, port_budget, port_outcome, port_pending,
	    port_early};
	rig->holds = 1;
	rig->max_holds = 50;
	rig->pending = -1;
	rig->settled = -1;
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
	    .port = &rig->port,
	    .clock = &rig->clock,
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
	session_close(&rig->session);
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
	memset(&rig->outcome, 0, sizeof rig->outcome);
	rig->session = session_new(&rig->world, 1);
	session_connect(rig->session, &client);
	session_helo(rig->session, "helo.example.net", false);
}

void
rig_close(struct rig *rig)
{
	session_close(&rig->session);
	store_flush(rig->store);
}

void
rig_advance(struct rig *rig, int64_t seconds)
{
	rig->now_ms += seconds * 1000;
}

struct reply
rig_rcpt(struct rig *rig, const char *recipient, enum port_end end)
{
	unsigned before = rig->waits;
	struct reply reply = session_rcpt(rig->session, recipient, false);

	if (rig->waits == before || reply.refuse)
		return reply;
	store_flush(rig->store);
	int64_t began = rig->now_ms;
	int64_t hold = rig->wait.until_ms - began;
	rig->now_ms =
	    end == PORT_END_ELAPSED ? rig->wait.until_ms : began + hold / 3;
	rig->outcome = (struct port_outcome){.end = end,
	    .waited_ms = rig->now_ms - began,
	    .was_hold = true,
	    .watched = true,
	    .refused = end == PORT_END_GONE,
	    .asked = 2};
	if (end == PORT_END_GONE) /* the gate answers, and asks nobody */
		return (struct reply){true, "450", "4.7.1", "gone"};
	return session_rcpt(rig->session, recipient, false);
}

bool
rig_data_refused(struct rig *rig)
{
	unsigned before = rig->waits;

	rig->settled = -1;
	struct reply reply = session_data(rig->session, "4Qx1");
	if (reply.refuse || rig->waits == before)
		return reply.refuse;
	store_flush(rig->store);
	rig->outcome.end = PORT_END_ELAPSED;
	int64_t began = rig->now_ms;
	int settled = rig->settled;
	bool refused = rig->wait.refuse_when_due;
	if (settled == PORT_REFUSE_NOW || settled == PORT_REFUSE_WHEN_DUE)
		refused = true;
	if (settled == PORT_FORWARD_NOW || settled == PORT_FORWARD_WHEN_DUE)
		refused = false;
	if (settled != PORT_REFUSE_NOW && settled != PORT_FORWARD_NOW)
		rig->now_ms = rig->wait.until_ms;
	if (rig->wait.is_hold)
		rig->outcome.waited_ms = rig->now_ms - began;
	rig->outcome.watched = true;
	rig->outcome.refused = refused;
	return refused;
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

struct reply
rig_eom(struct rig *rig)
{
	struct session_edits edits = {rig, on_remove, on_insert};

	forget_edits(rig);
	session_header(rig->session, "Message-ID", " <1@example.net>");
	struct reply reply = session_eom(rig->session, "4Qx1", &edits);
	store_flush(rig->store);
	return reply;
}

bool
rig_message(struct rig *rig, const char *from, const char *to, enum port_end end)
{
	session_mail(rig->session, from, false, false);
	if (rig_rcpt(rig, to, end).refuse || rig_data_refused(rig)) {
		session_abort(rig->session);
		store_flush(rig->store);
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
