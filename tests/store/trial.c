/* SPDX-License-Identifier: BSD-2-Clause */
#include "trial.h"

#include <pthread.h>

#include "base/log.h"
#include "query/query.h"

struct history trial_history;
struct grey_row trial_row;

/* Warnings of the store, counted and the last one kept. */
static _Atomic unsigned warnings;
static char last_warning[1024];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void
catch_log(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	pthread_mutex_lock(&log_lock);
	if (level == LOG_LEVEL_WARNING) {
		warnings++;
		snprintf(last_warning, sizeof last_warning, "%s", text);
	}
	pthread_mutex_unlock(&log_lock);
}

int
trial_set_up(void **state)
{
	*state = malloc(sizeof(struct bed));
	shim_fail(SHIM_NONE, 1, 0);
	bed_open(*state, false);
	warnings = 0;
	last_warning[0] = '\0';
	return 0;
}

int
trial_tear_down(void **state)
{
	shim_fail(SHIM_NONE, 1, 0);
	bed_close(*state);
	free(*state);
	return 0;
}

enum note_state
attempt(struct bed *bed, const char *sender)
{
	return bed_note(bed, DEED_ATTEMPT, IP, NULL, sender, TO);
}

bool
is_kept(struct bed *bed, const char *sender)
{
	assert_int_equal(
	    bed_recall(bed, IP, NULL, sender, TO, &trial_history, &trial_row),
	    STORE_OK);
	return trial_row.first != 0;
}

static bool
print_finding(void *ctx, const char *finding)
{
	(void)ctx;
	print_message("%s\n", finding);
	return true;
}

void
assert_sound(struct bed *bed)
{
	struct error error;
	bool sound = false;
	struct query *query = query_open(bed->url, false, &error);

	assert_non_null(query);
	assert_true(query_check(query, print_finding, NULL, &sound, &error));
	assert_true(sound);
	query_close(&query);
}

void
trial_begin(void)
{
	log_to_sink(catch_log, NULL);
	shim_install();
}

unsigned
trial_warnings(void)
{
	return warnings;
}

const char *
trial_last_warning(void)
{
	return last_warning;
}
