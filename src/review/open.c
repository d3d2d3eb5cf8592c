/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets up a reviewer from options and configuration, and indexes its folders. */
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "report/escape.h"
#include "review/cmds.h"
#include "review/users.h"

static bool
read_mark(struct admin *admin, const char *name, double *value_r)
{
	const char *value = args_value(admin, name);
	char *end;

	if (value == NULL)
		return true;
	*value_r = strtod(value, &end);
	if (end != value && *end == '\0' && isfinite(*value_r) &&
	    fabs(*value_r) <= 10000 && (*value_r > 0 || strcmp(name, "mark") != 0))
		return true;
	usage(admin,
	    "--%s: \"%.40s\" is not allowed; allowed: a score%s, such as 6.3", name,
	    value, strcmp(name, "mark") == 0 ? " above 0" : "");
	return false;
}

/* The daemon's record: without it everything but learning into it works. */
static void
open_record(struct admin *admin, struct review *review)
{
	const char *url = args_value(admin, "database");
	struct error error;

	review->query =
	    query_open(url != NULL ? url : admin->config->store_url, true, &error);
	if (review->query == NULL)
		text_copy(review->no_query, sizeof review->no_query, error.text);
	else
		query_fade(review->query, admin->config->policy.half_life_s,
		    admin_now(admin));
	admin->query = review->query;
}

static const char *
option_or(struct admin *admin, const char *name, const char *otherwise)
{
	const char *value = args_value(admin, name);

	return value != NULL ? value : otherwise;
}

/* Most reviewers' hosts or accounts lack the daemon's configuration. */
static void
load_config(struct admin *admin)
{
	struct error error;

	if (args_value(admin, "config") == NULL &&
	    access(CONFIG_DEFAULT_PATH, R_OK) != 0)
		admin->config = config_load(NULL, &error);
	else
		admin_config(admin);
}

void
apply_user(struct admin *admin, struct review *review)
{
	const struct config *config = admin->config;

	review->inbox =
	    user_path(review, option_or(admin, "inbox", config->review_inbox));
	review->spam_folder =
	    user_path(review, option_or(admin, "spam-folder", config->review_spam));
}

static bool
read_settings(struct admin *admin, struct review *review)
{
	static const char *const learners[] = {"nothing", "sa-learn", "spamc"};
	const char *learn = args_value(admin, "learn");
	const struct config *config = admin->config;

	review->mark = config->review_mark;
	apply_user(admin, review);
	review->learner = (enum learner)config->review_learn;
	for (unsigned i = 0; learn != NULL && i < 3; i++) {
		if (strcmp(learn, learners[i]) == 0)
			review->learner = (enum learner)i;
	}
	review->amavis_socket =
	    option_or(admin, "amavis-socket", config->amavis_socket);
	review->sendmail = option_or(admin, "sendmail", config->sendmail);
	review->to = args_value(admin, "to");
	return read_mark(admin, "mark", &review->mark);
}

struct review *
open_review(struct admin *admin, int *code_r)
{
	struct review *review = calloc(1, sizeof *review);
	struct error error;

	*code_r = EXIT_FAILED;
	if (review == NULL) {
		error_set(&error, "out of memory");
		failed(admin, &error);
		return NULL;
	}
	admin->more = review;
	review->log_fd = -1;
	review->now = admin_now(admin);
	if (!review_open_state(review, args_value(admin, "state"), &error)) {
		failed(admin, &error);
		return NULL;
	}
	load_config(admin);
	if (admin->config == NULL)
		return NULL;
	*code_r = EXIT_USAGE;
	if (!read_settings(admin, review))
		return NULL;
	open_record(admin, review);
	return review;
}

void
close_review(struct admin *admin)
{
	struct review *review = admin->more;

	if (review == NULL)
		return;
	review_close(review);
	free(review);
	admin->more = NULL;
}

/* ---------------------------------------------------------------- folders */

static void
say_warning(void *ctx, const char *text)
{
	struct admin *admin = ctx;

	fputs("targrey-review: ", admin->err);
	escape_terminal(admin->err, text, 0);
	fputc('\n', admin->err);
}

static bool
sync_one(struct admin *admin, const char *path, int64_t *id_r, char *discarded)
{
	struct review *review = admin->more;
	struct folder folder;
	struct error error;

	if (!folder_open(&folder, path, &error)) {
		say_warning(admin, error.text);
		return false;
	}
	bool ok = index_sync(review->index, &folder, file_clock_ms(), say_warning,
	    admin, id_r, &error);
	if (!ok)
		say_warning(admin, error.text);
	if (discarded != NULL &&
	    !discarded_folder(folder.path, folder.kind, discarded))
		*discarded = '\0';
	folder_close(&folder);
	return ok;
}

static void
sync_both(struct admin *admin, const char *path, bool with_discarded,
    struct folders *folders)
{
	char discarded[PATH_MAX];
	size_t *count = &folders->discarded_count;

	if (folders->count == FOLDERS_MOST) {
		say_warning(
		    admin, "more than 256 folders; the others are left out");
		return;
	}
	if (!sync_one(admin, path, &folders->ids[folders->count], discarded))
		return;
	folders->count++;
	if (with_discarded && *discarded != '\0' && access(discarded, F_OK) == 0 &&
	    *count < FOLDERS_MOST &&
	    sync_one(admin, discarded, &folders->discarded[*count], NULL))
		++*count;
}

static void
sync_configured(struct admin *admin, bool with_discarded, struct folders *folders)
{
	const struct string_list *list = &admin->config->review_folders;

	for (size_t i = 0; i < list->count; i++) {
		const char *pattern = user_path(admin->more, list->items[i]);
		glob_t found;
		if (glob(pattern, 0, NULL, &found) != 0)
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			sync_both(
			    admin, found.gl_pathv[k], with_discarded, folders);
		globfree(&found);
	}
}

bool
sync_folders(
    struct admin *admin, int first, bool with_discarded, struct folders *folders_r)
{
	folders_r->count = folders_r->discarded_count = 0;
	for (int i = first; i < admin->words_count; i++)
		sync_both(admin, user_path(admin->more, admin->words[i]),
		    with_discarded, folders_r);
	if (admin->words_count <= first)
		sync_configured(admin, with_discarded, folders_r);
	if (folders_r->count == 0 && admin->words_count <= first)
		fputs(
		    "targrey-review: no folder was named, and review.folders names "
		    "none that exists\n",
		    admin->err);
	return folders_r->count > 0;
}

bool
read_filter(struct admin *admin, struct mail_filter *filter)
{
	const char *band = args_value(admin, "band");
	double above = -INFINITY, below = INFINITY;

	filter->sender = args_value(admin, "from");
	filter->subject = args_value(admin, "subject");
	filter->client = args_value(admin, "client");
	filter->flags = args_value(admin, "flag");
	filter->text = args_value(admin, "text");
	if (!args_time(admin, "since", &filter->since) ||
	    !args_time(admin, "until", &filter->until) ||
	    !read_mark(admin, "above", &above) ||
	    !read_mark(admin, "below", &below))
		return false;
	for (int i = 0; band != NULL && i < BANDS; i++) {
		double least, most;
		if (strcmp(band, band_words[i]) != 0)
			continue;
		filter->only_unscored = i == BAND_NONE;
		band_range((enum band)i, filter->mark, &least, &most);
		above = i == BAND_NONE ? above : fmax(above, least);
		below = i == BAND_NONE ? below : fmin(below, most);
	}
	if (isfinite(above) || isfinite(below)) {
		filter->least = above;
		filter->most = below;
	}
	return true;
}
