/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/held.h"

#include <stdlib.h>
#include <string.h>

enum held_kind { HELD_ADDRESS, HELD_DOMAIN, HELD_ORIGIN };

struct held_row {
	struct held_row *next;  /* in its hash chain */
	struct held_row *older; /* in the list of all rows */
	enum held_kind kind;
	bool is_changed;
	int64_t key; /* for an address */
	int64_t day; /* on which a domain's networks are counted */
	union {
		struct address_record address;
		struct domain_record domain;
		struct origin_record origin;
	};
	char name[]; /* "" for an address */
};

static struct held_row **
place_of(
    const struct apply *apply, enum held_kind kind, int64_t key, const char *name)
{
	/* Keyed, since strangers choose the names. */
	uint64_t hash = *name != '\0'
	                    ? siphash(apply->secret, name, strlen(name))
	                    : (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15);
	struct held_row **place = &apply->held->chains[(hash >> 40) % HELD_CHAINS];

	while (*place != NULL && ((*place)->kind != kind || (*place)->key != key ||
	                             strcmp((*place)->name, name) != 0))
		place = &(*place)->next;
	return place;
}

/* NULL: it is not held. */
static struct held_row *
find(const struct apply *apply, enum held_kind kind, int64_t key, const char *name)
{
	return apply->held == NULL ? NULL : *place_of(apply, kind, key, name);
}

/* NULL: records are not held, or out of memory; the backend is asked directly. */
static struct held_row *
make(const struct apply *apply, enum held_kind kind, int64_t key, const char *name)
{
	if (apply->held == NULL)
		return NULL;
	struct held_row **place = place_of(apply, kind, key, name);
	if (*place != NULL)
		return *place;
	size_t size = strlen(name) + 1;
	struct held_row *row = calloc(1, sizeof *row + size);
	if (row == NULL)
		return NULL;
	row->kind = kind;
	row->key = key;
	memcpy(row->name, name, size);
	row->older = apply->held->last;
	apply->held->last = *place = row;
	return row;
}

bool
held_find_address(const struct apply *apply, int64_t key,
    struct address_record *record_r, struct trouble *trouble)
{
	struct held_row *row = find(apply, HELD_ADDRESS, key, "");

	if (row != NULL) {
		*record_r = row->address;
		return true;
	}
	if (!apply->ops->find_address(apply->view, key, record_r, trouble))
		return false;
	row = make(apply, HELD_ADDRESS, key, "");
	if (row != NULL)
		row->address = *record_r;
	return true;
}

bool
held_find_domain(const struct apply *apply, const char *name, int64_t day,
    struct domain_record *record_r, struct trouble *trouble)
{
	struct held_row *row = find(apply, HELD_DOMAIN, 0, name);

	if (row != NULL) {
		*record_r = row->domain;
		if (row->day != day)
			record_r->networks = 0;
		return true;
	}
	if (!apply->ops->find_domain(apply->view, name, day, record_r, trouble))
		return false;
	row = make(apply, HELD_DOMAIN, 0, name);
	if (row != NULL) {
		row->domain = *record_r;
		row->day = day;
	}
	return true;
}

bool
held_find_origin(const struct apply *apply, const char *name,
    struct origin_record *record_r, struct trouble *trouble)
{
	struct held_row *row = find(apply, HELD_ORIGIN, 0, name);

	if (row != NULL) {
		*record_r = row->origin;
		return true;
	}
	if (!apply->ops->find_origin(apply->view, name, record_r, trouble))
		return false;
	row = make(apply, HELD_ORIGIN, 0, name);
	if (row != NULL)
		row->origin = *record_r;
	return true;
}

bool
held_keep_address(const struct apply *apply, int64_t key,
    const struct address_record *record, struct trouble *trouble)
{
	struct held_row *row = make(apply, HELD_ADDRESS, key, "");

	if (row == NULL)
		return apply->ops->keep_address(apply->view, key, record, trouble);
	row->address = *record;
	row->is_changed = true;
	return true;
}

bool
held_keep_domain(const struct apply *apply, const char *name, int64_t day,
    const struct domain_record *record, struct trouble *trouble)
{
	struct held_row *row = make(apply, HELD_DOMAIN, 0, name);

	if (row == NULL)
		return apply->ops->keep_domain(
		    apply->view, name, day, record, trouble);
	row->domain = *record;
	row->day = day;
	row->is_changed = true;
	return true;
}

bool
held_keep_origin(const struct apply *apply, const char *name,
    const struct origin_record *record, struct trouble *trouble)
{
	struct held_row *row = make(apply, HELD_ORIGIN, 0, name);

	if (row == NULL)
		return apply->ops->keep_origin(apply->view, name, record, trouble);
	row->origin = *record;
	row->is_changed = true;
	return true;
}

static bool
write_row(
    const struct apply *apply, const struct held_row *row, struct trouble *trouble)
{
	switch (row->kind) {
	case HELD_ADDRESS:
		return apply->ops->keep_address(
		    apply->view, row->key, &row->address, trouble);
	case HELD_DOMAIN:
		return apply->ops->keep_domain(
		    apply->view, row->name, row->day, &row->domain, trouble);
	case HELD_ORIGIN:
		break;
	}
	return apply->ops->keep_origin(
	    apply->view, row->name, &row->origin, trouble);
}

bool
held_write(const struct apply *apply, struct trouble *trouble)
{
	bool ok = true;

	if (apply->held == NULL)
		return true;
	for (const struct held_row *row = apply->held->last; ok && row != NULL;
	     row = row->older)
		ok = !row->is_changed || write_row(apply, row, trouble);
	return ok;
}

void
held_clear(struct held *held)
{
	while (held->last != NULL) {
		struct held_row *row = held->last;
		held->last = row->older;
		free(row);
	}
	memset(held, 0, sizeof *held);
}
