/* SPDX-License-Identifier: BSD-2-Clause */
/* Our headers, and the removal of copies that are not ours: docs/headers.md. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "session/session_private.h"
#include "spf/headers.h"

#define CLIENT_LIMIT 128

void
stamp_session(
    const struct session_words *words, char buf[static STAMP_SESSION_SIZE])
{
	const size_t size = STAMP_SESSION_SIZE;
	size_t used = 0;

	buf[0] = '\0';
	for (enum session_key key = 0; key < SESSION_KEYS; key++) {
		size_t whole = used;
		if (*words->value[key] == '\0')
			continue;
		if (!text_append(buf, size, &used, used == 0 ? "" : "; ") ||
		    !text_append(buf, size, &used, session_keys[key].name) ||
		    !text_append(buf, size, &used, "=") ||
		    !text_append(buf, size, &used, words->value[key])) {
			buf[whole] = '\0';
			return;
		}
	}
}

static size_t
client_field(
    char *buf, size_t size, size_t used, const char *key, const char *value)
{
	char encoded[CLIENT_LIMIT + 1];

	text_percent(encoded, sizeof encoded, CLIENT_LIMIT, value, strlen(value));
	int wrote = snprintf(buf + used, size - used, "; %s=%s", key, encoded);
	return wrote < 0 || (size_t)wrote >= size - used ? used
	                                                 : used + (size_t)wrote;
}

static const char *
or_else(const char *text, const char *otherwise)
{
	return text == NULL || *text == '\0' ? otherwise : text;
}

void
stamp_client(const struct session *session, char buf[static STAMP_CLIENT_SIZE])
{
	char ip[IP_TEXT_SIZE], key[IPNET_TEXT_SIZE];
	struct ip address = key_address(&session->facts.ip);
	struct ipnet net = {address, ip_is_v4(&address) ? 128 : 64};
	size_t used = (size_t)snprintf(buf, STAMP_CLIENT_SIZE, "v=1");
	const size_t size = STAMP_CLIENT_SIZE;

	ip_to_text(&session->facts.ip, ip);
	ipnet_to_text(&net, key);
	used = client_field(buf, size, used, "ip", ip);
	used = client_field(
	    buf, size, used, "name", or_else(session->facts.name, "unknown"));
	used = client_field(
	    buf, size, used, "ptr", or_else(session->facts.ptr, "unknown"));
	used = client_field(
	    buf, size, used, "heloname", or_else(session->facts.helo, "-"));
	client_field(buf, size, used, "key", key);
}

static bool
is(const struct session_words *words, enum session_key key, const char *word)
{
	return strcmp(words->value[key], word) == 0;
}

static bool
is_positive(const struct session_words *words, enum session_key key)
{
	return *words->value[key] != '\0' && !is(words, key, "0");
}

void
stamp_flags(const struct session *session, const struct session_words *words,
    char buf[static STAMP_FLAGS_SIZE])
{
	bool helo_ok = is(words, SK_HELO, "fqdn") || is(words, SK_HELO, "literal");
	bool from_bad = is(words, SK_FROM, "self") || is(words, SK_FROM, "ours") ||
	                is(words, SK_FROM, "nodns");
	bool known = is(words, SK_WHY, "known-address") ||
	             is(words, SK_WHY, "known-domain") ||
	             session->history.address.known_until >= session->now.wall;
	const bool is_set[FLAGS] = {
	    [FLAG_S25R] = is(words, SK_S25R, "match"),
	    [FLAG_NORDNS] = is(words, SK_RDNS, "none"),
	    [FLAG_MISMATCH] = is(words, SK_RDNS, "mismatch"),
	    [FLAG_TARPIT] =
	        is(words, SK_TARPIT, "endured") || is(words, SK_TARPIT, "unproven"),
	    [FLAG_SHED] = is(words, SK_TARPIT, "shed"),
	    [FLAG_GREY] = is(words, SK_GREY, "passed"),
	    [FLAG_EARLY] = is(words, SK_EARLY, "yes"),
	    [FLAG_NO_SUCCESS] = is(words, SK_PASSED, "0"),
	    [FLAG_KNOWN] = known,
	    [FLAG_GAVEUP] = is_positive(words, SK_GAVEUP),
	    [FLAG_HELO_BAD] = !helo_ok,
	    [FLAG_FROM_BAD] = from_bad,
	    [FLAG_SPF_PASS] = is(words, SK_SPF, "pass"),
	    [FLAG_SPF_FAIL] = is(words, SK_SPF, "fail"),
	    [FLAG_SPF_SOFTFAIL] = is(words, SK_SPF, "softfail"),
	    [FLAG_PIPE] = is(words, SK_PIPE, "yes"),
	    [FLAG_LOCAL] = !is(words, SK_LOCAL, "none"),
	    [FLAG_WOULD] = !is(words, SK_WOULD, "none"),
	    [FLAG_FORGED] = is_positive(words, SK_FORGED),
	    [FLAG_FAULT] = !is(words, SK_FAULT, "none"),
	};
	size_t used = 0;

	buf[0] = '\0';
	for (enum flag flag = 0; flag < FLAGS; flag++) {
		if (!is_set[flag])
			continue;
		used += (size_t)snprintf(buf + used, STAMP_FLAGS_SIZE - used,
		    "%s%s", used == 0 ? "" : " ", flag_words[flag]);
	}
	if (used == 0)
		memcpy(buf, "-", 2);
}

static void
insert_spf(const struct session *session, const struct session_edits *edits)
{
	const struct snapshot *snapshot = session->snapshot;
	const struct transaction *mail = session->mail;
	char buf[1024];

	if (mail->dns == NULL)
		return;
	const struct spf_fact *facts[] = {&mail->dns->helo, &mail->dns->mailfrom};
	for (int i = 0; i < 2; i++) {
		bool is_helo = i == 0;
		if (facts[i]->result == SPF_SKIPPED)
			continue;
		if (snapshot->authentication_results &&
		    spf_header_authres(buf, sizeof buf, facts[i], is_helo,
		        snapshot->hostname) != 0)
			edits->insert(edits->ctx, "Authentication-Results", buf);
		if (snapshot->received_spf &&
		    spf_header_received(buf, sizeof buf, facts[i], is_helo,
		        &session->facts.ip, session->facts.helo, mail->sender,
		        snapshot->hostname) != 0)
			edits->insert(edits->ctx, "Received-SPF", buf);
	}
}

static void
insert_ours(const struct session *session, const struct session_words *words,
    const struct session_edits *edits)
{
	char session_text[STAMP_SESSION_SIZE], client[STAMP_CLIENT_SIZE];
	char flags[STAMP_FLAGS_SIZE];

	stamp_session(words, session_text);
	stamp_client(session, client);
	stamp_flags(session, words, flags);
	insert_spf(session, edits);
	edits->insert(edits->ctx, "X-TaRgrey-Flags", flags);
	edits->insert(edits->ctx, "X-TaRgrey-Client", client);
	edits->insert(edits->ctx, "X-TaRgrey-Session", session_text);
}

bool
stamp_is_possible(struct transaction *mail)
{
	mail->relay_trusted = mail->relay_trusted && !mail->foreign_session;
	return mail->relay_trusted ||
	       (mail->removed_count <= MAX_FORGED && !mail->has_lost_removed);
}

void
stamp_message(const struct session *session, const struct session_words *words,
    const struct session_edits *edits)
{
	const struct transaction *mail = session->mail;

	if (mail->relay_trusted)
		return;
	for (size_t i = mail->removed_count; i > 0; i--)
		edits->remove(edits->ctx, mail->removed[i - 1].name,
		    mail->removed[i - 1].index);
	if (!session->is_outgoing)
		insert_ours(session, words, edits);
}
