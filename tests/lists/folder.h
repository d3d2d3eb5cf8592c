/* SPDX-License-Identifier: BSD-2-Clause */
/* A scratch folder for one test program. */
#ifndef TESTS_LISTS_FOLDER_H
#define TESTS_LISTS_FOLDER_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/targrey-lists-XXXXXX";

static int
folder_setup(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

/* Path of a file in the folder, in one of four buffers taken in turn. */
static inline const char *
folder_path(const char *name)
{
	static char paths[4][300];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

static inline void
folder_write(const char *name, const char *text)
{
	FILE *file = fopen(folder_path(name), "w");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

static inline int
folder_empty(void **state)
{
	(void)state;
	DIR *dir = opendir(folder);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] != '.')
			unlink(folder_path(entry->d_name));
	}
	return closedir(dir);
}

/* wanted: the whole text, or its beginning and a star. */
#define assert_said(got, wanted) folder_said((got), (wanted), __FILE__, __LINE__)

static inline void
folder_said(const char *got, const char *wanted, const char *file, int line)
{
	size_t length = strlen(wanted);
	bool is_open = wanted[length - 1] == '*';

	if (is_open ? strncmp(got, wanted, length - 1) != 0
	            : strcmp(got, wanted) != 0) {
		print_error("wanted %s, got %s\n", wanted, got);
		_fail(file, line);
	}
}

static int
folder_teardown(void **state)
{
	folder_empty(state);
	return rmdir(folder);
}

#endif
