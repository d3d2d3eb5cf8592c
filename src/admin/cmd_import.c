/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "admin/cmd.h"
#include "admin/import.h"
#include "admin/lines.h"
#include "base/text.h"

static const char *const whats[] = {"postgrey", "sqlgrey", "whitelist", NULL};
static bool (*const readers[])(struct import *, char *) = {
    import_postgrey_line, import_sqlgrey_line, import_whitelist_line};

static bool
add_line(void *ctx, char *line)
{
	struct import *import = ctx;

	import->line++;
	if (line == NULL) {
		import->skipped++;
		return true;
	}
	import->failed = !import->read(import, line);
	return !import->failed;
}

static bool
read_options(struct import *import, struct admin *admin)
{
	const char *delay = args_value(admin, "delay");

	import->delay_s = 300;
	if (delay != NULL && !text_duration(delay, &import->delay_s)) {
		usage(admin,
		    "--delay: \"%.60s\" is not allowed; allowed: a span such as 5m",
		    delay);
		return false;
	}
	return true;
}

static void
write_counts(const struct import *import, struct doc *doc, bool is_list)
{
	doc_fact(doc, "lines", "Lines", cell_count(import->lines));
	if (is_list) {
		doc_fact(doc, "entries", "Entries that targrey accepts",
		    cell_count(import->entries));
	} else {
		doc_fact(doc, "triplets", "Triplets", cell_count(import->triplets));
		doc_fact(
		    doc, "passed", "of these passed", cell_count(import->passed));
		doc_fact(
		    doc, "addresses", "Addresses", cell_count(import->addresses));
		doc_fact(doc, "known", "of these known", cell_count(import->known));
		doc_fact(doc, "networks", "of whole networks (not taken over)",
		    cell_count(import->networks));
	}
	doc_fact(doc, "skipped", "Not understood (skipped)",
	    cell_count(import->skipped));
	if (import->is_dry)
		doc_say(doc, "Nothing was written (--dry-run).");
}

/* Reads words and options; a whitelist needs neither database nor settings. */
static int
begin(struct import *import, struct admin *admin, bool *is_list_r)
{
	unsigned which = 0;

	/* args.c has counted the words */
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
	while (strcmp(whats[which], admin->words[0]) != 0)
		which++;
	*is_list_r = which == 2;
	import->read = readers[which];
	import->kind =
	    args_value(admin, "recipients") != NULL ? "recipient" : "client";
	if (!read_options(import, admin))
		return EXIT_USAGE;
	if (*is_list_r)
		return EXIT_OK;
	const struct config *config = admin_config(admin);
	if (config == NULL)
		return EXIT_FAILED;
	import->policy = &config->policy;
	import->query = admin_query(admin, !import->is_dry);
	return import->query == NULL ? EXIT_FAILED : EXIT_OK;
}

static bool
read_files(struct import *import, struct admin *admin)
{
	bool ok = true;

	for (int i = 1; ok && i < admin->words_count; i++) {
		import_begin(import, admin->words[i]);
		ok = lines_each(
		         admin, admin->words[i], add_line, import, import->error) &&
		     !import->failed && import_end(import);
	}
	return ok;
}

static int
run(struct admin *admin)
{
	static const struct column columns[] = {
	    {"file", "File", 0, false},
	    {"line", "Line", 0, false},
	    {"wrong", "What is wrong", 0, false},
	};
	struct error error;
	struct import import = {.now = admin_now(admin),
	    .is_dry = args_value(admin, "dry-run") != NULL,
	    .error = &error};
	bool is_list;

	int code = begin(&import, admin, &is_list);
	if (code != EXIT_OK)
		return code;
	import.doc = doc_new("targrey import");
	if (import.doc == NULL)
		return admin_write(admin, &import.doc);
	doc_section(import.doc, "import", "Import");
	doc_table(import.doc, columns, 3);
	if (!read_files(&import, admin)) {
		import_clear(&import);
		doc_free(&import.doc);
		return failed(admin, &error);
	}
	write_counts(&import, import.doc, is_list);
	bool is_wrong = is_list && import.skipped > 0;
	code = admin_write(admin, &import.doc);
	return code == EXIT_OK && is_wrong ? EXIT_FAILED : code;
}

static const struct option_row options[] = {
    {"dry-run", NULL, "write nothing, only say what would be taken over", NULL,
        false},
    {"delay", "SPAN", "the other greylister's delay (5m)", NULL, false},
    {"recipients", NULL, "whitelist: the file lists recipients", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_import = {
    .name = "import",
    .args = "postgrey|sqlgrey|whitelist FILE... [--dry-run]",
    .help = "Take over what another greylister has learned",
    .manual =
        "postgrey: db_dump -h /var/lib/postgrey postgrey.db | targreyctl import "
        "postgrey -, "
        "and the same for postgrey_clients.db (package db-util).\n\n"
        "sqlgrey: sqlite3 sqlgrey.db .dump | targreyctl import sqlgrey -, or the "
        "dump of "
        "mysqldump --skip-extended-insert or pg_dump --inserts. Times are taken as "
        "local time of this host, those of mysqldump as it says (UTC). What "
        "sqlgrey has "
        "learned of whole networks has no "
        "place here and is only counted.\n\n"
        "whitelist: checks a whitelist of postgrey line by line; what is right may "
        "be "
        "copied into allow.d as it is. Exit status 1 when a line is wrong.\n\n"
        "Passed triplets pass again, waiting ones go on waiting from their first "
        "attempt. "
        "What is on record already and newer stays.",
    .options = options,
    .words = whats,
    .words_least = 2,
    .words_most = WORDS_MAX,
    .run = run,
};
