/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/block.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/log.h"

static _Thread_local int depth;

void
block_callback_enter(void)
{
	depth++;
}

void
block_callback_leave(void)
{
	assert(depth > 0);
	depth--;
}

void
block_declare(const char *what)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;

	if (depth == 0)
		return;
	if (!atomic_flag_test_and_set(&said))
		log_warnx("bug: %s inside a callback; please report this", what);
	assert(false && "a blocking primitive was reached inside a callback");
}
