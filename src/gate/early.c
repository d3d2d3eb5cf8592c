/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the client's connection ends, and whether the client talked before it was
 * its turn. Postfix reads ahead, so what waits in the socket is not all that a
 * client has sent. What proves it is that the MTA, asked at that moment, had sent
 * nothing in between:
 *
 * - CONNECT: the MTA asks for leave and greets only when it has the answer, so the
 *   gate takes that question upon itself. What has come in by then was sent
 *   without reading a word of ours (RFC 5321 3.1).
 * - HELO, in the same way: nothing may follow EHLO or HELO before its reply
 *   (RFC 2920 3.1). What is unread then did, and so did a RCPT that comes while
 *   the MTA has sent no octet since.
 * - DATA and the end of the message: what is unread at DATA is ahead of the 354,
 *   and so is a message whose end comes while no 354 was sent.
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

/* data: strings, name and value by turns, each with its NUL */
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
static bool
add_client(struct watch_socket *socket, const char *data, size_t len)
{
	size_t at = strlen(data) + 1;

	if (len < at + 4 || data[at] == SMFIA_UNKNOWN || socket->mta_port == 0)
		return false;
	memcpy(&socket->client_port, data + at + 1, sizeof socket->client_port);
	return socket->client_port != 0 && socket->family != 0 &&
	       address_of(data + at + 3, socket->client) == socket->family;
}

/* Something was sent over it before a second CONNECT, after XCLIENT. */
static enum gate_early
at_connect(struct gate *gate, struct client *client, const char *data, size_t len)
{
	struct watch_octets octets;

	client->sent_at_helo = client->sent_at_data = -1;
	client->has_tls = false;
	if (!add_client(&client->socket, data, len))
		client->socket.family = 0;
	enum watch_state state = watch_look(&gate->watch, &client->socket, &octets);
	client->was_seen = state == WATCH_STANDS || state == WATCH_LEFT;
	if (octets.sent != 0)
		return GATE_EARLY_UNKNOWN;
	return octets.received == 0 ? GATE_EARLY_NO : GATE_EARLY_YES;
}

static enum gate_early
at_helo(struct gate *gate, struct client *client, enum gate_early early)
{
	struct watch_octets octets;

	watch_look(&gate->watch, &client->socket, &octets);
	client->sent_at_helo = octets.sent;
	/* TLS may send records of its own. */
	return octets.unread > 0 && !client->has_tls ? GATE_EARLY_YES : early;
}

static enum gate_early
at_rcpt(struct gate *gate, struct client *client, enum gate_early early)
{
	struct watch_octets octets;

	if (client->sent_at_helo < 0)
		return early;
	watch_look(&gate->watch, &client->socket, &octets);
	if (octets.sent == client->sent_at_helo)
		early = GATE_EARLY_YES;
	client->sent_at_helo = -1;
	return early;
}

static enum gate_early
at_data(struct gate *gate, struct client *client)
{
	struct watch_octets octets;

	watch_look(&gate->watch, &client->socket, &octets);
	client->sent_at_data = octets.unread == 0 ? octets.sent : -1;
	return octets.unread > 0 ? GATE_EARLY_YES : GATE_EARLY_UNKNOWN;
}

static enum gate_early
at_eom(struct gate *gate, struct client *client, enum gate_early ahead)
{
	struct watch_octets octets;
	int64_t sent = client->sent_at_data;

	client->sent_at_data = -1;
	if (sent < 0)
		return ahead;
	watch_look(&gate->watch, &client->socket, &octets);
	if (octets.sent < 0)
		return GATE_EARLY_UNKNOWN;
	return octets.sent == sent ? GATE_EARLY_YES : GATE_EARLY_NO;
}

void
early_look(
    struct gate *gate, struct conn *conn, char cmd, const char *data, size_t len)
{
	struct gate_moment *moment = &conn->shared.moment;
	enum gate_early early = moment->early, ahead = moment->ahead;

	switch (cmd) {
	case SMFIC_MACRO:
		read_macros(&conn->client, data, len);
		return;
	case SMFIC_CONNECT:
		early = at_connect(gate, &conn->client, data, len);
		break;
	case SMFIC_HELO:
		early = at_helo(gate, &conn->client, early);
		break;
	case SMFIC_MAIL:
		ahead = GATE_EARLY_UNKNOWN;
		break;
	case SMFIC_RCPT:
		early = at_rcpt(gate, &conn->client, early);
		break;
	case SMFIC_DATA:
		ahead = at_data(gate, &conn->client);
		break;
	case SMFIC_BODYEOB:
		ahead = at_eom(gate, &conn->client, ahead);
		break;
	default:
		return;
	}
	pthread_mutex_lock(&gate->lock);
	moment->early = early;
	moment->ahead = ahead;
	pthread_mutex_unlock(&gate->lock);
}
