/* SPDX-License-Identifier: BSD-2-Clause */
#include "milter/client.h"

#include <netinet/in.h>
#include <strings.h>

const char *
client_macro(SMFICTX *ctx, const char *name)
{
	/* libmilter takes char * where it only reads */
	return smfi_getsymval(ctx, (char *)(uintptr_t)name);
}

static uint16_t
port_of(const struct sockaddr *address)
{
	if (address != NULL && address->sa_family == AF_INET)
		return ntohs(
		    ((const struct sockaddr_in *)(const void *)address)->sin_port);
	if (address != NULL && address->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)address)
		                 ->sin6_port);
	return 0;
}

/* The MTA's end of the SMTP connection, from its macros; all zero: unknown. */
static struct ip
server_address(SMFICTX *ctx)
{
	const char *address = client_macro(ctx, "{daemon_addr}");
	struct ip ip = {{0}};

	if (address != NULL && strncasecmp(address, "IPv6:", 5) == 0)
		address += 5;
	if (address != NULL)
		(void)ip_from_text(address, &ip);
	return ip;
}

/*
 * No SMTP client: Postfix's cleanup shows what a local program hands in as a
 * client 127.0.0.1 without a port (MILTER_README, non-SMTP mail); another MTA
 * may show no address.
 */
static bool
is_local(const struct sockaddr *peer, struct ip *ip_r)
{
	if (ip_from_sockaddr(peer, ip_r))
		return ip_is_v4(ip_r) && ip_r->bytes[12] == 127 &&
		       port_of(peer) == 0;
	(void)ip_from_text("127.0.0.1", ip_r);
	return true;
}

void
client_read(SMFICTX *ctx, const char *hostname, const struct sockaddr *peer,
    struct session_client *client_r)
{
	*client_r = (struct session_client){
	    .port = port_of(peer),
	    .name = client_macro(ctx, "{client_name}"),
	    .ptr = client_macro(ctx, "{client_ptr}"),
	    .resolve = client_macro(ctx, "{client_resolve}"),
	    .server_ip = server_address(ctx),
	};
	if (client_r->name == NULL)
		client_r->name = hostname;
	client_r->is_local = is_local(peer, &client_r->ip);
}
