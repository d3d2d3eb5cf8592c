/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of a program that has a table of commands. */
#include <string.h>

#include "admin/cmd.h"
#include "base/version.h"

static const struct command *
find_command(const struct program *program, const char *name)
{
	for (const struct command *const *command = program->commands;
	     *command != NULL; command++) {
		if (strcmp((*command)->name, name) == 0)
			return *command;
	}
	return NULL;
}

static int
no_command(struct admin *admin, const char *name)
{
	const struct program *program = admin->program;

	fprintf(admin->err,
	    "%s: unknown command \"%.60s\"; there are:", program->name, name);
	for (const struct command *const *command = program->commands;
	     *command != NULL; command++)
		fprintf(admin->err, " %s", (*command)->name);
	fputc('\n', admin->err);
	return EXIT_USAGE;
}

/* What can be printed from the table; tests keep docs/ equal to it. */
static bool
print_table(const struct program *program, const char *what, FILE *file)
{
	static const struct {
		const char *name;
		void (*print)(const struct program *, FILE *);
	} printers[] = {
	    {"--print-manual", print_manual},
	    {"--print-markdown", print_markdown},
	    {"--print-completion", print_completion},
	    {"--help", print_help},
	    {"-h", print_help},
	    {"help", print_help},
	};

	for (size_t i = 0; i < sizeof printers / sizeof *printers; i++) {
		if (strcmp(printers[i].name, what) == 0) {
			printers[i].print(program, file);
			return true;
		}
	}
	return false;
}

static int
run_command(struct admin *admin, int count, char **line)
{
	struct error error;

	if (!args_parse(admin, count, line, &error))
		return usage(admin, "%s", error.text);
	if (args_value(admin, "help") != NULL) {
		print_command_help(admin->program, admin->command, admin->out);
		return EXIT_OK;
	}
	const char *now = args_value(admin, "now");
	int64_t time;
	if (now != NULL && !args_time(admin, "now", &time))
		return EXIT_USAGE;
	return admin->command->run(admin);
}

/* -f and --config precede their value, as do other common options. */
static bool
takes_value(const struct program *program, const char *name)
{
	const struct option_row *row = program->options;

	if (strcmp(name, "-f") == 0)
		return true;
	if (strncmp(name, "--", 2) != 0)
		return false;
	while (row->name != NULL && strcmp(row->name, name + 2) != 0)
		row++;
	return row->name != NULL && row->value != NULL;
}

/* Moves the command in front of the options that precede it. */
static bool
bring_forward(const struct program *program, int count, char **line)
{
	int at = 1;

	while (at < count && line[at][0] == '-' && line[at][1] != '\0')
		at += takes_value(program, line[at]) ? 2 : 1;
	if (at >= count)
		return false;
	char *name = line[at];
	for (; at > 1; at--)
		line[at] = line[at - 1];
	line[1] = name;
	return true;
}

int
program_run(struct admin *admin, int count, char **line)
{
	const struct program *program = admin->program;

	for (int i = 1; i < count && line[i][0] == '-'; i++) {
		if (strcmp(line[i], "--version") == 0) {
			fprintf(
			    admin->out, "%s %s\n", program->name, version_text());
			return EXIT_OK;
		}
		if (print_table(program, line[i], admin->out))
			return EXIT_OK;
	}
	if (count < 2 || !bring_forward(program, count, line)) {
		print_help(program, admin->err);
		return EXIT_USAGE;
	}
	if (print_table(program, line[1], admin->out))
		return EXIT_OK;
	admin->command = find_command(program, line[1]);
	return admin->command == NULL ? no_command(admin, line[1])
	                              : run_command(admin, count - 2, line + 2);
}
