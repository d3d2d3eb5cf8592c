/* SPDX-License-Identifier: BSD-2-Clause */
#include "review/session_words.h"

#include <stdio.h>
#include <string.h>

static const char value_octets[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789._:-+/[],%";

/* Reads one "key=value" at *at and moves *at past it and its "; ". */
static bool
take_pair(const char **at, const char **key_r, size_t *key_length_r,
    const char **value_r, size_t *length_r)
{
	*key_r = *at;
	*key_length_r = strspn(*at, "abcdefghijklmnopqrstuvwxyz0123456789_");
	if (*key_length_r == 0 || (*at)[*key_length_r] != '=')
		return false;
	*value_r = *at + *key_length_r + 1;
	*length_r = strspn(*value_r, value_octets);
	*at = *value_r + *length_r;
	if (*length_r == 0 || *length_r >= SESSION_VALUE_SIZE)
		return false;
	if (strncmp(*at, "; ", 2) == 0)
		*at += 2;
	else if (**at != '\0')
		return false;
	return true;
}

static void
keep(struct session_words *words, const char *key, size_t key_length,
    const char *value, size_t length)
{
	for (size_t i = 0; i < SESSION_KEYS; i++) {
		if (strlen(session_keys[i].name) != key_length ||
		    memcmp(session_keys[i].name, key, key_length) != 0)
			continue;
		memcpy(words->value[i], value, length);
		words->value[i][length] = '\0';
	}
}

bool
session_words_read(const char *text, struct session_words *words_r)
{
	const char *key, *value;
	size_t key_length, length;

	memset(words_r, 0, sizeof *words_r);
	if (strncmp(text, "v=1; ", 5) != 0)
		return false;
	for (const char *at = text; *at != '\0';) {
		if (!take_pair(&at, &key, &key_length, &value, &length)) {
			memset(words_r, 0, sizeof *words_r);
			return false;
		}
		keep(words_r, key, key_length, value, length);
	}
	return true;
}

static int
hex(char digit)
{
	return digit >= '0' && digit <= '9'   ? digit - '0'
	       : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
	                                      : -1;
}

bool
client_value(const char *text, const char *wanted, char *buf, size_t size)
{
	const char *key, *value;
	size_t key_length, length, used = 0;

	for (const char *at = text; *at != '\0';) {
		if (!take_pair(&at, &key, &key_length, &value, &length))
			return false;
		if (strlen(wanted) != key_length ||
		    memcmp(wanted, key, key_length) != 0)
			continue;
		for (size_t i = 0; i < length && used + 1 < size; i++) {
			int high = value[i] == '%' && i + 2 < length
			               ? hex(value[i + 1])
			               : -1;
			int low = high < 0 ? -1 : hex(value[i + 2]);
			if (low >= 0)
				i += 2;
			buf[used++] = low >= 0 ? (char)(high * 16 + low) : value[i];
		}
		buf[used] = '\0';
		return true;
	}
	return false;
}
