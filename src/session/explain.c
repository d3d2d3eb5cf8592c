/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "base/text.h"
#include "session/internal.h"

static enum port_early
know_nothing(void *ctx, uint64_t number)
{
	(void)ctx;
	(void)number;
	return PORT_EARLY_UNKNOWN;
}

const struct port explain_port = {.early = know_nothing};

void
explain_header(
    const struct session_words *words, char buf[static EXPLAIN_TEXT_SIZE])
{
	stamp_session(words, buf);
}

static void
keep(char *target, const char *source)
{
	text_copy(target, EXPLAIN_TEXT_SIZE, source == NULL ? "" : source);
}

/* What connect, HELO, MAIL and RCPT show. */
static bool
fill(struct session *session, const struct explain_visit *visit)
{
	session_connect(session, &visit->client);
	session_helo(session, visit->helo, visit->tls);
	session_mail(session, visit->sender, visit->authenticated, visit->tls);
	struct transaction *mail = session->mail;
	if (mail == NULL)
		return false;
	if (visit->dns != NULL) {
		mail->dns = malloc(sizeof(*mail->dns));
		if (mail->dns == NULL)
			return false;
		*mail->dns = *visit->dns;
		session->facts.dns = mail->dns;
	}
	mail->recipients = calloc(1, sizeof(*mail->recipients));
	if (mail->recipients == NULL)
		return false;
	mail->recipients[0].address = address_clean(visit->recipient);
	if (mail->recipients[0].address == NULL)
		return false;
	mail->count = mail->accepted = 1;
	mail->has_rcpt = true;
	session->facts.from = session_from(session);
	return true;
}

static void
find_exempt(struct session *session, const struct explain_visit *visit,
    struct explained *out)
{
	keep(out->exempt, session->exempt_by);
	if (*out->exempt != '\0')
		return;
	struct list_place place;
	if (list_match_recipient(session->world->allow, visit->recipient, &place)) {
		snprintf(out->exempt, sizeof(out->exempt), "recipient %s:%u",
		    place.file, place.line);
		return;
	}
	char *sender = exempt_sender(session);
	keep(out->exempt, sender);
	free(sender);
}

static void
find_detail(const struct session *session, struct explained *out)
{
	const struct s25r_fact *s25r = &session->facts.s25r;
	const struct s25r_rule *rule = s25r->rule != NULL ? s25r->rule : s25r->warn;
	const struct local_rule *local = session->local_rule;

	out->s25r = *s25r;
	if (out->judgement.suspect == WHY_S25R && rule != NULL)
		snprintf(out->detail, sizeof(out->detail), "%s:%u rule %s %s (%s)",
		    s25r_path(session->world->s25r), rule->line, rule->id,
		    rule->pattern, rule->reason);
	else if (out->judgement.suspect == WHY_LOCAL && local != NULL)
		snprintf(out->detail, sizeof(out->detail), "%s:%u %s %s %s",
		    local->file, local->line, local->field, local->pattern,
		    local->tag);
}

static void
ask_memory(struct session *session, const struct explain_memory *memory,
    struct explained *out)
{
	struct transaction *mail = session->mail;
	struct store_who who = {session->facts.ip, session_domain(session)};
	struct triplet triplet = {mail->folded, mail->recipients[0].address};
	struct history history = {.rows = &out->row, .rows_count = 1};
	int64_t now = clock_wall(session->world->clock);

	keep(out->detail, NULL);
	if (who.domain != NULL)
		text_copy(out->domain, sizeof(out->domain), who.domain);
	out->has_history =
	    memory->recall != NULL &&
	    memory->recall(memory->ctx, &who, &triplet, 1, now, &history);
	mail->judgement = out->judgement = judge(&session->world->policy,
	    &session->facts, out->has_history ? &history : NULL, now);
	mail->is_judged = true;
	out->history = history;
	out->history.rows = NULL;
	out->history.rows_count = 0;
	session->history = out->history;
	session->has_history = out->has_history;
}

/* As if the hold were endured and the message had come. */
static void
pretend_hold(struct session *session, const struct explain_memory *memory,
    struct explained *out)
{
	static const uint8_t no_secret[SIPHASH_KEY_SIZE];
	struct ip address = key_address(&session->facts.ip);
	struct hold_request request = {
	    .dice = siphash(memory->secret != NULL ? memory->secret : no_secret,
	        &address, sizeof(address)),
	    .at_data = *session->mail->sender == '\0',
	    .max_holds = UINT32_MAX,
	    .spent_ms = session->world->dns_timeout_ms,
	};

	if (out->judgement.verdict != VERDICT_HOLD)
		return;
	out->hold = hold_plan(&session->world->policy, &request);
	session->hold = (struct hold){.begun = true,
	    .over = true,
	    .watched = true,
	    .end = HOLD_ELAPSED,
	    .asked_ms = out->hold.ms,
	    .waited_ms = out->hold.ms};
}

/* Without a trace: session_close() would write an event. */
static void
let_go(struct session *session)
{
	transaction_free(&session->mail);
	world_drop(&session->world);
	free(session->name);
	free(session->ptr);
	free(session->helo);
	free(session->local);
	free(session->exempt_by);
	free(session);
}

bool
session_explain(struct world *world, const struct explain_visit *visit,
    const struct explain_memory *memory, struct explained *out)
{
	struct session *session = session_new(world, 0);

	*out = (struct explained){.judgement.suspect = WHY_NONE};
	if (session == NULL)
		return false;
	/* no session of the daemon's has it */
	memset(session->sid, '0', SID_SIZE - 1);
	bool ok = fill(session, visit);
	if (ok) {
		find_exempt(session, visit, out);
		out->s25r = session->facts.s25r;
		if (*out->exempt == '\0') {
			ask_memory(session, memory, out);
			find_detail(session, out);
			pretend_hold(session, memory, out);
		}
		session_words_fill(session, true, &out->words);
		stamp_session(&out->words, out->session_header);
		stamp_client(session, out->client_header);
		stamp_flags(session, &out->words, out->flags_header);
	}
	let_go(session);
	return ok;
}
