/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the client's socket, and whether the client talked before its turn.
 * Postfix reads ahead, so unread octets in the socket are not all that a client
 * has sent. The proof is that the MTA had sent nothing in between when it asked
 * us:
 *
 * - CONNECT: the MTA greets only after our answer, so the gate answers CONNECT
 *   itself. What has come in by then was sent before the greeting (RFC 5321 3.1).
 * - HELO, likewise: nothing may follow EHLO or HELO before its reply (RFC 2920
 *   3.1). Unread octets did so, and so did a RCPT when the MTA has sent nothing
 *   since.
 * - DATA and the end of the message: octets unread at DATA came before the 354,
 *   and so did a message that ends when no 354 has been sent.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gate/gate_private.h"

/* Returns the family, or 0. */
static uint8_t
address_of(const char *text, uint8_t octets_r[static 16])
{
	memset(octets_r, 0, 16);
	if (strncasecmp(text, "IPv6:", 5) == 0)
		text += 5;
	if (inet_pton(AF_INET, text, octets_r) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, octets_r) == 1 ? AF_INET6 : 0;
}

/* data: strings, name and value alternating, each with its NUL */
static const char *
macro(const char *data, size_t len, const char *wanted)
{
	for (const char *name = data; name < data + len;) {
		const char *value = name + strlen(name) + 1;
		if (strcmp(name, wanted) == 0)
			return value;
		name = value + strlen(value) + 1;
	}
	return NULL;
}

static void
read_macros(struct client *client, const char *data, size_t len)
{
	if (*data == SMFIC_HELO)
		client->has_tls = macro(data + 1, len - 1, "{tls_version}") != NULL;
	if (*data != SMFIC_CONNECT)
		return;
	const char *address = macro(data + 1, len - 1, "{daemon_addr}");
	const char *port = macro(data + 1, len - 1, "{daemon_port}");
	struct watch_socket *socket = &client->socket;
	*socket = (struct watch_socket){.family = 0};
	if (address == NULL || port == NULL)
		return;
	socket->family = address_of(address, socket->mta);
	socket->mta_port = htons((uint16_t)strtoul(port, NULL, 10));
}

/* CONNECT: name NUL, family, port in network order, address NUL. */
static void
read_client(struct client *client, const char *data, size_t len)
{
	struct watch_socket *socket = &client->socket;
	size_t at = strlen(data) + 1;
	bool is_known = len >= at + 4 && data[at] != SMFIA_UNKNOWN &&
	                address_of(data + at + 3, socket->client) == socket->family;

	if (is_known)
		memcpy(&socket->client_port, data + at + 1,
		    sizeof socket->client_port);
	if (!is_known || socket->client_port == 0 || socket->mta_port == 0)
		socket->family = 0;
	client->sent_at_helo = client->sent_at_data = -1;
	client->has_tls = false;
}

/* A client not seen at CONNECT will not be seen later. */
static bool
is_telling(const struct client *client, char cmd)
{
	switch (cmd) {
	case SMFIC_CONNECT:
		return true;
	case SMFIC_HELO:
	case SMFIC_DATA:
		return client->was_seen;
	case SMFIC_RCPT:
		return client->sent_at_helo >= 0;
	case SMFIC_BODYEOB:
		return client->sent_at_data >= 0;
	default:
		return false;
	}
}

static void
see(struct client *client, char cmd, enum watch_state state,
    const struct watch_octets *octets, struct gate_moment *moment)
{
	bool has_sent_more = octets->sent != client->sent_at_data;

	switch (cmd) {
	case SMFIC_CONNECT:
		client->was_seen = state == WATCH_CONNECTED || state == WATCH_LEFT;
		/* octets->sent is not 0 at a second CONNECT, after XCLIENT. */
		moment->early = octets->sent != 0       ? GATE_EARLY_UNKNOWN
		                : octets->received == 0 ? GATE_EARLY_NO
		                                        : GATE_EARLY_YES;
		break;
	case SMFIC_HELO:
		client->sent_at_helo = octets->sent;
		/* TLS may send records that are not SMTP. */
		if (octets->unread > 0 && !client->has_tls)
			moment->early = GATE_EARLY_YES;
		break;
	case SMFIC_RCPT:
		if (octets->sent == client->sent_at_helo)
			moment->early = GATE_EARLY_YES;
		client->sent_at_helo = -1;
		break;
	case SMFIC_DATA:
		moment->ahead =
		    octets->unread > 0 ? GATE_EARLY_YES : GATE_EARLY_UNKNOWN;
		client->sent_at_data = octets->unread == 0 ? octets->sent : -1;
		break;
	default: /* SMFIC_BODYEOB */
		moment->ahead = octets->sent < 0 ? GATE_EARLY_UNKNOWN
		                : has_sent_more  ? GATE_EARLY_NO
		                                 : GATE_EARLY_YES;
		client->sent_at_data = -1;
		break;
	}
}

void
early_look(
    struct gate *gate, struct conn *conn, char cmd, const char *data, size_t len)
{
	struct client *client = &conn->client;
	struct watch_octets octets;

	if (cmd == SMFIC_MACRO)
		read_macros(client, data, len);
	if (cmd == SMFIC_CONNECT)
		read_client(client, data, len);
	if (!is_telling(client, cmd))
		return;
	enum watch_state state = watch_look(&gate->watch, &client->socket, &octets);
	pthread_mutex_lock(&gate->lock);
	see(client, cmd, state, &octets, &conn->shared.moment);
	pthread_mutex_unlock(&gate->lock);
}
