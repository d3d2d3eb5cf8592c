/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail that may be lost: of suspects, not delivered, with a sign that it may
 * have been good: SPF pass, or its sender came back. Whoever came within the
 * retry window before the end may still come.
 *
 * Names are kept of the 1024 that were tried last; the counts are of all
 * (retry_series.c).
 */
#ifndef REPORT_LOST_H
#define REPORT_LOST_H

#include <stdbool.h>
#include <stdint.h>

#include "report/doc.h"
#include "report/view.h"

#define LOST_MOST 1024

struct lost {
	struct lost_mail {
		uint64_t key; /* of the series; 0 = free */
		int64_t first, last;
		unsigned attempts;
		bool has_spf;
		char sender[80], recipient[80], client[80];
	} mail[LOST_MOST];
};

/* One more attempt that brought no mail; first: of the series. */
void lost_add(struct lost *lost, uint64_t key, const struct view *view,
    int64_t first, unsigned attempts, bool has_spf);
/* It was delivered after all. */
void lost_found(struct lost *lost, uint64_t key);
/* A table of those last tried before until; most: rows. */
void lost_write(struct lost *lost, int64_t until, size_t most, struct doc *doc);

#endif
