/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog/scan_private.h"

#include <stdlib.h>
#include <string.h>

char *
scan_cut(char *at, const char *ends)
{
	at += strcspn(at, ends);
	if (*at == '\0')
		return at;
	*at = '\0';
	return at + 1;
}

char *
scan_after(char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

unsigned
scan_count(const char *text, const char *part)
{
	unsigned count = 0;

	while (count < 2 && (text = strstr(text, part)) != NULL) {
		count++;
		text++;
	}
	return count;
}

/* Postfix's short ids are hexadecimal, its long ones letters and digits. */
size_t
scan_queue_id(const char *text)
{
	size_t length = strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                             "abcdefghijklmnopqrstuvwxyz");

	return length <= 32 ? length : 0;
}

bool
scan_score(const char *text, const char *ends, double *score_r)
{
	size_t length = strspn(text, "+-.0123456789");
	char *end;

	if (length == 0 || length > 20 ||
	    (text[length] != '\0' && strchr(ends, text[length]) == NULL))
		return false;
	*score_r = strtod(text, &end);
	return end == text + length;
}

char *
scan_client(struct log_line *line, char *text)
{
	char *open = text + strcspn(text, "[ ");
	char *close = *open == '[' ? strchr(open, ']') : NULL;

	if (close == NULL || open == text)
		return NULL;
	*open = *close = '\0';
	line->has_ip = ip_from_text(open + 1, &line->ip);
	if (!line->has_ip)
		return NULL;
	line->name = text;
	text = close + 1;
	/* smtpd_client_port_logging */
	if (*text == ':' && text[1] >= '0' && text[1] <= '9')
		text += 1 + strspn(text + 1, "0123456789");
	return text;
}
