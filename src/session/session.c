/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/session.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/text.h"
#include "facts/helo.h"
#include "lists/address.h"
#include "session/session_private.h"

#define MESSAGE_ID_MAX 998 /* a line, RFC 5322 2.1.1 */

const struct answer answer_continue = {.refuse = false};
const struct answer answer_trouble = {.refuse = true,
    .code = "451",
    .enhanced = "4.3.0",
    .text = "Temporary trouble, please try again"};
static const struct answer answer_forged = {.refuse = true,
    .code = "450",
    .enhanced = "4.7.1",
    .text = "Too many forged headers"};

struct session *
session_new(struct snapshot *snapshot)
{
	struct session *session = calloc(1, sizeof *session);
	uint8_t random[5];

	if (session == NULL)
		return NULL;
	session->snapshot = snapshot_ref(snapshot);
	session->facts.helo_class = HELO_MISSING;
	session->facts.from = FROM_UNKNOWN;
	session->facts.pipe = PIPE_UNKNOWN;
	if (getrandom(random, sizeof random, GRND_NONBLOCK) !=
	    (ssize_t)sizeof random)
		memcpy(random, &session, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(session->sid + 2 * i, 3, "%02x", random[i]);
	return session;
}

static void
warn_of_lost_hold(const struct session *session)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;

	if (session->hold.end == HOLD_MTA_GONE && !atomic_flag_test_and_set(&said))
		log_warnx(
		    "Postfix left the filter %lld s into a hold, and its mail "
		    "goes on without the filter: is milter_command_timeout in "
		    "main.cf below the default of 30s? (said once)",
		    (long long)(session->hold.waited_ms / 1000));
}

/* How the last answer's delay has ended decides what the client has heard. */
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
		session_not_greylisted(session);
}

/* Where all clients are one, they are none that could be looked at. */
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
session_free(struct session *session)
{
	session_end_mail(session);
	snapshot_drop(&session->snapshot);
	free(session->name);
	free(session->ptr);
	free(session->helo);
	free(session->local);
	free(session->exempt_by);
	free(session);
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

char *
session_keep(struct session *session, const char *text)
{
	char *copy = text_dup(text);

	if (copy == NULL && text != NULL)
		session->lacks_memory = true;
	return copy;
}

bool
session_is_lost(struct session *session)
{
	if (session->mail != NULL && !session->lacks_memory)
		return false;
	log_warnx(
	    "sid=%s out of memory: a mail goes on without targrey", session->sid);
	session_end_mail(session);
	return true;
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
 * lead back; the unverified name tells them apart.
 */
static enum rdns_state
rdns_of(const struct session *session, const char *resolve)
{
	if (session->name != NULL)
		return RDNS_PASS;
	if (resolve != NULL && strcmp(resolve, "TEMP") == 0)
		return RDNS_TEMPERROR;
	return session->ptr != NULL ? RDNS_MISMATCH : RDNS_NONE;
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
	facts->name = session->name = name_or_null(session, client->name);
	session->organisation =
	    organisation_of(session->name, session->organisation_text);
	facts->ptr = session->ptr = name_or_null(session, client->ptr);
	facts->rdns = rdns_of(session, client->resolve);
	facts->s25r = s25r_match(
	    session->snapshot->s25r, session->name, facts->rdns == RDNS_TEMPERROR);
	session->is_local = client->is_local;
	session->exempt_by = exempt_client(session, &session->is_outgoing);
}

void
session_helo(struct session *session, const char *helo, bool tls)
{
	free(session->helo);
	session->facts.helo = session->helo = session_keep(session, helo);
	struct ours ours = {
	    .hostname = session->snapshot->hostname,
	    .server = &session->server_ip,
	};
	session->facts.helo_class = helo_classify(helo, &ours);
	session->facts.tls |= tls;
}

/* In an exempt network too: what a user writes is no word of a relay. */
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

/* The index of the new recipient, or -1 when it is only counted. */
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
	session_take_dns(session);
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

static bool
has_prefix(const char *name, const char *prefix)
{
	return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

static void
note_forged(struct transaction *mail, const char *name)
{
	if (++mail->forged_headers > MAX_FORGED)
		return;
	for (size_t i = 0; i < mail->forged_count; i++) {
		if (strcasecmp(mail->forged[i].name, name) == 0) {
			mail->forged[i].count++;
			return;
		}
	}
	void *grown =
	    realloc(mail->forged, (mail->forged_count + 1) * sizeof *mail->forged);
	if (grown == NULL)
		return;
	mail->forged = grown;
	char *copy = text_dup(name);
	if (copy != NULL)
		mail->forged[mail->forged_count++] = (struct forged_name){copy, 1};
}

/* A relay of ours is one; a provider on an allow list sends what anybody writes. */
static bool
is_from_exempt_network(const struct session *session)
{
	const struct snapshot *snapshot = session->snapshot;

	for (size_t i = 0; i < snapshot->exempt_count; i++) {
		if (ipnet_has(&snapshot->exempt_networks[i], &session->facts.ip))
			return !session->authenticated;
	}
	return false;
}

/* An X-TaRgrey-Session of a relay whose id is on our list. */
static bool
is_trusted_relay(const struct snapshot *snapshot, const char *value)
{
	const char *id = strstr(value, "; id=");

	if (id == NULL)
		return false;
	id += strlen("; id=");
	size_t length = strcspn(id, ";");
	for (size_t i = 0; i < snapshot->trusted_count; i++) {
		const char *trusted = snapshot->trusted_relays[i];
		if (strlen(trusted) == length &&
		    strncasecmp(id, trusted, length) == 0)
			return true;
	}
	return false;
}

const char *const session_headers[] = {
    "X-TaRgrey", "Message-ID", "Authentication-Results", NULL};

void
session_header(struct session *session, const char *name, const char *value)
{
	struct transaction *mail = session->mail;

	if (mail == NULL)
		return;
	if (session->snapshot->authentication_results &&
	    authres_note(mail, name, value, session->snapshot->hostname))
		return;
	if (has_prefix(name, "x-targrey")) {
		note_forged(mail, name);
		if (strcasecmp(name, "X-TaRgrey-Session") != 0)
			return;
		if (is_from_exempt_network(session) &&
		    is_trusted_relay(session->snapshot, value))
			mail->relay_trusted = true;
		else
			mail->foreign_session = true;
	} else if (mail->message_id == NULL &&
	           strcasecmp(name, "Message-ID") == 0) {
		mail->message_id =
		    strndup(value + strspn(value, " \t"), MESSAGE_ID_MAX);
	}
}

struct answer
session_eom(struct session *session, const struct gate_moment *moment,
    const char *queue_id, const struct session_edits *edits)
{
	struct transaction *mail = session->mail;

	session_enter(session, moment);
	if (mail == NULL)
		return answer_continue;
	if (mail->queue_id == NULL)
		mail->queue_id = text_dup(queue_id);
	session_look_for_pipe(session);
	session_take_dns(session);
	if (!mail->data_seen) {
		session_judge(session, true);
		if (session->mail == NULL)
			return answer_continue;
	}
	record_look(session);
	bool is_stamped = stamp_message(session, edits);
	mail->reply = is_stamped ? "250" : "450";
	record_transaction(session, is_stamped);
	return is_stamped ? answer_continue : answer_forged;
}

void
session_abort(struct session *session, const struct gate_moment *moment)
{
	session_enter(session, moment);
	if (session->mail != NULL)
		record_transaction(session, false);
}
