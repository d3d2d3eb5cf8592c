/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "policy/origin.h"
#include "query/query_private.h"
#include "store/keys.h"

struct addresses_work {
	const struct ipnet *net;
	bool (*each)(void *ctx, const struct address_row *row);
	void *ctx;
	const struct query *query;
};

static bool
give_address(void *arg, int64_t key, const struct address_record *record)
{
	struct addresses_work *work = arg;
	struct address_row row = {.ip = key_to_ip(key), .record = *record};

	if (work->net != NULL && !ipnet_has(work->net, &row.ip))
		return true;
	address_fade(&row.record, work->query->half_life_s, work->query->now);
	return work->each(work->ctx, &row);
}

/* The one record that a network can have, by its key. */
static bool
look_up(struct query *query, int64_t known_at, struct addresses_work *work,
    struct trouble *trouble)
{
	struct ip ip = key_address(&work->net->ip);
	struct address_row row = {.ip = ip};

	if (!query->ops->find_address(
	        query->view, key_from_ip(&ip), &row.record, trouble))
		return false;
	address_fade(&row.record, query->half_life_s, query->now);
	if (row.record.first_seen != 0 &&
	    (known_at == 0 || row.record.known_until >= known_at))
		work->each(work->ctx, &row);
	return true;
}

static bool
is_one_record(const struct ipnet *net)
{
	return net != NULL &&
	       (net->prefix == 128 || (!ip_is_v4(&net->ip) && net->prefix >= 64));
}

bool
query_addresses(struct query *query, const struct ipnet *net, int64_t known_at,
    bool (*each)(void *ctx, const struct address_row *row), void *ctx,
    struct error *error)
{
	struct trouble trouble = {0};
	struct addresses_work work = {net, each, ctx, query};

	if (!query_enter(query, &trouble))
		return query_failed(query, &trouble, error);
	bool ok = is_one_record(net) ? look_up(query, known_at, &work, &trouble)
	                             : query->ops->each_address(query->view,
	                                   known_at, give_address, &work, &trouble);
	if (query_leave(query, ok))
		return true;
	return query_failed(query, &trouble, error);
}

struct domains_work {
	bool (*each)(void *ctx, const struct domain_row *row);
	void *ctx;
};

static bool
give_domain(void *arg, const char *name, const struct domain_record *record)
{
	struct domains_work *work = arg;
	struct domain_row row = {name, *record};

	return work->each(work->ctx, &row);
}

bool
query_domains(struct query *query, int64_t known_at,
    bool (*each)(void *ctx, const struct domain_row *row), void *ctx,
    struct error *error)
{
	struct trouble trouble = {0};
	struct domains_work work = {each, ctx};

	if (query_enter(query, &trouble) &&
	    query_leave(query, query->ops->each_domain(query->view, known_at,
	                           give_domain, &work, &trouble)))
		return true;
	return query_failed(query, &trouble, error);
}

struct triplets_work {
	struct query *query;
	const struct triplet_filter *filter;
	bool (*each)(void *ctx, const struct triplet_row *row);
	void *ctx;
	bool ended;
};

static bool
give_triplet(void *arg, int64_t hash, const struct grey_row *row,
    const struct triplet_text *text)
{
	struct triplets_work *work = arg;
	const struct triplet_filter *filter = work->filter;
	struct triplet_row found = {
	    text->client, text->sender, text->recipient, *row, hash};
	int64_t used = row->passed > row->last ? row->passed : row->last;

	if (used < filter->since ||
	    (filter->client != NULL && strcmp(text->client, filter->client) != 0) ||
	    !query_person_matches(work->query, text->sender, filter->sender) ||
	    !query_person_matches(work->query, text->recipient, filter->recipient))
		return true;
	work->ended = !work->each(work->ctx, &found);
	return !work->ended;
}

static bool
walk_triplets(struct triplets_work *work, struct trouble *trouble)
{
	struct query *query = work->query;

	for (int has_passed = 0; has_passed <= 1; has_passed++) {
		enum triplet_state skipped =
		    has_passed ? TRIPLETS_WAITING : TRIPLETS_PASSED;
		if (work->ended || work->filter->state == skipped)
			continue;
		if (!query->ops->each_triplet(
		        query->view, has_passed, give_triplet, work, trouble))
			return false;
	}
	return true;
}

bool
query_triplets(struct query *query, const struct triplet_filter *filter,
    bool (*each)(void *ctx, const struct triplet_row *row), void *ctx,
    struct error *error)
{
	struct trouble trouble = {0};
	struct triplets_work work = {query, filter, each, ctx, false};

	if (query_enter(query, &trouble) &&
	    query_leave(query, walk_triplets(&work, &trouble)))
		return true;
	return query_failed(query, &trouble, error);
}
