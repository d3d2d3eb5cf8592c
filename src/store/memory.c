/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything in the memory of the process: for tests, and for trying targrey out.
 * One lock; a reader waits for the writer's transaction, which is short because
 * nothing is written to disk. A transaction cannot be rolled back: one that fails
 * for lack of memory stays half applied until the process ends.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"
#include "store/memory.h"

enum kind {
	KIND_ADDRESS,
	KIND_DOMAIN,
	KIND_ORIGIN,
	KIND_TRIPLET,
	KIND_NETWORK,
	KINDS
};

struct item {
	struct item *next;
	int64_t key, day;
	char *name; /* for a domain or an origin, or NULL */
	union {
		struct address_record address;
		struct domain_record domain;
		struct origin_record origin;
		struct grey_row triplet;
	};
};

#define CHAINS 1024

struct view {
	pthread_mutex_t lock;
	struct item *items[KINDS][CHAINS];
	int64_t *events; /* times of writing; no more is kept */
	size_t events_count, events_room;
};

struct backend {
	struct view view;
};

static struct item **
chain(struct view *view, enum kind kind, int64_t key, int64_t day, const char *name)
{
	uint64_t hash = (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15);

	for (const char *c = name; c != NULL && *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	struct item **place = &view->items[kind][hash >> 54];
	while (*place != NULL &&
	       ((*place)->key != key || (*place)->day != day ||
	           (name != NULL && strcmp((*place)->name, name) != 0)))
		place = &(*place)->next;
	return place;
}

static struct item *
make(struct view *view, enum kind kind, int64_t key, int64_t day, const char *name,
    struct trouble *trouble)
{
	struct item **place = chain(view, kind, key, day, name);

	if (*place != NULL)
		return *place;
	struct item *item = calloc(1, sizeof *item);
	char *copy = text_dup(name);
	if (item == NULL || (name != NULL && copy == NULL)) {
		trouble->kind = TROUBLE_NOTE;
		error_set(&trouble->error, "out of memory");
		free(item);
		free(copy);
		return NULL;
	}
	item->key = key;
	item->day = day;
	item->name = copy;
	*place = item;
	return item;
}

static void
drop(struct item **place)
{
	struct item *item = *place;

	*place = item->next;
	free(item->name);
	free(item);
}

static struct backend *
memory_open(const struct store_settings *settings,
    uint8_t secret[static SIPHASH_KEY_SIZE], struct error *error)
{
	struct backend *backend = calloc(1, sizeof *backend);

	(void)settings;
	if (backend == NULL ||
	    getrandom(secret, SIPHASH_KEY_SIZE, 0) != SIPHASH_KEY_SIZE) {
		error_set(error, "out of memory, or cannot get random octets");
		free(backend);
		return NULL;
	}
	pthread_mutex_init(&backend->view.lock, NULL);
	return backend;
}

static void
memory_close(struct backend *backend)
{
	for (int kind = 0; kind < KINDS; kind++) {
		for (int i = 0; i < CHAINS; i++) {
			while (backend->view.items[kind][i] != NULL)
				drop(&backend->view.items[kind][i]);
		}
	}
	pthread_mutex_destroy(&backend->view.lock);
	free(backend->view.events);
	free(backend);
}

static bool
memory_reopen(struct backend *backend, bool set_aside,
    uint8_t secret[static SIPHASH_KEY_SIZE], struct trouble *trouble)
{
	(void)backend;
	(void)set_aside;
	(void)secret;
	(void)trouble;
	return false;
}

static void
memory_set_durable(struct backend *backend, bool durable)
{
	(void)backend;
	(void)durable;
}

static struct view *
memory_reader(struct backend *backend, struct trouble *trouble)
{
	(void)trouble;
	pthread_mutex_lock(&backend->view.lock);
	return &backend->view;
}

static void
memory_release(struct view *view)
{
	pthread_mutex_unlock(&view->lock);
}

static struct view *
memory_begin(struct backend *backend, enum purpose purpose, int64_t until_ms,
    bool *changed_r, struct trouble *trouble)
{
	(void)purpose;
	(void)until_ms;
	*changed_r = false;
	return memory_reader(backend, trouble);
}

static enum commit_end
memory_commit(struct view *view, struct trouble *trouble)
{
	(void)trouble;
	memory_release(view);
	return COMMITTED;
}

static bool
memory_find_address(struct view *view, int64_t key, struct address_record *record_r,
    struct trouble *trouble)
{
	struct item *item = *chain(view, KIND_ADDRESS, key, 0, NULL);

	(void)trouble;
	*record_r = (struct address_record){0};
	if (item != NULL)
		*record_r = item->address;
	return true;
}

static bool
memory_find_domain(struct view *view, const char *name, int64_t day,
    struct domain_record *record_r, struct trouble *trouble)
{
	struct item *item = *chain(view, KIND_DOMAIN, 0, 0, name);
	struct item *count = *chain(view, KIND_DOMAIN, 1, day, name);

	(void)trouble;
	*record_r = (struct domain_record){0};
	if (item != NULL)
		*record_r = item->domain;
	record_r->networks = count == NULL ? 0 : count->domain.networks;
	return true;
}

static bool
memory_find_origin(struct view *view, const char *name,
    struct origin_record *record_r, struct trouble *trouble)
{
	struct item *item = *chain(view, KIND_ORIGIN, 0, 0, name);

	(void)trouble;
	*record_r = (struct origin_record){0};
	if (item != NULL)
		*record_r = item->origin;
	return true;
}

static bool
memory_find_triplet(struct view *view, int64_t hash, int64_t since, int64_t until,
    struct grey_row *row_r, struct trouble *trouble)
{
	struct item *item = *chain(view, KIND_TRIPLET, hash, 0, NULL);

	(void)trouble;
	*row_r = (struct grey_row){0};
	if (item != NULL)
		*row_r = item->triplet;
	int64_t waits_since = backend_waits_since(row_r);
	if (row_r->passed == 0 && (waits_since < since || waits_since > until))
		*row_r = (struct grey_row){0};
	return true;
}

static bool
memory_keep_address(struct view *view, int64_t key,
    const struct address_record *record, struct trouble *trouble)
{
	struct item *item = make(view, KIND_ADDRESS, key, 0, NULL, trouble);

	if (item != NULL)
		item->address = *record;
	return item != NULL;
}

static bool
memory_keep_domain(struct view *view, const char *name, int64_t day,
    const struct domain_record *record, struct trouble *trouble)
{
	struct item *item = make(view, KIND_DOMAIN, 0, 0, name, trouble);
	struct item *count = make(view, KIND_DOMAIN, 1, day, name, trouble);

	if (item == NULL || count == NULL)
		return false;
	item->domain = *record;
	count->domain.networks = record->networks;
	return true;
}

static bool
memory_keep_origin(struct view *view, const char *name,
    const struct origin_record *record, struct trouble *trouble)
{
	struct item *item = make(view, KIND_ORIGIN, 0, 0, name, trouble);

	if (item != NULL)
		item->origin = *record;
	return item != NULL;
}

static bool
memory_keep_triplet(struct view *view, int64_t hash, const struct grey_row *was,
    const struct grey_row *row, const struct triplet_text *text,
    struct trouble *trouble)
{
	struct item *item = make(view, KIND_TRIPLET, hash, 0, NULL, trouble);

	(void)was;
	(void)text;
	if (item != NULL)
		item->triplet = *row;
	return item != NULL;
}

static bool
memory_count_network(struct view *view, int64_t day, int64_t hash, bool *is_new_r,
    struct trouble *trouble)
{
	*is_new_r = *chain(view, KIND_NETWORK, hash, day, NULL) == NULL;
	return make(view, KIND_NETWORK, hash, day, NULL, trouble) != NULL;
}

static bool
memory_add_event(struct view *view, int64_t logged, const struct event *event,
    struct trouble *trouble)
{
	(void)event;
	if (view->events_count == view->events_room) {
		size_t room = view->events_room == 0 ? 64 : view->events_room * 2;
		int64_t *events = realloc(view->events, room * sizeof *events);
		if (events == NULL) {
			trouble->kind = TROUBLE_NOTE;
			error_set(&trouble->error, "out of memory");
			return false;
		}
		view->events = events;
		view->events_room = room;
	}
	view->events[view->events_count++] = logged;
	return true;
}

static bool
memory_probe(struct view *view, struct trouble *trouble)
{
	(void)view;
	(void)trouble;
	return true;
}

static bool
is_past(enum kind kind, const struct item *item, const struct expiry *expiry)
{
	int64_t now = expiry->now, oldest = now - expiry->max_age_s;

	switch (kind) {
	case KIND_ADDRESS:
		return item->address.last_seen < oldest &&
		       item->address.known_until < now;
	case KIND_DOMAIN:
		if (item->key == 1)
			return item->day < backend_day(now);
		return item->domain.last_seen < oldest &&
		       item->domain.known_until < now;
	case KIND_ORIGIN:
		return item->origin.last_seen < oldest;
	case KIND_TRIPLET:
		if (item->triplet.passed != 0)
			return item->triplet.passed < oldest;
		return backend_waits_since(&item->triplet) <
		       now - expiry->retry_window_s;
	case KIND_NETWORK:
		return item->day < backend_day(now);
	case KINDS:
		break;
	}
	return false;
}

/* All at once: there is little of it. */
static bool
memory_expire(struct view *view, const struct expiry *expiry, bool *more_r,
    struct trouble *trouble)
{
	size_t kept = 0;

	(void)trouble;
	*more_r = false;
	for (int kind = 0; kind < KINDS; kind++) {
		for (int i = 0; i < CHAINS; i++) {
			struct item **place = &view->items[kind][i];
			while (*place != NULL) {
				if (is_past((enum kind)kind, *place, expiry))
					drop(place);
				else
					place = &(*place)->next;
			}
		}
	}
	for (size_t i = 0; i < view->events_count; i++) {
		if (view->events[i] >= expiry->now - expiry->events_s)
			view->events[kept++] = view->events[i];
	}
	view->events_count = kept;
	return true;
}

static bool
memory_report(struct backend *backend, bool want_counts,
    struct store_status_report *report_r, struct trouble *trouble)
{
	struct view *view = &backend->view;

	(void)trouble;
	if (!want_counts)
		return true;
	pthread_mutex_lock(&view->lock);
	report_r->events = view->events_count;
	for (int i = 0; i < CHAINS; i++) {
		for (struct item *item = view->items[KIND_ADDRESS][i]; item != NULL;
		     item = item->next)
			report_r->addresses++;
		for (struct item *item = view->items[KIND_DOMAIN][i]; item != NULL;
		     item = item->next)
			report_r->domains += item->key == 0;
		for (struct item *item = view->items[KIND_TRIPLET][i]; item != NULL;
		     item = item->next) {
			report_r->triplets_waiting += item->triplet.passed == 0;
			report_r->triplets_passed += item->triplet.passed != 0;
		}
	}
	pthread_mutex_unlock(&view->lock);
	return true;
}

static const char *
memory_name(const struct backend *backend)
{
	(void)backend;
	return "memory";
}

const struct backend_ops memory_ops = {
    .open = memory_open,
    .name = memory_name,
    .close = memory_close,
    .reopen = memory_reopen,
    .set_durable = memory_set_durable,
    .reader = memory_reader,
    .release = memory_release,
    .begin = memory_begin,
    .commit = memory_commit,
    .rollback = memory_release,
    .find_address = memory_find_address,
    .find_domain = memory_find_domain,
    .find_origin = memory_find_origin,
    .find_triplet = memory_find_triplet,
    .keep_address = memory_keep_address,
    .keep_domain = memory_keep_domain,
    .keep_origin = memory_keep_origin,
    .keep_triplet = memory_keep_triplet,
    .count_network = memory_count_network,
    .add_event = memory_add_event,
    .probe = memory_probe,
    .expire = memory_expire,
    .report = memory_report,
};
