/* SPDX-License-Identifier: BSD-2-Clause */
/* A store in a scratch folder with a clock that stands still, and plain steps. */
#ifndef TESTS_STORE_BED_H
#define TESTS_STORE_BED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

#define BED_NOW   INT64_C(1760000000) /* noon of no special day */
#define BED_DELAY 1800

struct bed {
	char folder[64];
	char path[128];
	char url[160];
	_Atomic int64_t now_ms;
	struct clock clock;
	struct store_settings settings;
	struct store *store;
};

/*
 * Plain steps: an attempt BED_DELAY after the first is a try; DEED_PASSED sets
 * passed; successes count; five allow for 35 days.
 */
extern const struct store_steps bed_steps;

/* Opens a fresh store; memory: "memory:", else SQLite in a new folder. */
void bed_open(struct bed *bed, bool memory);
/* Closes the store and opens what it left behind. SQLite only. */
void bed_reopen(struct bed *bed);
/* Closes the store and removes the folder. */
void bed_close(struct bed *bed);

/* Moves the clock on. */
void bed_sleep(struct bed *bed, int64_t seconds);
int64_t bed_time(const struct bed *bed);

/* A note of the client, with one triplet unless sender is NULL; waits for it. */
enum note_state bed_note(struct bed *bed, enum deed deed, const char *ip,
    const char *domain, const char *sender, const char *recipient);
/* As bed_note(), with an event of this sid. */
enum note_state bed_note_event(struct bed *bed, const char *ip, const char *sid);
/* Looks one triplet up. history_r->rows is row_r. */
enum store_status bed_recall(struct bed *bed, const char *ip, const char *domain,
    const char *sender, const char *recipient, struct history *history_r,
    struct grey_row *row_r);

#endif
