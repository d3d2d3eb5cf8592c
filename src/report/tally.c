/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/tally.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"

struct tally {
	uint8_t key[SIPHASH_KEY_SIZE];
	struct tally_row *rows;
	uint32_t *slots; /* index + 1 into rows; 0 = free */
	size_t room, count, slots_count;
	uint64_t error;
};

struct tally *
tally_new(size_t room)
{
	struct tally *tally = calloc(1, sizeof *tally);

	if (tally == NULL)
		return NULL;
	if (getrandom(tally->key, sizeof tally->key, 0) < 0)
		memset(tally->key, 0x5a, sizeof tally->key);
	tally->room = room;
	tally->slots_count = 1;
	while (tally->slots_count < room * 2)
		tally->slots_count *= 2;
	tally->rows = calloc(room, sizeof *tally->rows);
	tally->slots = calloc(tally->slots_count, sizeof *tally->slots);
	if (tally->rows == NULL || tally->slots == NULL)
		tally_free(&tally);
	return tally;
}

void
tally_free(struct tally **tally)
{
	if (*tally == NULL)
		return;
	for (size_t i = 0; (*tally)->rows != NULL && i < (*tally)->count; i++)
		free((*tally)->rows[i].name);
	free((*tally)->rows);
	free((*tally)->slots);
	free(*tally);
	*tally = NULL;
}

/* The keyed 64-bit hash stands for the name: two of 2^13 do not meet. */
static uint32_t *
find(struct tally *tally, uint64_t hash)
{
	size_t at = hash & (tally->slots_count - 1);

	for (;; at = (at + 1) & (tally->slots_count - 1)) {
		uint32_t index = tally->slots[at];
		if (index == 0)
			return &tally->slots[at];
		if (tally->rows[index - 1].hash == hash)
			return &tally->slots[at];
	}
}

static int
by_rank(const void *a, const void *b)
{
	const struct tally_row *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void
rebuild(struct tally *tally)
{
	memset(tally->slots, 0, tally->slots_count * sizeof *tally->slots);
	for (size_t i = 0; i < tally->count; i++) {
		uint32_t *slot = find(tally, tally->rows[i].hash);
		*slot = (uint32_t)i + 1;
	}
}

static void
prune(struct tally *tally)
{
	size_t kept = tally->room / 2;

	qsort(tally->rows, tally->count, sizeof *tally->rows, by_rank);
	tally->error += tally->rows[kept].rank;
	for (size_t i = kept; i < tally->count; i++)
		free(tally->rows[i].name);
	tally->count = kept;
	rebuild(tally);
}

struct tally_row *
tally_add(struct tally *tally, const char *name, uint64_t weight, int64_t time)
{
	uint64_t hash = siphash(tally->key, name, strlen(name));
	uint32_t *slot = find(tally, hash);

	if (*slot == 0) {
		if (tally->count == tally->room) {
			prune(tally);
			slot = find(tally, hash);
		}
		char *copy = text_dup(name);
		if (copy == NULL)
			return NULL;
		tally->rows[tally->count] = (struct tally_row){
		    .name = copy, .hash = hash, .first = time, .last = time};
		*slot = (uint32_t)++tally->count;
	}
	struct tally_row *row = &tally->rows[*slot - 1];
	row->rank += weight;
	if (time < row->first)
		row->first = time;
	if (time > row->last)
		row->last = time;
	return row;
}

const struct tally_row *
tally_sort(struct tally *tally, size_t *count_r)
{
	qsort(tally->rows, tally->count, sizeof *tally->rows, by_rank);
	rebuild(tally);
	*count_r = tally->count;
	return tally->rows;
}

uint64_t
tally_error(const struct tally *tally)
{
	return tally->error;
}
