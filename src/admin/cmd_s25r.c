/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "admin/cmd.h"
#include "admin/rules.h"
#include "base/text.h"

struct asked {
	const struct s25r *s25r;
	const struct list *allow; /* NULL: no allow lists */
	struct doc *doc;
	size_t names, suspects, let_off;
};

static bool
is_no_name(const char *name)
{
	return strcmp(name, "unknown") == 0 || name[0] == '[' || name[0] == '\0';
}

static void
put(struct asked *asked, const char *given)
{
	char name[1024], place[1200] = "";
	struct list_place where = {NULL, 0, NULL};
	struct ip nowhere = {{0}};

	text_copy(name, sizeof name, given);
	text_lower(name);
	struct s25r_fact fact =
	    s25r_match(asked->s25r, is_no_name(name) ? NULL : name, false);
	const struct s25r_rule *rule = fact.rule != NULL ? fact.rule : fact.warn;
	if (asked->allow != NULL && !is_no_name(name) &&
	    list_match_client(asked->allow, &nowhere, name, &where))
		snprintf(place, sizeof place, "%s:%u", where.file, where.line);
	asked->names++;
	asked->suspects += fact.rule != NULL;
	asked->let_off += fact.rule != NULL && *place != '\0';
	doc_row(asked->doc,
	    (struct cell[]){cell_text(given),
	        cell_text(fact.rule != NULL   ? "match"
	                  : fact.warn != NULL ? "warn"
	                                      : "none"),
	        cell_text(rule == NULL ? NULL : rule->id),
	        cell_text(rule == NULL ? NULL : rule->pattern),
	        cell_text(rule == NULL ? NULL : rule->reason),
	        cell_text(where.entry), cell_text(*place == '\0' ? NULL : place)});
}

static void
put_file(struct asked *asked, FILE *file)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\r\n \t")] = '\0';
		if (*line != '\0' && *line != '#')
			put(asked, line);
	}
	free(line);
}

static bool
put_names(struct asked *asked, struct admin *admin, struct error *error)
{
	const char *path = args_value(admin, "names");
	bool reads_input = path == NULL && admin->words_count == 0;

	for (int i = 0; i < admin->words_count; i++) {
		if (strcmp(admin->words[i], "-") == 0)
			reads_input = true;
		else
			put(asked, admin->words[i]);
	}
	if (reads_input || (path != NULL && strcmp(path, "-") == 0)) {
		put_file(asked, stdin);
	} else if (path != NULL) {
		FILE *file = fopen(path, "re");
		if (file != NULL)
			put_file(asked, file);
		bool ok = file != NULL && !ferror(file);
		if (!ok)
			error_set_errno(error, "%s", path);
		if (file != NULL)
			fclose(file);
		return ok;
	}
	return true;
}

static const struct column columns[] = {
    {"name", "Name", 0, false},
    {"s25r", "S25R", 0, false},
    {"rule", "Rule", 0, false},
    {"pattern", "Pattern", 0, true},
    {"reason", "Reason", 32, false},
    {"let_off_by", "Let off by", 0, false},
    {"place", "In", 0, true},
};

static int
print_names(struct admin *admin, const struct s25r *s25r, const struct list *allow)
{
	struct asked asked = {s25r, allow, doc_new("targrey s25r"), 0, 0, 0};
	struct error error;

	if (asked.doc != NULL) {
		doc_section(asked.doc, "names", "Names");
		doc_table(asked.doc, columns, sizeof columns / sizeof *columns);
		if (!put_names(&asked, admin, &error)) {
			doc_free(&asked.doc);
			return failed(admin, &error);
		}
	}
	if (asked.doc != NULL && args_value(admin, "names") != NULL) {
		doc_section(asked.doc, "summary", "Summary");
		doc_fact(asked.doc, "names", "Names", cell_count(asked.names));
		doc_fact(asked.doc, "suspects",
		    "Names that look like end-user lines",
		    cell_count(asked.suspects));
		doc_fact(asked.doc, "let_off", "of these, let off by a list",
		    cell_count(asked.let_off));
		doc_fact(asked.doc, "left", "Suspects",
		    cell_share((double)(asked.suspects - asked.let_off),
		        (double)asked.names));
	}
	return admin_write(admin, &asked.doc);
}

static int
run(struct admin *admin)
{
	struct s25r *s25r = admin_rules(admin);
	struct list *allow = NULL;
	int code = EXIT_FAILED;

	if (s25r == NULL)
		return EXIT_FAILED;
	if (admin_allow(admin, &allow))
		code = print_names(admin, s25r, allow);
	list_free(&allow);
	s25r_free(&s25r);
	return code;
}

static const struct option_row options[] = {
    {"names", "FILE", "names from a file, the first word of each line", NULL,
        false},
    {"rules", "FILE", "these rules, not those of the configuration", NULL, false},
    {"allow", "FILES", "these allow lists, not those of the configuration", NULL,
        true},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_s25r = {
    .name = "s25r",
    .args = "[NAME...] [--names FILE] [--rules FILE] [--allow FILES]...",
    .help = "Say which S25R rule a name matches, and which list lets it off",
    .manual =
        "Without a NAME and without --names, or with -, names are read from "
        "standard input, the first word of each line. \"unknown\" stands for a "
        "client without a verified name. --names also counts: of so many names, so "
        "many look like those of end-user lines, so many of these are let off by a "
        "line of the allow lists, which is named. --allow takes a shell pattern in "
        "quotes.",
    .options = options,
    .words_most = WORDS_MAX,
    .run = run,
};
