/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers from 0 to about 10^9 in buckets 1.6 % wide: median, p95 and the like
 * of any stream in 8 KB. A value, no ownership.
 */
#ifndef REPORT_HISTOGRAM_H
#define REPORT_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 1024

struct histogram {
	uint32_t bucket[HISTOGRAM_BUCKETS];
	uint64_t count;
	double most;
};

void histogram_add(struct histogram *histogram, double number);
/* share 0..1; 0 when there is nothing */
double histogram_at(const struct histogram *histogram, double share);

#endif
