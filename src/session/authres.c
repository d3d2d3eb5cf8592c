/* SPDX-License-Identifier: BSD-2-Clause */
/* Incoming Authentication-Results that speak in our name (RFC 8601 5). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "session/session_private.h"

#define NAME "Authentication-Results"

/* Behind blanks and comments, which nest (RFC 5322 3.2.2). */
static const char *
skip_comments(const char *text)
{
	unsigned depth = 0;

	for (; *text != '\0'; text++) {
		if (*text == '(')
			depth++;
		else if (*text == ')' && depth > 0)
			depth--;
		else if (*text == '\\' && depth > 0 && text[1] != '\0')
			text++;
		else if (depth == 0 && strchr(" \t\r\n", *text) == NULL)
			break;
	}
	return text;
}

/* Does the rest of the value go on as the id does? */
static bool
begins_with(const char *text, const char *id, const char *ends)
{
	for (; *id != '\0'; text++, id++) {
		if (*text == '\\' && *ends == '"')
			text++;
		if (strncasecmp(text, id, 1) != 0)
			return false;
	}
	return *text == '\0' || strchr(ends, *text) != NULL;
}

bool
authres_bears(const char *value, const char *id)
{
	const char *text = skip_comments(value);

	if (*text == '"')
		return begins_with(text + 1, id, "\"");
	return begins_with(text, id, " \t\r\n;(/");
}

bool
authres_note(
    struct transaction *mail, const char *name, const char *value, const char *id)
{
	if (strncasecmp(name, NAME, strlen(NAME)) != 0 ||
	    name[strlen(NAME) + strspn(name + strlen(NAME), " \t")] != '\0')
		return false;
	mail->authres_seen++;
	if (!authres_bears(value, id))
		return true;
	if (mail->authres_count > MAX_FORGED)
		return true;
	void *grown = realloc(mail->authres_ours,
	    (mail->authres_count + 1) * sizeof *mail->authres_ours);
	if (grown == NULL)
		return true;
	mail->authres_ours = grown;
	mail->authres_ours[mail->authres_count++] = mail->authres_seen;
	return true;
}

void
authres_remove(const struct transaction *mail, const struct session_edits *edits)
{
	for (size_t i = mail->authres_count; i > 0; i--)
		edits->remove(edits->ctx, NAME, mail->authres_ours[i - 1]);
}
