/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "admin/cmd.h"
#include "admin/rows.h"

struct search {
	struct doc *doc;
	int64_t ids[16384]; /* of the last events shown */
	size_t found;
};

static bool
add(void *ctx, const struct event *event)
{
	struct search *search = ctx;
	int64_t *slot = &search->ids[(size_t)event->id % 16384];

	if (*slot == event->id)
		return true;
	*slot = event->id;
	rows_event(search->doc, event);
	search->found++;
	return true;
}

/* Where a text may occur; one search for each. */
static bool
find_text(struct query *query, struct event_filter filter, const char *text,
    struct search *search, struct error *error)
{
	struct event_filter tries[7];
	struct ipnet net;
	size_t count = 0;

	for (size_t i = 0; i < 7; i++)
		tries[i] = filter;
	if (ipnet_from_text(text, &net)) {
		tries[count++].net = &net;
	} else {
		tries[count++].sid = text;
		tries[count++].queue_id = text;
		tries[count++].message_id = text;
		tries[count++].name = text;
		tries[count++].sender = text;
		tries[count++].recipient = text;
	}
	for (size_t i = 0; i < count; i++) {
		if (!query_events(query, &tries[i], add, search, error))
			return false;
	}
	return true;
}

static int
run(struct admin *admin)
{
	struct search search;
	struct event_filter filter = {.newest_first = true, .limit = 100};
	struct ipnet net;
	struct error error;

	filter.name = args_value(admin, "name");
	filter.sender = args_value(admin, "from");
	filter.recipient = args_value(admin, "to");
	if (!args_net(admin, "ip", &net, &filter.net) ||
	    !args_time(admin, "since", &filter.since) ||
	    !args_time(admin, "until", &filter.until) ||
	    !args_count(admin, "limit", &filter.limit))
		return EXIT_USAGE;
	if (admin->words_count == 0 && filter.net == NULL && filter.name == NULL &&
	    filter.sender == NULL && filter.recipient == NULL && filter.since == 0)
		return usage(
		    admin, "give a TEXT, --ip, --name, --from, --to or --since");
	struct query *query = admin_query(admin, false);
	if (query == NULL)
		return EXIT_FAILED;
	search = (struct search){.doc = doc_new("targrey find")};
	if (search.doc == NULL)
		return admin_write(admin, &search.doc);
	doc_section(search.doc, "events", "Events");
	rows_events(search.doc);
	bool ok = admin->words_count == 0
	              ? query_events(query, &filter, add, &search, &error)
	              : find_text(query, filter, admin->words[0], &search, &error);
	if (!ok) {
		doc_free(&search.doc);
		return failed(admin, &error);
	}
	return admin_write(admin, &search.doc);
}

static const struct option_row options[] = {
    {"ip", "NET", "clients of this address or network", NULL, false},
    {"name", "PART", "part of the name, unverified name or HELO", NULL, false},
    {"from", "PART", "part of the sender", NULL, false},
    {"to", "PART", "part of a recipient", NULL, false},
    {"since", "TIME", "not before", NULL, false},
    {"until", "TIME", "not after", NULL, false},
    {"limit", "COUNT", "at most this many rows for each way to find (100; 0 = all)",
        NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct command command_find = {
    .name = "find",
    .args = "[TEXT] [OPTION...]",
    .help = "Find events, the newest first",
    .manual = "TEXT is an address or network, a sid, queue id or Message-ID, or "
              "part of a "
              "name, HELO, sender or recipient; options narrow it.",
    .options = options,
    .words_most = 1,
    .run = run,
};
