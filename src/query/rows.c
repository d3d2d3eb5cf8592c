/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
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

bool
query_addresses(struct query *query, const struct ipnet *net, int64_t known_at,
    bool (*each)(void *ctx, const struct address_row *row), void *ctx,
    struct error *error)
{
	struct trouble trouble = {0};
	struct addresses_work work = {net, each, ctx, query};
	struct address_search search = {INT64_MIN, INT64_MAX, known_at};

	if (net != NULL)
		key_range(net, &search.low, &search.high);
	if (query_enter(query, &trouble) &&
	    query_leave(query, query->ops->each_address(query->view, &search,
	                           give_address, &work, &trouble)))
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
query_domain(struct query *query, const char *name, int64_t now,
    bool (*each)(void *ctx, const struct domain_row *row), void *ctx,
    struct error *error)
{
	struct trouble trouble = {0};
	struct domain_row row = {.name = name};

	if (!query_enter(query, &trouble) ||
	    !query_leave(query, query->ops->find_domain(query->view, name,
	                            backend_day(now), &row.record, &trouble)))
		return query_failed(query, &trouble, error);
	if (row.record.first_seen != 0)
		each(ctx, &row);
	return true;
}

bool
query_domains(struct query *query, int64_t now, int64_t known_at,
    bool (*each)(void *ctx, const struct domain_row *row), void *ctx,
    struct error *error)
{
	struct trouble trouble = {0};
	struct domains_work work = {each, ctx};

	if (query_enter(query, &trouble) &&
	    query_leave(
	        query, query->ops->each_domain(query->view, backend_day(now),
	                   known_at, give_domain, &work, &trouble)))
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

/* Is the network inside ours, or around it? */
static bool
is_of(const struct ipnet *wanted, const char *client)
{
	struct ipnet net;

	return ipnet_from_text(client, &net) &&
	       (ipnet_has(wanted, &net.ip) || ipnet_has(&net, &wanted->ip));
}

static bool
give_triplet(void *arg, int64_t hash, const struct grey_row *row,
    const struct triplet_text *text)
{
	struct triplets_work *work = arg;
	const struct triplet_filter *filter = work->filter;
	struct triplet_row found = {
	    text->client, text->sender, text->recipient, *row, hash, text->held_by};
	int64_t used = row->passed > row->last ? row->passed : row->last;

	if (used < filter->since ||
	    (filter->client != NULL && strcmp(text->client, filter->client) != 0) ||
	    (filter->net != NULL && !is_of(filter->net, text->client)) ||
	    !query_person_matches(work->query, text->sender, filter->sender) ||
	    !query_person_matches(work->query, text->recipient, filter->recipient))
		return true;
	work->ended = !work->each(work->ctx, &found);
	return !work->ended;
}

/* What the texts of all keys of a network begin with: "192.0." for 192.0.0.0/20. */
static void
common_text(const struct ipnet *net, char text[static IPNET_TEXT_SIZE])
{
	const uint8_t *bytes = net->ip.bytes;
	size_t used = 0;

	text[0] = '\0';
	if (net->prefix >= 96 && ip_is_v4(&net->ip)) {
		for (unsigned i = 12; i < 15 && net->prefix >= 8 * (i + 1); i++)
			used += (size_t)snprintf(
			    text + used, IPNET_TEXT_SIZE - used, "%u.", bytes[i]);
		return;
	}
	for (unsigned i = 0; i < 3 && net->prefix >= 16 * (i + 1); i++) {
		unsigned group = bytes[2 * i] * 256U + bytes[2 * i + 1];
		if (group == 0) /* "::" may stand for more */
			return;
		used += (size_t)snprintf(
		    text + used, IPNET_TEXT_SIZE - used, "%x:", group);
	}
}

#define TEXT_END "\x7f" /* sorts after all characters of keys */

struct range {
	char from[IPNET_TEXT_SIZE], to[IPNET_TEXT_SIZE + sizeof TEXT_END];
};

static void
set_range(struct triplet_search *search, const struct triplet_filter *filter,
    struct range *range)
{
	if (filter->client != NULL) {
		search->from = search->to = filter->client;
		return;
	}
	if (filter->net == NULL)
		return;
	struct ipnet key = key_network(&filter->net->ip);
	search->from = range->from;
	if (key.prefix <= filter->net->prefix) {
		search->to = ipnet_to_text(&key, range->from);
		return;
	}
	search->to = range->to;
	common_text(filter->net, range->from);
	snprintf(range->to, sizeof range->to, "%s" TEXT_END, range->from);
}

static bool
walk_triplets(struct triplets_work *work, struct trouble *trouble)
{
	struct query *query = work->query;
	struct triplet_search search = {.from = NULL};
	struct range range;

	set_range(&search, work->filter, &range);

	for (int has_passed = 0; has_passed <= 1; has_passed++) {
		enum triplet_state skipped =
		    has_passed ? TRIPLETS_WAITING : TRIPLETS_PASSED;
		if (work->ended || work->filter->state == skipped)
			continue;
		search.has_passed = has_passed;
		if (!query->ops->each_triplet(
		        query->view, &search, give_triplet, work, trouble))
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
