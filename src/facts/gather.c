/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts/gather.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jobs.h"
#include "base/text.h"
#include "dns/resolver.h"
#include "facts/collect_private.h"

struct gatherer {
	const struct clock *clock;
	int64_t timeout_ms;
	bool spf;
	struct dnsbl_setting *lists; /* a copy, texts too */
	size_t lists_count;
	struct dnsbl_health *health;
	struct jobs *jobs;

	char *servers;
	pthread_mutex_t lock;   /* guards idle and idle_count */
	struct resolver **idle; /* room for one of each worker */
	unsigned idle_count;
};

struct gather {
	_Atomic unsigned references; /* the session's and the worker's */
	struct gatherer *gatherer;
	int64_t started_ms, deadline_ms;
	struct ip ip;
	char *helo, *sender;

	pthread_mutex_t lock; /* held while done() runs and by gather_drop() */
	atomic_bool is_dropped;
	void (*done)(void *, uint64_t);
	void *ctx;
	uint64_t number;

	atomic_bool is_finished; /* facts will not change any more */
	struct dns_facts *facts; /* NULL: none yet, or no memory */
};

void
dns_facts_clear(struct dns_facts *facts)
{
	static char no_names[] = "";

	*facts = (struct dns_facts){
	    .mailfrom = {.result = SPF_SKIPPED, .domain = ""},
	    .helo = {.result = SPF_SKIPPED, .domain = ""},
	    .helo_dns = HELO_DNS_UNKNOWN,
	    .dnsbl = no_names,
	};
}

static char *
put(char **at, const char *text)
{
	char *copy = strcpy(*at, text);

	*at += strlen(text) + 1;
	return copy;
}

struct dns_facts *
dns_facts_copy(const struct dns_facts *facts)
{
	struct dns_facts *copy =
	    malloc(sizeof *copy + strlen(facts->mailfrom.domain) + 1 +
	           strlen(facts->helo.domain) + 1 + strlen(facts->dnsbl) + 1);

	if (copy == NULL)
		return NULL;
	char *at = (char *)(copy + 1);
	*copy = *facts;
	copy->mailfrom.domain = put(&at, facts->mailfrom.domain);
	copy->helo.domain = put(&at, facts->helo.domain);
	copy->dnsbl = put(&at, facts->dnsbl);
	return copy;
}

static void
release(struct gather *gather)
{
	if (atomic_fetch_sub(&gather->references, 1) > 1)
		return;
	pthread_mutex_destroy(&gather->lock);
	free(gather->helo);
	free(gather->sender);
	free(gather->facts);
	free(gather);
}

/* An idle one, or a new one; NULL when out of memory or descriptors. */
static struct resolver *
take_resolver(struct gatherer *gatherer)
{
	struct resolver *resolver = NULL;

	pthread_mutex_lock(&gatherer->lock);
	if (gatherer->idle_count > 0)
		resolver = gatherer->idle[--gatherer->idle_count];
	pthread_mutex_unlock(&gatherer->lock);
	return resolver != NULL ? resolver
	                        : resolver_open(gatherer->servers,
	                              gatherer->timeout_ms, gatherer->clock, NULL);
}

static void
give_back(struct gatherer *gatherer, struct resolver *resolver)
{
	pthread_mutex_lock(&gatherer->lock);
	gatherer->idle[gatherer->idle_count++] = resolver;
	pthread_mutex_unlock(&gatherer->lock);
}

/* The result when nothing was looked up: temperror where SPF would be asked. */
static void
fill_limited(const struct gather *gather, struct dns_facts *facts)
{
	facts->limited = true;
	if (gather->gatherer->spf && !collect_is_loopback(&gather->ip)) {
		facts->mailfrom.result = facts->helo.result = SPF_TEMPERROR;
		facts->mailfrom.trouble = facts->helo.trouble = SPF_TROUBLE_LIMIT;
	}
}

/* resolver: NULL: nothing is looked up */
static void
gather_facts(struct gather *gather, struct resolver *resolver)
{
	struct gatherer *gatherer = gather->gatherer;
	struct dns_facts facts;
	struct collect collect = {.clock = gatherer->clock,
	    .resolver = resolver,
	    .spf = gatherer->spf,
	    .lists = gatherer->lists,
	    .lists_count = gatherer->lists_count,
	    .health = gatherer->health,
	    .ip = gather->ip,
	    .helo = gather->helo,
	    .sender = gather->sender};

	dns_facts_clear(&facts);
	if (resolver == NULL) {
		fill_limited(gather, &facts);
		gather->facts = dns_facts_copy(&facts);
		return;
	}
	resolver_begin(resolver, gather->deadline_ms, &gather->is_dropped);
	collect_facts(&collect, &facts);
	int64_t now = clock_mono_ms(gatherer->clock);
	facts.timed_out =
	    now >= gather->deadline_ms || resolver_counters(resolver).timeouts > 0;
	facts.ms = now - gather->started_ms;
	resolver_end(resolver);
	give_back(gatherer, resolver);
	gather->facts = dns_facts_copy(&facts);
}

static void
finish(struct gather *gather)
{
	atomic_store_explicit(&gather->is_finished, true, memory_order_release);
	pthread_mutex_lock(&gather->lock);
	if (!atomic_load(&gather->is_dropped))
		gather->done(gather->ctx, gather->number);
	pthread_mutex_unlock(&gather->lock);
}

static void
run_job(void *arg)
{
	struct gather *gather = arg;

	if (!atomic_load(&gather->is_dropped))
		gather_facts(gather, take_resolver(gather->gatherer));
	finish(gather);
	release(gather);
}

struct gather *
gather_start(struct gatherer *gatherer, const struct gather_request *request,
    void (*done)(void *ctx, uint64_t number), void *ctx, uint64_t number)
{
	struct gather *gather = calloc(1, sizeof *gather);

	if (gather == NULL)
		return NULL;
	atomic_init(&gather->references, 1);
	pthread_mutex_init(&gather->lock, NULL);
	gather->gatherer = gatherer;
	gather->started_ms = clock_mono_ms(gatherer->clock);
	gather->deadline_ms = gather->started_ms + gatherer->timeout_ms;
	gather->ip = request->ip;
	gather->helo = text_dup(request->helo == NULL ? "" : request->helo);
	gather->sender = text_dup(request->sender == NULL ? "" : request->sender);
	gather->done = done;
	gather->ctx = ctx;
	gather->number = number;
	if (gather->helo == NULL || gather->sender == NULL) {
		release(gather);
		return NULL;
	}
	atomic_fetch_add(&gather->references, 1);
	if (!jobs_submit(gatherer->jobs, run_job, gather)) {
		gather_facts(gather, NULL);
		finish(gather);
		release(gather);
	}
	return gather;
}

struct dns_facts *
gather_result(const struct gather *gather)
{
	if (!atomic_load_explicit(&gather->is_finished, memory_order_acquire))
		return NULL;
	/*
	 * A copy: keeping the worker's block would fragment the heap that its
	 * look-ups freed.
	 */
	return gather->facts == NULL ? NULL : dns_facts_copy(gather->facts);
}

int64_t
gather_deadline_ms(const struct gather *gather)
{
	return gather->deadline_ms;
}

void
gather_drop(struct gather **gather_ptr)
{
	struct gather *gather = *gather_ptr;

	if (gather == NULL)
		return;
	*gather_ptr = NULL;
	pthread_mutex_lock(&gather->lock);
	atomic_store(&gather->is_dropped, true);
	pthread_mutex_unlock(&gather->lock);
	release(gather);
}

static bool
copy_lists(struct gatherer *gatherer, const struct gather_settings *settings)
{
	size_t count = settings->lists_count;

	if (count > DNSBL_MAX_LISTS)
		count = DNSBL_MAX_LISTS;
	gatherer->lists = calloc(count + 1, sizeof *gatherer->lists);
	gatherer->health = calloc(count + 1, sizeof *gatherer->health);
	if (gatherer->lists == NULL || gatherer->health == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct dnsbl_setting *list =
		    &gatherer->lists[gatherer->lists_count++];
		*list = settings->lists[i];
		list->zone = text_dup(list->zone);
		list->name = text_dup(list->name);
		if (list->zone == NULL || list->name == NULL)
			return false;
	}
	return true;
}

struct gatherer *
gatherer_open(const struct gather_settings *settings, const struct clock *clock,
    struct error *error)
{
	struct gatherer *gatherer = calloc(1, sizeof *gatherer);

	if (gatherer == NULL)
		goto memory;
	pthread_mutex_init(&gatherer->lock, NULL);
	gatherer->clock = clock;
	gatherer->timeout_ms = settings->timeout_ms;
	gatherer->spf = settings->spf;
	gatherer->servers = text_dup(settings->servers);
	gatherer->idle = calloc(settings->workers, sizeof *gatherer->idle);
	if (gatherer->servers == NULL || gatherer->idle == NULL ||
	    !copy_lists(gatherer, settings))
		goto memory;
	/* Opening the first one shows whether the settings are usable. */
	gatherer->idle[0] =
	    resolver_open(settings->servers, settings->timeout_ms, clock, error);
	if (gatherer->idle[0] == NULL)
		goto failed;
	gatherer->idle_count = 1;
	gatherer->jobs =
	    jobs_start("dns", settings->workers, settings->max_queued, error);
	if (gatherer->jobs == NULL)
		goto failed;
	return gatherer;
memory:
	error_set(error, "out of memory");
failed:
	gatherer_close(&gatherer);
	return NULL;
}

void
gatherer_close(struct gatherer **gatherer_ptr)
{
	struct gatherer *gatherer = *gatherer_ptr;

	if (gatherer == NULL)
		return;
	*gatherer_ptr = NULL;
	jobs_stop(&gatherer->jobs);
	for (unsigned i = 0; i < gatherer->idle_count; i++)
		resolver_close(&gatherer->idle[i]);
	for (size_t i = 0; i < gatherer->lists_count; i++) {
		free((char *)gatherer->lists[i].zone);
		free((char *)gatherer->lists[i].name);
	}
	free(gatherer->lists);
	free(gatherer->health);
	free(gatherer->idle);
	free(gatherer->servers);
	pthread_mutex_destroy(&gatherer->lock);
	free(gatherer);
}

bool
gatherer_trouble(
    const struct gatherer *gatherer, unsigned n, char *buf, size_t size)
{
	for (size_t i = 0; i < gatherer->lists_count; i++) {
		const char *trouble = dnsbl_trouble(&gatherer->health[i]);
		if (trouble == NULL || n-- > 0)
			continue;
		snprintf(buf, size, "%s %s", gatherer->lists[i].zone, trouble);
		return true;
	}
	return false;
}
