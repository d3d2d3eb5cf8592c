/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/histogram.h"

/* 32 buckets a doubling; below 32 one a number. */
#define FINE 32U

static unsigned
bucket_of(double number)
{
	uint64_t n = number < 0 ? 0 : number > 1e9 ? 1000000000U : (uint64_t)number;
	unsigned shift = 0;

	while (n >> shift >= 2ULL * FINE)
		shift++;
	return shift * FINE + (unsigned)(n >> shift);
}

static double
middle_of(unsigned bucket)
{
	if (bucket < 2 * FINE)
		return bucket;
	unsigned shift = bucket / FINE - 1;
	uint64_t low = (uint64_t)(bucket - shift * FINE) << shift;
	return (double)low + (double)(1ULL << shift) / 2;
}

void
histogram_add(struct histogram *histogram, double number)
{
	histogram->bucket[bucket_of(number)]++;
	histogram->count++;
	if (number > histogram->most)
		histogram->most = number;
}

double
histogram_at(const struct histogram *histogram, double share)
{
	double wanted = share * (double)histogram->count;
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->bucket[i];
		if (seen > 0 && (double)seen >= wanted) {
			double middle = middle_of(i);
			return middle > histogram->most ? histogram->most : middle;
		}
	}
	return 0;
}
