/* SPDX-License-Identifier: BSD-2-Clause */
/* What readers borrow: a connection, or what one has read for a recall. */
#include <stdlib.h>

#include "base/block.h"
#include "base/clock.h"
#include "store/pgsql/pgsql_private.h"

void
pgsql_drop_idle(struct backend *backend)
{
	while (backend->idle_count > 0)
		link_close(&backend->idle[--backend->idle_count]);
}

/* Those to a server that was left since. */
static void
drop_older(struct backend *backend, unsigned generation)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < backend->idle_count; i++) {
		if (backend->idle[i].generation == generation)
			backend->idle[kept++] = backend->idle[i];
		else
			link_close(&backend->idle[i]);
	}
	backend->idle_count = kept;
}

static bool
open_link(struct backend *backend, struct link *link, int64_t until_ms,
    struct trouble *trouble)
{
	unsigned generation = atomic_load(&backend->generation);

	*link = (struct link){.deadline_ms = until_ms};
	bool ok =
	    place_connect(&backend->place, link, backend->timeout_ms, trouble) &&
	    link_prepare(link, trouble);
	link->generation = generation;
	if (!ok) /* a server that refuses a statement leaves it open */
		link_close(link);
	return ok;
}

/*
 * The server may have no connection left for us, and others of ours be in use: one
 * of those is soon given back.
 */
static bool
wait_for_link(struct backend *backend, struct link *link, int64_t until_ms)
{
	const struct timespec until = {
	    .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

	pthread_mutex_lock(&backend->lock);
	backend->waiting++;
	while (backend->idle_count == 0 && backend->taken > backend->waiting &&
	       clock_real_ms() < until_ms) {
		block_declare("store: wait for a connection");
		pthread_cond_timedwait(&backend->returned, &backend->lock, &until);
	}
	backend->waiting--;
	if (backend->idle_count > 0)
		*link = backend->idle[--backend->idle_count];
	/* Others see that one more, or less, of us waits. */
	pthread_cond_broadcast(&backend->returned);
	pthread_mutex_unlock(&backend->lock);
	link->deadline_ms = until_ms;
	return link->conn != NULL;
}

static bool
take_link(struct backend *backend, struct link *link, int64_t until_ms,
    struct trouble *trouble)
{
	*link = (struct link){0};
	pthread_mutex_lock(&backend->lock);
	drop_older(backend, atomic_load(&backend->generation));
	if (backend->idle_count > 0)
		*link = backend->idle[--backend->idle_count];
	backend->taken++;
	pthread_mutex_unlock(&backend->lock);
	link->deadline_ms = until_ms;
	return link->conn != NULL || open_link(backend, link, until_ms, trouble) ||
	       wait_for_link(backend, link, until_ms);
}

static void
give_back(struct backend *backend, struct link *link)
{
	bool is_kept = false;

	pthread_mutex_lock(&backend->lock);
	backend->taken--;
	if (link->conn != NULL && backend->idle_count < BACKEND_READERS &&
	    link->generation == atomic_load(&backend->generation)) {
		backend->idle[backend->idle_count++] = *link;
		is_kept = true;
	}
	pthread_cond_broadcast(&backend->returned);
	pthread_mutex_unlock(&backend->lock);
	if (!is_kept)
		link_close(link);
}

void
pgsql_open_reader(struct backend *backend)
{
	struct link link = {0};
	struct trouble ignored;

	pthread_mutex_lock(&backend->lock);
	drop_older(backend, atomic_load(&backend->generation));
	bool has_room = backend->idle_count + backend->taken < BACKEND_READERS;
	backend->taken += has_room;
	pthread_mutex_unlock(&backend->lock);
	if (!has_room)
		return;
	(void)open_link(
	    backend, &link, clock_real_ms() + backend->timeout_ms, &ignored);
	give_back(backend, &link);
}

static struct view *
new_view(struct backend *backend, int64_t until_ms, struct trouble *trouble)
{
	struct view *view = calloc(1, sizeof *view);

	if (view == NULL) {
		trouble->kind = TROUBLE_WAIT;
		error_set(&trouble->error, "out of memory");
		return NULL;
	}
	view->backend = backend;
	if (take_link(backend, &view->own, until_ms, trouble)) {
		view->link = &view->own;
		return view;
	}
	give_back(backend, &view->own);
	free(view);
	return NULL;
}

struct view *
pgsql_recall(struct backend *backend, const struct wanted *wanted, int64_t until_ms,
    struct trouble *trouble)
{
	struct view *view = new_view(backend, until_ms, trouble);

	if (view == NULL)
		return NULL;
	bool ok = pgsql_expect(view, wanted, trouble);
	/* An idle link may have been closed by the server: retry with a new one. */
	if (!ok && view->own.conn == NULL && clock_real_ms() < until_ms) {
		pgsql_clear(view);
		ok = open_link(backend, &view->own, until_ms, trouble) &&
		     pgsql_expect(view, wanted, trouble);
	}
	give_back(backend, &view->own);
	view->link = NULL;
	if (ok)
		return view;
	pgsql_release(view);
	return NULL;
}

struct view *
pgsql_reader(struct backend *backend, struct trouble *trouble)
{
	struct view *view = &backend->writer;

	if (!backend->is_attached)
		return new_view(backend, 0, trouble);
	pgsql_clear(view);
	view->locks = false;
	return pgsql_begin_attached(backend,
	           "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", trouble)
	           ? view
	           : NULL;
}

void
pgsql_release(struct view *view)
{
	struct trouble ignored;

	pgsql_clear(view);
	if (view == &view->backend->writer) {
		if (view->link->conn != NULL)
			(void)link_run(view->link, "COMMIT", &ignored);
		return;
	}
	if (view->link != NULL)
		give_back(view->backend, view->link);
	free(view);
}
