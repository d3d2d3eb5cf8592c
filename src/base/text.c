/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	char unit;
	int64_t seconds;
} units[] = {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

bool
text_copy(char *target, size_t size, const char *source)
{
	size_t length = strlen(source);
	bool fits = length < size;

	if (!fits)
		length = size - 1;
	memcpy(target, source, length);
	target[length] = '\0';
	return fits;
}

bool
text_append(char *target, size_t size, size_t *used, const char *text)
{
	size_t length = strlen(text);

	if (length >= size - *used)
		return false;
	memcpy(target + *used, text, length + 1);
	*used += length;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

char *
text_trim(char *text)
{
	while (is_blank(*text))
		text++;
	size_t length = strlen(text);
	while (length > 0 && is_blank(text[length - 1]))
		text[--length] = '\0';
	return text;
}

void
text_lower(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + 32);
	}
}

bool
text_integer(const char *text, int64_t min, int64_t max, int64_t *value_r)
{
	bool negative = *text == '-';
	const char *digit = text + negative;
	int64_t value = 0;

	if (*digit == '\0')
		return false;
	for (; *digit != '\0'; digit++) {
		if (*digit < '0' || *digit > '9' || value > (INT64_MAX - 9) / 10)
			return false;
		value = value * 10 + (*digit - '0');
	}
	if (negative)
		value = -value;
	if (value < min || value > max)
		return false;
	*value_r = value;
	return true;
}

bool
text_duration(const char *text, int64_t *seconds_r)
{
	char number[16];
	int64_t factor = 1, value;
	size_t length = strlen(text);

	if (length == 0 || length >= sizeof number)
		return false;
	memcpy(number, text, length + 1);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (number[length - 1] == units[i].unit) {
			factor = units[i].seconds;
			number[length - 1] = '\0';
			break;
		}
	}
	if (!text_integer(number, 0, INT32_MAX / factor, &value))
		return false;
	*seconds_r = value * factor;
	return true;
}

const char *
text_from_duration(int64_t seconds, char buf[static 24])
{
	size_t i = 0;

	while (units[i].unit != 's' &&
	       (seconds == 0 || seconds % units[i].seconds != 0))
		i++;
	snprintf(
	    buf, 24, "%" PRId64 "%c", seconds / units[i].seconds, units[i].unit);
	return buf;
}

static bool
is_plain(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("._:-+/[],", c) != NULL);
}

size_t
text_percent(
    char *target, size_t size, size_t limit, const void *source, size_t length)
{
	static const char hex[] = "0123456789ABCDEF";
	const unsigned char *bytes = source;
	size_t used = 0, cut_at = 0;

	assert(limit >= 3 && limit < size);
	(void)size;
	for (size_t i = 0; i < length; i++) {
		size_t need = is_plain(bytes[i]) ? 1 : 3;
		if (used + need > limit) {
			memcpy(target + cut_at, "%7E", 3);
			used = cut_at + 3;
			break;
		}
		if (need == 1) {
			target[used] = (char)bytes[i];
		} else {
			target[used] = '%';
			target[used + 1] = hex[bytes[i] >> 4];
			target[used + 2] = hex[bytes[i] & 15];
		}
		used += need;
		if (used + 3 <= limit)
			cut_at = used;
	}
	target[used] = '\0';
	return used;
}

char *
text_dup(const char *source)
{
	return source == NULL ? NULL : strdup(source);
}
