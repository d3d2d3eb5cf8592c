/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "admin/cmd.h"
#include "lists/list.h"
#include "lists/local.h"
#include "lists/s25r.h"

static int
check(struct admin *admin, const struct config *config)
{
	struct error error;
	struct s25r *s25r = s25r_load(config->s25r_file, &error);

	struct list *allow =
	    s25r == NULL ? NULL
	                 : list_load((const char *const *)config->allow_files.items,
	                       config->allow_files.count, &error);
	struct local *local =
	    allow == NULL
	        ? NULL
	        : local_load((const char *const *)config->suspect_files.items,
	              config->suspect_files.count, &error);
	bool good = local != NULL;
	s25r_free(&s25r);
	list_free(&allow);
	local_free(&local);
	if (!good)
		return failed(admin, &error);
	fprintf(admin->out, "%s: good\n", config->path);
	return EXIT_OK;
}

static int
run(struct admin *admin)
{
	const char *what = admin->words_count == 0 ? "dump" : admin->words[0];

	if (args_value(admin, "default") != NULL) {
		config_dump_default(admin->out);
		return EXIT_OK;
	}
	if (args_value(admin, "manual") != NULL) {
		config_dump_manual(admin->out);
		return EXIT_OK;
	}
	const struct config *config = admin_config(admin);
	if (config == NULL)
		return EXIT_FAILED;
	if (strcmp(what, "check") == 0)
		return check(admin, config);
	config_dump(config, admin->out);
	return EXIT_OK;
}

static const char *const whats[] = {"dump", "check", NULL};
static const struct option_row options[] = {
    {"default", NULL, "the sample file: every key with its default and range", NULL,
        false},
    {"manual", NULL, "the keys for targrey.conf(5)", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_config = {
    .name = "config",
    .args = "[dump|check] [--default]",
    .help = "Print the settings in force, or check the configuration",
    .manual =
        "check reads the configuration, the S25R rules and the lists that it "
        "names, "
        "as the daemon would at its start, and says file, line, key and what is "
        "allowed.",
    .options = options,
    .words = whats,
    .words_most = 1,
    .run = run,
};
