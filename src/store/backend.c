/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/backend.h"

#include <string.h>

#include "store/memory.h"
#include "store/sqlite/sqlite.h"

const struct backend_ops *
backend_of_url(const char *url, struct error *error)
{
	if (strcmp(url, "memory:") == 0)
		return &memory_ops;
	if (sqlite_path(url) != NULL)
		return &sqlite_ops;
	error_set(
	    error, "%s: store.url must be \"sqlite:/path\" or \"memory:\"", url);
	return NULL;
}
