/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "store/apply.h"
#include "store/keys.h"
#include "query/query_private.h"

/* --------------------------------------------------------------------- known */

static bool
allow_address(struct query *query, const struct ip *ip, int64_t now, int64_t until,
    bool *found_r, struct trouble *trouble)
{
	int64_t key = key_from_ip(ip);
	struct address_record record;

	if (!query->ops->find_address(query->view, key, &record, trouble))
		return false;
	*found_r = record.first_seen != 0;
	if (!*found_r && until == 0)
		return true;
	if (!*found_r)
		record.first_seen = record.last_seen = now;
	record.known_until = until;
	if (until == 0)
		record.counted = 0;
	return query->ops->keep_address(query->view, key, &record, trouble);
}

bool
query_allow_address(struct query *query, const struct ip *ip, int64_t now,
    int64_t until, bool *found_r, struct error *error)
{
	struct trouble trouble = {0};
	bool found = false;

	bool ok;
	do {
		ok = query_enter_change(query, &trouble) &&
		     query_leave_change(query,
		         allow_address(query, ip, now, until, &found, &trouble),
		         &trouble);
	} while (!ok && query_again(query, &trouble));
	if (found_r != NULL)
		*found_r = found;
	return ok || query_failed(query, &trouble, error);
}

static bool
allow_domain(struct query *query, const char *domain, int64_t now, int64_t until,
    bool *found_r, struct trouble *trouble)
{
	struct domain_record record;

	if (!query->ops->find_domain(
	        query->view, domain, backend_day(now), &record, trouble))
		return false;
	*found_r = record.first_seen != 0;
	if (!*found_r && until == 0)
		return true;
	if (!*found_r)
		record.first_seen = record.last_seen = now;
	record.known_until = until;
	if (until == 0)
		record.counted = 0;
	return query->ops->keep_domain(
	    query->view, domain, backend_day(now), &record, trouble);
}

bool
query_allow_domain(struct query *query, const char *domain, int64_t now,
    int64_t until, bool *found_r, struct error *error)
{
	struct trouble trouble = {0};
	bool found = false;

	bool ok;
	do {
		ok = query_enter_change(query, &trouble) &&
		     query_leave_change(query,
		         allow_domain(query, domain, now, until, &found, &trouble),
		         &trouble);
	} while (!ok && query_again(query, &trouble));
	if (found_r != NULL)
		*found_r = found;
	return ok || query_failed(query, &trouble, error);
}

/* -------------------------------------------------------------------- expire */

#define EXPIRED_AT_ONCE 1000

static bool
expire_slices(
    struct query *query, const struct expiry *expiry, struct trouble *trouble)
{
	bool more = true;

	while (more) {
		bool ok =
		    query_enter_change(query, trouble) &&
		    query_leave_change(query,
		        query->ops->expire(query->view, expiry, &more, trouble),
		        trouble);
		if (!ok && !query_again(query, trouble))
			return false;
		more = more || !ok;
	}
	return true;
}

bool
query_expire(struct query *query, const struct store_settings *settings,
    int64_t now, struct store_counts *counts_r, struct error *error)
{
	struct trouble trouble = {0};
	struct store_status_report before, after;
	struct expiry expiry = {
	    .events_s = settings->events_s,
	    .retry_window_s = settings->retry_window_s,
	    .max_age_s = settings->max_age_s,
	    .now = now,
	    .limit = EXPIRED_AT_ONCE,
	    .thorough = true,
	};

	if (!query_report(query, &before, error))
		return false;
	if (!expire_slices(query, &expiry, &trouble))
		return query_failed(query, &trouble, error);
	if (!query_report(query, &after, error))
		return false;
		/* The daemon may have added some meanwhile. */
#define WENT(member)                                                               \
	(before.member > after.member ? before.member - after.member : 0)
	counts_r->addresses = WENT(addresses);
	counts_r->domains = WENT(domains);
	counts_r->triplets = WENT(triplets_waiting) + WENT(triplets_passed);
	counts_r->events = WENT(events);
#undef WENT
	return true;
}

/* -------------------------------------------------------------------- import */

void
query_fade(struct query *query, int64_t half_life_s, int64_t now)
{
	query->half_life_s = half_life_s;
	query->now = now;
}

void
query_hash_people(struct query *query)
{
	query->hash_people = true;
}

/* A row of the same triplet is looked for so far from the one that comes. */
#define NEAR_S (2 * 86400)

static bool
import_triplet(struct query *query, const char *client,
    const struct triplet *triplet, const struct grey_row *row,
    struct trouble *trouble)
{
	struct triplet_text text = {client, triplet->sender, triplet->recipient,
	    key_pair(query->secret, client, triplet->sender)};
	int64_t hash =
	    key_triplet(query->secret, client, triplet->sender, triplet->recipient);
	char sender[PERSON_SIZE], recipient[PERSON_SIZE];
	int64_t waits_since = backend_waits_since(row);
	struct grey_row was;

	if (query->hash_people) {
		text.sender = person_hash(query->secret, text.sender, sender);
		text.recipient =
		    person_hash(query->secret, text.recipient, recipient);
	}
	if (!query->ops->find_triplet(query->view, hash, waits_since - NEAR_S,
	        waits_since + NEAR_S, &was, trouble))
		return false;
	if (was.first != 0 && (was.last >= row->last || was.passed > row->passed))
		return true;
	return query->ops->keep_triplet(
	    query->view, hash, &was, row, &text, trouble);
}

bool
query_import_triplet(struct query *query, const struct ip *ip, const char *sender,
    const char *recipient, const struct grey_row *row, struct error *error)
{
	struct trouble trouble = {0};
	struct triplet triplet = {sender, recipient};
	struct ipnet net = key_network(ip);
	char client[IPNET_TEXT_SIZE];

	ipnet_to_text(&net, client);
	do {
		if (query_enter_change(query, &trouble) &&
		    query_leave_change(query,
		        import_triplet(query, client, &triplet, row, &trouble),
		        &trouble))
			return true;
	} while (query_again(query, &trouble));
	return query_failed(query, &trouble, error);
}

static bool
import_address(struct query *query, const struct ip *ip,
    const struct address_record *record, struct trouble *trouble)
{
	int64_t key = key_from_ip(ip);
	struct address_record was;

	if (!query->ops->find_address(query->view, key, &was, trouble))
		return false;
	if (was.first_seen != 0 && was.last_seen >= record->last_seen)
		return true;
	return query->ops->keep_address(query->view, key, record, trouble);
}

bool
query_import_address(struct query *query, const struct ip *ip,
    const struct address_record *record, struct error *error)
{
	struct trouble trouble = {0};

	do {
		if (query_enter_change(query, &trouble) &&
		    query_leave_change(query,
		        import_address(query, ip, record, &trouble), &trouble))
			return true;
	} while (query_again(query, &trouble));
	return query_failed(query, &trouble, error);
}
