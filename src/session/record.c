/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session writes to the store and the log. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "session/session_private.h"

#define EVENT_RECIPIENTS 20

static void
release_snapshot(void *keep)
{
	struct snapshot *snapshot = keep;

	snapshot_drop(&snapshot);
}

static struct note *
submit(struct session *session, struct note_spec *spec)
{
	struct snapshot *snapshot = session->snapshot;

	if (snapshot->store == NULL)
		return NULL;
	spec->who = session_who(session);
	if (spec->now == 0)
		spec->now = session->now.wall;
	spec->settings = &snapshot->policy;
	spec->keep = snapshot_ref(snapshot);
	spec->release = release_snapshot;
	spec->ctx = snapshot;
	spec->number = session->now.ticket;
	struct note *note = note_new(spec);
	if (note == NULL) {
		release_snapshot(snapshot);
		session_fault(session, FAULT_STORE);
		return NULL;
	}
	if (!store_submit(snapshot->store, note))
		session_fault(session, FAULT_STORE);
	return note;
}

/* Submits a note that nobody waits for. */
static void
tell_store(struct session *session, struct note_spec *spec)
{
	struct note *note = submit(session, spec);

	note_drop(&note);
}

/* Triplets of recipients that are not exempt; wanted: only those not noted yet. */
static size_t
triplets_of(struct transaction *mail, size_t from, size_t count, bool fresh_only,
    struct triplet *triplets)
{
	size_t used = 0;

	for (size_t i = from; i < from + count; i++) {
		struct recipient *recipient = &mail->recipients[i];
		if (recipient->exempt || (fresh_only && recipient->noted))
			continue;
		recipient->noted |= fresh_only;
		triplets[used++] =
		    (struct triplet){mail->folded, recipient->address};
	}
	return used;
}

/* What the store failed to keep has to be noted again. */
static void
forget_lost(struct transaction *mail)
{
	enum note_state state =
	    mail->note != NULL ? note_state(mail->note) : NOTE_COMMITTED;

	if (state != NOTE_FAILED && state != NOTE_LIMITED)
		return;
	for (size_t i = 0; i < mail->count; i++)
		mail->recipients[i].noted = false;
}

void
record_attempt(struct session *session, size_t from, size_t count,
    void (*done)(void *ctx, uint64_t ticket, enum note_state state))
{
	struct transaction *mail = session->mail;
	struct triplet *triplets = calloc(count + 1, sizeof *triplets);

	if (triplets == NULL) {
		session_fault(session, FAULT_STORE);
		if (done != NULL)
			done(session->snapshot, session->now.ticket, NOTE_FAILED);
		return;
	}
	struct note_spec spec = {.triplets = triplets, .done = done};
	forget_lost(mail);
	spec.count = triplets_of(mail, from, count, true, triplets);
	/*
	 * All noted already: notes are written in order, so the commit of an empty
	 * note shows that they are on disk.
	 */
	spec.outcome = spec.count == 0 ? OUTCOME_NONE : OUTCOME_ATTEMPT;
	if (mail->noted_at == 0 && spec.count != 0)
		spec.now = mail->noted_at = session->now.wall;
	note_drop(&mail->note);
	mail->note = submit(session, &spec);
	if (session->attempt_at == 0 && spec.count != 0)
		session->attempt_at = spec.now;
	for (size_t i = from; i < from + count && mail->note == NULL; i++)
		mail->recipients[i].noted = false;
	free(triplets);
	if (mail->note == NULL && done != NULL && session->snapshot->store != NULL)
		done(session->snapshot, session->now.ticket, NOTE_FAILED);
	record_look(session);
}

void
record_named(struct session *session)
{
	struct transaction *mail = session->mail;
	struct triplet *triplets = calloc(mail->count + 1, sizeof *triplets);

	if (triplets == NULL) {
		session_fault(session, FAULT_STORE);
		return;
	}
	struct note_spec spec = {.triplets = triplets,
	    .outcome = OUTCOME_DOMAIN_FOUND,
	    .now = mail->noted_at};
	for (size_t i = 0; i < mail->count; i++) {
		if (mail->recipients[i].noted)
			triplets[spec.count++] = (struct triplet){
			    mail->folded, mail->recipients[i].address};
	}
	tell_store(session, &spec);
	free(triplets);
}

static char *
join_recipients(const struct transaction *mail)
{
	size_t size = 1, shown = mail->count < EVENT_RECIPIENTS ? mail->count
	                                                        : EVENT_RECIPIENTS;

	for (size_t i = 0; i < shown; i++)
		size += strlen(mail->recipients[i].address) + 1;
	char *text = malloc(size);
	if (text == NULL)
		return NULL;
	char *end = text;
	for (size_t i = 0; i < shown; i++)
		end += sprintf(
		    end, "%s%s", i == 0 ? "" : " ", mail->recipients[i].address);
	*end = '\0';
	return text;
}

static void
fill_event(const struct session *session, bool delivered, struct event *event)
{
	const struct hold *hold = &session->hold;
	const struct transaction *mail = session->mail;

	event->ip = session->facts.ip;
	event->name = session->facts.name;
	event->ptr = session->facts.ptr;
	event->heloname = session->facts.helo;
	event->exempt = session->exempt_by;
	event->hold_asked_ms = hold->begun ? hold->asked_ms : -1;
	event->hold_ms = hold->begun ? hold->waited_ms : -1;
	event->hold_end =
	    hold_final_end(hold->end, hold->shed, hold->watched, delivered);
	event->dns_ms = -1;
	event->score = NAN;
	event->delivered = delivered;
	if (mail == NULL)
		return;
	event->time = mail->started;
	event->queue_id = mail->queue_id;
	event->message_id = mail->message_id;
	event->sender = mail->sender;
	event->rcpt_accepted = mail->accepted;
	event->rcpt_refused = mail->refused;
	if (event->exempt == NULL)
		event->exempt = mail->exempt_by;
	if (mail->dns != NULL)
		event->dns_ms = mail->dns->ms;
	event->spf_domain = session_domain(session);
	event->reply = mail->reply;
}

static void
log_transaction(const struct session *session, const struct event *event,
    const struct session_words *words)
{
	char ip[IP_TEXT_SIZE];
	bool people = !session->snapshot->hash_people;

	log_info("%s%ssid=%s client=%s[%s] verdict=%s why=%s%s%s tarpit=%s "
	         "hold_ms=%" PRId64
	         " hold_end=%s reply=%s rcpt=%u refused=%u%s%s%s fault=%s",
	    event->queue_id != NULL ? event->queue_id : "",
	    event->queue_id != NULL ? ": " : "", session->sid,
	    event->name != NULL ? event->name : "unknown",
	    ip_to_text(&event->ip, ip), words->value[SK_VERDICT],
	    words->value[SK_WHY], event->exempt != NULL ? " exempt=" : "",
	    event->exempt != NULL ? event->exempt : "", words->value[SK_TARPIT],
	    event->hold_ms, hold_end_words[event->hold_end],
	    event->reply != NULL ? event->reply : "none", event->rcpt_accepted,
	    event->rcpt_refused, people ? " from=<" : "",
	    people && event->sender != NULL ? event->sender : "", people ? ">" : "",
	    words->value[SK_FAULT]);
}

/* The one thing the transaction teaches about the client. */
static enum outcome
outcome_of(struct session *session, const struct event *event)
{
	enum why why = session->mail->judgement.why;
	enum outcome of_hold;

	if (event->exempt != NULL || session->snapshot->policy.mode == MODE_OBSERVE)
		return OUTCOME_NONE;
	bool counts =
	    !session->hold.outcome_noted && hold_outcome(event->hold_end, &of_hold);
	if (counts)
		session->hold.outcome_noted = true;
	if (event->delivered && why == WHY_TRIES)
		return OUTCOME_PASSED;
	if (counts)
		return of_hold;
	bool is_known = why == WHY_KNOWN_ADDRESS || why == WHY_KNOWN_DOMAIN;
	return event->delivered && is_known ? OUTCOME_KNOWN : OUTCOME_NONE;
}

void
record_look(struct session *session)
{
	const struct note *note = session->mail->note;

	if (note != NULL && note_state(note) == NOTE_FAILED)
		session_fault(session, FAULT_STORE);
	else if (note != NULL && note_state(note) == NOTE_LIMITED)
		session_fault(session, FAULT_LIMIT);
}

/* The gate may have answered for us: what did the client hear? */
static void
learn_reply(struct session *session)
{
	struct transaction *mail = session->mail;

	if (mail->reply != NULL)
		return;
	if (mail->data_seen && session->now.last.other)
		mail->reply = "451";
	else
		mail->reply = mail->accepted != 0 ? "lost" : "none";
}

static void
note_event(struct session *session, struct event *event, enum outcome outcome)
{
	struct transaction *mail = session->mail;
	size_t count = mail != NULL ? mail->count : 0;
	struct triplet *triplets = calloc(count + 1, sizeof *triplets);
	struct note_spec spec = {.outcome = outcome,
	    .event = event,
	    .begins_session =
	        !session->any_event && session->had_mail && event->exempt == NULL,
	    .secs = (uint32_t)(session->hold.waited_ms / 1000)};

	if (outcome == OUTCOME_PASSED && triplets != NULL) {
		spec.triplets = triplets;
		spec.count = triplets_of(mail, 0, count, false, triplets);
	}
	tell_store(session, &spec);
	free(triplets);
}

void
record_transaction(
    struct session *session, bool delivered, const struct session_words *words)
{
	struct transaction *mail = session->mail;
	struct event event = {.words = words};
	char detail[512];

	if (!mail->has_rcpt)
		return;
	learn_reply(session);
	char *recipients = join_recipients(mail);
	fill_event(session, delivered, &event);
	event.recipients = recipients;
	decide_detail(session, detail, sizeof detail);
	event.why_detail = *detail != '\0' ? detail : NULL;
	log_transaction(session, &event, words);
	note_event(session, &event, outcome_of(session, &event));
	session->any_event = true;
	free(recipients);
}

void
record_session(struct session *session)
{
	struct session_words words;
	struct event event = {.words = &words, .reply = "none"};
	bool counts = session->exempt_by == NULL && session->had_mail;

	/* a health check of our own may come every few seconds */
	if ((session->facts.helo == NULL || session->exempt_by != NULL) &&
	    !session->had_mail)
		return;
	if (session->any_event) {
		if (!counts)
			return;
		tell_store(session, &(struct note_spec){.outcome = OUTCOME_SEEN});
		return;
	}
	session_words_fill(session, false, &words);
	fill_event(session, false, &event);
	event.time = session->now.wall;
	note_event(session, &event, counts ? OUTCOME_SEEN : OUTCOME_NONE);
}
