/* SPDX-License-Identifier: BSD-2-Clause */
/* explain: what a visit would get. */
#ifndef ADMIN_EXPLAIN_VISIT_H
#define ADMIN_EXPLAIN_VISIT_H

#include "admin/cmd.h"

/* ip  as given by --ip. Returns the exit code. */
int explain_visit_from(struct admin *admin, const char *ip);

#endif
