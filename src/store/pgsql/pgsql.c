/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/pgsql/pgsql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/pgsql/pgsql_private.h"
#include "store/pgsql/schema_private.h"

/* For a database that the configuration says to wait for at start. */
#define START_MS       60000
#define START_PAUSE_MS 1000
/* The least difference of clocks that an attempt can notice: a minute's retry_gap.
 */
#define CLOCK_OFF_S 60
/* Between comparisons of the clocks; sooner while they differ. */
#define CLOCK_EACH_MS 60000
#define CLOCK_OFF_MS  1000

static bool
pgsql_check_url(const char *url, struct error *error)
{
	struct place place = {0};
	bool ok = place_init(&place, url, error);

	place_clear(&place);
	return ok;
}

/* ------------------------------------------------------------------ the writer */

/*
 * Times come from this host, those of other MXs from theirs: each that uses the
 * database compares its clock with the server's.
 */
static bool
compare_clocks(struct backend *backend, struct trouble *trouble)
{
	PGresult *result = link_query(&backend->link,
	    "SELECT extract(epoch FROM clock_timestamp())::bigint", 0, NULL,
	    trouble);

	if (result == NULL)
		return false;
	int64_t ahead_s = (int64_t)time(NULL) - pgsql_number(result, 0, 0);
	libpq.PQclear(result);
	bool is_off = ahead_s > CLOCK_OFF_S || ahead_s < -CLOCK_OFF_S;
	bool was_off =
	    atomic_exchange(&backend->clock_ahead_s, is_off ? ahead_s : 0) != 0;
	backend->clock_due_ms =
	    clock_real_ms() + (is_off ? CLOCK_OFF_MS : CLOCK_EACH_MS);
	if (is_off && !was_off)
		log_warnx("store: %s: this host's clock is %+lld s from the "
		          "server's: run NTP on both",
		    backend->place.name, (long long)ahead_s);
	return true;
}

/* Connects, creates or upgrades the tables, reads the secret, prepares. */
static bool
open_writer(struct backend *backend, bool *is_fatal_r, struct trouble *trouble)
{
	struct link *link = &backend->link;

	*is_fatal_r = false;
	link_close(link);
	if (!place_connect(&backend->place, link, backend->timeout_ms, trouble))
		return false;
	if (pgsql_make_schema(link, backend->secret, is_fatal_r, trouble) &&
	    pgsql_begin_use(link, trouble) && compare_clocks(backend, trouble) &&
	    link_prepare(link, trouble))
		return true;
	link_close(link);
	return false;
}

static void
pgsql_close(struct backend *backend)
{
	if (backend == NULL)
		return;
	pgsql_clear(&backend->writer);
	pgsql_end_use(&backend->link);
	link_close(&backend->link);
	pgsql_drop_idle(backend);
	pthread_cond_destroy(&backend->returned);
	pthread_mutex_destroy(&backend->lock);
	place_clear(&backend->place);
	free(backend);
}

static struct backend *
new_backend(const char *url, struct error *error)
{
	struct backend *backend = calloc(1, sizeof *backend);
	pthread_condattr_t attributes;

	if (backend == NULL) {
		error_set(error, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&backend->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&backend->returned, &attributes);
	pthread_condattr_destroy(&attributes);
	backend->writer.backend = backend;
	backend->writer.link = &backend->link;
	pgsql_expire_anew(backend);
	if (place_init(&backend->place, url, error))
		return backend;
	pgsql_close(backend);
	return NULL;
}

/* Until the server answers, hashes are made with a secret of our own. */
static bool
begin_without(
    struct backend *backend, struct error *error, const struct trouble *trouble)
{
	static const uint8_t zero[SIPHASH_KEY_SIZE];

	if (memcmp(backend->secret, zero, sizeof zero) == 0 &&
	    getrandom(backend->secret, sizeof backend->secret, 0) !=
	        sizeof backend->secret) {
		error_set(error, "cannot get random octets");
		return false;
	}
	log_warnx("store: %s: %s; mail goes on without the record until it answers",
	    backend->place.name, trouble->error.text);
	return true;
}

static struct backend *
pgsql_open(const struct store_settings *settings,
    uint8_t secret[static SIPHASH_KEY_SIZE], struct error *error)
{
	struct backend *backend = new_backend(settings->url, error);
	struct trouble trouble = {0};
	bool is_fatal = false;

	if (backend == NULL)
		return NULL;
	backend->durable = settings->durable;
	backend->timeout_ms = (int)settings->timeout_ms;
	memcpy(backend->secret, secret, SIPHASH_KEY_SIZE);
	int64_t until_ms = clock_real_ms() + START_MS;
	bool ok = open_writer(backend, &is_fatal, &trouble);
	while (!ok && !is_fatal && settings->waits_at_start &&
	       clock_real_ms() < until_ms) {
		usleep(START_PAUSE_MS * 1000);
		ok = open_writer(backend, &is_fatal, &trouble);
	}
	if (!ok && !is_fatal && !settings->waits_at_start)
		ok = begin_without(backend, error, &trouble);
	else if (!ok)
		error_set(error, "%s: %s", backend->place.name, trouble.error.text);
	if (ok) {
		memcpy(secret, backend->secret, SIPHASH_KEY_SIZE);
		return backend;
	}
	pgsql_close(backend);
	return NULL;
}

static struct backend *
pgsql_attach(const char *url, bool writable,
    uint8_t secret_r[static SIPHASH_KEY_SIZE], struct error *error)
{
	struct backend *backend = new_backend(url, error);
	struct trouble trouble = {0};

	(void)writable;
	if (backend == NULL)
		return NULL;
	backend->is_attached = true;
	if (pgsql_connect_attached(backend, backend->secret, &trouble)) {
		memcpy(secret_r, backend->secret, SIPHASH_KEY_SIZE);
		return backend;
	}
	error_set(error, "%s: %s", backend->place.name, trouble.error.text);
	pgsql_close(backend);
	return NULL;
}

static bool
pgsql_make(const char *url, const uint8_t secret[static SIPHASH_KEY_SIZE],
    struct error *error)
{
	struct backend *backend = new_backend(url, error);
	struct trouble trouble = {0};
	bool is_fatal;

	if (backend == NULL)
		return false;
	memcpy(backend->secret, secret, SIPHASH_KEY_SIZE);
	bool ok =
	    pgsql_place_attached(backend, &trouble) &&
	    pgsql_make_schema(&backend->link, backend->secret, &is_fatal, &trouble);
	if (!ok)
		error_set(error, "%s: %s", backend->place.name, trouble.error.text);
	pgsql_close(backend);
	return ok;
}

static bool
pgsql_reopen(struct backend *backend, bool set_aside,
    uint8_t secret[static SIPHASH_KEY_SIZE], struct trouble *trouble)
{
	bool is_fatal;

	(void)set_aside;
	atomic_fetch_add(&backend->generation, 1);
	if (!open_writer(backend, &is_fatal, trouble))
		return false;
	memcpy(secret, backend->secret, SIPHASH_KEY_SIZE);
	return true;
}

static void
pgsql_set_durable(struct backend *backend, bool durable)
{
	backend->durable = durable;
}

static const char *
pgsql_name(const struct backend *backend)
{
	return backend->place.name;
}

/* ---------------------------------------------------------------- transactions */

static struct view *
pgsql_begin(struct backend *backend, enum purpose purpose, int64_t until_ms,
    bool *changed_r, struct trouble *trouble)
{
	struct view *view = &backend->writer;
	bool is_relaxed = purpose == FOR_HOUSEKEEPING || !backend->durable;

	*changed_r = false;
	pgsql_clear(view);
	view->locks = purpose == FOR_NOTES_AGAIN || backend->is_attached;
	view->link->deadline_ms = until_ms;
	if (backend->is_attached)
		return pgsql_begin_attached(backend, "BEGIN", trouble) ? view
		                                                       : NULL;
	if (purpose == FOR_HOUSEKEEPING &&
	    clock_real_ms() >= backend->clock_due_ms &&
	    !compare_clocks(backend, trouble))
		return NULL;
	if (link_send_quietly(view->link, SQL_BEGIN, trouble) &&
	    (!is_relaxed || link_send_quietly(view->link, SQL_RELAX, trouble)))
		return view;
	return NULL;
}

static void
pgsql_rollback(struct view *view)
{
	struct trouble ignored;

	pgsql_clear(view);
	if (view->backend->is_attached)
		pgsql_expire_anew(view->backend);
	if (view->link->conn == NULL)
		return;
	/* Takes the results of what was sent but not flushed first. */
	if (view->link->due > 0 && link_flush(view->link, &ignored))
		(void)link_finish(view->link, &ignored);
	if (view->link->conn != NULL)
		(void)link_do(view->link, SQL_ROLLBACK, &ignored);
}

static enum commit_end
pgsql_commit(struct view *view, struct trouble *trouble)
{
	enum commit_end end = pgsql_flush(view, trouble);

	if (end == NOT_COMMITTED)
		pgsql_rollback(view);
	pgsql_clear(view);
	return end;
}

static bool
pgsql_probe(struct view *view, struct trouble *trouble)
{
	return link_do(view->link, SQL_PROBE, trouble);
}

const struct backend_ops pgsql_ops = {
    .is_shared = true,
    .check_url = pgsql_check_url,
    .each_file = pgsql_each_file,
    .open = pgsql_open,
    .attach = pgsql_attach,
    .name = pgsql_name,
    .close = pgsql_close,
    .reopen = pgsql_reopen,
    .set_durable = pgsql_set_durable,
    .reader = pgsql_reader,
    .release = pgsql_release,
    .begin = pgsql_begin,
    .commit = pgsql_commit,
    .rollback = pgsql_rollback,
    .expect = pgsql_expect,
    .open_reader = pgsql_open_reader,
    .recall = pgsql_recall,
    .find_address = pgsql_find_address,
    .find_domain = pgsql_find_domain,
    .find_origin = pgsql_find_origin,
    .find_triplet = pgsql_find_triplet,
    .keep_address = pgsql_keep_address,
    .keep_domain = pgsql_keep_domain,
    .keep_origin = pgsql_keep_origin,
    .keep_triplet = pgsql_keep_triplet,
    .count_network = pgsql_count_network,
    .add_event = pgsql_add_event,
    .probe = pgsql_probe,
    .expire = pgsql_expire,
    .report = pgsql_report,
    .each_address = pgsql_each_address,
    .each_domain = pgsql_each_domain,
    .each_origin = pgsql_each_origin,
    .each_network = pgsql_each_network,
    .each_triplet = pgsql_each_triplet,
    .each_event = pgsql_each_event,
    .drop_address = pgsql_drop_address,
    .drop_domain = pgsql_drop_domain,
    .drop_origin = pgsql_drop_origin,
    .drop_triplet = pgsql_drop_triplet,
    .rate_event = pgsql_rate_event,
    .refuse_event = pgsql_refuse_event,
    .make = pgsql_make,
    .claim = pgsql_claim,
    .find_mark = pgsql_find_mark,
    .keep_mark = pgsql_keep_mark,
    .check = pgsql_check,
    .backup = pgsql_backup,
};
