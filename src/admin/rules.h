/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ADMIN_RULES_H
#define ADMIN_RULES_H

#include "admin/cmd.h"
#include "lists/s25r.h"

/* The rules of --rules or of the configuration; NULL after it said why not. */
struct s25r *admin_rules(struct admin *admin);

#endif
