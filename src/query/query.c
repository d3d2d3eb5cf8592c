/* SPDX-License-Identifier: BSD-2-Clause */
#include "query/query.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "query/query_private.h"
#include "store/apply.h"
#include "store/keys.h"

/* How often a change is repeated; each conflict means progress elsewhere. */
#define CONFLICTS_MOST 20

bool
query_failed(
    struct query *query, const struct trouble *trouble, struct error *error)
{
	query->was_conflict = trouble->kind == TROUBLE_CONFLICT;
	if (query->was_conflict)
		error_set(error,
		    "%s: other programs kept changing the same rows; try again",
		    query->ops->name(query->backend));
	else
		error_set(error, "%s: %s", query->ops->name(query->backend),
		    trouble->error.text);
	return false;
}

struct query *
query_open(const char *url, bool writable, struct error *error)
{
	const struct backend_ops *ops = backend_of_url(url, error);
	struct query *query = calloc(1, sizeof *query);

	if (ops != NULL && ops->attach == NULL) {
		error_set(error,
		    "%s: a database in memory cannot be opened by another program",
		    url);
	} else if (query == NULL) {
		error_set(error, "%s: out of memory", url);
	} else if (ops != NULL) {
		query->ops = ops;
		query->writable = writable;
		query->backend = ops->attach(url, writable, query->secret, error);
	}
	if (query != NULL && query->backend == NULL) {
		free(query);
		query = NULL;
	}
	return query;
}

void
query_close(struct query **pointer)
{
	struct query *query = *pointer;

	*pointer = NULL;
	if (query == NULL)
		return;
	query->ops->close(query->backend);
	free(query);
}

bool
query_is_shared(const struct query *query)
{
	return query->ops->is_shared;
}

const uint8_t *
query_secret(const struct query *query)
{
	return query->secret;
}

bool
query_enter(struct query *query, struct trouble *trouble)
{
	if (query->begun)
		return query->view != NULL;
	query->view = query->ops->reader(query->backend, trouble);
	return query->view != NULL;
}

bool
query_leave(struct query *query, bool ok)
{
	if (query->begun)
		return ok;
	query->ops->release(query->view);
	query->view = NULL;
	return ok;
}

bool
query_enter_change(struct query *query, struct trouble *trouble)
{
	bool ignored;

	if (!query->writable) {
		error_set(&trouble->error, "opened for reading only");
		return false;
	}
	if (query->begun)
		return query->view != NULL;
	query->view =
	    query->ops->begin(query->backend, FOR_CHANGES, 0, &ignored, trouble);
	return query->view != NULL;
}

static bool
count_site(struct query *query, struct trouble *trouble)
{
	struct apply apply = {.ops = query->ops,
	    .view = query->view,
	    .half_life_s = query->half_life_s};

	return (query->site_ham == 0 && query->site_spam == 0) ||
	       origins_rate_site(
	           &apply, query->site_ham, query->site_spam, query->now, trouble);
}

bool
query_leave_change(struct query *query, bool ok, struct trouble *trouble)
{
	if (query->begun)
		return ok;
	ok = ok && count_site(query, trouble);
	query->site_ham = query->site_spam = 0;
	if (ok)
		ok = query->ops->commit(query->view, trouble) == COMMITTED;
	else
		query->ops->rollback(query->view);
	query->view = NULL;
	if (ok)
		query->conflicts = 0;
	return ok;
}

/* Must a failed change be repeated? trouble is empty then. */
static bool
is_to_be_repeated(struct query *query, struct trouble *trouble)
{
	if (query->begun || trouble->kind != TROUBLE_CONFLICT ||
	    ++query->conflicts > CONFLICTS_MOST) {
		query->conflicts = 0;
		return false;
	}
	*trouble = (struct trouble){0};
	return true;
}

bool
query_change_rows(struct query *query,
    bool (*work)(struct query *query, void *ctx, struct trouble *trouble),
    void *ctx, struct trouble *trouble)
{
	do {
		if (query_enter_change(query, trouble) &&
		    query_leave_change(query, work(query, ctx, trouble), trouble))
			return true;
	} while (is_to_be_repeated(query, trouble));
	return false;
}

static void
undo(struct query *query)
{
	if (query->begun && query->view != NULL)
		query->ops->rollback(query->view);
	query->begun = false;
	query->view = NULL;
	query->site_ham = query->site_spam = 0;
}

static bool
change_once(struct query *query, bool (*change)(void *ctx, struct error *error),
    void *ctx, struct error *error)
{
	struct trouble trouble = {0};

	query->was_conflict = false;
	if (!query_enter_change(query, &trouble))
		return query_failed(query, &trouble, error);
	query->begun = true;
	if (!change(ctx, error)) {
		undo(query);
		return false;
	}
	query->begun = false;
	return query_leave_change(query, true, &trouble) ||
	       query_failed(query, &trouble, error);
}

bool
query_change(struct query *query, bool (*change)(void *ctx, struct error *error),
    void *ctx, struct error *error)
{
	bool ok = change_once(query, change, ctx, error);

	for (int i = 0; !ok && query->was_conflict && i < CONFLICTS_MOST; i++)
		ok = change_once(query, change, ctx, error);
	return ok;
}

bool
query_person_matches(
    const struct query *query, const char *stored, const char *wanted)
{
	char hash[PERSON_SIZE];

	if (wanted == NULL)
		return true;
	if (stored == NULL)
		return false;
	if (strcasestr(stored, wanted) != NULL)
		return true;
	return strchr(stored, '#') != NULL &&
	       strstr(stored, person_hash(query->secret, wanted, hash)) != NULL;
}

bool
query_recall(struct query *query, const struct store_who *who,
    const struct triplet *triplets, size_t count, int64_t now,
    int64_t retry_window_s, struct history *history_r, struct error *error)
{
	struct trouble trouble = {0};
	struct apply apply = {
	    .ops = query->ops,
	    .secret = query->secret,
	    .retry_window_s = retry_window_s,
	    .half_life_s = query->half_life_s,
	};

	if (!query_enter(query, &trouble))
		return query_failed(query, &trouble, error);
	apply.view = query->view;
	if (query_leave(query, apply_recall(&apply, who, triplets, count, now,
	                           history_r, &trouble)))
		return true;
	return query_failed(query, &trouble, error);
}

bool
query_report(
    struct query *query, struct store_status_report *report_r, struct error *error)
{
	struct trouble trouble = {0};

	memset(report_r, 0, sizeof *report_r);
	return query->ops->report(query->backend, true, report_r, &trouble) ||
	       query_failed(query, &trouble, error);
}

bool
query_check(struct query *query, bool (*each)(void *ctx, const char *finding),
    void *ctx, bool *sound_r, struct error *error)
{
	struct trouble trouble = {0};

	return query->ops->check(query->backend, each, ctx, sound_r, &trouble) ||
	       query_failed(query, &trouble, error);
}

bool
query_backup(struct query *query, const char *path,
    void (*progress)(void *ctx, int left, int total), void *ctx,
    struct error *error)
{
	struct trouble trouble = {0};

	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0) {
		error_set_errno(error, "%s", path);
		return false;
	}
	close(fd);
	if (query->ops->backup(query->backend, path, progress, ctx, &trouble))
		return true;
	(void)unlink(path);
	error_set(error, "%s: %s", path, trouble.error.text);
	return false;
}
