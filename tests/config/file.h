/* SPDX-License-Identifier: BSD-2-Clause */
/* A scratch file for one test program. */
#ifndef TESTS_CONFIG_FILE_H
#define TESTS_CONFIG_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char file_path[] = "/tmp/targrey-config-XXXXXX";

static int
file_setup(void **state)
{
	(void)state;
	int fd = mkstemp(file_path);
	return fd < 0 ? -1 : close(fd);
}

static int
file_teardown(void **state)
{
	(void)state;
	return unlink(file_path);
}

static inline void
file_write(const char *text, size_t length)
{
	FILE *file = fopen(file_path, "w");
	if (file == NULL || fwrite(text, 1, length, file) != length ||
	    fclose(file) != 0)
		abort();
}

#endif
