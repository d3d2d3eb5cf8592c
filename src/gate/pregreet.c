/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the client's connection ends, and whether the client talked before the
 * greeting. The MTA asks for leave at CONNECT and greets only when it has the
 * answer: so the gate takes that question upon itself, looks once at the client's
 * socket, and answers. What has come in by then was sent without reading a word
 * of ours (RFC 5321 3.1). The octets received count, not those that wait: Postfix
 * has read them already, to log them.
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
pregreet_macros(struct gate *gate, struct conn *conn, const char *data, size_t len)
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

void
pregreet_look(struct gate *gate, struct conn *conn, const char *data, size_t len)
{
	struct shared *shared = &conn->shared;
	int64_t unasked = -1;

	pthread_mutex_lock(&gate->lock);
	struct watch_socket socket = shared->socket;
	pthread_mutex_unlock(&gate->lock);
	if (!add_client(&socket, data, len))
		socket.family = 0;
	enum watch_state state =
	    watch_first(&gate->watch_socket, &socket, &unasked);
	pthread_mutex_lock(&gate->lock);
	shared->socket = socket;
	shared->was_seen = state == WATCH_STANDS || state == WATCH_LEFT;
	shared->early = unasked < 0    ? GATE_EARLY_UNKNOWN
	                : unasked == 0 ? GATE_EARLY_NO
	                               : GATE_EARLY_YES;
	pthread_mutex_unlock(&gate->lock);
}
