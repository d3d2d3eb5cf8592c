/* SPDX-License-Identifier: BSD-2-Clause */
/* A store and a query beside it, for the tests of query/query.h. */
#ifndef TESTS_STORE_QUERY_FIXTURE_H
#define TESTS_STORE_QUERY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store_fixture.h"
#include "query/query.h"

struct query_fixture {
	struct store_fixture daemon;
	struct query *query;
	struct error error;
};

/* For cmocka; *state is a struct query_fixture. */
int set_up(void **state);
int tear_down(void **state);
struct ip ip_of(const char *text);
/* Any commit of the daemon sees what another program has changed before it. */
void let_notice(struct query_fixture *f);

/* The sids of the events that match, one behind the other; static. */
const char *sids(struct query_fixture *f, struct event_filter filter);

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
