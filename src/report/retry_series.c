/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/retry_series.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define SETS 32768
#define WAYS 8

struct series {
	uint64_t key; /* 0: free */
	int64_t first, second, last;
	uint32_t address[4]; /* hashes of the first four */
	uint16_t attempts;
	uint8_t addresses;
	bool passed;
};

static const struct {
	int64_t below_s;
	const char *name;
} gaps[SERIES_GAPS] = {
    {60, "under 1 min"},
    {300, "1 to 5 min"},
    {900, "5 to 15 min"},
    {1800, "15 to 30 min"},
    {3600, "30 to 60 min"},
    {7200, "1 to 2 h"},
    {21600, "2 to 6 h"},
    {86400, "6 to 24 h"},
    {172800, "1 to 2 d"},
    {INT64_MAX, "over 2 d"},
};
static const struct {
	double below_s;
	const char *name;
} delays[SERIES_DELAYS] = {
    {1, "at once"},
    {60, "under 1 min"},
    {300, "1 to 5 min"},
    {900, "5 to 15 min"},
    {3600, "15 to 60 min"},
    {21600, "1 to 6 h"},
    {86400, "6 to 24 h"},
    {1e30, "over a day"},
};
static const char *const times[SERIES_TIMES] = {
    "1", "2", "3", "4", "5 to 9", "10 or more"};
static const char *const spreads[SERIES_SPREAD] = {"1", "2", "3", "4", "5 or more"};

bool
retry_series_init(struct retry_series *all, int64_t window_s)
{
	memset(all, 0, sizeof *all);
	all->window_s = window_s > 0 ? window_s : 172800;
	all->table = calloc(SETS * WAYS, sizeof *all->table);
	return all->table != NULL;
}

void
retry_series_clear(struct retry_series *all)
{
	free(all->table);
	all->table = NULL;
}

/* Sender and first recipient; pools may change address between attempts. */
static uint64_t
key_of(const struct event *event)
{
	const char *recipients = event->recipients == NULL ? "" : event->recipients;
	uint64_t hash =
	    hash_add(HASH_START, event->sender, strlen(event->sender) + 1);

	return hash_finish(hash_add(hash, recipients, strcspn(recipients, " ")));
}

static void
end_series(struct retry_series *all, struct series *series, bool is_cut)
{
	static const unsigned step[] = {0, 0, 1, 2, 3, 4, 4, 4, 4, 4};

	if (series->key == 0)
		return;
	all->attempts[series->attempts < 10 ? step[series->attempts] : 5]++;
	/* what is cut short, or runs at the end of the stream, may yet come back */
	bool pending =
	    !series->passed &&
	    (is_cut || (all->is_over && all->now - series->last <= all->window_s));
	all->pending += pending;
	if (series->attempts == 1) {
		all->never += !series->passed && !pending;
	} else {
		unsigned i = 0;
		while (series->second - series->first >= gaps[i].below_s)
			i++;
		all->gap[i]++;
		all->spread[series->addresses > 5 ? 4 : series->addresses - 1]++;
	}
	all->passed += series->passed;
	series->key = 0;
}

static struct series *
find(struct retry_series *all, uint64_t key, int64_t now)
{
	struct series *set = all->table + key % SETS * WAYS;
	struct series *oldest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key) {
			if (!set[i].passed && now - set[i].last <= all->window_s)
				return &set[i];
			end_series(all, &set[i], false);
			return &set[i];
		}
		if (set[i].key == 0)
			oldest = &set[i];
		else if (oldest->key != 0 && set[i].last < oldest->last)
			oldest = &set[i];
	}
	bool is_cut = oldest->key != 0 && now - oldest->last <= all->window_s;
	all->cut_short += is_cut;
	end_series(all, oldest, is_cut);
	return oldest;
}

static void
note_address(struct series *series, const struct ip *ip)
{
	uint32_t hash = (uint32_t)hash_finish(
	    hash_add(HASH_START, ip->bytes, sizeof ip->bytes));

	for (unsigned i = 0; i < series->addresses && i < 4; i++) {
		if (series->address[i] == hash)
			return;
	}
	if (series->addresses < 4)
		series->address[series->addresses] = hash;
	if (series->addresses < 5)
		series->addresses++;
}

static void
keep_late(struct retry_series *all, const struct event_view *view, double seconds)
{
	const struct event *event = view->event;
	char ip[IP_TEXT_SIZE];
	int at = SERIES_WORST;

	while (at > 0 && all->worst[at - 1].seconds < seconds)
		at--;
	if (at == SERIES_WORST)
		return;
	memmove(&all->worst[at + 1], &all->worst[at],
	    (size_t)(SERIES_WORST - 1 - at) * sizeof(struct late));
	struct late *late = &all->worst[at];
	late->seconds = seconds;
	late->time = event->time;
	snprintf(late->sender, sizeof late->sender, "%s",
	    *event->sender == '\0' ? "<>" : event->sender);
	snprintf(late->recipient, sizeof late->recipient, "%s",
	    event->recipients == NULL ? "" : event->recipients);
	snprintf(late->client, sizeof late->client, "%s",
	    event->name != NULL ? event->name : ip_to_text(&event->ip, ip));
}

/* Delivered and not known as spam. */
static void
count_delay(struct retry_series *all, const struct event_view *view, int64_t first)
{
	const struct event *event = view->event;
	double ms = (double)(event->time - first) * 1000;

	if (view->is_spam || view->is_exempt)
		return;
	if (event->hold_ms > 0)
		ms += (double)event->hold_ms;
	unsigned i = 0;
	while (ms / 1000 >= delays[i].below_s)
		i++;
	all->delay[i]++;
	histogram_add(&all->good, ms);
	all->good_ham += view->is_ham;
	if (ms < 1000)
		return;
	histogram_add(&all->late, ms);
	keep_late(all, view, ms / 1000);
}

void
retry_series_add(struct retry_series *all, const struct event_view *view)
{
	const struct event *event = view->event;

	if (event->time > all->now)
		all->now = event->time;
	if (event->sender == NULL || view->is_exempt)
		return;
	if (!view->is_suspect) {
		if (view->is_delivered)
			count_delay(all, view, event->time);
		return;
	}
	uint64_t key = key_of(event);
	struct series *series = find(all, key, event->time);
	if (series->key == 0) {
		*series = (struct series){.key = key, .first = event->time};
		all->started++;
	} else if (series->attempts == 1) {
		series->second = event->time;
	}
	series->last = event->time;
	if (series->attempts < UINT16_MAX)
		series->attempts++;
	note_address(series, &event->ip);
	if (view->is_delivered) {
		series->passed = true;
		count_delay(all, view, series->first);
	}
}

void
retry_series_finish(struct retry_series *all)
{
	all->is_over = true;
	for (size_t i = 0; i < (size_t)SETS * WAYS; i++)
		end_series(all, &all->table[i], false);
}

static void
write_spread(struct doc *doc, const char *key, const char *title, const char *unit,
    const char *const *names, const uint64_t *counts, size_t count)
{
	static const struct column columns[] = {
	    {"which", "", 0, false},
	    {"count", "Mails", 0, false},
	    {"share", "Share", 0, false},
	};
	uint64_t sum = 0;

	doc_section(doc, key, title);
	doc_table(doc, columns, 3);
	for (size_t i = 0; i < count; i++)
		sum += counts[i];
	for (size_t i = 0; i < count; i++) {
		char name[48];
		snprintf(name, sizeof name, "%s%s", names[i], unit);
		doc_row(doc, (struct cell[]){cell_text(name), cell_count(counts[i]),
		                 cell_share((double)counts[i], (double)sum)});
	}
}

static void
write_delay(const struct retry_series *all, struct doc *doc)
{
	static const struct column columns[] = {
	    {"time", "When", 0, false},
	    {"delay", "Late by", 0, false},
	    {"client", "Client", 0, false},
	    {"sender", "Sender", 0, false},
	    {"recipient", "Recipient", 0, false},
	};
	const struct histogram *good = &all->good, *late = &all->late;

	doc_section(doc, "delay", "Delay of good mail");
	doc_front(doc);
	doc_detail(doc, "good", "Good mail delivered", cell_count(good->count));
	doc_detail(doc, "good_ham", "of it called ham", cell_count(all->good_ham));
	doc_detail(
	    doc, "delayed", "Delayed by a second or more", cell_count(late->count));
	doc_detail(doc, "delayed_share", "Share delayed",
	    cell_share((double)late->count, (double)good->count));
	/* "0 s" is good news where some mail was late */
	(late->count > 0 ? doc_fact : doc_detail)(doc, "median", "Median of all",
	    cell_seconds(histogram_at(good, 0.5) / 1000));
	doc_detail(doc, "p95", "95 % of all within",
	    cell_seconds(histogram_at(good, 0.95) / 1000));
	doc_detail(doc, "median_delayed", "Median of the delayed",
	    cell_seconds(histogram_at(late, 0.5) / 1000));
	doc_detail(doc, "p95_delayed", "95 % of the delayed within",
	    cell_seconds(histogram_at(late, 0.95) / 1000));
	doc_detail(doc, "worst", "Worst", cell_seconds(good->most / 1000));
	if (good->count == 0)
		doc_say(doc, "No good mail was delivered in this time.");
	else if (late->count == 0)
		doc_say(doc, "None of it came late.");
	if (good->count > 0)
		doc_say(doc,
		    "Good mail is what was delivered, was not exempt and was not "
		    "called "
		    "spam by a content filter (targreyctl learn-log). The delay "
		    "runs "
		    "from the first attempt for the same sender and recipient.");
	doc_table(doc, columns, 5);
	for (size_t i = 0; i < SERIES_WORST && all->worst[i].seconds > 0; i++) {
		const struct late *row = &all->worst[i];
		doc_row(
		    doc, (struct cell[]){cell_time(row->time),
		             cell_seconds(row->seconds), cell_text(row->client),
		             cell_text(row->sender), cell_text(row->recipient)});
	}
}

static void
write_lateness(const struct retry_series *all, struct doc *doc)
{
	const char *names[SERIES_DELAYS];
	struct chart chart = {.kind = CHART_BARS,
	    .title = "Good mail by how late it came",
	    .label = 0,
	    .values = {1},
	    .values_count = 1,
	    .skips_zero = true};

	for (size_t i = 0; i < SERIES_DELAYS; i++)
		names[i] = delays[i].name;
	write_spread(doc, "lateness", "How late good mail came", "", names,
	    all->delay, SERIES_DELAYS);
	snprintf(chart.alternative, sizeof chart.alternative,
	    "%llu of %llu good messages came at once, %llu an hour late or more.",
	    (unsigned long long)all->delay[0], (unsigned long long)all->good.count,
	    (unsigned long long)(all->delay[5] + all->delay[6] + all->delay[7]));
	if (all->good.count > 0)
		doc_chart(doc, &chart);
}

void
retry_series_write(const struct retry_series *all, struct doc *doc)
{
	const char *names[SERIES_GAPS];
	uint64_t back = 0;
	struct chart chart = {.kind = CHART_BARS,
	    .title = "First return of a suspect after",
	    .skips_zero = true,
	    .label = 0,
	    .values = {1},
	    .values_count = 1};

	for (size_t i = 0; i < SERIES_GAPS; i++) {
		names[i] = gaps[i].name;
		back += all->gap[i];
	}
	write_spread(doc, "retries", "How soon suspects come back", "", names,
	    all->gap, SERIES_GAPS);
	doc_detail(doc, "mails", "Messages of suspects (sender and recipient)",
	    cell_count(all->started));
	doc_detail(doc, "came_back", "came back at least once", cell_count(back));
	doc_detail(doc, "never", "came once and stayed away undelivered",
	    cell_count(all->never));
	doc_detail(doc, "pending", "undelivered, and may still come back",
	    cell_count(all->pending));
	doc_detail(
	    doc, "delivered", "delivered in the end", cell_count(all->passed));
	if (all->cut_short > 0)
		doc_say(doc,
		    "%llu messages could not be followed to the end: too many were "
		    "under way at once.",
		    (unsigned long long)all->cut_short);
	snprintf(chart.alternative, sizeof chart.alternative,
	    "%llu of %llu messages of suspects were tried again; the table has "
	    "the times.",
	    (unsigned long long)back, (unsigned long long)all->started);
	doc_chart(doc, &chart);
	write_spread(doc, "attempts", "How often they come", "", times,
	    all->attempts, SERIES_TIMES);
	write_spread(doc, "spread",
	    "From how many addresses returning suspects come", "", spreads,
	    all->spread, SERIES_SPREAD);
	write_delay(all, doc);
	write_lateness(all, doc);
}
