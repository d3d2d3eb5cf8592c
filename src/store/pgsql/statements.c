/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/pgsql/link.h"

#include "store/pgsql/schema.h"

/*
 * Rows that change are written by one statement for each table, whose arrays
 * hold a column each. version makes it a compare-and-set: a row that somebody
 * else has written since it was read is left alone, and the count of rows says
 * so. Always in the order of the keys, so that two of them wait for each other
 * and never in a ring.
 */
#define ADDRESS                                                                    \
	"key, version, first_seen, last_seen, last_success, last_counted,"         \
	" last_unproven, last_gaveup, allowed_until, sessions, successes,"         \
	" counted, gaveup, gaveup_secs, ham, spam"
#define DOMAIN                                                                     \
	"name, version, first_seen, last_seen, last_success, last_counted,"        \
	" allowed_until, successes, counted, day, networks"
#define TRIPLET                                                                    \
	"hash, version, first, last, last_try, passed, tries, early, mxs, pair, "  \
	"day"
#define SET(column)  #column " = EXCLUDED." #column
#define NUMBERS(...) "unnest(" __VA_ARGS__ ")"
#define N(i)         "$" #i "::bigint[]"
#define T(i)         "$" #i "::text[]"

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
    [SQL_FIND_TRIPLETS] =
        "SELECT " TRIPLET " FROM triplet WHERE hash = ANY($1::bigint[])",
    /* Those used last; that a sender has more is no reason to read them all. */
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
    [SQL_LOCK_TRIPLETS] =
        "SELECT " TRIPLET " FROM triplet WHERE hash = ANY($1::bigint[])"
        " ORDER BY hash FOR UPDATE",

    [SQL_KEEP_ADDRESSES] =
        "INSERT INTO address AS old (" ADDRESS ") SELECT * FROM " NUMBERS(
            N(1) "," N(2) "," N(3) "," N(4) "," N(5) "," N(6) "," N(7) "," N(8) "," N(9) "," N(10) "," N(11) "," N(12) "," N(13) "," N(14) "," N(15) "," N(
                16)) " AS "
                     "new "
                     "(" ADDRESS ") "
                     "ORDER "
                     "BY key"
                     " ON "
                     "CONFLIC"
                     "T "
                     "(key) "
                     "DO "
                     "UPDATE "
                     "SET"
                     " " SET(version) "," SET(first_seen) "," SET(last_seen) "," SET(last_success) "," SET(last_counted) "," SET(last_unproven) "," SET(last_gaveup) "," SET(
                         allowed_until) "," SET(sessions) "," SET(successes) "," SET(counted) "," SET(gaveup) "," SET(gaveup_secs) "," SET(ham) "," SET(spam) " WHERE old.version = EXCLUDED.version - 1",
    [SQL_KEEP_DOMAINS] = "INSERT INTO domain AS old (" DOMAIN
                         ") SELECT * FROM " NUMBERS(
                             T(1) "," N(2) "," N(3) "," N(
                                 4) "," N(5) "," N(6) "," N(7) "," N(8) "," N(9) "," N(10) "," N(11)) " AS new (" DOMAIN
                                                                                                      ") ORDER BY name"
                                                                                                      " ON CONFLICT (name) DO UPDATE SET " SET(version) "," SET(first_seen) "," SET(last_seen) "," SET(last_success) "," SET(
                                                                                                          last_counted) "," SET(allowed_until) "," SET(successes) "," SET(counted) "," SET(day) "," SET(networks) " WHERE old.version = EXCLUDED.version - 1",
    [SQL_KEEP_TRIPLETS] =
        "INSERT INTO triplet AS old (" TRIPLET
        ", client, sender, recipient) SELECT * FROM " NUMBERS(
            N(1) "," N(2) "," N(3) "," N(4) "," N(5) "," N(
                6) "," N(7) "," N(8) "," N(9) "," N(10) "," N(11) "," T(12) "," T(13) "," T(14)) " AS new (" TRIPLET ", client, sender, recipient) ORDER "
                                                                                                 "BY hash"
                                                                                                 " ON CONFLICT (hash) DO UPDATE "
                                                                                                 "SET " SET(version) "," SET(first) "," SET(last) "," SET(last_try) "," SET(
                                                                                                     passed) "," SET(tries) "," SET(early) "," SET(mxs) "," SET(day) " WHERE old.version = EXCLUDED.version - 1",
    [SQL_KEEP_NETWORKS] = "INSERT INTO domain_network (hash, day)"
                          " SELECT * FROM " NUMBERS(N(1) "," N(
                              2)) " AS new (hash, day)"
                                  " ORDER BY day, hash ON CONFLICT DO NOTHING",
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
        " AND a.last_seen < $3::bigint AND a.allowed_until < $4::bigint"
        " RETURNING 1)"
        " SELECT max(key), count(*), (SELECT count(*) FROM gone) FROM part",
    [SQL_EXPIRE_DOMAINS] =
        "WITH part AS (SELECT name FROM domain WHERE name > $1::text"
        " ORDER BY name LIMIT $2::bigint), gone AS ("
        "DELETE FROM domain AS d USING part WHERE d.name = part.name"
        " AND d.last_seen < $3::bigint AND d.allowed_until < $4::bigint"
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
    [SQL_DROP_TRIPLET] = "DELETE FROM triplet WHERE hash = $1::bigint",
    [SQL_RATE_EVENT] =
        "UPDATE event SET score = coalesce($2::double precision, score),"
        " feedback = coalesce($3::text, feedback) WHERE event_id = $1::bigint",
    [SQL_REFUSE_EVENT] =
        "UPDATE event SET delivered = 0, reply = 'others ' || $2::text"
        " WHERE event_id = $1::bigint",
};
