/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim/visits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/session_private.h"
#include "support/dice.h"

#define LINE "p7-dyn100.example.net"

/* As if the DNS job had ended: this sender's SPF passes for its own domain. */
static void
pass_spf(struct session *session, const char *domain)
{
	struct transaction *mail = session->mail;

	mail->dns = calloc(1, sizeof *mail->dns);
	if (mail->dns == NULL)
		abort();
	dns_facts_clear(mail->dns);
	mail->dns->mailfrom.result = SPF_PASS;
	mail->dns->mailfrom.domain = domain;
	session->facts.dns = mail->dns;
}

static bool
deliver(const struct visitor *visitor)
{
	fixture_mail(visitor->from);
	if (visitor->spf_domain != NULL)
		pass_spf(fixture->session, visitor->spf_domain);
	fixture->patience_ms = visitor->patience_s * 1000;
	return !fixture_rcpt(visitor->to, HOLD_ELAPSED).refuse &&
	       !fixture_data_refused() && !fixture_eom().refuse;
}

bool
visits_visit(const struct visitor *visitor)
{
	fixture_connect(visitor->ip, LINE);
	bool delivered = deliver(visitor);
	if (!delivered)
		fixture_abort();
	fixture_close();
	return delivered;
}

static uint64_t
mix(uint64_t *state)
{
	return dice_next(state) >> 11;
}

/* The address-th of a sender: its networks in turn. */
static void
write_ip(const struct sender *sender, unsigned farm, unsigned address, char *ip,
    size_t size)
{
	unsigned network = farm * 64 + address % sender->networks;

	snprintf(ip, size, "%u.%u.%u.%u", 11 + network / 65536, network / 256 % 256,
	    network % 256, 1 + address / sender->networks);
}

struct mail_of {
	const struct sender *sender;
	unsigned farm; /* which addresses */
	unsigned number;
	int64_t begun_ms;
};

/* Seconds until it was delivered, -1: never. */
static int64_t
visits_mail(const struct mail_of *mail, uint64_t *random)
{
	const struct sender *sender = mail->sender;
	char ip[IP_TEXT_SIZE], from[80], to[80], domain[32];
	struct visitor visitor = {.ip = ip,
	    .from = from,
	    .to = to,
	    .spf_domain = sender->has_spf ? domain : NULL,
	    .patience_s = sender->patience_s};

	snprintf(domain, sizeof domain, "farm%u.example", mail->farm);
	snprintf(from, sizeof from, "<writer@%s>", domain);
	snprintf(to, sizeof to, "<reader%u@example.jp>", mail->number);
	for (unsigned n = 0;; n++) {
		int64_t age =
		    n == 0 ? 0 : schedule_at(sender->schedule, n, mix(random));
		if (age < 0)
			return -1;
		/* an attempt begins when the one before is over */
		if (fixture->now_ms < mail->begun_ms + age * 1000)
			fixture->now_ms = mail->begun_ms + age * 1000;
		write_ip(sender, mail->farm,
		    (unsigned)(mix(random) % sender->addresses), ip, sizeof ip);
		if (visits_visit(&visitor))
			return (fixture->now_ms - mail->begun_ms) / 1000;
	}
}

static int
by_delay(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, two = *(const int64_t *)b;

	return one < two ? -1 : one > two;
}

void
visits_sender(const struct sender *sender, uint64_t seed, struct visits *visits_r)
{
	uint64_t random = seed * 2654435761U + 1;
	struct mail_of mail = {.sender = sender, .farm = (unsigned)seed * 200};
	int64_t start = fixture->now_ms;

	*visits_r = (struct visits){.mails = sender->mails};
	for (unsigned i = 0; i < sender->mails; i++) {
		mail.number = i;
		mail.farm += sender->moves;
		mail.begun_ms = start + (int64_t)i * sender->every_s * 1000;
		if (mail.begun_ms < fixture->now_ms)
			mail.begun_ms = fixture->now_ms;
		fixture->now_ms = mail.begun_ms;
		int64_t delay = visits_mail(&mail, &random);
		if (delay >= 0)
			visits_r->delay_s[visits_r->delivered++] = delay;
	}
	qsort(visits_r->delay_s, visits_r->delivered, sizeof(int64_t), by_delay);
}

int64_t
visits_quantile(const struct visits *visits, double share)
{
	if (visits->delivered == 0)
		return 0;
	return visits->delay_s[(unsigned)((visits->delivered - 1) * share + 0.5)];
}
