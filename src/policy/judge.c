/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/judge.h"

#include "policy/grey.h"
#include "record/mx.h"

const char *const mode_words[MODES] = {MODE_LIST(WORD_TEXT)};
const char *const selector_words[SELECTORS] = {SELECTOR_LIST(WORD_TEXT)};
const char *const verdict_words[VERDICTS] = {VERDICT_LIST(WORD_TEXT)};
const char *const why_words[WHYS] = {WHY_LIST(WORD_TEXT)};

const char *const why_texts[WHYS] = {
    [WHY_S25R] = "the S25R rules match its name",
    [WHY_ALL] = "every client is a suspect",
    [WHY_HELO] = "its HELO is bad",
    [WHY_SPF] = "SPF failed",
    [WHY_DNSBL] = "DNS lists list it",
    [WHY_LOCAL] = "a local rule matches",
    [WHY_RECORD] = "its network or organisation sends spam",
    [WHY_KNOWN_ADDRESS] = "the address is known as good",
    [WHY_KNOWN_DOMAIN] = "its SPF domain is known as good",
    [WHY_TRIES] = "it was tried often enough",
    [WHY_NONE] = "nothing makes it a suspect",
    [WHY_OVERFLOW] = "the budget had no room for a hold",
    [WHY_FAULT] = "targrey had a fault",
    [WHY_WARN] = "only a rule or selector on trial marks it",
    [WHY_LISTED] = "a line of the allow lists lets it off",
};

const struct trace_text trace_texts[TRACE_SAIDS] = {
    [TRACE_KNOWN_ADDRESS] = {"known", "the address is known as good"},
    [TRACE_NOT_KNOWN] = {"known", "neither the address nor an SPF domain is"},
    [TRACE_DOMAIN_TOO_WIDE] = {"known",
        "the SPF domain was seen from more than 64 networks in a day"},
    [TRACE_KNOWN_DOMAIN] = {"known", "the SPF domain is known as good"},
    [TRACE_TRIES] = {"tries", "the triplet has been tried often enough"},
    [TRACE_TOO_FEW_TRIES] = {"tries", "not tried often enough yet"},
    [TRACE_RGREY] = {"mode", "rgrey: every suspect is greylisted"},
    [TRACE_STARPIT] = {"mode", "starpit: every suspect is held"},
    [TRACE_STRICT] = {"mode", "strict: every suspect is held, then greylisted"},
    [TRACE_TARGREY_GONE] = {"mode",
        "targrey: greylisted, the address gave up a hold before"},
    [TRACE_TARGREY_HELD] = {"mode", "targrey: held"},
    [TRACE_NO_STORE] = {"store", "could not be asked"},
    [TRACE_RECORD + RECORD_SAYS_NOTHING] = {"record", "not asked"},
    [TRACE_RECORD + RECORD_SAYS_LITTLE] = {"record",
        "too few verdicts on its network and organisation"},
    [TRACE_RECORD + RECORD_SAYS_NOT_BAD] = {"record",
        "neither its network nor its organisation is bad beyond doubt"},
    [TRACE_RECORD +
        RECORD_SPARES_KNOWN] = {"record", "the address is known as good"},
    [TRACE_RECORD + RECORD_SPARES_PEOPLE] = {"record",
        "bad, but many people here have good mail from its organisation"},
    [TRACE_RECORD + RECORD_SPARES_GOOD] = {"record",
        "bad, but its address or organisation sends good mail"},
    [TRACE_RECORD +
        RECORD_SAYS_NETWORK] = {"record", "its network is bad beyond doubt"},
    [TRACE_RECORD + RECORD_SAYS_ORGANISATION] = {"record",
        "its organisation is bad beyond doubt"},
    [TRACE_MARKED] = {"suspect", "a selector marks the client"},
    [TRACE_OBSERVE] = {"observe", "nothing is done in this mode"},
    [TRACE_UNMARKED] = {"suspect", "no selector marks the client"},
    [TRACE_TRIAL] = {"suspect", "only a rule or selector on trial speaks"},
};

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

/*
 * The selectors that speak, as bits of enum selector. A rule or tag on trial warns
 * even where its selector acts.
 */
static unsigned
ask_selectors(const struct policy_settings *settings, const struct facts *facts,
    enum record_says record, unsigned *warned_r)
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
	if (record_is_bad(record))
		speak |= SELECT_RECORD;

	*warned_r = (speak & settings->warn) |
	            (trial & (settings->suspect | settings->warn));
	return speak & settings->suspect;
}

/* bits  not 0 */
static enum why
first_selector(unsigned bits)
{
	return (enum why)__builtin_ctz(bits);
}

static void
say(struct judgement *judgement, enum trace_said said, bool spoke)
{
	/* No way through judge() has more steps than that. GCOVR_EXCL_BR_START */
	if (judgement->trace_count < TRACE_MAX)
		/* GCOVR_EXCL_BR_STOP */
		judgement->trace[judgement->trace_count++] =
		    (struct trace_step){(uint8_t)said, spoke};
}

static bool
is_known(struct judgement *judgement, const struct history *history, int64_t now)
{
	const struct domain_record *domain = &history->domain;

	if (history->address.known_until >= now) {
		judgement->why = WHY_KNOWN_ADDRESS;
		say(judgement, TRACE_KNOWN_ADDRESS, true);
		return true;
	}
	if (domain->known_until < now) {
		say(judgement, TRACE_NOT_KNOWN, false);
		return false;
	}
	if (domain->networks > DOMAIN_MAX_NETWORKS) {
		say(judgement, TRACE_DOMAIN_TOO_WIDE, false);
		return false;
	}
	judgement->why = WHY_KNOWN_DOMAIN;
	say(judgement, TRACE_KNOWN_DOMAIN, true);
	return true;
}

/* A row with the attempt of this visit counted in. */
static struct grey_row
row_after(const struct policy_settings *settings, const struct history *history,
    size_t i, int64_t now)
{
	bool noted = history->rows_noted != NULL && history->rows_noted[i];

	return noted ? grey_step(settings, history->rows[i], OUTCOME_DOMAIN_FOUND,
	                   history->noted_at)
	             : grey_step(settings, history->rows[i], OUTCOME_ATTEMPT, now);
}

static uint64_t
where_tried(const struct policy_settings *settings, const struct history *history,
    int64_t now)
{
	uint64_t most = 0;

	for (size_t i = 0; i < history->rows_count; i++) {
		struct grey_row after = row_after(settings, history, i, now);
		uint64_t mxs =
		    after.passed == 0 ? after.mxs : mx_add(0, settings->mx, false);
		if (i == 0 || mx_count(mxs) > mx_count(most))
			most = mxs;
	}
	return most;
}

static bool
has_tries(const struct policy_settings *settings, struct judgement *judgement,
    const struct history *history, int64_t now)
{
	for (size_t i = 0; i < history->rows_count; i++) {
		struct grey_row after = row_after(settings, history, i, now);
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
	say(judgement, passes ? TRACE_TRIES : TRACE_TOO_FEW_TRIES, passes);
	return passes;
}

static void
by_mode(const struct policy_settings *settings, struct judgement *judgement,
    const struct history *history, int64_t now)
{
	switch (settings->mode) {
	case MODE_RGREY:
		judgement->verdict = VERDICT_GREYLIST;
		say(judgement, TRACE_RGREY, true);
		return;
	case MODE_STARPIT:
		judgement->verdict = VERDICT_HOLD;
		say(judgement, TRACE_STARPIT, true);
		return;
	case MODE_STRICT:
		judgement->verdict = VERDICT_HOLD;
		judgement->then_greylist = true;
		say(judgement, TRACE_STRICT, true);
		return;
	case MODE_OBSERVE:
	case MODE_TARGREY:
	case MODES:
		break;
	}
	if (history != NULL && address_is_gone(settings, &history->address, now)) {
		judgement->verdict = VERDICT_GREYLIST;
		say(judgement, TRACE_TARGREY_GONE, true);
	} else {
		judgement->verdict = VERDICT_HOLD;
		say(judgement, TRACE_TARGREY_HELD, true);
	}
}

static void
judge_suspect(const struct policy_settings *settings, struct judgement *judgement,
    const struct history *history, int64_t now)
{
	judgement->why = judgement->suspect;
	if (history == NULL) {
		say(judgement, TRACE_NO_STORE, false);
	} else if (is_known(judgement, history, now)) {
		/* early is of interest for the header even then */
		return;
	} else if (has_tries(settings, judgement, history, now)) {
		return;
	}
	by_mode(settings, judgement, history, now);
}

static enum record_says
ask_record(const struct policy_settings *settings, struct judgement *judgement,
    const struct history *history, int64_t now)
{
	if (((settings->suspect | settings->warn) & SELECT_RECORD) == 0)
		return RECORD_SAYS_NOTHING;
	enum record_says says = record_says(settings, history, now);
	say(judgement, TRACE_RECORD + says, false);
	return says;
}

struct judgement
judge(const struct policy_settings *settings, const struct facts *facts,
    const struct history *history, int64_t now)
{
	struct judgement judgement = {
	    .verdict = VERDICT_PASS, .why = WHY_NONE, .suspect = WHY_NONE};
	enum record_says record = ask_record(settings, &judgement, history, now);
	unsigned warned;
	unsigned acting = ask_selectors(settings, facts, record, &warned);

	if (history != NULL)
		judgement.mxs = where_tried(settings, history, now);
	if (acting != 0) {
		judgement.is_suspect = true;
		judgement.suspect = first_selector(acting);
		say(&judgement, TRACE_MARKED, false);
		judge_suspect(settings, &judgement, history, now);
		if (settings->mode != MODE_OBSERVE ||
		    judgement.verdict == VERDICT_PASS)
			return judgement;
		judgement.would = judgement.verdict;
		judgement.verdict = VERDICT_PASS;
		say(&judgement, TRACE_OBSERVE, true);
		return judgement;
	}
	if (warned == 0) {
		say(&judgement, TRACE_UNMARKED, true);
		return judgement;
	}
	say(&judgement, TRACE_TRIAL, false);
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
