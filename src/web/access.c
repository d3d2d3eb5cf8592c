/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may see the pages, and which forms are genuine. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/siphash.h"
#include "base/text.h"
#include "web/web_private.h"

/* Compares in constant time; true if equal. */
static bool
web_equal(const char *a, const char *b)
{
	size_t length = strlen(b);
	unsigned char differs = strlen(a) != length;

	for (size_t i = 0; i < length && !(differs && i >= strlen(a)); i++)
		differs |= (unsigned char)(a[i] ^ b[i]);
	return differs == 0;
}

static void
to_hex(const unsigned char *octets, char hex[static TOKEN_SIZE])
{
	for (size_t i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", octets[i]);
}

void
web_random(char hex[static TOKEN_SIZE])
{
	unsigned char octets[16];

	/* never fails for so few octets once the system is up; waits until then */
	while (getrandom(octets, sizeof octets, 0) != (ssize_t)sizeof octets)
		;
	to_hex(octets, hex);
}

/* Keyed hash of the user's name; nobody without the key can make it. */
void
web_csrf(const struct web_request *request, char hex[static TOKEN_SIZE])
{
	uint8_t key[2 * SIPHASH_KEY_SIZE + 1];
	unsigned char octets[16];

	memcpy(key, request->web->secret, 2 * SIPHASH_KEY_SIZE);
	for (size_t i = 0; i < 2; i++) {
		uint64_t hash = siphash(key + i * SIPHASH_KEY_SIZE, request->user,
		    strlen(request->user));
		memcpy(octets + 8 * i, &hash, 8);
	}
	to_hex(octets, hex);
}

static const char *
header(const struct web_request *request, const char *name)
{
	return MHD_lookup_connection_value(
	    request->connection, MHD_HEADER_KIND, name);
}

/* Another name in Host: a stranger's domain that resolves to our address. */
static bool
is_our_host(const struct web *web, const char *host)
{
	const char *const *more = web->settings.hosts;

	/* no browser reaches a unix socket; the proxy uses its own name */
	if (web->is_unix)
		return true;
	for (size_t i = 0; host != NULL && i < 4; i++) {
		if (*web->host[i] != '\0' && strcasecmp(host, web->host[i]) == 0)
			return true;
	}
	for (; host != NULL && more != NULL && *more != NULL; more++) {
		if (strcasecmp(host, *more) == 0)
			return true;
	}
	return false;
}

/* One user, named by one field; a second field may come from the client. */
struct counting {
	const char *name;
	unsigned count;
};

static enum MHD_Result
count_field(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct counting *counting = ctx;

	(void)kind;
	(void)value;
	counting->count += strcasecmp(name, counting->name) == 0;
	return MHD_YES;
}

static enum access
access_by_proxy(struct web_request *request, const char **reason_r)
{
	const char *name = request->web->settings.user_header;
	const char *user = header(request, name);
	struct counting counting = {name, 0};

	MHD_get_connection_values(
	    request->connection, MHD_HEADER_KIND, count_field, &counting);
	*reason_r = "the proxy does not name exactly one user";
	if (user == NULL || *user == '\0' || counting.count != 1 ||
	    !text_copy(request->user, sizeof request->user, user)) {
		*request->user = '\0';
		return ACCESS_REFUSED;
	}
	return ACCESS_GRANTED;
}

enum access
web_access(struct web_request *request, const char **reason_r)
{
	const struct web *web = request->web;

	*reason_r = "the request is for another host name (Host)";
	if (!is_our_host(web, header(request, "Host")))
		return ACCESS_REFUSED;
	if (web->is_unix && *web->settings.user_header != '\0')
		return access_by_proxy(request, reason_r);
	const char *cookie = MHD_lookup_connection_value(
	    request->connection, MHD_COOKIE_KIND, web->cookie);
	const char *token = MHD_lookup_connection_value(
	    request->connection, MHD_GET_ARGUMENT_KIND, "token");
	if (token != NULL && web_equal(token, web->token))
		return ACCESS_BEGIN;
	if (token == NULL && cookie != NULL && web_equal(cookie, web->token))
		return ACCESS_GRANTED;
	*reason_r =
	    "it needs the address that was printed when the server was started";
	return ACCESS_REFUSED;
}

/* Origin is "http://HOST" or "https://HOST" of the page with the form. */
static bool
is_our_origin(const struct web_request *request, const char *origin)
{
	const char *host = header(request, "Host");
	const char *at = strstr(origin, "://");

	return at != NULL && host != NULL && strcasecmp(at + 3, host) == 0;
}

bool
web_form_is_ours(const struct web_request *request, const char **reason_r)
{
	const char *origin = header(request, "Origin");
	const char *sent = web_value(request, "csrf");
	char wanted[TOKEN_SIZE];

	*reason_r = "the form came from another site (Origin)";
	if (origin != NULL && !is_our_origin(request, origin))
		return false;
	web_csrf(request, wanted);
	*reason_r =
	    "the form is not one of these pages', or is out of date; load the "
	    "page again";
	return sent != NULL && web_equal(sent, wanted);
}
