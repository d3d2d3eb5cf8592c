/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ADMIN_RULES_H
#define ADMIN_RULES_H

#include "admin/cmd.h"
#include "lists/list.h"
#include "lists/s25r.h"

/* The rules of --rules or of the configuration; NULL after printing the reason. */
struct s25r *admin_rules(struct admin *admin);

/*
 * The allow lists of --allow, else those of the configuration; *list_r stays NULL
 * when there are none. false after printing what is wrong with them.
 */
bool admin_allow(struct admin *admin, struct list **list_r);

/*
 * The configuration, or the defaults if there is none; NULL after printing what is
 * wrong.
 */
const struct config *admin_config_or_defaults(struct admin *admin);

#endif
