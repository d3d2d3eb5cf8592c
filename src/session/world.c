/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/world.h"

struct world *
world_ref(struct world *world)
{
	atomic_fetch_add(&world->refs, 1);
	return world;
}

void
world_drop(struct world **world_ptr)
{
	struct world *world = *world_ptr;

	if (world == NULL)
		return;
	*world_ptr = NULL;
	if (atomic_fetch_sub(&world->refs, 1) == 1)
		world->unused(world->unused_ctx, world);
}
