/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the running daemon says of itself: lines "key TAB value", and one
 * "hold TAB ip TAB sid TAB since TAB seconds TAB name" for each hold.
 */
#ifndef ADMIN_LIVE_H
#define ADMIN_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "query/query.h"

/*
 * The daemon counts as running when it spoke within so many seconds; it does so
 * once a minute at least.
 */
#define LIVE_SECONDS 150

struct live {
	char *text; /* taken apart in place */
	struct {
		const char *key, *value;
	} pairs[64];
	unsigned pairs_count;
	struct live_hold {
		const char *ip, *sid, *name;
		int64_t since, seconds;
	} * holds;
	unsigned holds_count;
	int64_t updated;
	bool is_running;
};

/* false with the reason; live_free() in any case */
bool live_read(
    struct query *query, int64_t now, struct live *live, struct error *error);
void live_free(struct live *live);
/* NULL when the daemon did not say it */
const char *live_value(const struct live *live, const char *key);
/* 0 when it did not say it */
int64_t live_number(const struct live *live, const char *key);

#endif
