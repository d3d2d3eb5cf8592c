/* SPDX-License-Identifier: BSD-2-Clause */
/* The header fields that the session reads: ours, forged ones, Message-ID. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "session/session_private.h"
#include "spf/headers.h"

#define OURS           "X-TaRgrey"
#define AUTHRES        "Authentication-Results"
#define MESSAGE_ID_MAX 998 /* longest line, RFC 5322 2.1.1 */

/* Marks this field, the index-th of its name, for removal. */
static void
note_removed(struct transaction *mail, const char *name, unsigned index)
{
	if (mail->removed_count > MAX_FORGED)
		return;
	void *grown = realloc(
	    mail->removed, (mail->removed_count + 1) * sizeof *mail->removed);
	if (grown != NULL)
		mail->removed = grown;
	char *copy = grown == NULL ? NULL : text_dup(name);
	if (copy != NULL)
		mail->removed[mail->removed_count++] = (struct field){copy, index};
	else
		mail->has_lost_removed = true;
}

/* All of them are removed, so their number gives the index of the next one. */
static void
note_forged(struct transaction *mail, const char *name)
{
	unsigned index = 1;

	mail->forged_headers++;
	if (mail->removed_count > MAX_FORGED)
		return;
	for (size_t i = 0; i < mail->removed_count; i++)
		index += strcasecmp(mail->removed[i].name, name) == 0;
	note_removed(mail, name, index);
}

/* Blanks may precede the colon. */
static bool
is_authres(const char *name)
{
	size_t length = strlen(AUTHRES);

	return strncasecmp(name, AUTHRES, length) == 0 &&
	       name[length + strspn(name + length, " \t")] == '\0';
}

/* Our own relays only: a provider on an allow list forwards anything. */
static bool
is_from_exempt_network(const struct session *session)
{
	const struct snapshot *snapshot = session->snapshot;

	return !session->authenticated &&
	       ipnet_find(snapshot->exempt_networks, snapshot->exempt_count,
	           &session->facts.ip) != NULL;
}

/* An X-TaRgrey-Session from a relay whose id is on our list. */
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

const char *const session_headers[] = {OURS, "Message-ID", AUTHRES, NULL};

void
session_header(struct session *session, const char *name, const char *value)
{
	struct transaction *mail = session->mail;

	if (mail == NULL)
		return;
	if (is_authres(name)) {
		mail->authres_headers++;
		if (session->snapshot->authentication_results &&
		    spf_header_bears(value, session->snapshot->hostname))
			note_removed(mail, AUTHRES, mail->authres_headers);
	} else if (strncasecmp(name, OURS, strlen(OURS)) == 0) {
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
