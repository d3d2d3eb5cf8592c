/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/cmd.h"

static void
show(void *ctx, int left, int total)
{
	progress_show(ctx, (uint64_t)(total - left), (uint64_t)total);
}

static int
run(struct admin *admin)
{
	struct query *query = admin_query(admin, false);
	struct progress progress;
	struct error error;

	if (query == NULL)
		return EXIT_FAILED;
	progress_begin(&progress, admin, "backup");
	bool ok = query_backup(query, admin->words[0], show, &progress, &error);
	progress_end(&progress);
	if (!ok)
		return failed(admin, &error);
	struct doc *doc = doc_new("targrey backup");
	if (doc != NULL) {
		doc_section(doc, "backup", "Backup");
		doc_fact(doc, "file", "Written to", cell_text(admin->words[0]));
	}
	return admin_write(admin, &doc);
}

const struct command command_backup = {
    .name = "backup",
    .args = "FILE",
    .help = "Copy the database while the daemon writes",
    .manual = "FILE must not exist yet; a copy that fails is removed. The copy is "
              "that of "
              "one moment and can be used as it is.",
    .words_least = 1,
    .words_most = 1,
    .run = run,
};
