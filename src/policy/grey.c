/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/grey.h"

#include "record/mx.h"

#define HOUR_S 3600
#define DAY_S  86400
/* Concurrent sessions may be noted out of order, by a second or a disk stall. */
#define CLOCK_SLACK_S 60

/* Was it noted before the clock was set back? */
static bool
is_future(int64_t time, int64_t now)
{
	return time > now + CLOCK_SLACK_S;
}

static void
leave_future(int64_t *time, int64_t now)
{
	if (is_future(*time, now))
		*time = now;
}

static bool
has_expired(
    const struct policy_settings *settings, const struct grey_row *row, int64_t now)
{
	if (row->passed != 0)
		return now - row->passed > settings->max_age_s;
	if (row->tries == 0)
		return now - row->first > settings->retry_window_s;
	return now - row->last > settings->retry_window_s;
}

/*
 * Nobody knows how long ago the first attempt was; this one came later and counts,
 * so that a clock set back costs one delay_s at most.
 */
static struct grey_row
start_from_future(
    const struct policy_settings *settings, struct grey_row row, int64_t now)
{
	row.first = row.last = row.last_try = now;
	row.tries++;
	row.mxs = mx_add(row.mxs, settings->mx, false);
	return row;
}

static struct grey_row
attempt(const struct policy_settings *settings, struct grey_row row, int64_t now)
{
	if (row.first == 0 || has_expired(settings, &row, now))
		return (struct grey_row){.first = now,
		    .last = now,
		    .mxs = mx_add(0, settings->mx, false)};
	if (row.passed != 0) {
		leave_future(&row.passed, now);
		leave_future(&row.first, now);
		row.last = now;
		return row;
	}
	if (is_future(row.first, now))
		return start_from_future(settings, row, now);
	if (is_future(row.last, now))
		row.last = row.first;
	if (is_future(row.last_try, now))
		row.last_try = 0;
	bool is_walk = now - row.last < settings->retry_gap_s;
	if (is_walk && (settings->mx == 0 || mx_is_walked(row.mxs, settings->mx)))
		row.early = true;
	row.mxs = mx_add(row.mxs, settings->mx, is_walk);
	int64_t since = row.last_try != 0 ? row.last_try : row.first;
	if (now - row.first >= settings->delay_s &&
	    now - since >= settings->retry_gap_s) {
		row.tries++;
		row.last_try = now;
	}
	row.last = now;
	return row;
}

struct grey_row
grey_step(const struct policy_settings *settings, struct grey_row row,
    enum outcome outcome, int64_t now)
{
	switch (outcome) {
	case OUTCOME_ATTEMPT:
		return attempt(settings, row, now);
	case OUTCOME_DOMAIN_FOUND:
		return row.first != 0 && now <= row.last
		           ? row /* the attempt, or a later one, is in it */
		           : attempt(settings, row, now);
	case OUTCOME_PASSED:
		row = attempt(settings, row, now);
		row.passed = now;
		row.mxs = 0; /* later attempts are for another mail */
		return row;
	case OUTCOME_NONE:
	case OUTCOME_GONE:
	case OUTCOME_ENDURED:
	case OUTCOME_UNPROVEN:
	case OUTCOME_KNOWN:
	case OUTCOME_SEEN:
		break;
	}
	return row;
}

struct grey_row
grey_step_anywhere(const struct policy_settings *settings, struct grey_row row,
    enum outcome outcome, int64_t now)
{
	if (outcome != OUTCOME_ATTEMPT && outcome != OUTCOME_DOMAIN_FOUND &&
	    outcome != OUTCOME_PASSED)
		return row;
	if ((outcome == OUTCOME_PASSED && row.first == 0) ||
	    (outcome == OUTCOME_DOMAIN_FOUND && row.first != 0 && now <= row.last))
		return row;
	if (outcome == OUTCOME_PASSED || row.first == 0 ||
	    has_expired(settings, &row, now) || is_future(row.first, now) ||
	    is_future(row.last, now))
		return (struct grey_row){.first = now,
		    .last = now,
		    .last_try = now,
		    .mxs = mx_add(0, settings->mx, false)};
	if (now - row.last_try >= GREY_ANYWHERE_GAP_S) {
		row.tries++;
		row.last_try = now;
	}
	row.last = now;
	row.mxs = mx_add(row.mxs, settings->mx, false);
	return row;
}

bool
grey_passes_anywhere(
    const struct grey_row *row, int64_t retry_window_s, int64_t now)
{
	return row->first != 0 && row->tries >= GREY_ANYWHERE_TRIES &&
	       now - row->first >= GREY_ANYWHERE_S &&
	       now - row->last <= retry_window_s && !is_future(row->last, now);
}

bool
grey_passes(
    const struct policy_settings *settings, const struct grey_row *row, int64_t now)
{
	if (row->first == 0 || has_expired(settings, row, now))
		return false;
	return row->passed != 0 || row->tries >= settings->retry_count;
}

struct grey_row
grey_better(struct grey_row a, struct grey_row b)
{
	if (a.first == 0 || b.first == 0)
		return a.first == 0 ? b : a;
	if (a.passed != b.passed)
		return a.passed > b.passed ? a : b;
	if (a.tries != b.tries)
		return a.tries > b.tries ? a : b;
	return a.first <= b.first ? a : b;
}

static void
count_success(const struct policy_settings *settings, int64_t now,
    int64_t *last_counted, uint32_t *counted, int64_t *known_until)
{
	if (*last_counted == 0 || is_future(*last_counted, now) ||
	    now - *last_counted >= settings->known_gap_s) {
		(*counted)++;
		*last_counted = now;
	}
	if (settings->known_successes != 0 && *counted >= settings->known_successes)
		*known_until = now + settings->max_age_s;
}

static void
address_succeeds(const struct policy_settings *settings,
    struct address_record *record, int64_t now)
{
	record->successes++;
	record->last_success = now;
	record->gaveup = 0;
	record->gaveup_secs = 0;
	record->last_gaveup = 0;
	count_success(settings, now, &record->last_counted, &record->counted,
	    &record->known_until);
}

struct address_record
address_step(const struct policy_settings *settings, struct address_record record,
    enum outcome outcome, uint32_t secs, int64_t now)
{
	if (outcome == OUTCOME_NONE)
		return record;
	leave_future(&record.first_seen, now);
	leave_future(&record.last_success, now);
	leave_future(&record.last_unproven, now);
	leave_future(&record.last_gaveup, now);
	bool was_success_lately =
	    record.last_success != 0 && now - record.last_success < HOUR_S;
	if (record.first_seen == 0)
		record.first_seen = now;
	record.last_seen = now;
	switch (outcome) {
	case OUTCOME_NONE:
	case OUTCOME_ATTEMPT:
	case OUTCOME_DOMAIN_FOUND:
		break;
	case OUTCOME_GONE:
		if (was_success_lately)
			break;
		record.gaveup++;
		record.gaveup_secs = secs;
		record.last_gaveup = now;
		break;
	case OUTCOME_UNPROVEN:
		if (!settings->trust_eom) {
			if (record.last_unproven != 0 &&
			    now - record.last_unproven < DAY_S)
				break;
			record.last_unproven = now;
		}
		address_succeeds(settings, &record, now);
		break;
	case OUTCOME_ENDURED:
	case OUTCOME_PASSED:
		address_succeeds(settings, &record, now);
		break;
	case OUTCOME_KNOWN:
		if (record.known_until >= now)
			record.known_until = now + settings->max_age_s;
		break;
	case OUTCOME_SEEN:
		record.sessions++;
		break;
	}
	return record;
}

struct domain_record
domain_step(const struct policy_settings *settings, struct domain_record record,
    enum outcome outcome, int64_t now)
{
	if (outcome == OUTCOME_NONE)
		return record;
	leave_future(&record.first_seen, now);
	leave_future(&record.last_success, now);
	if (record.first_seen == 0)
		record.first_seen = now;
	record.last_seen = now;
	if (outcome == OUTCOME_UNPROVEN && settings->trust_eom)
		outcome = OUTCOME_ENDURED;
	switch (outcome) {
	case OUTCOME_ENDURED:
	case OUTCOME_PASSED:
		record.successes++;
		record.last_success = now;
		count_success(settings, now, &record.last_counted, &record.counted,
		    &record.known_until);
		break;
	case OUTCOME_KNOWN:
		if (record.known_until >= now)
			record.known_until = now + settings->max_age_s;
		break;
	case OUTCOME_NONE:
	case OUTCOME_ATTEMPT:
	case OUTCOME_DOMAIN_FOUND:
	case OUTCOME_GONE:
	case OUTCOME_UNPROVEN:
	case OUTCOME_SEEN:
		break;
	}
	return record;
}

bool
address_is_gone(const struct policy_settings *settings,
    const struct address_record *record, int64_t now)
{
	return record->last_gaveup != 0 &&
	       record->last_gaveup > record->last_success &&
	       now - record->last_gaveup <= settings->retry_window_s;
}
