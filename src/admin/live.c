/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/live.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define STATUS_SIZE (1U << 20)

static int64_t
number(const char *text)
{
	int64_t value = 0;

	if (text != NULL)
		text_integer(text, INT64_MIN, INT64_MAX, &value);
	return value;
}

static void
take_hold(struct live *live, char *rest)
{
	const char *field[5] = {"", "", "", "", ""};
	struct live_hold *grown;

	for (int i = 0; i < 5 && rest != NULL; i++)
		field[i] = strsep(&rest, "\t");
	grown =
	    realloc(live->holds, (live->holds_count + 1) * sizeof(*live->holds));
	if (grown == NULL)
		return;
	live->holds = grown;
	live->holds[live->holds_count++] = (struct live_hold){.ip = field[0],
	    .sid = field[1],
	    .since = number(field[2]),
	    .seconds = number(field[3]),
	    .name = field[4]};
}

bool
live_read(struct query *query, int64_t now, struct live *live, struct error *error)
{
	*live = (struct live){.text = malloc(STATUS_SIZE)};
	if (live->text == NULL) {
		error_set(error, "out of memory");
		return false;
	}
	live->text[0] = '\0';
	if (!query_status(query, live->text, STATUS_SIZE, error))
		return false;
	char *rest = live->text, *line;
	while ((line = strsep(&rest, "\n")) != NULL) {
		char *value = strchr(line, '\t');
		if (value == NULL)
			continue;
		*value++ = '\0';
		if (strcmp(line, "hold") == 0) {
			take_hold(live, value);
		} else if (live->pairs_count < 64) {
			live->pairs[live->pairs_count].key = line;
			live->pairs[live->pairs_count++].value = value;
		}
	}
	live->updated = live_number(live, "updated");
	live->is_running = live->updated != 0 &&
	                   now - live->updated <= LIVE_SECONDS &&
	                   live_number(live, "stopped") == 0;
	return true;
}

void
live_free(struct live *live)
{
	free(live->text);
	free(live->holds);
	*live = (struct live){0};
}

const char *
live_value(const struct live *live, const char *key)
{
	for (unsigned i = 0; i < live->pairs_count; i++) {
		if (strcmp(live->pairs[i].key, key) == 0)
			return live->pairs[i].value;
	}
	return NULL;
}

int64_t
live_number(const struct live *live, const char *key)
{
	return number(live_value(live, key));
}
