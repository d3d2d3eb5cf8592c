/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/fold.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "base/text.h"
#include "lists/address.h"

/*
 * Copies; a text that is too long is cut and ends in a hash that keeps it unique.
 */
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

/*
 * How much text looks like a BATV tag: a digit for the key, three for the day, six
 * hexadecimal ones of a hash; other vendors' tags look alike.
 */
static int
tag_likeness(const char *text, size_t length)
{
	size_t hex = strspn(text, "0123456789abcdef");
	size_t digits = 0;

	for (size_t i = 0; i < length; i++) {
		if (!is_word(text[i]) || text[i] == '_')
			return 0;
		digits += is_digit(text[i]);
	}
	if (length == 10 && hex >= length && strspn(text, "0123456789") >= 4)
		return 3;
	if (length >= 8 && length <= 12 && hex >= length && digits > 0)
		return 2;
	return length >= 8 && digits > 0;
}

static void
keep(char *local, const char *from, size_t length)
{
	memmove(local, from, length);
	local[length] = '\0';
}

/*
 * "prvs=TAG=user", seen as "prvs=user=TAG" and "prvs=user/TAG" too. user may
 * hold "=" of its own (SRS, VERP); then only a clear tag is taken for one.
 */
static bool
drop_prvs(char *local)
{
	if (strncmp(local, "prvs=", 5) != 0)
		return false;
	char *text = local + 5, *first = strchr(text, '='),
	     *last = strrchr(text, '='), *slash = strrchr(text, '/');
	if (slash != NULL && slash > text && strchr(slash, '=') == NULL &&
	    tag_likeness(slash + 1, strlen(slash + 1)) > 0) {
		keep(local, text, (size_t)(slash - text));
		return true;
	}
	if (first == NULL || first == text || last[1] == '\0')
		return false;
	int front = tag_likeness(text, (size_t)(first - text));
	int back = tag_likeness(last + 1, strlen(last + 1));
	if (first != last && front == 0 && back == 0)
		return false;
	if (back > front)
		keep(local, text, (size_t)(last - text));
	else
		keep(local, first + 1, strlen(first + 1));
	return true;
}

/* "WORD=TAG=user": the part before the user is new for each message. */
static bool
drop_tagged(char *local, const char *word, const char *separator)
{
	size_t length = strlen(word);

	if (strncmp(local, word, length) != 0)
		return false;
	char *end = strstr(local + length, separator);
	if (end == NULL || end == local + length || end[strlen(separator)] == '\0')
		return false;
	end += strlen(separator);
	keep(local, end, strlen(end));
	return true;
}

/* Removes the tags that a sender's own system put in front, one around another. */
static void
drop_tags(char *local)
{
	while (drop_prvs(local) || drop_tagged(local, "msprvs1=", "=") ||
	       drop_tagged(local, "btv1==", "=="))
		continue;
}

/* The user at the end of an SRS address, folded like any other's. */
static void
fold_inner(char *user)
{
	drop_tags(user);
	user[strcspn(user, "+")] = '\0';
}

/*
 * "srs0=HASH=STAMP=domain=user" -> "srs0=#=#=domain=user", and
 * "srs1=HASH=host==HASH=STAMP=domain=user" -> "srs1=#=host==#=#=domain=user".
 * The separator after the first word may be + or - as well.
 */
static bool
drop_srs(char *local)
{
	bool deep = strncmp(local, "srs1", 4) == 0;
	char out[FOLD_SIZE];

	if ((!deep && strncmp(local, "srs0", 4) != 0) || local[4] == '\0' ||
	    strchr("=+-", local[4]) == NULL)
		return false;
	char *rest = strchr(local + 5, '='), *stamp_end;
	if (deep) {
		char *inner = rest == NULL ? NULL : strstr(rest, "==");
		char *end = inner == NULL ? NULL : strchr(inner + 2, '=');
		stamp_end = end == NULL ? NULL : strchr(end + 1, '=');
		if (stamp_end == NULL)
			return false;
		snprintf(out, sizeof out, "srs1=#%.*s==#=#%s", (int)(inner - rest),
		    rest, stamp_end);
	} else {
		stamp_end = rest == NULL ? NULL : strchr(rest + 1, '=');
		if (stamp_end == NULL)
			return false;
		snprintf(out, sizeof out, "srs0=#=#%s", stamp_end);
	}
	char *user = strchr(stamp_end + 1, '=');
	if (user != NULL)
		fold_inner(out + strlen(out) - strlen(user) + 1);
	/* never longer: each "#" stands for one character at least */
	if (strlen(out) <= strlen(local))
		memcpy(local, out, strlen(out) + 1);
	return true;
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

/*
 * Puts the one form of address into buf; false when it is too long (then it is
 * cut and ends in a hash of the whole) or out of memory.
 */
static bool
put_normalized(char buf[static FOLD_SIZE], const char *address)
{
	char *clean = address_normalize(address);
	bool fits = clean != NULL && strlen(clean) < FOLD_SIZE;

	copy_long(buf, clean == NULL ? address : clean);
	if (clean == NULL)
		text_lower(buf);
	free(clean);
	return fits;
}

const char *
sender_fold(const char *sender, char buf[static FOLD_SIZE])
{
	char local[FOLD_SIZE];

	if (!put_normalized(buf, sender))
		return buf;
	const char *domain = address_at(buf);
	if (domain == NULL)
		return buf;
	size_t length = (size_t)(domain - buf);
	memcpy(local, buf, length);
	local[length] = '\0';
	drop_tags(local);
	if (!drop_srs(local))
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
	put_normalized(buf, recipient);
	return buf;
}
