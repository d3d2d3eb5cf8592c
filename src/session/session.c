/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/session.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "facts/helo.h"
#include "lists/address.h"
#include "session/session_private.h"

static const struct answer answer_forged = {.refuse = true,
    .code = "450",
    .enhanced = "4.7.1",
    .text = "Too many forged headers"};
static const struct answer answer_lost = {
    .refuse = true, .code = "450", .enhanced = "4.3.0", .text = "Out of memory"};

static void
warn_of_lost_hold(const struct session *session)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;

	if (session->hold.end == HOLD_MTA_GONE && !atomic_flag_test_and_set(&said))
		log_warnx(
		    "Postfix closed its connection %lld s into a hold; if it gave "
		    "up waiting, the mail goes by default_action: is "
		    "milter_command_timeout in main.cf below the default of 30s? "
		    "(logged once)",
		    (long long)(session->hold.waited_ms / 1000));
}

/* How the last delay ended decides what the client has heard. */
void
session_enter(struct session *session, const struct gate_moment *moment)
{
	const struct gate_delay *last = &moment->last;
	enum waits_for waits_for = session->waits_for;
	struct transaction *mail = session->mail;

	session->now = *moment;
	if (moment->early == GATE_EARLY_YES)
		session->facts.pipe = PIPE_YES;
	session->waits_for = WAITS_FOR_NOTHING;
	if (waits_for == WAITS_FOR_NOTHING)
		return;
	if (waits_for == WAITS_FOR_HOLD) {
		session->hold.waited_ms = last->waited_ms;
		session->hold.watched = last->watched;
		hold_end(session, last->end);
		warn_of_lost_hold(session);
	}
	if (mail == NULL)
		return;
	if (last->end == GATE_END_STOPPED ||
	    (last->end == GATE_END_NONE && last->other))
		mail->reply = "451";
	else if (last->end == GATE_END_GONE || last->other)
		mail->reply = mail->is_last ? "421" : "450";
	else if (last->end == GATE_END_ELAPSED && mail->other != NULL)
		greylist_failed(session);
}

/* When all clients share one address, it tells nothing about any of them. */
static void
look_at_clients(const struct session *session)
{
	bool is_private = session->is_outgoing && !session->authenticated;

	if (!session->had_mail || session->is_local || session->authenticated)
		return;
	if (activity_client(session->snapshot->activity,
	        is_private ? &session->facts.ip : NULL))
		log_warnx("%s", ACTIVITY_ONE_CLIENT);
}

void
session_close(struct session **session_ptr, const struct gate_moment *moment)
{
	struct session *session = *session_ptr;

	if (session == NULL)
		return;
	*session_ptr = NULL;
	session_abort(session, moment);
	record_session(session);
	look_at_clients(session);
	session_free(session);
}

static char *
name_or_null(struct session *session, const char *name)
{
	if (name == NULL || *name == '\0' || *name == '[' ||
	    strcmp(name, "unknown") == 0)
		return NULL;
	char *copy = session_keep(session, name);
	if (copy != NULL)
		text_lower(copy);
	return copy;
}

/*
 * Postfix says FAIL both for "no PTR" and, with XCLIENT, for a PTR that does not
 * resolve back; the unverified name tells them apart.
 */
static enum rdns_state
rdns_of(const struct session *session, const char *resolve)
{
	if (session->facts.name != NULL)
		return RDNS_PASS;
	if (resolve != NULL && strcmp(resolve, "TEMP") == 0)
		return RDNS_TEMPERROR;
	return session->facts.ptr != NULL ? RDNS_MISMATCH : RDNS_NONE;
}

void
session_connect(struct session *session, const struct gate_moment *moment,
    const struct session_client *client)
{
	struct facts *facts = &session->facts;

	session_enter(session, moment);
	facts->ip = client->ip;
	facts->port = client->port;
	session->server_ip = client->server_ip;
	facts->name = name_or_null(session, client->name);
	session->organisation = organisation_of(session->facts.name);
	facts->ptr = name_or_null(session, client->ptr);
	facts->rdns = rdns_of(session, client->resolve);
	facts->s25r = s25r_match(session->snapshot->s25r, session->facts.name,
	    facts->rdns == RDNS_TEMPERROR);
	session->is_local = client->is_local;
	session->exempt_by = exempt_client(session, &session->is_outgoing);
}

void
session_helo(struct session *session, const char *helo, bool tls)
{
	free((char *)session->facts.helo);
	session->facts.helo = session_keep(session, helo);
	struct ours ours = {
	    .hostname = session->snapshot->hostname,
	    .server = &session->server_ip,
	};
	session->facts.helo_class = helo_classify(helo, &ours);
	session->facts.tls |= tls;
}

/* In an exempt network too: what a user sends is not a relay's word. */
static void
set_authenticated(struct session *session)
{
	session->authenticated = true;
	if (session->is_outgoing)
		return;
	free(session->exempt_by);
	session->exempt_by = session_keep(session, "authenticated");
	session->is_outgoing = true;
}

struct answer
session_mail(struct session *session, const struct gate_moment *moment,
    const char *sender, bool authenticated, bool tls)
{
	session_abort(session, moment);
	session->had_mail = true;
	session->facts.tls |= tls;
	if (authenticated)
		set_authenticated(session);
	session->mail = transaction_new(sender, session->now.wall);
	if (session->mail != NULL) {
		session->facts.sender = session->mail->sender;
		decide_local(session);
	}
	if (session_is_lost(session))
		return answer_continue;
	background_start(session);
	return background_delay(session);
}

/* The index of the new recipient, or -1 when it is counted only. */
static int64_t
add_recipient(struct transaction *mail, const char *recipient)
{
	mail->accepted++;
	if (mail->count >= MAX_RECIPIENTS)
		return -1;
	if ((mail->count & (mail->count - 1)) == 0) {
		size_t size = mail->count == 0 ? 1 : 2 * mail->count;
		void *grown =
		    realloc(mail->recipients, size * sizeof *mail->recipients);
		if (grown == NULL)
			return -1;
		mail->recipients = grown;
	}
	char *address = address_normalize(recipient);
	if (address == NULL)
		return -1;
	mail->recipients[mail->count] = (struct recipient){.address = address};
	return (int64_t)mail->count++;
}

bool
session_wants_place(const struct session *session, uint64_t *key_r)
{
	struct ipnet net = key_budget(&session->facts.ip);

	if (session->exempt_by != NULL || session->hold.begun ||
	    session->overflow || session->mail == NULL ||
	    session->snapshot->policy.mode == MODE_OBSERVE ||
	    session->snapshot->policy.mode == MODE_RGREY)
		return false;
	*key_r = decide_keyed(session->snapshot, &net.ip, sizeof net.ip);
	return true;
}

struct answer
session_rcpt(struct session *session, const struct gate_moment *moment,
    const char *recipient, bool refused)
{
	struct transaction *mail = session->mail;
	struct answer answer = {.wish.is_refused = refused};

	session_enter(session, moment);
	if (mail == NULL)
		return answer;
	mail->has_rcpt = true;
	if (refused) {
		mail->refused++;
		return answer;
	}
	int64_t index = add_recipient(mail, recipient);
	if (session->exempt_by != NULL)
		return answer;
	char *by = index < 0
	               ? NULL
	               : exempt_recipient(session, mail->recipients[index].address);
	if (by != NULL) {
		mail->exempt++;
		mail->recipients[index].exempt = true;
		free(mail->exempt_recipient);
		mail->exempt_recipient = by;
		return answer;
	}
	background_take_dns(session);
	if (mail->exempt_by == NULL)
		mail->exempt_by = exempt_sender(session);
	if (session_is_lost(session))
		return answer;
	if (mail->exempt_by != NULL || index < 0 || mail->is_judged ||
	    *mail->sender == '\0' || session->hold.begun || session->overflow ||
	    background_is_out(session))
		return answer;
	decide_judge(session, (size_t)index, 1);
	if (mail->judgement.verdict == VERDICT_HOLD)
		return hold_start(session, (size_t)index, false);
	return answer;
}

struct answer
session_data(
    struct session *session, const struct gate_moment *moment, const char *queue_id)
{
	struct transaction *mail = session->mail;

	session_enter(session, moment);
	if (mail == NULL)
		return answer_continue;
	mail->data_seen = true;
	if (mail->queue_id == NULL)
		mail->queue_id = text_dup(queue_id);
	data_look_for_pipe(session);
	background_take_dns(session);
	return data_judge(session, false);
}

struct answer
session_headers_end(struct session *session, const struct gate_moment *moment)
{
	struct transaction *mail = session->mail;

	if (mail == NULL || mail->data_seen) {
		session_enter(session, moment);
		return answer_continue;
	}
	if (activity_no_data(session->snapshot->activity))
		log_warnx("%s", ACTIVITY_NO_DATA);
	return session_data(session, moment, NULL);
}

struct answer
session_eom(struct session *session, const struct gate_moment *moment,
    const char *queue_id, const struct session_edits *edits)
{
	struct transaction *mail = session->mail;
	struct session_words words;

	session_enter(session, moment);
	if (mail == NULL)
		return answer_continue;
	if (mail->queue_id == NULL)
		mail->queue_id = text_dup(queue_id);
	data_look_for_pipe(session);
	background_take_dns(session);
	if (!mail->data_seen) {
		data_judge(session, true);
		if (session->mail == NULL)
			return answer_continue;
	}
	record_look(session);
	bool passes = stamp_is_possible(mail);
	mail->reply = passes ? "250" : "450";
	session_words_fill(session, passes, &words);
	record_transaction(session, passes, &words);
	/* Last: each edit is sent at once, so all of them go together. */
	if (passes)
		stamp_message(session, &words, edits);
	bool has_lost = mail->has_lost_removed;
	session_end_mail(session);
	return passes ? answer_continue : has_lost ? answer_lost : answer_forged;
}

void
session_abort(struct session *session, const struct gate_moment *moment)
{
	struct session_words words;

	session_enter(session, moment);
	if (session->mail == NULL)
		return;
	record_look(session);
	session_words_fill(session, false, &words);
	record_transaction(session, false, &words);
	session_end_mail(session);
}
