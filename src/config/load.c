/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/config.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/config_private.h"

#define FILE_MAX (1024 * 1024)

static const char byte_order_mark[] = "\xef\xbb\xbf"; /* Windows' Notepad */

/*
 * libconfuse's callbacks know no context of ours, and its lexer is one for the
 * process: a thread's load in progress.
 */
static _Thread_local struct load {
	struct config *config;
	struct error *error;
	bool failed;
} * loading;

static void __attribute__((format(printf, 2, 0)))
report(cfg_t *cfg, const char *format, va_list args)
{
	char text[300];

	if (loading->failed)
		return;
	loading->failed = true;
	vsnprintf(text, sizeof text, format, args);
	error_set(loading->error, "%d: %s", cfg->line, text);
}

/* One value, or one item of a list, while libconfuse stands on its line. */
static int
take_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const char *section = strcmp(cfg->name, "root") == 0 ? "" : cfg->name;
	const struct key *key = key_find(section, opt->name);
	char path[KEY_PATH_SIZE];

	*(const char **)result = value;
	if (key != NULL && key_store(key, loading->config, value, loading->error))
		return 0;
	error_prefix(loading->error, "%d: %s", cfg->line,
	    key == NULL ? opt->name : key_path(key, path));
	loading->failed = true;
	return -1;
}

/* The options of one section; opts has room for all keys and a last row. */
static size_t
fill_options(cfg_opt_t *opts, const char *section)
{
	size_t count = 0;

	for (size_t i = 0; i < config_keys_count; i++) {
		const struct key *key = &config_keys[i];
		if (strcmp(key->section, section) != 0)
			continue;
		if (key->type == KEY_LIST)
			opts[count++] = (cfg_opt_t)CFG_STR_LIST_CB(
			    key->name, NULL, CFGF_NODEFAULT, take_value);
		else
			opts[count++] = (cfg_opt_t)CFG_STR_CB(
			    key->name, NULL, CFGF_NODEFAULT, take_value);
	}
	return count;
}

static bool
parse(const char *text)
{
	/* A row for each key, section and end of a section. */
	size_t room = config_keys_count + 2 * config_sections_count + 1;
	cfg_opt_t *opts = calloc(2 * room, sizeof *opts), *sub = opts + room;
	cfg_t *cfg = NULL;

	if (opts == NULL) {
		error_set(loading->error, "out of memory");
		return false;
	}
	size_t top = fill_options(opts, "");
	for (size_t i = 1; i < config_sections_count; i++) {
		size_t count = fill_options(sub, config_sections[i].name);
		sub[count] = (cfg_opt_t)CFG_END();
		opts[top++] =
		    (cfg_opt_t)CFG_SEC(config_sections[i].name, sub, CFGF_NONE);
		sub += count + 1;
	}
	opts[top] = (cfg_opt_t)CFG_END();

	cfg = cfg_init(opts, CFGF_NONE);
	if (cfg != NULL) {
		cfg_set_error_function(cfg, report);
		if (cfg_parse_buf(cfg, text) != CFG_SUCCESS && !loading->failed) {
			error_set(loading->error, "0: cannot be parsed");
			loading->failed = true;
		}
		cfg_free(cfg);
	}
	free(opts);
	return cfg != NULL && !loading->failed;
}

/* The whole file, NUL-terminated; the caller frees. */
static char *
read_file(const char *path, struct error *error)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t length = 0;

	if (file == NULL) {
		error_set_errno(error, "%s", path);
		return NULL;
	}
	text = malloc(FILE_MAX + 1);
	if (text == NULL) {
		error_set(error, "%s: out of memory", path);
		goto done;
	}
	errno = 0;
	length = fread(text, 1, FILE_MAX + 1, file);
	if (ferror(file)) {
		error_set_errno(error, "%s", path);
	} else if (length > FILE_MAX) {
		error_set(error, "%s: larger than 1 MiB", path);
	} else if (memchr(text, '\0', length) != NULL) {
		error_set(error, "%s: holds NUL octets", path);
	} else {
		text[length] = '\0';
		fclose(file);
		return text;
	}
done:
	free(text);
	fclose(file);
	return NULL;
}

static bool
set_defaults(struct config *config)
{
	for (size_t i = 0; i < config_keys_count; i++) {
		if (!key_reset(&config_keys[i], config))
			return false;
	}
	return true;
}

static bool
read_text(struct config *config, const char *text, struct places *places,
    struct error *error)
{
	struct load load = {config, error, false};

	if (!config_scan(text, places, error))
		return false;
	for (size_t i = 0; i < places->count; i++) {
		const struct place *place = &places->items[i];
		if (place->key->type == KEY_LIST && !place->append)
			string_list_clear(key_field(place->key, config));
	}
	loading = &load;
	bool ok = parse(text);
	loading = NULL;
	return ok;
}

static void
keep_lines(struct config *config, const struct places *places)
{
	config->s25r_line = places_line(places, "suspects", "s25r");
	config->suspect_files_line = places_line(places, "suspects", "files");
	config->allow_files_line = places_line(places, "allow", "files");
}

struct config *
config_load(const char *path, struct error *error)
{
	struct config *config = calloc(1, sizeof *config);
	struct places places = {NULL, 0};
	char *text = NULL;
	bool ok = false;

	if (config == NULL || !set_defaults(config)) {
		error_set(error, "out of memory");
		goto done;
	}
	if (path != NULL) {
		text = read_file(path, error);
		config->path = text_dup(path);
		if (text == NULL || config->path == NULL)
			goto done;
		const char *start =
		    strncmp(text, byte_order_mark, 3) == 0 ? text + 3 : text;
		ok = read_text(config, start, &places, error);
	}
	if (path == NULL || ok)
		ok = config_finish(config, &places, error);
	keep_lines(config, &places);
	if (!ok && path != NULL && error != NULL) {
		struct error rest = *error;
		error_set(error, "%s:%.460s", path, rest.text);
	}
done:
	free(places.items);
	free(text);
	if (!ok)
		config_free(&config);
	return config;
}

void
config_free(struct config **config)
{
	if (*config == NULL)
		return;
	for (size_t i = 0; i < config_keys_count; i++) {
		const struct key *key = &config_keys[i];
		if (key->type == KEY_LIST)
			string_list_clear(key_field(key, *config));
		else if (key->type == KEY_TEXT)
			free(*(char **)key_field(key, *config));
	}
	for (size_t i = 0; i < (*config)->dnsbl_count; i++) {
		free((char *)(*config)->dnsbl_settings[i].zone);
		free((char *)(*config)->dnsbl_settings[i].name);
	}
	free((*config)->dnsbl_settings);
	free((*config)->exempt);
	free((*config)->mx_ranks);
	free((*config)->hostname);
	free((*config)->dns_servers_text);
	free((*config)->path);
	free(*config);
	*config = NULL;
}
