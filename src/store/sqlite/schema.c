/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sqlite/schema.h"

/*
 * meta        name: secret (16 octets), probe (a write that shows that it works)
 * waiting     triplets that have not passed; times as seconds after the one
 *	       before: first after the bucket's start, last and last_try after
 *	       first; flags = tries * 2 + early; mxs: record/mx.h; twin: see pairs.c
 * waiting_text  the same for people, in the order of writing; a row whose
 *	       (bucket, hash) is not in waiting is left over. anywhere: the hash of
 *	       the row of KEY_ANYWHERE that came with it, whose text it is as well
 * passed      triplets that have; text in passed_text
 * address     key: IPv4 as 0..2^32-1, the first half of IPv6 otherwise
 * domain      networks: how many different ones on day
 * domain_network  hash of domain and client network, to count each once a day
 * origin      counts in units of 1/1024, as they were at the time decayed; so
 *	       are ham and spam of an address at the time rated
 * event       one row per SMTP transaction or session; one column per word of
 *	       X-TaRgrey-Session; logged never decreases with event_id
 * event_key   hash of sid, queue id, Message-ID or address -> event_id; day: see
 *	       schema_event_part(), before step 5 the day that it was logged
 */
static const char step_1[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"

    "CREATE TABLE waiting ("
    " bucket INTEGER, hash INTEGER, first INTEGER, last INTEGER,"
    " last_try INTEGER, flags INTEGER,"
    " PRIMARY KEY (bucket, hash)) WITHOUT ROWID;"
    "CREATE TABLE waiting_text ("
    " id INTEGER PRIMARY KEY, bucket INTEGER, hash INTEGER,"
    " client TEXT, sender TEXT, recipient TEXT);"

    "CREATE TABLE passed ("
    " hash INTEGER PRIMARY KEY, first INTEGER, last INTEGER, last_try INTEGER,"
    " passed INTEGER, flags INTEGER);"
    "CREATE TABLE passed_text ("
    " hash INTEGER PRIMARY KEY, client TEXT, sender TEXT, recipient TEXT);"

    "CREATE TABLE address ("
    " key INTEGER PRIMARY KEY, first_seen INTEGER, last_seen INTEGER,"
    " last_success INTEGER, last_counted INTEGER, last_unproven INTEGER,"
    " last_gaveup INTEGER, known_until INTEGER, sessions INTEGER,"
    " successes INTEGER, counted INTEGER, gaveup INTEGER, gaveup_secs INTEGER,"
    " ham INTEGER, spam INTEGER);"

    "CREATE TABLE domain ("
    " name TEXT PRIMARY KEY, first_seen INTEGER, last_seen INTEGER,"
    " last_success INTEGER, last_counted INTEGER, known_until INTEGER,"
    " successes INTEGER, counted INTEGER, day INTEGER, networks INTEGER)"
    " WITHOUT ROWID;"
    "CREATE TABLE domain_network ("
    " day INTEGER, hash INTEGER, PRIMARY KEY (day, hash)) WITHOUT ROWID;"

    "CREATE TABLE event ("
    " event_id INTEGER PRIMARY KEY, logged INTEGER, time INTEGER,"
    " queue_id TEXT, message_id TEXT, ip TEXT, name TEXT, ptr TEXT, heloname TEXT,"
    " sender TEXT, recipients TEXT, recipients_accepted INTEGER,"
    " recipients_refused INTEGER, exempt TEXT, why_detail TEXT,"
    " hold_asked_ms INTEGER, hold_ms INTEGER, hold_end TEXT, dns_ms INTEGER,"
    " spf_domain TEXT, reply TEXT, delivered INTEGER, score REAL, feedback TEXT,"
    " id TEXT, sid TEXT, mode TEXT, verdict TEXT, why TEXT, would TEXT, rdns TEXT,"
    " s25r TEXT, s25r_rule TEXT, tarpit TEXT, tarpit_secs INTEGER, grey TEXT,"
    " grey_tries INTEGER, grey_secs INTEGER, early TEXT, age INTEGER, seen INTEGER,"
    " passed INTEGER, gaveup INTEGER, gaveup_secs INTEGER, ham INTEGER, spam "
    "INTEGER,"
    " rcpt_refused INTEGER, helo TEXT, helo_dns TEXT, \"from\" TEXT, spf TEXT,"
    " spf_helo TEXT, pipe TEXT, tls TEXT, local TEXT, forged INTEGER, fault TEXT,"
    " dnsbl TEXT);"
    "CREATE TABLE event_key ("
    " day INTEGER, hash INTEGER, event_id INTEGER,"
    " PRIMARY KEY (day, hash, event_id)) WITHOUT ROWID;";

static const char step_2[] =
    "ALTER TABLE waiting ADD COLUMN mxs INTEGER;"
    "ALTER TABLE event ADD COLUMN mx INTEGER;"
    "ALTER TABLE event ADD COLUMN mx_order TEXT;"
    "CREATE TABLE origin ("
    " name TEXT PRIMARY KEY, first_seen INTEGER, last_seen INTEGER,"
    " decayed INTEGER, sessions INTEGER, successes INTEGER, gaveup INTEGER,"
    " ham INTEGER, spam INTEGER) WITHOUT ROWID;"
    "ALTER TABLE address ADD COLUMN rated INTEGER;"
    "UPDATE address SET ham = min(ham, 4194303) * 1024,"
    " spam = min(spam, 4194303) * 1024, rated = last_seen"
    " WHERE ham > 0 OR spam > 0;"
    "ALTER TABLE event ADD COLUMN net_ham INTEGER;"
    "ALTER TABLE event ADD COLUMN net_spam INTEGER;"
    "ALTER TABLE event ADD COLUMN org_ham INTEGER;"
    "ALTER TABLE event ADD COLUMN org_spam INTEGER;"
    "ALTER TABLE event ADD COLUMN new TEXT;";

/* Finds one client's triplets. */
static const char step_3[] =
    "CREATE INDEX waiting_text_client ON waiting_text (bucket, client);"
    "CREATE INDEX passed_text_client ON passed_text (client);";

static const char step_4[] = "ALTER TABLE origin ADD COLUMN people INTEGER;"
                             "ALTER TABLE event ADD COLUMN by_person INTEGER;";

/* Each thousand rows have their own index, so that new rows touch few pages. */
static const char step_5[] =
    "ALTER TABLE waiting ADD COLUMN twin INTEGER;"
    "ALTER TABLE waiting_text ADD COLUMN anywhere INTEGER;"
    "DROP INDEX waiting_text_client;"
    "CREATE INDEX waiting_text_client ON waiting_text (id >> 10, client);";

const char *const schema_steps[] = {step_1, step_2, step_3, step_4, step_5};
const int schema_version = sizeof schema_steps / sizeof *schema_steps;
