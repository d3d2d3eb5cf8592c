/* SPDX-License-Identifier: BSD-2-Clause */
/* PostgreSQL: one memory for several MXs. */
#ifndef STORE_PGSQL_H
#define STORE_PGSQL_H

#include "store/backend.h"

extern const struct backend_ops pgsql_ops;

#endif
