/* SPDX-License-Identifier: BSD-2-Clause */
/* A portion of records into the target. */
#include <stdlib.h>
#include <string.h>

#include "query/migrate_private.h"
#include "store/keys.h"

/* How far in time from its new place a waiting triplet is looked for. */
#define NEAR_S (3 * 86400)

bool
portion_failed(struct portion *portion)
{
	portion->migration->has_failed = true;
	return false;
}

bool
portion_out_of_memory(struct portion *portion)
{
	error_set(&portion->migration->trouble.error, "out of memory");
	return portion_failed(portion);
}

static int64_t *
slot_of(const struct seen *seen, int64_t hash)
{
	size_t at = (size_t)hash & (seen->room - 1);

	while (seen->slots[at] != 0 && seen->slots[at] != hash)
		at = (at + 1) & (seen->room - 1);
	return &seen->slots[at];
}

static bool
grow(struct seen *seen)
{
	struct seen grown = {.room = seen->room == 0 ? 4096 : seen->room * 2};

	grown.slots = calloc(grown.room, sizeof *grown.slots);
	if (grown.slots == NULL)
		return false;
	for (size_t i = 0; i < seen->room; i++) {
		if (seen->slots[i] != 0)
			*slot_of(&grown, seen->slots[i]) = seen->slots[i];
	}
	grown.count = seen->count;
	free(seen->slots);
	*seen = grown;
	return true;
}

bool
portion_see(struct seen *seen, int64_t hash, bool *is_new_r)
{
	*is_new_r = true;
	if (hash == 0)
		return true;
	if (seen->count * 2 >= seen->room && !grow(seen))
		return false;
	int64_t *slot = slot_of(seen, hash);
	*is_new_r = *slot == 0;
	seen->count += *is_new_r;
	*slot = hash;
	return true;
}

/* ------------------------------------------------------------------- writing */

/* Asks for all of them at once, as the target may be remote. */
static bool
expect(struct portion *portion)
{
	struct query *to = portion->migration->to;
	int64_t keys[PORTION];
	const char *names[PORTION];
	struct wanted wanted = {.day = portion->migration->day};

	if (!to->ops->is_shared)
		return true;
	for (size_t i = 0; i < portion->count; i++) {
		keys[i] = portion->records[i].key;
		names[i] = portion->records[i].texts[0];
	}
	switch (portion->kind) {
	case MIGRATE_ADDRESSES:
		wanted.addresses = keys;
		wanted.addresses_count = portion->count;
		break;
	case MIGRATE_DOMAINS:
		wanted.domains = names;
		wanted.domains_count = portion->count;
		break;
	case MIGRATE_ORIGINS:
		wanted.origins = names;
		wanted.origins_count = portion->count;
		break;
	case MIGRATE_NETWORKS:
		wanted.networks = keys;
		wanted.networks_count = portion->count;
		break;
	case MIGRATE_TRIPLETS:
		wanted.triplets = keys;
		wanted.triplets_count = portion->count;
		break;
	case MIGRATE_EVENTS:
	case MIGRATE_KINDS:
		return true;
	}
	return to->ops->expect(to->view, &wanted, &portion->migration->trouble);
}

static bool
write_address(struct query *to, const struct record *record, bool *is_new_r,
    struct trouble *trouble)
{
	struct address_record was;

	if (!to->ops->find_address(to->view, record->key, &was, trouble))
		return false;
	*is_new_r = sum_address(0, &was) != sum_address(0, &record->address);
	return !*is_new_r || to->ops->keep_address(
	                         to->view, record->key, &record->address, trouble);
}

static bool
write_domain(struct query *to, const struct record *record, bool *is_new_r,
    struct trouble *trouble)
{
	const char *name = record->texts[0];
	struct domain_record was;

	if (!to->ops->find_domain(to->view, name, record->day, &was, trouble))
		return false;
	*is_new_r = sum_domain("", &was) != sum_domain("", &record->domain);
	return !*is_new_r || to->ops->keep_domain(to->view, name, record->day,
	                         &record->domain, trouble);
}

static bool
write_origin(struct query *to, const struct record *record, bool *is_new_r,
    struct trouble *trouble)
{
	const char *name = record->texts[0];
	struct origin_record was;

	if (!to->ops->find_origin(to->view, name, &was, trouble))
		return false;
	*is_new_r = sum_origin("", &was) != sum_origin("", &record->origin);
	return !*is_new_r ||
	       to->ops->keep_origin(to->view, name, &record->origin, trouble);
}

static bool
write_triplet(struct query *to, const struct record *record, bool *is_new_r,
    struct trouble *trouble)
{
	const struct triplet_text nothing = {
	    .client = "", .sender = "", .recipient = ""};
	const struct grey_row *row = &record->triplet;
	int64_t since = backend_waits_since(row);
	struct triplet_text text = {.client = record->texts[0],
	    .sender = record->texts[1],
	    .recipient = record->texts[2]};
	struct grey_row was;

	if (!to->ops->find_triplet(to->view, record->key, since - NEAR_S,
	        since + NEAR_S, &was, trouble))
		return false;
	*is_new_r = sum_triplet(0, &was, &nothing) != sum_triplet(0, row, &nothing);
	if (!*is_new_r)
		return true;
	if (to->ops->is_shared)
		text.pair = key_pair(to->secret, text.client, text.sender);
	return to->ops->keep_triplet(
	    to->view, record->key, &was, row, &text, trouble);
}

static bool
write_record(struct portion *portion, const struct record *record, bool *is_new_r)
{
	struct trouble *trouble = &portion->migration->trouble;
	struct query *to = portion->migration->to;

	switch (portion->kind) {
	case MIGRATE_ADDRESSES:
		return write_address(to, record, is_new_r, trouble);
	case MIGRATE_DOMAINS:
		return write_domain(to, record, is_new_r, trouble);
	case MIGRATE_ORIGINS:
		return write_origin(to, record, is_new_r, trouble);
	case MIGRATE_TRIPLETS:
		return write_triplet(to, record, is_new_r, trouble);
	case MIGRATE_NETWORKS:
	case MIGRATE_EVENTS:
	case MIGRATE_KINDS:
		break;
	}
	return to->ops->count_network(
	    to->view, record->day, record->key, is_new_r, trouble);
}

void
portion_clear(struct portion *portion)
{
	for (size_t i = 0; i < portion->count; i++) {
		for (int text = 0; text < 3; text++)
			free(portion->records[i].texts[text]);
	}
	portion->count = 0;
}

bool
portion_write(struct portion *portion)
{
	struct migration *migration = portion->migration;
	struct query *to = migration->to;
	uint64_t written = 0;
	bool is_new;

	if (portion->count == 0)
		return true;
	if (!query_enter_change(to, &migration->trouble))
		return portion_failed(portion);
	bool ok = expect(portion);
	for (size_t i = 0; ok && i < portion->count; i++) {
		ok = write_record(portion, &portion->records[i], &is_new);
		written += ok && is_new;
	}
	portion_clear(portion);
	if (!query_leave_change(to, ok, &migration->trouble))
		return portion_failed(portion);
	migration->report->kinds[portion->kind].written += written;
	return true;
}
