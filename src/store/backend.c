/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/backend.h"

#include <string.h>

#include "store/memory.h"
#ifdef WITH_PGSQL
#include "store/pgsql/pgsql.h"
#endif
#include "store/sqlite/sqlite.h"

static bool
is_server(const char *url)
{
	return strncmp(url, "postgresql://", 13) == 0 ||
	       strncmp(url, "postgres://", 11) == 0;
}

const struct backend_ops *
backend_of_url(const char *url, struct error *error)
{
	if (strcmp(url, "memory:") == 0)
		return &memory_ops;
	if (sqlite_path(url) != NULL)
		return &sqlite_ops;
	if (is_server(url)) {
#ifdef WITH_PGSQL
		return &pgsql_ops;
#else
		error_set(error, "this targrey was built without PostgreSQL "
		                 "(WITH_PGSQL): use sqlite:/path, or a build with "
		                 "it");
		return NULL;
#endif
	}
	error_set(error,
	    "%s: store.url must be \"sqlite:/path\", "
	    "\"postgresql://host/database\" or \"memory:\"",
	    url);
	return NULL;
}
