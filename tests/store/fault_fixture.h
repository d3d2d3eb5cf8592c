/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of faults share: one fixture at a time, its log caught. */
#ifndef TESTS_STORE_FAULT_FIXTURE_H
#define TESTS_STORE_FAULT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store_fixture.h"
#include "shim.h"

/* What the last look-up found. */
extern struct history fault_history;
extern struct grey_row fault_row;

/* Catches the log and puts the shim under SQLite; once a process. */
void fault_begin(void);
/* Warnings since fault_set_up(), and the last one. */
unsigned fault_warnings(void);
const char *fault_last_warning(void);

/* For cmocka; *state is a struct store_fixture. */
int fault_set_up(void **state);
int fault_tear_down(void **state);

/* An attempt of IP with a sender. */
enum note_state attempt(struct store_fixture *fixture, const char *sender);
bool is_kept(struct store_fixture *fixture, const char *sender);
/* The whole file passes query_check(). */
void assert_sound(struct store_fixture *fixture);

#define TEST(name)                                                                 \
	cmocka_unit_test_setup_teardown(name, fault_set_up, fault_tear_down)

#endif
