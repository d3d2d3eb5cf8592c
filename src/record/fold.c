/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/fold.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/siphash.h"
#include "base/text.h"

#define BATV_TAG_LENGTH 10 /* key number, day, first three octets of a hash */

/* Copies; what is too long keeps its end apart by a hash. */
static void
copy_long(char buf[static FOLD_SIZE], const char *text)
{
	static const uint8_t key[SIPHASH_KEY_SIZE] = {0};

	if (text_copy(buf, FOLD_SIZE, text))
		return;
	snprintf(buf + FOLD_SIZE - 18, 18, "~%016" PRIx64,
	    siphash(key, text, strlen(text)));
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || c == '_';
}

static bool
is_batv_tag(const char *text, size_t length)
{
	if (length < BATV_TAG_LENGTH)
		return false;
	for (size_t i = 0; i < BATV_TAG_LENGTH; i++) {
		if (!is_word(text[i]) || text[i] == '_')
			return false;
	}
	return true;
}

/* "prvs=TAG=user", seen as "prvs=user=TAG" too: only user is left. */
static void
drop_batv(char *local)
{
	if (strncmp(local, "prvs=", 5) != 0)
		return;
	char *first = local + 5, *equals = strchr(first, '=');
	if (equals == NULL || strchr(equals + 1, '=') != NULL)
		return;
	char *second = equals + 1;
	bool swapped = is_batv_tag(second, strlen(second)) &&
	               !is_batv_tag(first, (size_t)(equals - first));
	if (swapped) {
		*equals = '\0';
		memmove(local, first, strlen(first) + 1);
	} else {
		memmove(local, second, strlen(second) + 1);
	}
}

/*
 * "srs0=HASH=STAMP=domain=user" -> "srs0=#=#=domain=user", and
 * "srs1=HASH=host==HASH=STAMP=domain=user" -> "srs1=#=host==#=#=domain=user".
 * The separator behind the first word may be + or - as well.
 */
static void
drop_srs(char *local)
{
	bool deep = strncmp(local, "srs1", 4) == 0;
	char out[FOLD_SIZE];

	if ((!deep && strncmp(local, "srs0", 4) != 0) || local[4] == '\0' ||
	    strchr("=+-", local[4]) == NULL)
		return;
	char *hash = local + 5, *rest = strchr(hash, '=');
	if (rest == NULL)
		return;
	if (deep) {
		char *inner = strstr(rest, "==");
		char *end = inner == NULL ? NULL : strchr(inner + 2, '=');
		char *stamp_end = end == NULL ? NULL : strchr(end + 1, '=');
		if (stamp_end == NULL)
			return;
		snprintf(out, sizeof out, "srs1=#%.*s==#=#%s", (int)(inner - rest),
		    rest, stamp_end);
	} else {
		char *stamp_end = strchr(rest + 1, '=');
		if (stamp_end == NULL)
			return;
		snprintf(out, sizeof out, "srs0=#=#%s", stamp_end);
	}
	/* never longer: each "#" stands for one character at least */
	if (strlen(out) <= strlen(local))
		memcpy(local, out, strlen(out) + 1);
}

/* Numbers that stand alone become "#": "bounce-12345-7" -> "bounce-#-#". */
static void
drop_numbers(char *local)
{
	char *out = local, before = '\0';

	for (char *at = local; *at != '\0';) {
		size_t digits = strspn(at, "0123456789");
		if (digits > 0 && !is_word(before) && !is_word(at[digits])) {
			*out++ = '#';
			before = '0';
			at += digits;
		} else {
			before = *at;
			*out++ = *at++;
		}
	}
	*out = '\0';
}

const char *
sender_fold(const char *sender, char buf[static FOLD_SIZE])
{
	char local[FOLD_SIZE];
	const char *domain = strrchr(sender, '@');

	copy_long(buf, sender);
	text_lower(buf);
	if (domain == NULL || strlen(sender) >= FOLD_SIZE)
		return buf;

	size_t length = (size_t)(domain - sender);
	memcpy(local, buf, length);
	local[length] = '\0';
	drop_batv(local);
	if (strncmp(local, "srs0", 4) == 0 || strncmp(local, "srs1", 4) == 0)
		drop_srs(local);
	else
		local[strcspn(local, "+")] = '\0';
	drop_numbers(local);
	/* shorter than before, so the domain, in place, moves to the left */
	size_t kept = strlen(local);
	memmove(buf + kept, buf + length, strlen(buf + length) + 1);
	memcpy(buf, local, kept);
	return buf;
}

const char *
recipient_fold(const char *recipient, char buf[static FOLD_SIZE])
{
	copy_long(buf, recipient);
	text_lower(buf);
	return buf;
}
