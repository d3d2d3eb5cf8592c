/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads mails out of the index, nearest to the mark first. */
#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "review/index_private.h"

/* Numbers of the parameters of every WHERE. */
enum {
	AT_SENDER = 1,
	AT_SUBJECT,
	AT_CLIENT,
	AT_FLAGS,
	AT_TEXT,
	AT_LEAST,
	AT_MOST,
	AT_SINCE,
	AT_UNTIL,
	AT_MARK
};

static void
add_folders(GString *sql, const int64_t *folders, size_t count)
{
	/* the plus keeps SQLite off the folder index: rows come in score order */
	g_string_append(sql, "+m.folder IN (");
	for (size_t i = 0; i < count; i++)
		g_string_append_printf(
		    sql, "%s%lld", i > 0 ? "," : "", (long long)folders[i]);
	g_string_append(sql, ")");
}

static bool
is_given(const char *text)
{
	return text != NULL && *text != '\0';
}

static void
add_where(GString *sql, const struct mail_filter *filter)
{
	g_string_append(sql, " WHERE (");
	if (filter->or_folders_count > 0) {
		add_folders(sql, filter->or_folders, filter->or_folders_count);
		g_string_append(sql, " OR (");
	}
	add_folders(sql, filter->folders, filter->folders_count);
	if (filter->only_discardable)
		g_string_append(sql, " AND m.may_discard");
	if (filter->or_folders_count > 0)
		g_string_append(sql, ")");
	g_string_append(sql, ")");
	if (is_given(filter->sender))
		g_string_append(sql, " AND m.sender LIKE ?1 ESCAPE '\\'");
	if (is_given(filter->subject))
		g_string_append(sql, " AND m.subject LIKE ?2 ESCAPE '\\'");
	if (is_given(filter->client))
		g_string_append(sql,
		    " AND (m.client LIKE ?3 ESCAPE '\\' OR m.client_ip LIKE ?3 "
		    "ESCAPE '\\')");
	if (is_given(filter->flags))
		g_string_append(
		    sql, " AND ' ' || m.flags || ' ' LIKE ?4 ESCAPE '\\'");
	if (is_given(filter->text))
		g_string_append(sql,
		    " AND (m.sender LIKE ?5 ESCAPE '\\' OR m.subject LIKE ?5 "
		    "ESCAPE "
		    "'\\' OR m.client LIKE ?5 ESCAPE '\\' OR m.recipients LIKE ?5 "
		    "ESCAPE '\\' OR m.message_id LIKE ?5 ESCAPE '\\')");
	if (filter->least != 0 || filter->most != 0)
		g_string_append(sql, " AND m.score >= ?6 AND m.score < ?7");
	if (filter->since != 0)
		g_string_append(sql, " AND m.time >= ?8");
	if (filter->until != 0)
		g_string_append(sql, " AND m.time <= ?9");
	if (filter->only_unscored)
		g_string_append(sql, " AND m.score IS NULL");
	if (!filter->with_decided)
		g_string_append(sql, " AND m.decided IS NULL");
}

/* before and behind: what surrounds the text in the LIKE pattern */
static void
bind_part(sqlite3_stmt *s, int at, const char *before, const char *text,
    const char *behind)
{
	if (!is_given(text))
		return;
	GString *pattern = g_string_new(before);
	for (; *text != '\0'; text++) {
		if (strchr("%_\\", *text) != NULL)
			g_string_append_c(pattern, '\\');
		g_string_append_c(pattern, *text);
	}
	g_string_append(pattern, behind);
	bind_text(s, at, pattern->str);
	g_string_free(pattern, TRUE);
}

static sqlite3_stmt *
prepare_from(struct index *index, const char *columns, const char *tables,
    const struct mail_filter *filter, const char *tail, struct error *error)
{
	GString *sql = g_string_new("SELECT ");

	g_string_append(sql, columns);
	g_string_append(sql, tables);
	add_where(sql, filter);
	g_string_append(sql, tail);
	sqlite3_stmt *s = index_prepare(index, sql->str, error);
	g_string_free(sql, TRUE);
	if (s == NULL)
		return NULL;
	bind_part(s, AT_SENDER, "%", filter->sender, "%");
	bind_part(s, AT_SUBJECT, "%", filter->subject, "%");
	bind_part(s, AT_CLIENT, "%", filter->client, "%");
	bind_part(s, AT_FLAGS, "% ", filter->flags, " %");
	bind_part(s, AT_TEXT, "%", filter->text, "%");
	sqlite3_bind_double(s, AT_LEAST, filter->least);
	sqlite3_bind_double(s, AT_MOST, filter->most);
	sqlite3_bind_int64(s, AT_SINCE, filter->since);
	sqlite3_bind_int64(s, AT_UNTIL, filter->until);
	sqlite3_bind_double(s, AT_MARK, filter->mark);
	return s;
}

static sqlite3_stmt *
prepare(struct index *index, const char *columns, const struct mail_filter *filter,
    const char *tail, struct error *error)
{
	return prepare_from(index, columns, MAIL_TABLES, filter, tail, error);
}

/* One filter in three orders, merged: above the mark, below it, no score. */
#define STREAMS 3
struct stream {
	sqlite3_stmt *s;
	bool has_row;
	double distance;
};

static bool
step(struct index *index, struct stream *stream, double mark, struct error *error)
{
	int code = sqlite3_step(stream->s);

	stream->has_row = code == SQLITE_ROW;
	if (!stream->has_row)
		return code == SQLITE_DONE || index_failed(index, error);
	stream->distance = sqlite3_column_type(stream->s, 7) == SQLITE_NULL
	                       ? INFINITY
	                       : fabs(sqlite3_column_double(stream->s, 7) - mark);
	return true;
}

static struct stream *
nearest(struct stream *streams)
{
	struct stream *best = NULL;

	for (size_t i = 0; i < STREAMS; i++) {
		if (streams[i].has_row &&
		    (best == NULL || streams[i].distance < best->distance))
			best = &streams[i];
	}
	return best;
}

static bool
merge(struct index *index, struct stream *streams, const struct mail_filter *filter,
    mail_each_fn *each, void *ctx, struct error *error)
{
	struct stream *at;
	size_t shown = 0, skip = filter->skip;

	for (size_t i = 0; i < STREAMS; i++) {
		if (streams[i].s == NULL ||
		    !step(index, &streams[i], filter->mark, error))
			return false;
	}
	while ((at = nearest(streams)) != NULL &&
	       (filter->limit == 0 || shown < filter->limit)) {
		if (skip > 0) {
			skip--;
		} else {
			struct mail mail = index_mail(at->s);
			shown++;
			if (!each(ctx, &mail))
				return true;
		}
		if (!step(index, at, filter->mark, error))
			return false;
	}
	return true;
}

static bool
list_nearest(struct index *index, const struct mail_filter *filter,
    mail_each_fn *each, void *ctx, struct error *error)
{
	static const char *const tails[STREAMS] = {
	    " AND m.score >= ?10 ORDER BY m.score, m.folder",
	    " AND m.score < ?10 ORDER BY m.score DESC, m.folder DESC",
	    " AND m.score IS NULL ORDER BY m.time DESC"};
	struct stream streams[STREAMS] = {{NULL, false, 0}};

	for (size_t i = 0; i < STREAMS; i++)
		streams[i].s =
		    prepare(index, MAIL_COLUMNS, filter, tails[i], error);
	bool ok = merge(index, streams, filter, each, ctx, error);
	for (size_t i = 0; i < STREAMS; i++)
		sqlite3_finalize(streams[i].s);
	return ok;
}

static bool
run_mails(struct index *index, sqlite3_stmt *s, mail_each_fn *each, void *ctx,
    struct error *error)
{
	bool go_on = true;

	if (s == NULL)
		return false;
	while (go_on && sqlite3_step(s) == SQLITE_ROW) {
		struct mail mail = index_mail(s);
		go_on = each(ctx, &mail);
	}
	return sqlite3_finalize(s) == SQLITE_OK || index_failed(index, error);
}

bool
index_list(struct index *index, const struct mail_filter *filter,
    mail_each_fn *each, void *ctx, struct error *error)
{
	char tail[64];

	if (filter->order == ORDER_NEAREST)
		return list_nearest(index, filter, each, ctx, error);
	snprintf(tail, sizeof tail, " ORDER BY random() LIMIT %zu",
	    filter->limit == 0 ? (size_t)1000000000 : filter->limit);
	return run_mails(index, prepare(index, MAIL_COLUMNS, filter, tail, error),
	    each, ctx, error);
}

static bool
count(struct index *index, const struct mail_filter *filter, uint64_t *count_r,
    struct error *error)
{
	sqlite3_stmt *s =
	    prepare_from(index, "count(*)", " FROM mail m ", filter, "", error);

	if (s == NULL)
		return false;
	if (sqlite3_step(s) == SQLITE_ROW)
		*count_r = (uint64_t)sqlite3_column_int64(s, 0);
	return sqlite3_finalize(s) == SQLITE_OK || index_failed(index, error);
}

/* Every row has to be read anyway, so all bands are counted in one pass. */
static bool
count_rows(struct index *index, const struct mail_filter *filter,
    uint64_t counts_r[static BANDS], struct error *error)
{
	sqlite3_stmt *s =
	    prepare_from(index, "m.score", " FROM mail m ", filter, "", error);

	if (s == NULL)
		return false;
	while (sqlite3_step(s) == SQLITE_ROW) {
		enum score_kind kind = sqlite3_column_type(s, 0) == SQLITE_NULL
		                           ? SCORE_NONE
		                           : SCORE_EXACT;
		counts_r[band_of(
		    kind, sqlite3_column_double(s, 0), filter->mark)]++;
	}
	return sqlite3_finalize(s) == SQLITE_OK || index_failed(index, error);
}

/* Filters by score only, which the index of scores answers. */
static bool
count_bands(struct index *index, struct mail_filter *all,
    uint64_t counts_r[static BANDS], struct error *error)
{
	for (int band = 0; band < BANDS; band++) {
		all->only_unscored = band == BAND_NONE;
		all->least = all->most = 0;
		if (band != BAND_NONE)
			band_range(
			    (enum band)band, all->mark, &all->least, &all->most);
		if (!count(index, all, &counts_r[band], error))
			return false;
	}
	return true;
}

/* Counts kept for the same filter are valid until a mail changes. */
static bool
recall_bands(struct index *index, const char *key, uint64_t counts_r[static BANDS])
{
	struct error ignored;
	sqlite3_stmt *s = index_prepare(
	    index, "SELECT counts FROM bands WHERE key = ?1", &ignored);
	int found = 0;

	if (s == NULL)
		return false;
	bind_text(s, 1, key);
	if (sqlite3_step(s) == SQLITE_ROW) {
		const char *at = (const char *)sqlite3_column_text(s, 0);
		char *end = NULL;
		for (; at != NULL && found < BANDS && end != at; found++) {
			counts_r[found] = strtoull(at, &end, 10);
			at = *end == ' ' ? end + 1 : NULL;
		}
	}
	sqlite3_finalize(s);
	return found == BANDS;
}

/* If they cannot be stored, they are counted again next time. */
static void
keep_bands(
    struct index *index, const char *key, const uint64_t counts[static BANDS])
{
	struct error ignored;
	GString *text = g_string_new(NULL);
	sqlite3_stmt *s = index_prepare(
	    index, "INSERT OR REPLACE INTO bands VALUES (?1, ?2)", &ignored);

	for (int band = 0; band < BANDS; band++)
		g_string_append_printf(text, "%s%llu", band > 0 ? " " : "",
		    (unsigned long long)counts[band]);
	if (s != NULL) {
		bind_text(s, 1, key);
		bind_text(s, 2, text->str);
		index_finish(index, s, &ignored);
	}
	g_string_free(text, TRUE);
}

bool
index_bands(struct index *index, const struct mail_filter *filter,
    uint64_t counts_r[static BANDS], struct error *error)
{
	struct mail_filter all = *filter;
	struct error ignored;

	memset(counts_r, 0, BANDS * sizeof *counts_r);
	all.only_unscored = false;
	all.least = all.most = 0;
	if (is_given(all.sender) || is_given(all.subject) || is_given(all.client) ||
	    is_given(all.flags) || is_given(all.text) || all.since != 0 ||
	    all.until != 0)
		return count_rows(index, &all, counts_r, error);
	GString *key = g_string_new(NULL);
	g_string_append_printf(key, "%.17g", all.mark);
	add_where(key, &all);
	bool ok = recall_bands(index, key->str, counts_r);
	/* One transaction: a change by another process makes the write fail. */
	if (!ok && index_run(index, "SAVEPOINT bands", error)) {
		ok = count_bands(index, &all, counts_r, error);
		if (ok)
			keep_bands(index, key->str, counts_r);
		if (!index_run(index, "RELEASE bands", &ignored))
			index_run(
			    index, "ROLLBACK TO bands; RELEASE bands", &ignored);
	}
	g_string_free(key, TRUE);
	return ok;
}

bool
index_find(struct index *index, const char *id, mail_each_fn *each, void *ctx,
    struct error *error)
{
	sqlite3_stmt *s = index_prepare(index,
	    "SELECT " MAIL_COLUMNS MAIL_TABLES
	    " WHERE m.id >= ?1 AND m.id < ?1 || 'g' LIMIT 2",
	    error);

	if (s == NULL)
		return false;
	bind_text(s, 1, id);
	return run_mails(index, s, each, ctx, error);
}
