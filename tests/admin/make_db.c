/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a database through the store, for the bench and for those tests of
 * targreyctl that count or alter rows. What is shown, the goldens, comes from a
 * real daemon: record_story.py.
 *
 * make_db FILE		 a fixed story of three days up to 2026-01-04 00:00 UTC
 * make_db FILE COUNT	 COUNT events of invented clients over the 30 days before
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/fold.h"
#include "policy/policy.h"
#include "store/store.h"

#define END_S INT64_C(1767484800) /* 2026-01-04 00:00:00 UTC */

static struct policy_settings policy = {
    .delay_s = 1800,
    .retry_gap_s = 60,
    .retry_window_s = 172800,
    .max_age_s = 35 * 86400,
    .retry_count = 2,
    .known_successes = 5,
    .known_gap_s = 3600,
};

struct visit {
	int64_t before_s; /* before END_S */
	const char *sid, *ip, *name, *ptr, *helo, *sender, *recipients;
	const char *why, *verdict, *rule, *detail, *exempt;
	enum hold_end end;
	int64_t hold_ms;
	bool delivered;
	const char *reply, *queue_id, *domain, *would, *tries, *fault;
	const char *mx; /* a secondary, where the mail was tried first; NULL: no */
};

static void
fill_words(struct session_words *words, const struct visit *visit)
{
	for (unsigned i = 0; i < SESSION_KEYS; i++) {
		const struct session_key_row *row = &session_keys[i];
		strcpy(words->value[i], row->words != NULL ? row->words[0]
		                        : row->is_number   ? "0"
		                                           : "none");
	}
	strcpy(words->value[SK_DNSBL], "");
	strcpy(words->value[SK_V], "1");
	strcpy(
	    words->value[SK_ID], visit->mx == NULL ? "mx.example.jp" : visit->mx);
	strcpy(words->value[SK_MX], visit->mx == NULL ? "1" : "2");
	strcpy(words->value[SK_MX_ORDER],
	    visit->mx == NULL ? "none" : "secondary-first");
	strcpy(words->value[SK_SID], visit->sid);
	strcpy(words->value[SK_MODE], "targrey");
	strcpy(words->value[SK_VERDICT], visit->verdict);
	strcpy(words->value[SK_WHY], visit->why);
	strcpy(
	    words->value[SK_WOULD], visit->would == NULL ? "none" : visit->would);
	strcpy(words->value[SK_S25R], visit->rule == NULL ? "none" : "match");
	strcpy(words->value[SK_S25R_RULE], visit->rule == NULL ? "-" : visit->rule);
	strcpy(words->value[SK_RDNS], visit->name != NULL  ? "pass"
	                              : visit->ptr != NULL ? "mismatch"
	                                                   : "none");
	if (visit->end == HOLD_ENDURED)
		strcpy(words->value[SK_TARPIT], "endured");
	snprintf(words->value[SK_TARPIT_SECS], SESSION_VALUE_SIZE, "%" PRId64,
	    visit->hold_ms > 0 ? visit->hold_ms / 1000 : 0);
	if (visit->tries != NULL && strcmp(visit->why, "tries") == 0) {
		strcpy(words->value[SK_GREY], "passed");
		strcpy(words->value[SK_GREY_SECS], "3700");
	}
	if (visit->tries != NULL)
		strcpy(words->value[SK_GREY_TRIES], visit->tries);
	strcpy(
	    words->value[SK_FAULT], visit->fault == NULL ? "none" : visit->fault);
}

/* The first recipient's, folded as the session does it. */
static struct triplet
triplet_of(const struct visit *visit, char sender[static FOLD_SIZE],
    char recipient[static FOLD_SIZE])
{
	const char *recipients = visit->recipients == NULL ? "" : visit->recipients;
	char first[256];

	snprintf(
	    first, sizeof first, "%.*s", (int)strcspn(recipients, " "), recipients);
	return (struct triplet){
	    sender_fold(visit->sender == NULL ? "" : visit->sender, sender),
	    recipient_fold(first, recipient)};
}

static void
put(struct store *store, const struct visit *visit,
    const struct session_words *words, enum outcome outcome)
{
	struct event event = {.time = END_S - visit->before_s,
	    .queue_id = visit->queue_id,
	    .message_id = visit->queue_id == NULL ? NULL : "<m1@example.com>",
	    .name = visit->name,
	    .ptr = visit->ptr,
	    .heloname = visit->helo,
	    .sender = visit->sender,
	    .recipients = visit->recipients,
	    .rcpt_accepted = visit->recipients != NULL,
	    .words = words,
	    .exempt = visit->exempt,
	    .why_detail = visit->detail,
	    .hold_asked_ms = visit->end == HOLD_NONE ? -1 : 125000,
	    .hold_ms = visit->end == HOLD_NONE ? -1 : visit->hold_ms,
	    .hold_end = visit->end,
	    .dns_ms = 12,
	    .spf_domain = visit->domain,
	    .reply = visit->reply,
	    .delivered = visit->delivered,
	    .score = (double)NAN};
	char sender[FOLD_SIZE], recipient[FOLD_SIZE];
	struct triplet triplet = triplet_of(visit, sender, recipient);
	struct note_spec spec = {.who = {.domain = visit->domain},
	    .now = event.time,
	    .outcome = outcome,
	    .secs = visit->hold_ms > 0 ? (uint32_t)(visit->hold_ms / 1000) : 0,
	    .triplets = &triplet,
	    .count =
	        (outcome == OUTCOME_ATTEMPT || outcome == OUTCOME_PASSED) ? 1 : 0,
	    .event = &event,
	    .settings = &policy};

	ip_from_text(visit->ip, &event.ip);
	spec.who.ip = event.ip;
	struct note *note = note_new(&spec);
	while (note == NULL || !store_submit(store, note)) {
		note_drop(&note);
		store_flush(store);
		note = note_new(&spec);
	}
	note_drop(&note);
}

/* As a hold begins: the attempt alone. */
static void
attempt(struct store *store, const struct visit *visit)
{
	char sender[FOLD_SIZE], recipient[FOLD_SIZE];
	struct triplet triplet = triplet_of(visit, sender, recipient);
	struct note_spec spec = {.who = {.domain = visit->domain},
	    .now = END_S - visit->before_s,
	    .outcome = OUTCOME_ATTEMPT,
	    .triplets = &triplet,
	    .count = 1,
	    .settings = &policy};

	ip_from_text(visit->ip, &spec.who.ip);
	struct note *note = note_new(&spec);
	store_submit(store, note);
	note_drop(&note);
}

static void
outcome_only(
    struct store *store, const char *ip, enum outcome outcome, int64_t time)
{
	struct note_spec spec = {
	    .now = time, .outcome = outcome, .settings = &policy};

	ip_from_text(ip, &spec.who.ip);
	struct note *note = note_new(&spec);
	store_submit(store, note);
	note_drop(&note);
}

#define RULE_1 "/etc/targrey/s25r.rules:19 rule 1 ^[^.]*[0-9][^0-9.]+[0-9].*\\."
#define RULE_0 "/etc/targrey/s25r.rules:18 rule 0 ^unknown$"

static const struct {
	struct visit visit;
	enum outcome outcome;
} story[] = {
    {{.before_s = 259000,
         .sid = "a000000001",
         .ip = "203.0.113.9",
         .name = "mail.example.net",
         .helo = "mail.example.net",
         .sender = "news@example.net",
         .recipients = "hanako@example.jp",
         .why = "none",
         .verdict = "pass",
         .delivered = true,
         .reply = "250",
         .queue_id = "4aB1",
         .domain = "example.net"},
        OUTCOME_SEEN},
    {{.before_s = 200000,
         .sid = "a000000002",
         .ip = "198.51.100.7",
         .ptr = "p7-dyn100.example.net",
         .helo = "friend.example.com",
         .sender = "friend@example.com",
         .recipients = "taro@example.jp",
         .why = "s25r",
         .verdict = "hold",
         .rule = "0",
         .detail = RULE_0,
         .end = HOLD_GONE,
         .hold_ms = 41200,
         .reply = "450"},
        OUTCOME_GONE},
    {{.before_s = 199000,
         .sid = "a000000003",
         .ip = "198.51.100.7",
         .ptr = "p7-dyn100.example.net",
         .helo = "friend.example.com",
         .sender = "friend@example.com",
         .recipients = "taro@example.jp",
         .why = "s25r",
         .verdict = "greylist",
         .rule = "0",
         .detail = RULE_0,
         .reply = "450"},
        OUTCOME_ATTEMPT},
    {{.before_s = 196000,
         .sid = "a000000004",
         .ip = "198.51.100.7",
         .ptr = "p7-dyn100.example.net",
         .helo = "friend.example.com",
         .sender = "friend@example.com",
         .recipients = "taro@example.jp",
         .why = "s25r",
         .verdict = "greylist",
         .rule = "0",
         .detail = RULE_0,
         .reply = "450",
         .tries = "1"},
        OUTCOME_ATTEMPT},
    {{.before_s = 192000,
         .sid = "a000000005",
         .mx = "mx2.example.jp",
         .ip = "198.51.100.7",
         .ptr = "p7-dyn100.example.net",
         .helo = "friend.example.com",
         .sender = "friend@example.com",
         .recipients = "taro@example.jp",
         .why = "tries",
         .verdict = "pass",
         .rule = "0",
         .detail = RULE_0,
         .reply = "250",
         .tries = "2",
         .delivered = true,
         .queue_id = "4aB2"},
        OUTCOME_PASSED},
    {{.before_s = 150000,
         .sid = "a000000006",
         .ip = "192.0.2.77",
         .name = "p1-2.line.example.org",
         .helo = "p1-2.line.example.org",
         .sender = "shop@example.org",
         .recipients = "taro@example.jp hanako@example.jp",
         .why = "s25r",
         .verdict = "hold",
         .rule = "1",
         .detail = RULE_1,
         .end = HOLD_ENDURED,
         .hold_ms = 125030,
         .reply = "250",
         .delivered = true,
         .queue_id = "4aB3",
         .domain = "example.org"},
        OUTCOME_ENDURED},
    {{.before_s = 100000,
         .sid = "a000000007",
         .ip = "192.0.2.99",
         .helo = "\033]0;pwned\a<script>alert(1)</script>",
         .sender = "=cmd|' /C calc'!A0",
         .recipients = "taro@example.jp",
         .why = "s25r",
         .verdict = "hold",
         .rule = "0",
         .detail = RULE_0,
         .end = HOLD_GONE,
         .hold_ms = 3000,
         .reply = "450"},
        OUTCOME_GONE},
    {{.before_s = 90000,
         .sid = "a000000008",
         .ip = "10.1.2.3",
         .name = "printer.example.jp",
         .helo = "printer",
         .sender = "printer@example.jp",
         .recipients = "hanako@example.jp",
         .why = "none",
         .verdict = "pass",
         .exempt = "network 10.0.0.0/8",
         .delivered = true,
         .reply = "250"},
        OUTCOME_NONE},
    {{.before_s = 80000,
         .sid = "a000000009",
         .ip = "2001:db8:1:2::3",
         .name = "bounce7.list.example.com",
         .helo = "bounce7.list.example.com",
         .sender = "",
         .recipients = "taro@example.jp",
         .why = "warn",
         .verdict = "pass",
         .would = "hold",
         .rule = NULL,
         .detail = "/etc/targrey/suspect.d/own:3 helo /^b/",
         .delivered = true,
         .reply = "250",
         .queue_id = "4aB4"},
        OUTCOME_SEEN},
    {{.before_s = 70000,
         .sid = "a000000010",
         .ip = "192.0.2.100",
         .helo = "x",
         .sender = "a@b.example",
         .recipients = "taro@example.jp",
         .why = "fault",
         .verdict = "pass",
         .rule = "0",
         .reply = "250",
         .fault = "store",
         .delivered = true},
        OUTCOME_NONE},
    {{.before_s = 60000,
         .sid = "a000000011",
         .ip = "192.0.2.101",
         .why = "none",
         .verdict = "pass",
         .reply = "none"},
        OUTCOME_SEEN},
};

static void
tell_story(struct store *store, _Atomic int64_t *now_ms)
{
	struct session_words words;

	for (size_t i = 0; i < sizeof story / sizeof *story; i++) {
		const struct visit *visit = &story[i].visit;
		/* an event is written when its transaction ends */
		*now_ms = (END_S - visit->before_s) * 1000 + visit->hold_ms;
		fill_words(&words, visit);
		if (visit->end != HOLD_NONE)
			attempt(store, visit);
		put(store, visit, &words, story[i].outcome);
		store_flush(store);
	}
	*now_ms = END_S * 1000;
	for (int i = 0; i < 5; i++)
		outcome_only(store, "203.0.113.9", OUTCOME_ENDURED,
		    END_S - 250000 + i * 7200);
	store_flush(store);
}

static uint64_t
dice(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

static void
invent(struct store *store, long count)
{
	struct session_words words;
	uint64_t state = 42;
	char sid[24], ip[32], name[64], sender[64], recipient[64];

	for (long i = 0; i < count; i++) {
		bool is_suspect = dice(&state) % 10 < 6,
		     gone = dice(&state) % 10 < 8;
		unsigned host = (unsigned)(dice(&state) % 400000);
		snprintf(sid, sizeof sid, "%010lx", i);
		snprintf(ip, sizeof ip, "%u.%u.%u.%u", 11 + host / 65536 % 200,
		    host / 256 % 256, host % 256, host % 250 + 1);
		snprintf(name, sizeof name, "p%u-%u.line%u.example.net", host % 256,
		    host / 256, host % 977);
		snprintf(sender, sizeof sender, "s%u@d%u.example.com",
		    (unsigned)(dice(&state) % 50000), host % 5000);
		snprintf(recipient, sizeof recipient, "u%u@example.jp",
		    (unsigned)(dice(&state) % 2000));
		struct visit visit = {
		    .before_s = 30 * 86400 - i * 30 * 86400 / count,
		    .sid = sid,
		    .ip = ip,
		    .name = is_suspect && host % 2 == 0 ? NULL : name,
		    .helo = name,
		    .sender = sender,
		    .recipients = recipient,
		    .why = is_suspect ? "s25r" : "none",
		    .verdict = is_suspect ? "hold" : "pass",
		    .rule = !is_suspect     ? NULL
		            : host % 2 == 0 ? "0"
		                            : "1",
		    .detail = !is_suspect     ? NULL
		              : host % 2 == 0 ? RULE_0
		                              : RULE_1,
		    .end = !is_suspect ? HOLD_NONE
		           : gone      ? HOLD_GONE
		                       : HOLD_ENDURED,
		    .hold_ms = gone ? (int64_t)(dice(&state) % 60000) : 125000,
		    .delivered = !is_suspect || !gone,
		    .reply = is_suspect && gone ? "450" : "250"};
		fill_words(&words, &visit);
		put(store, &visit, &words, OUTCOME_NONE);
		if (i % 512 == 511)
			store_flush(store);
	}
	store_flush(store);
}

int
main(int argc, char **argv)
{
	_Atomic int64_t now_ms = (argc > 2 ? END_S : END_S - 300000) * 1000;
	char url[4200];
	struct clock clock;
	struct error error;

	if (argc < 2)
		return 2;
	clock_init_manual(&clock, &now_ms);
	snprintf(url, sizeof url, "sqlite:%s", argv[1]);
	struct store_settings settings = {.url = url,
	    .durable = false,
	    .events_s = 400 * 86400,
	    .retry_window_s = 172800 * 30,
	    .max_age_s = 400 * 86400,
	    .max_new_per_net = 1000000};
	struct store *store = store_open(&settings, &clock, &error);
	if (store == NULL) {
		fprintf(stderr, "make_db: %s\n", error.text);
		return 1;
	}
	if (argc > 2)
		invent(store, strtol(argv[2], NULL, 10));
	else
		tell_story(store, &now_ms);
	store_close(&store);
	return 0;
}
