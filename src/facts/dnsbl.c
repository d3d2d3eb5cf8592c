/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts/dnsbl.h"

#include <string.h>

#include "base/log.h"
#include "dns/name.h"

bool
dnsbl_is_listed(const struct dns_answer *answer, uint8_t mask)
{
	for (size_t i = 0; i < answer->count; i++) {
		const uint8_t *v4 = answer->records[i].ip.bytes + 12;

		if (!ip_is_v4(&answer->records[i].ip) || v4[0] != 127)
			continue;
		if (v4[1] == 255 && v4[2] == 255)
			continue;
		if ((v4[3] & mask) != 0)
			return true;
	}
	return false;
}

/*
 * Of the jobs that come when a list's rest is over, one asks whether it is back;
 * the others leave it out meanwhile.
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
 * Says something of the list, and not of the resolver or of us: others of the
 * job were answered, and it was not called off.
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

void
dnsbl_finish(const struct dnsbl_job *job, struct resolver *resolver,
    const struct dnsbl_setting *lists, size_t count, struct dnsbl_health *health,
    const struct clock *clock, struct dns_facts *facts)
{
	int64_t until_ms = clock_mono_ms(clock) + DNSBL_PATIENCE_MS;

	for (size_t i = 0; i < count && i < DNSBL_MAX_LISTS; i++) {
		if (job->question[i] == NULL)
			continue;
		const struct dns_answer *answer = NULL;
		if (resolver_await_until(resolver, job->question[i], until_ms))
			answer = resolver_await(resolver, job->question[i]);
		bool is_silent = answer == NULL || answer->status == DNS_TIMEOUT;
		if (!is_silent || tells_of_list(resolver))
			note_health(&health[i], &lists[i], is_silent, clock);
		if (is_silent || !dnsbl_is_listed(answer, lists[i].mask))
			continue;
		facts->dnsbl_weight += lists[i].weight;
		append_name(facts->dnsbl, lists[i].name);
	}
}
