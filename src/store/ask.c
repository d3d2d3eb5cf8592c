/* SPDX-License-Identifier: BSD-2-Clause */
/* Look-ups in a shared database, made by workers. */
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/keys.h"
#include "store/store_private.h"

struct asked {
	_Atomic unsigned references; /* one is the session's, one the worker's */
	struct store *store;
	struct ip ip;
	char *sender;
	char *domains[2];
	char *organisation, *sender_domain;
	int64_t deadline_ms, real_deadline_ms;

	pthread_mutex_t lock; /* held while done() runs, and while dropping */
	bool is_dropped;
	void (*done)(void *ctx, uint64_t number);
	void *ctx;
	uint64_t number;

	_Atomic bool is_missed; /* reported: by the worker, or by who waited */

	/* once over, view no longer changes; NULL: no answer */
	_Atomic bool is_over;
	struct view *view;
};

static void
release(struct asked *asked)
{
	if (atomic_fetch_sub(&asked->references, 1) > 1)
		return;
	if (asked->view != NULL)
		asked->store->ops->release(asked->view);
	pthread_mutex_destroy(&asked->lock);
	free(asked->sender);
	free(asked->domains[0]);
	free(asked->domains[1]);
	free(asked->organisation);
	free(asked->sender_domain);
	free(asked);
}

static size_t
list_domains(const struct ask_request *request, const char *domains_r[static 2])
{
	size_t count = 0;

	for (int i = 0; i < 2; i++) {
		if (request->domains[i] != NULL)
			domains_r[count++] = request->domains[i];
	}
	return count;
}

#define ORIGINS_ASKED (ORIGINS_MAX + 2)

/* Any of the domains may turn out to be the organisation. */
static size_t
list_origins(const struct ask_request *request, const char *const *domains,
    size_t count, char names_r[static ORIGINS_ASKED][ORIGIN_SIZE])
{
	struct store_who who = {.ip = request->ip,
	    .domain = count > 0 ? domains[0] : NULL,
	    .organisation = request->organisation,
	    .sender_domain = request->sender_domain};
	size_t used = origins_of(&who, names_r);

	if (count > 1 && strlen(domains[1]) < ORIGIN_SIZE)
		text_copy(names_r[used++], ORIGIN_SIZE, domains[1]);
	text_copy(names_r[used++], ORIGIN_SIZE, ORIGIN_SITE);
	return used;
}

static struct view *
look_up(struct store *store, const struct ask_request *request, int64_t until_ms,
    struct trouble *trouble)
{
	const uint8_t *secret = store_secret(store);
	struct ipnet net = key_network(&request->ip);
	char network[IPNET_TEXT_SIZE], names[ORIGINS_ASKED][ORIGIN_SIZE];
	const char *domains[2], *origins[ORIGINS_ASKED];
	int64_t address = key_from_ip(&request->ip), pairs[4];
	size_t count = list_domains(request, domains);
	size_t origins_count = list_origins(request, domains, count, names);

	pairs[0] = key_pair(secret, ipnet_to_text(&net, network), request->sender);
	for (size_t i = 0; i < count; i++)
		pairs[1 + i] = key_pair(secret, domains[i], request->sender);
	pairs[1 + count] = key_pair(secret, KEY_ANYWHERE, request->sender);
	for (size_t i = 0; i < origins_count; i++)
		origins[i] = names[i];
	struct wanted wanted = {
	    .addresses = &address,
	    .addresses_count = 1,
	    .domains = domains,
	    .domains_count = count,
	    .origins = origins,
	    .origins_count = origins_count,
	    .pairs = pairs,
	    .pairs_count = 2 + count,
	};
	struct view *view =
	    clock_real_ms() >= until_ms || atomic_load(&store->away)
	        ? NULL
	        : store->ops->recall(store->backend, &wanted, until_ms, trouble);
	if (view != NULL)
		store_found(store);
	return view;
}

static void
miss(struct asked *asked, const struct trouble *trouble)
{
	if (!atomic_exchange(&asked->is_missed, true))
		store_missed(asked->store, trouble);
}

static void
finish(struct asked *asked)
{
	atomic_store(&asked->is_over, true);
	pthread_mutex_lock(&asked->lock);
	if (!asked->is_dropped)
		asked->done(asked->ctx, asked->number);
	pthread_mutex_unlock(&asked->lock);
}

static void
run(void *arg)
{
	struct asked *asked = arg;
	struct ask_request request = {.ip = asked->ip,
	    .sender = asked->sender,
	    .domains = {asked->domains[0], asked->domains[1]},
	    .organisation = asked->organisation,
	    .sender_domain = asked->sender_domain};
	struct trouble trouble = {0};

	pthread_mutex_lock(&asked->lock);
	bool is_dropped = asked->is_dropped;
	pthread_mutex_unlock(&asked->lock);
	if (!is_dropped)
		asked->view = look_up(
		    asked->store, &request, asked->real_deadline_ms, &trouble);
	if (asked->view == NULL)
		miss(asked, &trouble);
	finish(asked);
	release(asked);
}

static void
open_reader(void *arg)
{
	struct store *store = arg;

	store->ops->open_reader(store->backend);
}

void
store_open_readers(struct store *store)
{
	for (int i = 0; i < BACKEND_READERS; i++)
		jobs_submit(store->workers, open_reader, store);
}

bool
store_is_shared(const struct store *store)
{
	return store->ops->is_shared;
}

struct asked *
store_ask(struct store *store, const struct ask_request *request,
    void (*done)(void *ctx, uint64_t number), void *ctx, uint64_t number)
{
	struct asked *asked = calloc(1, sizeof *asked);
	int64_t timeout_ms = store_timeout_ms(store);

	if (asked == NULL)
		return NULL;
	atomic_init(&asked->references, 1);
	pthread_mutex_init(&asked->lock, NULL);
	asked->store = store;
	asked->ip = request->ip;
	asked->sender = text_dup(request->sender);
	asked->domains[0] = text_dup(request->domains[0]);
	asked->domains[1] = text_dup(request->domains[1]);
	asked->organisation = text_dup(request->organisation);
	asked->sender_domain = text_dup(request->sender_domain);
	asked->deadline_ms = clock_mono_ms(store->clock) + timeout_ms;
	asked->real_deadline_ms = clock_real_ms() + timeout_ms;
	asked->done = done;
	asked->ctx = ctx;
	asked->number = number;
	if (asked->sender == NULL) {
		release(asked);
		return NULL;
	}
	atomic_fetch_add(&asked->references, 1);
	if (atomic_load(&store->away) || !jobs_submit(store->workers, run, asked)) {
		finish(asked);
		release(asked);
	}
	return asked;
}

bool
asked_is_over(const struct asked *asked)
{
	return atomic_load(&asked->is_over);
}

int64_t
asked_deadline_ms(const struct asked *asked)
{
	return asked->deadline_ms;
}

void
asked_drop(struct asked **pointer)
{
	struct asked *asked = *pointer;

	*pointer = NULL;
	if (asked == NULL)
		return;
	pthread_mutex_lock(&asked->lock);
	asked->is_dropped = true;
	pthread_mutex_unlock(&asked->lock);
	release(asked);
}

/* The worker itself may be held up, by a name server for instance. */
static void
miss_late(struct asked *asked)
{
	struct trouble trouble = {.kind = TROUBLE_WAIT};

	if (clock_real_ms() < asked->real_deadline_ms)
		return;
	error_set(&trouble.error, "no answer in time, nor a connection");
	miss(asked, &trouble);
}

static enum store_status
recall_from(struct store *store, struct view *view, const struct store_who *who,
    const struct triplet *triplets, size_t count, int64_t now,
    struct history *history_r)
{
	struct trouble trouble = {0};
	struct apply apply = store_apply(store, view);

	return apply_recall(&apply, who, triplets, count, now, history_r, &trouble)
	           ? STORE_OK
	           : STORE_FAILED;
}

enum store_status
store_recall_asked(struct store *store, struct asked *asked,
    const struct store_who *who, const struct triplet *triplets, size_t count,
    int64_t now, struct history *history_r)
{
	if (store_recall_known(store, who, count, now, history_r))
		return STORE_OK;
	if (asked == NULL)
		return STORE_FAILED;
	if (!atomic_load(&asked->is_over)) {
		miss_late(asked);
		return STORE_FAILED;
	}
	if (asked->view == NULL)
		return STORE_FAILED;
	return recall_from(
	    store, asked->view, who, triplets, count, now, history_r);
}

enum store_status
store_recall_shared(struct store *store, const struct store_who *who,
    const struct triplet *triplets, size_t count, int64_t now,
    struct history *history_r)
{
	block_declare("store_recall");
	struct ask_request request = {.ip = who->ip,
	    .sender = count > 0 ? triplets[0].sender : "",
	    .domains = {who->domain, NULL},
	    .organisation = who->organisation,
	    .sender_domain = who->sender_domain};
	struct trouble trouble = {0};
	struct view *view = look_up(
	    store, &request, clock_real_ms() + store_timeout_ms(store), &trouble);
	if (view == NULL) {
		store_missed(store, &trouble);
		return STORE_FAILED;
	}
	enum store_status status =
	    recall_from(store, view, who, triplets, count, now, history_r);
	store->ops->release(view);
	return status;
}
