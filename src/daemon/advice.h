/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DAEMON_ADVICE_H
#define DAEMON_ADVICE_H

#include "config/config.h"
#include "postfix/advice.h"

/*
 * Compares the settings of this host's Postfix with ours: at start, at reload and
 * with -T. (blocks) for 8 s at most; see postfix/settings.h.
 */
void advice_gather(const struct config *config, struct postfix_advice *advice_r);

/* Logs each advice as a warning. */
void advice_log(const struct postfix_advice *advice);

#endif
