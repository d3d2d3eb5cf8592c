/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool
ip_is_v4(const struct ip *ip)
{
	return memcmp(ip->bytes, mapped, sizeof mapped) == 0;
}

bool
ip_equal(const struct ip *a, const struct ip *b)
{
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static void
from_v4(const void *four, struct ip *ip_r)
{
	memcpy(ip_r->bytes, mapped, sizeof mapped);
	memcpy(ip_r->bytes + 12, four, 4);
}

bool
ip_from_text(const char *text, struct ip *ip_r)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		from_v4(&v4, ip_r);
		return true;
	}
	return inet_pton(AF_INET6, text, ip_r->bytes) == 1;
}

bool
ip_from_sockaddr(const struct sockaddr *address, struct ip *ip_r)
{
	if (address == NULL)
		return false;
	if (address->sa_family == AF_INET) {
		from_v4(
		    &((const struct sockaddr_in *)(const void *)address)->sin_addr,
		    ip_r);
		return true;
	}
	if (address->sa_family != AF_INET6)
		return false;
	memcpy(ip_r->bytes,
	    &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
	return true;
}

const char *
ip_to_text(const struct ip *ip, char buf[static IP_TEXT_SIZE])
{
	if (ip_is_v4(ip))
		inet_ntop(AF_INET, ip->bytes + 12, buf, IP_TEXT_SIZE);
	else
		inet_ntop(AF_INET6, ip->bytes, buf, IP_TEXT_SIZE);
	return buf;
}

static void
clear_host_bits(struct ipnet *net)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned first_bit = i * 8;
		if (net->prefix >= first_bit + 8)
			continue;
		unsigned keep =
		    net->prefix > first_bit ? net->prefix - first_bit : 0;
		net->ip.bytes[i] &= (uint8_t)(0xff00u >> keep);
	}
}

struct ipnet
ip_network(const struct ip *ip, unsigned v4_bits, unsigned v6_bits)
{
	struct ipnet net = {*ip, (uint8_t)(ip_is_v4(ip) ? 96 + v4_bits : v6_bits)};

	clear_host_bits(&net);
	return net;
}

bool
ipnet_from_text(const char *text, struct ipnet *net_r)
{
	char address[IP_TEXT_SIZE];
	const char *slash = strchr(text, '/');
	size_t length = slash == NULL ? strlen(text) : (size_t)(slash - text);

	if (length >= sizeof address)
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (!ip_from_text(address, &net_r->ip))
		return false;

	/*
	 * The form of the text decides the family, so that ::ffff:0:0/96 stays
	 * possible.
	 */
	int64_t offset = strchr(address, ':') == NULL ? 96 : 0, bits = 128 - offset;
	if (slash != NULL && !text_integer(slash + 1, 0, 128 - offset, &bits))
		return false;
	net_r->prefix = (uint8_t)(offset + bits);

	struct ipnet clean = *net_r;
	clear_host_bits(&clean);
	return ip_equal(&clean.ip, &net_r->ip);
}

bool
ipnet_has(const struct ipnet *net, const struct ip *ip)
{
	unsigned whole = net->prefix / 8, rest = net->prefix % 8;

	if (memcmp(net->ip.bytes, ip->bytes, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	unsigned mask = 0xff00u >> rest & 0xff;
	return ((net->ip.bytes[whole] ^ ip->bytes[whole]) & mask) == 0;
}

const struct ipnet *
ipnet_find(const struct ipnet *nets, size_t count, const struct ip *ip)
{
	for (size_t i = 0; i < count; i++) {
		if (ipnet_has(&nets[i], ip))
			return &nets[i];
	}
	return NULL;
}

const char *
ipnet_to_text(const struct ipnet *net, char buf[static IPNET_TEXT_SIZE])
{
	char address[IP_TEXT_SIZE];
	bool v4 = ip_is_v4(&net->ip) && net->prefix >= 96;

	ip_to_text(&net->ip, address);
	if (net->prefix == 128)
		snprintf(buf, IPNET_TEXT_SIZE, "%s", address);
	else
		snprintf(buf, IPNET_TEXT_SIZE, "%s/%d", address,
		    v4 ? net->prefix - 96 : net->prefix);
	return buf;
}
