/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/cmd.h"
#include "config/snapshot.h"

static int
run(struct admin *admin)
{
	const struct config *config = admin_config(admin);
	struct query *query = config == NULL ? NULL : admin_query(admin, true);
	struct store_settings settings;
	struct store_counts counts = {0};
	struct error error;

	if (query == NULL)
		return EXIT_FAILED;
	config_store_settings(config, &settings);
	if (!query_expire(query, &settings, admin_now(admin), &counts, &error))
		return failed(admin, &error);
	struct doc *doc = doc_new("targrey expire");
	if (doc != NULL) {
		doc_section(doc, "expired", "Expired");
		doc_fact(
		    doc, "addresses", "Addresses", cell_count(counts.addresses));
		doc_fact(doc, "domains", "SPF domains", cell_count(counts.domains));
		doc_fact(doc, "triplets", "Triplets", cell_count(counts.triplets));
		doc_fact(doc, "events", "Events", cell_count(counts.events));
	}
	return admin_write(admin, &doc);
}

const struct command command_expire = {
    .name = "expire",
    .args = "",
    .help = "Remove at once what has expired",
    .manual =
        "The daemon does the same all the time in small slices; this is for a "
        "database that no daemon uses, or after a lifetime was shortened.",
    .run = run,
};
