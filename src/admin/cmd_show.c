/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "admin/cmd.h"
#include "admin/rows.h"
#include "base/domain.h"

/* Rows of a section; a note says so when there are more. */
#define CLIENTS_MOST  1000
#define TRIPLETS_MOST 100

struct shown {
	struct doc *doc;
	const char *domain;
	int64_t now;
	uint64_t found;
	bool is_cut; /* the table has no room for the next row */
};

/* Counts a row; false when the table already has as many as are shown. */
static bool
has_room(struct shown *shown, size_t most)
{
	shown->found++;
	shown->is_cut = doc_rows(shown->doc) >= most;
	return !shown->is_cut;
}

/* option  of list that shows the rest */
static void
tell_cut(
    struct shown *shown, const char *list, const char *option, const char *value)
{
	if (shown->is_cut)
		doc_say(shown->doc,
		    "There are more: targreyctl list %s %s %s --limit 0.", list,
		    option, value);
	shown->is_cut = false;
}

static bool
add_client(void *ctx, const struct address_row *row)
{
	struct shown *shown = ctx;

	if (!has_room(shown, CLIENTS_MOST))
		return false;
	rows_client(shown->doc, row);
	return true;
}

static bool
add_domain(void *ctx, const struct domain_row *row)
{
	struct shown *shown = ctx;

	shown->found++;
	rows_domain(shown->doc, row);
	return true;
}

static bool
add_triplet(void *ctx, const struct triplet_row *row)
{
	struct shown *shown = ctx;

	if (!has_room(shown, TRIPLETS_MOST))
		return false;
	rows_triplet(shown->doc, row);
	return true;
}

static bool
add_event(void *ctx, const struct event *event)
{
	struct shown *shown = ctx;

	shown->found++;
	rows_event(shown->doc, event);
	return true;
}

/* The key of an address's record: for IPv6 its /64. */
static struct ipnet
record_net(const struct ipnet *net)
{
	if (net->prefix == 128)
		return ip_network(&net->ip, 32, 64);
	return *net;
}

static bool
show_client(struct shown *shown, struct query *query, const struct ipnet *given,
    struct error *error)
{
	struct ipnet record = record_net(given);
	char text[IPNET_TEXT_SIZE];
	struct triplet_filter triplets = {.net = given};
	struct event_filter events = {
	    .net = given, .newest_first = true, .limit = 20};

	doc_section(shown->doc, "clients", "Record");
	rows_clients(shown->doc);
	if (!query_addresses(query, &record, 0, add_client, shown, error))
		return false;
	tell_cut(shown, "clients", "--ip", ipnet_to_text(&record, text));
	doc_section(shown->doc, "triplets", "Triplets of its network");
	rows_triplets(shown->doc);
	if (!query_triplets(query, &triplets, add_triplet, shown, error))
		return false;
	tell_cut(shown, "triplets", "--ip", ipnet_to_text(given, text));
	doc_section(shown->doc, "events", "Last events");
	rows_events(shown->doc);
	return query_events(query, &events, add_event, shown, error);
}

static bool
show_domain(struct shown *shown, struct query *query, struct error *error)
{
	char name[DOMAIN_SIZE];
	struct triplet_filter triplets = {.client = name};

	domain_normalize(name, sizeof name, shown->domain);
	doc_section(shown->doc, "domains", "Record");
	rows_domains(shown->doc);
	if (!query_domain(query, name, shown->now, add_domain, shown, error))
		return false;
	doc_section(shown->doc, "triplets", "Its triplets");
	rows_triplets(shown->doc);
	if (!query_triplets(query, &triplets, add_triplet, shown, error))
		return false;
	tell_cut(shown, "triplets", "--name", name);
	return true;
}

static int
run(struct admin *admin)
{
	struct shown shown = {.domain = admin->words[0], .now = admin_now(admin)};
	struct query *query = admin_query(admin, false);
	struct ipnet net;
	struct error error;

	if (query == NULL)
		return EXIT_FAILED;
	shown.doc = doc_new("targrey show");
	if (shown.doc == NULL)
		return admin_write(admin, &shown.doc);
	bool ok = ipnet_from_text(admin->words[0], &net)
	              ? show_client(&shown, query, &net, &error)
	              : show_domain(&shown, query, &error);
	if (ok && shown.found == 0) {
		error_set(
		    &error, "nothing is on record for \"%.100s\"", admin->words[0]);
		ok = false;
	}
	if (!ok) {
		doc_free(&shown.doc);
		return failed(admin, &error);
	}
	return admin_write(admin, &shown.doc);
}

const struct command command_show = {
    .name = "show",
    .args = "ADDRESS|NETWORK|DOMAIN",
    .help = "Show all that is on record for one client or SPF domain",
    .words_least = 1,
    .words_most = 1,
    .run = run,
};
