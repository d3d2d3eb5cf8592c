/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "store/apply.h"
#include "store/keys.h"
#include "query/query_private.h"

/* --------------------------------------------------------------------- known */

struct allowance {
	const struct ip *ip;
	const char *domain;
	int64_t now, until;
	bool found;
};

/* false: nothing is on record that could be taken back. */
static bool
set_known(struct allowance *allowance, int64_t *first_seen, int64_t *last_seen,
    int64_t *known_until, uint32_t *counted)
{
	allowance->found = *first_seen != 0;
	if (!allowance->found && allowance->until == 0)
		return false;
	if (!allowance->found)
		*first_seen = *last_seen = allowance->now;
	*known_until = allowance->until;
	if (allowance->until == 0)
		*counted = 0;
	return true;
}

static bool
allow_address(struct query *query, void *ctx, struct trouble *trouble)
{
	struct allowance *allowance = ctx;
	int64_t key = key_from_ip(allowance->ip);
	struct address_record record;

	if (!query->ops->find_address(query->view, key, &record, trouble))
		return false;
	return !set_known(allowance, &record.first_seen, &record.last_seen,
	           &record.known_until, &record.counted) ||
	       query->ops->keep_address(query->view, key, &record, trouble);
}

static bool
allow_domain(struct query *query, void *ctx, struct trouble *trouble)
{
	struct allowance *allowance = ctx;
	int64_t day = backend_day(allowance->now);
	struct domain_record record;

	if (!query->ops->find_domain(
	        query->view, allowance->domain, day, &record, trouble))
		return false;
	return !set_known(allowance, &record.first_seen, &record.last_seen,
	           &record.known_until, &record.counted) ||
	       query->ops->keep_domain(
	           query->view, allowance->domain, day, &record, trouble);
}

static bool
allow(struct query *query, struct allowance *allowance, bool *found_r,
    struct error *error)
{
	struct trouble trouble = {0};
	bool ok = query_change_rows(query,
	    allowance->domain != NULL ? allow_domain : allow_address, allowance,
	    &trouble);

	if (found_r != NULL)
		*found_r = allowance->found;
	return ok || query_failed(query, &trouble, error);
}

bool
query_allow_address(struct query *query, const struct ip *ip, int64_t now,
    int64_t until, bool *found_r, struct error *error)
{
	struct allowance allowance = {.ip = ip, .now = now, .until = until};

	return allow(query, &allowance, found_r, error);
}

bool
query_allow_domain(struct query *query, const char *domain, int64_t now,
    int64_t until, bool *found_r, struct error *error)
{
	struct allowance allowance = {.domain = domain, .now = now, .until = until};

	return allow(query, &allowance, found_r, error);
}

/* -------------------------------------------------------------------- expire */

#define EXPIRED_AT_ONCE 1000

struct expiring {
	const struct expiry *expiry;
	bool more;
};

static bool
expire_slice(struct query *query, void *ctx, struct trouble *trouble)
{
	struct expiring *expiring = ctx;

	return query->ops->expire(
	    query->view, expiring->expiry, &expiring->more, trouble);
}

static bool
expire_slices(
    struct query *query, const struct expiry *expiry, struct trouble *trouble)
{
	struct expiring expiring = {expiry, true};

	while (expiring.more) {
		if (!query_change_rows(query, expire_slice, &expiring, trouble))
			return false;
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

/* How far in time from an imported row another of its triplet is looked for. */
#define NEAR_S (2 * 86400)

/* The row of a client's triplet, and that of KEY_ANYWHERE. */
struct pair {
	int64_t hashes[2], held;
	struct grey_row was[2];
};

static bool
find_pair(struct query *query, const struct triplet *triplet, const char *client,
    int64_t waits_since, struct pair *pair_r, struct trouble *trouble)
{
	const char *clients[] = {client, KEY_ANYWHERE};
	int64_t since = waits_since - NEAR_S, until = waits_since + NEAR_S;

	*pair_r = (struct pair){0};
	for (int i = 0; i < 2; i++)
		pair_r->hashes[i] = key_triplet(
		    query->secret, clients[i], triplet->sender, triplet->recipient);
	if (query->ops->find_pair == NULL)
		return query->ops->find_triplet(query->view, pair_r->hashes[0],
		    since, until, pair_r->was, trouble);
	return query->ops->find_pair(query->view, pair_r->hashes, since, until,
	    pair_r->was, &pair_r->held, trouble);
}

static bool
keep_pair(struct query *query, const struct pair *pair, const struct grey_row *row,
    const struct triplet_text *text, struct trouble *trouble)
{
	const struct grey_row rows[] = {*row, pair->was[1]};
	const bool wanted[] = {true, false};

	if (query->ops->keep_pair == NULL)
		return query->ops->keep_triplet(
		    query->view, pair->hashes[0], pair->was, row, text, trouble);
	return query->ops->keep_pair(query->view, pair->hashes, pair->was, rows,
	    wanted, pair->held, text, trouble);
}

static bool
import_triplet(struct query *query, const char *client,
    const struct triplet *triplet, const struct grey_row *row,
    struct trouble *trouble)
{
	struct triplet_text text = {.client = client,
	    .sender = triplet->sender,
	    .recipient = triplet->recipient,
	    .pair = key_pair(query->secret, client, triplet->sender)};
	char sender[PERSON_SIZE], recipient[PERSON_SIZE];
	struct pair pair;

	if (query->hash_people) {
		text.sender = person_hash(query->secret, text.sender, sender);
		text.recipient =
		    person_hash(query->secret, text.recipient, recipient);
	}
	if (!find_pair(
	        query, triplet, client, backend_waits_since(row), &pair, trouble))
		return false;
	const struct grey_row *was = &pair.was[0];
	if (was->first != 0 &&
	    (was->last >= row->last || was->passed > row->passed))
		return true;
	return keep_pair(query, &pair, row, &text, trouble);
}

struct imported {
	const char *client; /* of a triplet */
	struct triplet triplet;
	const struct grey_row *row;
	const struct ip *ip; /* of an address */
	const struct address_record *record;
};

static bool
import_row(struct query *query, void *ctx, struct trouble *trouble)
{
	const struct imported *imported = ctx;

	return import_triplet(
	    query, imported->client, &imported->triplet, imported->row, trouble);
}

bool
query_import_triplet(struct query *query, const struct ip *ip, const char *sender,
    const char *recipient, const struct grey_row *row, struct error *error)
{
	struct trouble trouble = {0};
	struct ipnet net = key_network(ip);
	char client[IPNET_TEXT_SIZE];
	struct imported imported = {.client = ipnet_to_text(&net, client),
	    .triplet = {sender, recipient},
	    .row = row};

	return query_change_rows(query, import_row, &imported, &trouble) ||
	       query_failed(query, &trouble, error);
}

static bool
import_address(struct query *query, void *ctx, struct trouble *trouble)
{
	const struct imported *imported = ctx;
	int64_t key = key_from_ip(imported->ip);
	struct address_record was;

	if (!query->ops->find_address(query->view, key, &was, trouble))
		return false;
	if (was.first_seen != 0 && was.last_seen >= imported->record->last_seen)
		return true;
	return query->ops->keep_address(
	    query->view, key, imported->record, trouble);
}

bool
query_import_address(struct query *query, const struct ip *ip,
    const struct address_record *record, struct error *error)
{
	struct trouble trouble = {0};
	struct imported imported = {.ip = ip, .record = record};

	return query_change_rows(query, import_address, &imported, &trouble) ||
	       query_failed(query, &trouble, error);
}
