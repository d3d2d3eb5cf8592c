/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/keys.h"
#include "query/query_private.h"

struct forgotten_triplet {
	int64_t hash, held_by;
	struct grey_row row;
};

/* What is to be removed; gathered first, so that the lock is held only briefly. */
struct forgotten {
	struct query *query;
	const struct forget_filter *filter;
	int64_t *addresses;
	size_t addresses_count, addresses_room;
	struct forgotten_triplet *triplets;
	size_t triplets_count, triplets_room;
	char (*origins)[ORIGIN_SIZE];
	size_t origins_count, origins_room;
	uint64_t domains, shared;
	bool had_domain; /* when it was removed */
	bool failed;
};

/* Room for one more; false when out of memory. */
static bool
make_room(void **items, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return true;
	size_t wanted = *room == 0 ? 256 : *room * 2;
	void *grown = realloc(*items, wanted * size);
	if (grown == NULL)
		return false;
	*items = grown;
	*room = wanted;
	return true;
}

static bool
gather_address(void *arg, const struct address_row *row)
{
	struct forgotten *all = arg;
	void *items = all->addresses;

	all->failed = !make_room(&items, all->addresses_count, &all->addresses_room,
	    sizeof *all->addresses);
	all->addresses = items;
	if (!all->failed)
		all->addresses[all->addresses_count++] = key_from_ip(&row->ip);
	if (!all->failed && all->filter->address != NULL)
		all->filter->address(all->filter->ctx, row);
	return !all->failed;
}

static bool
gather_domain(void *arg, const struct domain_row *row)
{
	struct forgotten *all = arg;

	(void)row;
	all->domains = 1;
	return false;
}

static bool
origin_matches(const struct forget_filter *filter, const char *name)
{
	struct ipnet net;

	if (filter->domain != NULL)
		return strcmp(name + (*name == '@'), filter->domain) == 0;
	return ipnet_from_text(name, &net) && net.prefix >= filter->net->prefix &&
	       ipnet_has(filter->net, &net.ip);
}

static bool
gather_origin(void *arg, const char *name, const struct origin_record *record)
{
	struct forgotten *all = arg;
	void *items = all->origins;

	(void)record;
	if (!origin_matches(all->filter, name))
		return true;
	all->failed = !make_room(
	    &items, all->origins_count, &all->origins_room, sizeof *all->origins);
	all->origins = items;
	if (!all->failed)
		text_copy(all->origins[all->origins_count++], ORIGIN_SIZE, name);
	return !all->failed;
}

static bool
gather_origins(struct forgotten *all, struct error *error)
{
	struct query *query = all->query;
	struct trouble trouble = {0};

	return (query_enter(query, &trouble) &&
	           query_leave(query, query->ops->each_origin(query->view,
	                                  gather_origin, all, &trouble))) ||
	       query_failed(query, &trouble, error);
}

static bool
client_matches(struct forgotten *all, const char *client)
{
	const struct forget_filter *filter = all->filter;
	struct ipnet net;

	if (filter->domain != NULL && strcmp(client, filter->domain) != 0)
		return false;
	if (filter->net == NULL)
		return true;
	if (!ipnet_from_text(client, &net))
		return false;
	if (net.prefix >= filter->net->prefix && ipnet_has(filter->net, &net.ip))
		return true;
	all->shared += ipnet_has(&net, &filter->net->ip);
	return false;
}

static bool
person_is(const struct query *query, const char *stored, const char *wanted)
{
	char hash[PERSON_SIZE];

	return wanted == NULL || strcmp(stored, wanted) == 0 ||
	       strcmp(stored, person_hash(query->secret, wanted, hash)) == 0;
}

static bool
gather_triplet(void *arg, const struct triplet_row *row)
{
	struct forgotten *all = arg;
	const struct forget_filter *filter = all->filter;

	if (!person_is(all->query, row->sender, filter->sender) ||
	    !person_is(all->query, row->recipient, filter->recipient) ||
	    !client_matches(all, row->client))
		return true;
	void *items = all->triplets;
	all->failed = !make_room(&items, all->triplets_count, &all->triplets_room,
	    sizeof *all->triplets);
	all->triplets = items;
	/* The hash is of the plain texts, which a hashed row no longer has. */
	if (!all->failed)
		all->triplets[all->triplets_count++] =
		    (struct forgotten_triplet){row->hash, row->held_by, row->row};
	if (!all->failed && filter->triplet != NULL)
		filter->triplet(filter->ctx, row);
	return !all->failed;
}

static bool
gather(struct forgotten *all, struct error *error)
{
	const struct forget_filter *filter = all->filter;
	struct triplet_filter triplets = {.state = TRIPLETS_ALL,
	    .client = all->filter->domain,
	    .net = all->filter->net};
	bool is_of_people = filter->sender != NULL || filter->recipient != NULL;
	bool addresses =
	    filter->net != NULL && filter->domain == NULL && !is_of_people;
	bool domain = filter->domain != NULL && !is_of_people;

	if ((addresses && !query_addresses(all->query, filter->net, 0,
	                      gather_address, all, error)) ||
	    (domain && !query_domain(all->query, filter->domain, 0, gather_domain,
	                   all, error)) ||
	    ((addresses || domain) && !gather_origins(all, error)) ||
	    !query_triplets(all->query, &triplets, gather_triplet, all, error))
		return false;
	if (all->failed)
		error_set(error, "out of memory");
	return !all->failed;
}

#define REMOVED_AT_ONCE 500

/* The next one; false when it failed. */
static bool
remove_next(struct forgotten *all, size_t next, struct store_counts *counts,
    struct trouble *trouble)
{
	struct query *query = all->query;
	bool was_there = false;

	if (next < all->addresses_count) {
		bool ok = query->ops->drop_address(
		    query->view, all->addresses[next], &was_there, trouble);
		counts->addresses += was_there;
		return ok;
	}
	next -= all->addresses_count;
	if (next < all->origins_count) {
		bool ok = query->ops->drop_origin(
		    query->view, all->origins[next], &was_there, trouble);
		counts->origins += was_there;
		return ok;
	}
	const struct forgotten_triplet *triplet =
	    &all->triplets[next - all->origins_count];
	bool ok = query->ops->drop_triplet(query->view, triplet->hash,
	    triplet->held_by, &triplet->row, &was_there, trouble);
	counts->triplets += was_there;
	return ok;
}

static bool
remove_domain(struct query *query, void *ctx, struct trouble *trouble)
{
	struct forgotten *all = ctx;

	return query->ops->drop_domain(
	    query->view, all->filter->domain, &all->had_domain, trouble);
}

/* Those of one transaction. */
struct slice {
	struct forgotten *all;
	size_t from, end;
	struct store_counts before, after;
};

static bool
remove_slice(struct query *query, void *ctx, struct trouble *trouble)
{
	struct slice *slice = ctx;
	bool ok = true;

	(void)query;
	slice->after = slice->before;
	for (size_t i = slice->from; ok && i < slice->end; i++)
		ok = remove_next(slice->all, i, &slice->after, trouble);
	return ok;
}

static bool
remove_all(
    struct forgotten *all, struct store_counts *counts, struct trouble *trouble)
{
	struct query *query = all->query;
	size_t next = 0, total = all->addresses_count + all->origins_count +
	                         all->triplets_count;
	bool ok = true;

	while (ok && next < total) {
		size_t end =
		    total - next < REMOVED_AT_ONCE ? total : next + REMOVED_AT_ONCE;
		struct slice slice = {.all = all,
		    .from = next,
		    .end = end,
		    .before = *counts,
		    .after = *counts};
		ok = query_change_rows(query, remove_slice, &slice, trouble);
		*counts = slice.after;
		next = end;
	}
	if (!ok || all->domains == 0)
		return ok;
	ok = query_change_rows(query, remove_domain, all, trouble);
	counts->domains += all->had_domain;
	return ok;
}

bool
query_forget(struct query *query, const struct forget_filter *filter,
    struct store_counts *counts_r, struct error *error)
{
	struct trouble trouble = {0};
	struct forgotten all = {.query = query, .filter = filter};

	memset(counts_r, 0, sizeof *counts_r);
	if (filter->net == NULL && filter->domain == NULL &&
	    filter->sender == NULL && filter->recipient == NULL) {
		error_set(error, "nothing to forget was named");
		return false;
	}
	bool ok = gather(&all, error);
	counts_r->shared = all.shared;
	if (ok && filter->is_dry) {
		counts_r->addresses = all.addresses_count;
		counts_r->triplets = all.triplets_count;
		counts_r->domains = all.domains;
		counts_r->origins = all.origins_count;
	} else if (ok && !remove_all(&all, counts_r, &trouble))
		ok = query_failed(query, &trouble, error);
	free(all.addresses);
	free(all.origins);
	free(all.triplets);
	return ok;
}
