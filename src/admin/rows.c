/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/rows.h"

#include <string.h>

#include "record/mx.h"

void
rows_clients(struct doc *doc)
{
	static const struct column columns[] = {
	    {"address", "Address", 0, false},
	    {"first_seen", "First seen", 0, true},
	    {"last_seen", "Last seen", 0, false},
	    {"sessions", "Sessions", 0, false},
	    {"successes", "Good", 0, false},
	    {"last_success", "Last good", 0, true},
	    {"gaveup", "Gave up", 0, false},
	    {"last_gaveup", "Last gave up", 0, true},
	    {"gaveup_secs", "after", 0, true},
	    {"ham", "Ham", 0, true},
	    {"spam", "Spam", 0, true},
	    {"counted", "Towards known", 0, true},
	    {"known_until", "Known until", 0, false},
	};

	doc_table(doc, columns, 13);
}

/* "for ever" instead of the latest time. */
static struct cell
until(int64_t time)
{
	return time >= KNOWN_FOREVER ? cell_text("for ever")
	       : time == 0           ? cell_none()
	                             : cell_time(time);
}

void
rows_client(struct doc *doc, const struct address_row *row)
{
	const struct address_record *record = &row->record;
	char ip[IP_TEXT_SIZE];

	doc_row(
	    doc, (struct cell[]){cell_text(ip_to_text(&row->ip, ip)),
	             cell_time(record->first_seen), cell_time(record->last_seen),
	             cell_count(record->sessions), cell_count(record->successes),
	             cell_time(record->last_success), cell_count(record->gaveup),
	             cell_time(record->last_gaveup),
	             record->gaveup > 0 ? cell_seconds(record->gaveup_secs)
	                                : cell_none(),
	             cell_count(count_rounded(record->ham)),
	             cell_count(count_rounded(record->spam)),
	             cell_count(record->counted), until(record->known_until)});
}

void
rows_domains(struct doc *doc)
{
	static const struct column columns[] = {
	    {"domain", "SPF domain", 0, false},
	    {"first_seen", "First seen", 0, true},
	    {"last_seen", "Last seen", 0, false},
	    {"successes", "Good", 0, false},
	    {"last_success", "Last good", 0, true},
	    {"networks", "Networks today", 0, false},
	    {"counted", "Towards known", 0, true},
	    {"known_until", "Known until", 0, false},
	};

	doc_table(doc, columns, 8);
}

void
rows_domain(struct doc *doc, const struct domain_row *row)
{
	const struct domain_record *record = &row->record;

	doc_row(doc,
	    (struct cell[]){cell_text(row->name), cell_time(record->first_seen),
	        cell_time(record->last_seen), cell_count(record->successes),
	        cell_time(record->last_success), cell_count(record->networks),
	        cell_count(record->counted), until(record->known_until)});
}

void
rows_triplets(struct doc *doc)
{
	static const struct column columns[] = {
	    {"client", "Client", 0, false},
	    {"sender", "Sender", 0, false},
	    {"recipient", "Recipient", 0, false},
	    {"state", "State", 0, false},
	    {"tries", "Tries", 0, false},
	    {"first", "First", 0, true},
	    {"last", "Last", 0, false},
	    {"last_try", "Last try", 0, true},
	    {"early", "Early", 0, true},
	    {"mxs", "MXs", 0, true},
	};

	doc_table(doc, columns, 10);
}

void
rows_triplet(struct doc *doc, const struct triplet_row *row)
{
	doc_row(doc, (struct cell[]){cell_text(row->client),
	                 cell_text(*row->sender == '\0' ? "<>" : row->sender),
	                 cell_text(row->recipient),
	                 cell_text(row->row.passed != 0 ? "passed" : "waiting"),
	                 cell_count(row->row.tries), cell_time(row->row.first),
	                 cell_time(row->row.passed > row->row.last ? row->row.passed
	                                                           : row->row.last),
	                 cell_time(row->row.last_try),
	                 cell_text(row->row.early ? "yes" : "no"),
	                 row->row.mxs != 0 ? cell_count(mx_count(row->row.mxs))
	                                   : cell_none()});
}

void
rows_events(struct doc *doc)
{
	static const struct column columns[] = {
	    {"time", "Time", 0, false},
	    {"ip", "Address", 0, false},
	    {"name", "Name", 0, false},
	    {"ptr", "Unverified name", 0, true},
	    {"helo", "HELO", 0, true},
	    {"sender", "Sender", 0, true},
	    {"recipients", "Recipients", 0, true},
	    {"verdict", "Verdict", 0, false},
	    {"why", "Why", 0, false},
	    {"detail", "Detail", 30, true},
	    {"would", "Would", 0, true},
	    {"hold", "Hold", 0, false},
	    {"hold_secs", "for", 0, false},
	    {"reply", "Reply", 0, true},
	    {"delivered", "Delivered", 0, true},
	    {"score", "Score", 0, true},
	    {"feedback", "Feedback", 0, true},
	    {"sid", "sid", 0, true},
	    {"queue_id", "Queue id", 0, true},
	    {"message_id", "Message-ID", 0, true},
	    {"fault", "Fault", 0, true},
	    {"mx", "MX", 0, true},
	};

	doc_table(doc, columns, 22);
}

void
rows_event(struct doc *doc, const struct event *event)
{
	const struct session_words *words = event->words;
	char ip[IP_TEXT_SIZE];
	bool is_held = event->hold_end != HOLD_NONE;

	doc_row(doc,
	    (struct cell[]){cell_time(event->time),
	        cell_text(ip_to_text(&event->ip, ip)),
	        cell_text(event->name != NULL ? event->name : "unknown"),
	        cell_text(event->ptr), cell_text(event->heloname),
	        cell_text(event->sender == NULL    ? NULL
	                  : *event->sender == '\0' ? "<>"
	                                           : event->sender),
	        cell_text(event->recipients),
	        cell_text(
	            event->exempt != NULL ? "exempt" : words->value[SK_VERDICT]),
	        cell_text(
	            event->exempt != NULL ? event->exempt : words->value[SK_WHY]),
	        cell_text(event->why_detail), cell_text(words->value[SK_WOULD]),
	        cell_text(is_held ? hold_end_words[event->hold_end] : NULL),
	        is_held ? cell_seconds((double)event->hold_ms / 1000) : cell_none(),
	        cell_text(event->reply), cell_text(event->delivered ? "yes" : "no"),
	        cell_real(event->score), cell_text(event->feedback),
	        cell_text(words->value[SK_SID]), cell_text(event->queue_id),
	        cell_text(event->message_id), cell_text(words->value[SK_FAULT]),
	        cell_text(words->value[SK_ID])});
}
