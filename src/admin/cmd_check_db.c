/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/cmd.h"

static bool
add_finding(void *ctx, const char *finding)
{
	struct doc *doc = ctx;

	doc_row(doc, (struct cell[]){cell_text(finding)});
	return doc_rows(doc) < 1000;
}

static int
run(struct admin *admin)
{
	static const struct column columns[] = {{"finding", "Finding", 0, false}};
	struct query *query = admin_query(admin, false);
	struct error error;
	bool is_sound = false;

	if (query == NULL)
		return EXIT_FAILED;
	struct doc *doc = doc_new("targrey check-db");
	if (doc == NULL)
		return admin_write(admin, &doc);
	doc_section(doc, "check", "Check");
	doc_table(doc, columns, 1);
	if (!query_check(query, add_finding, doc, &is_sound, &error)) {
		doc_free(&doc);
		return failed(admin, &error);
	}
	doc_fact(doc, "sound", "The database is",
	    cell_text(is_sound ? "sound" : "damaged"));
	int code = admin_write(admin, &doc);
	return code == EXIT_OK && !is_sound ? EXIT_FAILED : code;
}

const struct command command_check_db = {
    .name = "check-db",
    .args = "",
    .help = "Read the whole database and say whether it is sound",
    .manual =
        "May be run while the daemon works. Exit status 1 when something is wrong; "
        "each finding is listed.",
    .run = run,
};
