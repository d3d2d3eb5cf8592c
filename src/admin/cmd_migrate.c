/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "admin/cmd.h"
#include "query/migrate.h"

static void
show(void *ctx, enum migrate_kind kind, uint64_t done, uint64_t total)
{
	struct progress *progress = ctx;

	progress->what = migrate_words[kind];
	progress_show(progress, done, total);
}

static struct doc *
tell(const struct migrate_report *report)
{
	static const struct column columns[] = {
	    {"what", "What", 0, false},
	    {"source", "In the source", 0, false},
	    {"written", "Written now", 0, false},
	    {"target", "In the target", 0, false},
	    {"equal", "Equal", 0, false},
	};
	struct doc *doc = doc_new("targrey migrate");

	if (doc == NULL)
		return NULL;
	doc_section(doc, "migrate", "Copied");
	doc_table(doc, columns, 5);
	for (int i = 0; i < MIGRATE_KINDS; i++) {
		const struct migrate_counts *counts = &report->kinds[i];
		bool is_equal = counts->rows == counts->found &&
		                counts->sum == counts->sum_found;
		doc_row(
		    doc, (struct cell[]){cell_text(migrate_words[i]),
		             cell_count(counts->rows), cell_count(counts->written),
		             cell_count(counts->found),
		             cell_text(is_equal ? "yes" : "no")});
	}
	doc_fact(doc, "equal", "Counts and sums of both are",
	    cell_text(report->is_equal ? "equal" : "not equal"));
	if (!report->is_equal)
		doc_say(doc,
		    "The source has changed since the target was begun, or "
		    "somebody else wrote into it: begin again with an "
		    "empty target.");
	return doc;
}

static int
run(struct admin *admin)
{
	struct migrate_report report;
	struct progress progress;
	struct error error;

	progress_begin(&progress, admin, "");
	bool ok = query_migrate(admin->words[0], admin->words[1], admin_now(admin),
	    show, &progress, &report, &error);
	progress_end(&progress);
	if (!ok)
		return failed(admin, &error);
	struct doc *doc = tell(&report);
	int code = admin_write(admin, &doc);
	return code == EXIT_OK && !report.is_equal ? EXIT_FAILED : code;
}

const struct command command_migrate = {
    .name = "migrate",
    .args = "FROM TO",
    .help = "Copy all that is on record into another database",
    .manual =
        "FROM and TO are URLs as in store.url, sqlite:/path or "
        "postgresql://host/database, in either direction. TO is new and empty: "
        "its tables are made, and the secret of the hashes is taken over. Stop "
        "every targreyd that uses one of them; mail goes on without a filter "
        "meanwhile, and what a running one writes would be left behind, so that "
        "it is refused.\n\n"
        "When it is interrupted, call it again: what is there already is not "
        "written twice. At the end all of TO is read again and compared by counts "
        "and sums; exit status 1 when they differ. Once a targreyd has used TO, "
        "nothing is copied into it any more. Octets that are not UTF-8 become "
        "U+FFFD in PostgreSQL.",
    .words_least = 2,
    .words_most = 2,
    .run = run,
};
