/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "maillog/study_private.h"

static void
write_range(const struct logstudy *study, struct doc *doc)
{
	doc_section(doc, "log", "The log");
	doc_fact(doc, "lines", "Lines", cell_count(study->unread.lines));
	doc_fact(doc, "broken", "not understood (skipped)",
	    cell_count(study->unread.broken));
	doc_fact(
	    doc, "too_long", "too long (skipped)", cell_count(study->too_long));
	doc_fact(doc, "other", "of no use here", cell_count(study->other));
	doc_fact(doc, "exempt", "of exempt networks", cell_count(study->exempt));
	doc_fact(doc, "users", "of authenticated users", cell_count(study->users));
	doc_fact(doc, "first", "First line", cell_time(study->first));
	doc_fact(doc, "last", "Last line", cell_time(study->last));
	unread_write(&study->unread, "report --maillog", doc);
	if (study->clients.lost > 0)
		doc_say(doc,
		    "%llu lines about further clients were left out: there were "
		    "too "
		    "many addresses to follow.",
		    (unsigned long long)study->clients.lost);
}

static void
write_groups(const struct logstudy *study, struct doc *doc)
{
	static const struct column columns[] = {
	    {"clients", "Clients that were", 0, false},
	    {"addresses", "Addresses", 0, false},
	    {"suspects", "Suspects", 0, false},
	    {"share", "Share", 0, false},
	    {"names", "Names", 0, false},
	    {"suspect_names", "Suspects", 0, false},
	    {"names_share", "Share", 0, false},
	};
	static const char *const groups[LOG_GROUPS] = {
	    "accepted (at least once)", "only refused", "only connected"};
	struct chart chart = {.kind = CHART_BARS,
	    .title = "Share of suspects by S25R",
	    .label = 0,
	    .values = {3},
	    .values_count = 1};

	doc_section(doc, "suspects", "Who would have been a suspect by S25R");
	doc_table(doc, columns, 7);
	for (unsigned i = 0; i < LOG_GROUPS; i++) {
		struct log_share ip = logstudy_share(study, i, false);
		struct log_share name = logstudy_share(study, i, true);
		doc_row(
		    doc, (struct cell[]){cell_text(groups[i]), cell_count(ip.count),
		             cell_count(ip.match),
		             cell_share((double)ip.match, (double)ip.count),
		             cell_count(name.count), cell_count(name.match),
		             cell_share((double)name.match, (double)name.count)});
	}
	doc_say(doc,
	    "Addresses without a name are suspects, too; they are left out of the "
	    "columns of names. %s Lists of recipients and senders, other selectors "
	    "and local rules are not looked at.",
	    study->settings.allow != NULL
	        ? "Clients that an allow list lets off are not suspects."
	        : "No allow list was read (--allow FILE): what the shipped one "
	          "lets "
	          "off is counted as well.");
	snprintf(chart.alternative, sizeof chart.alternative,
	    "Suspects among accepted clients and among those that were only "
	    "refused; the "
	    "table has the numbers.");
	doc_chart(doc, &chart);
}

static void
write_rules(const struct logstudy *study, struct doc *doc)
{
	static const struct column columns[] = {
	    {"rule", "Rule", 0, false},
	    {"reason", "Looks for", 50, false},
	    {"accepted", "Accepted", 0, false},
	    {"refused", "Only refused", 0, false},
	    {"connected", "Only connected", 0, false},
	};

	doc_section(doc, "rules", "Suspects by rule (addresses)");
	doc_table(doc, columns, 5);
	for (size_t i = 0; i < s25r_count(study->settings.s25r); i++) {
		const struct s25r_rule *rule =
		    s25r_rule_at(study->settings.s25r, i);
		uint64_t count[LOG_GROUPS] = {0};
		log_clients_by_rule(&study->clients, rule->id, count);
		doc_row(doc,
		    (struct cell[]){cell_text(rule->id), cell_text(rule->reason),
		        cell_count(count[GROUP_ACCEPTED]),
		        cell_count(count[GROUP_REFUSED]),
		        cell_count(count[GROUP_CONNECTED])});
	}
}

static void
write_effect(struct logstudy *study, struct doc *doc)
{
	static const struct column columns[] = {
	    {"client", "Client", 0, false},
	    {"mails", "Mails accepted", 0, false},
	    {"rule", "Rule", 0, false},
	    {"last", "Last", 0, false},
	};
	size_t count;
	const struct tally_row *rows = tally_sort(study->delivering, &count);

	doc_section(doc, "effect", "Suspects whose mail was accepted");
	doc_fact(doc, "mails", "Mails accepted", cell_count(study->mails));
	doc_fact(doc, "mails_of_suspects", "of these from suspects",
	    cell_count(study->mails_of_suspects));
	doc_fact(doc, "share", "Share",
	    cell_share((double)study->mails_of_suspects, (double)study->mails));
	doc_fact(doc, "mails_let_off", "let off by an allow list",
	    cell_count(study->mails_let_off));
	doc_fact(doc, "refused_at_end", "Refused at the end of the message",
	    cell_count(study->refused_at_end));
	doc_fact(doc, "given_up", "Begun, and no message came",
	    cell_count(study->given_up));
	doc_fact(doc, "refused_for_good", "Refusals for good (5xx)",
	    cell_count(study->refused_for_good));
	doc_fact(doc, "refused_for_now", "Refusals for now (4xx)",
	    cell_count(study->refused_for_now));
	doc_fact(doc, "warnings", "Warnings instead of refusals",
	    cell_count(study->warned));
	doc_say(doc,
	    "These would have been held (mode targrey) until known as good. Those "
	    "whose mail you want belong in allow.d.");
	doc_table(doc, columns, 4);
	for (size_t i = 0; i < count && i < study->settings.top; i++) {
		char rule[8] = "-";
		if (rows[i].count[0] > 0)
			snprintf(rule, sizeof rule, "%u",
			    (unsigned)(rows[i].count[0] - 1) % 10);
		doc_row(doc, (struct cell[]){cell_text(rows[i].name),
		                 cell_count(rows[i].rank), cell_text(rule),
		                 cell_time(rows[i].last)});
	}
	if (tally_error(study->delivering) > 0)
		doc_say(doc,
		    "There were too many to keep all: a number may be too low by "
		    "at most %llu.",
		    (unsigned long long)tally_error(study->delivering));
}

struct doc *
logstudy_finish(struct logstudy *study)
{
	struct doc *doc = doc_new("targrey: what a mail log tells");

	if (doc == NULL)
		return NULL;
	write_range(study, doc);
	write_groups(study, doc);
	write_rules(study, doc);
	write_effect(study, doc);
	log_retries_write(&study->retries, doc);
	return doc;
}
