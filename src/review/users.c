/* SPDX-License-Identifier: BSD-2-Clause */
#include "review/users.h"

#include <glib.h>
#include <string.h>

bool
is_user(const char *name)
{
	static const char octets[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                             "abcdefghijklmnopqrstuvwxyz0123456789._@+-";

	return *name != '\0' && *name != '.' && strlen(name) < 100 &&
	       strspn(name, octets) == strlen(name);
}

const char *
user_path(const struct review *review, const char *path)
{
	GString *text;

	if (strstr(path, "%u") == NULL)
		return path;
	if (!is_user(review->who))
		return "";
	text = g_string_new(path);
	g_string_replace(text, "%u", review->who, 0);
	/* interned: at most one string for each user */
	const char *kept = g_intern_string(text->str);
	g_string_free(text, TRUE);
	return kept;
}
