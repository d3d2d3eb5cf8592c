/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/servers.h"

#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/text.h"

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53" */
static bool
is_server(char *text)
{
	char *colon = strrchr(text, ':');
	int64_t port;
	struct ip ip;

	if (text[0] == '[') {
		char *end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		colon = end[1] == ':' ? end + 1 : NULL;
		*end = '\0';
		text++;
	} else if (colon != NULL && strchr(text, ':') != colon) {
		colon = NULL;
	}
	if (colon != NULL) {
		*colon = '\0';
		if (!text_integer(colon + 1, 1, 65535, &port))
			return false;
	}
	return ip_from_text(text, &ip);
}

bool
dns_servers_check(const char *servers, struct error *error)
{
	char *copy = text_dup(servers), *rest = copy;
	bool ok = copy != NULL;

	while (ok && rest != NULL && servers[0] != '\0')
		ok = is_server(strsep(&rest, ","));
	free(copy);
	if (!ok)
		error_set(error,
		    "name servers \"%s\": not a list of ADDRESS, IPV4:PORT or "
		    "[IPV6]:PORT, separated by commas",
		    servers);
	return ok;
}
