/* SPDX-License-Identifier: BSD-2-Clause */
/* The syntax of targrey.conf, token by token; see targrey.conf(5). */
#include "config/config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_SIZE 64

struct parser {
	const char *at;
	int line;
	char section[WORD_SIZE]; /* "" outside of sections */
	int section_line;
	char word[WORD_SIZE];  /* last bare word, or "" */
	const struct key *key; /* whose value is being read, or NULL */
	bool in_value, in_list;
	bool needs_comma; /* in_list: an item was read */
	int list_line;
	struct config *config;
	struct places *places;
	struct error *error;
};

static bool
wrong(struct parser *parser, int line, const char *what)
{
	char path[KEY_PATH_SIZE];

	if (parser->key != NULL)
		error_set(parser->error, "%d: %s: %s", line,
		    key_path(parser->key, path), what);
	else
		error_set(parser->error, "%d: %s", line, what);
	return false;
}

/* Appends the names of the keys or sections that are allowed here. */
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
unknown_key(struct parser *parser)
{
	bool inside = *parser->section != '\0';

	for (size_t i = 0; i < config_keys_count; i++) {
		const char *home = config_keys[i].section;
		if (strcmp(config_keys[i].name, parser->word) != 0)
			continue;
		if (inside)
			error_set(parser->error,
			    "%d: %s: belongs %s%s; is the \"}\" of section %s, "
			    "which begins on line %d, missing?",
			    parser->line, parser->word,
			    *home == '\0' ? "outside of all sections"
			                  : "in section ",
			    home, parser->section, parser->section_line);
		else
			error_set(parser->error,
			    "%d: %s: belongs in section %s, not outside of one",
			    parser->line, parser->word, home);
		return false;
	}
	error_set(parser->error,
	    "%d: %s%s%s: unknown key; allowed%s%s: ", parser->line, parser->section,
	    inside ? "." : "", parser->word, inside ? " in section " : "",
	    parser->section);
	if (parser->error != NULL)
		list_names(parser->error, parser->section, false);
	return false;
}

static bool
add_place(struct parser *parser, bool append)
{
	struct places *places = parser->places;
	const struct key *key = key_find(parser->section, parser->word);
	char path[KEY_PATH_SIZE];

	if (key == NULL)
		return unknown_key(parser);
	int first = places_line(places, key->section, key->name);
	if (first != 0) {
		error_set(parser->error, "%d: %s: given twice, first on line %d",
		    parser->line, key_path(key, path), first);
		return false;
	}
	parser->key = key;
	if (append && key->type != KEY_LIST)
		return wrong(parser, parser->line, "\"+=\" is for lists only");

	struct place *more =
	    realloc(places->items, (places->count + 1) * sizeof *more);
	if (more == NULL)
		return wrong(parser, parser->line, "out of memory");
	places->items = more;
	places->items[places->count++] = (struct place){key, parser->line};
	if (key->type == KEY_LIST && !append)
		string_list_clear(key_field(key, parser->config));
	return true;
}

/* Takes a value, or an item of a list. */
static bool
take_value(struct parser *parser, const char *value)
{
	char path[KEY_PATH_SIZE];

	if (parser->in_list && parser->needs_comma)
		return wrong(
		    parser, parser->line, "there is no \",\" between two items");
	parser->needs_comma = true;
	if (!parser->in_list)
		parser->in_value = false;
	if (key_store(parser->key, parser->config, value, parser->error))
		return true;
	error_prefix(
	    parser->error, "%d: %s", parser->line, key_path(parser->key, path));
	return false;
}

/* A string in quotes, which must end on its line. */
static bool
read_string(struct parser *parser)
{
	/* Longer ones are cut, but stay too long for every key. */
	char value[KEY_TEXT_SIZE];
	size_t length = 0;
	char quote = *parser->at++;

	if (!parser->in_value)
		return wrong(
		    parser, parser->line, "text in quotes where a key should be");
	for (; *parser->at != quote; parser->at++) {
		if (*parser->at == '\n' || *parser->at == '\0')
			return wrong(
			    parser, parser->line, "no closing quote on this line");
		if (*parser->at == '$' && parser->at[1] == '{')
			return wrong(
			    parser, parser->line, "${...} is not expanded here");
		if (*parser->at == '\\') {
			char next = parser->at[1];
			if (next != '"' && next != '\'' && next != '\\')
				return wrong(parser, parser->line,
				    "\"\\\" must be followed by a quote or another "
				    "one: write \"\\\\\" for a backslash");
			parser->at++;
		}
		if (length < sizeof value - 1)
			value[length++] = *parser->at;
	}
	parser->at++;
	value[length] = '\0';
	return take_value(parser, value);
}

static bool
is_word_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

/* Length of the UTF-8 sequence at this place: 2 to 4 octets; 0 when it is none. */
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

/* Usually these are typographic or full-width quotes. */
static bool
odd_character(struct parser *parser, const char *at)
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
		        : "unexpected character outside of quotes (octet %d)",
		    odd);
	return wrong(parser, parser->line, what);
}

static bool
read_word(struct parser *parser)
{
	size_t length = 0;

	while (is_word_character(parser->at[length]))
		length++;
	if (length == 0 || strchr(" \t\r\n#=+{},", parser->at[length]) == NULL)
		return odd_character(parser, parser->at + length);
	if (parser->in_value) {
		char value[KEY_TEXT_SIZE];
		snprintf(value, sizeof value, "%.*s", (int)length, parser->at);
		if (!take_value(parser, value))
			return false;
	} else if (*parser->word != '\0') {
		parser->key = NULL;
		return wrong(parser, parser->line,
		    "there is no \"=\" or \"{\" after a name");
	} else {
		parser->key = NULL;
		snprintf(parser->word, sizeof parser->word, "%.*s", (int)length,
		    parser->at);
	}
	parser->at += length;
	return true;
}

static bool
open_brace(struct parser *parser)
{
	if (parser->in_value && !parser->in_list) {
		if (parser->key->type != KEY_LIST)
			return wrong(parser, parser->line,
			    "takes one value, not a list in {}");
		parser->in_list = true;
		parser->needs_comma = false;
		parser->list_line = parser->line;
		return true;
	}
	if (parser->in_value || *parser->word == '\0')
		return wrong(parser, parser->line, "unexpected \"{\"");
	parser->key = NULL;
	if (*parser->section != '\0') {
		error_set(parser->error,
		    "%d: %s: \"{\" inside of section %s, which begins on line %d: "
		    "is "
		    "its \"}\" missing?",
		    parser->line, parser->word, parser->section,
		    parser->section_line);
		return false;
	}
	for (size_t i = 0; i < config_sections_count; i++) {
		if (strcmp(config_sections[i].name, parser->word) == 0) {
			snprintf(parser->section, sizeof parser->section, "%s",
			    parser->word);
			parser->section_line = parser->line;
			*parser->word = '\0';
			return true;
		}
	}
	error_set(parser->error, "%d: %s: unknown section; allowed: ", parser->line,
	    parser->word);
	if (parser->error != NULL)
		list_names(parser->error, "", true);
	return false;
}

static bool
close_brace(struct parser *parser)
{
	if (parser->in_list) {
		parser->in_list = parser->in_value = false;
		return true;
	}
	if (parser->in_value)
		return wrong(parser, parser->line, "no value");
	if (*parser->section == '\0' || *parser->word != '\0')
		return wrong(parser, parser->line, "unexpected \"}\"");
	*parser->section = '\0';
	return true;
}

static bool
read_equals(struct parser *parser, bool append)
{
	if (parser->in_value || *parser->word == '\0')
		return wrong(parser, parser->line, "unexpected \"=\"");
	if (!add_place(parser, append))
		return false;
	*parser->word = '\0';
	parser->in_value = true;
	return true;
}

static bool
skip_comment(struct parser *parser)
{
	int line = parser->line;

	parser->at += 2;
	for (; *parser->at != '\0'; parser->at++) {
		if (parser->at[0] == '*' && parser->at[1] == '/') {
			parser->at += 2;
			return true;
		}
		parser->line += *parser->at == '\n';
	}
	return wrong(parser, line, "the comment is not closed by */");
}

static bool
read_token(struct parser *parser)
{
	switch (*parser->at) {
	case '\n':
		parser->line++;
		parser->at++;
		return true;
	case ' ':
	case '\t':
	case '\r':
		parser->at++;
		return true;
	case ',':
		if (!parser->in_list || !parser->needs_comma)
			return wrong(parser, parser->line, "unexpected \",\"");
		parser->needs_comma = false;
		parser->at++;
		return true;
	case '#':
		parser->at += strcspn(parser->at, "\n");
		return true;
	case '/':
		if (parser->at[1] == '*')
			return skip_comment(parser);
		if (parser->at[1] != '/')
			return read_word(parser);
		parser->at += strcspn(parser->at, "\n");
		return true;
	case '"':
	case '\'':
		return read_string(parser);
	case '{':
		parser->at++;
		return open_brace(parser);
	case '}':
		parser->at++;
		return close_brace(parser);
	case '=':
		parser->at++;
		return read_equals(parser, false);
	case '+':
		if (parser->at[1] != '=')
			return read_word(parser);
		parser->at += 2;
		return read_equals(parser, true);
	default:
		return read_word(parser);
	}
}

bool
config_parse(const char *text, struct config *config, struct places *places,
    struct error *error)
{
	struct parser parser = {.at = text,
	    .line = 1,
	    .config = config,
	    .places = places,
	    .error = error};

	while (*parser.at != '\0') {
		if (!read_token(&parser))
			return false;
	}
	if (parser.in_list)
		return wrong(&parser, parser.list_line, "no closing \"}\"");
	if (parser.in_value)
		return wrong(&parser, parser.line, "no value");
	parser.key = NULL;
	if (*parser.word != '\0')
		return wrong(&parser, parser.line,
		    "there is no \"=\" or \"{\" after the last name");
	if (*parser.section != '\0') {
		error_set(error, "%d: section %s: no closing \"}\"",
		    parser.section_line, parser.section);
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
