/* SPDX-License-Identifier: BSD-2-Clause */
/* Which event a line of a log is about. */
#include <stdio.h>
#include <string.h>

#include "query/query_private.h"

/* As long as Postfix keeps a message by default (maximal_queue_lifetime). */
#define LONGEST_S (5 * 86400)

struct search {
	const struct message_ref *message;
	int64_t distance;
	struct ip ip; /* of what was found */
	struct message_found *found;
};

static bool
is_given(const char *text)
{
	return text != NULL && *text != '\0';
}

static void
offer(struct search *search, const struct event *event, int64_t before_s)
{
	int64_t passed = search->message->time - event->logged;
	int64_t distance = passed < 0 ? -passed : passed;
	bool is_other =
	    search->found->event_id != 0 && !ip_equal(&search->ip, &event->ip);

	if (distance > (passed < 0 ? QUERY_NEAR_S : before_s))
		return;
	bool is_ambiguous = search->found->is_ambiguous || is_other;
	search->found->is_ambiguous = is_ambiguous;
	if (search->found->event_id != 0 && distance >= search->distance)
		return;
	search->distance = distance;
	search->ip = event->ip;
	*search->found = (struct message_found){.event_id = event->id,
	    .is_ambiguous = is_ambiguous,
	    .time = event->logged,
	    .has_feedback = event->feedback != NULL,
	    .is_delivered = event->delivered};
}

static bool
is_client(const struct search *search, const struct event *event)
{
	return search->message->ip == NULL ||
	       ip_equal(search->message->ip, &event->ip);
}

static bool
take_by_queue_id(void *ctx, const struct event *event)
{
	struct search *search = ctx;

	if (is_client(search, event))
		offer(search, event, LONGEST_S);
	return true;
}

static bool
take_by_message_id(void *ctx, const struct event *event)
{
	struct search *search = ctx;
	bool agrees = !is_given(search->message->queue_id) ||
	              !is_given(event->queue_id) ||
	              strcmp(search->message->queue_id, event->queue_id) == 0;

	if (agrees && is_client(search, event))
		offer(search, event, QUERY_NEAR_S);
	return true;
}

/* Once with the brackets, once without them. */
static bool
find_by_message_id(struct query *query, struct search *search,
    struct event_filter *filter, struct error *error)
{
	const char *given = search->message->message_id;
	size_t length = strlen(given);
	bool has_brackets = length > 2 && *given == '<' && given[length - 1] == '>';
	char id[1000];

	if (length + 3 > sizeof id)
		return true;
	filter->message_id = given;
	if (!query_events(query, filter, take_by_message_id, search, error))
		return false;
	if (has_brackets)
		snprintf(id, sizeof id, "%.*s", (int)(length - 2), given + 1);
	else
		snprintf(id, sizeof id, "<%s>", given);
	filter->message_id = id;
	return query_events(query, filter, take_by_message_id, search, error);
}

bool
query_find_message(struct query *query, const struct message_ref *message,
    struct message_found *found_r, struct error *error)
{
	struct search search = {.message = message, .found = found_r};
	/* a transaction may have begun long before it was written */
	struct event_filter filter = {.words = UINT64_C(1) << SK_SID,
	    .since = message->time - LONGEST_S - 86400,
	    .until = message->time + QUERY_NEAR_S};

	*found_r = (struct message_found){0};
	if (is_given(message->queue_id)) {
		filter.queue_id = message->queue_id;
		if (!query_events(query, &filter, take_by_queue_id, &search, error))
			return false;
	}
	filter.queue_id = NULL;
	/* an MTA uses an id once, but two MXs may use the same one */
	found_r->is_ambiguous = false;
	if (found_r->event_id != 0 || !is_given(message->message_id))
		return true;
	return find_by_message_id(query, &search, &filter, error);
}
