/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of db_dump: a header up to HEADER=END, then keys and values in turn,
 * one blank in front of each, in hex (format=bytevalue) or with \HH for what
 * cannot be printed (format=print), up to DATA=END.
 *
 * postgrey.db:		NETWORK/SENDER/RECIPIENT -> FIRST,LAST[,HOST OCTET]
 * postgrey_clients.db: ADDRESS			 -> COUNT,LAST
 */
#include <stdlib.h>
#include <string.h>

#include "admin/import.h"

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

/* Decodes in place; false when it is malformed or holds a NUL. */
static bool
decode(const struct import *import, char *text)
{
	char *to = text;

	while (*text != '\0') {
		bool is_code = import->is_hex || *text == '\\';
		if (!is_code || (!import->is_hex && text[1] == '\\')) {
			text += is_code;
			*to++ = *text++;
			continue;
		}
		text += !import->is_hex;
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0 || high * 16 + low == 0)
			return false;
		*to++ = (char)(high * 16 + low);
		text += 2;
	}
	*to = '\0';
	return true;
}

static bool
two_numbers(const char *value, int64_t *first_r, int64_t *second_r)
{
	char *end;

	*first_r = strtoll(value, &end, 10);
	if (end == value || *end != ',')
		return false;
	value = end + 1;
	*second_r = strtoll(value, &end, 10);
	return end != value && (*end == '\0' || *end == ',');
}

/* "192.0.2.0/24/..." or "192.0.2.1/..."; *rest_r: after the slash */
static bool
take_network(char *key, struct ip *ip_r, char **rest_r)
{
	char *slash = strchr(key, '/');

	if (slash == NULL)
		return false;
	*slash = '\0';
	char *rest = slash + 1;
	size_t digits = strspn(rest, "0123456789");
	if (digits > 0 && digits <= 3 && rest[digits] == '/')
		rest += digits + 1;
	*rest_r = rest;
	return ip_from_text(key, ip_r);
}

static bool
take_triplet(struct import *import, int64_t first, int64_t last)
{
	struct ip ip;
	char *sender;

	if (!take_network(import->key, &ip, &sender)) {
		import_wrong(import,
		    "the key has no IP address (--lookup-by-host, --privacy)");
		return true;
	}
	/*
	 * An address may contain a slash: the recipient follows the last slash
	 * that still has an "@" after it.
	 */
	char *at = strrchr(sender, '@');
	char *slash = at == NULL ? strrchr(sender, '/') : NULL;
	for (char *c = at; c != NULL && c >= sender && slash == NULL; c--)
		slash = *c == '/' ? c : NULL;
	if (slash == NULL) {
		import_wrong(import, "the key has no sender and recipient");
		return true;
	}
	*slash = '\0';
	return import_triplet(import, &ip, sender, slash + 1, first, last,
	    last - first >= import->delay_s);
}

static bool
take_pair(struct import *import, const char *value)
{
	int64_t one, two;
	struct ip ip;

	if (!two_numbers(value, &one, &two)) {
		import_wrong(import, "the value is not \"number,number\"");
		return true;
	}
	if (strchr(import->key, '/') != NULL)
		return take_triplet(import, one, two);
	if (!ip_from_text(import->key, &ip)) {
		import_wrong(import, "the key is neither a triplet nor an address");
		return true;
	}
	if (one < 0 || one > UINT32_MAX) {
		import_wrong(import, "the count is impossible");
		return true;
	}
	return import_address(import, &ip, (uint32_t)one, two);
}

static bool
read_header(struct import *import, const char *line)
{
	if (strcmp(line, "HEADER=END") == 0)
		import->in_data = true;
	else if (strcmp(line, "format=bytevalue") == 0)
		import->is_hex = true;
	else if (strcmp(line, "format=print") == 0)
		import->is_hex = false;
	else if (import->line == 1 && strncmp(line, "VERSION=", 8) != 0) {
		error_set(import->error,
		    "%s: this is not the text of db_dump; use: db_dump FILE | "
		    "targreyctl "
		    "import postgrey -",
		    import->path);
		return false;
	}
	return true;
}

bool
import_postgrey_line(struct import *import, char *line)
{
	if (!import->in_data)
		return read_header(import, line);
	if (strcmp(line, "DATA=END") == 0) {
		import->in_data = import->has_key = false;
		return true;
	}
	if (*line != ' ') {
		import_wrong(import, "not a key or value of db_dump");
		return true;
	}
	bool good = decode(import, line + 1);
	import->has_key = !import->has_key;
	if (import->has_key) {
		if (!good || strlen(line + 1) >= sizeof import->key)
			import->key[0] = '\0';
		else
			strcpy(import->key, line + 1);
		return true;
	}
	if (!good || import->key[0] == '\0') {
		import_wrong(import, "the key or value cannot be read");
		return true;
	}
	return take_pair(import, line + 1);
}
