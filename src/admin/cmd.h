/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * targreyctl: one file per command and one table of commands (table.c), from which
 * the parser, the help, targreyctl(8) and the bash completion are made.
 * targrey-review has such a table too (review/table.c).
 */
#ifndef ADMIN_CMD_H
#define ADMIN_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/ip.h"
#include "config/config.h"
#include "report/doc.h"
#include "query/query.h"

/* Exit codes. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct option_row {
	const char *name;  /* without "--" */
	const char *value; /* its placeholder in the help; NULL = none */
	const char *help;
	const char *const
	    *words;   /* the allowed values, NULL-terminated; NULL = any */
	bool is_list; /* may be given more than once */
};

#define WORDS_MAX 1024 /* most values of one option, most words on the line */

struct admin;
struct command {
	const char *name;
	const char *args;   /* its arguments, for the help */
	const char *help;   /* one line */
	const char *manual; /* paragraphs separated by an empty line */
	const struct option_row *options; /* ends with a NULL name */
	const char *const *words;         /* allowed first words; NULL = any */
	int words_least, words_most;
	int (*run)(struct admin *admin);
};

/* A program with such a table: targreyctl, targrey-review. */
struct program {
	const char *name, *section;                /* "targreyctl", "8" */
	const char *summary, *intro, *exit_status; /* for help and manual */
	const char *see_also;                      /* mdoc */
	const struct command *const *commands;     /* NULL at the end */
	const struct option_row *options;          /* accepted by every command */
};
/* The last options of every such table. */
#define PROGRAM_OPTIONS                                                            \
	{"format", "FORM", "text (the default), json, csv or html",                \
	    doc_format_words, false},                                              \
	    {"json", NULL, "the same as --format json", NULL, false},              \
	    {"csv", NULL, "the same as --format csv", NULL, false},                \
	    {"wide", NULL, "all columns, whatever the width of the terminal",      \
	        NULL, false},                                                      \
	    {"output", "FILE", "write there instead of to standard output", NULL,  \
	        false},                                                            \
	    {"now", "TIME", "take this time as the present", NULL, false},         \
	    {"help", NULL, "print what the command takes", NULL, false},           \
	{                                                                          \
		NULL, NULL, NULL, NULL, false                                      \
	}

/* One run of the program. */
struct admin {
	const struct program *program;
	const struct command *command;
	const char *words[WORDS_MAX]; /* arguments that are not options */
	int words_count;
	struct {
		const struct option_row *row;
		const char *value;
	} options[WORDS_MAX];
	int options_count;

	FILE *out, *err;
	FILE *output;       /* --output, or out, once it is open */
	struct doc **doc_r; /* receives the doc; NULL: it goes to out */
	struct clock clock;
	struct config *config; /* NULL until first asked for */
	struct query *query;
	void *more; /* the program's own data; NULL at first */
};

/* Runs the command on main()'s command line. Returns the exit code. */
int program_run(struct admin *admin, int count, char **line);

/*
 * Fills words and options. false: error says what is allowed. The line must
 * outlive the admin.
 */
bool args_parse(struct admin *admin, int count, char **line, struct error *error);
/* The option's value ("" if it takes none); NULL when it was not given. */
const char *args_value(const struct admin *admin, const char *name);
/* The n-th value of an option that may be repeated, or NULL. */
const char *args_nth(const struct admin *admin, const char *name, int n);

/*
 * Typed option values. A wrong value: prints what is allowed, returns false. Not
 * given: leaves the result unchanged.
 */
bool args_count(struct admin *admin, const char *name, size_t *count_r);
/* "7d" = 7 days ago, "2026-01-31", "2026-01-31 12:00", "@1769860800" */
bool args_time(struct admin *admin, const char *name, int64_t *time_r);
/* An address or network; *given_r is net_r, or NULL when it was not given. */
bool args_net(struct admin *admin, const char *name, struct ipnet *net_r,
    const struct ipnet **given_r);

/* Prints "PROGRAM COMMAND: text" and how to get help. Returns EXIT_USAGE. */
int usage(struct admin *admin, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints "PROGRAM: text". Returns EXIT_FAILED. */
int failed(struct admin *admin, const struct error *error);

/* Seconds since 1970: now, or what --now says. */
int64_t admin_now(struct admin *admin);
/* The configuration, owned by admin; NULL after printing what is wrong. */
const struct config *admin_config(struct admin *admin);
/*
 * The database, owned by admin, opened by the first call; NULL after printing what
 * is wrong.
 */
struct query *admin_query(struct admin *admin, bool writable);

/* Writes the rows of the doc's open table as they are added (doc_stream()). */
bool admin_stream(struct admin *admin, struct doc *doc, struct error *error);
/*
 * Writes the doc in the requested format and frees it, or hands it to doc_r. *doc
 * NULL: out of memory, which it prints. Returns the exit code.
 */
int admin_write(struct admin *admin, struct doc **doc);
/* The output format that the options ask for. */
enum doc_format admin_format(struct admin *admin);

/* Progress of long work on a terminal; silent elsewhere. */
struct progress {
	FILE *file;
	const char *what;
	int64_t shown_ms;
	uint64_t done;
};
void progress_begin(
    struct progress *progress, struct admin *admin, const char *what);
/* total 0: not known */
void progress_show(struct progress *progress, uint64_t done, uint64_t total);
void progress_end(struct progress *progress);

/* Help, manual page, completion, all from the tables. */
void print_help(const struct program *program, FILE *file);
void print_command_help(
    const struct program *program, const struct command *command, FILE *file);
void print_manual(const struct program *program, FILE *file);
void print_markdown(const struct program *program, FILE *file);
void print_completion(const struct program *program, FILE *file);

extern const struct command command_allow, command_backup, command_check_db,
    command_config, command_doctor, command_expire, command_explain, command_find,
    command_forget, command_import, command_learn_log, command_list, command_lost,
    command_metrics, command_migrate, command_report, command_s25r, command_serve,
    command_show, command_status, command_unallow;

/* table.c */
extern const struct program targreyctl;

#endif
