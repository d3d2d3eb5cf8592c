/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/import.h"

#include <stdlib.h>

#include "base/text.h"
#include "record/fold.h"

void
import_wrong(struct import *import, const char *what)
{
	import->skipped++;
	if (doc_rows(import->doc) >= 100)
		return;
	doc_row(import->doc, (struct cell[]){cell_text(import->path),
	                         cell_count(import->line), cell_text(what)});
}

void
import_begin(struct import *import, const char *path)
{
	import->path = path;
	import->line = 0;
	import->in_data = import->has_key = import->is_utc = false;
	import->table = NULL;
}

static bool
write_row(
    const struct import *import, const struct import_row *row, struct error *error)
{
	if (row->sender == NULL)
		return query_import_address(
		    import->query, &row->ip, &row->address, error);
	return query_import_triplet(import->query, &row->ip, row->sender,
	    row->recipient, &row->triplet, error);
}

static bool
write_rows(void *ctx, struct error *error)
{
	const struct import *import = ctx;
	bool ok = true;

	for (unsigned i = 0; ok && i < import->in_batch; i++)
		ok = write_row(import, &import->batch[i], error);
	return ok;
}

void
import_clear(struct import *import)
{
	for (unsigned i = 0; i < import->in_batch; i++) {
		free(import->batch[i].sender);
		free(import->batch[i].recipient);
	}
	import->in_batch = 0;
}

static bool
write_batch(struct import *import)
{
	bool ok = import->in_batch == 0 ||
	          query_change(import->query, write_rows, import, import->error);

	import_clear(import);
	return ok;
}

static bool
add_row(struct import *import, const struct import_row *row)
{
	if (import->in_batch == IMPORT_BATCH && !write_batch(import))
		return false;
	import->batch[import->in_batch++] = *row;
	return true;
}

bool
import_end(struct import *import)
{
	import->lines += import->line;
	return write_batch(import);
}

bool
import_triplet(struct import *import, const struct ip *ip, const char *sender,
    const char *recipient, int64_t first, int64_t last, bool has_passed)
{
	char from[FOLD_SIZE], to[FOLD_SIZE];
	struct import_row row = {
	    .ip = *ip, .triplet = {.first = first, .last = last}};

	if (first > import->now || last > import->now || last < first) {
		import_wrong(import, "a time is impossible");
		return true;
	}
	import->triplets++;
	if (has_passed) {
		row.triplet.tries = import->policy->retry_count;
		row.triplet.last_try = row.triplet.passed = last;
		import->passed++;
	}
	if (import->is_dry)
		return true;
	row.sender = text_dup(sender_fold(sender, from));
	row.recipient = text_dup(recipient_fold(recipient, to));
	if (row.sender != NULL && row.recipient != NULL && add_row(import, &row))
		return true;
	if (row.sender == NULL || row.recipient == NULL)
		error_set(import->error, "out of memory");
	free(row.sender);
	free(row.recipient);
	return false;
}

bool
import_address(
    struct import *import, const struct ip *ip, uint32_t successes, int64_t last)
{
	const struct policy_settings *policy = import->policy;
	struct import_row row = {.ip = *ip,
	    .address = {.first_seen = last,
	        .last_seen = last,
	        .last_success = last,
	        .last_counted = last,
	        .successes = successes,
	        .counted = successes}};

	if (last > import->now || last <= 0) {
		import_wrong(import, "a time is impossible");
		return true;
	}
	import->addresses++;
	if (policy->known_successes > 0 && successes >= policy->known_successes) {
		row.address.known_until = last + policy->max_age_s;
		import->known += row.address.known_until >= import->now;
	}
	return import->is_dry || add_row(import, &row);
}
