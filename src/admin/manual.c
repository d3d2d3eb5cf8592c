/* SPDX-License-Identifier: BSD-2-Clause */
/* Help, manual page (mdoc), docs/PROGRAM.md and the completion. */
#include <string.h>

#include "admin/cmd.h"

static void
print_options(const struct option_row *rows, FILE *file)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		int used = fprintf(file, "  --%s%s%s", rows->name,
		    rows->value != NULL ? " " : "",
		    rows->value != NULL ? rows->value : "");
		fprintf(file, "%*s%s\n", used < 24 ? 24 - used : 1, "", rows->help);
	}
}

void
print_help(const struct program *program, FILE *file)
{
	fprintf(file, "usage: %s COMMAND [OPTION...]\n\n", program->name);
	for (const struct command *const *command = program->commands;
	     *command != NULL; command++)
		fprintf(file, "  %-11s %s\n", (*command)->name, (*command)->help);
	fputs("\nEvery command takes:\n", file);
	print_options(program->options, file);
	fprintf(file, "\n%s COMMAND --help says more; so does %s(%s).\n",
	    program->name, program->name, program->section);
}

void
print_command_help(
    const struct program *program, const struct command *command, FILE *file)
{
	fprintf(file, "usage: %s %s %s\n\n%s.\n", program->name, command->name,
	    command->args, command->help);
	if (command->manual != NULL)
		fprintf(file, "\n%s\n", command->manual);
	if (command->options != NULL) {
		fputs("\nOptions:\n", file);
		print_options(command->options, file);
	}
	fputs("\nEvery command takes:\n", file);
	print_options(program->options, file);
}

#define MDOC_WIDTH 76

/* Writes one word, its backslashes and hyphens escaped. Returns its width. */
static int
mdoc_word(FILE *file, const char *word, size_t length, bool at_start)
{
	int width = 0;

	if (at_start && (*word == '.' || *word == '\''))
		width += fprintf(file, "\\&");
	for (size_t i = 0; i < length; i++) {
		if (word[i] == '\\')
			width += fprintf(file, "\\e");
		else if (word[i] == '-')
			width += fprintf(file, "\\-");
		else
			width += fprintf(file, "%c", word[i]);
	}
	return width;
}

static int
mdoc_width(const char *word, size_t length)
{
	int width = (int)length;

	for (size_t i = 0; i < length; i++)
		width += word[i] == '-' || word[i] == '\\';
	return width;
}

/* Running text: short lines, and each sentence on a line of its own. */
static void
mdoc_text(FILE *file, const char *text)
{
	int column = 0;
	bool ended = false;

	for (;;) {
		const char *word = text + strspn(text, " \n");
		bool paragraph =
		    memmem(text, (size_t)(word - text), "\n\n", 2) != NULL;
		size_t length = strcspn(word, " \n");
		if (length == 0)
			break;
		int width = mdoc_width(word, length);
		if (column > 0 &&
		    (ended || paragraph || column + 1 + width > MDOC_WIDTH)) {
			fputs(paragraph ? "\n.Pp\n" : "\n", file);
			column = 0;
		}
		if (column > 0)
			column += fprintf(file, " ");
		column += mdoc_word(file, word, length, column == 0);
		ended = strchr(".?!", word[length - 1]) != NULL;
		text = word + length;
	}
	fputc('\n', file);
}

static void
mdoc_options(FILE *file, const struct option_row *rows)
{
	if (rows == NULL || rows->name == NULL)
		return;
	fputs(".Bl -tag -width Ds\n", file);
	for (; rows->name != NULL; rows++) {
		fprintf(file, ".It Fl Fl %s%s%s\n", rows->name,
		    rows->value != NULL ? " Ar " : "",
		    rows->value != NULL ? rows->value : "");
		mdoc_text(file, rows->help);
		if (rows->is_list)
			fputs("May be given more than once.\n", file);
	}
	fputs(".El\n", file);
}

/* The title, as .Dt wants it. */
static void
print_capitals(FILE *file, const char *text)
{
	for (; *text != '\0'; text++)
		fputc(
		    *text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text, file);
}

void
print_manual(const struct program *program, FILE *file)
{
	fprintf(file,
	    ".\\\" SPDX-License-Identifier: BSD-2-Clause\n"
	    ".\\\" Made from the command table: %s --print-manual\n"
	    ".Dd $Mdocdate$\n.Dt ",
	    program->name);
	print_capitals(file, program->name);
	fprintf(file,
	    " %s\n.Os\n.Sh NAME\n.Nm %s\n"
	    ".Nd %s\n.Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar option ...\n"
	    ".Sh DESCRIPTION\n",
	    program->section, program->name, program->summary);
	mdoc_text(file, program->intro);
	fputs(".Pp\nEvery command takes:\n", file);
	mdoc_options(file, program->options);
	fputs(".Sh COMMANDS\n", file);
	for (const struct command *const *at = program->commands; *at != NULL;
	     at++) {
		fprintf(file, ".Ss %s\n.Nm\n.Cm %s\n", (*at)->name, (*at)->name);
		if (*(*at)->args != '\0')
			mdoc_text(file, (*at)->args);
		fputs(".Pp\n", file);
		fprintf(file, "%s.\n", (*at)->help);
		if ((*at)->manual != NULL) {
			fputs(".Pp\n", file);
			mdoc_text(file, (*at)->manual);
		}
		mdoc_options(file, (*at)->options);
	}
	fputs(".Sh FILES\n.Bl -tag -width Ds\n.It Pa " CONFIG_DEFAULT_PATH "\n"
	      "settings, see\n.Xr targrey.conf 5\n.El\n.Sh EXIT STATUS\n",
	    file);
	mdoc_text(file, program->exit_status);
	fprintf(file, ".Sh SEE ALSO\n%s", program->see_also);
}

static void
markdown_options(FILE *file, const struct option_row *rows)
{
	if (rows == NULL || rows->name == NULL)
		return;
	fputs("\n| option | meaning |\n| --- | --- |\n", file);
	for (; rows->name != NULL; rows++)
		fprintf(file, "| `--%s%s%s` | %s%s |\n", rows->name,
		    rows->value != NULL ? " " : "",
		    rows->value != NULL ? rows->value : "", rows->help,
		    rows->is_list ? " (may be repeated)" : "");
}

void
print_markdown(const struct program *program, FILE *file)
{
	fprintf(file,
	    "# %s: %s\n\n"
	    "Made from the command table (`%s --print-markdown`); a test "
	    "keeps it equal.\n\n%s\n\nEvery command takes:\n",
	    program->name, program->summary, program->name, program->intro);
	markdown_options(file, program->options);
	for (const struct command *const *at = program->commands; *at != NULL;
	     at++) {
		fprintf(file, "\n## %s\n\n    %s %s %s\n\n%s.\n", (*at)->name,
		    program->name, (*at)->name, (*at)->args, (*at)->help);
		if ((*at)->manual != NULL)
			fprintf(file, "\n%s\n", (*at)->manual);
		markdown_options(file, (*at)->options);
	}
	fprintf(file, "\n## Exit status\n\n%s\n", program->exit_status);
}

static void
completion_options(FILE *file, const struct option_row *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		fprintf(file, " --%s", rows->name);
}

static void
completion_words(FILE *file, const struct option_row *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		if (rows->value == NULL)
			continue;
		fprintf(file, "\t--%s)\n", rows->name);
		if (rows->words != NULL) {
			fputs("\t\tCOMPREPLY=($(compgen -W '", file);
			for (const char *const *word = rows->words; *word != NULL;
			     word++)
				fprintf(file, "%s%s",
				    word == rows->words ? "" : " ", *word);
			fputs("' -- \"$cur\"))\n", file);
		} else if (strcmp(rows->value, "FILE") == 0) {
			fputs("\t\tcompopt -o default 2>/dev/null\n", file);
		}
		fputs("\t\treturn\n\t\t;;\n", file);
	}
}

void
print_completion(const struct program *program, FILE *file)
{
	fprintf(file,
	    "# SPDX-License-Identifier: BSD-2-Clause\n"
	    "# bash completion for %s(%s); made from the command table:\n"
	    "# %s --print-completion\n"
	    "_%s()\n{\n\tlocal cur=${COMP_WORDS[COMP_CWORD]}\n"
	    "\tlocal prev=${COMP_WORDS[COMP_CWORD-1]} cmd=${COMP_WORDS[1]}\n"
	    "\tCOMPREPLY=()\n\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	    "\t\tCOMPREPLY=($(compgen -W '",
	    program->name, program->section, program->name, program->name);
	for (const struct command *const *at = program->commands; *at != NULL; at++)
		fprintf(
		    file, "%s%s", at == program->commands ? "" : " ", (*at)->name);
	fputs("' -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase $prev in\n", file);
	completion_words(file, program->options);
	fputs("\tesac\n\tcase $cmd in\n", file);
	for (const struct command *const *at = program->commands; *at != NULL;
	     at++) {
		fprintf(file, "\t%s)\n\t\tcase $prev in\n", (*at)->name);
		completion_words(file, (*at)->options);
		fputs("\t\tesac\n\t\tif [[ $cur == -* ]]; then\n"
		      "\t\t\tCOMPREPLY=($(compgen -W '",
		    file);
		completion_options(file, (*at)->options);
		completion_options(file, program->options);
		fputs("' -- \"$cur\"))\n\t\t\treturn\n\t\tfi\n", file);
		if ((*at)->words != NULL) {
			fputs("\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n"
			      "\t\t\tCOMPREPLY=($(compgen -W '",
			    file);
			for (const char *const *word = (*at)->words; *word != NULL;
			     word++)
				fprintf(file, "%s%s",
				    word == (*at)->words ? "" : " ", *word);
			fputs("' -- \"$cur\"))\n\t\t\treturn\n\t\tfi\n", file);
		}
		fputs("\t\tcompopt -o default 2>/dev/null\n\t\t;;\n", file);
	}
	fprintf(
	    file, "\tesac\n}\ncomplete -F _%s %s\n", program->name, program->name);
}
