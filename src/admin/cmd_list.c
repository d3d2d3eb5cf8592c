/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/cmd.h"
#include "admin/live.h"
#include "admin/rows.h"
#include "record/fold.h"
#include "record/history.h"

#define NAMED_MOST 10000

/* What to list, and the progress so far. */
struct listing {
	struct admin *admin;
	const struct config *config; /* for lists that ask the daemon */
	struct doc *doc;
	struct ipnet net;
	const struct ipnet *net_given;
	const char *name, *sender, *recipient, *state;
	int64_t since, now;
	size_t limit, left_out;
	bool streams;     /* rows are written as they are read */
	struct ip *named; /* clients: addresses that had that name or mail */
	size_t named_count;
	bool is_cut; /* there may be more than NAMED_MOST */
};

static bool
has_room(struct listing *listing)
{
	if (listing->limit == 0 || doc_rows(listing->doc) < listing->limit)
		return true;
	listing->left_out++;
	return false;
}

/* Called after the table's head is written. */
static bool
begin_rows(struct listing *listing, struct error *error)
{
	return !listing->streams ||
	       admin_stream(listing->admin, listing->doc, error);
}

static bool
is_state(const struct listing *listing, const char *word)
{
	return listing->state != NULL && strcmp(listing->state, word) == 0;
}

static bool
is_named(const struct listing *listing, const struct ip *ip)
{
	struct ip key = key_address(ip);

	if (listing->name == NULL && listing->sender == NULL &&
	    listing->recipient == NULL)
		return true;
	for (size_t i = 0; i < listing->named_count; i++) {
		if (ip_equal(&listing->named[i], &key))
			return true;
	}
	return false;
}

static bool
add_named(void *ctx, const struct event *event)
{
	struct listing *listing = ctx;
	struct ip key = key_address(&event->ip);

	if (is_named(listing, &event->ip))
		return true;
	listing->named[listing->named_count++] = key;
	listing->is_cut = listing->named_count == NAMED_MOST;
	return !listing->is_cut;
}

/* Address records hold no names; the events do. */
static bool
find_named(struct listing *listing, struct query *query, struct error *error)
{
	struct event_filter filter = {.net = listing->net_given,
	    .name = listing->name,
	    .sender = listing->sender,
	    .recipient = listing->recipient};

	if (listing->name == NULL && listing->sender == NULL &&
	    listing->recipient == NULL)
		return true;
	listing->named = calloc(NAMED_MOST, sizeof *listing->named);
	if (listing->named == NULL) {
		error_set(error, "out of memory");
		return false;
	}
	return query_events(query, &filter, add_named, listing, error);
}

static bool
add_client(void *ctx, const struct address_row *row)
{
	struct listing *listing = ctx;
	const struct address_record *record = &row->record;

	if (record->last_seen < listing->since || !is_named(listing, &row->ip))
		return true;
	if ((is_state(listing, "gaveup") && record->gaveup == 0) ||
	    (is_state(listing, "good") && record->successes == 0) ||
	    (is_state(listing, "spam") && count_rounded(record->spam) == 0))
		return true;
	if (has_room(listing))
		rows_client(listing->doc, row);
	return true;
}

static bool
list_clients(struct listing *listing, struct query *query, struct error *error)
{
	doc_section(listing->doc, "clients", "Clients");
	rows_clients(listing->doc);
	if (!begin_rows(listing, error) || !find_named(listing, query, error))
		return false;
	return query_addresses(query, listing->net_given,
	    is_state(listing, "known") ? listing->now : 0, add_client, listing,
	    error);
}

static bool
add_domain(void *ctx, const struct domain_row *row)
{
	struct listing *listing = ctx;

	if (row->record.last_seen < listing->since ||
	    (listing->name != NULL && strcasestr(row->name, listing->name) == NULL))
		return true;
	if (has_room(listing))
		rows_domain(listing->doc, row);
	return true;
}

static bool
list_domains(struct listing *listing, struct query *query, struct error *error)
{
	doc_section(listing->doc, "domains", "SPF domains");
	rows_domains(listing->doc);
	return begin_rows(listing, error) &&
	       query_domains(query, listing->now,
	           is_state(listing, "known") ? listing->now : 0, add_domain,
	           listing, error);
}

static bool
list_known(struct listing *listing, struct query *query, struct error *error)
{
	listing->state = "known";
	return list_clients(listing, query, error) &&
	       list_domains(listing, query, error);
}

static bool
add_triplet(void *ctx, const struct triplet_row *row)
{
	struct listing *listing = ctx;

	/* Not a triplet but the pair, whatever the client (policy/grey.h). */
	if (strcmp(row->client, "*") == 0)
		return true;
	if (listing->name != NULL && strcasestr(row->client, listing->name) == NULL)
		return true;
	if (has_room(listing))
		rows_triplet(listing->doc, row);
	return true;
}

static bool
list_triplets(struct listing *listing, struct query *query, struct error *error)
{
	struct triplet_filter filter = {.since = listing->since,
	    .net = listing->net_given,
	    .sender = listing->sender,
	    .recipient = listing->recipient,
	    .state = is_state(listing, "waiting")  ? TRIPLETS_WAITING
	             : is_state(listing, "passed") ? TRIPLETS_PASSED
	                                           : TRIPLETS_ALL};

	doc_section(listing->doc, "triplets", "Triplets");
	rows_triplets(listing->doc);
	return begin_rows(listing, error) &&
	       query_triplets(query, &filter, add_triplet, listing, error);
}

static bool
list_held(struct listing *listing, struct query *query, struct error *error)
{
	static const struct column columns[] = {
	    {"address", "Address", 0, false},
	    {"name", "Name", 0, false},
	    {"held_for", "Held for", 0, false},
	    {"of", "of", 0, false},
	    {"since", "Since", 0, true},
	    {"sid", "sid", 0, false},
	};
	struct live live;

	(void)query;
	live_ask(listing->config, &live, error);
	int64_t now = live_number(&live, "updated");
	doc_section(listing->doc, "held", "Held right now");
	doc_table(listing->doc, columns, 6);
	for (unsigned i = 0; i < live.holds_count; i++) {
		const struct live_hold *hold = &live.holds[i];
		struct ip ip;
		if (listing->net_given != NULL &&
		    !(ip_from_text(hold->ip, &ip) &&
		        ipnet_has(listing->net_given, &ip)))
			continue;
		if (listing->name != NULL &&
		    strcasestr(hold->name, listing->name) == NULL)
			continue;
		doc_row(listing->doc,
		    (struct cell[]){cell_text(hold->ip), cell_text(hold->name),
		        cell_seconds((double)(now - hold->since)),
		        cell_seconds((double)hold->seconds), cell_time(hold->since),
		        cell_text(hold->sid)});
	}
	enum live_state state = live.state;
	if (state == LIVE_STOPPED || state == LIVE_DIED)
		fputs("targreyctl: the daemon is not running: nothing is held\n",
		    listing->admin->err);
	if (state == LIVE_SILENT)
		error_set(error, "the daemon does not answer");
	live_clear(&live);
	return state != LIVE_SILENT && state != LIVE_UNKNOWN;
}

static bool
add_event(void *ctx, const struct event *event)
{
	struct listing *listing = ctx;

	rows_event(listing->doc, event);
	return true;
}

static bool
list_events(struct listing *listing, struct query *query, struct error *error)
{
	struct event_filter filter = {.since = listing->since,
	    .net = listing->net_given,
	    .name = listing->name,
	    .sender = listing->sender,
	    .recipient = listing->recipient,
	    .newest_first = true,
	    .limit = listing->limit};

	doc_section(listing->doc, "events", "Events");
	rows_events(listing->doc);
	return begin_rows(listing, error) &&
	       query_events(query, &filter, add_event, listing, error);
}

static const char *const whats[] = {
    "clients", "domains", "triplets", "known", "held", "events", NULL};
static const struct {
	bool (*list)(struct listing *, struct query *, struct error *);
	const char *states; /* that apply to this list */
} lists[] = {
    {list_clients, "known gaveup good spam"},
    {list_domains, "known"},
    {list_triplets, "waiting passed"},
    {list_known, ""},
    {list_held, ""},
    {list_events, ""},
};

static bool
is_in(const char *words, const char *word)
{
	const char *at = strstr(words, word);
	size_t length = strlen(word);

	return length > 0 && at != NULL && (at == words || at[-1] == ' ') &&
	       (at[length] == ' ' || at[length] == '\0');
}

static bool
read_options(struct listing *listing, struct admin *admin)
{
	listing->limit = 1000;
	listing->name = args_value(admin, "name");
	listing->sender = args_value(admin, "from");
	listing->recipient = args_value(admin, "to");
	listing->state = args_value(admin, "state");
	return args_net(admin, "ip", &listing->net, &listing->net_given) &&
	       args_time(admin, "since", &listing->since) &&
	       args_count(admin, "limit", &listing->limit);
}

static int
run(struct admin *admin)
{
	struct listing listing = {.admin = admin, .now = admin_now(admin)};
	struct error error;
	unsigned which = 0;

	while (strcmp(whats[which], admin->words[0]) != 0)
		which++;
	if (!read_options(&listing, admin))
		return EXIT_USAGE;
	if (listing.state != NULL && !is_in(lists[which].states, listing.state))
		return usage(admin, "--state %s: not for %s; allowed: %s",
		    listing.state, whats[which],
		    *lists[which].states == '\0' ? "none" : lists[which].states);
	bool is_live = lists[which].list == list_held;
	struct query *query = is_live ? NULL : admin_query(admin, false);
	listing.config = is_live ? admin_config(admin) : NULL;
	if (query == NULL && listing.config == NULL)
		return EXIT_FAILED;
	listing.streams = listing.limit == 0 && lists[which].list != list_known;
	listing.doc = doc_new("targrey list");
	bool ok = listing.doc != NULL && lists[which].list(&listing, query, &error);
	free(listing.named);
	if (listing.doc != NULL && !ok) {
		doc_free(&listing.doc);
		return failed(admin, &error);
	}
	int code = admin_write(admin, &listing.doc);
	if (listing.left_out > 0)
		fprintf(admin->err,
		    "targreyctl: %zu more row%s; --limit 0 shows all\n",
		    listing.left_out, listing.left_out == 1 ? "" : "s");
	if (listing.is_cut)
		fprintf(admin->err,
		    "targreyctl: only the first %d addresses with such events were "
		    "looked for; narrow it by --ip\n",
		    NAMED_MOST);
	return code;
}

static const char *const states[] = {
    "known", "gaveup", "good", "spam", "waiting", "passed", NULL};
static const struct option_row options[] = {
    {"ip", "NET", "clients of this address or network", NULL, false},
    {"name", "PART", "part of a name (clients: as the events have it)", NULL,
        false},
    {"from", "PART", "part of the sender", NULL, false},
    {"to", "PART", "part of a recipient", NULL, false},
    {"state", "STATE",
        "clients: known, gaveup, good, spam; triplets: waiting, passed", states,
        false},
    {"since", "TIME", "seen since then", NULL, false},
    {"limit", "COUNT", "at most this many rows (1000; 0 = all, as they are read)",
        NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_list = {
    .name = "list",
    .args = "clients|domains|triplets|known|held|events [OPTION...]",
    .help = "List what is on record, or who is held right now",
    .manual = "clients: what is remembered of addresses. domains: of SPF domains. "
              "triplets: of network or SPF domain, sender and recipient. known: "
              "clients "
              "and domains that are good by their record or by targreyctl allow. "
              "held: who waits at this moment "
              "and for "
              "how long already. events: what happened, the newest first.\n\n"
              "TIME is a span before now (90s, 2h, 7d), a day (2026-01-31), a day "
              "and time "
              "(\"2026-01-31 12:00\") or @SECONDS since 1970.",
    .options = options,
    .words = whats,
    .words_least = 1,
    .words_most = 1,
    .run = run,
};
