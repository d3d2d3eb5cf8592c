/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/pgsql/array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* Makes room for this many octets, including the end of the array. */
static bool
make_room(struct array *array, size_t more)
{
	if (array->has_failed)
		return false;
	if (array->used + more <= array->room)
		return true;
	size_t room = array->room == 0 ? 256 : array->room * 2;
	while (room < array->used + more)
		room *= 2;
	char *grown = realloc(array->text, room);
	array->has_failed = grown == NULL;
	if (grown != NULL) {
		array->text = grown;
		array->room = room;
	}
	return grown != NULL;
}

/* Overwrites the "}" at the end, if there is one. */
static void
begin_element(struct array *array)
{
	if (array->used == 0)
		array->text[array->used++] = '{';
	else
		array->text[array->used - 1] = ',';
}

static void
end_element(struct array *array)
{
	array->text[array->used++] = '}';
	array->text[array->used] = '\0';
}

void
array_add_number(struct array *array, int64_t number)
{
	if (!make_room(array, 32))
		return;
	begin_element(array);
	array->used +=
	    (size_t)snprintf(array->text + array->used, 24, "%" PRId64, number);
	end_element(array);
}

/* The length of the UTF-8 character at text; 0 if invalid. RFC 3629 4 */
static size_t
character(const unsigned char *text)
{
	size_t length = text[0] < 0x80                      ? 1
	                : text[0] >= 0xc2 && text[0] < 0xe0 ? 2
	                : text[0] >= 0xe0 && text[0] < 0xf0 ? 3
	                : text[0] >= 0xf0 && text[0] < 0xf5 ? 4
	                                                    : 0;

	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	bool is_odd = (text[0] == 0xe0 && text[1] < 0xa0) ||
	              (text[0] == 0xed && text[1] > 0x9f) ||
	              (text[0] == 0xf0 && text[1] < 0x90) ||
	              (text[0] == 0xf4 && text[1] > 0x8f);
	return length > 2 && is_odd ? 0 : length;
}

static size_t
copy_character(char *to, const char **text)
{
	size_t length = character((const unsigned char *)*text);

	if (length == 0) {
		memcpy(to, REPLACEMENT, 3);
		(*text)++;
		return 3;
	}
	memcpy(to, *text, length);
	*text += length;
	return length;
}

void
array_add_text(struct array *array, const char *text)
{
	if (!make_room(array, 3 * strlen(text) + 8))
		return;
	begin_element(array);
	array->text[array->used++] = '"';
	while (*text != '\0') {
		if (*text == '"' || *text == '\\')
			array->text[array->used++] = '\\';
		array->used += copy_character(array->text + array->used, &text);
	}
	array->text[array->used++] = '"';
	end_element(array);
}

const char *
array_text(const struct array *array)
{
	return array->used == 0 ? "{}" : array->text;
}

void
array_clear(struct array *array)
{
	free(array->text);
	*array = (struct array){0};
}

char *
utf8_copy(const char *text)
{
	char *copy = malloc(3 * strlen(text) + 1);
	size_t used = 0;

	if (copy == NULL)
		return NULL;
	while (*text != '\0')
		used += copy_character(copy + used, &text);
	copy[used] = '\0';
	return copy;
}
