/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/lines.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool
skip_line(FILE *file)
{
	int c;

	while ((c = getc_unlocked(file)) != EOF && c != '\n')
		;
	return c != EOF;
}

static void
read_all(struct progress *progress, FILE *file, uint64_t size,
    bool (*each)(void *ctx, char *line), void *ctx)
{
	char line[LINE_MOST];
	uint64_t done = 0, count = 0;

	while (fgets(line, sizeof line, file) != NULL) {
		size_t length = strlen(line);
		bool whole = length > 0 && line[length - 1] == '\n';
		bool too_long = !whole && length == sizeof line - 1;
		done += length;
		if (whole)
			line[--length] = '\0';
		if (length > 0 && line[length - 1] == '\r')
			line[--length] = '\0';
		if (too_long)
			skip_line(file);
		if (!each(ctx, too_long ? NULL : line))
			return;
		if (++count % 4096 == 0)
			progress_show(progress, size > 0 ? done : count, size);
	}
}

bool
lines_each(struct admin *admin, const char *path,
    bool (*each)(void *ctx, char *line), void *ctx, struct error *error)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *opened = is_stdin ? NULL : fopen(path, "re");
	FILE *file = is_stdin ? stdin : opened;
	struct progress progress;
	struct stat status;

	if (file == NULL) {
		error_set_errno(error, "%s", path);
		return false;
	}
	bool has_size =
	    fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode);
	if (!is_stdin && fstat(fileno(file), &status) == 0 &&
	    S_ISDIR(status.st_mode)) {
		error_set(error, "%s: is a directory", path);
		fclose(file);
		return false;
	}
	progress_begin(&progress, admin, path);
	read_all(
	    &progress, file, has_size ? (uint64_t)status.st_size : 0, each, ctx);
	progress_end(&progress);
	bool ok = !ferror(file);
	if (!ok)
		error_set_errno(error, "%s", path);
	if (opened != NULL)
		fclose(opened);
	return ok;
}
