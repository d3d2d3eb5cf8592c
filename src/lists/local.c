/* SPDX-License-Identifier: BSD-2-Clause */
#include "lists/local.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lists/lines.h"
#include "lists/pattern.h"

enum field { FIELD_NAME, FIELD_PTR, FIELD_HELO, FIELD_FROM, FIELD_NET, FIELDS };
static const char *const field_words[FIELDS] = {
    "name", "ptr", "helo", "from", "net"};

struct row {
	struct local_rule rule; /* first: a rule's address is also its row's */
	enum field field;
	struct pattern *pattern;
	struct ipnet net;
	char *written;
};

struct local {
	struct line_files files;
	struct row *rows;
	size_t count, room;
};

static bool
wrong(struct error *error, const char *what, const char *text)
{
	error_set(error, "\"%.60s\" %s", text, what);
	return false;
}

static bool
read_field(const char *text, enum field *field_r, struct error *error)
{
	for (unsigned i = 0; i < FIELDS; i++) {
		if (strcmp(field_words[i], text) == 0) {
			*field_r = (enum field)i;
			return true;
		}
	}
	return wrong(
	    error, "is not a field; allowed: name, ptr, helo, from, net", text);
}

static bool
read_tag(const char *text, char tag_r[static LOCAL_TAG_SIZE], struct error *error)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	if (strspn(text, allowed) != strlen(text) ||
	    !text_copy(tag_r, LOCAL_TAG_SIZE, text))
		return wrong(error,
		    "is not a tag; allowed: 1 to 24 of A-Z a-z 0-9 . _ -", text);
	if (strcmp(text, "none") == 0 || strcmp(text, "warn") == 0)
		return wrong(
		    error, "has a meaning of its own and cannot be a tag", text);
	return true;
}

static bool
read_pattern(struct row *row, char *text, struct error *error)
{
	size_t length = strlen(text);

	if (row->field == FIELD_NET) {
		if (!ipnet_from_text(text, &row->net))
			return wrong(error,
			    "is neither an IP address nor a network without host "
			    "bits",
			    text);
		return true;
	}
	if (length > 2 && text[0] == '/' && text[length - 1] == '/') {
		text[length - 1] = '\0';
		text++;
	}
	row->pattern = pattern_compile(text, error);
	if (row->pattern == NULL)
		error_prefix(error, "pattern \"%.80s\"", text);
	return row->pattern != NULL;
}

/* The next word of *at, NUL-terminated; NULL when there is none. */
static char *
next_word(char **at)
{
	char *word = *at + strspn(*at, " \t");
	size_t length = strcspn(word, " \t");

	if (length == 0 || *word == '#')
		return NULL;
	*at = word + length;
	if (**at != '\0')
		*(*at)++ = '\0';
	return word;
}

static bool
read_row(struct row *row, char *text, struct error *error)
{
	char *at = text, *field = next_word(&at), *pattern = next_word(&at),
	     *tag = next_word(&at), *warn = tag == NULL ? NULL : next_word(&at),
	     *more = warn == NULL ? NULL : next_word(&at);

	if (field == NULL || !read_field(field, &row->field, error))
		return false;
	if (pattern == NULL || tag == NULL)
		return wrong(error,
		    "must be followed by a pattern and a tag; a line is FIELD "
		    "PATTERN TAG [warn]",
		    field);
	row->written = text_dup(pattern);
	if (row->written == NULL) {
		error_set(error, "out of memory");
		return false;
	}
	if (!read_pattern(row, pattern, error) ||
	    !read_tag(tag, row->rule.tag, error))
		return false;
	row->rule.warns = warn != NULL;
	if (warn != NULL && strcmp(warn, "warn") != 0 &&
	    strcmp(warn, "[warn]") != 0)
		return wrong(
		    error, "after the tag; allowed: warn, or nothing", warn);
	return more == NULL || wrong(error, "is one word too many", more);
}

static bool
add_line(
    void *ctx, const char *path, unsigned line, char *text, struct error *error)
{
	struct local *local = ctx;

	if (local->count == local->room) {
		size_t room = local->room == 0 ? 16 : local->room * 2;
		struct row *more = realloc(local->rows, room * sizeof *more);
		if (more == NULL) {
			error_set(error, "out of memory");
			return false;
		}
		local->rows = more;
		local->room = room;
	}
	struct row *row = &local->rows[local->count++];
	*row = (struct row){.pattern = NULL};
	if (!read_row(row, text, error))
		return false;
	row->rule.file = path;
	row->rule.line = line;
	row->rule.field = field_words[row->field];
	row->rule.pattern = row->written;
	return true;
}

struct local *
local_load(const char *const *patterns, size_t count, struct error *error)
{
	struct local *local = calloc(1, sizeof *local);

	if (local == NULL)
		error_set(error, "out of memory");
	else if (!lines_read(
	             patterns, count, &local->files, add_line, local, error))
		local_free(&local);
	return local;
}

void
local_free(struct local **local)
{
	if (*local == NULL)
		return;
	for (size_t i = 0; i < (*local)->count; i++) {
		pattern_free(&(*local)->rows[i].pattern);
		free((*local)->rows[i].written);
	}
	free((*local)->rows);
	line_files_clear(&(*local)->files);
	free(*local);
	*local = NULL;
}

static const char *
subject_text(const struct local_subject *subject, enum field field)
{
	switch (field) {
	case FIELD_NAME:
		return subject->name;
	case FIELD_PTR:
		return subject->ptr;
	case FIELD_HELO:
		return subject->helo;
	case FIELD_FROM:
		return subject->from;
	case FIELD_NET:
	case FIELDS:
		break;
	}
	return NULL;
}

static bool
row_matches(const struct row *row, const struct local_subject *subject)
{
	if (row->field == FIELD_NET)
		return subject->ip != NULL && ipnet_has(&row->net, subject->ip);
	const char *text = subject_text(subject, row->field);
	return text != NULL && pattern_match_name(row->pattern, text);
}

static bool
has_tag(const char *tags, const char *tag)
{
	size_t length = strlen(tag);

	for (const char *at = tags; *at != '\0'; at += strspn(at, ",")) {
		size_t here = strcspn(at, ",");
		if (here == length && strncmp(at, tag, length) == 0)
			return true;
		at += here;
	}
	return false;
}

static void
add_tag(struct local_fact *fact, const char *tag)
{
	size_t used = strlen(fact->tags);
	size_t need = strlen(tag) + (used > 0);

	if (has_tag(fact->tags, tag) || used + need >= sizeof fact->tags)
		return;
	snprintf(fact->tags + used, sizeof fact->tags - used, "%s%s",
	    used > 0 ? "," : "", tag);
}

void
local_match(const struct local *local, const struct local_subject *subject,
    struct local_fact *fact_r)
{
	*fact_r = (struct local_fact){.rule = NULL};
	for (size_t i = 0; i < local->count; i++) {
		const struct row *row = &local->rows[i];
		if (!row_matches(row, subject))
			continue;
		add_tag(fact_r, row->rule.tag);
		const struct local_rule **first =
		    row->rule.warns ? &fact_r->warn : &fact_r->rule;
		if (*first == NULL)
			*first = &row->rule;
	}
}
