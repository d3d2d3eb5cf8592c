/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the running daemon says of itself, asked at this moment: lines
 * "key TAB value", any number of "trouble TAB text", and one
 * "hold TAB ip TAB sid TAB since TAB seconds TAB name" for each hold.
 */
#ifndef ADMIN_LIVE_H
#define ADMIN_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"

enum live_state {
	LIVE_RUNNING,
	LIVE_STOPPED, /* there is no socket to ask */
	LIVE_DIED,   /* there is one, but nobody listens: it ended without a stop */
	LIVE_SILENT, /* it took the question and gave no whole answer */
	LIVE_UNKNOWN, /* it could not be asked */
	LIVE_STATES
};
extern const char *const live_state_words[LIVE_STATES];

struct live {
	enum live_state state;
	char *text; /* taken apart in place */
	struct {
		const char *key, *value;
	} pairs[64]; /* troubles among them */
	unsigned pairs_count;
	struct live_hold {
		const char *ip, *sid, *name;
		int64_t since, seconds;
	} * holds;
	unsigned holds_count;
};

/* Asks the daemon of that configuration. LIVE_UNKNOWN: the reason is in error. */
void live_ask(const struct config *config, struct live *live, struct error *error);
void live_clear(struct live *live);
/* NULL when the daemon did not say it */
const char *live_value(const struct live *live, const char *key);
/* 0 when it did not say it */
int64_t live_number(const struct live *live, const char *key);
/* The n-th thing that is wrong with a running daemon, or NULL. */
const char *live_trouble(const struct live *live, unsigned n);
/* The n-th thing to look at in the settings, or NULL. */
const char *live_advice(const struct live *live, unsigned n);

#endif
