/* SPDX-License-Identifier: BSD-2-Clause */
/* The embedded database: one file with a write-ahead log. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/backend.h"

extern const struct backend_ops sqlite_ops;

/* The path of "sqlite:/path" or a bare path, within url; NULL if neither. */
const char *sqlite_path(const char *url);

#endif
