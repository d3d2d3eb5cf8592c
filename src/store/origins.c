/* SPDX-License-Identifier: BSD-2-Clause */
/* The records of networks, organisations and the domains of senders. */
#include <stdio.h>
#include <string.h>

#include "policy/origin.h"
#include "store/held.h"

/* A key's last use is written at most this often. */
#define REFRESH_S 3600

static bool
name_network(const struct ip *ip, char name[static ORIGIN_SIZE])
{
	struct ipnet net = key_budget(ip);
	char text[IPNET_TEXT_SIZE];

	snprintf(name, ORIGIN_SIZE, "%s", ipnet_to_text(&net, text));
	return true;
}

/* false: there is none, or it cannot be a domain. */
static bool
name_domain(const char *mark, const char *domain, char name[static ORIGIN_SIZE])
{
	if (domain == NULL || *domain == '\0' ||
	    strlen(mark) + strlen(domain) >= ORIGIN_SIZE)
		return false;
	snprintf(name, ORIGIN_SIZE, "%s%s", mark, domain);
	return true;
}

/* Too many networks send for a domain for it to be a useful key. */
static bool
name_organisation(const struct store_who *who, const struct domain_record *domain,
    char name[static ORIGIN_SIZE])
{
	bool is_narrow =
	    who->domain != NULL && domain->networks <= DOMAIN_MAX_NETWORKS;

	return name_domain("", is_narrow ? who->domain : who->organisation, name);
}

size_t
origins_of(
    const struct store_who *who, char names_r[static ORIGINS_MAX][ORIGIN_SIZE])
{
	size_t count = 0;

	count += name_network(&who->ip, names_r[count]);
	count += name_domain("", who->domain, names_r[count]);
	count += name_domain("", who->organisation, names_r[count]);
	count += name_domain("@", who->sender_domain, names_r[count]);
	return count;
}

static bool
look_up(const struct apply *apply, const char *name, int64_t now,
    struct origin_record *record_r, struct trouble *trouble)
{
	if (!held_find_origin(apply, name, record_r, trouble))
		return false;
	origin_fade(record_r, apply->half_life_s, now);
	return true;
}

static bool
is_rated(const struct origin_record *record)
{
	return record->ham != 0 || record->spam != 0;
}

bool
origins_recall(const struct apply *apply, const struct store_who *who, int64_t now,
    struct history *history, struct trouble *trouble)
{
	char name[ORIGIN_SIZE];
	struct origin_record sender = {0};

	history->organisation = (struct origin_record){0};
	name_network(&who->ip, name);
	if (!look_up(apply, name, now, &history->network, trouble))
		return false;
	history->has_organisation = name_organisation(who, &history->domain, name);
	if (history->has_organisation &&
	    !look_up(apply, name, now, &history->organisation, trouble))
		return false;
	history->has_sender_domain = name_domain("@", who->sender_domain, name);
	if (history->has_sender_domain &&
	    !look_up(apply, name, now, &sender, trouble))
		return false;
	history->sender_domain_seen = sender.first_seen;
	history->origins_known = true;
	history->site = (struct origin_record){0};
	return !(is_rated(&history->network) || is_rated(&history->organisation)) ||
	       look_up(apply, ORIGIN_SITE, now, &history->site, trouble);
}

static bool
is_fresh(const struct origin_record *was, const struct origin_record *record)
{
	return was->first_seen == record->first_seen &&
	       was->sessions == record->sessions &&
	       was->successes == record->successes &&
	       was->gaveup == record->gaveup && was->ham == record->ham &&
	       was->spam == record->spam && was->people == record->people &&
	       record->last_seen >= was->last_seen &&
	       record->last_seen - was->last_seen < REFRESH_S;
}

static bool
note(const struct apply *apply, const struct note_spec *spec, const char *name,
    struct trouble *trouble)
{
	struct origin_record was, record;

	if (!held_find_origin(apply, name, &was, trouble))
		return false;
	record = origin_step(was, spec->outcome,
	    spec->settings != NULL && spec->settings->trust_eom, apply->half_life_s,
	    spec->now);
	if (spec->begins_session)
		count_add(&record.sessions, 1);
	return is_fresh(&was, &record) ||
	       held_keep_origin(apply, name, &record, trouble);
}

/* True for what the mail host let through and is not exempt. */
static bool
is_delivered(const struct event *event)
{
	return event != NULL && event->delivered && event->exempt == NULL;
}

bool
origins_are_noted(const struct note_spec *spec)
{
	bool says_more =
	    spec->outcome != OUTCOME_NONE && spec->outcome != OUTCOME_ATTEMPT &&
	    spec->outcome != OUTCOME_DOMAIN_FOUND && spec->outcome != OUTCOME_SEEN;

	return says_more || is_delivered(spec->event) || spec->begins_session;
}

bool
origins_note(const struct apply *apply, const struct note_spec *spec,
    const struct domain_record *domain, struct trouble *trouble)
{
	char name[ORIGIN_SIZE];

	if (!origins_are_noted(spec))
		return true;
	name_network(&spec->who.ip, name);
	if (!note(apply, spec, name, trouble))
		return false;
	if (name_organisation(&spec->who, domain, name) &&
	    !note(apply, spec, name, trouble))
		return false;
	/* Anybody can forge a sender: only delivered mail is recorded. */
	return !is_delivered(spec->event) ||
	       !name_domain("@", spec->who.sender_domain, name) ||
	       note(apply, spec, name, trouble);
}

static bool
rate(const struct apply *apply, const char *name, const struct rating *rating,
    struct trouble *trouble)
{
	struct origin_record record;

	if (!look_up(apply, name, rating->now, &record, trouble))
		return false;
	if (record.first_seen == 0)
		return true;
	origin_rate(&record, rating, apply->half_life_s);
	return held_keep_origin(apply, name, &record, trouble);
}

bool
origins_rate(const struct apply *apply, const struct store_who *who,
    const struct domain_record *domain, const struct rating *rating,
    struct trouble *trouble)
{
	char name[ORIGIN_SIZE];

	name_network(&who->ip, name);
	return rate(apply, name, rating, trouble) &&
	       (!name_organisation(who, domain, name) ||
	           rate(apply, name, rating, trouble));
}

bool
origins_rate_site(const struct apply *apply, unsigned ham, unsigned spam,
    int64_t now, struct trouble *trouble)
{
	struct origin_record record;

	if (!look_up(apply, ORIGIN_SITE, now, &record, trouble))
		return false;
	if (record.first_seen == 0)
		record.first_seen = now;
	record.last_seen = now;
	count_add(&record.ham, ham);
	count_add(&record.spam, spam);
	return held_keep_origin(apply, ORIGIN_SITE, &record, trouble);
}
