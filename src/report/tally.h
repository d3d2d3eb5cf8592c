/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "The most frequent", counted in bounded memory: a table of named counters; when
 * it is full, the rarer half is dropped. A rank may therefore be too low by at most
 * tally_error(), and no name with a higher one is missing.
 */
#ifndef REPORT_TALLY_H
#define REPORT_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"

#define TALLY_COUNTS 8

struct tally_row {
	char *name;
	uint64_t hash;
	uint64_t rank;                /* sum of the weights */
	uint64_t count[TALLY_COUNTS]; /* for the caller */
	int64_t first, last;          /* times given to tally_add() */
};

struct tally;

/* room  counters kept at most, >= 16. NULL when out of memory. */
struct tally *tally_new(size_t room);
/* Accepts NULL; nulls. */
void tally_free(struct tally **tally);

/*
 * The row of a name, created if needed, its rank raised by weight; borrowed until
 * the next call. NULL only when out of memory.
 */
struct tally_row *tally_add(
    struct tally *tally, const char *name, uint64_t weight, int64_t time);

/*
 * Sorts by falling rank, then by name. The rows stay the tally's, valid until the
 * next call.
 */
const struct tally_row *tally_sort(struct tally *tally, size_t *count_r);

/* The most by which a rank may be too low. */
uint64_t tally_error(const struct tally *tally);

#endif
