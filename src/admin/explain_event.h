/* SPDX-License-Identifier: BSD-2-Clause */
/* explain: what happened. */
#ifndef ADMIN_EXPLAIN_EVENT_H
#define ADMIN_EXPLAIN_EVENT_H

#include "admin/cmd.h"

/* By sid or queue id, whichever is not NULL. Returns the exit code. */
int explain_event(struct admin *admin, const char *sid, const char *queue_id);
/* By a mail's header; path "-" is standard input. Returns the exit code. */
int explain_message(struct admin *admin, const char *path);

#endif
