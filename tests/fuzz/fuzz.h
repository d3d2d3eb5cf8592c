/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must be so of every input. what: what it is that is not; about: the text in
 * question, or "". */
static inline void
demand(bool is_true, const char *what, const char *about)
{
	if (is_true)
		return;
	fprintf(stderr, "%s\n%s\n", what, about);
	abort();
}

#endif
