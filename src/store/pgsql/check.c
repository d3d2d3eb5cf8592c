/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be wrong with an attached database, which has our version and all
 * tables, columns and primary keys that statements name: indexes, and rows that no
 * daemon writes. Reads every row. Pages are the server's business; what its
 * checksums find is reported.
 */
#include <stdio.h>
#include <string.h>

#include "store/pgsql/pgsql_private.h"

#define OURS                                                                       \
	"('meta', 'triplet', 'address', 'domain', 'origin', 'domain_network', "    \
	"'event')"
/* The time that a row is filed under, as in backend_waits_since(). */
#define KEPT_BY                                                                    \
	"CASE WHEN passed <> 0 THEN passed WHEN tries > 0 THEN last ELSE first "   \
	"END"

/* How many there are of each. */
static const struct {
	const char *finding, *sql;
} checks[] = {
    {"indexes that are not valid (REINDEX rebuilds them)",
        "SELECT count(*) FROM pg_index WHERE NOT (indisvalid AND indisready)"
        " AND indrelid IN (SELECT oid FROM pg_class WHERE relname IN " OURS
        " AND pg_table_is_visible(oid))"},
    {"indexes that are missing",
        "SELECT 10 - count(*) FROM pg_class WHERE relkind IN ('i', 'I')"
        " AND pg_table_is_visible(oid) AND relname IN ('triplet_pair', "
        "'triplet_client',"
        " 'triplet_waiting', 'triplet_passed', 'event_logged', 'event_time',"
        " 'event_sid', 'event_queue_id', 'event_message_id', 'event_ip')"},
    {"triplets with impossible times or numbers",
        "SELECT count(*) FROM triplet WHERE first <= 0 OR last < first"
        " OR last_try < 0 OR passed < 0 OR tries < 0 OR early NOT IN (0, 1)"
        " OR version < 1 OR mxs <> 0 AND passed <> 0"},
    {"triplets that expire at the wrong time",
        "SELECT count(*) FROM triplet WHERE day <> (" KEPT_BY ") / 86400"},
    {"addresses with impossible times or numbers",
        "SELECT count(*) FROM address WHERE first_seen <= 0 OR last_seen <= 0"
        " OR last_success < 0 OR last_counted < 0 OR last_unproven < 0"
        " OR last_gaveup < 0 OR known_until < 0 OR sessions < 0"
        " OR successes < 0 OR counted < 0 OR gaveup < 0 OR gaveup_secs < 0"
        " OR ham < 0 OR spam < 0 OR rated < 0 OR version < 1"},
    {"domains with impossible times or numbers",
        "SELECT count(*) FROM domain WHERE name = '' OR first_seen <= 0"
        " OR last_seen <= 0 OR known_until < 0 OR successes < 0 OR counted < 0"
        " OR networks < 0 OR version < 1"},
    {"networks and organisations with impossible times or numbers",
        "SELECT count(*) FROM origin WHERE name = '' OR first_seen <= 0"
        " OR last_seen <= 0 OR decayed < 0 OR sessions < 0 OR successes < 0"
        " OR gaveup < 0 OR ham < 0 OR spam < 0 OR version < 1"},
    {"events without a time or an address",
        "SELECT count(*) FROM event WHERE logged <= 0 OR time <= 0 OR ip = ''"},
    {"pages that the server's checksums found damaged",
        "SELECT coalesce(max(checksum_failures), 0) FROM pg_stat_database"
        " WHERE datname = current_database()"},
};

struct findings {
	bool (*each)(void *ctx, const char *finding);
	void *ctx;
	bool is_sound, has_ended;
};

static void
find_fault(struct findings *findings, const char *text)
{
	findings->is_sound = false;
	if (!findings->has_ended)
		findings->has_ended = !findings->each(findings->ctx, text);
}

static bool
ask(struct view *view, size_t i, struct findings *findings, struct trouble *trouble)
{
	PGresult *result = link_query(view->link, checks[i].sql, 0, NULL, trouble);
	int64_t count = result == NULL ? 0 : pgsql_number(result, 0, 0);
	char text[160];

	libpq.PQclear(result);
	if (count != 0) {
		snprintf(text, sizeof text, "%lld %s", (long long)count,
		    checks[i].finding);
		find_fault(findings, text);
	}
	return result != NULL;
}

bool
pgsql_check(struct backend *backend, bool (*each)(void *ctx, const char *finding),
    void *ctx, bool *sound_r, struct trouble *trouble)
{
	struct findings findings = {each, ctx, true, false};
	bool ok = true;

	/* Each separately: one that fails does not hide the others. */
	for (size_t i = 0; ok && i < sizeof checks / sizeof *checks; i++) {
		struct view *view = pgsql_reader(backend, trouble);
		ok = view != NULL && ask(view, i, &findings, trouble);
		if (view != NULL)
			pgsql_release(view);
		/* What the server reports about a page or an index is a finding. */
		if (!ok && backend->link.conn != NULL) {
			find_fault(&findings, trouble->error.text);
			ok = true;
		}
	}
	*sound_r = findings.is_sound;
	return ok;
}
