/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "query/query_private.h"

static bool
has_part(const char *text, const char *part)
{
	return text != NULL && strcasestr(text, part) != NULL;
}

static bool
is_equal(const char *text, const char *wanted)
{
	return wanted == NULL || (text != NULL && strcmp(text, wanted) == 0);
}

static bool
matches(const struct query *query, const struct event_filter *filter,
    const struct event *event)
{
	if (event->id <= filter->after_id ||
	    (filter->since != 0 && event->time < filter->since) ||
	    (filter->until != 0 && event->time > filter->until) ||
	    (filter->net != NULL && !ipnet_has(filter->net, &event->ip)))
		return false;
	if (!is_equal(event->queue_id, filter->queue_id) ||
	    !is_equal(event->message_id, filter->message_id) ||
	    !is_equal(event->words->value[SK_SID], filter->sid))
		return false;
	if (filter->name != NULL && !has_part(event->name, filter->name) &&
	    !has_part(event->ptr, filter->name) &&
	    !has_part(event->heloname, filter->name))
		return false;
	return query_person_matches(query, event->sender, filter->sender) &&
	       query_person_matches(query, event->recipients, filter->recipient);
}

struct events_run {
	const struct query *query;
	const struct event_filter *filter;
	bool (*each)(void *ctx, const struct event *event);
	void *ctx;
	size_t given;
};

static bool
give_event(void *arg, const struct event *event)
{
	struct events_run *run = arg;

	if (!matches(run->query, run->filter, event))
		return true;
	run->given++;
	return run->each(run->ctx, event) &&
	       (run->filter->limit == 0 || run->given < run->filter->limit);
}

/* What the database can search for; the rest is left to matches(). */
static struct event_search
search_of(const struct event_filter *filter)
{
	struct event_search search = {
	    .id = filter->id,
	    .since = filter->since,
	    .until = filter->until,
	    .after_id = filter->after_id,
	    .newest_first = filter->newest_first,
	    /* The sid is looked at here, too. */
	    .words = filter->words == 0 ? 0 : filter->words | UINT64_C(1) << SK_SID,
	};
	const struct {
		enum event_key key;
		const char *text;
	} keys[] = {{EVENT_KEY_SID, filter->sid},
	    {EVENT_KEY_QUEUE_ID, filter->queue_id},
	    {EVENT_KEY_MESSAGE_ID, filter->message_id}};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		if (keys[i].text != NULL) {
			search.key = keys[i].key;
			search.text = keys[i].text;
			return search;
		}
	}
	if (filter->net == NULL)
		return search;
	/* The key of an IPv6 address is its /64. */
	unsigned bits = ip_is_v4(&filter->net->ip) ? 128 : 64;
	/* IPv4 lies in ::/8, too. */
	if (filter->net->ip.bytes[0] == 0 && !ip_is_v4(&filter->net->ip))
		return search;
	search.net = filter->net;
	if (filter->net->prefix >= bits - 8)
		search.key = EVENT_KEY_ADDRESS;
	return search;
}

bool
query_events(struct query *query, const struct event_filter *filter,
    bool (*each)(void *ctx, const struct event *event), void *ctx,
    struct error *error)
{
	struct trouble trouble = {0};
	struct events_run run = {query, filter, each, ctx, 0};
	struct event_search search = search_of(filter);

	if (query_enter(query, &trouble) &&
	    query_leave(query, query->ops->each_event(query->view, &search,
	                           give_event, &run, &trouble)))
		return true;
	return query_failed(query, &trouble, error);
}
