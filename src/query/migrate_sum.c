/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "query/migrate_private.h"
#include "store/event_row.h"

const struct address_search migrate_addresses = {INT64_MIN, INT64_MAX, 0};
const struct triplet_search migrate_waiting = {.has_passed = false};
const struct triplet_search migrate_passed = {.has_passed = true};

/* No secret: the sums detect errors, not attacks. */
static const uint8_t no_key[SIPHASH_KEY_SIZE];

static uint64_t
sum_numbers(const int64_t *numbers, size_t count)
{
	return siphash(no_key, numbers, count * sizeof *numbers);
}

/* Non-ASCII text may be stored differently: some databases take UTF-8 only. */
static uint64_t
sum_text(uint64_t sum, const char *text)
{
	char plain[1024];
	size_t used = sizeof sum;

	memcpy(plain, &sum, sizeof sum);
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x80)
			plain[used++] = *text;
		if (used == sizeof plain) {
			sum = siphash(no_key, plain, used);
			memcpy(plain, &sum, sizeof sum);
			used = sizeof sum;
		}
	}
	return siphash(no_key, plain, used);
}

uint64_t
sum_address(int64_t key, const struct address_record *record)
{
	const int64_t numbers[] = {key, record->first_seen, record->last_seen,
	    record->last_success, record->last_counted, record->last_unproven,
	    record->last_gaveup, record->known_until, record->sessions,
	    record->successes, record->counted, record->gaveup, record->gaveup_secs,
	    record->ham, record->spam, record->rated};

	return sum_numbers(numbers, sizeof numbers / sizeof *numbers);
}

uint64_t
sum_domain(const char *name, const struct domain_record *record)
{
	const int64_t numbers[] = {record->first_seen, record->last_seen,
	    record->last_success, record->last_counted, record->known_until,
	    record->successes, record->counted, record->networks};

	return sum_text(
	    sum_numbers(numbers, sizeof numbers / sizeof *numbers), name);
}

uint64_t
sum_origin(const char *name, const struct origin_record *record)
{
	const int64_t numbers[] = {record->first_seen, record->last_seen,
	    record->decayed, record->sessions, record->successes, record->gaveup,
	    record->ham, record->spam, (int64_t)record->people};

	return sum_text(
	    sum_numbers(numbers, sizeof numbers / sizeof *numbers), name);
}

uint64_t
sum_network(int64_t day, int64_t hash)
{
	const int64_t numbers[] = {day, hash};

	return sum_numbers(numbers, 2);
}

uint64_t
sum_triplet(
    int64_t hash, const struct grey_row *row, const struct triplet_text *text)
{
	const int64_t numbers[] = {hash, row->first, row->last, row->last_try,
	    row->passed, row->tries, row->early, (int64_t)row->mxs};
	uint64_t sum = sum_numbers(numbers, sizeof numbers / sizeof *numbers);

	sum = sum_text(sum, text->client);
	sum = sum_text(sum, text->sender);
	return sum_text(sum, text->recipient);
}

/* All columns but the first, by which it is filed: that never decreases. */
uint64_t
sum_event(const struct event *event)
{
	struct event_row row;
	uint64_t sum = 0;

	event_to_row(event, 0, &row);
	for (int i = 1; i < EVENT_COLUMNS; i++) {
		const struct event_value *value = &row.values[i];
		int64_t numbers[] = {(int64_t)sum, value->kind,
		    value->kind == EVENT_NUMBER ? value->number : 0};
		if (value->kind == EVENT_REAL)
			memcpy(&numbers[2], &value->real, sizeof value->real);
		sum = sum_numbers(numbers, 3);
		if (value->kind == EVENT_TEXT)
			sum = sum_text(sum, value->text);
	}
	return sum;
}

/* ------------------------------------------------------------- read it again */

static bool
count_row(struct migration *migration, enum migrate_kind kind, uint64_t sum)
{
	struct migrate_counts *counts = &migration->report->kinds[kind];

	counts->found++;
	counts->sum_found += sum;
	if (migration->progress != NULL && counts->found % 1024 == 0)
		migration->progress(
		    migration->ctx, kind, counts->found, counts->rows);
	return true;
}

static bool
count_address(void *ctx, int64_t key, const struct address_record *record)
{
	return count_row(ctx, MIGRATE_ADDRESSES, sum_address(key, record));
}

static bool
count_domain(void *ctx, const char *name, const struct domain_record *record)
{
	return count_row(ctx, MIGRATE_DOMAINS, sum_domain(name, record));
}

static bool
count_origin(void *ctx, const char *name, const struct origin_record *record)
{
	return count_row(ctx, MIGRATE_ORIGINS, sum_origin(name, record));
}

static bool
count_network(void *ctx, int64_t day, int64_t hash)
{
	return count_row(ctx, MIGRATE_NETWORKS, sum_network(day, hash));
}

static bool
count_triplet(void *ctx, int64_t hash, const struct grey_row *row,
    const struct triplet_text *text)
{
	return count_row(ctx, MIGRATE_TRIPLETS, sum_triplet(hash, row, text));
}

static bool
count_event(void *ctx, const struct event *event)
{
	return count_row(ctx, MIGRATE_EVENTS, sum_event(event));
}

bool
migrate_compare(struct migration *migration)
{
	struct query *to = migration->to;
	struct trouble *trouble = &migration->trouble;
	const struct event_search all = {0};

	if (!query_enter(to, trouble))
		return false;
	bool ok =
	    to->ops->each_address(
	        to->view, &migrate_addresses, count_address, migration, trouble) &&
	    to->ops->each_domain(
	        to->view, migration->day, 0, count_domain, migration, trouble) &&
	    to->ops->each_origin(to->view, count_origin, migration, trouble) &&
	    to->ops->each_network(
	        to->view, migration->day, count_network, migration, trouble) &&
	    to->ops->each_triplet(
	        to->view, &migrate_waiting, count_triplet, migration, trouble) &&
	    to->ops->each_triplet(
	        to->view, &migrate_passed, count_triplet, migration, trouble) &&
	    to->ops->each_event(to->view, &all, count_event, migration, trouble);
	if (!query_leave(to, ok))
		return false;
	migration->report->is_equal = true;
	for (int i = 0; i < MIGRATE_KINDS; i++) {
		const struct migrate_counts *counts = &migration->report->kinds[i];
		migration->report->is_equal &= counts->rows == counts->found &&
		                               counts->sum == counts->sum_found;
	}
	return true;
}
