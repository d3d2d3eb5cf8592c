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
void
early_helo_macros(struct conn *conn, const char *data, size_t len)
{
	conn->has_tls = false;
	for (const char *name = data; name < data + len;
	     name += strlen(name) + 1, name += strlen(name) + 1)
		if (strcmp(name, "{tls_version}") == 0)
			conn->has_tls = true;
}

void
early_macros(struct gate *gate, struct conn *conn, const char *data, size_t len)
{
	const char *address = "", *port = "0";

	for (const char *name = data, *value; name < data + len;
	     name = value + strlen(value) + 1) {
		value = name + strlen(name) + 1;
		if (strcmp(name, "{daemon_addr}") == 0)
			address = value;
		else if (strcmp(name, "{daemon_port}") == 0)
			port = value;
	}
	struct watch_socket socket = {.family = 0};
	socket.family = address_of(address, socket.mta);
	socket.mta_port = htons((uint16_t)strtoul(port, NULL, 10));
	pthread_mutex_lock(&gate->lock);
	conn->shared.socket = socket;
	pthread_mutex_unlock(&gate->lock);
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

static void
add(struct gate *gate, struct conn *conn, enum gate_early early)
{
	pthread_mutex_lock(&gate->lock);
	conn->shared.early = early;
	pthread_mutex_unlock(&gate->lock);
}

static enum watch_state
look(struct gate *gate, struct conn *conn, struct watch_octets *octets_r)
{
	pthread_mutex_lock(&gate->lock);
	struct watch_socket socket = conn->shared.socket;
	pthread_mutex_unlock(&gate->lock);
	return watch_octets(&gate->watch_socket, &socket, octets_r);
}

/* Something was sent over it before a second CONNECT, after XCLIENT. */
void
early_connect(struct gate *gate, struct conn *conn, const char *data, size_t len)
{
	struct shared *shared = &conn->shared;
	struct watch_octets octets;

	conn->sent_at_helo = conn->sent_at_data = -1;
	conn->has_tls = false;
	pthread_mutex_lock(&gate->lock);
	struct watch_socket socket = shared->socket;
	pthread_mutex_unlock(&gate->lock);
	if (!add_client(&socket, data, len))
		socket.family = 0;
	enum watch_state state =
	    watch_octets(&gate->watch_socket, &socket, &octets);
	pthread_mutex_lock(&gate->lock);
	shared->socket = socket;
	shared->was_seen = state == WATCH_STANDS || state == WATCH_LEFT;
	shared->early = octets.sent != 0       ? GATE_EARLY_UNKNOWN
	                : octets.received == 0 ? GATE_EARLY_NO
	                                       : GATE_EARLY_YES;
	pthread_mutex_unlock(&gate->lock);
}

void
early_helo(struct gate *gate, struct conn *conn)
{
	struct watch_octets octets;

	look(gate, conn, &octets);
	conn->sent_at_helo = octets.sent;
	/* TLS may send records of its own. */
	if (octets.unread > 0 && !conn->has_tls)
		add(gate, conn, GATE_EARLY_YES);
}

void
early_rcpt(struct gate *gate, struct conn *conn)
{
	struct watch_octets octets;

	if (conn->sent_at_helo < 0)
		return;
	look(gate, conn, &octets);
	if (octets.sent == conn->sent_at_helo)
		add(gate, conn, GATE_EARLY_YES);
	conn->sent_at_helo = -1;
}

enum gate_early
early_data(struct gate *gate, struct conn *conn)
{
	struct watch_octets octets;

	look(gate, conn, &octets);
	conn->sent_at_data = octets.unread == 0 ? octets.sent : -1;
	return octets.unread > 0 ? GATE_EARLY_YES : GATE_EARLY_UNKNOWN;
}

enum gate_early
early_eom(struct gate *gate, struct conn *conn, enum gate_early at_data)
{
	struct watch_octets octets;
	int64_t sent = conn->sent_at_data;

	conn->sent_at_data = -1;
	if (sent < 0)
		return at_data;
	look(gate, conn, &octets);
	if (octets.sent < 0)
		return GATE_EARLY_UNKNOWN;
	return octets.sent == sent ? GATE_EARLY_YES : GATE_EARLY_NO;
}
