/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/course.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETS 32768
#define WAYS 8

struct course {
	uint64_t key; /* 0: free */
	int64_t first, second, last;
	uint32_t address[4]; /* hashes of the first four */
	uint16_t attempts;
	uint8_t addresses;
	bool passed, has_spf;
};

static const struct {
	int64_t below_s;
	const char *name;
} gaps[COURSE_GAPS] = {
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
} delays[COURSE_DELAYS] = {
    {1, "at once"},
    {60, "under 1 min"},
    {300, "1 to 5 min"},
    {900, "5 to 15 min"},
    {3600, "15 to 60 min"},
    {21600, "1 to 6 h"},
    {86400, "6 to 24 h"},
    {1e30, "over a day"},
};
static const char *const times[COURSE_TIMES] = {
    "1", "2", "3", "4", "5 to 9", "10 or more"};
static const char *const spreads[COURSE_SPREAD] = {"1", "2", "3", "4", "5 or more"};

bool
courses_init(struct courses *courses, int64_t window_s)
{
	memset(courses, 0, sizeof(*courses));
	courses->window_s = window_s > 0 ? window_s : 172800;
	courses->table = calloc(SETS * WAYS, sizeof(*courses->table));
	courses->names = calloc(1, sizeof(*courses->names));
	return courses->table != NULL && courses->names != NULL;
}

void
courses_clear(struct courses *courses)
{
	free(courses->table);
	free(courses->names);
	courses->table = NULL;
	courses->names = NULL;
}

static uint64_t
mix(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *octet = data;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ octet[i]) * 1099511628211ULL;
	return hash;
}

static uint64_t
finished(uint64_t hash)
{
	hash ^= hash >> 29;
	hash *= 0xbf58476d1ce4e5b9ULL;
	return hash ^ hash >> 32;
}

/* Sender and first recipient; pools may change address between attempts. */
static uint64_t
key_of(const struct event *event)
{
	const char *recipients = event->recipients == NULL ? "" : event->recipients;
	uint64_t hash =
	    mix(14695981039346656037ULL, event->sender, strlen(event->sender) + 1);

	hash = finished(mix(hash, recipients, strcspn(recipients, " ")));
	return hash == 0 ? 1 : hash;
}

static void
end_course(struct courses *courses, struct course *course, bool is_cut)
{
	static const unsigned step[] = {0, 0, 1, 2, 3, 4, 4, 4, 4, 4};

	if (course->key == 0)
		return;
	courses->attempts[course->attempts < 10 ? step[course->attempts] : 5]++;
	/* what is cut short, or runs at the end of the stream, may yet come back */
	bool pending =
	    !course->passed &&
	    (is_cut || (courses->is_over &&
	                   courses->now - course->last <= courses->window_s));
	courses->pending += pending;
	if (!course->passed && !pending && course->attempts > 1)
		courses->lost[0]++;
	else if (!course->passed && !pending && course->has_spf)
		courses->lost[1]++;
	if (course->attempts == 1) {
		courses->never += !course->passed && !pending;
	} else {
		unsigned i = 0;
		while (course->second - course->first >= gaps[i].below_s)
			i++;
		courses->gap[i]++;
		courses
		    ->spread[course->addresses > 5 ? 4 : course->addresses - 1]++;
	}
	courses->passed += course->passed;
	course->key = 0;
}

static struct course *
find(struct courses *courses, uint64_t key, int64_t now)
{
	struct course *set = courses->table + key % SETS * WAYS;
	struct course *oldest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key) {
			if (!set[i].passed &&
			    now - set[i].last <= courses->window_s)
				return &set[i];
			end_course(courses, &set[i], false);
			return &set[i];
		}
		if (set[i].key == 0)
			oldest = &set[i];
		else if (oldest->key != 0 && set[i].last < oldest->last)
			oldest = &set[i];
	}
	bool is_cut = oldest->key != 0 && now - oldest->last <= courses->window_s;
	courses->cut_short += is_cut;
	end_course(courses, oldest, is_cut);
	return oldest;
}

static void
note_address(struct course *course, const struct ip *ip)
{
	uint32_t hash = (uint32_t)finished(mix(7, ip->bytes, sizeof(ip->bytes)));

	for (unsigned i = 0; i < course->addresses && i < 4; i++) {
		if (course->address[i] == hash)
			return;
	}
	if (course->addresses < 4)
		course->address[course->addresses] = hash;
	if (course->addresses < 5)
		course->addresses++;
}

static void
keep_late(struct courses *courses, const struct view *view, double seconds)
{
	const struct event *event = view->event;
	char ip[IP_TEXT_SIZE];
	int at = COURSE_WORST;

	while (at > 0 && courses->worst[at - 1].seconds < seconds)
		at--;
	if (at == COURSE_WORST)
		return;
	memmove(&courses->worst[at + 1], &courses->worst[at],
	    (size_t)(COURSE_WORST - 1 - at) * sizeof(struct late));
	struct late *late = &courses->worst[at];
	late->seconds = seconds;
	late->time = event->time;
	snprintf(late->sender, sizeof(late->sender), "%s",
	    *event->sender == '\0' ? "<>" : event->sender);
	snprintf(late->recipient, sizeof(late->recipient), "%s",
	    event->recipients == NULL ? "" : event->recipients);
	snprintf(late->client, sizeof(late->client), "%s",
	    event->name != NULL ? event->name : ip_to_text(&event->ip, ip));
}

/* Delivered and not known as spam. */
static void
count_delay(struct courses *courses, const struct view *view, int64_t first)
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
	courses->delay[i]++;
	histogram_add(&courses->good, ms);
	courses->good_ham += view->is_ham;
	if (ms < 1000)
		return;
	histogram_add(&courses->late, ms);
	keep_late(courses, view, ms / 1000);
}

void
courses_add(struct courses *courses, const struct view *view)
{
	const struct event *event = view->event;

	if (event->time > courses->now)
		courses->now = event->time;
	if (event->sender == NULL || view->is_exempt)
		return;
	if (!view->is_suspect) {
		if (view->is_delivered)
			count_delay(courses, view, event->time);
		return;
	}
	uint64_t key = key_of(event);
	struct course *course = find(courses, key, event->time);
	if (course->key == 0) {
		*course = (struct course){.key = key, .first = event->time};
		courses->started++;
	} else if (course->attempts == 1) {
		course->second = event->time;
	}
	course->last = event->time;
	if (course->attempts < UINT16_MAX)
		course->attempts++;
	note_address(course, &event->ip);
	course->has_spf |= strcmp(view_word(view, SK_SPF), "pass") == 0;
	if (!view->is_delivered && (course->has_spf || course->attempts > 1))
		lost_add(courses->names, key, view, course->first, course->attempts,
		    course->has_spf);
	if (view->is_delivered) {
		lost_found(courses->names, key);
		course->passed = true;
		count_delay(courses, view, course->first);
	}
}

void
courses_finish(struct courses *courses)
{
	courses->is_over = true;
	for (size_t i = 0; i < (size_t)SETS * WAYS; i++)
		end_course(courses, &courses->table[i], false);
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
		snprintf(name, sizeof(name), "%s%s", names[i], unit);
		doc_row(doc, (struct cell[]){cell_text(name), cell_count(counts[i]),
		                 cell_share((double)counts[i], (double)sum)});
	}
}

static void
write_delay(const struct courses *courses, struct doc *doc)
{
	static const struct column columns[] = {
	    {"time", "When", 0, false},
	    {"delay", "Late by", 0, false},
	    {"client", "Client", 0, false},
	    {"sender", "Sender", 0, false},
	    {"recipient", "Recipient", 0, false},
	};
	const struct histogram *good = &courses->good, *late = &courses->late;

	doc_section(doc, "delay", "Delay that good mail suffered");
	doc_front(doc);
	doc_fact(doc, "good", "Good mail delivered", cell_count(good->count));
	doc_fact(doc, "good_ham", "of it called ham by a filter",
	    cell_count(courses->good_ham));
	doc_fact(
	    doc, "delayed", "Delayed by a second or more", cell_count(late->count));
	doc_fact(doc, "delayed_share", "Share delayed",
	    cell_share((double)late->count, (double)good->count));
	doc_fact(doc, "median", "Median of all",
	    cell_seconds(histogram_at(good, 0.5) / 1000));
	doc_fact(doc, "p95", "95 % of all within",
	    cell_seconds(histogram_at(good, 0.95) / 1000));
	doc_fact(doc, "median_delayed", "Median of the delayed",
	    cell_seconds(histogram_at(late, 0.5) / 1000));
	doc_fact(doc, "p95_delayed", "95 % of the delayed within",
	    cell_seconds(histogram_at(late, 0.95) / 1000));
	doc_fact(doc, "worst", "Worst", cell_seconds(good->most / 1000));
	doc_say(doc,
	    "Good mail is what was delivered, was not exempt and was not called "
	    "spam by a content filter (targreyctl learn-log). The delay runs "
	    "from the first attempt for the same sender and recipient.");
	doc_table(doc, columns, 5);
	for (size_t i = 0; i < COURSE_WORST && courses->worst[i].seconds > 0; i++) {
		const struct late *row = &courses->worst[i];
		doc_row(
		    doc, (struct cell[]){cell_time(row->time),
		             cell_seconds(row->seconds), cell_text(row->client),
		             cell_text(row->sender), cell_text(row->recipient)});
	}
}

static void
write_lateness(const struct courses *courses, struct doc *doc)
{
	const char *names[COURSE_DELAYS];
	struct chart chart = {.kind = CHART_BARS,
	    .title = "Good mail by how late it came",
	    .label = 0,
	    .values = {1},
	    .values_count = 1,
	    .skips_zero = true};

	for (size_t i = 0; i < COURSE_DELAYS; i++)
		names[i] = delays[i].name;
	write_spread(doc, "lateness", "How late good mail came", "", names,
	    courses->delay, COURSE_DELAYS);
	snprintf(chart.alternative, sizeof(chart.alternative),
	    "%llu of %llu good mails came at once, %llu more than an hour late.",
	    (unsigned long long)courses->delay[0],
	    (unsigned long long)courses->good.count,
	    (unsigned long long)(courses->delay[5] + courses->delay[6] +
	                         courses->delay[7]));
	if (courses->good.count > 0)
		doc_chart(doc, &chart);
}

static void
write_away(const struct courses *courses, struct doc *doc)
{
	doc_section(doc, "away", "Mail that may be lost");
	doc_front(doc);
	doc_fact(doc, "came_back", "Sender came back, and did not get through",
	    cell_count(courses->lost[0]));
	doc_fact(doc, "spf_pass", "Sender with SPF pass came once",
	    cell_count(courses->lost[1]));
	doc_fact(doc, "stayed_away", "Came once without such a sign",
	    cell_count(courses->never > courses->lost[1]
	                   ? courses->never - courses->lost[1]
	                   : 0));
	doc_fact(
	    doc, "pending", "May still come back", cell_count(courses->pending));
	doc_say(doc,
	    "Mails of suspects that were not delivered, whose senders "
	    "showed a sign "
	    "of good mail. Bots may show it too. targreyctl lost ranks all "
	    "mail that never got through, by more signs.");
	lost_write(
	    courses->names, courses->now - courses->window_s, COURSE_WORST, doc);
}

void
courses_write(const struct courses *courses, struct doc *doc)
{
	const char *names[COURSE_GAPS];
	uint64_t back = 0;
	struct chart chart = {.kind = CHART_BARS,
	    .title = "First return of a suspect after",
	    .skips_zero = true,
	    .label = 0,
	    .values = {1},
	    .values_count = 1};

	for (size_t i = 0; i < COURSE_GAPS; i++) {
		names[i] = gaps[i].name;
		back += courses->gap[i];
	}
	write_spread(doc, "retries", "After how long suspects come back", "", names,
	    courses->gap, COURSE_GAPS);
	doc_fact(doc, "courses", "Mails of suspects (sender and recipient)",
	    cell_count(courses->started));
	doc_fact(doc, "came_back", "came back at least once", cell_count(back));
	doc_fact(doc, "never", "came once and stayed away undelivered",
	    cell_count(courses->never));
	doc_fact(doc, "pending", "undelivered, and may still come back",
	    cell_count(courses->pending));
	doc_fact(
	    doc, "delivered", "delivered in the end", cell_count(courses->passed));
	if (courses->cut_short > 0)
		doc_say(doc,
		    "%llu mails could not be followed to their end: too many ran "
		    "at "
		    "once.",
		    (unsigned long long)courses->cut_short);
	snprintf(chart.alternative, sizeof(chart.alternative),
	    "%llu of %llu mails of suspects were tried again; the table has the "
	    "times.",
	    (unsigned long long)back, (unsigned long long)courses->started);
	doc_chart(doc, &chart);
	write_spread(doc, "attempts", "How often they come", "", times,
	    courses->attempts, COURSE_TIMES);
	write_spread(doc, "spread",
	    "From how many addresses those come that return", "", spreads,
	    courses->spread, COURSE_SPREAD);
	write_delay(courses, doc);
	write_lateness(courses, doc);
	write_away(courses, doc);
}
