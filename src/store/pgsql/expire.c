/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/keys.h"
#include "store/pgsql/pgsql_private.h"

/* A walk through a table with no index by time starts at most this often. */
#define WALK_S 3600
/* How many times more rows are looked at than removed per portion. */
#define WALK_FACTOR 4

static void
write_number(char text[static 24], int64_t number)
{
	snprintf(text, 24, "%lld", (long long)number);
}

/* Rows of one kind before a day or a time. */
static bool
expire(struct view *view, enum statement statement, int64_t before, unsigned limit,
    unsigned *removed, struct trouble *trouble)
{
	char numbers[2][24];
	const char *const values[] = {numbers[0], numbers[1]};

	write_number(numbers[0], before);
	write_number(numbers[1], limit);
	if (!link_send(view->link, statement, 2, values, trouble) ||
	    !link_flush(view->link, trouble))
		return false;
	PGresult *result = link_result(view->link, trouble);
	if (result != NULL)
		*removed += (unsigned)strtoul(libpq.PQcmdTuples(result), NULL, 10);
	libpq.PQclear(result);
	return link_finish(view->link, trouble);
}

/* One portion; next_r is where it ended, "" at the end of the table. */
static bool
walk(struct view *view, enum statement statement, const char *from,
    const struct expiry *expiry, char *next_r, size_t size, unsigned *removed,
    struct trouble *trouble)
{
	unsigned portion = expiry->limit * WALK_FACTOR;
	char numbers[3][24];
	const char *const values[] = {from, numbers[0], numbers[1], numbers[2]};

	write_number(numbers[0], portion);
	write_number(numbers[1], expiry->now - expiry->max_age_s);
	write_number(numbers[2], expiry->now);
	if (!link_send(view->link, statement, 4, values, trouble) ||
	    !link_flush(view->link, trouble))
		return false;
	PGresult *result = link_result(view->link, trouble);
	if (result != NULL) {
		bool is_end = pgsql_number(result, 0, 1) < portion;
		text_copy(
		    next_r, size, is_end ? "" : libpq.PQgetvalue(result, 0, 0));
		*removed += (unsigned)pgsql_number(result, 0, 2);
	}
	libpq.PQclear(result);
	return link_finish(view->link, trouble);
}

static bool
walk_addresses(struct view *view, const struct expiry *expiry, unsigned *removed,
    struct trouble *trouble)
{
	struct backend *backend = view->backend;
	char key[24];

	if (expiry->now < backend->walk_at[0])
		return true;
	write_number(key, backend->next_address);
	if (!walk(view, SQL_EXPIRE_ADDRESSES, key, expiry, key, sizeof key, removed,
	        trouble))
		return false;
	backend->next_address = key[0] == '\0' ? INT64_MIN : strtoll(key, NULL, 10);
	if (key[0] == '\0')
		backend->walk_at[0] = expiry->now + WALK_S;
	return true;
}

static bool
walk_names(struct view *view, enum statement statement,
    char next[static ORIGIN_SIZE], int64_t *walk_at, const struct expiry *expiry,
    unsigned *removed, struct trouble *trouble)
{
	char name[ORIGIN_SIZE];

	if (expiry->now < *walk_at)
		return true;
	if (!walk(
	        view, statement, next, expiry, name, sizeof name, removed, trouble))
		return false;
	memcpy(next, name, sizeof name);
	/* walk() fills it */
	/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
	if (name[0] == '\0')
		*walk_at = expiry->now + WALK_S;
	return true;
}

static bool
is_alone(struct view *view, bool *alone_r, struct trouble *trouble)
{
	if (!link_send(view->link, SQL_EXPIRE_ALONE, 0, NULL, trouble) ||
	    !link_flush(view->link, trouble))
		return false;
	PGresult *result = link_result(view->link, trouble);
	*alone_r = result != NULL && libpq.PQgetvalue(result, 0, 0)[0] == 't';
	libpq.PQclear(result);
	return link_finish(view->link, trouble);
}

void
pgsql_expire_anew(struct backend *backend)
{
	backend->next_address = INT64_MIN;
	backend->next_domain[0] = backend->next_origin[0] = '\0';
	memset(backend->walk_at, 0, sizeof backend->walk_at);
}

bool
pgsql_expire(struct view *view, const struct expiry *expiry, bool *more_r,
    struct trouble *trouble)
{
	struct backend *backend = view->backend;
	int64_t now = expiry->now;
	const struct {
		enum statement statement;
		int64_t before;
	} kinds[] = {
	    {SQL_EXPIRE_WAITING, backend_day(now - expiry->retry_window_s)},
	    {SQL_EXPIRE_NETWORKS, backend_day(now)},
	    {SQL_EXPIRE_EVENTS, now - expiry->events_s},
	    {SQL_EXPIRE_PASSED, backend_day(now - expiry->max_age_s)},
	};
	unsigned removed = 0;
	bool alone;

	*more_r = false;
	if (!is_alone(view, &alone, trouble))
		return false;
	/* targreyctl must remove all, so it repeats until it has the lock. */
	if (!alone) {
		*more_r = expiry->thorough;
		return true;
	}
	for (size_t i = 0; removed == 0 && i < sizeof kinds / sizeof *kinds; i++) {
		if (!expire(view, kinds[i].statement, kinds[i].before,
		        expiry->limit, &removed, trouble))
			return false;
	}
	*more_r = removed > 0;
	if (removed > 0)
		return true;
	if (!walk_addresses(view, expiry, &removed, trouble) ||
	    !walk_names(view, SQL_EXPIRE_DOMAINS, backend->next_domain,
	        &backend->walk_at[1], expiry, &removed, trouble) ||
	    !walk_names(view, SQL_EXPIRE_ORIGINS, backend->next_origin,
	        &backend->walk_at[2], expiry, &removed, trouble))
		return false;
	*more_r = expiry->thorough &&
	          (now >= backend->walk_at[0] || now >= backend->walk_at[1] ||
	              now >= backend->walk_at[2]);
	return true;
}
