/* SPDX-License-Identifier: BSD-2-Clause */
/* The table and the settings as text: -T, the sample file, the manual. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "config/config_private.h"

#define LINE_WIDTH 79

static void
put_quoted(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

static void
put_value(FILE *file, const struct key *key, const struct config *config,
    const char *indent)
{
	char buf[KEY_TEXT_SIZE];

	if (key->type == KEY_LIST) {
		const struct string_list *list = key_value(key, config);
		size_t column = strlen(indent) + strlen(key->name) + 4;
		fputc('{', file);
		for (size_t i = 0; i < list->count; i++) {
			size_t width = strlen(list->items[i]) + 4;
			if (i > 0)
				fputs(",", file);
			if (i > 0 && column + width > LINE_WIDTH) {
				fprintf(file, "\n%s    ", indent);
				column = strlen(indent) + 4;
			} else if (i > 0) {
				fputc(' ', file);
			}
			put_quoted(file, list->items[i]);
			column += width;
		}
		fputc('}', file);
		return;
	}
	key_value_text(key, config, buf);
	if (key->type == KEY_NUMBER || key->type == KEY_FLAG)
		fputs(buf, file);
	else
		put_quoted(file, buf);
}

static void
put_wrapped(FILE *file, const char *prefix, const char *text)
{
	size_t column = strlen(prefix);

	fputs(prefix, file);
	while (*text != '\0') {
		size_t length = strcspn(text, " ");
		if (column + 1 + length > LINE_WIDTH) {
			fprintf(file, "\n%s", prefix);
			column = strlen(prefix);
		}
		fprintf(file, " %.*s", (int)length, text);
		column += length + 1;
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', file);
}

static void
each_section(FILE *file, const struct config *config, bool sample,
    void (*put)(FILE *, const struct key *, const struct config *, const char *))
{
	for (size_t s = 0; s < config_sections_count; s++) {
		const struct section *section = &config_sections[s];
		bool top = *section->name == '\0';
		if (s > 0)
			fputc('\n', file);
		if (sample && !top)
			fprintf(file, "# %s.\n", section->help);
		if (!top)
			fprintf(file, "%s {\n", section->name);
		for (size_t i = 0; i < config_keys_count; i++) {
			if (strcmp(config_keys[i].section, section->name) == 0)
				put(file, &config_keys[i], config,
				    top ? "" : "    ");
		}
		if (!top)
			fputs("}\n", file);
	}
}

static void
put_setting(FILE *file, const struct key *key, const struct config *config,
    const char *indent)
{
	fprintf(file, "%s%s = ", indent, key->name);
	put_value(file, key, config, indent);
	fputc('\n', file);
}

void
config_dump(const struct config *config, FILE *file)
{
	each_section(file, config, false, put_setting);
}

static void
put_json_text(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20)
			fprintf(file, "\\u%04x", (unsigned char)*text);
		else if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else
			fputc(*text, file);
	}
	fputc('"', file);
}

static void
put_json_value(FILE *file, const struct key *key, const struct config *config)
{
	char buf[KEY_TEXT_SIZE];

	if (key->type == KEY_LIST) {
		const struct string_list *list = key_value(key, config);
		fputc('[', file);
		for (size_t i = 0; i < list->count; i++) {
			fputs(i > 0 ? ", " : "", file);
			put_json_text(file, list->items[i]);
		}
		fputc(']', file);
		return;
	}
	key_value_text(key, config, buf);
	if (key->type == KEY_NUMBER)
		fputs(buf, file);
	else if (key->type == KEY_FLAG)
		fputs(strcmp(buf, "yes") == 0 ? "true" : "false", file);
	else
		put_json_text(file, buf);
}

void
config_dump_json(const struct config *config, FILE *file)
{
	fputs("{", file);
	for (size_t s = 0; s < config_sections_count; s++) {
		const char *section = config_sections[s].name;
		const char *between = s > 0 ? "," : "";
		if (*section != '\0') {
			fprintf(file, ",\n  \"%s\": {", section);
			between = "";
		}
		for (size_t i = 0; i < config_keys_count; i++) {
			const struct key *key = &config_keys[i];
			if (strcmp(key->section, section) != 0)
				continue;
			fprintf(file, "%s\n%s\"%s\": ", between,
			    *section == '\0' ? "  " : "    ", key->name);
			put_json_value(file, key, config);
			between = ",";
		}
		if (*section != '\0')
			fputs("}", file);
	}
	fputs("\n}\n", file);
}

static void
put_sample(FILE *file, const struct key *key, const struct config *config,
    const char *indent)
{
	char prefix[16], allowed[KEY_ALLOWED_SIZE], line[KEY_ALLOWED_SIZE + 64];

	snprintf(prefix, sizeof prefix, "%s#", indent);
	put_wrapped(file, prefix, key->help);
	snprintf(line, sizeof line, "Allowed: %s%s%s.%s", key_allowed(key, allowed),
	    key->unit == NULL ? "" : " ", key->unit == NULL ? "" : key->unit,
	    key->needs_restart ? " A change needs a restart." : "");
	put_wrapped(file, prefix, line);
	fprintf(file, "%s#%s = ", indent, key->name);
	snprintf(prefix, sizeof prefix, "%s#", indent);
	put_value(file, key, config, prefix);
	fputs("\n\n", file);
}

void
config_dump_default(FILE *file)
{
	struct config *config = config_load(NULL, NULL);

	if (config == NULL)
		return;
	fputs(
	    "# targrey.conf: every key with its default; see targrey.conf(5).\n"
	    "#\n"
	    "# To change a setting, remove the # from its line. Text stands in "
	    "\"quotes\".\n"
	    "# Durations are whole numbers with the unit s, m, h, d or w. The file "
	    "is\n"
	    "# checked with \"targreyd -T\", and read again on SIGHUP.\n\n",
	    file);
	each_section(file, config, true, put_sample);
	config_free(&config);
}

/*
 * Writes one word of mdoc text, nothing of it a macro or an escape. Returns its
 * width.
 */
static size_t
mdoc_word(char *buf, size_t size, const char *word, size_t length)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < length; i++) {
		char plain[2] = {word[i], '\0'};
		bool is_minus =
		    word[i] == '-' &&
		    (i + 1 == length || word[i + 1] < 'a' || word[i + 1] > 'z');
		const char *piece = word[i] == '\\'  ? "\\e"
		                    : word[i] == '"' ? "\\(dq"
		                    : is_minus       ? "\\-"
		                                     : plain;
		if (i == 0 && (word[i] == '.' || word[i] == '\''))
			used += (size_t)snprintf(buf + used, size - used, "\\&");
		used += (size_t)snprintf(buf + used, size - used, "%s", piece);
	}
	return used;
}

/* Writes text in mdoc: each sentence on a new line, lines below 80 characters. */
static void
put_mdoc(FILE *file, const char *text)
{
	char word[512];
	size_t column = 0;

	while (*text != '\0') {
		size_t length = strcspn(text, " ");
		size_t width = mdoc_word(word, sizeof word, text, length);
		bool breaks = column + 1 + width > LINE_WIDTH - 1;
		fprintf(file, "%s%s", column == 0 ? "" : breaks ? "\n" : " ", word);
		column = (breaks || column == 0 ? 0 : column + 1) + width;
		bool ends = text[length - 1] == '.' && text[length] == ' ';
		text += length;
		text += strspn(text, " ");
		if (ends && *text != '\0') {
			fputc('\n', file);
			column = 0;
		}
	}
	fputc('\n', file);
}

static void
put_manual_key(FILE *file, const struct key *key, const struct config *config)
{
	char allowed[KEY_ALLOWED_SIZE], value[KEY_TEXT_SIZE],
	    line[KEY_ALLOWED_SIZE + 64];

	fprintf(file, ".It Ic %s\n", key->name);
	put_mdoc(file, key->help);
	snprintf(line, sizeof line, "Allowed: %s%s%s.", key_allowed(key, allowed),
	    key->unit == NULL ? "" : " ", key->unit == NULL ? "" : key->unit);
	put_mdoc(file, line);
	if (key->type == KEY_LIST) {
		const struct string_list *list = key_value(key, config);
		fputs(list->count == 0 ? "Default: none.\n" : "Default:\n", file);
		for (size_t i = 0; i < list->count; i++)
			fprintf(file, ".Ql %s%s\n", list->items[i],
			    i + 1 < list->count ? " ," : " .");
	} else {
		key_value_text(key, config, value);
		if (*value == '\0')
			fputs("Default: empty.\n", file);
		else
			fprintf(file, "Default:\n.Ql %s .\n", value);
	}
	if (key->needs_restart)
		fputs("A change needs a restart.\n", file);
}

void
config_dump_manual(FILE *file)
{
	struct config *config = config_load(NULL, NULL);

	if (config == NULL)
		return;
	for (size_t s = 0; s < config_sections_count; s++) {
		const struct section *section = &config_sections[s];
		if (*section->name == '\0')
			fprintf(file, ".Ss %s\n", section->help);
		else
			fprintf(file, ".Ss Section %s: %s\n", section->name,
			    section->help);
		fputs(".Bl -tag -width Ds\n", file);
		for (size_t i = 0; i < config_keys_count; i++) {
			if (strcmp(config_keys[i].section, section->name) == 0)
				put_manual_key(file, &config_keys[i], config);
		}
		fputs(".El\n", file);
	}
	config_free(&config);
}
