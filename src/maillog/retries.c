/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mails refused temporarily (4xx), told apart by sender, recipient and client
 * network: are they retried, and is mail from that network accepted later?
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "record/history.h"
#include "maillog/clients.h"

#define SETS 32768
#define WAYS 8

struct log_retry {
	uint64_t key;    /* of the mail; 0 = free */
	uint64_t client; /* of its network */
	int64_t first, last;
	uint32_t visits;
	bool is_suspect, is_taken;
};

static const struct {
	int64_t below_s;
	const char *name;
} gaps[LOG_GAPS] = {
    {60, "under 1 min"},
    {300, "1 to 5 min"},
    {1800, "5 to 30 min"},
    {3600, "30 to 60 min"},
    {7200, "1 to 2 h"},
    {21600, "2 to 6 h"},
    {86400, "6 to 24 h"},
    {INT64_MAX, "over a day"},
};

bool
log_retries_init(struct log_retries *retries)
{
	*retries = (struct log_retries){0};
	retries->table = calloc(SETS * WAYS, sizeof *retries->table);
	return retries->table != NULL;
}

void
log_retries_clear(struct log_retries *retries)
{
	free(retries->table);
	retries->table = NULL;
}

static uint64_t
network_hash(const struct ip *ip)
{
	struct ipnet net = key_network(ip);

	return hash_finish(hash_add(HASH_START, net.ip.bytes, sizeof net.ip.bytes));
}

/* Mails of one network share a set, so that an acceptance finds them. */
static struct log_retry *
set_of(struct log_retries *retries, uint64_t client)
{
	return retries->table + client % SETS * WAYS;
}

void
log_retries_refuse(
    struct log_retries *retries, const struct log_line *line, bool is_suspect)
{
	uint64_t client = network_hash(&line->ip);
	uint64_t key = hash_add(client, line->sender, strlen(line->sender) + 1);
	struct log_retry *set = set_of(retries, client), *oldest = set;

	key = hash_finish(hash_add(key, line->recipient, strlen(line->recipient)));
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key) {
			if (set[i].visits++ == 1) {
				unsigned gap = 0;
				while (
				    line->time - set[i].last >= gaps[gap].below_s)
					gap++;
				retries->gap[gap]++;
				retries->back++;
				retries->back_suspects += is_suspect;
			}
			set[i].last = line->time;
			return;
		}
		if (set[i].last < oldest->last)
			oldest = &set[i];
	}
	retries->cut_short += oldest->key != 0;
	*oldest = (struct log_retry){.key = key,
	    .client = client,
	    .first = line->time,
	    .last = line->time,
	    .visits = 1,
	    .is_suspect = is_suspect};
	retries->mails++;
	retries->suspects += is_suspect;
}

void
log_retries_accept(struct log_retries *retries, const struct ip *ip, int64_t time)
{
	uint64_t client = network_hash(ip);
	struct log_retry *set = set_of(retries, client);

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == 0 || set[i].client != client || set[i].is_taken ||
		    time < set[i].first || time - set[i].first > 5 * 86400)
			continue;
		set[i].is_taken = true;
		retries->taken++;
		retries->taken_suspects += set[i].is_suspect;
	}
}

void
log_retries_write(const struct log_retries *retries, struct doc *doc)
{
	static const struct column columns[] = {
	    {"after", "Second visit after", 0, false},
	    {"count", "Mails", 0, false},
	    {"share", "Share", 0, false},
	};
	struct chart chart = {.kind = CHART_BARS,
	    .title = "Second visit of mail refused for now",
	    .label = 0,
	    .values = {1},
	    .values_count = 1};

	doc_section(doc, "retries", "Mail refused for now: does it come again?");
	doc_fact(doc, "mails", "Mails refused for now", cell_count(retries->mails));
	doc_fact(
	    doc, "suspects", "of these by suspects", cell_count(retries->suspects));
	doc_fact(doc, "came_back", "came again", cell_count(retries->back));
	doc_fact(doc, "came_back_suspects", "of these by suspects",
	    cell_count(retries->back_suspects));
	doc_fact(doc, "taken", "network had mail accepted within 5 days",
	    cell_count(retries->taken));
	doc_fact(doc, "taken_suspects", "of these suspects",
	    cell_count(retries->taken_suspects));
	if (retries->cut_short > 0)
		doc_say(doc, "%llu could not be followed to their end.",
		    (unsigned long long)retries->cut_short);
	doc_table(doc, columns, 3);
	for (unsigned i = 0; i < LOG_GAPS; i++)
		doc_row(doc, (struct cell[]){cell_text(gaps[i].name),
		                 cell_count(retries->gap[i]),
		                 cell_share((double)retries->gap[i],
		                     (double)retries->back)});
	snprintf(chart.alternative, sizeof chart.alternative,
	    "%llu of %llu mails refused for now came again.",
	    (unsigned long long)retries->back, (unsigned long long)retries->mails);
	doc_chart(doc, &chart);
}
