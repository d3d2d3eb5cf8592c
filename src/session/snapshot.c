/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/snapshot.h"

struct snapshot *
snapshot_ref(struct snapshot *snapshot)
{
	atomic_fetch_add(&snapshot->refs, 1);
	return snapshot;
}

void
snapshot_drop(struct snapshot **snapshot_ptr)
{
	struct snapshot *snapshot = *snapshot_ptr;

	if (snapshot == NULL)
		return;
	*snapshot_ptr = NULL;
	if (atomic_fetch_sub(&snapshot->refs, 1) == 1)
		snapshot->unused(snapshot->unused_ctx, snapshot);
}
