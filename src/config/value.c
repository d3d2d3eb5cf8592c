/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of the keys: text to field and back. */
#include "config/config_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void
string_list_clear(struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct string_list){NULL, 0};
}

static bool
string_list_add(struct string_list *list, const char *item)
{
	char **more = realloc(list->items, (list->count + 2) * sizeof *more);
	if (more == NULL)
		return false;
	list->items = more;
	list->items[list->count] = text_dup(item);
	if (list->items[list->count] == NULL)
		return false;
	list->items[++list->count] = NULL;
	return true;
}

void *
key_field(const struct key *key, struct config *config)
{
	return (char *)config + key->offset;
}

const void *
key_value(const struct key *key, const struct config *config)
{
	return (const char *)config + key->offset;
}

static void
join_words(const struct key *key, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < key->words_count && used < size; i++) {
		int length = snprintf(buf + used, size - used, "%s%s",
		    i == 0 ? "" : ", ", key->words[i]);
		used += (size_t)length;
	}
}

const char *
key_allowed(const struct key *key, char buf[static KEY_ALLOWED_SIZE])
{
	char low[24], high[24];

	if (key->allowed != NULL) {
		snprintf(buf, KEY_ALLOWED_SIZE, "%s", key->allowed);
		return buf;
	}
	switch (key->type) {
	case KEY_FLAG:
		snprintf(buf, KEY_ALLOWED_SIZE, "yes, no");
		break;
	case KEY_DURATION:
		snprintf(buf, KEY_ALLOWED_SIZE, "%s to %s",
		    text_from_duration(key->min, low),
		    text_from_duration(key->max, high));
		break;
	case KEY_NUMBER:
		snprintf(buf, KEY_ALLOWED_SIZE, "%" PRId64 " to %" PRId64, key->min,
		    key->max);
		break;
	case KEY_OCTAL:
		snprintf(buf, KEY_ALLOWED_SIZE, "%04" PRIo64 " to %04" PRIo64,
		    (uint64_t)key->min, (uint64_t)key->max);
		break;
	case KEY_WORD:
	case KEY_TEXT:
	case KEY_LIST:
		join_words(key, buf, KEY_ALLOWED_SIZE);
		break;
	}
	return buf;
}

static bool
find_word(const struct key *key, const char *text, size_t *index_r)
{
	for (size_t i = 0; i < key->words_count; i++) {
		if (strcmp(key->words[i], text) == 0) {
			*index_r = i;
			return true;
		}
	}
	return false;
}

static bool
parse_flag(const char *text, bool *flag_r)
{
	static const char *const words[2][3] = {
	    {"no", "off", "false"}, {"yes", "on", "true"}};

	for (size_t i = 0; i < 6; i++) {
		if (strcmp(words[i / 3][i % 3], text) == 0) {
			*flag_r = i >= 3;
			return true;
		}
	}
	return false;
}

static bool
parse_octal(const char *text, int64_t *value_r)
{
	size_t length = strlen(text);

	if (length == 0 || length > 5 || strspn(text, "01234567") != length)
		return false;
	*value_r = strtol(text, NULL, 8);
	return true;
}

/* The error text for each failure of parse_scalar(). */
static const char *const not_a[] = {
    [KEY_WORD] = "is not one of the words",
    [KEY_FLAG] = "is neither yes nor no",
    [KEY_DURATION] = "is not a whole number with the unit s, m, h, d or w",
    [KEY_NUMBER] = "is not a whole number",
    [KEY_OCTAL] = "is not an octal number",
    [KEY_TEXT] = "is not one of the words",
    [KEY_LIST] = "is wrong",
};

static const char *
parse_scalar(const struct key *key, const char *text, int64_t *value_r)
{
	bool ok = true, flag = false;
	size_t word = 0;

	switch (key->type) {
	case KEY_WORD:
		ok = find_word(key, text, &word);
		*value_r = (int64_t)word;
		return ok ? NULL : not_a[key->type];
	case KEY_FLAG:
		ok = parse_flag(text, &flag);
		*value_r = flag;
		return ok ? NULL : not_a[key->type];
	case KEY_DURATION:
		ok = text_duration(text, value_r);
		break;
	case KEY_NUMBER:
		ok = text_integer(text, INT64_MIN / 2, INT64_MAX / 2, value_r);
		break;
	case KEY_OCTAL:
		ok = parse_octal(text, value_r);
		break;
	case KEY_TEXT:
	case KEY_LIST:
		return not_a[key->type];
	}
	if (!ok)
		return not_a[key->type];
	return *value_r < key->min || *value_r > key->max ? "is out of range"
	                                                  : NULL;
}

static void
store_scalar(const struct key *key, struct config *config, int64_t value)
{
	void *field = key_field(key, config);
	uint8_t octet = (uint8_t)value;
	uint32_t word = (uint32_t)value;

	if (key->size == sizeof octet)
		memcpy(field, &octet, sizeof octet);
	else if (key->size == sizeof word)
		memcpy(field, &word, sizeof word);
	else
		memcpy(field, &value, sizeof value);
}

static bool
store_text(const struct key *key, struct config *config, const char *text)
{
	if (key->type == KEY_LIST)
		return string_list_add(key_field(key, config), text);

	char **field = key_field(key, config);
	char *copy = text_dup(text);
	if (copy == NULL)
		return false;
	free(*field);
	*field = copy;
	return true;
}

static bool
text_is_clean(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~')
			return false;
	}
	return true;
}

bool
key_store(const struct key *key, struct config *config, const char *text,
    struct error *error)
{
	char allowed[KEY_ALLOWED_SIZE];
	struct error why = {""};
	int64_t value = 0;
	size_t word;
	bool is_text = key->type == KEY_TEXT || key->type == KEY_LIST;

	if (!text_is_clean(text)) {
		error_set(&why, "contains a character other than printable ASCII");
	} else if (strlen(text) > KEY_TEXT_SIZE / 2) {
		error_set(&why, "is longer than %d characters", KEY_TEXT_SIZE / 2);
	} else if (!is_text) {
		const char *wrong = parse_scalar(key, text, &value);
		if (wrong != NULL)
			error_set(&why, "\"%s\" %s", text, wrong);
	} else if (key->words != NULL && !find_word(key, text, &word)) {
		error_set(&why, "\"%s\" %s", text, not_a[key->type]);
	} else if (key->check != NULL && !key->check(text, &why)) {
		if (!key->may_hold_a_secret)
			error_prefix(&why, "\"%.60s\"", text);
	}
	if (*why.text != '\0') {
		error_set(error, "%.220s; allowed: %s", why.text,
		    key_allowed(key, allowed));
		return false;
	}

	if (!is_text) {
		store_scalar(key, config, value);
		return true;
	}
	if (!store_text(key, config, text)) {
		error_set(error, "out of memory");
		return false;
	}
	return true;
}

static int64_t
load_scalar(const struct key *key, const struct config *config)
{
	const void *field = key_value(key, config);
	uint8_t octet;
	int32_t word;
	int64_t value;

	if (key->size == sizeof octet) {
		memcpy(&octet, field, sizeof octet);
		return octet;
	}
	if (key->size == sizeof word) {
		memcpy(&word, field, sizeof word);
		return word;
	}
	memcpy(&value, field, sizeof value);
	return value;
}

const char *
key_value_text(const struct key *key, const struct config *config,
    char buf[static KEY_TEXT_SIZE])
{
	char duration[24];

	buf[0] = '\0';
	switch (key->type) {
	case KEY_WORD:
		snprintf(
		    buf, KEY_TEXT_SIZE, "%s", key->words[load_scalar(key, config)]);
		break;
	case KEY_FLAG:
		snprintf(buf, KEY_TEXT_SIZE, "%s",
		    load_scalar(key, config) ? "yes" : "no");
		break;
	case KEY_DURATION:
		snprintf(buf, KEY_TEXT_SIZE, "%s",
		    text_from_duration(load_scalar(key, config), duration));
		break;
	case KEY_NUMBER:
		snprintf(buf, KEY_TEXT_SIZE, "%" PRId64, load_scalar(key, config));
		break;
	case KEY_OCTAL:
		snprintf(buf, KEY_TEXT_SIZE, "%04" PRIo64,
		    (uint64_t)load_scalar(key, config));
		break;
	case KEY_TEXT:
		snprintf(buf, KEY_TEXT_SIZE, "%s",
		    *(char *const *)key_value(key, config));
		break;
	case KEY_LIST:
		break;
	}
	return buf;
}

bool
key_reset(const struct key *key, struct config *config)
{
	if (key->type != KEY_LIST)
		return key_store(key, config, key->initial, NULL);

	string_list_clear(key_field(key, config));
	for (size_t i = 0; key->initials != NULL && key->initials[i] != NULL; i++) {
		if (!string_list_add(key_field(key, config), key->initials[i]))
			return false;
	}
	return true;
}
