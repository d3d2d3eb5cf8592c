/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libmilter need not hear: it reads each frame with five system calls, and
 * a message has dozens of header fields.
 */
#include <string.h>
#include <strings.h>

#include "gate/internal.h"

/* HEADER: name NUL value NUL. */
static bool
is_unread(const struct gate *gate, const char *data, size_t len)
{
	if (gate->headers == NULL)
		return false;
	for (const char *const *name = gate->headers; *name != NULL; name++) {
		size_t size = strlen(*name);
		if (size <= len && strncasecmp(data, *name, size) == 0)
			return false;
	}
	return true;
}

bool
lean_drops(const struct gate *gate, const struct conn *conn, char cmd,
    const char *data, size_t len)
{
	switch (cmd) {
	case 'A':
		/* Outside a transaction libmilter ignores it, but goes back to
		 * HELO. */
		return !conn->in_mail;
	case 'D':
		/* libmilter knows macros of these commands only, and ignores an
		 * empty set: it does not take older ones away. */
		return len == 0 ||
		       (*data != 'C' &&
		           (len == 1 || memchr("HMRTNE", *data, 6) == NULL));
	case 'L':
		return is_unread(gate, data, len);
	default:
		return false;
	}
}
