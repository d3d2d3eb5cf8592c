/* SPDX-License-Identifier: BSD-2-Clause */
/* Gathers what some notes will look for, before they are applied. */
#include <stdlib.h>
#include <string.h>

#include "store/apply.h"
#include "store/keys.h"

enum { ADDRESSES, TRIPLETS, NETWORKS };

static void
add_number(struct expected *expected, int list, int64_t number)
{
	if (expected->counts[list] == expected->rooms[list]) {
		size_t room = expected->rooms[list] * 2 + 64;
		int64_t *grown =
		    realloc(expected->numbers[list], room * sizeof *grown);
		if (grown == NULL)
			return;
		expected->numbers[list] = grown;
		expected->rooms[list] = room;
	}
	expected->numbers[list][expected->counts[list]++] = number;
}

static void
add_domain(struct expected *expected, const char *domain)
{
	if (expected->domains_count == expected->domains_room) {
		size_t room = expected->domains_room * 2 + 64;
		const char **grown =
		    realloc(expected->domains, room * sizeof *grown);
		if (grown == NULL)
			return;
		expected->domains = grown;
		expected->domains_room = room;
	}
	expected->domains[expected->domains_count++] = domain;
}

static void
add_origins(struct expected *expected, const struct store_who *who)
{
	if (expected->origins_count + ORIGINS_MAX > expected->origins_room) {
		size_t room = expected->origins_room * 2 + 64;
		void *grown =
		    realloc(expected->origins, room * sizeof *expected->origins);
		if (grown == NULL)
			return;
		expected->origins = grown;
		expected->origins_room = room;
	}
	expected->origins_count +=
	    origins_of(who, expected->origins + expected->origins_count);
}

static void
add_triplet(struct expected *expected, const struct apply *apply,
    const char *client, const struct triplet *triplet)
{
	add_number(expected, TRIPLETS,
	    key_triplet(
	        apply->secret, client, triplet->sender, triplet->recipient));
}

void
apply_expect(const struct apply *apply, struct expected *expected,
    const struct note_spec *spec)
{
	struct ipnet net = key_network(&spec->who.ip);
	char network[IPNET_TEXT_SIZE];
	const char *domain = spec->who.domain;

	ipnet_to_text(&net, network);
	if (spec->outcome != OUTCOME_NONE)
		add_number(expected, ADDRESSES, key_from_ip(&spec->who.ip));
	if (origins_are_noted(spec))
		add_origins(expected, &spec->who);
	if (domain != NULL) {
		add_domain(expected, domain);
		add_number(
		    expected, NETWORKS, key_text(apply->secret, domain, network));
	}
	for (size_t i = 0; i < spec->count; i++) {
		add_triplet(expected, apply, network, &spec->triplets[i]);
		/* The domain may turn out to be too wide to serve as a key. */
		add_triplet(expected, apply, KEY_ANYWHERE, &spec->triplets[i]);
		if (domain != NULL)
			add_triplet(expected, apply, domain, &spec->triplets[i]);
	}
}

struct wanted
expected_wanted(struct expected *expected, int64_t day)
{
	/* The block may have moved when it grew. */
	expected->origin_names =
	    calloc(expected->origins_count + 1, sizeof *expected->origin_names);
	for (size_t i = 0;
	     expected->origin_names != NULL && i < expected->origins_count; i++)
		expected->origin_names[i] = expected->origins[i];
	return (struct wanted){
	    .addresses = expected->numbers[ADDRESSES],
	    .addresses_count = expected->counts[ADDRESSES],
	    .triplets = expected->numbers[TRIPLETS],
	    .triplets_count = expected->counts[TRIPLETS],
	    .networks = expected->numbers[NETWORKS],
	    .networks_count = expected->counts[NETWORKS],
	    .domains = expected->domains,
	    .domains_count = expected->domains_count,
	    .origins = expected->origin_names,
	    .origins_count =
	        expected->origin_names == NULL ? 0 : expected->origins_count,
	    .day = day,
	};
}

void
expected_clear(struct expected *expected)
{
	for (int i = 0; i < 3; i++)
		free(expected->numbers[i]);
	free(expected->domains);
	free(expected->origins);
	free(expected->origin_names);
	memset(expected, 0, sizeof *expected);
}
