/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the running daemon reports about itself when asked: lines "key TAB value",
 * any number of "trouble TAB text", and one "hold TAB ip TAB sid TAB since TAB
 * seconds TAB name" for each hold.
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
	LIVE_DIED,    /* there is one, but nobody listens: the daemon died */
	LIVE_SILENT,  /* it gave no complete answer in time */
	LIVE_UNKNOWN, /* it could not be asked */
	LIVE_STATES
};
extern const char *const live_state_words[LIVE_STATES];

struct live {
	enum live_state state;
	char *text; /* split in place */
	struct {
		const char *key, *value;
	} pairs[64]; /* including the troubles */
	unsigned pairs_count;
	struct live_hold {
		const char *ip, *sid, *name;
		int64_t since, seconds;
	} * holds;
	unsigned holds_count;
};

/* (blocks) Asks the daemon of that configuration. LIVE_UNKNOWN: see error. */
void live_ask(const struct config *config, struct live *live, struct error *error);
void live_clear(struct live *live);
/* NULL when the daemon did not report it */
const char *live_value(const struct live *live, const char *key);
/* 0 when the daemon did not report it */
int64_t live_number(const struct live *live, const char *key);
/* The n-th problem that the daemon reports, or NULL. */
const char *live_trouble(const struct live *live, unsigned n);
/* The n-th advice on the settings, or NULL. */
const char *live_advice(const struct live *live, unsigned n);

#endif
