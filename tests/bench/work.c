/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store alone under a clock that stands still, for test_instructions, which
 * counts what it takes: attempts of new triplets, each committed before the
 * next, then recalls of triplets that are not there, and of ones that are.
 *
 * usage: bench_work URL ROWS ATTEMPTS NEW KNOWN
 *        ROWS  waiting triplets that workload_fill() left in the database
 */
#include <stdio.h>
#include <stdlib.h>

#include "store_fixture.h"
#include "workload.h"

static void
die(const char *what)
{
	fprintf(stderr, "bench_work: %s\n", what);
	exit(1);
}

static void
attempt(struct store *store, uint64_t number)
{
	char text[WORKLOAD_SIZE];
	struct triplet triplet = workload_triplet(number, text);
	struct note_spec spec = {
	    .who = workload_client(number),
	    .now = TEST_NOW,
	    .outcome = OUTCOME_ATTEMPT,
	    .settings = &test_policy,
	    .triplets = &triplet,
	    .count = 1,
	};
	struct note *note = note_new(&spec);

	if (!store_submit(store, note))
		die("an attempt was not taken");
	note_drop(&note);
	store_flush(store);
}

static void
recall(struct store *store, uint64_t number, bool known)
{
	char text[WORKLOAD_SIZE];
	struct store_who who = workload_client(number);
	struct triplet triplet = workload_triplet(number, text);
	struct grey_row row;
	struct history history = {.rows = &row};

	if (store_recall(store, &who, &triplet, 1, TEST_NOW, &history) != STORE_OK)
		die("a recall failed");
	if ((row.first != 0) != known)
		die("a recall found what is not there, or missed what is");
}

int
main(int argc, char **argv)
{
	_Atomic int64_t now_ms = TEST_NOW * 1000;
	struct clock clock;
	struct error error;
	uint64_t numbers[4];

	if (argc != 6)
		return 2;
	struct store_settings settings = workload_settings(argv[1]);
	for (int i = 0; i < 4; i++)
		numbers[i] = strtoull(argv[2 + i], NULL, 10);
	clock_init_manual(&clock, &now_ms);
	struct store *store = store_open(&settings, &clock, &error);
	if (store == NULL)
		die(error.text);
	uint64_t rows = numbers[0];
	for (uint64_t i = 0; i < numbers[1]; i++)
		attempt(store, rows + i);
	for (uint64_t i = 0; i < numbers[2]; i++)
		recall(store, rows * 100 + i, false);
	for (uint64_t i = 0; i < numbers[3]; i++)
		recall(store, i, true);
	store_close(&store);
	return 0;
}
