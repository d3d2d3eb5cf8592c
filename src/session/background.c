/* SPDX-License-Identifier: BSD-2-Clause */
/* What jobs look up for a transaction: DNS, and a shared store's record. */
#include <string.h>

#include "session/session_private.h"

/* Beyond a job's own deadline, to let it report that it was missed. */
#define GRACE_MS 250

/* Referenced by the jobs and by whoever starts them. */
static void
one_is_over(void *ctx, uint64_t ticket)
{
	struct background *background = ctx;
	const struct snapshot *snapshot = background->snapshot;

	if (atomic_fetch_sub(&background->running, 1) == 1)
		snapshot->decide(snapshot->decide_ctx, ticket, false);
}

static void
start_dns(struct session *session)
{
	struct snapshot *snapshot = session->snapshot;
	struct transaction *mail = session->mail;
	struct gather_request request = {
	    .ip = session->facts.ip,
	    .helo = session->facts.helo,
	    .sender = mail->sender,
	};

	if (snapshot->gatherer == NULL)
		return;
	atomic_fetch_add(&mail->background.running, 1);
	mail->gather = gather_start(snapshot->gatherer, &request, one_is_over,
	    &mail->background, mail->background.ticket);
	if (mail->gather == NULL) {
		atomic_fetch_sub(&mail->background.running, 1);
		session_fault(session, FAULT_DNS);
	}
}

/* What may be needed once DNS has told which domain it is. */
static void
start_recall(struct session *session)
{
	struct store *store = session->snapshot->store;
	struct transaction *mail = session->mail;
	char domains[2][SPF_DOMAIN_SIZE];
	const char *at = strrchr(mail->sender, '@');
	struct ask_request request = {.ip = session->facts.ip,
	    .sender = mail->folded,
	    .organisation = session->organisation,
	    .sender_domain = session_who(session).sender_domain};

	if (store == NULL || !store_is_shared(store))
		return;
	if (at != NULL && spf_domain_of(at + 1, domains[0]))
		request.domains[0] = domains[0];
	if (session->facts.helo != NULL &&
	    spf_domain_of(session->facts.helo, domains[1]))
		request.domains[1] = domains[1];
	atomic_fetch_add(&mail->background.running, 1);
	mail->asked = store_ask(store, &request, one_is_over, &mail->background,
	    mail->background.ticket);
	if (mail->asked == NULL)
		atomic_fetch_sub(&mail->background.running, 1);
}

void
background_start(struct session *session)
{
	struct background *background = &session->mail->background;

	if (session->is_outgoing)
		return;
	background->snapshot = session->snapshot;
	background->ticket = session->now.ticket;
	atomic_init(&background->running, 1);
	start_dns(session);
	start_recall(session);
	if (session->mail->gather != NULL || session->mail->asked != NULL)
		one_is_over(background, background->ticket);
}

/* clock_mono_ms() by which the jobs are over; 0: there are none. */
static int64_t
deadline_of(const struct transaction *mail)
{
	int64_t deadline = 0;

	if (mail->gather != NULL)
		deadline = gather_deadline_ms(mail->gather) + GRACE_MS;
	if (mail->asked != NULL && !asked_is_over(mail->asked) &&
	    asked_deadline_ms(mail->asked) + GRACE_MS > deadline)
		deadline = asked_deadline_ms(mail->asked) + GRACE_MS;
	return deadline;
}

struct answer
background_delay(const struct session *session)
{
	const struct transaction *mail = session->mail;
	struct answer answer = answer_continue;

	answer.wish.command_until_ms = deadline_of(mail);
	if (answer.wish.command_until_ms == 0)
		return answer;
	answer.wish.delays_rcpt =
	    *mail->sender != '\0' && session->exempt_by == NULL &&
	    !session->hold.begun && !session->overflow && decide_may_hold(session);
	return answer;
}

bool
background_is_out(const struct session *session)
{
	const struct transaction *mail = session->mail;
	bool is_out = (mail->gather != NULL && mail->dns == NULL) ||
	              (mail->asked != NULL && !asked_is_over(mail->asked));

	return is_out && session->now.mono_ms < deadline_of(mail);
}

void
background_take_dns(struct session *session)
{
	struct transaction *mail = session->mail;

	if (mail->gather != NULL && mail->dns == NULL)
		mail->dns = gather_result(mail->gather);
	if (mail->gather == NULL || mail->dns == NULL)
		return;
	session->facts.dns = mail->dns;
	gather_drop(&mail->gather);
	if (mail->dns->limited)
		session_fault(session, FAULT_LIMIT);
	else if (mail->dns->timed_out)
		session_fault(session, FAULT_DNS);
	if (mail->noted_at != 0 && session_domain(session) != NULL)
		record_named(session);
}
