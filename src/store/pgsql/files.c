/* SPDX-License-Identifier: BSD-2-Clause */
/* What libpq reads besides the connection: certificates, keys, passwords. */
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/pgsql/pgsql_private.h"

struct each_file {
	void (*each)(void *ctx, const char *path, bool is_written);
	void *ctx;
};

/* For the options in PostgreSQL's manual, "Parameter Key Words". */
static void
give_option(const struct each_file *to, const char *name, const char *value)
{
	static const char *const names[] = {
	    "passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(name, names[i]) == 0 && value != NULL && *value == '/')
			to->each(to->ctx, value, false);
	}
}

/* One service's section, see the manual's "The Connection Service File". */
static void
give_service(const struct each_file *to, const char *path, const char *service)
{
	FILE *file = fopen(path, "re");
	char line[PATH_MAX + 64];
	bool is_its_own = false;

	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		char *name = line + strspn(line, " \t");
		size_t length = strcspn(name, "\r\n");
		while (length > 0 && strchr(" \t", name[length - 1]) != NULL)
			length--;
		name[length] = '\0';
		if (*name == '[')
			is_its_own =
			    strncmp(name + 1, service, strlen(service)) == 0 &&
			    name[1 + strlen(service)] == ']';
		char *value = strchr(name, '=');
		if (!is_its_own || value == NULL)
			continue;
		*value++ = '\0';
		give_option(to, name, value);
	}
	if (file != NULL)
		fclose(file);
}

/* The service file, and what it says. */
static void
give_services(const struct each_file *to, const char *path, const char *service)
{
	if (access(path, F_OK) != 0)
		return;
	to->each(to->ctx, path, false);
	if (service != NULL)
		give_service(to, path, service);
}

/* Returns the service that they name, NULL if none. */
static const char *
give_options(const struct each_file *to, const PQconninfoOption *options)
{
	const char *service = NULL;

	for (; options != NULL && options->keyword != NULL; options++) {
		give_option(to, options->keyword, options->val);
		if (strcmp(options->keyword, "service") == 0)
			service = options->val;
	}
	return service;
}

/* ~/.pgpass, and the certificates in ~/.postgresql/ */
static void
give_home(const struct each_file *to, const char *home, const char *service)
{
	static const char *const names[] = {".pgpass", ".postgresql/root.crt",
	    ".postgresql/root.crl", ".postgresql/postgresql.crt",
	    ".postgresql/postgresql.key"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		int length = snprintf(path, sizeof path, "%s/%s", home, names[i]);
		if (length > 0 && (size_t)length < sizeof path &&
		    access(path, F_OK) == 0)
			to->each(to->ctx, path, false);
	}
	snprintf(path, sizeof path, "%s/.pg_service.conf", home);
	give_services(to, path, service);
}

void
pgsql_each_file(const char *url,
    void (*each)(void *ctx, const char *path, bool is_written), void *ctx)
{
	const struct each_file to = {each, ctx};
	const struct passwd *user = getpwuid(geteuid());
	const char *home = getenv("HOME"), *services = getenv("PGSERVICEFILE");
	struct error ignored;

	if (!libpq_load(&ignored))
		return;
	PQconninfoOption *given = libpq.PQconninfoParse(url, NULL),
	                 *usual = libpq.PQconndefaults();

	/* The service named by PGSERVICE is already among the defaults. */
	const char *service = give_options(&to, given);
	(void)give_options(&to, usual);
	if (services != NULL && services[0] == '/')
		give_services(&to, services, service);
	if (user != NULL)
		give_home(&to, user->pw_dir, service);
	if (home != NULL)
		give_home(&to, home, service);
	libpq.PQconninfoFree(given);
	libpq.PQconninfoFree(usual);
}
