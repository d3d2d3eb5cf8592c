/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which of Postfix's settings make the filter useless or lose mail, in sentences
 * that name the remedy. Pure.
 */
#ifndef POSTFIX_ADVICE_H
#define POSTFIX_ADVICE_H

#include "postfix/settings.h"

#define POSTFIX_ADVICE_MAX  8
#define POSTFIX_ADVICE_SIZE 512

struct postfix_advice {
	char text[POSTFIX_ADVICE_MAX][POSTFIX_ADVICE_SIZE];
	size_t count;
};

struct postfix_asked {
	const struct ipnet *exempt; /* what exempt_networks comes to */
	size_t exempt_count;
	bool lacks_networks;   /* mynetworks was asked for, but postconf failed */
	unsigned max_sessions; /* tarpit.max_sessions */
	int process_limit;     /* postfix_process_limit(); -1: unknown */
};

/* settings  NULL: unknown; then only the process limit is looked at */
void postfix_advise(const struct postfix_settings *settings,
    const struct postfix_asked *asked, struct postfix_advice *advice_r);

#endif
