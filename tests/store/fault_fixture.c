/* SPDX-License-Identifier: BSD-2-Clause */
#include "fault_fixture.h"

#include <pthread.h>

#include "base/log.h"
#include "query/query.h"

struct history fault_history;
struct grey_row fault_row;

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
fault_set_up(void **state)
{
	*state = malloc(sizeof(struct store_fixture));
	shim_fail(SHIM_NONE, 1, 0);
	fixture_open(*state, false);
	warnings = 0;
	last_warning[0] = '\0';
	return 0;
}

int
fault_tear_down(void **state)
{
	shim_fail(SHIM_NONE, 1, 0);
	fixture_close(*state);
	free(*state);
	return 0;
}

enum note_state
attempt(struct store_fixture *fixture, const char *sender)
{
	return fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, sender, TO);
}

bool
is_kept(struct store_fixture *fixture, const char *sender)
{
	assert_int_equal(fixture_recall(fixture, IP, NULL, sender, TO,
	                     &fault_history, &fault_row),
	    STORE_OK);
	return fault_row.first != 0;
}

static bool
print_finding(void *ctx, const char *finding)
{
	(void)ctx;
	print_message("%s\n", finding);
	return true;
}

void
assert_sound(struct store_fixture *fixture)
{
	struct error error;
	bool sound = false;
	struct query *query = query_open(fixture->url, false, &error);

	assert_non_null(query);
	assert_true(query_check(query, print_finding, NULL, &sound, &error));
	assert_true(sound);
	query_close(&query);
}

void
fault_begin(void)
{
	log_to_sink(catch_log, NULL);
	shim_install();
}

unsigned
fault_warnings(void)
{
	return warnings;
}

const char *
fault_last_warning(void)
{
	return last_warning;
}
