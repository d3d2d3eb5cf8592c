/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The structure of targrey.conf, read before libconfuse reads it. libconfuse
 * takes some mistakes silently in a sense of its own; here they have a line.
 */
#include "config/config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_SIZE 64

struct scan {
	const char *at;
	int line;
	char section[WORD_SIZE]; /* "" outside of sections */
	int section_line;
	char word[WORD_SIZE];  /* last bare word, or "" */
	const struct key *key; /* whose value is being read, or NULL */
	bool in_value, in_list;
	int list_line;
	struct places *places;
	struct error *error;
};

static bool
wrong(struct scan *scan, int line, const char *what)
{
	char path[KEY_PATH_SIZE];

	if (scan->key != NULL)
		error_set(scan->error, "%d: %s: %s", line,
		    key_path(scan->key, path), what);
	else
		error_set(scan->error, "%d: %s", line, what);
	return false;
}

/* Appends the names of the keys, or sections, that may stand here. */
static void
list_names(struct error *error, const char *section, bool sections)
{
	size_t used = strlen(error->text);
	bool first = true;

	for (size_t i = 0;
	     i < (sections ? config_sections_count : config_keys_count); i++) {
		const char *name =
		    sections ? config_sections[i].name : config_keys[i].name;
		if (!sections && strcmp(config_keys[i].section, section) != 0)
			continue;
		if (*name == '\0' || used >= sizeof error->text)
			continue;
		snprintf(error->text + used, sizeof error->text - used, "%s%s",
		    first ? "" : ", ", name);
		used = strlen(error->text);
		first = false;
	}
}

static bool
unknown_key(struct scan *scan)
{
	bool inside = *scan->section != '\0';

	for (size_t i = 0; i < config_keys_count; i++) {
		const char *home = config_keys[i].section;
		if (strcmp(config_keys[i].name, scan->word) != 0)
			continue;
		if (inside)
			error_set(scan->error,
			    "%d: %s: belongs %s%s; is the \"}\" missing of "
			    "section %s, which begins in line %d?",
			    scan->line, scan->word,
			    *home == '\0' ? "outside of all sections"
			                  : "into section ",
			    home, scan->section, scan->section_line);
		else
			error_set(scan->error,
			    "%d: %s: belongs into section %s, not outside of one",
			    scan->line, scan->word, home);
		return false;
	}
	error_set(scan->error, "%d: %s%s%s: unknown key; allowed%s%s: ", scan->line,
	    scan->section, inside ? "." : "", scan->word,
	    inside ? " in section " : "", scan->section);
	if (scan->error != NULL)
		list_names(scan->error, scan->section, false);
	return false;
}

static bool
add_place(struct scan *scan, bool append)
{
	struct places *places = scan->places;
	const struct key *key = key_find(scan->section, scan->word);
	char path[KEY_PATH_SIZE];

	if (key == NULL)
		return unknown_key(scan);
	int first = places_line(places, key->section, key->name);
	if (first != 0) {
		error_set(scan->error, "%d: %s: given twice, first in line %d",
		    scan->line, key_path(key, path), first);
		return false;
	}
	scan->key = key;
	if (append && key->type != KEY_LIST)
		return wrong(scan, scan->line, "\"+=\" is for lists only");

	struct place *more =
	    realloc(places->items, (places->count + 1) * sizeof *more);
	if (more == NULL)
		return wrong(scan, scan->line, "out of memory");
	places->items = more;
	places->items[places->count++] = (struct place){key, scan->line, append};
	return true;
}

/* A string in quotes, which must end on its line. */
static bool
skip_string(struct scan *scan)
{
	char quote = *scan->at++;

	if (!scan->in_value)
		return wrong(
		    scan, scan->line, "text in quotes where a key should be");
	for (; *scan->at != quote; scan->at++) {
		if (*scan->at == '\\' && scan->at[1] != '\n' && scan->at[1] != '\0')
			scan->at++;
		else if (*scan->at == '\n' || *scan->at == '\0')
			return wrong(
			    scan, scan->line, "no closing quote on this line");
		else if (*scan->at == '$' && scan->at[1] == '{')
			return wrong(
			    scan, scan->line, "${...} is not expanded here");
	}
	scan->at++;
	if (!scan->in_list)
		scan->in_value = false;
	return true;
}

static bool
is_word_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

/* Octets of the UTF-8 sequence there: 2 to 4, 0 when it is none. */
static size_t
utf8_length(const char *at)
{
	unsigned char first = (unsigned char)*at;
	size_t length = first >= 0xf0   ? 4
	                : first >= 0xe0 ? 3
	                : first >= 0xc2 ? 2
	                                : 0;

	for (size_t i = 1; i < length; i++) {
		if (((unsigned char)at[i] & 0xc0) != 0x80)
			return 0;
	}
	return first < 0xf8 ? length : 0;
}

/* Quotes of word processors and full-width ones are the usual case. */
static bool
odd_character(struct scan *scan, const char *at)
{
	unsigned char odd = (unsigned char)*at;
	size_t length = utf8_length(at);
	char what[96];

	if (length > 0)
		snprintf(what, sizeof what,
		    "\"%.*s\" outside of quotes: write plain quotes, \"text\"",
		    (int)length, at);
	else
		snprintf(what, sizeof what,
		    odd > ' ' && odd <= '~'
		        ? "\"%c\" outside of quotes: write \"text\""
		        : "odd character outside of quotes (octet %d)",
		    odd);
	return wrong(scan, scan->line, what);
}

static bool
read_word(struct scan *scan)
{
	size_t length = 0;

	while (is_word_character(scan->at[length]))
		length++;
	if (length == 0 || strchr(" \t\r\n#=+{},", scan->at[length]) == NULL)
		return odd_character(scan, scan->at + length);
	if (scan->in_value) {
		if (!scan->in_list)
			scan->in_value = false;
	} else if (*scan->word != '\0') {
		scan->key = NULL;
		return wrong(scan, scan->line, "no \"=\" or \"{\" behind a name");
	} else {
		scan->key = NULL;
		snprintf(
		    scan->word, sizeof scan->word, "%.*s", (int)length, scan->at);
	}
	scan->at += length;
	return true;
}

static bool
open_brace(struct scan *scan)
{
	if (scan->in_value && !scan->in_list) {
		if (scan->key->type != KEY_LIST)
			return wrong(
			    scan, scan->line, "takes one value, not a list in {}");
		scan->in_list = true;
		scan->list_line = scan->line;
		return true;
	}
	if (scan->in_value || *scan->word == '\0')
		return wrong(scan, scan->line, "unexpected \"{\"");
	scan->key = NULL;
	if (*scan->section != '\0') {
		error_set(scan->error,
		    "%d: %s: \"{\" inside of section %s, which begins in line %d: "
		    "is its \"}\" missing?",
		    scan->line, scan->word, scan->section, scan->section_line);
		return false;
	}
	for (size_t i = 0; i < config_sections_count; i++) {
		if (strcmp(config_sections[i].name, scan->word) == 0) {
			snprintf(
			    scan->section, sizeof scan->section, "%s", scan->word);
			scan->section_line = scan->line;
			*scan->word = '\0';
			return true;
		}
	}
	error_set(scan->error, "%d: %s: unknown section; allowed: ", scan->line,
	    scan->word);
	if (scan->error != NULL)
		list_names(scan->error, "", true);
	return false;
}

static bool
close_brace(struct scan *scan)
{
	if (scan->in_list) {
		scan->in_list = scan->in_value = false;
		return true;
	}
	if (scan->in_value)
		return wrong(scan, scan->line, "no value");
	if (*scan->section == '\0' || *scan->word != '\0')
		return wrong(scan, scan->line, "unexpected \"}\"");
	*scan->section = '\0';
	return true;
}

static bool
read_equals(struct scan *scan, bool append)
{
	if (scan->in_value || *scan->word == '\0')
		return wrong(scan, scan->line, "unexpected \"=\"");
	if (!add_place(scan, append))
		return false;
	*scan->word = '\0';
	scan->in_value = true;
	return true;
}

static bool
skip_comment(struct scan *scan)
{
	int line = scan->line;

	scan->at += 2;
	for (; *scan->at != '\0'; scan->at++) {
		if (scan->at[0] == '*' && scan->at[1] == '/') {
			scan->at += 2;
			return true;
		}
		scan->line += *scan->at == '\n';
	}
	return wrong(scan, line, "comment without end");
}

static bool
read_token(struct scan *scan)
{
	switch (*scan->at) {
	case '\n':
		scan->line++;
		scan->at++;
		return true;
	case ' ':
	case '\t':
	case '\r':
		scan->at++;
		return true;
	case ',':
		if (!scan->in_list)
			return wrong(scan, scan->line, "unexpected \",\"");
		scan->at++;
		return true;
	case '#':
		scan->at += strcspn(scan->at, "\n");
		return true;
	case '/':
		if (scan->at[1] == '*')
			return skip_comment(scan);
		if (scan->at[1] != '/')
			return read_word(scan);
		scan->at += strcspn(scan->at, "\n");
		return true;
	case '"':
	case '\'':
		return skip_string(scan);
	case '{':
		scan->at++;
		return open_brace(scan);
	case '}':
		scan->at++;
		return close_brace(scan);
	case '=':
		scan->at++;
		return read_equals(scan, false);
	case '+':
		if (scan->at[1] != '=')
			return read_word(scan);
		scan->at += 2;
		return read_equals(scan, true);
	default:
		return read_word(scan);
	}
}

bool
config_scan(const char *text, struct places *places_r, struct error *error)
{
	struct scan scan = {
	    .at = text, .line = 1, .places = places_r, .error = error};

	while (*scan.at != '\0') {
		if (!read_token(&scan))
			return false;
	}
	if (scan.in_list)
		return wrong(&scan, scan.list_line, "no closing \"}\"");
	if (scan.in_value)
		return wrong(&scan, scan.line, "no value");
	scan.key = NULL;
	if (*scan.word != '\0')
		return wrong(
		    &scan, scan.line, "no \"=\" or \"{\" behind the last name");
	if (*scan.section != '\0') {
		error_set(error, "%d: section %s: no closing \"}\"",
		    scan.section_line, scan.section);
		return false;
	}
	return true;
}

int
places_line(const struct places *places, const char *section, const char *name)
{
	for (size_t i = 0; i < places->count; i++) {
		const struct key *key = places->items[i].key;
		if (strcmp(key->section, section) == 0 &&
		    strcmp(key->name, name) == 0)
			return places->items[i].line;
	}
	return 0;
}
