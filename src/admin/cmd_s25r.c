/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "admin/cmd.h"
#include "admin/rules.h"
#include "base/text.h"

static void
put(struct doc *doc, const struct s25r *s25r, const char *given)
{
	char name[1024];
	bool is_none;

	text_copy(name, sizeof(name), given);
	text_lower(name);
	is_none = strcmp(name, "unknown") == 0 || name[0] == '[' || name[0] == '\0';
	struct s25r_fact fact = s25r_match(s25r, is_none ? NULL : name, false);
	const struct s25r_rule *rule = fact.rule != NULL ? fact.rule : fact.warn;
	doc_row(doc, (struct cell[]){cell_text(given),
	                 cell_text(fact.rule != NULL   ? "match"
	                           : fact.warn != NULL ? "warn"
	                                               : "none"),
	                 cell_text(rule == NULL ? NULL : rule->id),
	                 cell_text(rule == NULL ? NULL : rule->pattern),
	                 cell_text(rule == NULL ? NULL : rule->reason)});
}

static void
read_names(struct doc *doc, const struct s25r *s25r, FILE *file)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\r\n \t")] = '\0';
		if (*line != '\0' && *line != '#')
			put(doc, s25r, line);
	}
	free(line);
}

static int
run(struct admin *admin)
{
	static const struct column columns[] = {
	    {"name", "Name", 50, false},
	    {"s25r", "S25R", 0, false},
	    {"rule", "Rule", 0, false},
	    {"pattern", "Pattern", 0, true},
	    {"reason", "Reason", 60, false},
	};
	struct s25r *s25r = admin_rules(admin);

	if (s25r == NULL)
		return EXIT_FAILED;
	struct doc *doc = doc_new("targrey s25r");
	if (doc != NULL) {
		doc_section(doc, "names", "Names");
		doc_table(doc, columns, 5);
		for (int i = 0; i < admin->words_count; i++)
			if (strcmp(admin->words[i], "-") != 0)
				put(doc, s25r, admin->words[i]);
		if (admin->words_count == 0 || strcmp(admin->words[0], "-") == 0)
			read_names(doc, s25r, stdin);
	}
	int code = admin_write(admin, &doc);
	s25r_free(&s25r);
	return code;
}

static const struct option_row options[] = {
    {"rules", "FILE", "these rules, not those of the configuration", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_s25r = {
    .name = "s25r",
    .args = "[NAME...] [--rules FILE]",
    .help = "Say which S25R rule a name matches",
    .manual =
        "Without a NAME, or with -, names are read from standard input, the first "
        "word of each line. \"unknown\" stands for a client without a verified "
        "name.",
    .options = options,
    .words_most = WORDS_MAX,
    .run = run,
};
