/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks each line by itself with the daemon's reader of allow.d. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "admin/import.h"
#include "base/text.h"
#include "lists/list.h"

static bool
is_good(struct import *import, const char *entry, struct error *error)
{
	char path[64], text[4096];
	int file = memfd_create("targreyctl", MFD_CLOEXEC);

	if (file < 0) {
		error_set_errno(error, "memory file");
		return false;
	}
	int length = snprintf(text, sizeof text, "%s: %s\n", import->kind, entry);
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	const char *paths[] = {path};
	struct list *list = NULL;
	if (length > 0 && (size_t)length < sizeof text &&
	    write(file, text, (size_t)length) == length)
		list = list_load(paths, 1, error);
	else
		error_set(error, "the line is too long");
	close(file);
	bool good = list != NULL && list_count(list) == 1;
	list_free(&list);
	return good;
}

bool
import_whitelist_line(struct import *import, char *line)
{
	struct error error = {""};

	line[strcspn(line, "#")] = '\0';
	char *entry = text_trim(line);
	if (*entry == '\0')
		return true;
	if (is_good(import, entry, &error)) {
		import->entries++;
		return true;
	}
	/* drops the reader's "FILE:LINE: " */
	const char *reason = strstr(error.text, ":1: ");
	import_wrong(import, reason != NULL ? reason + 4 : error.text);
	return true;
}
