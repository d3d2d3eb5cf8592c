/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/spf_headers.h"

size_t
spf_header_received(char *buf, size_t size, const struct spf_fact *fact,
    bool is_helo, const struct ip *ip, const char *helo, const char *sender,
    const char *receiver)
{
	(void)buf;
	(void)size;
	(void)fact;
	(void)is_helo;
	(void)ip;
	(void)helo;
	(void)sender;
	(void)receiver;
	return 0;
}

size_t
spf_header_authres(char *buf, size_t size, const struct spf_fact *fact,
    bool is_helo, const char *hostname)
{
	(void)buf;
	(void)size;
	(void)fact;
	(void)is_helo;
	(void)hostname;
	return 0;
}
