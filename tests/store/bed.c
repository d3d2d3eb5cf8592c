/* SPDX-License-Identifier: BSD-2-Clause */
#include "bed.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct grey_row
step_triplet(const void *settings, struct grey_row row, enum deed deed, int64_t now)
{
	(void)settings;
	if (deed != DEED_ATTEMPT && deed != DEED_PASSED)
		return row;
	if (row.first == 0)
		return (struct grey_row){.first = now, .last = now};
	if (deed == DEED_PASSED)
		row.passed = now;
	if (now - row.last < 60)
		row.early = true;
	if (now - row.first >= BED_DELAY) {
		row.tries++;
		row.last_try = now;
	}
	row.last = now;
	return row;
}

static struct address_record
step_address(const void *settings, struct address_record record, enum deed deed,
    uint32_t secs, int64_t now)
{
	(void)settings;
	if (record.first_seen == 0)
		record.first_seen = now;
	record.last_seen = now;
	if (deed == DEED_SEEN)
		record.sessions++;
	if (deed == DEED_GONE) {
		record.gaveup++;
		record.gaveup_secs = secs;
		record.last_gaveup = now;
	}
	if (deed == DEED_PASSED || deed == DEED_ENDURED) {
		record.successes++;
		record.last_success = now;
		if (++record.counted >= 5)
			record.allowed_until = now + 35 * 86400;
	}
	if (deed == DEED_ALLOWED)
		record.allowed_until = now + 35 * 86400;
	return record;
}

static struct domain_record
step_domain(
    const void *settings, struct domain_record record, enum deed deed, int64_t now)
{
	(void)settings;
	if (record.first_seen == 0)
		record.first_seen = now;
	record.last_seen = now;
	if (deed == DEED_PASSED || deed == DEED_ENDURED) {
		record.successes++;
		record.last_success = now;
	}
	return record;
}

static struct grey_row
better(struct grey_row a, struct grey_row b)
{
	if (a.first == 0 || b.first == 0)
		return a.first == 0 ? b : a;
	if (a.passed != b.passed)
		return a.passed > b.passed ? a : b;
	if (a.tries != b.tries)
		return a.tries > b.tries ? a : b;
	return a.first <= b.first ? a : b;
}

const struct store_steps bed_steps = {
    step_triplet, step_address, step_domain, better};

static void
open_store(struct bed *bed)
{
	struct error error;

	bed->store = store_open(&bed->settings, &bed_steps, &bed->clock, &error);
	if (bed->store == NULL) {
		fprintf(stderr, "cannot open the store: %s\n", error.text);
		abort();
	}
}

void
bed_open(struct bed *bed, bool memory)
{
	memset(bed, 0, sizeof *bed);
	atomic_store(&bed->now_ms, BED_NOW * 1000);
	clock_init_manual(&bed->clock, &bed->now_ms);
	strcpy(bed->folder, "/tmp/targrey-store-XXXXXX");
	if (mkdtemp(bed->folder) == NULL)
		abort();
	snprintf(bed->path, sizeof bed->path, "%s/t.db", bed->folder);
	snprintf(bed->url, sizeof bed->url, "sqlite:%s", bed->path);
	bed->settings = (struct store_settings){
	    .url = memory ? "memory:" : bed->url,
	    .durable = true,
	    .events_s = 30 * 86400,
	    .retry_window_s = 2 * 86400,
	    .max_age_s = 35 * 86400,
	};
	open_store(bed);
}

void
bed_reopen(struct bed *bed)
{
	store_close(&bed->store);
	open_store(bed);
}

void
bed_close(struct bed *bed)
{
	char path[512];
	struct dirent *entry;

	store_close(&bed->store);
	DIR *folder = opendir(bed->folder);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		snprintf(path, sizeof path, "%s/%s", bed->folder, entry->d_name);
		(void)unlink(path);
	}
	if (folder != NULL)
		closedir(folder);
	(void)rmdir(bed->folder);
}

void
bed_sleep(struct bed *bed, int64_t seconds)
{
	atomic_fetch_add(&bed->now_ms, seconds * 1000);
}

int64_t
bed_time(const struct bed *bed)
{
	return clock_wall(&bed->clock);
}

static struct ip
ip_of(const char *text)
{
	struct ip ip;

	if (!ip_from_text(text, &ip))
		abort();
	return ip;
}

static enum note_state
submit(struct bed *bed, const struct note_spec *spec)
{
	struct note *note = note_new(spec);

	if (note == NULL)
		abort();
	store_submit(bed->store, note);
	store_flush(bed->store);
	enum note_state state = note_state(note);
	note_drop(&note);
	return state;
}

enum note_state
bed_note(struct bed *bed, enum deed deed, const char *ip, const char *domain,
    const char *sender, const char *recipient)
{
	struct triplet triplet = {sender, recipient};
	struct note_spec spec = {
	    .who = {ip_of(ip), domain},
	    .now = bed_time(bed),
	    .deed = deed,
	    .secs = 41,
	    .triplets = &triplet,
	    .count = sender == NULL ? 0 : 1,
	};

	return submit(bed, &spec);
}

enum note_state
bed_note_event(struct bed *bed, const char *ip, const char *sid)
{
	static const struct session_words none;
	struct session_words words = none;
	struct event event = {
	    .time = bed_time(bed),
	    .ip = ip_of(ip),
	    .heloname = "friend",
	    .sender = "a@example.org",
	    .recipients = "b@example.jp c@example.jp",
	    .words = &words,
	    .score = NAN,
	    .reply = "450",
	};
	struct note_spec spec = {
	    .who = {ip_of(ip), NULL},
	    .now = bed_time(bed),
	    .deed = DEED_SEEN,
	    .event = &event,
	};

	snprintf(words.value[SK_SID], sizeof words.value[SK_SID], "%s", sid);
	return submit(bed, &spec);
}

enum store_status
bed_recall(struct bed *bed, const char *ip, const char *domain, const char *sender,
    const char *recipient, struct history *history_r, struct grey_row *row_r)
{
	struct store_who who = {ip_of(ip), domain};
	struct triplet triplet = {sender, recipient};

	history_r->rows = row_r;
	return store_recall(
	    bed->store, &who, &triplet, 1, bed_time(bed), history_r);
}
