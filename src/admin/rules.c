/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/rules.h"

#include <unistd.h>

struct s25r *
admin_rules(struct admin *admin)
{
	const char *path = args_value(admin, "rules");
	struct error error;

	if (path == NULL && args_value(admin, "config") == NULL &&
	    access(CONFIG_DEFAULT_PATH, F_OK) != 0) {
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
