/* SPDX-License-Identifier: BSD-2-Clause */
#include "lists/address.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/domain.h"
#include "base/text.h"

/* What follows the quoted string at text; NULL: it is not closed. */
static const char *
quoted_end(const char *text)
{
	for (text++; *text != '\0' && *text != '"'; text++) {
		if (*text == '\\' && *++text == '\0')
			return NULL;
	}
	return *text == '"' ? text + 1 : NULL;
}

/* "@relay,@relay:user@domain" (RFC 5321 4.1.2): what follows the colon. */
static const char *
skip_route(const char *path)
{
	bool in_literal = false;

	if (*path != '@')
		return path;
	for (const char *at = path; *at != '\0'; at++) {
		if (*at == '[')
			in_literal = true;
		else if (*at == ']')
			in_literal = false;
		else if (*at == ':' && !in_literal)
			return at + 1;
		else if (*at == '"')
			break;
	}
	return path;
}

/* dot-string of RFC 5321, and UTF-8 (RFC 6531): needs no quotes */
static bool
is_dot_string(const char *text)
{
	static const char specials[] = "\"(),:;<>@[\\] ";
	bool after_dot = true;

	for (; *text != '\0'; text++) {
		if ((*text == '.' && after_dot) || (unsigned char)*text < 0x20 ||
		    *text == 0x7f || strchr(specials, *text) != NULL)
			return false;
		after_dot = *text == '.';
	}
	return !after_dot;
}

/* Writes the local part, length octets at text, to out; returns its new length. */
static size_t
put_local(char *out, const char *text, size_t length)
{
	size_t used = 0;

	if (length < 2 || text[0] != '"' || quoted_end(text) != text + length) {
		memcpy(out, text, length);
		return length;
	}
	for (size_t i = 1; i < length - 1; i++) {
		if (text[i] == '\\')
			i++;
		out[used++] = text[i];
	}
	out[used] = '\0';
	if (is_dot_string(out))
		return used;
	used = 0;
	out[used++] = '"';
	for (size_t i = 1; i < length - 1; i++) {
		if (text[i] == '\\')
			i++;
		if (text[i] == '"' || text[i] == '\\')
			out[used++] = '\\';
		out[used++] = text[i];
	}
	out[used++] = '"';
	return used;
}

char *
address_at(const char *address)
{
	const char *end = *address == '"' ? quoted_end(address) : NULL;

	if (end != NULL && (*end == '@' || *end == '\0'))
		return *end == '@' ? (char *)(uintptr_t)end : NULL;
	return strrchr(address, '@');
}

char *
address_normalize(const char *path)
{
	size_t length = strlen(path);

	if (length >= 2 && path[0] == '<' && path[length - 1] == '>') {
		path++;
		length -= 2;
	}
	char *copy = strndup(path, length), *kept = NULL;
	char *out = malloc(length + 1 + DOMAIN_SIZE);
	if (copy == NULL || out == NULL)
		goto done;
	const char *text = skip_route(copy), *at = address_at(text);
	size_t local = at == NULL ? strlen(text) : (size_t)(at - text);
	size_t used = put_local(out, text, local);
	out[used] = '\0';
	text_lower(out);
	if (at != NULL) {
		out[used++] = '@';
		/* what DNS cannot hold changes only its case and final dot */
		domain_normalize(
		    out + used, length + 1 + DOMAIN_SIZE - used, at + 1);
	}
	kept = text_dup(out); /* without the room that a longer domain would need */
done:
	free(copy);
	free(out);
	return kept;
}
