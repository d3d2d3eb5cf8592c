/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file under the store: deleted, replaced, lost, corrupt, another
 * program's, of another version, on a disk that is really full.
 */
#include "fault_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "query/query.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

/* ------------------------------------------------------ deleted and replaced */

static void
deleted_file_is_begun_anew_with_the_same_secret(void **state)
{
	struct store_fixture *fixture = *state;
	uint8_t secret[16];

	memcpy(secret, store_secret(fixture->store), sizeof secret);
	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	assert_int_equal(unlink(fixture->path), 0);
	assert_int_equal(attempt(fixture, "c@example.org"), NOTE_COMMITTED);
	assert_int_equal(access(fixture->path, F_OK), 0);
	assert_non_null(strstr(fault_last_warning(), "the file is gone"));
	assert_true(is_kept(fixture, "c@example.org"));
	assert_false(is_kept(fixture, FROM));
	assert_memory_equal(store_secret(fixture->store), secret, sizeof secret);
	assert_sound(fixture);
}

static void
replaced_file_is_taken_with_its_secret(void **state)
{
	struct store_fixture *fixture = *state, other;
	char copy[256];
	struct error error;
	uint8_t secret[16];

	fixture_open(&other, false);
	memcpy(secret, store_secret(other.store), sizeof secret);
	assert_int_equal(attempt(&other, FROM), NOTE_COMMITTED);
	snprintf(copy, sizeof copy, "%s/copy.db", fixture->folder);
	struct query *query = query_open(other.url, false, &error);
	assert_non_null(query);
	assert_true(query_backup(query, copy, NULL, NULL, &error));
	query_close(&query);
	fixture_close(&other);

	assert_int_equal(attempt(fixture, "c@example.org"), NOTE_COMMITTED);
	assert_int_equal(rename(copy, fixture->path), 0);
	assert_int_equal(attempt(fixture, "d@example.org"), NOTE_COMMITTED);
	assert_memory_equal(store_secret(fixture->store), secret, sizeof secret);
	assert_true(is_kept(fixture, FROM));
	assert_true(is_kept(fixture, "d@example.org"));
	assert_false(is_kept(fixture, "c@example.org"));
	assert_sound(fixture);
}

static void
lost_folder_is_a_fault_until_it_is_back(void **state)
{
	struct store_fixture *fixture = *state;
	char away[128];

	snprintf(away, sizeof away, "%s.away", fixture->folder);
	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	assert_int_equal(rename(fixture->folder, away), 0);
	assert_int_equal(attempt(fixture, "c@example.org"), NOTE_FAILED);
	assert_int_equal(
	    fixture_recall(fixture, IP, NULL, FROM, TO, &fault_history, &fault_row),
	    STORE_FAILED);
	assert_int_equal(rename(away, fixture->folder), 0);
	assert_int_equal(attempt(fixture, "c@example.org"), NOTE_COMMITTED);
	assert_true(is_kept(fixture, FROM));
	assert_true(is_kept(fixture, "c@example.org"));
}

/* ------------------------------------------------------------------ corrupt */

static bool
find_aside(struct store_fixture *fixture, char path[static 512])
{
	DIR *folder = opendir(fixture->folder);
	struct dirent *entry;
	bool found = false;

	while ((entry = readdir(folder)) != NULL) {
		if (strncmp(entry->d_name, "t.db.corrupt-2", 14) == 0 &&
		    strstr(entry->d_name, "-wal") == NULL) {
			snprintf(
			    path, 512, "%s/%s", fixture->folder, entry->d_name);
			found = true;
		}
	}
	closedir(folder);
	return found;
}

static void
spoil(const char *path, off_t from, off_t to)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	for (off_t at = from; at < to; at++)
		assert_int_equal(pwrite(fd, "\xa5", 1, at), 1);
	close(fd);
}

static void
corrupt_page_sets_the_file_aside(void **state)
{
	struct store_fixture *fixture = *state;
	struct stat status;
	char sender[32], aside[512];
	uint8_t secret[16];

	memcpy(secret, store_secret(fixture->store), sizeof secret);
	for (int i = 0; i < 300; i++) {
		snprintf(sender, sizeof sender, "%d@example.org", i);
		assert_int_equal(attempt(fixture, sender), NOTE_COMMITTED);
	}
	store_close(&fixture->store);
	assert_int_equal(stat(fixture->path, &status), 0);
	/* Past the first pages, which hold the schema and the secret. */
	spoil(fixture->path, 4096 * 3, status.st_size);
	struct error error;
	fixture->store = store_open(&fixture->settings, &fixture->clock, &error);
	if (fixture->store == NULL)
		fail_msg("%s", error.text);
	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	assert_true(find_aside(fixture, aside));
	assert_true(is_kept(fixture, FROM));
	assert_false(is_kept(fixture, "7@example.org"));
	assert_memory_equal(store_secret(fixture->store), secret, sizeof secret);
	assert_sound(fixture);
}

/* One page is misread once, whenever a new row needs it. */
static void
misread_once(struct store_fixture *fixture, const char *name)
{
	char sender[64];

	shim_fail(SHIM_GARBLED, 1, 1);
	for (int i = 0; i < 500 && shim_failed() == 0; i++) {
		snprintf(sender, sizeof sender, "%s%d@example.org", name, i);
		assert_int_equal(attempt(fixture, sender), NOTE_COMMITTED);
	}
	assert_int_equal(shim_failed(), 1);
	shim_fail(SHIM_NONE, 1, 0);
}

/* A moment's trouble of the memory or the bus costs nobody the database. */
static void
page_misread_once_sets_no_file_aside_and_twice_in_a_minute_does(void **state)
{
	struct store_fixture *fixture = *state;
	char sender[32], aside[512];

	for (int i = 0; i < 1000; i++) {
		snprintf(sender, sizeof sender, "%d@example.org", i);
		assert_int_equal(attempt(fixture, sender), NOTE_COMMITTED);
	}
	fixture_reopen(fixture);
	misread_once(fixture, "first");
	assert_false(find_aside(fixture, aside));
	assert_true(is_kept(fixture, "7@example.org"));
	fixture_sleep(fixture, 61);
	misread_once(fixture, "later");
	assert_false(find_aside(fixture, aside));
	assert_true(is_kept(fixture, "7@example.org"));
	fixture_sleep(fixture, 30);
	misread_once(fixture, "again");
	assert_true(find_aside(fixture, aside));
	assert_false(is_kept(fixture, "7@example.org"));
}

static void
other_peoples_file_is_left_alone(void **state)
{
	struct store_fixture *fixture = *state;
	struct error error;
	char aside[512], text[16] = "";

	store_close(&fixture->store);
	assert_int_equal(unlink(fixture->path), 0);
	FILE *file = fopen(fixture->path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("dear diary\n", file);
	fclose(file);
	fixture->store = store_open(&fixture->settings, &fixture->clock, &error);
	assert_null(fixture->store);
	assert_non_null(strstr(error.text, "not a database"));
	assert_non_null(strstr(error.text, fixture->path));
	assert_false(find_aside(fixture, aside));
	file = fopen(fixture->path, "r");
	assert_non_null(fgets(text, sizeof text, file));
	fclose(file);
	assert_string_equal(text, "dear diary\n");
	/* An SQLite database of another program. */
	assert_int_equal(unlink(fixture->path), 0);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
	sqlite3_exec(db, "CREATE TABLE diary (text)", NULL, NULL, NULL);
	sqlite3_close(db);
	assert_null(store_open(&fixture->settings, &fixture->clock, &error));
	assert_non_null(strstr(error.text, "not a database of targrey"));
}

/* What another program, or the disk, may have made of our file. */
static const char *const damages[] = {
    "PRAGMA user_version=-1",
    "PRAGMA user_version=-2147483648",
    "PRAGMA user_version=0",
    "DROP TABLE waiting_text",
    "ALTER TABLE address RENAME COLUMN gaveup TO x",
    "ALTER TABLE event DROP COLUMN spf",
    "PRAGMA writable_schema=ON;"
    "UPDATE sqlite_master SET sql='CREATE TABLE nonsense(' WHERE name='passed'",
    "PRAGMA writable_schema=ON;"
    "UPDATE sqlite_master SET rootpage=9999999 WHERE name='waiting'",
};

static void
damage(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
	/* The store may be at its housekeeping. */
	sqlite3_busy_timeout(db, 60000);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
damaged_schema_is_set_aside_at_the_start(void **state)
{
	struct store_fixture *fixture = *state;
	struct error error;
	char aside[512];

	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		print_message("  %s\n", damages[i]);
		assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
		store_close(&fixture->store);
		damage(fixture->path, damages[i]);
		if (strstr(damages[i], "user_version") != NULL)
			assert_null(query_open(fixture->url, false, &error));
		fixture->store =
		    store_open(&fixture->settings, &fixture->clock, &error);
		if (fixture->store == NULL)
			fail_msg("%s", error.text);
		assert_true(find_aside(fixture, aside));
		assert_int_equal(unlink(aside), 0);
		assert_false(is_kept(fixture, FROM));
		assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
		assert_true(is_kept(fixture, FROM));
	}
}

static void
schema_damaged_meanwhile_is_set_aside_too(void **state)
{
	struct store_fixture *fixture = *state;
	char aside[512];
	enum note_state now = NOTE_FAILED;

	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	damage(fixture->path, "DROP TABLE passed");
	for (int i = 0; i < 5 && now != NOTE_COMMITTED; i++)
		now = attempt(fixture, FROM);
	assert_int_equal(now, NOTE_COMMITTED);
	assert_true(find_aside(fixture, aside));
}

/* One that took away what a client was told would make good mail late. */
static void
trigger_in_the_file_never_runs(void **state)
{
	struct store_fixture *fixture = *state;

	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	damage(fixture->path, "CREATE TRIGGER t AFTER INSERT ON waiting "
	                      "BEGIN DELETE FROM waiting; END");
	assert_int_equal(attempt(fixture, "c@example.org"), NOTE_COMMITTED);
	assert_true(is_kept(fixture, FROM));
	assert_true(is_kept(fixture, "c@example.org"));
}

/* ------------------------------------------------------------------- schema */

static void
newer_schema_is_refused_by_name(void **state)
{
	struct store_fixture *fixture = *state;
	struct error error;
	sqlite3 *db;

	store_close(&fixture->store);
	assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
	sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL);
	sqlite3_close(db);
	fixture->store = store_open(&fixture->settings, &fixture->clock, &error);
	assert_null(fixture->store);
	assert_non_null(strstr(error.text, "version 99 is newer"));
	assert_null(query_open(fixture->url, false, &error));
	assert_non_null(strstr(error.text, "version 99 is newer"));
}

/* Made-up steps behind the real ones; the last one of `wrong` fails. */
static const char *const more[] = {"",
    "ALTER TABLE address ADD COLUMN mark INTEGER",
    "CREATE TABLE other (x); INSERT INTO other VALUES (7)", NULL};

static void
steps_lead_from_every_earlier_version(void **state)
{
	struct store_fixture *fixture = *state;
	struct trouble trouble = {0};
	const char *steps[8];
	int from, found;
	int64_t number;

	for (from = 0; from < schema_version; from++)
		steps[from] = schema_steps[from];
	steps[from] = more[1];
	steps[from + 1] = more[2];
	steps[from + 2] = "CREATE TABLE half (x); CREATE TABLE half (x)";
	store_close(&fixture->store);
	for (int start = 0; start <= schema_version + 1; start++) {
		struct connection connection;
		char path[256];
		snprintf(path, sizeof path, "%s/from%d.db", fixture->folder, start);
		assert_true(connection_open(&connection, path,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 256, 0, &trouble));
		assert_true(sqlite_check_schema(
		    &connection, false, steps, start, &found, &trouble));
		/* A step that fails leaves the version where it was. */
		assert_false(sqlite_check_schema(&connection, false, steps,
		    schema_version + 3, &found, &trouble));
		assert_int_equal(found, start);
		assert_true(connection_number(
		    &connection, "PRAGMA user_version", &number, &trouble));
		assert_int_equal(number, start);
		assert_true(sqlite_check_schema(&connection, false, steps,
		    schema_version + 2, &found, &trouble));
		assert_int_equal(found, start);
		assert_true(connection_number(&connection,
		    "SELECT x FROM other WHERE NOT EXISTS (SELECT mark FROM "
		    "address)",
		    &number, &trouble));
		assert_int_equal(number, 7);
		connection_close(&connection);
	}
	fixture_reopen(fixture);
}

static void
verdicts_of_the_first_version_are_kept_as_they_are(void **state)
{
	struct store_fixture *fixture = *state;
	struct connection connection;
	struct trouble trouble = {0};
	char path[256];
	int found;
	int64_t number;

	snprintf(path, sizeof path, "%s/first.db", fixture->folder);
	assert_true(connection_open(&connection, path,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 256, 0, &trouble));
	assert_true(sqlite_check_schema(
	    &connection, false, schema_steps, 1, &found, &trouble));
	assert_true(connection_run(&connection,
	    "INSERT INTO address (key, first_seen, last_seen, ham, spam)"
	    " VALUES (1, 1000, 2000, 3, 9000000), (2, 1000, 2000, 0, 0);"
	    "INSERT INTO event (event_id, sid) VALUES (1, 'old')",
	    &trouble));
	assert_true(sqlite_check_schema(
	    &connection, false, schema_steps, schema_version, &found, &trouble));
	assert_true(connection_number(&connection,
	    "SELECT count(*) FROM address WHERE key = 1 AND ham = 3072 AND"
	    " spam = 4194303 * 1024 AND rated = 2000 OR key = 2 AND ham = 0",
	    &number, &trouble));
	assert_int_equal(number, 2);
	assert_true(connection_number(&connection,
	    "SELECT count(*) FROM event WHERE sid = 'old' AND new IS NULL", &number,
	    &trouble));
	assert_int_equal(number, 1);
	connection_close(&connection);
}

static void
every_key_of_the_header_has_its_column(void **state)
{
	struct store_fixture *fixture = *state;
	struct connection connection;
	struct trouble trouble = {0};
	int64_t count;
	char sql[128];

	assert_true(connection_open(
	    &connection, fixture->path, SQLITE_OPEN_READONLY, 256, 0, &trouble));
	for (int key = 1; key < SESSION_KEYS; key++) {
		snprintf(sql, sizeof sql,
		    "SELECT count(*) FROM pragma_table_info('event') WHERE name = "
		    "'%s'",
		    session_keys[key].name);
		assert_true(connection_number(&connection, sql, &count, &trouble));
		assert_int_equal(count, 1);
	}
	connection_close(&connection);
}

/* --------------------------------------------------------------- a full disk */

static void
really_full_disk_is_survived(void **state)
{
	struct store_fixture fixture;
	char sender[600];
	int kept = 0, lost = 0;

	(void)state;
	fixture_open(&fixture, false);
	store_close(&fixture.store);
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", fixture.folder, "tmpfs", 0, "size=1m") != 0) {
		print_message("SKIPPED: no right to mount a small disk: %s\n",
		    strerror(errno));
		skip();
	}
	fixture_reopen(&fixture);
	memset(sender, 'x', sizeof sender);
	for (int i = 0; i < 3000; i++) {
		snprintf(sender, sizeof sender, "%0500d", i);
		if (attempt(&fixture, sender) == NOTE_COMMITTED)
			kept++;
		else
			lost++;
	}
	print_message("kept %d, refused %d\n", kept, lost);
	assert_true(kept > 0);
	assert_true(lost > 0);
	assert_int_equal(
	    mount("tmpfs", fixture.folder, "tmpfs", MS_REMOUNT, "size=16m"), 0);
	fixture_sleep(&fixture, 2);
	assert_int_equal(attempt(&fixture, FROM), NOTE_COMMITTED);
	int found = 0;
	for (int i = 0; i < 3000; i++) {
		snprintf(sender, sizeof sender, "%0500d", i);
		found += is_kept(&fixture, sender);
	}
	assert_int_equal(found, kept);
	assert_sound(&fixture);
	store_close(&fixture.store);
	umount(fixture.folder);
	fixture_close(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(deleted_file_is_begun_anew_with_the_same_secret),
	    TEST(replaced_file_is_taken_with_its_secret),
	    TEST(lost_folder_is_a_fault_until_it_is_back),
	    TEST(corrupt_page_sets_the_file_aside),
	    TEST(page_misread_once_sets_no_file_aside_and_twice_in_a_minute_does),
	    TEST(other_peoples_file_is_left_alone),
	    TEST(damaged_schema_is_set_aside_at_the_start),
	    TEST(schema_damaged_meanwhile_is_set_aside_too),
	    TEST(trigger_in_the_file_never_runs),
	    TEST(newer_schema_is_refused_by_name),
	    TEST(steps_lead_from_every_earlier_version),
	    TEST(verdicts_of_the_first_version_are_kept_as_they_are),
	    TEST(every_key_of_the_header_has_its_column),
	    cmocka_unit_test(really_full_disk_is_survived),
	};

	fault_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
