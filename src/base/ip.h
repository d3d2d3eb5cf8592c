/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses and networks of both families in one form: 16 bytes in network
 * order, IPv4 as ::ffff:a.b.c.d. Values; no ownership, no locks.
 */
#ifndef BASE_IP_H
#define BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define IP_TEXT_SIZE    46 /* longest text form and NUL */
#define IPNET_TEXT_SIZE 50

struct ip {
	uint8_t bytes[16];
};

/* prefix  0..128, counted in the mapped form: IPv4 /24 is 96 + 24 */
struct ipnet {
	struct ip ip;
	uint8_t prefix;
};

bool ip_is_v4(const struct ip *ip);
bool ip_equal(const struct ip *a, const struct ip *b);

/* "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"; false for anything else */
bool ip_from_text(const char *text, struct ip *ip_r);
/* false for families other than AF_INET and AF_INET6 */
bool ip_from_sockaddr(const struct sockaddr *address, struct ip *ip_r);
/* Dotted quad for IPv4, RFC 5952 for IPv6. Returns buf. */
const char *ip_to_text(const struct ip *ip, char buf[static IP_TEXT_SIZE]);

/*
 * The network of an address: v4_bits (0..32) for IPv4, v6_bits (0..128) for
 * IPv6; the host bits are cleared.
 */
struct ipnet ip_network(const struct ip *ip, unsigned v4_bits, unsigned v6_bits);

/* "192.0.2.0/24", "2001:db8::/32", or an address alone; host bits must be 0 */
bool ipnet_from_text(const char *text, struct ipnet *net_r);
bool ipnet_has(const struct ipnet *net, const struct ip *ip);
/* The first of count networks that contains the address, or NULL. */
const struct ipnet *ipnet_find(
    const struct ipnet *nets, size_t count, const struct ip *ip);
/*
 * Writes the prefix in bits of its family; a single address without "/". Returns
 * buf.
 */
const char *ipnet_to_text(
    const struct ipnet *net, char buf[static IPNET_TEXT_SIZE]);

#endif
