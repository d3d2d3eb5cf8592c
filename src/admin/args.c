/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/cmd.h"
#include "base/text.h"

static const struct option_row *
find_row(const struct option_row *rows, const char *name, size_t length)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		if (strlen(rows->name) == length &&
		    memcmp(rows->name, name, length) == 0)
			return rows;
	}
	return NULL;
}

static void
list_options(const struct option_row *rows, char *text, size_t size)
{
	size_t used = strlen(text);

	for (; rows != NULL && rows->name != NULL && used < size; rows++)
		used +=
		    (size_t)snprintf(text + used, size - used, " --%s", rows->name);
}

static bool
is_word_of(const char *const *words, const char *value)
{
	for (; *words != NULL; words++) {
		if (strcmp(*words, value) == 0)
			return true;
	}
	return false;
}

static void
list_words(const char *const *words, char *text, size_t size)
{
	size_t used = strlen(text);

	for (; *words != NULL && used < size; words++)
		used += (size_t)snprintf(text + used, size - used, " %s", *words);
}

static bool
check_value(const struct option_row *row, const char *value, struct error *error)
{
	char allowed[256] = "";

	if (row->words == NULL || is_word_of(row->words, value))
		return true;
	list_words(row->words, allowed, sizeof allowed);
	error_set(error, "--%s: \"%.60s\" is not allowed; allowed:%s", row->name,
	    value, allowed);
	return false;
}

/* Parses --name, --name=value or --name value; moves *at past the value. */
static bool
take_option(
    struct admin *admin, int count, char **line, int *at, struct error *error)
{
	const char *text = line[*at] + 2;
	size_t length = strcspn(text, "=");
	const struct option_row *row =
	    find_row(admin->command->options, text, length);

	if (row == NULL)
		row = find_row(admin->program->options, text, length);
	if (row == NULL) {
		char allowed[400] = "";
		list_options(admin->command->options, allowed, sizeof allowed);
		list_options(admin->program->options, allowed, sizeof allowed);
		error_set(error, "unknown option --%.*s; allowed:%s", (int)length,
		    text, allowed);
		return false;
	}
	const char *value = "";
	if (row->value != NULL && text[length] == '=')
		value = text + length + 1;
	else if (row->value != NULL && *at + 1 < count)
		value = line[++*at];
	else if (row->value != NULL || text[length] == '=') {
		error_set(error,
		    row->value != NULL ? "--%s needs a value: %s"
		                       : "--%s takes no value%s",
		    row->name, row->value != NULL ? row->value : "");
		return false;
	}
	if (!row->is_list && args_value(admin, row->name) != NULL) {
		error_set(error, "--%s is given twice", row->name);
		return false;
	}
	if (admin->options_count == WORDS_MAX) {
		error_set(error, "more than %d options", WORDS_MAX);
		return false;
	}
	admin->options[admin->options_count].row = row;
	admin->options[admin->options_count++].value = value;
	return check_value(row, value, error);
}

static bool
check_words(const struct admin *admin, struct error *error)
{
	const struct command *command = admin->command;
	char allowed[256] = "";

	if (args_value(admin, "help") != NULL)
		return true;
	if (admin->words_count < command->words_least) {
		error_set(
		    error, "an argument is missing; it takes: %s", command->args);
		return false;
	}
	if (command->words == NULL || admin->words_count == 0 ||
	    is_word_of(command->words, admin->words[0]))
		return true;
	list_words(command->words, allowed, sizeof allowed);
	error_set(error, "\"%.60s\" is not allowed; allowed:%s", admin->words[0],
	    allowed);
	return false;
}

bool
args_parse(struct admin *admin, int count, char **line, struct error *error)
{
	bool options_end = false;

	for (int i = 0; i < count; i++) {
		const char *text = line[i];
		if (!options_end && strcmp(text, "--") == 0) {
			options_end = true;
		} else if (!options_end && strcmp(text, "-f") == 0) {
			char long_name[] = "--config";
			char *pair[2] = {
			    long_name, i + 1 < count ? line[i + 1] : NULL};
			int at = 0;
			if (!take_option(
			        admin, i + 1 < count ? 2 : 1, pair, &at, error))
				return false;
			i++;
		} else if (!options_end && strncmp(text, "--", 2) == 0) {
			if (!take_option(admin, count, line, &i, error))
				return false;
		} else if (!options_end && text[0] == '-' && text[1] != '\0') {
			error_set(error,
			    "unknown option \"%.60s\"; options begin with \"--\"",
			    text);
			return false;
		} else if (admin->words_count == admin->command->words_most ||
		           admin->words_count == WORDS_MAX) {
			error_set(error,
			    "unexpected argument \"%.60s\"; it takes: %s", text,
			    *admin->command->args == '\0' ? "none"
			                                  : admin->command->args);
			return false;
		} else {
			admin->words[admin->words_count++] = text;
		}
	}
	return check_words(admin, error);
}

const char *
args_nth(const struct admin *admin, const char *name, int n)
{
	for (int i = 0; i < admin->options_count; i++) {
		if (strcmp(admin->options[i].row->name, name) == 0 && n-- == 0)
			return admin->options[i].value;
	}
	return NULL;
}

const char *
args_value(const struct admin *admin, const char *name)
{
	return args_nth(admin, name, 0);
}

bool
args_count(struct admin *admin, const char *name, size_t *count_r)
{
	const char *value = args_value(admin, name);
	int64_t count;

	if (value == NULL)
		return true;
	if (!text_integer(value, 0, 1000000000, &count)) {
		usage(admin,
		    "--%s: \"%.60s\" is not allowed; allowed: 0 to 1000000000",
		    name, value);
		return false;
	}
	*count_r = (size_t)count;
	return true;
}

static bool
time_from_text(const char *text, int64_t now, int64_t *time_r)
{
	static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M",
	    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"};
	int64_t seconds;

	if (*text == '@')
		return text_integer(text + 1, 0, CLOCK_LAST, time_r);
	if (text_duration(text, &seconds)) {
		*time_r = now - seconds;
		return true;
	}
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(text, forms[i], &tm);
		if (end == NULL || *end != '\0')
			continue;
		*time_r = mktime(&tm);
		return true;
	}
	return false;
}

int64_t
admin_now(struct admin *admin)
{
	const char *value = args_value(admin, "now");
	int64_t now = clock_wall(&admin->clock);

	if (value != NULL)
		time_from_text(value, now, &now);
	return now;
}

bool
args_time(struct admin *admin, const char *name, int64_t *time_r)
{
	const char *value = args_value(admin, name);

	if (value == NULL || time_from_text(value, admin_now(admin), time_r))
		return true;
	usage(admin,
	    "--%s: \"%.60s\" is not allowed; allowed: a span before now (90s, 2h, "
	    "7d), "
	    "2026-01-31, \"2026-01-31 12:00\", @SECONDS",
	    name, value);
	return false;
}

bool
args_net(struct admin *admin, const char *name, struct ipnet *net_r,
    const struct ipnet **given_r)
{
	const char *value = args_value(admin, name);

	*given_r = NULL;
	if (value == NULL)
		return true;
	if (!ipnet_from_text(value, net_r)) {
		usage(admin,
		    "--%s: \"%.60s\" is not allowed; allowed: an address or a "
		    "network "
		    "(192.0.2.0/24, 2001:db8::/32) without host bits",
		    name, value);
		return false;
	}
	*given_r = net_r;
	return true;
}

int
usage(struct admin *admin, const char *format, ...)
{
	va_list args;

	fprintf(admin->err, "%s %s: ", admin->program->name,
	    admin->command == NULL ? "" : admin->command->name);
	va_start(args, format);
	vfprintf(admin->err, format, args);
	va_end(args);
	fprintf(admin->err, "\nSee: %s %s%s--help\n", admin->program->name,
	    admin->command == NULL ? "" : admin->command->name,
	    admin->command == NULL ? "" : " ");
	return EXIT_USAGE;
}

int
failed(struct admin *admin, const struct error *error)
{
	fprintf(admin->err, "%s: %s\n", admin->program->name, error->text);
	return EXIT_FAILED;
}
