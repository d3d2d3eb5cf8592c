/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/pgsql/pgsql_private.h"

#define HOSTS_MAX 8
/* libpq's own, for a port that a list leaves empty. */
#define USUAL_PORT "5432"

static const char *
option(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword != NULL; options++) {
		if (strcmp(options->keyword, keyword) == 0)
			return options->val;
	}
	return NULL;
}

/* Splits a list at its commas; returns the number of elements. */
static unsigned
split(const char *list, char **parts)
{
	unsigned count = 0;

	while (list != NULL && count < HOSTS_MAX) {
		size_t length = strcspn(list, ",");
		parts[count++] = strndup(list, length);
		list = list[length] == ',' ? list + length + 1 : NULL;
	}
	return count;
}

/*
 * Each host is tried separately: one that drops our packets would otherwise use up
 * the time of those after it.
 */
static void
split_hosts(struct place *place, const PQconninfoOption *options)
{
	unsigned hosts = split(option(options, "host"), place->hosts);
	unsigned addresses = split(option(options, "hostaddr"), place->addresses);
	unsigned ports = split(option(options, "port"), place->ports);

	place->count = hosts > addresses ? hosts : addresses;
	if (place->count == 0)
		place->count = 1;
	/*
	 * Of "//a,b/" the list of ports is ",". libpq takes no empty value in the
	 * place of that, and it has as many ports as hosts or one.
	 */
	for (unsigned i = 0; i < ports && ports > 1; i++) {
		if (place->ports[i] == NULL || place->ports[i][0] != '\0')
			continue;
		free(place->ports[i]);
		place->ports[i] = text_dup(USUAL_PORT);
	}
	/* A single port is used for all of them. */
	for (unsigned i = ports; ports == 1 && i < place->count; i++)
		place->ports[i] = text_dup(place->ports[0]);
}

static void
name_place(struct place *place, const PQconninfoOption *options)
{
	const char *service = option(options, "service");
	const char *host = option(options, "host");
	const char *name = option(options, "dbname");
	bool is_ipv6 =
	    host != NULL && strchr(host, ':') != NULL && strchr(host, ',') == NULL;

	if (service != NULL)
		snprintf(place->name, sizeof place->name, "postgresql service %s",
		    service);
	else
		snprintf(place->name, sizeof place->name,
		    is_ipv6 ? "postgresql://[%s]/%s" : "postgresql://%s/%s",
		    host == NULL || host[0] == '/' ? "" : host,
		    name == NULL ? "" : name);
}

/* libpq quotes what it does not understand, and that may be a password. */
static void
say_wrong(const char *url, const char *reason, struct error *error)
{
	bool may_tell = strchr(url, '@') == NULL && strstr(url, "password") == NULL;
	size_t length =
	    reason == NULL ? 0 : strcspn(reason, may_tell ? "\n" : "\"\n");

	error_set(error, "%.*s", (int)length, reason == NULL ? "" : reason);
}

bool
place_init(struct place *place, const char *url, struct error *error)
{
	char *reason = NULL;

	if (!libpq_load(error))
		return false;
	PQconninfoOption *options = libpq.PQconninfoParse(url, &reason);
	bool ok = options != NULL;

	if (!ok) {
		say_wrong(url, reason, error);
	} else if (option(options, "password") != NULL) {
		/* Whatever shows the URL would show the password. */
		error_set(error,
		    "the URL contains a password; put it into the file "
		    "that PGPASSFILE names, or ~/.pgpass");
		ok = false;
	} else if (option(options, "sslpassword") != NULL) {
		error_set(error,
		    "the URL contains the password of a key; put it into "
		    "a service file (PGSERVICEFILE, service=)");
		ok = false;
	} else {
		split_hosts(place, options);
		name_place(place, options);
		place->url = text_dup(url);
		ok = place->url != NULL;
		if (!ok)
			error_set(error, "out of memory");
	}
	libpq.PQconninfoFree(options);
	libpq.PQfreemem(reason);
	return ok;
}

void
place_clear(struct place *place)
{
	for (int i = 0; i < HOSTS_MAX; i++) {
		free(place->hosts[i]);
		free(place->addresses[i]);
		free(place->ports[i]);
	}
	free(place->url);
}

bool
place_connect(
    struct place *place, struct link *link, int timeout_ms, struct trouble *trouble)
{
	unsigned first = atomic_load(&place->last);

	for (unsigned i = 0; i < place->count; i++) {
		unsigned at = (first + i) % place->count;
		struct link_target target = {place->url, place->hosts[at],
		    place->addresses[at], place->ports[at]};
		if (link_open(link, &target, timeout_ms, trouble)) {
			atomic_store(&place->last, at);
			return true;
		}
		if (link->deadline_ms != 0 && clock_real_ms() >= link->deadline_ms)
			return false;
	}
	return false;
}
