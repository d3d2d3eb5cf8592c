/* SPDX-License-Identifier: BSD-2-Clause */
/* What became of a message, and what that teaches the record. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "policy/origin.h"
#include "query/query_private.h"
#include "record/organisation.h"
#include "store/apply.h"
#include "store/keys.h"

/* ------------------------------------------------------------------ feedback */

#define RECIPIENT_SIZE 512

struct rated {
	struct ip ip;
	char name[ORIGIN_SIZE], domain[ORIGIN_SIZE], recipient[RECIPIENT_SIZE];
	bool exists, is_exempt;
	bool has_feedback, was_spam, was_person; /* the verdict before this one */
	int64_t logged;
};

static bool
rate_address(struct query *query, const struct rated *rated,
    const struct rating *rating, struct trouble *trouble)
{
	int64_t key = key_from_ip(&rated->ip);
	struct address_record record;

	if (!query->ops->find_address(query->view, key, &record, trouble))
		return false;
	if (record.first_seen == 0)
		return true;
	address_fade(&record, query->half_life_s, query->now);
	rating_count(rating, query->half_life_s, &record.ham, &record.spam);
	if (rating->is_spam) {
		record.counted = 0;
		if (record.known_until < KNOWN_FOREVER)
			record.known_until = 0;
	}
	return query->ops->keep_address(query->view, key, &record, trouble);
}

static bool
rate_origins(struct query *query, const struct rated *rated,
    const struct rating *rating, struct trouble *trouble)
{
	const char *name = *rated->name == '\0' ? NULL : rated->name;
	struct store_who who = {.ip = rated->ip,
	    .domain = *rated->domain == '\0' ? NULL : rated->domain,
	    .organisation = organisation_of(name)};
	struct apply apply = {.ops = query->ops,
	    .view = query->view,
	    .half_life_s = query->half_life_s};
	struct domain_record domain = {0};

	return (who.domain == NULL ||
	           query->ops->find_domain(query->view, who.domain,
	               backend_day(query->now), &domain, trouble)) &&
	       origins_rate(&apply, &who, &domain, rating, trouble);
}

static bool
rate(struct query *query, const struct rated *rated, bool is_spam, bool by_person,
    struct trouble *trouble)
{
	struct rating rating = {.is_spam = is_spam,
	    .by_person = by_person,
	    .person = (uint64_t)key_text(query->secret, "person", rated->recipient),
	    .now = query->now,
	    .corrected_at = rated->has_feedback ? rated->logged : 0,
	    .corrected_spam = rated->was_spam};
	unsigned *site = is_spam ? &query->site_spam : &query->site_ham;

	if (rated->is_exempt)
		return true;
	*site += rating_weight(&rating);
	return rate_address(query, rated, &rating, trouble) &&
	       rate_origins(query, rated, &rating, trouble);
}

static bool
look_at_event(void *arg, const struct event *event)
{
	struct rated *rated = arg;

	*rated = (struct rated){.ip = event->ip,
	    .exists = true,
	    .is_exempt = event->exempt != NULL,
	    .has_feedback = event->feedback != NULL,
	    .was_spam =
	        event->feedback != NULL && strcmp(event->feedback, "spam") == 0,
	    .was_person = event->by_person,
	    .logged = event->logged};
	text_copy(rated->name, sizeof rated->name,
	    event->name == NULL ? "" : event->name);
	text_lower(rated->name);
	text_copy(rated->domain, sizeof rated->domain,
	    event->spf_domain == NULL ? "" : event->spf_domain);
	if (event->recipients != NULL)
		snprintf(rated->recipient, sizeof rated->recipient, "%.*s",
		    (int)strcspn(event->recipients, " "), event->recipients);
	return false;
}

struct feedback {
	int64_t event_id;
	double score;
	const char *verdict;
	bool by_person;
};

static bool
feed_back(struct query *query, void *ctx, struct trouble *trouble)
{
	const struct feedback *feedback = ctx;
	const char *verdict = feedback->verdict;
	struct event_search search = {
	    .id = feedback->event_id, .words = UINT64_C(1) << SK_SID};
	struct rated rated = {.exists = false};

	if (!query->ops->each_event(
	        query->view, &search, look_at_event, &rated, trouble))
		return false;
	if (!rated.exists)
		return true;
	/* A person's verdict stays, and replaces a filter's. */
	if (rated.has_feedback && (rated.was_person || !feedback->by_person))
		verdict = NULL;
	if (verdict != NULL && !rate(query, &rated, strcmp(verdict, "spam") == 0,
	                           feedback->by_person, trouble))
		return false;
	return query->ops->rate_event(query->view, feedback->event_id,
	    feedback->score, verdict, feedback->by_person && verdict != NULL,
	    trouble);
}

bool
query_feedback(struct query *query, int64_t event_id, double score,
    const char *verdict, bool by_person, struct error *error)
{
	struct trouble trouble = {0};
	struct feedback feedback = {event_id, score, verdict, by_person};

	return query_change_rows(query, feed_back, &feedback, &trouble) ||
	       query_failed(query, &trouble, error);
}

/* ------------------------------------------------------------------- refusal */

/* How an event was counted; see session/record.c, outcome_of(). */
enum counted { COUNTED_NOTHING, COUNTED_SUCCESS, COUNTED_UNPROVEN };

struct refused {
	bool is_delivered;
	enum counted counted;
	int64_t logged;
	struct ip ip;
	char domain[256];
};

static enum counted
counted_as(const struct event *event)
{
	if (event->exempt != NULL ||
	    strcmp(event->words->value[SK_MODE], "observe") == 0)
		return COUNTED_NOTHING;
	if (strcmp(event->words->value[SK_WHY], "tries") == 0 ||
	    event->hold_end == HOLD_ENDURED)
		return COUNTED_SUCCESS;
	return event->hold_end == HOLD_UNPROVEN ? COUNTED_UNPROVEN
	                                        : COUNTED_NOTHING;
}

static bool
look_at_refused(void *arg, const struct event *event)
{
	struct refused *refused = arg;
	const char *domain = event->spf_domain;

	*refused = (struct refused){.is_delivered = event->delivered,
	    .counted = counted_as(event),
	    .logged = event->logged,
	    .ip = event->ip};
	if (domain != NULL && strlen(domain) < sizeof refused->domain)
		strcpy(refused->domain, domain);
	return false;
}

/* Takes back one success; what it made known is known no longer. */
static void
take_back(uint32_t known_successes, uint32_t *successes, uint32_t *counted,
    int64_t *last_success, int64_t *last_counted, int64_t *known_until)
{
	if (*successes > 0)
		--*successes;
	if (*counted > *successes)
		*counted = *successes;
	if (*successes == 0)
		*last_success = *last_counted = 0;
	if (*counted < known_successes && *known_until < KNOWN_FOREVER)
		*known_until = 0;
}

/* Of the unproven ones of a day only the first is counted. */
static bool
is_counted(const struct refused *refused, const struct success_rules *rules,
    const struct address_record *record)
{
	if (refused->counted != COUNTED_UNPROVEN || rules->trust_eom)
		return true;
	return record->last_unproven >= refused->logged - 1 &&
	       record->last_unproven <= refused->logged + 1;
}

static bool
address_loses(struct query *query, const struct refused *refused,
    const struct success_rules *rules, struct trouble *trouble)
{
	int64_t key = key_from_ip(&refused->ip);
	struct address_record record;

	if (!query->ops->find_address(query->view, key, &record, trouble))
		return false;
	if (record.first_seen == 0 || !is_counted(refused, rules, &record))
		return true;
	take_back(rules->known_successes, &record.successes, &record.counted,
	    &record.last_success, &record.last_counted, &record.known_until);
	return query->ops->keep_address(query->view, key, &record, trouble);
}

static bool
domain_loses(struct query *query, const struct refused *refused,
    const struct success_rules *rules, struct trouble *trouble)
{
	int64_t day = backend_day(rules->now);
	const char *name = refused->domain;
	struct domain_record record;

	if (*name == '\0' ||
	    (refused->counted == COUNTED_UNPROVEN && !rules->trust_eom))
		return true;
	if (!query->ops->find_domain(query->view, name, day, &record, trouble))
		return false;
	if (record.first_seen == 0)
		return true;
	take_back(rules->known_successes, &record.successes, &record.counted,
	    &record.last_success, &record.last_counted, &record.known_until);
	return query->ops->keep_domain(query->view, name, day, &record, trouble);
}

struct refusal {
	int64_t event_id;
	const char *reply;
	bool is_final;
	const struct success_rules *rules;
};

static bool
refuse(struct query *query, void *ctx, struct trouble *trouble)
{
	const struct refusal *refusal = ctx;
	struct event_search search = {.id = refusal->event_id,
	    .words = UINT64_C(1) << SK_MODE | UINT64_C(1) << SK_WHY};
	struct refused refused = {.is_delivered = false};

	if (!query->ops->each_event(
	        query->view, &search, look_at_refused, &refused, trouble))
		return false;
	if (!refused.is_delivered)
		return true;
	if (refusal->is_final && refused.counted != COUNTED_NOTHING &&
	    (!address_loses(query, &refused, refusal->rules, trouble) ||
	        !domain_loses(query, &refused, refusal->rules, trouble)))
		return false;
	return query->ops->refuse_event(
	    query->view, refusal->event_id, refusal->reply, trouble);
}

bool
query_refusal(struct query *query, int64_t event_id, const char *reply,
    bool is_final, const struct success_rules *rules, struct error *error)
{
	struct trouble trouble = {0};
	struct refusal refusal = {event_id, reply, is_final, rules};

	return query_change_rows(query, refuse, &refusal, &trouble) ||
	       query_failed(query, &trouble, error);
}
