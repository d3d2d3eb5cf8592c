/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is exempt by the settings: names the first one that applies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "session/session_private.h"

#define WHERE_SIZE 256

static char *
name_hit(struct session *session, const char *kind, const struct list_place *hit)
{
	char text[WHERE_SIZE];

	snprintf(text, sizeof text, "%s %s:%u", kind, hit->file, hit->line);
	return session_keep(session, text);
}

char *
exempt_client(struct session *session, bool *is_outgoing_r)
{
	const struct snapshot *snapshot = session->snapshot;
	const struct facts *facts = &session->facts;
	struct list_place hit;

	*is_outgoing_r = true;
	if (session->is_local)
		return session_keep(session, "no SMTP client");
	const struct ipnet *net = ipnet_find(
	    snapshot->exempt_networks, snapshot->exempt_count, &facts->ip);
	if (net != NULL) {
		char text[WHERE_SIZE] = "network ";
		ipnet_to_text(net, text + strlen(text));
		return session_keep(session, text);
	}
	*is_outgoing_r = false;
	if (list_match_client(snapshot->allow, &facts->ip, facts->name, &hit))
		return name_hit(session, "client", &hit);
	return NULL;
}

char *
exempt_recipient(struct session *session, const char *address)
{
	struct list_place hit;

	if (!list_match_recipient(session->snapshot->allow, address, &hit))
		return NULL;
	return name_hit(session, "recipient", &hit);
}

/* A sender's name alone is easily forged: it counts only with an SPF pass. */
char *
exempt_sender(struct session *session)
{
	const struct dns_facts *dns = session->facts.dns;
	struct list_place hit;

	if (dns == NULL || dns->mailfrom.result != SPF_PASS ||
	    !spf_is_narrow(&dns->mailfrom))
		return NULL;
	if (!list_match_sender(
	        session->snapshot->allow, session->mail->sender, &hit))
		return NULL;
	return name_hit(session, "sender", &hit);
}
