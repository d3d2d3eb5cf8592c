/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the files that the settings name; errors name the setting's line. */
#include "config/config.h"
#include "lists/list.h"
#include "lists/local.h"
#include "lists/s25r.h"

static void
blame(const struct config *config, int line, const char *key, struct error *error)
{
	if (config->path == NULL || line == 0)
		error_prefix(error, "%s", key);
	else
		error_prefix(error, "%s:%d: %s", config->path, line, key);
}

bool
config_lists_load(
    const struct config *config, struct config_lists *lists_r, struct error *error)
{
	const char *const *allow = (const char *const *)config->allow_files.items;
	const char *const *suspects =
	    (const char *const *)config->suspect_files.items;

	*lists_r =
	    (struct config_lists){.s25r = s25r_load(config->s25r_file, error)};
	if (lists_r->s25r == NULL) {
		blame(config, config->s25r_line, "suspects.s25r", error);
		return false;
	}
	lists_r->allow = list_load(allow, config->allow_files.count, error);
	if (lists_r->allow == NULL) {
		blame(config, config->allow_files_line, "allow.files", error);
		return false;
	}
	lists_r->local = local_load(suspects, config->suspect_files.count, error);
	if (lists_r->local == NULL) {
		blame(config, config->suspect_files_line, "suspects.files", error);
		return false;
	}
	return true;
}

void
config_lists_clear(struct config_lists *lists)
{
	s25r_free(&lists->s25r);
	list_free(&lists->allow);
	local_free(&lists->local);
}
