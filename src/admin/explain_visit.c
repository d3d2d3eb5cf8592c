/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/explain_visit.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/snapshot.h"
#include "policy/grey.h"
#include "record/mx.h"
#include "session/explain.h"

struct memory {
	struct query *query;
	const struct policy_settings *policy;
	struct error error;
	bool failed;
};

static bool
recall(void *ctx, const struct store_who *who, const struct triplet *triplets,
    size_t count, int64_t now, struct history *history_r)
{
	struct memory *memory = ctx;

	memory->failed = !query_recall(memory->query, who, triplets, count, now,
	    memory->policy->retry_window_s, history_r, &memory->error);
	return !memory->failed;
}

static bool
read_dns(struct admin *admin, const char *sender,
    char domain[static SPF_DOMAIN_SIZE], struct dns_facts *dns)
{
	const char *spf = args_value(admin, "spf");
	const char *at = strrchr(sender, '@');

	if (spf == NULL)
		return false;
	dns_facts_clear(dns);
	for (enum spf_result i = 0; i < SPF_RESULTS; i++) {
		if (strcmp(spf_result_words[i], spf) == 0)
			dns->mailfrom.result = i;
	}
	text_copy(domain, SPF_DOMAIN_SIZE, at == NULL ? "" : at + 1);
	text_lower(domain);
	dns->mailfrom.domain = domain;
	return true;
}

static void
put_steps(struct doc *doc, const struct explained *is)
{
	static const struct column columns[] = {
	    {"step", "Step", 0, false},
	    {"spoke", "Spoke", 0, false},
	    {"said", "Said", 0, false},
	};
	const struct judgement *judgement = &is->judgement;

	doc_section(doc, "steps", "Steps");
	doc_table(doc, columns, 3);
	bool exempt = *is->exempt != '\0';
	doc_row(doc,
	    (struct cell[]){cell_text("exempt"), cell_text(exempt ? "yes" : "no"),
	        cell_text(exempt ? is->exempt : "nothing exempts it")});
	const struct s25r_rule *rule =
	    is->s25r.rule != NULL ? is->s25r.rule : is->s25r.warn;
	char said[512];
	snprintf(said, sizeof said, "rule %s %s (%s)%s",
	    rule == NULL ? "" : rule->id, rule == NULL ? "" : rule->pattern,
	    rule == NULL ? "" : rule->reason,
	    is->s25r.rule == NULL ? ", on trial" : "");
	doc_row(
	    doc, (struct cell[]){cell_text("s25r"), cell_text("no"),
	             cell_text(rule == NULL ? "no rule matches the name" : said)});
	for (size_t i = 0; !exempt && i < judgement->trace_count; i++)
		doc_row(doc,
		    (struct cell[]){
		        cell_text(trace_texts[judgement->trace[i].said].step),
		        cell_text(judgement->trace[i].spoke ? "yes" : "no"),
		        cell_text(trace_texts[judgement->trace[i].said].said)});
}

static struct cell
known(int64_t until, int64_t now)
{
	return until >= KNOWN_FOREVER       ? cell_text("for ever")
	       : until >= now && until != 0 ? cell_time(until)
	                                    : cell_text("no");
}

static void
put_record(struct doc *doc, const struct explained *is, int64_t now)
{
	const struct address_record *record = &is->history.address;
	const struct domain_record *domain = &is->history.domain;

	doc_section(doc, "record", "On record");
	if (!is->has_history) {
		doc_say(doc, "The store was not asked, or could not be.");
		return;
	}
	doc_detail(
	    doc, "first_seen", "Address first seen", cell_time(record->first_seen));
	doc_detail(doc, "last_seen", "last seen", cell_time(record->last_seen));
	doc_detail(doc, "sessions", "Sessions", cell_count(record->sessions));
	doc_detail(doc, "successes", "Good (endured or passed)",
	    cell_count(record->successes));
	doc_detail(
	    doc, "last_success", "last good", cell_time(record->last_success));
	doc_detail(doc, "gaveup", "Gave up", cell_count(record->gaveup));
	doc_detail(
	    doc, "last_gaveup", "last gave up", cell_time(record->last_gaveup));
	doc_detail(doc, "gaveup_secs", "after", cell_seconds(record->gaveup_secs));
	doc_detail(doc, "ham", "Ham", cell_count(count_rounded(record->ham)));
	doc_detail(doc, "spam", "Spam", cell_count(count_rounded(record->spam)));
	doc_detail(doc, "known_until", "Address known until",
	    known(record->known_until, now));
	if (*is->domain != '\0') {
		doc_fact(doc, "domain", "SPF domain", cell_text(is->domain));
		doc_detail(doc, "domain_successes", "its good ones",
		    cell_count(domain->successes));
		doc_detail(doc, "domain_known_until", "known until",
		    known(domain->known_until, now));
	}
	doc_detail(doc, "triplet_first", "Triplet's first attempt",
	    cell_time(is->row.first));
	doc_detail(doc, "triplet_last", "last attempt", cell_time(is->row.last));
	doc_detail(doc, "triplet_tries", "tries so far", cell_count(is->row.tries));
	if (mx_count(is->row.mxs) > 1)
		doc_detail(doc, "triplet_mxs", "number of MXs",
		    cell_count(mx_count(is->row.mxs)));
	doc_detail(
	    doc, "triplet_passed", "passed, last used", cell_time(is->row.passed));
	if (record->first_seen == 0 && is->row.first == 0)
		doc_say(doc, "Nothing about this address, nor about mail from this "
		             "sender to this recipient.");
}

static void
put_origin(struct doc *doc, const char *of, const char *name,
    const struct origin_record *record, const struct origin_record *site)
{
	struct spam_share share = spam_share_of(record, site);
	double whole = share.verdicts > 0 ? 1 : 0; /* else: none */

	doc_row(doc, (struct cell[]){cell_text(of), cell_text(name),
	                 cell_time(record->first_seen),
	                 cell_count(count_rounded(record->ham)),
	                 cell_count(count_rounded(record->spam)),
	                 cell_share(share.expected, whole),
	                 cell_share(share.at_least, whole),
	                 cell_count(people_count(record))});
}

/* The verdicts that the selector record uses. */
static void
put_origins(struct doc *doc, const struct explained *is, const struct ip *ip)
{
	static const struct column columns[] = {
	    {"of", "Verdicts on", 0, false},
	    {"name", "Name", 0, false},
	    {"first_seen", "First seen", 0, false},
	    {"ham", "Ham", 0, true},
	    {"spam", "Spam", 0, true},
	    {"expected", "Spam expected", 0, true},
	    {"at_least", "at least", 0, true},
	    {"people", "People", 0, true},
	};
	const struct history *history = &is->history;
	struct ipnet net = key_budget(ip);
	char text[IPNET_TEXT_SIZE];

	if (!is->has_history || !history->origins_known)
		return;
	doc_section(doc, "verdicts", "Verdicts of content filters and people");
	doc_table(doc, columns, sizeof columns / sizeof *columns);
	put_origin(doc, "network", ipnet_to_text(&net, text), &history->network,
	    &history->site);
	if (*is->organisation != '\0')
		put_origin(doc, "organisation", is->organisation,
		    &history->organisation, &history->site);
	put_origin(doc, "this site", "-", &history->site, &history->site);
}

/* When the next attempt would first pass, found by asking the policy steps. */
static int64_t
passes_at(const struct policy_settings *policy, struct grey_row row, int64_t now)
{
	for (uint32_t tries = 0; tries <= policy->retry_count + 1; tries++) {
		int64_t next = row.first + policy->delay_s;
		if (row.last_try + policy->retry_gap_s > next)
			next = row.last_try + policy->retry_gap_s;
		if (next < now)
			next = now;
		row = grey_step(policy, row, OUTCOME_ATTEMPT, next);
		if (grey_passes(policy, &row, next))
			return next;
		now = next;
	}
	return 0;
}

static void
put_outcome(struct doc *doc, const struct explained *is,
    const struct config *config, int64_t now)
{
	const struct judgement *judgement = &is->judgement;
	bool exempt = *is->exempt != '\0';

	doc_section(doc, "outcome", "The next visit would get");
	doc_fact(doc, "mode", "Mode", cell_text(mode_words[config->policy.mode]));
	doc_fact(doc, "verdict", "Verdict",
	    cell_text(
	        exempt ? "pass (exempt)" : verdict_words[judgement->verdict]));
	doc_fact(doc, "why", "Why",
	    cell_text(exempt ? is->exempt : why_words[judgement->why]));
	if (!exempt)
		doc_fact(doc, "because", "that is",
		    cell_text(why_texts[judgement->why]));
	if (*is->detail != '\0')
		doc_fact(doc, "detail", "from", cell_text(is->detail));
	if (!exempt && judgement->would != VERDICT_PASS)
		doc_fact(doc, "would", "Would otherwise",
		    cell_text(verdict_words[judgement->would]));
	if (exempt || judgement->verdict == VERDICT_PASS)
		return;
	if (judgement->verdict == VERDICT_HOLD) {
		doc_fact(doc, "hold", "Held for",
		    cell_seconds((double)is->hold.ms / 1000));
		if (is->hold.varied)
			doc_say(doc, "That differs from the setting (vary).");
		if (judgement->then_greylist)
			doc_say(doc, "It is greylisted after the hold.");
	}
	bool greylists =
	    judgement->verdict == VERDICT_GREYLIST || judgement->then_greylist;
	int64_t at = passes_at(&config->policy, is->row, now);
	if (greylists)
		doc_fact(doc, "reply", "Reply to DATA", cell_text("450"));
	if (at != 0)
		doc_fact(
		    doc, "passes_at", "Passes by its tries from", cell_time(at));
}

static void
put_header(struct doc *doc, const struct explained *is)
{
	doc_section(doc, "header", "Headers");
	if (is->is_outgoing) {
		doc_say(doc, "Mail that may be our own gets no headers.");
		return;
	}
	if (*is->exempt != '\0')
		doc_say(
		    doc, "It is on an allow list: not delayed, but with headers.");
	else if (is->judgement.verdict == VERDICT_HOLD)
		doc_say(doc, "The message carries these when it is accepted after "
		             "the hold.");
	else if (is->judgement.verdict == VERDICT_GREYLIST)
		doc_say(doc, "The visit gets 450; a message accepted in it would "
		             "carry these.");
	doc_fact(
	    doc, "session", "X-TaRgrey-Session:", cell_text(is->session_header));
	doc_fact(doc, "client", "X-TaRgrey-Client:", cell_text(is->client_header));
	doc_fact(doc, "flags", "X-TaRgrey-Flags:", cell_text(is->flags_header));
}

static const char *
without_brackets(const char *text, char *buf, size_t size)
{
	size_t length;

	if (*text == '<')
		text++;
	length = strcspn(text, ">");
	snprintf(buf, size, "%.*s", (int)length, text);
	return buf;
}

/* Takes what was not given from the last visit; the doc says what. */
struct assumed {
	bool from_event; /* a last visit was found */
	int64_t time;
	char name[256], ptr[256], helo[256]; /* "" = none */
};

static bool
take_last(void *ctx, const struct event *event)
{
	struct assumed *assumed = ctx;

	assumed->from_event = true;
	assumed->time = event->time;
	text_copy(assumed->name, sizeof assumed->name,
	    event->name != NULL ? event->name : "");
	text_copy(assumed->ptr, sizeof assumed->ptr,
	    event->ptr != NULL ? event->ptr : "");
	text_copy(assumed->helo, sizeof assumed->helo,
	    event->heloname != NULL ? event->heloname : "");
	return false;
}

static bool
assume(struct admin *admin, struct explain_visit *visit, struct assumed *assumed,
    struct error *error)
{
	const struct ipnet one = {visit->client.ip, 128};
	const struct event_filter filter = {
	    .net = &one, .newest_first = true, .limit = 1};
	const char *name = args_value(admin, "name"),
	           *ptr = args_value(admin, "ptr"),
	           *helo = args_value(admin, "helo");

	*assumed = (struct assumed){.from_event = false};
	if (name == NULL && ptr == NULL &&
	    !query_events(admin->query, &filter, take_last, assumed, error))
		return false;
	if (name == NULL && *assumed->name != '\0')
		name = assumed->name;
	if (ptr == NULL && *assumed->ptr != '\0')
		ptr = assumed->ptr;
	if (helo == NULL)
		helo = *assumed->helo != '\0' ? assumed->helo : name;
	visit->client.name =
	    name == NULL || strcmp(name, "unknown") == 0 ? NULL : name;
	visit->client.ptr = ptr;
	visit->helo = helo;
	return true;
}

static void
put_visit(struct doc *doc, struct admin *admin, const struct explain_visit *visit,
    const struct assumed *assumed)
{
	char ip[IP_TEXT_SIZE];

	doc_section(doc, "visit", "A visit from");
	doc_fact(
	    doc, "ip", "Address", cell_text(ip_to_text(&visit->client.ip, ip)));
	doc_fact(doc, "name", "Verified name",
	    cell_text(visit->client.name == NULL ? "unknown" : visit->client.name));
	doc_fact(doc, "ptr", "Unverified name", cell_text(visit->client.ptr));
	doc_fact(doc, "helo", "HELO", cell_text(visit->helo));
	doc_fact(doc, "from", "Sender",
	    cell_text(*visit->sender == '\0' ? "<>" : visit->sender));
	doc_fact(doc, "to", "Recipient", cell_text(visit->recipient));
	if (assumed->from_event) {
		doc_fact(doc, "names_of", "Names as on", cell_time(assumed->time));
		doc_say(doc, "No --name was given: the names are those of its last "
		             "visit on record.");
	} else if (args_value(admin, "name") == NULL &&
	           args_value(admin, "ptr") == NULL) {
		doc_say(doc,
		    "Assumed: it has no verified name. No --name was given, "
		    "and there is no visit on record.");
	}
	if (args_value(admin, "from") == NULL || args_value(admin, "to") == NULL)
		doc_say(doc,
		    "Assumed: sender or recipient, as no --from or no --to "
		    "was given.");
}

static struct doc *
report_of(struct admin *admin, const struct explained *is,
    const struct config *config, const struct explain_visit *visit,
    const struct assumed *assumed)
{
	struct doc *doc = doc_new("targrey explain");
	int64_t now = admin_now(admin);

	if (doc == NULL)
		return NULL;
	put_visit(doc, admin, visit, assumed);
	put_outcome(doc, is, config, now);
	put_steps(doc, is);
	if (*is->exempt == '\0')
		put_record(doc, is, now);
	if (*is->exempt == '\0')
		put_origins(doc, is, &visit->client.ip);
	put_header(doc, is);
	if (args_value(admin, "spf") == NULL)
		doc_say(
		    doc, "DNS was not asked: SPF counts as skipped (see --spf).");
	return doc;
}

/* The configuration as a snapshot without store and DNS. */
static struct snapshot *
build(struct admin *admin, struct error *error)
{
	struct snapshot_parts parts = {.clock = NULL};

	admin->config->spf = false;
	admin->config->dnsbl_count = 0;
	struct snapshot *snapshot = snapshot_build(admin->config, &parts, error);
	if (snapshot != NULL)
		admin->config = NULL; /* it belongs to the snapshot now */
	return snapshot;
}

int
explain_visit_from(struct admin *admin, const char *ip)
{
	char from[1024], to[1024], domain[SPF_DOMAIN_SIZE];
	const char *sender = args_value(admin, "from"),
	           *recipient = args_value(admin, "to");
	struct explain_visit visit = {.now = admin_now(admin)};
	struct assumed assumed;
	struct dns_facts dns;
	struct error error;

	if (!ip_from_text(ip, &visit.client.ip))
		return usage(admin, "--ip: \"%.60s\" is not an address", ip);
	visit.sender = without_brackets(
	    sender == NULL ? "sender@example.com" : sender, from, sizeof from);
	visit.recipient = without_brackets(
	    recipient == NULL ? "recipient@example.org" : recipient, to, sizeof to);
	if (read_dns(admin, visit.sender, domain, &dns))
		visit.dns = &dns;
	if (admin_config(admin) == NULL || admin_query(admin, false) == NULL)
		return EXIT_FAILED;
	if (!assume(admin, &visit, &assumed, &error))
		return failed(admin, &error);
	struct snapshot *snapshot = build(admin, &error);
	if (snapshot == NULL)
		return failed(admin, &error);
	struct memory memory = {.query = admin->query, .policy = &snapshot->policy};
	struct explain_memory remembered = {
	    .secret = query_secret(admin->query), .recall = recall, .ctx = &memory};
	struct explained explained;
	bool ok = session_explain(snapshot, &visit, &remembered, &explained);
	struct doc *doc = ok ? report_of(admin, &explained,
	                           snapshot_config(snapshot), &visit, &assumed)
	                     : NULL;
	if (ok && memory.failed)
		failed(admin, &memory.error);
	int code = admin_write(admin, &doc);
	snapshot_free(&snapshot);
	return ok && memory.failed ? EXIT_FAILED : code;
}
