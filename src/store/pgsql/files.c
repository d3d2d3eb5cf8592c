/* SPDX-License-Identifier: BSD-2-Clause */
/* What libpq reads besides the server: certificates, keys, passwords. */
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

/* Of the options of PostgreSQL's manual, "Parameter Key Words". */
static void
give_options(const struct each_file *to, const PQconninfoOption *options)
{
	static const char *const names[] = {
	    "passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir"};

	for (; options != NULL && options->keyword != NULL; options++) {
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			if (strcmp(options->keyword, names[i]) != 0 ||
			    options->val == NULL || options->val[0] != '/')
				continue;
			to->each(to->ctx, options->val, false);
		}
	}
}

/* ~/.pgpass, ~/.postgresql/ of its certificates */
static void
give_home(const struct each_file *to, const char *home)
{
	static const char *const names[] = {
	    ".pgpass", ".pg_service.conf", ".postgresql/root.crt"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		int length = snprintf(path, sizeof path, "%s/%s", home, names[i]);
		if (length > 0 && (size_t)length < sizeof path &&
		    access(path, F_OK) == 0)
			to->each(to->ctx, path, false);
	}
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

	give_options(&to, given);
	give_options(&to, usual);
	if (services != NULL && services[0] == '/')
		each(ctx, services, false);
	if (user != NULL)
		give_home(&to, user->pw_dir);
	if (home != NULL)
		give_home(&to, home);
	libpq.PQconninfoFree(given);
	libpq.PQconninfoFree(usual);
}
