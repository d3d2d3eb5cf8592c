/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An mbox: a mail begins after a line "From sender date" at the start of the file
 * or after an empty line. What is added during reading is left for next time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "review/folder.h"

struct lines {
	FILE *file;
	char *line;
	size_t room;
	ssize_t length;
	int64_t offset, limit; /* offset after the From line; the end of the file */
	bool is_blank, was_blank;
};

static bool
lines_open(struct lines *lines, int fd)
{
	struct stat stat;
	int copy = dup(fd);

	*lines = (struct lines){.is_blank = true};
	if (copy < 0)
		return false;
	lines->file = fdopen(copy, "r");
	if (lines->file == NULL) {
		close(copy);
		return false;
	}
	if (fstat(fd, &stat) != 0 || fseeko(lines->file, 0, SEEK_SET) != 0) {
		fclose(lines->file);
		return false;
	}
	lines->limit = stat.st_size;
	return true;
}

static bool
lines_next(struct lines *lines)
{
	if (lines->offset >= lines->limit)
		return false;
	lines->length = getline(&lines->line, &lines->room, lines->file);
	if (lines->length <= 0)
		return false;
	lines->offset += lines->length;
	lines->was_blank = lines->is_blank;
	lines->is_blank =
	    lines->length == 1 || (lines->length == 2 && lines->line[0] == '\r');
	return true;
}

static void
lines_close(struct lines *lines)
{
	fclose(lines->file);
	free(lines->line);
}

static bool
is_from(const struct lines *lines)
{
	return lines->was_blank && lines->length > 5 &&
	       memcmp(lines->line, "From ", 5) == 0;
}

/* "From sender Sat Nov 28 10:00:00 2026"; 0 for any other form. */
static int64_t
time_of(const char *line)
{
	const char *at = strchr(line + 5, ' ');
	struct tm tm = {.tm_isdst = -1};

	if (at == NULL || strptime(at, " %a %b %d %H:%M:%S %Y", &tm) == NULL)
		return 0;
	return mktime(&tm);
}

static bool
tell(const char *from_line, int64_t start, int64_t end, folder_each_fn *each,
    void *ctx)
{
	char name[24];

	snprintf(name, sizeof name, "%lld", (long long)start);
	return each(ctx, &(struct place){.name = name,
	                     .time = time_of(from_line),
	                     .size = end - start,
	                     .from_line = from_line});
}

bool
mbox_each(const struct folder *folder, folder_each_fn *each, void *ctx,
    struct error *error)
{
	struct lines lines;
	char *from_line = NULL;
	int64_t start = -1;
	bool go_on = true;

	if (!lines_open(&lines, folder->fd)) {
		error_set_errno(error, "%s", folder->path);
		return false;
	}
	while (go_on && lines_next(&lines)) {
		if (!is_from(&lines))
			continue;
		if (start >= 0)
			go_on = tell(from_line, start, lines.offset - lines.length,
			    each, ctx);
		free(from_line);
		from_line = strdup(lines.line);
		start = from_line == NULL ? -1 : lines.offset;
	}
	if (go_on && start >= 0)
		tell(from_line, start, lines.offset, each, ctx);
	bool ok = !ferror(lines.file);
	if (!ok)
		error_set_errno(error, "%s", folder->path);
	free(from_line);
	lines_close(&lines);
	return ok;
}
