/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Did the client talk before the greeting? The MTA asks for leave at CONNECT
 * and greets only when it has the answer: so the gate takes that question upon
 * itself, looks once at the client's socket, and answers. What has come in by
 * then was sent without reading a word of ours (RFC 5321 3.1). The octets
 * received count, not those that wait: Postfix has read them already, to log
 * them.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "gate/gate_private.h"

static bool
set_address(struct sockaddr_storage *address_r, const char *text, uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)address_r;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)address_r;

	memset(address_r, 0, sizeof *address_r);
	if (strncmp(text, "IPv6:", 5) == 0)
		text += 5;
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = port;
		return true;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
		return false;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = port;
	return true;
}

/* A string within [at, end); NULL when it does not end there. */
static const char *
next_string(const char **at, const char *end)
{
	const char *text = *at;
	const char *nul =
	    text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;

	if (nul == NULL)
		return NULL;
	*at = nul + 1;
	return text;
}

void
pregreet_macros(struct conn *conn, const char *data, size_t len)
{
	const char *at = data, *end = data + len, *name, *value;
	const char *address = NULL, *port = NULL;

	while ((name = next_string(&at, end)) != NULL &&
	       (value = next_string(&at, end)) != NULL) {
		if (strcmp(name, "{daemon_addr}") == 0)
			address = value;
		else if (strcmp(name, "{daemon_port}") == 0)
			port = value;
	}
	if (address == NULL || port == NULL ||
	    strlen(address) >= sizeof conn->mta_address)
		return;
	memcpy(conn->mta_address, address, strlen(address) + 1);
	conn->mta_port = htons((uint16_t)strtoul(port, NULL, 10));
}

/* CONNECT: name NUL, SMFIA_INET or SMFIA_INET6, port, address NUL. */
static bool
client_of(const char *data, size_t len, struct sockaddr_storage *client_r)
{
	const char *at = data, *end = data + len;
	uint16_t port;

	if (next_string(&at, end) == NULL || end - at < 4 ||
	    (*at != SMFIA_INET && *at != SMFIA_INET6))
		return false;
	memcpy(&port, at + 1, sizeof port);
	at += 3;
	const char *address = next_string(&at, end);
	return address != NULL && set_address(client_r, address, port);
}

static enum gate_early
look(struct gate *gate, struct conn *conn, const char *data, size_t len)
{
	struct sockaddr_storage client, mta;
	struct watch_socket socket;

	if (conn->mta_address[0] == '\0' || !client_of(data, len, &client) ||
	    !set_address(&mta, conn->mta_address, conn->mta_port) ||
	    !watch_name(
	        &socket, (struct sockaddr *)&client, (struct sockaddr *)&mta))
		return GATE_EARLY_UNKNOWN;
	int64_t received = watch_unasked(&gate->watch_socket, &socket);
	if (received < 0)
		return GATE_EARLY_UNKNOWN;
	return received > 0 ? GATE_EARLY_YES : GATE_EARLY_NO;
}

void
pregreet_connect(struct gate *gate, struct conn *conn, const char *data, size_t len)
{
	enum gate_early early = look(gate, conn, data, len);

	pthread_mutex_lock(&gate->lock);
	conn->shared.early = early;
	pthread_mutex_unlock(&gate->lock);
	frames_put(&conn->out_front, SMFIR_CONTINUE, NULL, 0);
}

/* steps: of libmilter's half of the negotiation, on its way to the MTA */
void
pregreet_negotiate(struct conn *conn, char *steps)
{
	conn->asks_connect = (conn->no_reply & SMFIP_NR_CONN) != 0;
	if (conn->asks_connect)
		protocol_put32(
		    steps, protocol_get32(steps) & ~(uint32_t)SMFIP_NR_CONN);
}
