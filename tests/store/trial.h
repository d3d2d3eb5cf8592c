/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of faults share: one bed at a time, its log caught. */
#ifndef TESTS_STORE_TRIAL_H
#define TESTS_STORE_TRIAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bed.h"
#include "shim.h"

#define IP   "192.0.2.10"
#define FROM "a@example.org"
#define TO   "b@example.jp"

/* What the last look-up found. */
extern struct history trial_history;
extern struct grey_row trial_row;

/* Catches the log and puts the shim under SQLite; once a process. */
void trial_begin(void);
/* Warnings since trial_set_up(), and the last one. */
unsigned trial_warnings(void);
const char *trial_last_warning(void);

/* For cmocka; *state is a struct bed. */
int trial_set_up(void **state);
int trial_tear_down(void **state);

/* An attempt of IP with a sender. */
enum note_state attempt(struct bed *bed, const char *sender);
bool is_kept(struct bed *bed, const char *sender);
/* The whole file passes query_check(). */
void assert_sound(struct bed *bed);

#define TEST(name)                                                                 \
	cmocka_unit_test_setup_teardown(name, trial_set_up, trial_tear_down)

#endif
