/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts/dnsbl.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "dns/name.h"

static bool
is_refusal(const uint8_t v4[static 4])
{
	return v4[0] == 127 && ((v4[1] == 255 && v4[2] == 255) ||
	                           (v4[1] == 0 && v4[2] == 0 && v4[3] == 255));
}

static bool
refuses(const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		if (ip_is_v4(&answer->records[i].ip) &&
		    is_refusal(answer->records[i].ip.bytes + 12))
			return true;
	}
	return false;
}

/* Anything in 127.0.0.0/8 but a refusal: 127.0.10.0 is an entry too. */
static bool
has_entry(const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		const uint8_t *v4 = answer->records[i].ip.bytes + 12;
		if (ip_is_v4(&answer->records[i].ip) && v4[0] == 127 &&
		    !is_refusal(v4))
			return true;
	}
	return false;
}

/*
 * A listing: 127.0.0.0/8, but neither 127.255.255.x nor 127.0.0.255 ("we refuse
 * to answer you"), and last octet & mask is not 0.
 */
static bool
dnsbl_is_listed(const struct dns_answer *answer, uint8_t mask)
{
	for (size_t i = 0; i < answer->count; i++) {
		const uint8_t *v4 = answer->records[i].ip.bytes + 12;

		if (ip_is_v4(&answer->records[i].ip) && v4[0] == 127 &&
		    !is_refusal(v4) && (v4[3] & mask) != 0)
			return true;
	}
	return false;
}

const char *
dnsbl_trouble(const struct dnsbl_health *health)
{
	if (atomic_load(&health->rest_until_ms) != 0)
		return "does not answer";
	switch ((enum dnsbl_state)atomic_load(&health->state)) {
	case DNSBL_LISTS_ALL:
		return "lists 127.0.0.1, as if it listed everybody: you are over "
		       "its quota, or your resolver invents answers";
	case DNSBL_LISTS_NONE:
		return "does not list its test entry 127.0.0.2 (RFC 5782 5): is "
		       "the name of the zone right?";
	case DNSBL_REFUSES:
		return "refuses our queries: you are over its quota, or ask "
		       "through a public resolver";
	case DNSBL_UNTESTED:
	case DNSBL_GOOD:
		break;
	}
	return NULL;
}

/*
 * When a list's rest is over one job asks whether it is back; the others leave it
 * out meanwhile.
 */
static bool
is_asked(struct dnsbl_health *health, int64_t now_ms)
{
	int64_t rest = atomic_load(&health->rest_until_ms);

	if (rest == 0)
		return true;
	return rest <= now_ms &&
	       atomic_compare_exchange_strong(
	           &health->rest_until_ms, &rest, now_ms + DNSBL_REST_MS);
}

/*
 * Until the first test has ended every job makes it; later one job does when it is
 * due.
 */
static bool
takes_test(struct dnsbl_health *health, int64_t now_ms)
{
	int64_t next = atomic_load(&health->next_test_ms);

	if (next == 0)
		return true;
	return next <= now_ms &&
	       atomic_compare_exchange_strong(
	           &health->next_test_ms, &next, now_ms + DNSBL_RETEST_MS);
}

static struct dns_question *
ask_under(struct resolver *resolver, const char *entry, const char *zone)
{
	char name[DNS_NAME_SIZE];

	if (strlen(entry) + 1 + strlen(zone) >= sizeof name)
		return NULL;
	snprintf(name, sizeof name, "%s.%s", entry, zone);
	return resolver_ask(resolver, name, DNS_A);
}

static void
start_test(
    struct dnsbl_job *job, size_t i, struct resolver *resolver, const char *zone)
{
	job->absent[i] = ask_under(resolver, "1.0.0.127", zone);
	job->present[i] = ask_under(resolver, "2.0.0.127", zone);
	job->present6[i] = ask_under(resolver,
	    "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0",
	    zone);
}

void
dnsbl_start(struct dnsbl_job *job, struct resolver *resolver,
    const struct dnsbl_setting *lists, size_t count, struct dnsbl_health *health,
    const struct ip *ip, int64_t now_ms)
{
	char name[DNS_NAME_SIZE];

	*job = (struct dnsbl_job){0};
	for (size_t i = 0; i < count && i < DNSBL_MAX_LISTS; i++) {
		if (!is_asked(&health[i], now_ms))
			continue;
		if (takes_test(&health[i], now_ms))
			start_test(job, i, resolver, lists[i].zone);
		else if (atomic_load(&health[i].state) != DNSBL_GOOD)
			continue;
		if (dns_name_reverse(name, ip, lists[i].zone))
			job->question[i] = resolver_ask(resolver, name, DNS_A);
	}
}

static void
note_health(struct dnsbl_health *health, const struct dnsbl_setting *list,
    bool is_silent, const struct clock *clock)
{
	if (!is_silent) {
		atomic_store(&health->silent, 0);
		atomic_store(&health->rest_until_ms, 0);
		return;
	}
	if (atomic_fetch_add(&health->silent, 1) + 1 < DNSBL_SILENT_TIMES)
		return;
	int64_t now = clock_mono_ms(clock);
	if (atomic_exchange(&health->rest_until_ms, now + DNSBL_REST_MS) == 0)
		log_warnx("dnsbl: %s does not answer; left out for %d s",
		    list->zone, DNSBL_REST_MS / 1000);
}

/*
 * true when silence is the list's fault, not the resolver's or ours: other
 * questions were answered, and the job was not called off.
 */
static bool
tells_of_list(const struct resolver *resolver)
{
	return !resolver_is_called_off(resolver) &&
	       resolver_counters(resolver).answered > 0;
}

static void
append_name(char text[static DNSBL_TEXT_SIZE], const char *name)
{
	size_t length = strlen(text);

	if (length + (length > 0) + strlen(name) >= DNSBL_TEXT_SIZE)
		return;
	if (length > 0)
		text[length++] = ',';
	strcpy(text + length, name);
}

/* NULL: no answer by then. */
static const struct dns_answer *
answer_by(
    struct resolver *resolver, struct dns_question *question, int64_t until_ms)
{
	if (question == NULL || !resolver_await_until(resolver, question, until_ms))
		return NULL;
	const struct dns_answer *answer = resolver_await(resolver, question);
	return answer->status == DNS_TIMEOUT || answer->status == DNS_SERVFAIL
	           ? NULL
	           : answer;
}

static void
note_state(struct dnsbl_health *health, const struct dnsbl_setting *list,
    enum dnsbl_state state, int64_t now_ms)
{
	int before = atomic_exchange(&health->state, (int)state);

	atomic_store(&health->next_test_ms,
	    now_ms + (state == DNSBL_GOOD ? DNSBL_TEST_MS : DNSBL_RETEST_MS));
	if (before == (int)state)
		return;
	if (state != DNSBL_GOOD)
		log_warnx("dnsbl: %s %s; left out until this changes", list->zone,
		    dnsbl_trouble(health));
	else if (before != DNSBL_UNTESTED)
		log_info("dnsbl: %s passes its test again", list->zone);
}

/* Whether the list may be counted; a test without an answer changes nothing. */
static bool
finish_test(const struct dnsbl_job *job, size_t i, struct resolver *resolver,
    const struct dnsbl_setting *list, struct dnsbl_health *health, int64_t until_ms,
    int64_t now_ms)
{
	const struct dns_answer *absent =
	    answer_by(resolver, job->absent[i], until_ms);
	const struct dns_answer *present =
	    answer_by(resolver, job->present[i], until_ms);
	const struct dns_answer *present6 =
	    answer_by(resolver, job->present6[i], until_ms);

	if (absent != NULL && present != NULL && present6 != NULL) {
		enum dnsbl_state state = DNSBL_GOOD;
		if (refuses(absent) || refuses(present) || refuses(present6))
			state = DNSBL_REFUSES;
		else if (has_entry(absent))
			state = DNSBL_LISTS_ALL;
		else if (!has_entry(present) && !has_entry(present6))
			state = DNSBL_LISTS_NONE;
		note_state(health, list, state, now_ms);
	}
	return atomic_load(&health->state) == DNSBL_GOOD;
}

void
dnsbl_finish(const struct dnsbl_job *job, struct resolver *resolver,
    const struct dnsbl_setting *lists, size_t count, struct dnsbl_health *health,
    const struct clock *clock, struct dns_facts *facts)
{
	int64_t now_ms = clock_mono_ms(clock),
	        until_ms = now_ms + DNSBL_PATIENCE_MS;

	for (size_t i = 0; i < count && i < DNSBL_MAX_LISTS; i++) {
		if (job->question[i] == NULL)
			continue;
		const struct dns_answer *answer = NULL;
		if (resolver_await_until(resolver, job->question[i], until_ms))
			answer = resolver_await(resolver, job->question[i]);
		bool is_silent = answer == NULL || answer->status == DNS_TIMEOUT;
		if (!is_silent || tells_of_list(resolver))
			note_health(&health[i], &lists[i], is_silent, clock);
		if (is_silent || !finish_test(job, i, resolver, &lists[i],
		                     &health[i], until_ms, now_ms))
			continue;
		if (refuses(answer)) /* the next job tests it */
			atomic_store(&health[i].next_test_ms, 1);
		if (!dnsbl_is_listed(answer, lists[i].mask))
			continue;
		facts->dnsbl_weight += lists[i].weight;
		append_name(facts->dnsbl, lists[i].name);
	}
}
