/* SPDX-License-Identifier: BSD-2-Clause */
/* What most commands need: the configuration, the database, the output format. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "admin/cmd.h"

const struct config *
admin_config(struct admin *admin)
{
	const char *path = args_value(admin, "config");
	struct error error;

	if (admin->config != NULL)
		return admin->config;
	/* With --database no configuration is needed. */
	if (path == NULL && (args_value(admin, "database") == NULL ||
	                        access(CONFIG_DEFAULT_PATH, F_OK) == 0))
		path = CONFIG_DEFAULT_PATH;
	admin->config = config_load(path, &error);
	if (admin->config == NULL)
		failed(admin, &error);
	return admin->config;
}

struct query *
admin_query(struct admin *admin, bool writable)
{
	const char *url = args_value(admin, "database");
	struct error error;

	if (admin->query != NULL)
		return admin->query;
	/* Output must follow its privacy setting, even with --database. */
	const struct config *config =
	    url == NULL || writable ? admin_config(admin) : NULL;
	if (config == NULL && (url == NULL || writable))
		return NULL;
	admin->query =
	    query_open(url == NULL ? config->store_url : url, writable, &error);
	if (admin->query == NULL)
		failed(admin, &error);
	else if (writable && config->hash_people)
		query_hash_people(admin->query);
	if (admin->query != NULL && config != NULL)
		query_fade(
		    admin->query, config->policy.half_life_s, admin_now(admin));
	return admin->query;
}

enum doc_format
admin_format(struct admin *admin)
{
	const char *format = args_value(admin, "format");

	if (args_value(admin, "json") != NULL)
		return DOC_JSON;
	if (args_value(admin, "csv") != NULL)
		return DOC_CSV;
	for (enum doc_format i = 0; format != NULL && i < DOC_FORMATS; i++) {
		if (strcmp(format, doc_format_words[i]) == 0)
			return i;
	}
	return DOC_TEXT;
}

/* 0 = no limit: anything that is not a terminal is a file, a pipe or a mail. */
static unsigned
width_of(struct admin *admin)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (args_value(admin, "wide") != NULL ||
	    args_value(admin, "output") != NULL || !isatty(fileno(admin->out)))
		return 0;
	if (ioctl(fileno(admin->out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
		return size.ws_col;
	if (columns != NULL && atoi(columns) >= 40 && atoi(columns) < 10000)
		return (unsigned)atoi(columns);
	return 80;
}

static FILE *
open_output(struct admin *admin, struct error *error)
{
	const char *path = args_value(admin, "output");

	if (admin->output == NULL)
		admin->output = path == NULL ? admin->out : fopen(path, "we");
	if (admin->output == NULL)
		error_set_errno(error, "%s", path);
	return admin->output;
}

bool
admin_stream(struct admin *admin, struct doc *doc, struct error *error)
{
	FILE *file = open_output(admin, error);

	if (file != NULL)
		doc_stream(doc, admin_format(admin), width_of(admin), file);
	return file != NULL;
}

int
admin_write(struct admin *admin, struct doc **doc)
{
	const char *path = args_value(admin, "output");
	struct error error;
	bool ok = false;

	if (*doc == NULL) {
		error_set(&error, "out of memory");
		return failed(admin, &error);
	}
	if (admin->doc_r != NULL) {
		doc_free(admin->doc_r);
		*admin->doc_r = *doc;
		*doc = NULL;
		return EXIT_OK;
	}
	FILE *file = open_output(admin, &error);
	if (file != NULL) {
		ok = doc_write(*doc, admin_format(admin), width_of(admin), file);
		if (path != NULL && fclose(file) != 0)
			ok = false;
		admin->output = NULL;
		if (!ok)
			error_set_errno(&error, "cannot write%s%s",
			    path == NULL ? "" : " ", path == NULL ? "" : path);
	}
	doc_free(doc);
	return ok ? EXIT_OK : failed(admin, &error);
}

void
progress_begin(struct progress *progress, struct admin *admin, const char *what)
{
	*progress = (struct progress){.what = what};
	if (isatty(fileno(admin->err)))
		progress->file = admin->err;
}

void
progress_show(struct progress *progress, uint64_t done, uint64_t total)
{
	if (progress->file == NULL)
		return;
	int64_t ms = clock_real_ms();
	if (ms - progress->shown_ms < 200)
		return;
	progress->shown_ms = ms;
	progress->done = done;
	if (total > 0)
		fprintf(progress->file, "\r%s: %.0f %%\033[K", progress->what,
		    100.0 * (double)done / (double)total);
	else
		fprintf(progress->file, "\r%s: %llu\033[K", progress->what,
		    (unsigned long long)done);
	fflush(progress->file);
}

void
progress_end(struct progress *progress)
{
	if (progress->file != NULL && progress->shown_ms != 0) {
		fputs("\r\033[K", progress->file);
		fflush(progress->file);
	}
}
