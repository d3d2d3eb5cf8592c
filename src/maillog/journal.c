/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog/journal.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

static const char *
field(const struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

/* The journal writes a text that is not UTF-8 as an array of its octets. */
static char *
message_text(const struct json_object *object, size_t reserve)
{
	struct json_object *value;
	char *text;

	if (!json_object_object_get_ex(object, "MESSAGE", &value) &&
	    !json_object_object_get_ex(object, "log", &value))
		return NULL;
	if (json_object_is_type(value, json_type_string)) {
		size_t length = (size_t)json_object_get_string_len(value);
		text = malloc(length + reserve + 2);
		if (text != NULL)
			memcpy(text, json_object_get_string(value), length + 1);
		return text;
	}
	if (!json_object_is_type(value, json_type_array))
		return NULL;
	size_t length = json_object_array_length(value);
	text = malloc(length + reserve + 2);
	for (size_t i = 0; text != NULL && i < length; i++)
		text[i] =
		    (char)json_object_get_int(json_object_array_get_idx(value, i));
	if (text != NULL)
		text[length] = '\0';
	return text;
}

static bool
take_object(struct log_envelope *envelope, const struct json_object *object)
{
	const char *time = field(object, "_SOURCE_REALTIME_TIMESTAMP");
	const char *program = field(object, "SYSLOG_IDENTIFIER");
	const char *pid = field(object, "SYSLOG_PID");

	if (time == NULL)
		time = field(object, "__REALTIME_TIMESTAMP");
	if (program == NULL)
		program = field(object, "_COMM");
	if (pid == NULL)
		pid = field(object, "_PID");
	bool is_journal = time != NULL && program != NULL;
	size_t reserve = program == NULL ? 0 : strlen(program);
	envelope->own = message_text(object, reserve);
	if (envelope->own == NULL)
		return false;
	envelope->text = envelope->own;
	size_t length = strlen(envelope->own);
	if (length > 0 && envelope->own[length - 1] == '\n')
		envelope->own[--length] = '\0';
	if (!is_journal)
		return true;
	strcpy(envelope->own + length + 1, program);
	envelope->program = envelope->own + length + 1;
	envelope->time = strtoll(time, NULL, 10) / 1000000;
	envelope->pid = pid == NULL ? 0 : strtoul(pid, NULL, 10);
	return true;
}

bool
journal_read(struct log_envelope *envelope, const char *line)
{
	struct json_object *object = json_tokener_parse(line);
	bool ok = object != NULL && json_object_is_type(object, json_type_object) &&
	          take_object(envelope, object);

	json_object_put(object);
	return ok;
}
