/* SPDX-License-Identifier: BSD-2-Clause */
#include "lists/s25r.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lists/pattern.h"

const char *const s25r_state_words[S25R_STATES] = {S25R_LIST(WORD_TEXT)};

struct compiled {
	struct s25r_rule rule;
	struct pattern *pattern;
	char *text; /* owns rule.pattern and rule.reason */
};

struct s25r {
	char *path;
	struct compiled *rules;
	size_t count;
};

static bool
id_is_valid(const char *id)
{
	size_t length = strlen(id);

	if (length == 1 && id[0] >= '0' && id[0] <= '6')
		return true;
	if (length == 0 || length >= S25R_ID_SIZE || !isalpha((unsigned char)id[0]))
		return false;
	return strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                  "0123456789-_") == length;
}

/* Cuts a trailing [warn] or [off] from the reason. */
static bool
take_use(char *reason, enum s25r_use *use_r, struct error *error)
{
	char *open = strrchr(reason, '[');
	size_t length = strlen(reason);

	*use_r = S25R_ACTS;
	if (open == NULL || reason[length - 1] != ']')
		return true;
	if (strcmp(open, "[warn]") == 0) {
		*use_r = S25R_WARNS;
	} else if (strcmp(open, "[off]") == 0) {
		*use_r = S25R_OFF;
	} else {
		error_set(error, "%s is neither [warn] nor [off]", open);
		return false;
	}
	*open = '\0';
	text_trim(reason);
	return true;
}

/* Splits at the first blank; returns the rest, trimmed. */
static char *
split(char *text)
{
	char *blank = text + strcspn(text, " \t");

	if (*blank == '\0')
		return blank;
	*blank = '\0';
	return text_trim(blank + 1);
}

static bool
parse_line(
    const struct s25r *set, char *line, struct compiled *rule, struct error *error)
{
	char *text = strdup(text_trim(line));
	if (text == NULL) {
		error_set(error, "out of memory");
		return false;
	}
	rule->text = text;
	char *pattern = split(text), *reason = split(pattern);

	if (!id_is_valid(text)) {
		error_set(error,
		    "\"%s\" is neither a rule number (0 to 6) nor the name of a "
		    "local rule (a letter, then letters, digits, - or _; at most "
		    "24)",
		    text);
		return false;
	}
	text_copy(rule->rule.id, sizeof rule->rule.id, text);
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->rules[i].rule.id, text) == 0) {
			error_set(error, "rule %s is already on line %u", text,
			    set->rules[i].rule.line);
			return false;
		}
	}
	if (*pattern == '\0') {
		error_set(error, "rule %s has no pattern", text);
		return false;
	}
	if (!take_use(reason, &rule->rule.use, error))
		return false;
	rule->rule.pattern = pattern;
	rule->rule.reason = reason;
	rule->pattern = pattern_compile(pattern, error);
	if (rule->pattern == NULL)
		error_prefix(error, "rule %s", text);
	return rule->pattern != NULL;
}

static bool
add_line(struct s25r *set, char *line, unsigned number, struct error *error)
{
	struct compiled *grown =
	    realloc(set->rules, (set->count + 1) * sizeof *set->rules);
	if (grown == NULL) {
		error_set(error, "out of memory");
		return false;
	}
	set->rules = grown;
	grown[set->count] = (struct compiled){.rule = {.line = number}};
	bool ok = parse_line(set, line, &grown[set->count], error);
	if (ok) {
		set->count++;
	} else {
		free(grown[set->count].text);
		pattern_free(&grown[set->count].pattern);
	}
	return ok;
}

struct s25r *
s25r_load(const char *path, struct error *error)
{
	struct s25r *set = calloc(1, sizeof *set);
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	unsigned number = 0;
	bool ok = false;

	if (file == NULL || set == NULL || (set->path = strdup(path)) == NULL) {
		error_set_errno(error, "%s", path);
		goto done;
	}
	while (getline(&line, &size, file) >= 0) {
		number++;
		char *text = text_trim(line);
		if (*text == '\0' || *text == '#')
			continue;
		if (!add_line(set, text, number, error)) {
			error_prefix(error, "%s:%u", path, number);
			goto done;
		}
	}
	if (ferror(file)) {
		error_set_errno(error, "%s", path);
		goto done;
	}
	ok = true;
done:
	free(line);
	if (file != NULL)
		fclose(file);
	if (!ok)
		s25r_free(&set);
	return set;
}

void
s25r_free(struct s25r **set_ptr)
{
	struct s25r *set = *set_ptr;

	if (set == NULL)
		return;
	*set_ptr = NULL;
	for (size_t i = 0; i < set->count; i++) {
		pattern_free(&set->rules[i].pattern);
		free(set->rules[i].text);
	}
	free(set->rules);
	free(set->path);
	free(set);
}

const char *
s25r_path(const struct s25r *set)
{
	return set->path;
}

struct s25r_fact
s25r_match(const struct s25r *set, const char *name, bool is_temporary)
{
	struct s25r_fact fact = {.state = S25R_NONE};

	if (is_temporary) {
		fact.state = S25R_UNKNOWN;
		return fact;
	}
	const char *subject = name == NULL ? "unknown" : name;
	size_t length = strlen(subject);
	for (size_t i = 0; i < set->count && fact.rule == NULL; i++) {
		const struct compiled *rule = &set->rules[i];
		bool wanted = rule->rule.use == S25R_ACTS ||
		              (rule->rule.use == S25R_WARNS && fact.warn == NULL);
		if (!wanted || !pattern_match(rule->pattern, subject, length))
			continue;
		if (rule->rule.use == S25R_ACTS)
			fact.rule = &rule->rule;
		else
			fact.warn = &rule->rule;
	}
	if (fact.rule != NULL)
		fact.state = S25R_MATCH;
	return fact;
}

size_t
s25r_count(const struct s25r *set)
{
	return set->count;
}

const struct s25r_rule *
s25r_rule_at(const struct s25r *set, size_t index)
{
	return &set->rules[index].rule;
}
