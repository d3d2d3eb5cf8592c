/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog/study.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "base/text.h"
#include "maillog/clients.h"
#include "report/tally.h"
#include "report/top.h"

struct logstudy {
	const struct s25r *s25r;
	unsigned top;
	struct log_clock clock;
	struct log_clients clients, names;
	struct log_retries retries;
	struct tally *delivering; /* suspects that delivered: by name */
	uint64_t lines, broken, other, too_long, exempt;
	uint64_t mails, mails_of_suspects;
	uint64_t refused_for_good, refused_for_now, warned;
	int64_t first, last;
};

struct logstudy *
logstudy_new(const struct s25r *s25r, unsigned top)
{
	struct logstudy *study = calloc(1, sizeof(*study));

	if (study == NULL)
		return NULL;
	study->s25r = s25r;
	study->top = top;
	study->delivering = tally_new(8192);
	bool ok = study->delivering != NULL;
	ok = log_clients_init(&study->clients) && ok;
	ok = log_clients_init(&study->names) && ok;
	ok = log_retries_init(&study->retries) && ok;
	if (!ok)
		logstudy_free(&study);
	return study;
}

void
logstudy_free(struct logstudy **study)
{
	if (*study == NULL)
		return;
	tally_free(&(*study)->delivering);
	log_clients_clear(&(*study)->clients);
	log_clients_clear(&(*study)->names);
	log_retries_clear(&(*study)->retries);
	free(*study);
	*study = NULL;
}

/* Loopback and private networks are exempt with targrey, too. */
static bool
is_exempt(const struct ip *ip)
{
	static const char *const nets[] = {"127.0.0.0/8", "10.0.0.0/8",
	    "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1", "fc00::/7",
	    "fe80::/10"};

	for (size_t i = 0; i < sizeof(nets) / sizeof(*nets); i++) {
		struct ipnet net;
		if (ipnet_from_text(nets[i], &net) && ipnet_has(&net, ip))
			return true;
	}
	return false;
}

static struct log_client *
client_of(struct logstudy *study, const struct log_line *line, const char *name,
    struct log_client **by_name_r)
{
	struct log_client *client;
	bool is_new, is_named = strcmp(name, "unknown") != 0;

	*by_name_r = NULL;
	client = log_clients_find(
	    &study->clients, line->ip.bytes, sizeof(line->ip.bytes), &is_new);
	if (client == NULL)
		return NULL;
	if (is_new || (client->is_unknown && is_named)) {
		struct s25r_fact fact =
		    s25r_match(study->s25r, is_named ? name : NULL, false);
		client->is_suspect = fact.state == S25R_MATCH;
		client->is_unknown = !is_named;
		snprintf(client->rule, sizeof(client->rule), "%s",
		    fact.rule == NULL ? "" : fact.rule->id);
	}
	if (is_named)
		*by_name_r =
		    log_clients_find(&study->names, name, strlen(name), &is_new);
	if (*by_name_r != NULL && is_new)
		(*by_name_r)->is_suspect =
		    s25r_match(study->s25r, name, false).state == S25R_MATCH;
	return client;
}

static void
count_accept(struct logstudy *study, const struct log_client *client,
    const char *name, const struct log_line *line)
{
	char ip[IP_TEXT_SIZE];

	study->mails++;
	if (!client->is_suspect)
		return;
	study->mails_of_suspects++;
	struct tally_row *row = tally_add(study->delivering,
	    client->is_unknown ? ip_to_text(&line->ip, ip) : name, 1, line->time);
	if (row != NULL && *client->rule >= '0' && *client->rule <= '6')
		row->count[0] = (uint64_t)(*client->rule - '0') + 1;
}

static void
count_line(struct logstudy *study, const struct log_line *line)
{
	char name[256];
	struct log_client *client, *by_name;

	text_copy(name, sizeof(name), line->name);
	text_lower(name);
	client = client_of(study, line, name, &by_name);
	if (client == NULL)
		return;
	if (line->kind == LOG_ACCEPT) {
		client->accepted++;
		if (by_name != NULL)
			by_name->accepted++;
		count_accept(study, client, name, line);
		log_retries_accept(&study->retries, &line->ip, line->time);
	} else if (line->kind == LOG_REFUSE) {
		client->refused++;
		if (by_name != NULL)
			by_name->refused++;
		if (line->code >= 400 && line->code < 500) {
			study->refused_for_now++;
			log_retries_refuse(
			    &study->retries, line, client->is_suspect);
		} else {
			study->refused_for_good++;
		}
	} else if (line->kind == LOG_WARNING) {
		study->warned++;
	}
}

void
logstudy_line(struct logstudy *study, char *text, int64_t now_s)
{
	struct log_line line = maillog_parse(&study->clock, text, now_s);

	study->lines++;
	switch (line.kind) {
	case LOG_BROKEN:
		study->broken++;
		return;
	case LOG_OTHER:
	case LOG_MESSAGE:
	case LOG_VERDICT:
		study->other++;
		break;
	case LOG_CONNECT:
	case LOG_ACCEPT:
	case LOG_REFUSE:
	case LOG_WARNING:
		if (is_exempt(&line.ip))
			study->exempt++;
		else
			count_line(study, &line);
		break;
	}
	if (study->first == 0 || line.time < study->first)
		study->first = line.time;
	if (line.time > study->last)
		study->last = line.time;
}

void
logstudy_too_long(struct logstudy *study)
{
	study->lines++;
	study->too_long++;
}

struct log_share
logstudy_share(const struct logstudy *study, enum log_group group, bool by_name)
{
	return log_clients_share(by_name ? &study->names : &study->clients, group);
}

static void
write_range(const struct logstudy *study, struct doc *doc)
{
	doc_section(doc, "log", "The log");
	doc_fact(doc, "lines", "Lines", cell_count(study->lines));
	doc_fact(doc, "broken", "not of a mail log (skipped)",
	    cell_count(study->broken));
	doc_fact(
	    doc, "too_long", "too long (skipped)", cell_count(study->too_long));
	doc_fact(doc, "other", "telling nothing here", cell_count(study->other));
	doc_fact(doc, "exempt", "of loopback and private networks",
	    cell_count(study->exempt));
	doc_fact(doc, "first", "First line", cell_time(study->first));
	doc_fact(doc, "last", "Last line", cell_time(study->last));
	if (study->lines > 0 && study->broken == study->lines)
		doc_say(doc,
		    "No line looks like one of a syslog: is this the right file?");
	if (study->clients.lost > 0)
		doc_say(doc,
		    "%llu lines of further clients were left out: there were too "
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
	    "columns of names. Lists and own rules are not asked.");
	snprintf(chart.alternative, sizeof(chart.alternative),
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
	for (size_t i = 0; i < s25r_count(study->s25r); i++) {
		const struct s25r_rule *rule = s25r_rule_at(study->s25r, i);
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
	doc_fact(doc, "refused_for_good", "Refusals for good (5xx)",
	    cell_count(study->refused_for_good));
	doc_fact(doc, "refused_for_now", "Refusals for now (4xx)",
	    cell_count(study->refused_for_now));
	doc_fact(doc, "warnings", "Warnings instead of refusals",
	    cell_count(study->warned));
	doc_say(doc,
	    "These would have been held (mode targrey) until known as good. What "
	    "is wanted of them belongs into allow.d.");
	doc_table(doc, columns, 4);
	for (size_t i = 0; i < count && i < study->top; i++) {
		char rule[8] = "-";
		if (rows[i].count[0] > 0)
			snprintf(rule, sizeof(rule), "%u",
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
