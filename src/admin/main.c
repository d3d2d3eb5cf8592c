/* SPDX-License-Identifier: BSD-2-Clause */
/* targreyctl(8) */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "admin/cmd.h"
#include "base/log.h"

static const struct command *
find_command(const char *name)
{
	for (const struct command *const *command = commands; *command != NULL;
	     command++) {
		if (strcmp((*command)->name, name) == 0)
			return *command;
	}
	return NULL;
}

static int
no_command(struct admin *admin, const char *name)
{
	fprintf(admin->err, "targreyctl: no command \"%.60s\"; there are:", name);
	for (const struct command *const *command = commands; *command != NULL;
	     command++)
		fprintf(admin->err, " %s", (*command)->name);
	fputc('\n', admin->err);
	return EXIT_USAGE;
}

/* The printers of what is made from the table; tests keep them equal to docs/. */
static bool
print_table(const char *what, FILE *file)
{
	static const struct {
		const char *name;
		void (*print)(FILE *);
	} printers[] = {
	    {"--print-manual", print_manual},
	    {"--print-markdown", print_markdown},
	    {"--print-completion", print_completion},
	    {"--help", print_help},
	    {"-h", print_help},
	    {"help", print_help},
	};

	for (size_t i = 0; i < sizeof(printers) / sizeof(*printers); i++) {
		if (strcmp(printers[i].name, what) == 0) {
			printers[i].print(file);
			return true;
		}
	}
	return false;
}

static int
run(struct admin *admin, int count, char **line)
{
	struct error error;

	if (!args_parse(admin, count, line, &error))
		return usage(admin, "%s", error.text);
	if (args_value(admin, "help") != NULL) {
		print_command_help(admin->command, admin->out);
		return EXIT_OK;
	}
	const char *now = args_value(admin, "now");
	int64_t time;
	if (now != NULL && !args_time(admin, "now", &time))
		return EXIT_USAGE;
	(void)now;
	return admin->command->run(admin);
}

int
main(int argc, char **argv)
{
	struct admin admin = {.out = stdout, .err = stderr};
	struct error error;

	setlocale(LC_TIME, "");
	log_to_stderr("targreyctl");
	log_set_level(LOG_LEVEL_WARNING);
	clock_init(&admin.clock);
	if (!clock_map_shift(&admin.clock, &error))
		return failed(&admin, &error);
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("targreyctl " TARGREY_VERSION);
		return EXIT_OK;
	}
	if (print_table(argv[1], stdout))
		return EXIT_OK;
	admin.command = find_command(argv[1]);
	int code = admin.command == NULL ? no_command(&admin, argv[1])
	                                 : run(&admin, argc - 2, argv + 2);
	query_close(&admin.query);
	config_free(&admin.config);
	if (fflush(stdout) != 0 && code == EXIT_OK)
		code = EXIT_FAILED;
	return code;
}
