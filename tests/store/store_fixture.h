/* SPDX-License-Identifier: BSD-2-Clause */
/* A store in a scratch folder with a clock that stands still. */
#ifndef TESTS_STORE_STORE_FIXTURE_H
#define TESTS_STORE_STORE_FIXTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

#define TEST_NOW   INT64_C(1760000000) /* noon of no special day */
#define TEST_DELAY 1800

/* Whose mail it is, where one is as good as another. */
#define IP   "192.0.2.10"
#define FROM "a@example.org"
#define TO   "b@example.jp"

#define HUNG_S 120 /* ends a test that hangs; judges none */

struct store_fixture {
	char folder[64];
	char path[128];
	char url[160];
	_Atomic int64_t now_ms, wall_ms; /* wall_ms: of the wall clock alone */
	struct clock clock;
	struct store_settings settings;
	struct store *store;
};

/* Two tries, half an hour after the first attempt; five successes make known. */
extern const struct policy_settings test_policy;

/*
 * Opens a fresh store; memory: "memory:", else SQLite in a new folder, or a new
 * database of PostgreSQL in the tests that are built for it.
 */
void fixture_open(struct store_fixture *fixture, bool memory);
/* Closes the store and opens what it left behind. SQLite only. */
void fixture_reopen(struct store_fixture *fixture);
/* Closes the store and removes the folder. */
void fixture_close(struct store_fixture *fixture);

/* Moves the clock on. */
void fixture_sleep(struct store_fixture *fixture, int64_t seconds);
int64_t fixture_time(const struct store_fixture *fixture);

/* A note of the client, with one triplet unless sender is NULL; waits for it. */
enum note_state fixture_note(struct store_fixture *fixture, enum outcome outcome,
    const char *ip, const char *domain, const char *sender, const char *recipient);
/* As fixture_note(), with an event of this sid. */
enum note_state fixture_note_event(
    struct store_fixture *fixture, const char *ip, const char *sid);
/* As many successes as make the client known. */
void fixture_make_known(struct store_fixture *fixture, const char *ip);
/* Looks one triplet up. history_r->rows is row_r. */
enum store_status fixture_recall(struct store_fixture *fixture, const char *ip,
    const char *domain, const char *sender, const char *recipient,
    struct history *history_r, struct grey_row *row_r);

#endif
