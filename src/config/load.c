/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/config_private.h"

#define FILE_MAX (1024 * 1024)

static const char byte_order_mark[] = "\xef\xbb\xbf"; /* Windows' Notepad */

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
		error_set(error, "%s: contains NUL octets", path);
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
		ok = config_parse(start, config, &places, error);
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
