/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What to do with a client that is not exempt. Pure; the trace says every step
 * in order, for explain and for the log.
 */
#ifndef POLICY_JUDGE_H
#define POLICY_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts/facts.h"
#include "record/history.h"
#include "policy/policy.h"
#include "policy/share.h"

enum verdict { VERDICT_LIST(WORD_ENUM) VERDICTS };
extern const char *const verdict_words[VERDICTS];

enum why { WHY_LIST(WORD_ENUM) WHYS };
extern const char *const why_words[WHYS];
extern const char *const why_texts[WHYS]; /* a sentence for people */

enum trace_said {
	TRACE_KNOWN_ADDRESS,
	TRACE_NOT_KNOWN,
	TRACE_DOMAIN_TOO_WIDE,
	TRACE_KNOWN_DOMAIN,
	TRACE_TRIES,
	TRACE_TOO_FEW_TRIES,
	TRACE_RGREY,
	TRACE_STARPIT,
	TRACE_STRICT,
	TRACE_TARGREY_GONE,
	TRACE_TARGREY_HELD,
	TRACE_NO_STORE,
	TRACE_RECORD, /* and what record_says() */
	TRACE_RECORD_LAST = TRACE_RECORD + RECORD_SAYINGS - 1,
	TRACE_MARKED,
	TRACE_OBSERVE,
	TRACE_UNMARKED,
	TRACE_TRIAL,
	TRACE_SAIDS
};
/* A step's name, and what it said. */
struct trace_text {
	const char *step, *said;
};
extern const struct trace_text trace_texts[TRACE_SAIDS];

struct trace_step {
	uint8_t said; /* enum trace_said */
	bool spoke;   /* this step decided */
};
#define TRACE_MAX 8

struct judgement {
	enum verdict verdict;
	enum why why;
	/*
	 * The selector that made the client a suspect (or the one on trial, when
	 * why is WHY_WARN); WHY_NONE when there is none.
	 */
	enum why suspect;
	enum verdict
	    would; /* observe, warn: what would have been done; else pass */
	bool then_greylist; /* strict: the hold is followed by a 450 */
	bool is_suspect;
	/* WHY_TRIES: of the row that lets it pass, with this attempt counted. */
	bool passed_before;
	uint32_t grey_tries;
	int64_t grey_secs;
	bool early; /* this attempt or an earlier one came too early */
	/*
	 * MXs where the mail was tried so far, this one included (record/mx.h); of
	 * several triplets, the one tried at the most MXs. 0: the record is not
	 * known.
	 */
	uint64_t mxs;
	struct trace_step trace[TRACE_MAX];
	uint8_t trace_count;
};

/*
 * history  NULL when the store could not be asked: then nobody is known and
 *          no tries are known
 */
struct judgement judge(const struct policy_settings *settings,
    const struct facts *facts, const struct history *history, int64_t now);

/* What to do instead of a hold for which the budget has no room. */
enum verdict judge_overflow(
    const struct policy_settings *settings, const struct history *history);

#endif
