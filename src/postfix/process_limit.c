/* SPDX-License-Identifier: BSD-2-Clause */
#include "postfix/process_limit.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define PATH_SIZE      4096
#define VALUE_SIZE     256
#define DEFAULT_LIMIT  100
#define REFERENCES_MAX 8

/*
 * The next logical line: comments and blank lines left out, lines that start
 * with a blank joined to the one before. false at the end.
 */
struct reader {
	FILE *file;
	char *line, *ahead;
	size_t line_size, ahead_size;
	bool has_ahead;
};

static bool
read_physical(struct reader *reader)
{
	while (getline(&reader->ahead, &reader->ahead_size, reader->file) >= 0) {
		const char *start =
		    reader->ahead + strspn(reader->ahead, " \t\r\n");
		if (*start != '\0' && *start != '#')
			return true;
	}
	return false;
}

static bool
append(struct reader *reader)
{
	size_t used = strlen(reader->line), more = strlen(reader->ahead);

	if (used + more + 1 > reader->line_size) {
		char *larger = realloc(reader->line, used + more + 1);
		if (larger == NULL)
			return false;
		reader->line = larger;
		reader->line_size = used + more + 1;
	}
	memcpy(reader->line + used, reader->ahead, more + 1);
	return true;
}

static bool
read_logical(struct reader *reader)
{
	if (!reader->has_ahead && !read_physical(reader))
		return false;
	if (reader->line == NULL) {
		reader->line = calloc(1, VALUE_SIZE);
		reader->line_size = VALUE_SIZE;
		if (reader->line == NULL)
			return false;
	}
	*reader->line = '\0';
	do {
		if (!append(reader))
			return false;
		reader->has_ahead = read_physical(reader);
	} while (reader->has_ahead && strchr(" \t", *reader->ahead) != NULL);
	return true;
}

static bool
open_reader(struct reader *reader, const char *folder, const char *name)
{
	char path[PATH_SIZE];

	*reader = (struct reader){.file = NULL};
	snprintf(path, sizeof path, "%s/%s", folder, name);
	reader->file = fopen(path, "re");
	return reader->file != NULL;
}

static void
close_reader(struct reader *reader)
{
	fclose(reader->file);
	free(reader->line);
	free(reader->ahead);
}

/* The last value of a parameter of main.cf; false when it is not there. */
static bool
read_parameter(
    const char *folder, const char *name, char value_r[static VALUE_SIZE])
{
	struct reader reader;
	bool found = false;

	if (!open_reader(&reader, folder, "main.cf"))
		return false;
	while (read_logical(&reader)) {
		char *equals = strchr(reader.line, '=');
		if (equals == NULL)
			continue;
		*equals = '\0';
		if (strcmp(text_trim(reader.line), name) == 0)
			found =
			    text_copy(value_r, VALUE_SIZE, text_trim(equals + 1));
	}
	close_reader(&reader);
	return found;
}

static int
read_number(const char *text)
{
	int64_t number;

	if (!text_integer(text, 0, POSTFIX_UNLIMITED, &number))
		return -1;
	return number == 0 ? POSTFIX_UNLIMITED : (int)number;
}

/* Follows "$name", "${name}" and "$(name)" until a number is there. */
static int
resolve(const char *folder, const char *text)
{
	char value[VALUE_SIZE], name[VALUE_SIZE];

	text_copy(value, sizeof value, text);
	for (int i = 0; i < REFERENCES_MAX && value[0] == '$'; i++) {
		const char *start =
		    value + 1 + (value[1] == '{' || value[1] == '(');
		text_copy(name, sizeof name, start);
		name[strcspn(name, "})")] = '\0';
		if (!read_parameter(folder, name, value)) {
			if (strcmp(name, "default_process_limit") != 0)
				return -1;
			return DEFAULT_LIMIT;
		}
	}
	return read_number(value);
}

/* Columns of master.cf */
enum { SERVICE, TYPE, PRIVATE, UNPRIV, CHROOT, WAKEUP, MAXPROC, COMMAND, COLUMNS };

static bool
split(char *line, char *columns_r[static COLUMNS])
{
	char *rest = NULL;

	for (int i = 0; i < COLUMNS; i++) {
		columns_r[i] = strtok_r(i == 0 ? line : NULL, " \t\r\n", &rest);
		if (columns_r[i] == NULL)
			return false;
	}
	return true;
}

static bool
takes_mail_from_outside(char *const columns[static COLUMNS])
{
	const char *colon = strrchr(columns[SERVICE], ':');
	const char *port = colon == NULL ? columns[SERVICE] : colon + 1;

	if (strcmp(columns[COMMAND], "smtpd") != 0)
		return false;
	if (strcmp(columns[TYPE], "inet") == 0)
		return strcmp(port, "smtp") == 0 || strcmp(port, "25") == 0;
	return strcmp(columns[TYPE], "pass") == 0 &&
	       strcmp(columns[SERVICE], "smtpd") == 0;
}

int
postfix_process_limit(const char *folder)
{
	struct reader reader;
	char maxproc[VALUE_SIZE] = "";
	char *columns[COLUMNS];

	if (!open_reader(&reader, folder, "master.cf"))
		return -1;
	while (*maxproc == '\0' && read_logical(&reader)) {
		if (split(reader.line, columns) && takes_mail_from_outside(columns))
			text_copy(maxproc, sizeof maxproc, columns[MAXPROC]);
	}
	close_reader(&reader);
	if (*maxproc == '\0')
		return -1;
	return resolve(
	    folder, strcmp(maxproc, "-") == 0 ? "$default_process_limit" : maxproc);
}
