/* SPDX-License-Identifier: BSD-2-Clause */
/* "memory:", for tests and for trying targrey out: nothing can be attached to it.
 */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "store/backend.h"

extern const struct backend_ops memory_ops;

#endif
