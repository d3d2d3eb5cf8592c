/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of the source in portions, each a transaction of the target. Records that
 * are already equal in the target are left alone; for events, the target keeps the
 * last one copied in a table of its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "query/migrate_private.h"

/* What is kept in the target: the last event's id in the source, and its time. */
#define MARK "migrated"

static void
count(struct portion *portion, uint64_t sum)
{
	struct migration *migration = portion->migration;
	struct migrate_counts *counts = &migration->report->kinds[portion->kind];

	counts->rows++;
	counts->sum += sum;
	if (migration->progress != NULL && counts->rows % 1024 == 0)
		migration->progress(migration->ctx, portion->kind, counts->rows,
		    migration->totals[portion->kind]);
}

/* ------------------------------------------------------------------- reading */

static struct record *
next_record(struct portion *portion)
{
	if (portion->count == PORTION && !portion_write(portion))
		return NULL;
	struct record *record = &portion->records[portion->count];
	*record = (struct record){0};
	return record;
}

static bool
take_address(void *ctx, int64_t key, const struct address_record *address)
{
	struct portion *portion = ctx;
	struct record *record = next_record(portion);

	if (record == NULL)
		return false;
	record->key = key;
	record->address = *address;
	portion->count++;
	count(portion, sum_address(key, address));
	return true;
}

static bool
take_domain(void *ctx, const char *name, const struct domain_record *domain)
{
	struct portion *portion = ctx;
	struct record *record = next_record(portion);

	if (record == NULL)
		return false;
	record->day = portion->migration->day;
	record->domain = *domain;
	record->texts[0] = text_dup(name);
	portion->count++;
	count(portion, sum_domain(name, domain));
	return record->texts[0] != NULL || portion_out_of_memory(portion);
}

static bool
take_origin(void *ctx, const char *name, const struct origin_record *origin)
{
	struct portion *portion = ctx;
	struct record *record = next_record(portion);

	if (record == NULL)
		return false;
	record->origin = *origin;
	record->texts[0] = text_dup(name);
	portion->count++;
	count(portion, sum_origin(name, origin));
	return record->texts[0] != NULL || portion_out_of_memory(portion);
}

static bool
take_network(void *ctx, int64_t day, int64_t hash)
{
	struct portion *portion = ctx;
	struct record *record = next_record(portion);

	if (record == NULL)
		return false;
	record->day = day;
	record->key = hash;
	portion->count++;
	count(portion, sum_network(day, hash));
	return true;
}

static bool
take_triplet(void *ctx, int64_t hash, const struct grey_row *row,
    const struct triplet_text *text)
{
	const char *const texts[] = {text->client, text->sender, text->recipient};
	struct portion *portion = ctx;
	bool is_new;

	if (!portion_see(&portion->seen, hash, &is_new))
		return portion_out_of_memory(portion);
	if (!is_new)
		return true;
	struct record *record = next_record(portion);
	if (record == NULL)
		return false;
	record->key = hash;
	record->triplet = *row;
	portion->count++;
	count(portion, sum_triplet(hash, row, text));
	for (int i = 0; i < 3; i++) {
		record->texts[i] = text_dup(texts[i]);
		if (record->texts[i] == NULL)
			return portion_out_of_memory(portion);
	}
	return true;
}

/* -------------------------------------------------------------------- events */

static bool
end_events(struct portion *portion, bool ok)
{
	struct migration *migration = portion->migration;
	struct query *to = migration->to;
	char mark[64];

	if (!portion->is_begun)
		return ok;
	portion->is_begun = false;
	snprintf(mark, sizeof mark, "%" PRId64 " %" PRId64, portion->last_id,
	    portion->last_logged);
	ok = ok && to->ops->keep_mark(to->view, MARK, mark, &migration->trouble);
	if (!query_leave_change(to, ok, &migration->trouble))
		return portion_failed(portion);
	migration->report->kinds[MIGRATE_EVENTS].written += portion->count;
	portion->count = 0;
	return true;
}

static bool
take_event(void *ctx, const struct event *event)
{
	struct portion *portion = ctx;
	struct migration *migration = portion->migration;
	struct query *to = migration->to;

	count(portion, sum_event(event));
	if (event->id <= portion->last_id)
		return true;
	if (portion->count == PORTION && !end_events(portion, true))
		return false;
	if (!portion->is_begun && !query_enter_change(to, &migration->trouble))
		return portion_failed(portion);
	portion->is_begun = true;
	/* What it is filed by never decreases. */
	if (event->logged > portion->last_logged)
		portion->last_logged = event->logged;
	if (!to->ops->add_event(
	        to->view, portion->last_logged, event, &migration->trouble)) {
		(void)end_events(portion, false);
		return portion_failed(portion);
	}
	portion->last_id = event->id;
	portion->count++;
	return true;
}

static bool
copy_events(struct portion *portion)
{
	struct migration *migration = portion->migration;
	struct query *from = migration->from;
	const struct event_search all = {0};

	bool ok = from->ops->each_event(
	              from->view, &all, take_event, portion, &migration->trouble) &&
	          !migration->has_failed;
	return end_events(portion, ok) && ok;
}

/* ------------------------------------------------------------------- all of it */

/* Where the last call stopped; only an empty target has no mark. */
static bool
find_mark(struct portion *portion)
{
	struct migration *migration = portion->migration;
	struct query *to = migration->to;
	struct store_status_report report = {0};
	char mark[64];

	if (!query_enter(to, &migration->trouble) ||
	    !query_leave(to, to->ops->find_mark(to->view, MARK, mark, sizeof mark,
	                         &migration->trouble)) ||
	    !to->ops->report(to->backend, true, &report, &migration->trouble))
		return false;
	if (sscanf(mark, "%" SCNd64 " %" SCNd64, &portion->last_id,
	        &portion->last_logged) == 2)
		return true;
	if (report.triplets_waiting + report.triplets_passed + report.addresses +
	        report.domains + report.events !=
	    0) {
		error_set(&migration->trouble.error,
		    "is in use already: give a new and empty one as the target");
		return false;
	}
	return query_enter_change(to, &migration->trouble) &&
	       query_leave_change(to,
	           to->ops->keep_mark(to->view, MARK, "0 0", &migration->trouble),
	           &migration->trouble);
}

static bool
copy_records(struct portion *portion, enum migrate_kind kind)
{
	struct migration *migration = portion->migration;
	struct query *from = migration->from;
	struct trouble *trouble = &migration->trouble;
	bool ok = true;

	portion->kind = kind;
	switch (kind) {
	case MIGRATE_ADDRESSES:
		ok = from->ops->each_address(
		    from->view, &migrate_addresses, take_address, portion, trouble);
		break;
	case MIGRATE_DOMAINS:
		ok = from->ops->each_domain(
		    from->view, migration->day, 0, take_domain, portion, trouble);
		break;
	case MIGRATE_ORIGINS:
		ok = from->ops->each_origin(
		    from->view, take_origin, portion, trouble);
		break;
	case MIGRATE_NETWORKS:
		ok = from->ops->each_network(
		    from->view, migration->day, take_network, portion, trouble);
		break;
	case MIGRATE_TRIPLETS:
		ok = from->ops->each_triplet(from->view, &migrate_passed,
		         take_triplet, portion, trouble) &&
		     !migration->has_failed &&
		     from->ops->each_triplet(from->view, &migrate_waiting,
		         take_triplet, portion, trouble);
		break;
	case MIGRATE_EVENTS:
	case MIGRATE_KINDS:
		return copy_events(portion);
	}
	ok = ok && !migration->has_failed && portion_write(portion);
	portion_clear(portion);
	return ok;
}

bool
migrate_copy(struct migration *migration)
{
	struct portion *portion = calloc(1, sizeof *portion);

	if (portion == NULL) {
		error_set(&migration->trouble.error, "out of memory");
		return false;
	}
	portion->migration = migration;
	bool ok =
	    find_mark(portion) && query_enter(migration->from, &migration->trouble);
	if (ok) {
		for (int kind = 0; ok && kind < MIGRATE_KINDS; kind++)
			ok = copy_records(portion, (enum migrate_kind)kind);
		query_leave(migration->from, ok);
	}
	free(portion->seen.slots);
	free(portion);
	return ok;
}
