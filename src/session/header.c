/* SPDX-License-Identifier: BSD-2-Clause */
/* The fields of a header that the session reads: ours, forged ones, Message-ID. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "session/session_private.h"

#define MESSAGE_ID_MAX 998 /* a line, RFC 5322 2.1.1 */

static bool
has_prefix(const char *name, const char *prefix)
{
	return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

static void
note_forged(struct transaction *mail, const char *name)
{
	if (++mail->forged_headers > MAX_FORGED)
		return;
	for (size_t i = 0; i < mail->forged_count; i++) {
		if (strcasecmp(mail->forged[i].name, name) == 0) {
			mail->forged[i].count++;
			return;
		}
	}
	void *grown =
	    realloc(mail->forged, (mail->forged_count + 1) * sizeof *mail->forged);
	if (grown == NULL)
		return;
	mail->forged = grown;
	char *copy = text_dup(name);
	if (copy != NULL)
		mail->forged[mail->forged_count++] = (struct forged_name){copy, 1};
}

/* A relay of ours is one; a provider on an allow list sends what anybody writes. */
static bool
is_from_exempt_network(const struct session *session)
{
	const struct snapshot *snapshot = session->snapshot;

	return !session->authenticated &&
	       ipnet_find(snapshot->exempt_networks, snapshot->exempt_count,
	           &session->facts.ip) != NULL;
}

/* An X-TaRgrey-Session of a relay whose id is on our list. */
static bool
is_trusted_relay(const struct snapshot *snapshot, const char *value)
{
	const char *id = strstr(value, "; id=");

	if (id == NULL)
		return false;
	id += strlen("; id=");
	size_t length = strcspn(id, ";");
	for (size_t i = 0; i < snapshot->trusted_count; i++) {
		const char *trusted = snapshot->trusted_relays[i];
		if (strlen(trusted) == length &&
		    strncasecmp(id, trusted, length) == 0)
			return true;
	}
	return false;
}

const char *const session_headers[] = {
    "X-TaRgrey", "Message-ID", "Authentication-Results", NULL};

void
session_header(struct session *session, const char *name, const char *value)
{
	struct transaction *mail = session->mail;

	if (mail == NULL)
		return;
	if (session->snapshot->authentication_results &&
	    authres_note(mail, name, value, session->snapshot->hostname))
		return;
	if (has_prefix(name, "x-targrey")) {
		note_forged(mail, name);
		if (strcasecmp(name, "X-TaRgrey-Session") != 0)
			return;
		if (is_from_exempt_network(session) &&
		    is_trusted_relay(session->snapshot, value))
			mail->relay_trusted = true;
		else
			mail->foreign_session = true;
	} else if (mail->message_id == NULL &&
	           strcasecmp(name, "Message-ID") == 0) {
		mail->message_id =
		    strndup(value + strspn(value, " \t"), MESSAGE_ID_MAX);
	}
}
