/* SPDX-License-Identifier: BSD-2-Clause */
/* Feeds a person's decision into the daemon's record, as learn-log does. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "review/review.h"

struct found_event {
	const struct mail *mail;
	int64_t id;
	bool has_feedback, by_person, is_exempt, is_other;
	char feedback[8];
};

static bool
is_same_id(const char *stored, const char *header)
{
	/* with or without the brackets */
	size_t length = strlen(stored);

	if (*header == '<' && *stored != '<')
		return strncmp(header + 1, stored, length) == 0 &&
		       strcmp(header + 1 + length, ">") == 0;
	return strcmp(stored, header) == 0;
}

/*
 * The sid alone could be copied from another mail of the same sender into one that
 * never passed through here, so address and Message-ID must match it.
 */
static bool
take(void *ctx, const struct event *event)
{
	struct found_event *found = ctx;
	struct ip ip;

	if (!ip_from_text(found->mail->client_ip, &ip) ||
	    !ip_equal(&ip, &event->ip) ||
	    (event->message_id != NULL && *event->message_id != '\0' &&
	        !is_same_id(event->message_id, found->mail->message_id))) {
		found->is_other = true;
		return true;
	}
	found->id = event->id;
	found->has_feedback = event->feedback != NULL;
	found->by_person = event->by_person;
	found->is_exempt = event->exempt != NULL;
	if (found->has_feedback)
		text_copy(found->feedback, sizeof found->feedback, event->feedback);
	return false;
}

bool
feed(struct review *review, const struct mail *mail, const char *verdict,
    char *outcome, size_t size, struct error *error)
{
	struct found_event found = {.mail = mail};
	struct event_filter filter = {
	    .sid = mail->sid, .newest_first = true, .limit = 50};

	if (*mail->sid == '\0') {
		text_copy(
		    outcome, size, "not counted: it has no X-TaRgrey-Session");
		return true;
	}
	if (review->query == NULL) {
		snprintf(outcome, size, "not counted: %s", review->no_query);
		return true;
	}
	if (!query_events(review->query, &filter, take, &found, error))
		return false;
	if (found.id == 0) {
		text_copy(outcome, size,
		    found.is_other
		        ? "not counted: its sid is that of another message"
		        : "not counted: its session is no longer on record");
		return true;
	}
	if (found.is_exempt) {
		text_copy(outcome, size,
		    "not counted: its client was exempt, or an allow list let it "
		    "off");
		return true;
	}
	if (found.has_feedback && found.by_person) {
		snprintf(outcome, size, "already counted as %s", found.feedback);
		return true;
	}
	if (!query_feedback(review->query, found.id,
	        mail->score_kind == SCORE_NONE ? (double)NAN : mail->score, verdict,
	        true, error))
		return false;
	snprintf(outcome, size, "counted as %s of %s%s%s", verdict, mail->client_ip,
	    found.has_feedback ? ", in place of the filter's " : "",
	    found.feedback);
	return true;
}
