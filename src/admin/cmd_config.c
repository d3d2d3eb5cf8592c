/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "admin/cmd.h"

static int
check(struct admin *admin, const struct config *config)
{
	struct config_lists lists;
	struct error error;
	bool good = config_lists_load(config, &lists, &error);

	config_lists_clear(&lists);
	if (!good)
		return failed(admin, &error);
	struct doc *doc = doc_new("targrey config");
	if (doc == NULL || admin_format(admin) == DOC_TEXT) {
		doc_free(&doc);
		fprintf(admin->out, "%s: good\n", config->path);
		return EXIT_OK;
	}
	doc_section(doc, "check", "Check");
	doc_fact(doc, "file", "File", cell_text(config->path));
	doc_fact(doc, "result", "Result", cell_text("good"));
	return admin_write(admin, &doc);
}

static int
run(struct admin *admin)
{
	const char *what = admin->words_count == 0 ? "dump" : admin->words[0];

	if (admin_format(admin) != DOC_TEXT && admin_format(admin) != DOC_JSON)
		return usage(admin, "--format: allowed here: text, json");
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
	if (admin_format(admin) == DOC_JSON)
		config_dump_json(config, admin->out);
	else
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
    .args = "[dump|check] [--default] [--json]",
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
