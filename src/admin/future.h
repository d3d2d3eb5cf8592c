/* SPDX-License-Identifier: BSD-2-Clause */
/* explain: what a visit would get. */
#ifndef ADMIN_FUTURE_H
#define ADMIN_FUTURE_H

#include "admin/cmd.h"

int explain_future(struct admin *admin, const char *ip);

#endif
