/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file under the store: deleted, replaced, lost, corrupt, another
 * program's, of another version, on a disk that is really full.
 */
#include "trial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "query/query.h"
#include "store/schema.h"
#include "store/sqlite.h"

/* ------------------------------------------------------ deleted and replaced */

static void
deleted_file_is_begun_anew_with_the_same_secret(void **state)
{
	struct bed *bed = *state;
	uint8_t secret[16];

	memcpy(secret, store_secret(bed->store), sizeof secret);
	assert_int_equal(attempt(bed, FROM), NOTE_COMMITTED);
	assert_int_equal(unlink(bed->path), 0);
	assert_int_equal(attempt(bed, "c@example.org"), NOTE_COMMITTED);
	assert_int_equal(access(bed->path, F_OK), 0);
	assert_non_null(strstr(trial_last_warning(), "the file is gone"));
	assert_true(is_kept(bed, "c@example.org"));
	assert_false(is_kept(bed, FROM));
	assert_memory_equal(store_secret(bed->store), secret, sizeof secret);
	assert_sound(bed);
}

static void
replaced_file_is_taken_with_its_secret(void **state)
{
	struct bed *bed = *state, other;
	char copy[256];
	struct error error;
	uint8_t secret[16];

	bed_open(&other, false);
	memcpy(secret, store_secret(other.store), sizeof secret);
	assert_int_equal(attempt(&other, FROM), NOTE_COMMITTED);
	snprintf(copy, sizeof copy, "%s/copy.db", bed->folder);
	struct query *query = query_open(other.url, false, &error);
	assert_non_null(query);
	assert_true(query_backup(query, copy, NULL, NULL, &error));
	query_close(&query);
	bed_close(&other);

	assert_int_equal(attempt(bed, "c@example.org"), NOTE_COMMITTED);
	assert_int_equal(rename(copy, bed->path), 0);
	assert_int_equal(attempt(bed, "d@example.org"), NOTE_COMMITTED);
	assert_memory_equal(store_secret(bed->store), secret, sizeof secret);
	assert_true(is_kept(bed, FROM));
	assert_true(is_kept(bed, "d@example.org"));
	assert_false(is_kept(bed, "c@example.org"));
	assert_sound(bed);
}

static void
lost_folder_is_a_fault_until_it_is_back(void **state)
{
	struct bed *bed = *state;
	char away[128];

	snprintf(away, sizeof away, "%s.away", bed->folder);
	assert_int_equal(attempt(bed, FROM), NOTE_COMMITTED);
	assert_int_equal(rename(bed->folder, away), 0);
	assert_int_equal(attempt(bed, "c@example.org"), NOTE_FAILED);
	assert_int_equal(
	    bed_recall(bed, IP, NULL, FROM, TO, &trial_history, &trial_row),
	    STORE_FAILED);
	assert_int_equal(rename(away, bed->folder), 0);
	assert_int_equal(attempt(bed, "c@example.org"), NOTE_COMMITTED);
	assert_true(is_kept(bed, FROM));
	assert_true(is_kept(bed, "c@example.org"));
}

/* ------------------------------------------------------------------ corrupt */

static bool
find_aside(struct bed *bed, char path[static 512])
{
	DIR *folder = opendir(bed->folder);
	struct dirent *entry;
	bool found = false;

	while ((entry = readdir(folder)) != NULL) {
		if (strncmp(entry->d_name, "t.db.corrupt-2", 14) == 0 &&
		    strstr(entry->d_name, "-wal") == NULL) {
			snprintf(path, 512, "%s/%s", bed->folder, entry->d_name);
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
	struct bed *bed = *state;
	struct stat status;
	char sender[32], aside[512];
	uint8_t secret[16];

	memcpy(secret, store_secret(bed->store), sizeof secret);
	for (int i = 0; i < 300; i++) {
		snprintf(sender, sizeof sender, "%d@example.org", i);
		assert_int_equal(attempt(bed, sender), NOTE_COMMITTED);
	}
	store_close(&bed->store);
	assert_int_equal(stat(bed->path, &status), 0);
	/* Past the first pages, which hold the schema and the secret. */
	spoil(bed->path, 4096 * 3, status.st_size);
	struct error error;
	bed->store = store_open(&bed->settings, &bed_steps, &bed->clock, &error);
	if (bed->store == NULL)
		fail_msg("%s", error.text);
	assert_int_equal(attempt(bed, FROM), NOTE_COMMITTED);
	assert_true(find_aside(bed, aside));
	assert_true(is_kept(bed, FROM));
	assert_false(is_kept(bed, "7@example.org"));
	assert_memory_equal(store_secret(bed->store), secret, sizeof secret);
	assert_sound(bed);
}

static void
other_peoples_file_is_left_alone(void **state)
{
	struct bed *bed = *state;
	struct error error;
	char aside[512], text[16] = "";

	store_close(&bed->store);
	assert_int_equal(unlink(bed->path), 0);
	FILE *file = fopen(bed->path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("dear diary\n", file);
	fclose(file);
	bed->store = store_open(&bed->settings, &bed_steps, &bed->clock, &error);
	assert_null(bed->store);
	assert_non_null(strstr(error.text, "not a database"));
	assert_non_null(strstr(error.text, bed->path));
	assert_false(find_aside(bed, aside));
	file = fopen(bed->path, "r");
	assert_non_null(fgets(text, sizeof text, file));
	fclose(file);
	assert_string_equal(text, "dear diary\n");
	/* An SQLite database of another program. */
	assert_int_equal(unlink(bed->path), 0);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(bed->path, &db), SQLITE_OK);
	sqlite3_exec(db, "CREATE TABLE diary (text)", NULL, NULL, NULL);
	sqlite3_close(db);
	assert_null(store_open(&bed->settings, &bed_steps, &bed->clock, &error));
	assert_non_null(strstr(error.text, "not a database of targrey"));
}

/* ------------------------------------------------------------------- schema */

static void
newer_schema_is_refused_by_name(void **state)
{
	struct bed *bed = *state;
	struct error error;
	sqlite3 *db;

	store_close(&bed->store);
	assert_int_equal(sqlite3_open(bed->path, &db), SQLITE_OK);
	sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL);
	sqlite3_close(db);
	bed->store = store_open(&bed->settings, &bed_steps, &bed->clock, &error);
	assert_null(bed->store);
	assert_non_null(strstr(error.text, "version 99 is newer"));
	assert_null(query_open(bed->url, false, &error));
	assert_non_null(strstr(error.text, "version 99 is newer"));
}

/* Made-up steps behind the real ones; the last one of `wrong` fails. */
static const char *const more[] = {"",
    "ALTER TABLE address ADD COLUMN mark INTEGER",
    "CREATE TABLE other (x); INSERT INTO other VALUES (7)", NULL};

static void
steps_lead_from_every_earlier_version(void **state)
{
	struct bed *bed = *state;
	struct trouble trouble = {0};
	const char *steps[8];
	int from, found;
	int64_t number;

	for (from = 0; from < schema_version; from++)
		steps[from] = schema_steps[from];
	steps[from] = more[1];
	steps[from + 1] = more[2];
	steps[from + 2] = "CREATE TABLE half (x); CREATE TABLE half (x)";
	store_close(&bed->store);
	for (int start = 0; start <= schema_version + 1; start++) {
		struct connection connection;
		char path[256];
		snprintf(path, sizeof path, "%s/from%d.db", bed->folder, start);
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
	bed_open(bed, false);
}

static void
every_key_of_the_header_has_its_column(void **state)
{
	struct bed *bed = *state;
	struct connection connection;
	struct trouble trouble = {0};
	int64_t count;
	char sql[128];

	assert_true(connection_open(
	    &connection, bed->path, SQLITE_OPEN_READONLY, 256, 0, &trouble));
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
	struct bed bed;
	char sender[600];
	int kept = 0, lost = 0;

	(void)state;
	bed_open(&bed, false);
	store_close(&bed.store);
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", bed.folder, "tmpfs", 0, "size=1m") != 0) {
		print_message("SKIPPED: no right to mount a small disk: %s\n",
		    strerror(errno));
		skip();
	}
	bed_reopen(&bed);
	memset(sender, 'x', sizeof sender);
	for (int i = 0; i < 3000; i++) {
		snprintf(sender, sizeof sender, "%0500d", i);
		if (attempt(&bed, sender) == NOTE_COMMITTED)
			kept++;
		else
			lost++;
	}
	print_message("kept %d, refused %d\n", kept, lost);
	assert_true(kept > 0);
	assert_true(lost > 0);
	assert_int_equal(
	    mount("tmpfs", bed.folder, "tmpfs", MS_REMOUNT, "size=16m"), 0);
	bed_sleep(&bed, 2);
	assert_int_equal(attempt(&bed, FROM), NOTE_COMMITTED);
	int found = 0;
	for (int i = 0; i < 3000; i++) {
		snprintf(sender, sizeof sender, "%0500d", i);
		found += is_kept(&bed, sender);
	}
	assert_int_equal(found, kept);
	assert_sound(&bed);
	store_close(&bed.store);
	umount(bed.folder);
	bed_close(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(deleted_file_is_begun_anew_with_the_same_secret),
	    TEST(replaced_file_is_taken_with_its_secret),
	    TEST(lost_folder_is_a_fault_until_it_is_back),
	    TEST(corrupt_page_sets_the_file_aside),
	    TEST(other_peoples_file_is_left_alone),
	    TEST(newer_schema_is_refused_by_name),
	    TEST(steps_lead_from_every_earlier_version),
	    TEST(every_key_of_the_header_has_its_column),
	    cmocka_unit_test(really_full_disk_is_survived),
	};

	trial_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
