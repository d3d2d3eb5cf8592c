/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/rules.h"

#include <unistd.h>

/* No configuration was named, and there is none at the default path. */
static bool
has_no_config(const struct admin *admin)
{
	return args_value(admin, "config") == NULL &&
	       access(CONFIG_DEFAULT_PATH, F_OK) != 0;
}

struct s25r *
admin_rules(struct admin *admin)
{
	const char *path = args_value(admin, "rules");
	struct error error;

	if (path == NULL && has_no_config(admin)) {
		error_set(&error, "there is no " CONFIG_DEFAULT_PATH
		                  ": name the S25R rules with --rules "
		                  "(conf/s25r.rules of the source)");
		failed(admin, &error);
		return NULL;
	}
	if (path == NULL) {
		const struct config *config = admin_config(admin);
		if (config == NULL)
			return NULL;
		path = config->s25r_file;
	}
	struct s25r *s25r = s25r_load(path, &error);
	if (s25r == NULL)
		failed(admin, &error);
	return s25r;
}

bool
admin_allow(struct admin *admin, struct list **list_r)
{
	const char *given[WORDS_MAX];
	const char *const *patterns = given;
	size_t count = 0;
	struct error error;

	while (count < WORDS_MAX &&
	       (given[count] = args_nth(admin, "allow", (int)count)) != NULL)
		count++;
	if (count == 0 && has_no_config(admin))
		return true;
	if (count == 0) {
		const struct config *config = admin_config(admin);
		if (config == NULL)
			return false;
		patterns = (const char *const *)config->allow_files.items;
		count = config->allow_files.count;
	}
	*list_r = list_load(patterns, count, &error);
	if (*list_r == NULL)
		failed(admin, &error);
	return *list_r != NULL;
}

const struct config *
admin_config_or_defaults(struct admin *admin)
{
	struct error error;

	if (admin->config != NULL || !has_no_config(admin))
		return admin_config(admin);
	admin->config = config_load(NULL, &error);
	if (admin->config == NULL)
		failed(admin, &error);
	return admin->config;
}
