/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/lost.h"

#include <stdio.h>
#include <stdlib.h>

static struct lost_mail *
slot_of(struct lost *lost, uint64_t key)
{
	return &lost->mail[key % LOST_MOST];
}

void
lost_add(struct lost *lost, uint64_t key, const struct view *view, int64_t first,
    unsigned attempts, bool has_spf)
{
	const struct event *event = view->event;
	struct lost_mail *mail = slot_of(lost, key);
	char ip[IP_TEXT_SIZE];

	mail->key = key;
	mail->first = first;
	mail->last = event->time;
	mail->attempts = attempts;
	mail->has_spf = has_spf;
	snprintf(mail->sender, sizeof mail->sender, "%s",
	    *event->sender == '\0' ? "<>" : event->sender);
	snprintf(mail->recipient, sizeof mail->recipient, "%s",
	    event->recipients == NULL ? "" : event->recipients);
	snprintf(mail->client, sizeof mail->client, "%s",
	    event->name != NULL ? event->name : ip_to_text(&event->ip, ip));
}

void
lost_found(struct lost *lost, uint64_t key)
{
	struct lost_mail *mail = slot_of(lost, key);

	if (mail->key == key)
		mail->key = 0;
}

/* Those that came back most often first, then the newest. */
static int
by_attempts(const void *a, const void *b)
{
	const struct lost_mail *left = a, *right = b;

	if (left->attempts != right->attempts)
		return left->attempts < right->attempts ? 1 : -1;
	return (left->last < right->last) - (left->last > right->last);
}

void
lost_write(struct lost *lost, int64_t until, size_t most, struct doc *doc)
{
	static const struct column columns[] = {
	    {"first", "First attempt", 0, false},
	    {"attempts", "Attempts", 0, false},
	    {"spf", "SPF pass", 0, false},
	    {"client", "Client", 0, false},
	    {"sender", "Sender", 0, false},
	    {"recipient", "Recipient", 0, false},
	};
	size_t shown = 0;

	qsort(lost->mail, LOST_MOST, sizeof *lost->mail, by_attempts);
	doc_table(doc, columns, 6);
	for (size_t i = 0; i < LOST_MOST && shown < most; i++) {
		const struct lost_mail *mail = &lost->mail[i];
		if (mail->key == 0 || mail->last > until)
			continue;
		shown++;
		doc_row(doc, (struct cell[]){cell_time(mail->first),
		                 cell_count(mail->attempts),
		                 cell_text(mail->has_spf ? "yes" : "no"),
		                 cell_text(mail->client), cell_text(mail->sender),
		                 cell_text(mail->recipient)});
	}
}
