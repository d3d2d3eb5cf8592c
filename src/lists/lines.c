/* SPDX-License-Identifier: BSD-2-Clause */
#include "lists/lines.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

#define LINE_MAX_LENGTH 4096

struct reading {
	struct line_files *files;
	bool (*each)(void *, const char *, unsigned, char *, struct error *);
	void *ctx;
	struct error *error;
};

static bool
is_leftover(const char *path)
{
	static const char *const patterns[] = {"*~", "*.bak", "*.orig", "*.rej",
	    "*.swp", "*.dpkg-*", "*.rpm*", "*.ucf-*"};
	const char *slash = strrchr(path, '/'),
	           *base = slash == NULL ? path : slash + 1;

	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		if (fnmatch(patterns[i], base, 0) == 0)
			return true;
	}
	return false;
}

static const char *
keep_path(struct line_files *files, const char *path)
{
	char **more = realloc(files->paths, (files->count + 1) * sizeof *more);
	if (more == NULL)
		return NULL;
	files->paths = more;
	files->paths[files->count] = text_dup(path);
	return files->paths[files->count] == NULL ? NULL
	                                          : files->paths[files->count++];
}

static bool
read_lines(struct reading *reading, FILE *file, const char *path)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	unsigned number = 0;
	bool ok = true;

	while (ok && (length = getline(&line, &size, file)) >= 0) {
		number++;
		if (memchr(line, '\0', (size_t)length) != NULL) {
			error_set(reading->error, "contains a NUL octet");
			ok = false;
		} else if (length > LINE_MAX_LENGTH) {
			error_set(reading->error, "longer than %d octets",
			    LINE_MAX_LENGTH);
			ok = false;
		} else {
			char *text = text_trim(line);
			if (*text == '\0' || *text == '#')
				continue;
			ok = reading->each(
			    reading->ctx, path, number, text, reading->error);
		}
		if (!ok)
			error_prefix(reading->error, "%s:%u", path, number);
	}
	if (ok && ferror(file)) {
		error_set_errno(reading->error, "%s", path);
		ok = false;
	}
	free(line);
	return ok;
}

static bool
read_file(struct reading *reading, const char *path)
{
	const char *kept = keep_path(reading->files, path);
	struct stat status;

	if (kept == NULL) {
		error_set(reading->error, "out of memory");
		return false;
	}
	FILE *file = fopen(kept, "re");
	if (file == NULL) {
		error_set_errno(reading->error, "%s", kept);
		return false;
	}
	bool ok = false;
	if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode))
		error_set(reading->error,
		    "%s: is a directory; for the files in it write %s/*", kept,
		    kept);
	else
		ok = read_lines(reading, file, kept);
	fclose(file);
	return ok;
}

static bool
read_pattern(struct reading *reading, const char *pattern)
{
	glob_t found;
	bool ok = true;

	if (strpbrk(pattern, "*?[") == NULL)
		return read_file(reading, pattern);
	int result = glob(pattern, 0, NULL, &found);
	if (result == GLOB_NOMATCH)
		return true;
	if (result != 0) {
		error_set(reading->error, "%s: %s", pattern,
		    result == GLOB_NOSPACE ? "out of memory" : "cannot be read");
		return false;
	}
	for (size_t i = 0; ok && i < found.gl_pathc; i++) {
		if (!is_leftover(found.gl_pathv[i]))
			ok = read_file(reading, found.gl_pathv[i]);
	}
	globfree(&found);
	return ok;
}

bool
lines_read(const char *const *patterns, size_t count, struct line_files *files_r,
    bool (*each)(void *ctx, const char *path, unsigned line, char *text,
        struct error *error),
    void *ctx, struct error *error)
{
	struct reading reading = {files_r, each, ctx, error};

	*files_r = (struct line_files){NULL, 0};
	for (size_t i = 0; i < count; i++) {
		if (!read_pattern(&reading, patterns[i]))
			return false;
	}
	return true;
}

void
line_files_clear(struct line_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->paths[i]);
	free(files->paths);
	*files = (struct line_files){NULL, 0};
}
