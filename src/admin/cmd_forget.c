/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/cmd.h"
#include "base/text.h"
#include "record/fold.h"

static int
run(struct admin *admin)
{
	struct forget_filter filter = {0};
	struct store_counts counts = {0};
	struct ipnet net;
	char domain[256], sender[FOLD_SIZE], recipient[FOLD_SIZE];
	const char *from = args_value(admin, "from"), *to = args_value(admin, "to");
	const char *name = args_value(admin, "domain");
	struct error error;

	if (!args_net(admin, "ip", &net, &filter.net))
		return EXIT_USAGE;
	if (name != NULL) {
		text_copy(domain, sizeof(domain), name);
		text_lower(domain);
		filter.domain = domain;
	}
	if (from != NULL)
		filter.sender = sender_fold(from, sender);
	if (to != NULL)
		filter.recipient = recipient_fold(to, recipient);
	if (filter.net == NULL && name == NULL && from == NULL && to == NULL)
		return usage(admin, "what? Give --ip, --domain, --from or --to");
	struct query *query = admin_query(admin, true);
	if (query == NULL)
		return EXIT_FAILED;
	if (!query_forget(query, &filter, &counts, &error))
		return failed(admin, &error);
	struct doc *doc = doc_new("targrey forget");
	if (doc != NULL) {
		doc_section(doc, "forgotten", "Forgotten");
		doc_fact(
		    doc, "addresses", "Addresses", cell_count(counts.addresses));
		doc_fact(doc, "domains", "SPF domains", cell_count(counts.domains));
		doc_fact(doc, "triplets", "Triplets", cell_count(counts.triplets));
	}
	return admin_write(admin, &doc);
}

static const struct option_row options[] = {
    {"ip", "NET", "addresses in it, and triplets of networks in it", NULL, false},
    {"domain", "DOMAIN", "an SPF domain and its triplets", NULL, false},
    {"from", "ADDRESS", "triplets of this sender", NULL, false},
    {"to", "ADDRESS", "triplets of this recipient", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_forget = {
    .name = "forget",
    .args = "[--ip NET] [--domain DOMAIN] [--from ADDRESS] [--to ADDRESS]",
    .help = "Forget records and triplets",
    .manual = "All that is given must match. Events stay, for the reports.",
    .options = options,
    .run = run,
};
