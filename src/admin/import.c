/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/import.h"

#include "record/fold.h"

/* Rows a transaction: short, so that the daemon does not wait. */
#define BATCH 256

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
batch(struct import *import)
{
	if (import->is_dry)
		return true;
	if (import->in_batch == 0 && !query_begin(import->query, import->error))
		return false;
	if (++import->in_batch <= BATCH)
		return true;
	import->in_batch = 1;
	return query_commit(import->query, import->error) &&
	       query_begin(import->query, import->error);
}

bool
import_end(struct import *import)
{
	import->lines += import->line;
	if (import->in_batch == 0)
		return true;
	import->in_batch = 0;
	return query_commit(import->query, import->error);
}

bool
import_triplet(struct import *import, const struct ip *ip, const char *sender,
    const char *recipient, int64_t first, int64_t last, bool has_passed)
{
	char from[FOLD_SIZE], to[FOLD_SIZE];
	struct grey_row row = {.first = first, .last = last};

	if (first > import->now || last > import->now || last < first) {
		import_wrong(import, "a time is not possible");
		return true;
	}
	import->triplets++;
	if (has_passed) {
		row.tries = import->policy->retry_count;
		row.last_try = row.passed = last;
		import->passed++;
	}
	if (!batch(import))
		return false;
	return import->is_dry ||
	       query_import_triplet(import->query, ip, sender_fold(sender, from),
	           recipient_fold(recipient, to), &row, import->error);
}

bool
import_address(
    struct import *import, const struct ip *ip, uint32_t successes, int64_t last)
{
	const struct policy_settings *policy = import->policy;
	struct address_record record = {.first_seen = last,
	    .last_seen = last,
	    .last_success = last,
	    .last_counted = last,
	    .successes = successes,
	    .counted = successes};

	if (last > import->now || last <= 0) {
		import_wrong(import, "a time is not possible");
		return true;
	}
	import->addresses++;
	if (policy->known_successes > 0 && successes >= policy->known_successes) {
		record.known_until = last + policy->max_age_s;
		import->known += record.known_until >= import->now;
	}
	if (!batch(import))
		return false;
	return import->is_dry ||
	       query_import_address(import->query, ip, &record, import->error);
}
