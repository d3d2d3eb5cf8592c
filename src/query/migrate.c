/* SPDX-License-Identifier: BSD-2-Clause */
#include "query/migrate.h"

#include <string.h>

#include "query/migrate_private.h"

const char *const migrate_words[MIGRATE_KINDS] = {
    [MIGRATE_ADDRESSES] = "addresses",
    [MIGRATE_DOMAINS] = "domains",
    [MIGRATE_ORIGINS] = "origins",
    [MIGRATE_NETWORKS] = "networks",
    [MIGRATE_TRIPLETS] = "triplets",
    [MIGRATE_EVENTS] = "events",
};

static bool
claim(struct query *query, struct trouble *trouble, struct error *error)
{
	return query->ops->claim(query->backend, trouble) ||
	       query_failed(query, trouble, error);
}

/* A target that does not exist yet is created, with the secret of the source. */
static struct query *
open_target(const char *to, const struct query *from, struct error *error)
{
	const struct backend_ops *ops = backend_of_url(to, error);
	struct query *query;

	if (ops == NULL)
		return NULL;
	if (ops->attach == NULL) {
		error_set(error, "%s: a database in memory does not last", to);
		return NULL;
	}
	query = query_open(to, true, error);
	if (query == NULL && ops->make(to, from->secret, error))
		query = query_open(to, true, error);
	if (query == NULL)
		return NULL;
	if (memcmp(query->secret, from->secret, SIPHASH_KEY_SIZE) == 0)
		return query;
	error_set(error,
	    "%s: has a secret of its own, so it was not begun by a migration from "
	    "%s; give a new and empty one",
	    ops->name(query->backend), from->ops->name(from->backend));
	query_close(&query);
	return NULL;
}

static bool
count_source(struct migration *migration)
{
	struct query *from = migration->from;
	struct store_status_report report = {0};

	if (!from->ops->report(from->backend, true, &report, &migration->trouble))
		return false;
	migration->totals[MIGRATE_ADDRESSES] = report.addresses;
	migration->totals[MIGRATE_DOMAINS] = report.domains;
	migration->totals[MIGRATE_TRIPLETS] =
	    report.triplets_waiting + report.triplets_passed;
	migration->totals[MIGRATE_EVENTS] = report.events;
	return true;
}

static bool
copy_and_compare(struct migration *migration, struct error *error)
{
	if (!claim(migration->to, &migration->trouble, error))
		return false;
	if (!count_source(migration))
		return query_failed(migration->from, &migration->trouble, error);
	if (migrate_copy(migration) && migrate_compare(migration))
		return true;
	error_set(error, "%s to %s: %s",
	    migration->from->ops->name(migration->from->backend),
	    migration->to->ops->name(migration->to->backend),
	    migration->trouble.error.text);
	return false;
}

bool
query_migrate(const char *from, const char *to, int64_t now,
    void (*progress)(
        void *ctx, enum migrate_kind kind, uint64_t done, uint64_t total),
    void *ctx, struct migrate_report *report_r, struct error *error)
{
	struct migration migration = {.day = backend_day(now),
	    .report = report_r,
	    .progress = progress,
	    .ctx = ctx};

	memset(report_r, 0, sizeof *report_r);
	migration.from = query_open(from, false, error);
	if (migration.from == NULL)
		return false;
	if (claim(migration.from, &migration.trouble, error))
		migration.to = open_target(to, migration.from, error);
	bool ok = migration.to != NULL && copy_and_compare(&migration, error);
	if (migration.to != NULL)
		query_close(&migration.to);
	query_close(&migration.from);
	return ok;
}
