/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/judge.h"

#include "policy/grey.h"

const char *const mode_words[MODES] = {
    "observe", "rgrey", "starpit", "targrey", "strict"};
const char *const selector_words[SELECTORS] = {
    "s25r", "all", "helo", "spf", "dnsbl", "local"};
const char *const verdict_words[VERDICTS] = {"pass", "hold", "greylist"};
const char *const why_words[WHYS] = {"s25r", "all", "helo", "spf", "dnsbl", "local",
    "allowed-address", "allowed-domain", "tries", "none", "overflow", "fault",
    "warn"};

static bool helo_is_bad(enum helo_class class)
{
	return class == HELO_BARE || class == HELO_IP || class == HELO_OURS ||
	       class == HELO_LOCALHOST || class == HELO_MISSING;
}

static bool
spf_is_bad(const struct dns_facts *dns)
{
	return dns != NULL && (dns->mailfrom.result == SPF_FAIL ||
	                          dns->mailfrom.result == SPF_SOFTFAIL);
}

/* A rule or tag on trial warns even where its selector acts. */
unsigned
judge_selectors(const struct policy_settings *settings, const struct facts *facts,
    unsigned *warned_r)
{
	unsigned speak = SELECT_ALL, trial = 0;

	if (facts->s25r.state == S25R_MATCH)
		speak |= SELECT_S25R;
	else if (facts->s25r.warn != NULL)
		trial |= SELECT_S25R;
	if (helo_is_bad(facts->helo_class))
		speak |= SELECT_HELO;
	if (spf_is_bad(facts->dns))
		speak |= SELECT_SPF;
	if (facts->dns != NULL &&
	    facts->dns->dnsbl_weight >= settings->dnsbl_weight)
		speak |= SELECT_DNSBL;
	if (facts->local_acts)
		speak |= SELECT_LOCAL;
	else if (facts->local_warns)
		trial |= SELECT_LOCAL;

	*warned_r = (speak & settings->warn) |
	            (trial & (settings->suspect | settings->warn));
	return speak & settings->suspect;
}

static enum why
first_selector(unsigned bits)
{
	for (unsigned i = 0; i < SELECTORS; i++) {
		if (bits & 1u << i)
			return (enum why)i;
	}
	return WHY_NONE;
}

static void
say(struct judgement *judgement, const char *step, bool spoke, const char *said)
{
	if (judgement->trace_count < TRACE_MAX)
		judgement->trace[judgement->trace_count++] =
		    (struct trace_step){step, spoke, said};
}

static bool
is_allowed(struct judgement *judgement, const struct history *history, int64_t now)
{
	const struct domain_record *domain = &history->domain;

	if (history->address.allowed_until >= now) {
		judgement->why = WHY_ALLOWED_ADDRESS;
		say(judgement, "allowed", true, "the address is known as good");
		return true;
	}
	if (domain->allowed_until < now) {
		say(judgement, "allowed", false,
		    "neither the address nor an SPF domain");
		return false;
	}
	if (domain->networks > DOMAIN_MAX_NETWORKS) {
		say(judgement, "allowed", false,
		    "the SPF domain was seen from more than 64 networks in a day");
		return false;
	}
	judgement->why = WHY_ALLOWED_DOMAIN;
	say(judgement, "allowed", true, "the SPF domain is known as good");
	return true;
}

static bool
has_tries(const struct policy_settings *settings, struct judgement *judgement,
    const struct history *history, int64_t now)
{
	for (size_t i = 0; i < history->rows_count; i++) {
		struct grey_row before = history->rows[i];
		bool noted = history->rows_noted != NULL && history->rows_noted[i];
		struct grey_row after =
		    noted
		        ? grey_step(settings, before, DEED_NAMED, history->noted_at)
		        : grey_step(settings, before, DEED_ATTEMPT, now);
		if (after.early)
			judgement->early = true;
		if (judgement->why == WHY_TRIES ||
		    !grey_passes(settings, &after, now))
			continue;
		judgement->why = WHY_TRIES;
		judgement->passed_before = after.passed != 0;
		if (!judgement->passed_before) {
			judgement->grey_tries = after.tries;
			judgement->grey_secs = now - after.first;
		}
	}
	bool passes = judgement->why == WHY_TRIES;
	say(judgement, "tries", passes,
	    passes ? "the triplet has been tried often enough"
	           : "not tried often enough yet");
	return passes;
}

static void
by_mode(const struct policy_settings *settings, struct judgement *judgement,
    const struct history *history, int64_t now)
{
	switch (settings->mode) {
	case MODE_RGREY:
		judgement->verdict = VERDICT_GREYLIST;
		say(judgement, "mode", true, "rgrey: every suspect is greylisted");
		return;
	case MODE_STARPIT:
		judgement->verdict = VERDICT_HOLD;
		say(judgement, "mode", true, "starpit: every suspect is held");
		return;
	case MODE_STRICT:
		judgement->verdict = VERDICT_HOLD;
		judgement->then_greylist = true;
		say(judgement, "mode", true,
		    "strict: every suspect is held, then greylisted");
		return;
	case MODE_OBSERVE:
	case MODE_TARGREY:
	case MODES:
		break;
	}
	if (history != NULL && address_is_gone(settings, &history->address, now)) {
		judgement->verdict = VERDICT_GREYLIST;
		say(judgement, "mode", true,
		    "targrey: greylisted, the address went from a hold before");
	} else {
		judgement->verdict = VERDICT_HOLD;
		say(judgement, "mode", true, "targrey: held");
	}
}

static void
judge_suspect(const struct policy_settings *settings, struct judgement *judgement,
    const struct history *history, int64_t now)
{
	judgement->why = judgement->suspect;
	if (history == NULL) {
		say(judgement, "store", false, "could not be asked");
	} else if (is_allowed(judgement, history, now)) {
		/* early is of interest for the header even then */
		return;
	} else if (has_tries(settings, judgement, history, now)) {
		return;
	}
	by_mode(settings, judgement, history, now);
}

struct judgement
judge(const struct policy_settings *settings, const struct facts *facts,
    const struct history *history, int64_t now)
{
	struct judgement judgement = {
	    .verdict = VERDICT_PASS, .why = WHY_NONE, .suspect = WHY_NONE};
	unsigned warned;
	unsigned acting = judge_selectors(settings, facts, &warned);

	if (acting != 0) {
		judgement.is_suspect = true;
		judgement.suspect = first_selector(acting);
		say(&judgement, "suspect", false, "a selector marks the client");
		judge_suspect(settings, &judgement, history, now);
		if (settings->mode != MODE_OBSERVE ||
		    judgement.verdict == VERDICT_PASS)
			return judgement;
		judgement.would = judgement.verdict;
		judgement.verdict = VERDICT_PASS;
		say(&judgement, "observe", true, "nothing is done in this mode");
		return judgement;
	}
	if (warned == 0) {
		say(&judgement, "suspect", true, "no selector marks the client");
		return judgement;
	}
	say(&judgement, "suspect", false,
	    "only a rule or selector on trial speaks");
	judgement.suspect = first_selector(warned);
	judge_suspect(settings, &judgement, history, now);
	judgement.would = judgement.verdict;
	judgement.verdict = VERDICT_PASS;
	judgement.then_greylist = false;
	judgement.why = WHY_WARN;
	return judgement;
}

enum verdict
judge_overflow(
    const struct policy_settings *settings, const struct history *history)
{
	if (settings->mode == MODE_STARPIT || settings->mode == MODE_OBSERVE ||
	    settings->overflow == OVERFLOW_PASS || history == NULL)
		return VERDICT_PASS;
	return history->address.last_success != 0 ? VERDICT_PASS : VERDICT_GREYLIST;
}
