/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * targreyctl: one file per command, one table of them (table.c), from which the
 * parser, the help, targreyctl(8) and the bash completion come. targrey-review
 * has such a table too (review/table.c).
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

/* What targreyctl ends with. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct option_row {
	const char *name;  /* without "--" */
	const char *value; /* name of its value for people; NULL = none */
	const char *help;
	const char *const
	    *words;   /* the values there are, NULL-terminated, or NULL */
	bool is_list; /* may be given more than once */
};

#define OPTIONS_MAX 24
#define WORDS_MAX   1024 /* values of one option, words on the line */

struct admin;
struct command {
	const char *name;
	const char *args;                 /* the rest of the line, for people */
	const char *help;                 /* one line */
	const char *manual;               /* paragraphs parted by an empty line */
	const struct option_row *options; /* name NULL at the end */
	const char *const *words;         /* what the first word may be, or NULL */
	int words_least, words_most;
	int (*run)(struct admin *admin);
};

/* What has such a table: targreyctl, targrey-review. */
struct program {
	const char *name, *section;                /* "targreyctl", "8" */
	const char *summary, *intro, *exit_status; /* for help and manual */
	const char *see_also;                      /* mdoc */
	const struct command *const *commands;     /* NULL at the end */
	const struct option_row *options;          /* that every command takes */
};
/* The last options of such a table. */
#define PROGRAM_OPTIONS                                                            \
	{"format", "FORM", "text (the default), json, csv or html",                \
	    doc_format_words, false},                                              \
	    {"json", NULL, "the same as --format json", NULL, false},              \
	    {"csv", NULL, "the same as --format csv", NULL, false},                \
	    {"wide", NULL, "all columns, whatever the width of the terminal",      \
	        NULL, false},                                                      \
	    {"output", "FILE", "write there instead of to standard output", NULL,  \
	        false},                                                            \
	    {"now", "TIME", "take that time for the present", NULL, false},        \
	    {"help", NULL, "print what the command takes", NULL, false},           \
	{                                                                          \
		NULL, NULL, NULL, NULL, false                                      \
	}

/* One call of the program. */
struct admin {
	const struct program *program;
	const struct command *command;
	const char *words[WORDS_MAX]; /* what is no option */
	int words_count;
	struct {
		const struct option_row *row;
		const char *value;
	} options[WORDS_MAX];
	int options_count;

	FILE *out, *err;
	FILE *output;       /* --output, or out, once it is open */
	struct doc **doc_r; /* what would be written goes there; NULL: to out */
	struct clock clock;
	struct config *config; /* once asked for */
	struct query *query;
	void *more; /* what else the program keeps; NULL at first */
};

/* Does what the line of main() asks for; the exit code. */
int program_run(struct admin *admin, int count, char **line);

/*
 * Fills words and options; false with what is allowed in error. The line must
 * outlive the admin.
 */
bool args_parse(struct admin *admin, int count, char **line, struct error *error);
/* The option's value ("" for one without), NULL when it was not given. */
const char *args_value(const struct admin *admin, const char *name);
/* The n-th value of an option that may come more than once, or NULL. */
const char *args_nth(const struct admin *admin, const char *name, int n);

/*
 * Values of options. Given and wrong: says what is allowed and returns false.
 * Not given: the result keeps what it was.
 */
bool args_count(struct admin *admin, const char *name, size_t *count_r);
/* "7d" = so long ago, "2026-01-31", "2026-01-31 12:00", "@1769860800" */
bool args_time(struct admin *admin, const char *name, int64_t *time_r);
bool args_net(struct admin *admin, const char *name, struct ipnet *net_r,
    const struct ipnet **given_r);

/* Prints "PROGRAM COMMAND: text" and how to get help; EXIT_USAGE. */
int usage(struct admin *admin, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints "PROGRAM: text"; EXIT_FAILED. */
int failed(struct admin *admin, const struct error *error);

/* Now, or what --now says. */
int64_t admin_now(struct admin *admin);
/* The configuration, NULL after it said what is wrong. */
const struct config *admin_config(struct admin *admin);
/* The database, NULL after it said what is wrong. */
struct query *admin_query(struct admin *admin, bool writable);

/* Rows of the doc's table that was begun go out as they come (doc_stream()). */
bool admin_stream(struct admin *admin, struct doc *doc, struct error *error);
/* Writes the doc in the wanted format and frees it; the exit code. */
int admin_write(struct admin *admin, struct doc **doc);
/* As above, for what is always long enough to be read on paper, too. */
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
