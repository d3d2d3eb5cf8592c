/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "admin/serve.h"

#define LINE_WORDS 40

/*
 * "--name", "value" becomes "--name=value", so that no value is read as an option;
 * an option with value "" is left out. All after "--" are words.
 */
static int
copy_line(const char *const *line, char *copy[static LINE_WORDS])
{
	bool words = false;
	int count = 0;

	for (; *line != NULL && count < LINE_WORDS; line++) {
		bool is_option = !words && line[0][2] != '\0' && line[1] != NULL;
		char *text = NULL;
		if (!is_option) {
			words = true;
			text = strdup(*line);
		} else if (*line[1] != '\0' &&
		           asprintf(&text, "%s=%s", line[0], line[1]) < 0) {
			text = NULL;
		}
		line += is_option;
		if (text != NULL)
			copy[count++] = text;
	}
	return count;
}

struct doc *
serve_command(struct serve *serve, const struct command *command,
    const char *const *line, bool is_change, char **said_r)
{
	const char *now = args_value(serve->admin, "now");
	const char *database = args_value(serve->admin, "database");
	const char *config = args_value(serve->admin, "config");
	const char *common[] = {"--now", now == NULL ? "" : now, "--database",
	    database == NULL ? "" : database, "--config",
	    config == NULL ? "" : config, NULL};
	struct admin *admin = calloc(1, sizeof *admin);
	char *words[2 * LINE_WORDS];
	struct doc *doc = NULL;
	size_t length = 0;
	struct error error;

	*said_r = NULL;
	if (admin == NULL)
		return NULL;
	*admin = (struct admin){.program = serve->admin->program,
	    .command = command,
	    .clock = serve->admin->clock,
	    .query = is_change ? NULL : serve->admin->query,
	    .out = serve->admin->out,
	    .err = open_memstream(said_r, &length),
	    .doc_r = &doc};
	int count = copy_line(common, words);
	count += copy_line(line, words + count);
	if (admin->err != NULL && !args_parse(admin, count, words, &error))
		usage(admin, "%s", error.text);
	else if (admin->err != NULL && command->run(admin) != EXIT_OK)
		doc_free(&doc);
	if (admin->err != NULL)
		fclose(admin->err);
	if (is_change)
		query_close(&admin->query);
	/* explain consumes its configuration, so each command reads its own */
	config_free(&admin->config);
	for (int i = 0; i < count; i++)
		free(words[i]);
	free(admin);
	return doc;
}
