/* SPDX-License-Identifier: BSD-2-Clause */
/* Brings the index up to date: reads new mails, forgets those that are gone. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/siphash.h"
#include "review/head.h"
#include "review/index_private.h"

/* A directory changed this recently may change again with the same time stamp. */
#define SETTLED_NS INT64_C(2000000000)

struct syncing {
	struct index *index;
	const struct folder *folder;
	int64_t folder_id;
	GHashTable *known; /* id -> struct known, of mails not seen yet */
	sqlite3_stmt *insert, *rename;
	void (*warn)(void *ctx, const char *text);
	void *warn_ctx;
	GHashTable *met; /* mbox: ids, to tell equal mails apart */
	bool failed;
	struct error *error;
};

/* What the index has of a mail. */
struct known {
	int64_t size;
	char name[];
};

static void
make_id(const struct syncing *syncing, const struct place *place, unsigned copy,
    char id[static MAIL_ID_SIZE])
{
	static const uint8_t key[SIPHASH_KEY_SIZE] = {0};
	char *text = g_strdup_printf("%s\n%s\n%u", syncing->folder->path,
	    place->base != NULL ? place->base : place->from_line, copy);

	snprintf(id, MAIL_ID_SIZE, "%012" PRIx64,
	    siphash(key, text, strlen(text)) >> 16);
	g_free(text);
}

static void
warn(void *ctx, const char *name, const char *reason)
{
	struct syncing *syncing = ctx;
	char *text =
	    g_strdup_printf("%s/%s: %s", syncing->folder->path, name, reason);

	syncing->warn(syncing->warn_ctx, text);
	g_free(text);
}

static void
bind_head(sqlite3_stmt *s, const struct head *head)
{
	char why[1024];

	sqlite3_bind_int(s, 6, (int)head->score.kind);
	if (head->score.kind == SCORE_NONE)
		sqlite3_bind_null(s, 7);
	else
		sqlite3_bind_double(s, 7, head->score.value);
	bind_text(s, 8, head->from);
	bind_text(s, 9, head->to);
	bind_text(s, 10, head->subject);
	bind_text(s, 11, head->client);
	bind_text(s, 12, head->client_ip);
	bind_text(s, 13, head->flags);
	bind_text(s, 14, head_why(head, why, sizeof why));
	bind_text(s, 15, head->message_id);
	bind_text(s, 16, head->has_session ? head->session.value[SK_SID] : "");
	bind_text(s, 17, head->envelope_from);
	bind_text(s, 18, head->envelope_to);
	bind_text(s, 19, head->quarantine_id);
	sqlite3_bind_int(s, 20, head->score.may_discard);
	sqlite3_bind_int64(s, 21, head->notes);
}

static int64_t
time_of(const struct place *place, const struct stat *stat)
{
	int64_t time =
	    place->base == NULL ? place->time : maildir_time(place->base);

	return time != 0 ? time : stat->st_mtim.tv_sec;
}

/* What vanishes or cannot be read is not listed; it is reported once. */
static bool
add_mail(struct syncing *syncing, const struct place *place, const char *id)
{
	char name[PLACE_NAME_SIZE];
	struct error error;
	struct head head;
	struct stat stat;

	snprintf(name, sizeof name, "%s", place->name);
	int fd = folder_open_mail(syncing->folder, name, &stat, &error);
	if (fd < 0) {
		syncing->warn(syncing->warn_ctx, error.text);
		return true;
	}
	bool ok = head_read(fd, is_packed(name), &head, &error);
	close(fd);
	if (!ok) {
		warn(syncing, name, error.text);
		return true;
	}
	sqlite3_stmt *s = syncing->insert;
	sqlite3_reset(s);
	bind_text(s, 1, id);
	sqlite3_bind_int64(s, 2, syncing->folder_id);
	bind_text(s, 3, name);
	sqlite3_bind_int64(s, 4, time_of(place, &stat));
	sqlite3_bind_int64(s, 5, place->size != 0 ? place->size : stat.st_size);
	bind_head(s, &head);
	return sqlite3_step(s) == SQLITE_DONE ||
	       index_failed(syncing->index, syncing->error);
}

static bool
rename_mail(struct syncing *syncing, const struct place *place, const char *id)
{
	sqlite3_stmt *s = syncing->rename;

	sqlite3_reset(s);
	bind_text(s, 1, id);
	bind_text(s, 2, place->name);
	return sqlite3_step(s) == SQLITE_DONE ||
	       index_failed(syncing->index, syncing->error);
}

static bool
meet(void *ctx, const struct place *place)
{
	struct syncing *syncing = ctx;
	char id[MAIL_ID_SIZE];
	unsigned copy = 0;

	make_id(syncing, place, copy, id);
	while (place->base == NULL && !g_hash_table_add(syncing->met, g_strdup(id)))
		make_id(syncing, place, ++copy, id);
	const struct known *known = g_hash_table_lookup(syncing->known, id);
	/* In an mbox the last one may still have been growing. */
	bool is_whole =
	    known != NULL && (place->base != NULL || known->size == place->size);
	bool ok = !is_whole ? add_mail(syncing, place, id)
	                    : strcmp(known->name, place->name) == 0 ||
	                          rename_mail(syncing, place, id);
	if (known != NULL)
		g_hash_table_remove(syncing->known, id);
	syncing->failed = !ok;
	return ok;
}

static struct known *
known_of(sqlite3_stmt *s)
{
	const char *name = (const char *)sqlite3_column_text(s, 1);
	size_t size = strlen(name) + 1;
	struct known *known = g_malloc(sizeof *known + size);

	known->size = sqlite3_column_int64(s, 2);
	memcpy(known->name, name, size);
	return known;
}

static bool
load_known(struct syncing *syncing)
{
	sqlite3_stmt *s = index_prepare(syncing->index,
	    "SELECT id, name, size FROM mail WHERE folder = ?1", syncing->error);

	if (s == NULL)
		return false;
	sqlite3_bind_int64(s, 1, syncing->folder_id);
	while (sqlite3_step(s) == SQLITE_ROW)
		g_hash_table_insert(syncing->known,
		    g_strdup((const char *)sqlite3_column_text(s, 0)), known_of(s));
	return sqlite3_finalize(s) == SQLITE_OK ||
	       index_failed(syncing->index, syncing->error);
}

static bool
forget_gone(struct syncing *syncing)
{
	GHashTableIter iter;
	void *id;

	g_hash_table_iter_init(&iter, syncing->known);
	while (g_hash_table_iter_next(&iter, &id, NULL)) {
		if (!index_forget(syncing->index, id, syncing->error))
			return false;
	}
	return true;
}

static bool
read_folder(struct syncing *syncing)
{
	syncing->insert = index_prepare(syncing->index,
	    "INSERT OR REPLACE INTO mail VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, "
	    "?8, "
	    "?9,"
	    " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, (SELECT "
	    "what FROM decision WHERE id = ?1))",
	    syncing->error);
	syncing->rename = index_prepare(syncing->index,
	    "UPDATE mail SET name = ?2 WHERE id = ?1", syncing->error);
	bool ok =
	    syncing->insert != NULL && syncing->rename != NULL &&
	    load_known(syncing) &&
	    folder_each(syncing->folder, meet, warn, syncing, syncing->error) &&
	    !syncing->failed && forget_gone(syncing);
	sqlite3_finalize(syncing->insert);
	sqlite3_finalize(syncing->rename);
	return ok;
}

/* 0 and true: not known yet */
static bool
find_folder(struct index *index, const char *path, int64_t *id_r, uint64_t *stamp_r,
    bool *settled_r, struct error *error)
{
	sqlite3_stmt *s = index_prepare(index,
	    "SELECT id, stamp, is_settled FROM folder WHERE path = ?1", error);

	*id_r = 0;
	*settled_r = false;
	if (s == NULL)
		return false;
	bind_text(s, 1, path);
	if (sqlite3_step(s) == SQLITE_ROW) {
		*id_r = sqlite3_column_int64(s, 0);
		*stamp_r = (uint64_t)sqlite3_column_int64(s, 1);
		*settled_r = sqlite3_column_int(s, 2) != 0;
	}
	return sqlite3_finalize(s) == SQLITE_OK || index_failed(index, error);
}

bool
index_folder_id(
    struct index *index, const char *path, int64_t *id_r, struct error *error)
{
	uint64_t stamp;
	bool settled;

	if (!find_folder(index, path, id_r, &stamp, &settled, error))
		return false;
	if (*id_r == 0)
		error_set(error, "%s: has not been listed", path);
	return *id_r != 0;
}

static bool
keep_folder(struct index *index, const struct folder *folder, uint64_t stamp,
    bool is_settled, int64_t *id_r, struct error *error)
{
	sqlite3_stmt *s = index_prepare(index,
	    "INSERT INTO folder (path, kind, stamp, is_settled) VALUES (?1, ?2, "
	    "?3, "
	    "?4) ON CONFLICT (path) DO UPDATE SET kind = ?2, stamp = ?3, "
	    "is_settled = ?4 RETURNING id",
	    error);

	if (s == NULL)
		return false;
	bind_text(s, 1, folder->path);
	sqlite3_bind_int(s, 2, (int)folder->kind);
	sqlite3_bind_int64(s, 3, (int64_t)stamp);
	sqlite3_bind_int(s, 4, is_settled);
	if (sqlite3_step(s) == SQLITE_ROW)
		*id_r = sqlite3_column_int64(s, 0);
	return index_finish(index, s, error);
}

bool
index_sync(struct index *index, const struct folder *folder, int64_t now_ms,
    void (*warn_fn)(void *ctx, const char *text), void *ctx, int64_t *folder_id_r,
    struct error *error)
{
	struct syncing syncing = {.index = index,
	    .folder = folder,
	    .warn = warn_fn,
	    .warn_ctx = ctx,
	    .error = error};
	uint64_t stamp, was = 0;
	int64_t newest;
	bool settled, ok;

	if (!folder_stamp(folder, &stamp, &newest)) {
		error_set_errno(error, "%s", folder->path);
		return false;
	}
	if (!find_folder(index, folder->path, folder_id_r, &was, &settled, error))
		return false;
	if (*folder_id_r != 0 && settled && was == stamp)
		return true;
	if (!index_run(index, "BEGIN IMMEDIATE", error))
		return false;
	syncing.known =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	syncing.met = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	ok = keep_folder(index, folder, stamp,
	    now_ms * 1000000 - newest > SETTLED_NS, folder_id_r, error);
	syncing.folder_id = *folder_id_r;
	ok = ok && read_folder(&syncing) && index_run(index, "COMMIT", error);
	if (!ok)
		sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
	g_hash_table_destroy(syncing.known);
	g_hash_table_destroy(syncing.met);
	return ok;
}

int64_t
file_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
stay_silent(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

bool
index_refresh_folder(
    struct index *index, const char *path, int64_t now_ms, struct error *error)
{
	struct folder folder;
	struct error ignored;
	int64_t id;

	if (!folder_open(&folder, path, &ignored))
		return true;
	bool ok = index_sync(index, &folder, now_ms, stay_silent, NULL, &id, error);
	folder_close(&folder);
	return ok;
}

bool
index_refresh(struct index *index, int64_t now_ms, struct error *error)
{
	sqlite3_stmt *s = index_prepare(index, "SELECT path FROM folder", error);
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	bool ok = s != NULL;

	while (ok && sqlite3_step(s) == SQLITE_ROW)
		g_ptr_array_add(
		    paths, g_strdup((const char *)sqlite3_column_text(s, 0)));
	sqlite3_finalize(s);
	for (unsigned i = 0; ok && i < paths->len; i++)
		ok = index_refresh_folder(
		    index, g_ptr_array_index(paths, i), now_ms, error);
	g_ptr_array_free(paths, TRUE);
	return ok;
}
