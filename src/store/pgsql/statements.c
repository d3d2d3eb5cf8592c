/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/pgsql/link_private.h"

#include "store/pgsql/schema_private.h"

/*
 * Each table's changed rows are written by one statement, with one array per
 * column. version makes it a compare-and-set: a row that somebody else has written
 * since it was read is left alone, and the count of rows shows it. Always in key
 * order, so that two writers may wait for each other but never deadlock.
 */
#define ADDRESS                                                                    \
	"key, version, first_seen, last_seen, last_success, last_counted,"         \
	" last_unproven, last_gaveup, known_until, sessions, successes,"           \
	" counted, gaveup, gaveup_secs, ham, spam, rated"
#define DOMAIN                                                                     \
	"name, version, first_seen, last_seen, last_success, last_counted,"        \
	" known_until, successes, counted, day, networks"
#define ORIGIN                                                                     \
	"name, version, first_seen, last_seen, decayed, sessions, successes,"      \
	" gaveup, ham, spam, people"
#define TRIPLET                                                                    \
	"hash, version, first, last, last_try, passed, tries, early, pair, day,"   \
	" mxs"
#define TEXTS ", client, sender, recipient"

#define LOCK_NUMBER "1952532306" /* "taGR" */

const char *const link_statements[STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN",
    [SQL_RELAX] = "SELECT set_config('synchronous_commit', 'off', true)",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",

    [SQL_FIND_ADDRESSES] =
        "SELECT " ADDRESS " FROM address WHERE key = ANY($1::bigint[])",
    [SQL_FIND_DOMAINS] =
        "SELECT " DOMAIN " FROM domain WHERE name = ANY($1::text[])",
    [SQL_FIND_ORIGINS] =
        "SELECT " ORIGIN " FROM origin WHERE name = ANY($1::text[])",
    [SQL_FIND_TRIPLETS] =
        "SELECT " TRIPLET " FROM triplet WHERE hash = ANY($1::bigint[])",
    /* Most recently used first; if a sender has more, they are not all read. */
    [SQL_FIND_PAIRS] =
        "SELECT " TRIPLET " FROM triplet WHERE pair = ANY($1::bigint[])"
        " ORDER BY last DESC LIMIT 1000",
    [SQL_FIND_NETWORKS] = "SELECT hash, day FROM domain_network"
                          " WHERE day = $1::bigint AND hash = ANY($2::bigint[])",
    [SQL_LOCK_ADDRESSES] =
        "SELECT " ADDRESS " FROM address WHERE key = ANY($1::bigint[])"
        " ORDER BY key FOR UPDATE",
    [SQL_LOCK_DOMAINS] =
        "SELECT " DOMAIN " FROM domain WHERE name = ANY($1::text[])"
        " ORDER BY name FOR UPDATE",
    [SQL_LOCK_ORIGINS] =
        "SELECT " ORIGIN " FROM origin WHERE name = ANY($1::text[])"
        " ORDER BY name FOR UPDATE",
    [SQL_LOCK_TRIPLETS] =
        "SELECT " TRIPLET " FROM triplet WHERE hash = ANY($1::bigint[])"
        " ORDER BY hash FOR UPDATE",

    /* clang-format off */
    [SQL_KEEP_ADDRESSES] =
        "INSERT INTO address AS old (" ADDRESS ") SELECT * FROM unnest("
        "$1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], "
        "$5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], "
        "$9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], "
        "$13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], "
        "$17::bigint[]"
        ") AS new (" ADDRESS ") ORDER BY key ON CONFLICT (key) DO UPDATE SET "
        "version = EXCLUDED.version, "
        "first_seen = EXCLUDED.first_seen, "
        "last_seen = EXCLUDED.last_seen, "
        "last_success = EXCLUDED.last_success, "
        "last_counted = EXCLUDED.last_counted, "
        "last_unproven = EXCLUDED.last_unproven, "
        "last_gaveup = EXCLUDED.last_gaveup, "
        "known_until = EXCLUDED.known_until, "
        "sessions = EXCLUDED.sessions, "
        "successes = EXCLUDED.successes, counted = EXCLUDED.counted, "
        "gaveup = EXCLUDED.gaveup, "
        "gaveup_secs = EXCLUDED.gaveup_secs, ham = EXCLUDED.ham, "
        "spam = EXCLUDED.spam, rated = EXCLUDED.rated"
        " WHERE old.version = EXCLUDED.version - 1",
    [SQL_KEEP_DOMAINS] =
        "INSERT INTO domain AS old (" DOMAIN ") SELECT * FROM unnest("
        "$1::text[], $2::bigint[], $3::bigint[], $4::bigint[], "
        "$5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], "
        "$9::bigint[], $10::bigint[], $11::bigint[]"
        ") AS new (" DOMAIN ") ORDER BY name ON CONFLICT (name) DO UPDATE SET "
        "version = EXCLUDED.version, "
        "first_seen = EXCLUDED.first_seen, "
        "last_seen = EXCLUDED.last_seen, "
        "last_success = EXCLUDED.last_success, "
        "last_counted = EXCLUDED.last_counted, "
        "known_until = EXCLUDED.known_until, "
        "successes = EXCLUDED.successes, counted = EXCLUDED.counted, "
        "day = EXCLUDED.day, networks = EXCLUDED.networks"
        " WHERE old.version = EXCLUDED.version - 1",
    [SQL_KEEP_ORIGINS] =
        "INSERT INTO origin AS old (" ORIGIN ") SELECT * FROM unnest("
        "$1::text[], $2::bigint[], $3::bigint[], $4::bigint[], "
        "$5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], "
        "$9::bigint[], $10::bigint[], $11::bigint[]"
        ") AS new (" ORIGIN ") ORDER BY name ON CONFLICT (name) DO UPDATE SET "
        "version = EXCLUDED.version, "
        "first_seen = EXCLUDED.first_seen, "
        "last_seen = EXCLUDED.last_seen, decayed = EXCLUDED.decayed, "
        "sessions = EXCLUDED.sessions, successes = EXCLUDED.successes, "
        "gaveup = EXCLUDED.gaveup, ham = EXCLUDED.ham, "
        "spam = EXCLUDED.spam, people = EXCLUDED.people"
        " WHERE old.version = EXCLUDED.version - 1",
    [SQL_KEEP_TRIPLETS] =
        "INSERT INTO triplet AS old (" TRIPLET TEXTS ") SELECT * FROM unnest("
        "$1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], "
        "$5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], "
        "$9::bigint[], $10::bigint[], $11::bigint[], $12::text[], "
        "$13::text[], $14::text[]"
        ") AS new (" TRIPLET TEXTS ") ORDER BY hash"
        " ON CONFLICT (hash) DO UPDATE SET "
        "version = EXCLUDED.version, first = EXCLUDED.first, "
        "last = EXCLUDED.last, last_try = EXCLUDED.last_try, "
        "passed = EXCLUDED.passed, tries = EXCLUDED.tries, "
        "early = EXCLUDED.early, day = EXCLUDED.day, mxs = EXCLUDED.mxs"
        " WHERE old.version = EXCLUDED.version - 1",
    [SQL_KEEP_NETWORKS] =
        "INSERT INTO domain_network (hash, day) SELECT * FROM"
        " unnest($1::bigint[], $2::bigint[]) AS new (hash, day)"
        " ORDER BY day, hash ON CONFLICT DO NOTHING",
    /* clang-format on */
    [SQL_ADD_EVENT] = NULL, /* made from the table of columns */
    [SQL_PROBE] = "INSERT INTO meta (name, value) VALUES ('probe', '')"
                  " ON CONFLICT (name) DO UPDATE SET value = ''",

    /* One daemon at a time; the others have nothing to do meanwhile. */
    [SQL_EXPIRE_ALONE] = "SELECT pg_try_advisory_xact_lock(" LOCK_NUMBER ", 1)",
    [SQL_EXPIRE_WAITING] =
        "DELETE FROM triplet WHERE hash IN (SELECT hash FROM triplet"
        " WHERE passed = 0 AND day < $1::bigint"
        " LIMIT $2::bigint FOR UPDATE SKIP LOCKED)",
    [SQL_EXPIRE_PASSED] =
        "DELETE FROM triplet WHERE hash IN (SELECT hash FROM triplet"
        " WHERE passed <> 0 AND day < $1::bigint"
        " LIMIT $2::bigint FOR UPDATE SKIP LOCKED)",
    [SQL_EXPIRE_ADDRESSES] =
        "WITH part AS (SELECT key FROM address WHERE key > $1::bigint"
        " ORDER BY key LIMIT $2::bigint), gone AS ("
        "DELETE FROM address AS a USING part WHERE a.key = part.key"
        " AND a.last_seen < $3::bigint AND a.known_until < $4::bigint"
        " RETURNING 1)"
        " SELECT max(key), count(*), (SELECT count(*) FROM gone) FROM part",
    [SQL_EXPIRE_DOMAINS] =
        "WITH part AS (SELECT name FROM domain WHERE name > $1::text"
        " ORDER BY name LIMIT $2::bigint), gone AS ("
        "DELETE FROM domain AS d USING part WHERE d.name = part.name"
        " AND d.last_seen < $3::bigint AND d.known_until < $4::bigint"
        " RETURNING 1)"
        " SELECT max(name), count(*), (SELECT count(*) FROM gone) FROM part",
    [SQL_EXPIRE_ORIGINS] =
        "WITH part AS (SELECT name FROM origin WHERE name > $1::text"
        " ORDER BY name LIMIT $2::bigint), gone AS ("
        "DELETE FROM origin AS o USING part WHERE o.name = part.name"
        " AND o.last_seen < $3::bigint AND $4::bigint IS NOT NULL"
        " RETURNING 1)"
        " SELECT max(name), count(*), (SELECT count(*) FROM gone) FROM part",
    [SQL_EXPIRE_NETWORKS] =
        "DELETE FROM domain_network WHERE (day, hash) IN"
        " (SELECT day, hash FROM domain_network WHERE day < $1::bigint"
        " LIMIT $2::bigint FOR UPDATE SKIP LOCKED)",
    [SQL_EXPIRE_EVENTS] =
        "DELETE FROM event WHERE event_id IN (SELECT event_id FROM event"
        " WHERE logged < $1::bigint ORDER BY logged"
        " LIMIT $2::bigint FOR UPDATE SKIP LOCKED)",

    [SQL_DROP_ADDRESS] = "DELETE FROM address WHERE key = $1::bigint",
    [SQL_DROP_DOMAIN] = "DELETE FROM domain WHERE name = $1::text",
    [SQL_DROP_ORIGIN] = "DELETE FROM origin WHERE name = $1::text",
    [SQL_DROP_TRIPLET] = "DELETE FROM triplet WHERE hash = $1::bigint",
    [SQL_RATE_EVENT] =
        "UPDATE event SET score = coalesce($2::double precision, score),"
        " feedback = coalesce($3::text, feedback),"
        " by_person = coalesce($4::bigint, by_person)"
        " WHERE event_id = $1::bigint",
    [SQL_REFUSE_EVENT] =
        "UPDATE event SET delivered = 0, reply = 'others ' || $2::text"
        " WHERE event_id = $1::bigint",
};
