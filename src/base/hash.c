/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/hash.h"

uint64_t
hash_add(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *octet = data;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ octet[i]) * UINT64_C(1099511628211);
	return hash;
}

uint64_t
hash_finish(uint64_t hash)
{
	hash ^= hash >> 29;
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	hash ^= hash >> 32;
	return hash == 0 ? 1 : hash;
}
