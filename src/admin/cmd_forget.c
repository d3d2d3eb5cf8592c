/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/cmd.h"
#include "admin/rows.h"
#include "base/text.h"
#include "record/fold.h"
#include "record/history.h"

#define SHOWN_MOST 1000

struct shown {
	struct doc *doc;
	bool has_triplets;
	bool is_cut;
};

static bool
has_room(struct shown *shown)
{
	bool has_room = doc_rows(shown->doc) < SHOWN_MOST;

	shown->is_cut |= !has_room;
	return has_room;
}

static void
show_address(void *ctx, const struct address_row *row)
{
	struct shown *shown = ctx;

	if (has_room(shown))
		rows_client(shown->doc, row);
}

static void
show_triplet(void *ctx, const struct triplet_row *row)
{
	struct shown *shown = ctx;

	if (!shown->has_triplets) {
		doc_section(shown->doc, "triplets", "Triplets");
		rows_triplets(shown->doc);
		shown->has_triplets = true;
	}
	if (has_room(shown))
		rows_triplet(shown->doc, row);
}

static void
write_counts(struct doc *doc, const struct store_counts *counts,
    const struct forget_filter *filter)
{
	doc_section(
	    doc, "forgotten", filter->is_dry ? "Would be forgotten" : "Forgotten");
	doc_fact(doc, "addresses", "Addresses", cell_count(counts->addresses));
	doc_fact(doc, "domains", "SPF domains", cell_count(counts->domains));
	doc_fact(doc, "origins", "Networks, organisations, domains of senders",
	    cell_count(counts->origins));
	doc_fact(doc, "triplets", "Triplets", cell_count(counts->triplets));
	if (filter->is_dry)
		doc_say(doc, "Nothing was removed (--dry-run).");
	if (counts->shared == 0)
		return;
	struct ipnet net = key_network(&filter->net->ip);
	char text[IPNET_TEXT_SIZE];
	doc_fact(doc, "shared", "Triplets that stay", cell_count(counts->shared));
	doc_say(doc,
	    "Triplets are remembered by network, and those that stay are its "
	    "neighbours' as well; --ip %s would remove them.",
	    ipnet_to_text(&net, text));
}

/* An IPv6 address shares the record and the triplets of its /64. */
static void
widen(struct ipnet *net)
{
	if (net->prefix == 128)
		*net = ip_network(&net->ip, 32, 64);
}

static int
run(struct admin *admin)
{
	struct shown shown = {.doc = NULL};
	struct forget_filter filter = {
	    .is_dry = args_value(admin, "dry-run") != NULL,
	    .address = show_address,
	    .triplet = show_triplet,
	    .ctx = &shown};
	struct store_counts counts = {0};
	struct ipnet net;
	char domain[256], sender[FOLD_SIZE], recipient[FOLD_SIZE];
	const char *from = args_value(admin, "from"), *to = args_value(admin, "to");
	const char *name = args_value(admin, "domain");
	struct error error;

	if (!args_net(admin, "ip", &net, &filter.net))
		return EXIT_USAGE;
	if (filter.net != NULL)
		widen(&net);
	if (name != NULL) {
		text_copy(domain, sizeof domain, name);
		text_lower(domain);
		filter.domain = domain;
	}
	if (from != NULL)
		filter.sender = sender_fold(from, sender);
	if (to != NULL)
		filter.recipient = recipient_fold(to, recipient);
	if (filter.net == NULL && name == NULL && from == NULL && to == NULL)
		return usage(admin, "give --ip, --domain, --from or --to");
	struct query *query = admin_query(admin, !filter.is_dry);
	if (query == NULL)
		return EXIT_FAILED;
	shown.doc = doc_new("targrey forget");
	if (shown.doc == NULL)
		return admin_write(admin, &shown.doc);
	doc_section(shown.doc, "addresses", "Addresses");
	rows_clients(shown.doc);
	if (!query_forget(query, &filter, &counts, &error)) {
		doc_free(&shown.doc);
		return failed(admin, &error);
	}
	write_counts(shown.doc, &counts, &filter);
	if (shown.is_cut)
		doc_say(shown.doc, "Only the first %d of each kind are listed.",
		    SHOWN_MOST);
	return admin_write(admin, &shown.doc);
}

static const struct option_row options[] = {
    {"ip", "NET",
        "addresses in it, and records and triplets of networks that it holds", NULL,
        false},
    {"domain", "DOMAIN",
        "an SPF domain and its triplets; what is on record of it as an "
        "organisation "
        "and as a sender's domain",
        NULL, false},
    {"from", "ADDRESS", "triplets of this sender", NULL, false},
    {"to", "ADDRESS", "triplets of this recipient", NULL, false},
    {"dry-run", NULL, "remove nothing, only say what would be removed", NULL,
        false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_forget = {
    .name = "forget",
    .args = "[--ip NET] [--domain DOMAIN] [--from ADDRESS] [--to ADDRESS] "
            "[--dry-run]",
    .help = "Forget records and triplets",
    .manual =
        "What matches all that is given is removed, and listed. Triplets are "
        "remembered by network (IPv4 /24, IPv6 /64), and so are verdicts (IPv4 "
        "/24, IPv6 /48). So a single IPv4 address loses its own record only: those "
        "of its network, which are its neighbours' as well, stay. Events stay, for "
        "the reports.",
    .options = options,
    .run = run,
};
