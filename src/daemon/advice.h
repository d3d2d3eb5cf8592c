/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DAEMON_ADVICE_H
#define DAEMON_ADVICE_H

#include "config/config.h"
#include "postfix/advice.h"

/*
 * Reads what the Postfix beside us is set to and holds it against ours: at
 * start, at reload and by -T. (blocks for 5 s at most)
 */
void advice_gather(const struct config *config, struct postfix_advice *advice_r);

/* One warning each. */
void advice_log(const struct postfix_advice *advice);

#endif
