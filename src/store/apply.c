/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/apply.h"

#include <stdlib.h>
#include <string.h>

#include "policy/grey.h"
#include "policy/origin.h"
#include "store/held.h"
#include "store/keys.h"

/* A key's last use is written at most this often. */
#define REFRESH_S 3600
/* Notes from before the clock was set back by this much are still found. */
#define CLOCK_BACK_S 90000 /* a day, and an hour for the retry */
/* Above this, a domain's networks are no longer told apart. */
#define NETWORKS_COUNTED 1000

/* All keys under which one triplet is remembered. */
struct triplet_keys {
	char network[IPNET_TEXT_SIZE];
	const char *clients[2]; /* texts of the keys */
	size_t count;
	bool is_anywhere; /* the second one is KEY_ANYWHERE, see policy/grey.h */
};

/* domain  its record, zeros if there is none */
static void
make_keys(struct triplet_keys *keys, const struct store_who *who,
    const struct domain_record *domain)
{
	struct ipnet net = key_network(&who->ip);
	bool is_key =
	    who->domain != NULL && domain->networks <= DOMAIN_MAX_NETWORKS;

	keys->clients[0] = ipnet_to_text(&net, keys->network);
	keys->clients[1] = is_key ? who->domain : KEY_ANYWHERE;
	keys->count = 2;
	keys->is_anywhere = !is_key;
}

/* What was found under each key, and the best of it. */
struct found {
	int64_t hashes[2];
	struct grey_row rows[2], best;
	/* For find_pair(): the client's key and KEY_ANYWHERE, and what it found. */
	int64_t pair[2], held;
	struct grey_row of_pair[2];
};

static bool
find_rows(const struct apply *apply, const struct triplet_keys *keys,
    const struct triplet *triplet, int64_t now, struct found *found,
    struct trouble *trouble)
{
	int64_t since = now - apply->retry_window_s;
	int64_t until = now + CLOCK_BACK_S;
	size_t i = 0;

	if (apply->ops->find_pair != NULL) {
		found->pair[0] = found->hashes[0];
		found->pair[1] = keys->is_anywhere
		                     ? found->hashes[1]
		                     : key_triplet(apply->secret, KEY_ANYWHERE,
		                           triplet->sender, triplet->recipient);
		if (!apply->ops->find_pair(apply->view, found->pair, since, until,
		        found->of_pair, &found->held, trouble))
			return false;
		found->rows[i++] = found->of_pair[0];
		if (keys->is_anywhere)
			found->rows[i++] = found->of_pair[1];
	}
	for (; i < keys->count; i++) {
		if (!apply->ops->find_triplet(apply->view, found->hashes[i], since,
		        until, &found->rows[i], trouble))
			return false;
	}
	return true;
}

static bool
find(const struct apply *apply, const struct triplet_keys *keys,
    const struct triplet *triplet, int64_t now, struct found *found,
    struct trouble *trouble)
{
	for (size_t i = 0; i < keys->count; i++)
		found->hashes[i] = key_triplet(apply->secret, keys->clients[i],
		    triplet->sender, triplet->recipient);
	if (!find_rows(apply, keys, triplet, now, found, trouble))
		return false;
	found->best = keys->is_anywhere
	                  ? found->rows[0]
	                  : grey_better(found->rows[0], found->rows[1]);
	return true;
}

/* Without a domain: returns true and a record of zeros. */
static bool
find_domain(const struct apply *apply, const struct store_who *who, int64_t now,
    struct domain_record *record_r, struct trouble *trouble)
{
	*record_r = (struct domain_record){0};
	return who->domain == NULL || held_find_domain(apply, who->domain,
	                                  backend_day(now), record_r, trouble);
}

bool
apply_recall(const struct apply *apply, const struct store_who *who,
    const struct triplet *triplets, size_t count, int64_t now,
    struct history *history_r, struct trouble *trouble)
{
	struct triplet_keys keys;
	struct found found;

	if (!held_find_address(
	        apply, key_from_ip(&who->ip), &history_r->address, trouble) ||
	    !find_domain(apply, who, now, &history_r->domain, trouble) ||
	    !origins_recall(apply, who, now, history_r, trouble))
		return false;
	address_fade(&history_r->address, apply->half_life_s, now);
	make_keys(&keys, who, &history_r->domain);
	for (size_t i = 0; i < count; i++) {
		if (!find(apply, &keys, &triplets[i], now, &found, trouble))
			return false;
		if (keys.is_anywhere && grey_passes_anywhere(&found.rows[1],
		                            apply->retry_window_s, now))
			found.best = grey_better(found.best, found.rows[1]);
		history_r->rows[i] = found.best;
	}
	history_r->rows_count = count;
	return true;
}

static bool
is_recent(int64_t was, int64_t now)
{
	return now >= was && now - was < REFRESH_S;
}

/* Only the time of last use changed, and by little. */
static bool
row_is_fresh(const struct grey_row *was, const struct grey_row *row)
{
	if (was->first != row->first || was->last_try != row->last_try ||
	    was->tries != row->tries || was->early != row->early ||
	    was->mxs != row->mxs)
		return false;
	if (was->passed == 0 || row->passed == 0)
		return was->passed == row->passed && was->last == row->last;
	return is_recent(was->passed, row->passed) &&
	       is_recent(was->last, row->last);
}

static bool
known_is_fresh(int64_t was, int64_t until)
{
	return was == until || (was != 0 && is_recent(was, until));
}

static bool
address_is_fresh(
    const struct address_record *was, const struct address_record *record)
{
	return was->first_seen == record->first_seen &&
	       was->last_success == record->last_success &&
	       was->last_counted == record->last_counted &&
	       was->last_unproven == record->last_unproven &&
	       was->last_gaveup == record->last_gaveup &&
	       was->sessions == record->sessions &&
	       was->successes == record->successes &&
	       was->counted == record->counted && was->gaveup == record->gaveup &&
	       was->gaveup_secs == record->gaveup_secs && was->ham == record->ham &&
	       was->spam == record->spam &&
	       known_is_fresh(was->known_until, record->known_until) &&
	       is_recent(was->last_seen, record->last_seen);
}

static bool
domain_is_fresh(const struct domain_record *was, const struct domain_record *record)
{
	return was->first_seen == record->first_seen &&
	       was->last_success == record->last_success &&
	       was->last_counted == record->last_counted &&
	       was->successes == record->successes &&
	       was->counted == record->counted &&
	       was->networks == record->networks &&
	       known_is_fresh(was->known_until, record->known_until) &&
	       is_recent(was->last_seen, record->last_seen);
}

static bool
keep_pair(const struct apply *apply, const struct triplet_keys *keys,
    const struct found *found, const struct grey_row rows[static 2],
    const struct triplet_text *text, struct trouble *trouble)
{
	const struct grey_row of_pair[] = {
	    rows[0], keys->is_anywhere ? rows[1] : found->of_pair[1]};
	const bool wanted[] = {!row_is_fresh(&found->of_pair[0], &of_pair[0]),
	    !row_is_fresh(&found->of_pair[1], &of_pair[1])};

	return apply->ops->keep_pair(apply->view, found->pair, found->of_pair,
	    of_pair, wanted, found->held, text, trouble);
}

static bool
keep_triplet(const struct apply *apply, const struct triplet_keys *keys,
    const struct triplet *triplet, const struct found *found,
    const struct grey_row rows[static 2], struct trouble *trouble)
{
	char sender[PERSON_SIZE], recipient[PERSON_SIZE];
	struct triplet_text text = {.client = keys->clients[0],
	    .sender = triplet->sender,
	    .recipient = triplet->recipient};
	size_t i = 0;

	if (apply->hash_people) {
		text.sender = person_hash(apply->secret, triplet->sender, sender);
		text.recipient =
		    person_hash(apply->secret, triplet->recipient, recipient);
	}
	if (apply->ops->keep_pair != NULL) {
		if (!keep_pair(apply, keys, found, rows, &text, trouble))
			return false;
		i = keys->is_anywhere ? 2 : 1;
	}
	for (; i < keys->count; i++) {
		text.client = keys->clients[i];
		if (apply->ops->is_shared)
			text.pair =
			    key_pair(apply->secret, text.client, triplet->sender);
		if (!row_is_fresh(&found->rows[i], &rows[i]) &&
		    !apply->ops->keep_triplet(apply->view, found->hashes[i],
		        &found->rows[i], &rows[i], &text, trouble))
			return false;
	}
	return true;
}

/* This many triplets of a note need no heap memory. */
#define FOUND_AT_HAND 8

struct triplets_work {
	struct triplet_keys keys;
	struct found *found; /* one per triplet */
};

static struct grey_row
step_triplet(const struct note_spec *spec, const struct found *found)
{
	return grey_step(spec->settings, found->best, spec->outcome, spec->now);
}

static bool
is_new(const struct note_spec *spec, const struct found *found)
{
	return found->best.first == 0 && step_triplet(spec, found).first != 0;
}

/* A client that comes again gets in, whatever its network does. */
static bool
is_limited(const struct apply *apply, const struct note_spec *spec,
    const struct triplets_work *work)
{
	const char *network = work->keys.network;
	struct ip address = key_address(&spec->who.ip);
	uint32_t fresh = 0;
	bool came_again = true;

	for (size_t i = 0; i < spec->count; i++)
		fresh += is_new(spec, &work->found[i]);
	if (fresh == 0 || limit_take_network(apply->limit,
	                      siphash(apply->secret, network, strlen(network)),
	                      fresh, apply->max_new_per_net, spec->now))
		return false;
	for (size_t i = 0; i < spec->count; i++) {
		if (is_new(spec, &work->found[i]))
			came_again &= limit_refuse(apply->limit,
			    (uint64_t)work->found[i].hashes[0], spec->now);
	}
	return !came_again || !limit_take_address(apply->limit,
	                          siphash(apply->secret, &address, sizeof address),
	                          fresh, apply->max_new_per_net, spec->now);
}

/* Reads before it writes, so that a refused note leaves nothing behind. */
static enum applied
work_on_triplets(const struct apply *apply, const struct note_spec *spec,
    struct triplets_work *work, struct trouble *trouble)
{
	for (size_t i = 0; i < spec->count; i++) {
		if (!find(apply, &work->keys, &spec->triplets[i], spec->now,
		        &work->found[i], trouble))
			return APPLY_FAILED;
	}
	if (is_limited(apply, spec, work))
		return APPLY_LIMITED;
	for (size_t i = 0; i < spec->count; i++) {
		const struct found *found = &work->found[i];
		struct grey_row rows[2] = {step_triplet(spec, found)};
		rows[1] = work->keys.is_anywhere
		              ? grey_step_anywhere(spec->settings, found->rows[1],
		                    spec->outcome, spec->now)
		              : rows[0];
		if (rows[0].first != 0 &&
		    !keep_triplet(apply, &work->keys, &spec->triplets[i], found,
		        rows, trouble))
			return APPLY_FAILED;
	}
	return APPLIED;
}

static enum applied
apply_triplets(const struct apply *apply, const struct note_spec *spec,
    const struct domain_record *domain, struct trouble *trouble)
{
	struct found at_hand[FOUND_AT_HAND], *heap = NULL;
	struct triplets_work work;
	enum applied answer;

	if (spec->count > FOUND_AT_HAND) {
		heap = calloc(spec->count, sizeof *heap);
		if (heap == NULL) {
			trouble->kind = TROUBLE_NOTE;
			error_set(&trouble->error, "out of memory");
			return APPLY_FAILED;
		}
	}
	work.found = heap != NULL ? heap : at_hand;
	make_keys(&work.keys, &spec->who, domain);
	answer = work_on_triplets(apply, spec, &work, trouble);
	free(heap);
	return answer;
}

static bool
apply_address(const struct apply *apply, const struct note_spec *spec,
    struct applied_address *address_r, struct trouble *trouble)
{
	int64_t key = key_from_ip(&spec->who.ip);
	struct address_record was, record;

	if (!held_find_address(apply, key, &was, trouble))
		return false;
	record =
	    address_step(spec->settings, was, spec->outcome, spec->secs, spec->now);
	if (was.known_until >= KNOWN_FOREVER)
		record.known_until = was.known_until;
	*address_r = (struct applied_address){key, record};
	return address_is_fresh(&was, &record) ||
	       held_keep_address(apply, key, &record, trouble);
}

static bool
count_network(const struct apply *apply, const struct note_spec *spec, int64_t day,
    struct domain_record *record, struct trouble *trouble)
{
	struct ipnet net = key_network(&spec->who.ip);
	char text[IPNET_TEXT_SIZE];
	bool is_new;

	if (record->networks >= NETWORKS_COUNTED)
		return true;
	int64_t hash =
	    key_text(apply->secret, spec->who.domain, ipnet_to_text(&net, text));
	if (!apply->ops->count_network(apply->view, day, hash, &is_new, trouble))
		return false;
	if (is_new)
		record->networks++;
	return true;
}

static bool
apply_domain(const struct apply *apply, const struct note_spec *spec,
    const struct domain_record *was, struct trouble *trouble)
{
	int64_t day = backend_day(spec->now);
	bool is_too_wide = was->networks > DOMAIN_MAX_NETWORKS;
	struct domain_record record = domain_step(spec->settings, *was,
	    is_too_wide ? OUTCOME_SEEN : spec->outcome, spec->now);

	record.networks = was->networks;
	if (was->known_until >= KNOWN_FOREVER)
		record.known_until = was->known_until;
	if (!count_network(apply, spec, day, &record, trouble))
		return false;
	return domain_is_fresh(was, &record) ||
	       held_keep_domain(apply, spec->who.domain, day, &record, trouble);
}

static bool
apply_event(
    const struct apply *apply, const struct event *event, struct trouble *trouble)
{
	char sender[PERSON_SIZE], recipients[20 * PERSON_SIZE];
	struct event hashed = *event;

	if (!apply->hash_people)
		return apply->ops->add_event(
		    apply->view, apply->logged, event, trouble);
	if (event->sender != NULL)
		hashed.sender = person_hash(apply->secret, event->sender, sender);
	if (event->recipients != NULL)
		hashed.recipients = person_hash_list(apply->secret,
		    event->recipients, recipients, sizeof recipients);
	return apply->ops->add_event(apply->view, apply->logged, &hashed, trouble);
}

enum applied
apply_note(const struct apply *apply, const struct note_spec *spec,
    struct applied_address *address_r, struct trouble *trouble)
{
	bool is_remembered = spec->outcome != OUTCOME_NONE;
	struct domain_record domain = {0};

	*address_r = (struct applied_address){0};
	if ((spec->count > 0 || is_remembered || spec->event != NULL) &&
	    !find_domain(apply, &spec->who, spec->now, &domain, trouble))
		return APPLY_FAILED;
	if (spec->count > 0) {
		enum applied answer = apply_triplets(apply, spec, &domain, trouble);
		if (answer != APPLIED)
			return answer;
	}
	if (is_remembered && !apply_address(apply, spec, address_r, trouble))
		return APPLY_FAILED;
	if (is_remembered && spec->who.domain != NULL &&
	    !apply_domain(apply, spec, &domain, trouble))
		return APPLY_FAILED;
	if (!origins_note(apply, spec, &domain, trouble))
		return APPLY_FAILED;
	if (spec->event != NULL && !apply_event(apply, spec->event, trouble))
		return APPLY_FAILED;
	return APPLIED;
}
