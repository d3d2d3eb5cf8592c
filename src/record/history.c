/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/history.h"

struct ip
key_address(const struct ip *ip)
{
	return ip_network(ip, 32, 64).ip;
}

struct ipnet
key_network(const struct ip *ip)
{
	return ip_network(ip, 24, 64);
}

struct ipnet
key_budget(const struct ip *ip)
{
	return ip_network(ip, 24, 48);
}
